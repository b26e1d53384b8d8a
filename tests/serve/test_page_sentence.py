"""The page in a browser, with a model alone: type, choose, compare, come back by a link."""

import math
import re

import pytest

from elmo.serve import app
from tests.language.conftest import nearly
from tests.serve.browser import chromium, page_of
from tests.serve.conftest import served

SENTENCE = "the old cat xyz sang"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tiny):
    with served(app(tiny, name="tiny")) as address:
        yield address


@pytest.fixture
def page(browser, address):
    with page_of(browser, address) as page:
        page.goto(address)
        yield page


def read(page, sentence=SENTENCE):
    page.get_by_label("Sentence tokens").fill(sentence)
    page.keyboard.press("Enter")
    page.wait_for_selector(".tokens button")
    return page.locator(".tokens button")


def test_a_sentence_that_is_typed(page, tiny):
    buttons = read(page)
    scores = tiny.score([SENTENCE])
    inside = (scores.position > 0) & (scores.position < 6)
    bits = scores.surprisal_bits[inside].reshape(-1, 2).mean(axis=1)
    shown = [one.inner_text() for one in buttons.all()]
    assert [re.split(r"\s", text)[0] for text in shown] == SENTENCE.split()
    nearly([round(float(b), 1) for b in bits], [float(re.search(r"\d+\.\d", t)[0]) for t in shown])
    assert "unknown word" in buttons.nth(3).text_content()
    heat = [float(one.evaluate("e => e.style.getPropertyValue('--heat')")) for one in buttons.all()]
    assert heat == [
        pytest.approx(min(1, b / math.log2(len(tiny.vocabulary))), abs=1e-3) for b in bits
    ]
    assert "perplexity" in page.locator(".sums").inner_text()
    assert "5 tokens" in page.locator("#status").text_content()


def test_the_side_that_predicts(page, tiny):
    buttons = read(page)
    scores = tiny.score([SENTENCE])
    for side, name in (("from the left", "forward"), ("from the right", "backward")):
        page.get_by_role("radio", name=side, exact=True).check()
        mine = (scores.direction == name) & (scores.position == 1)
        assert f"{scores.surprisal_bits[mine][0]:.1f}" in buttons.nth(0).inner_text()


def test_substitutes_by_keyboard_alone(page, tiny):
    buttons = read(page)
    buttons.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".substitutes li")
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    found = [one.inner_text() for one in page.locator(".substitutes .word").all()]
    assert found == [word for word, _ in tiny.substitutes(SENTENCE, 2, top_k=12)]
    page.get_by_role("radio", name="left", exact=True).check()
    wanted = [word for word, _ in tiny.substitutes(SENTENCE, 2, top_k=12, combine="forward")]
    first = page.locator(".substitutes .word").first
    first.and_(page.get_by_text(wanted[0], exact=True)).wait_for()
    assert page.locator(".substitutes .word").all_inner_texts() == wanted


def test_a_second_sentence_layer_by_layer(page, tiny):
    read(page)
    page.get_by_label("Second sentence").fill("a bird")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector(".matrix td.number")
    one, two = tiny.embed([SENTENCE, "a bird"], layers="all")
    for layer, name in ((2, "2"), (0, "0, the token")):
        page.get_by_role("radio", name=name, exact=True).check()
        a, b = one[layer, 1], two[layer, 0]
        wanted = a @ b / (a @ a) ** 0.5 / (b @ b) ** 0.5
        cell = page.locator(".matrix tbody tr").nth(1).locator("td").first
        assert abs(float(cell.inner_text().replace("−", "-")) - wanted) < 0.006


def test_a_link_brings_the_same_view_back(page, browser, address):
    read(page).nth(1).click()
    page.wait_for_selector(".substitutes li")
    page.get_by_role("radio", name="from the right", exact=True).check()
    page.get_by_label("Second sentence").fill("a bird")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector(".matrix td.number")
    before = page.locator("main").inner_text()
    with page_of(browser, address) as other:
        other.goto(page.url)
        other.wait_for_selector(".matrix td.number")
        other.wait_for_selector(".substitutes li")
        assert other.locator("main").inner_text() == before
        assert other.locator(".tokens button").nth(1).get_attribute("aria-pressed") == "true"


def test_what_is_refused_is_shown(browser, address):
    with page_of(browser, address, refusals=True) as page:
        page.goto(address)
        page.get_by_label("Sentence tokens").fill("a " * 201)
        page.keyboard.press("Enter")
        page.wait_for_selector("#notice:not([hidden])")
        assert "give at most 200" in page.locator("#notice").inner_text()


def test_text_from_right_to_left_and_markup(page):
    buttons = read(page, "שלום <b>the</b> عالم")
    assert page.locator(".tokens").get_attribute("dir") == "rtl"
    assert "<b>the</b>" in buttons.nth(1).inner_text()
    assert buttons.nth(0).bounding_box()["x"] > buttons.nth(2).bounding_box()["x"]
    assert page.locator("b").count() == 0


def test_punctuation_is_separated(page):
    page.get_by_label("Sentence tokens").fill("the cat, (old) sang.")
    page.get_by_role("button", name="Separate the punctuation").click()
    assert page.get_by_label("Sentence tokens").input_value() == "the cat , ( old ) sang ."
