"""The page in a browser, with an index of uses: search, choose a point, edit senses, download."""

import csv

import pytest

from elmo.serve import app
from elmo.usages.concordance import concordance
from elmo.usages.senses.inventory import Senses
from tests.serve.browser import chromium, page_of
from tests.serve.conftest import served


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(model, index):
    with served(app(model, index)) as address:
        yield address


@pytest.fixture
def page(browser, address):
    with page_of(browser, address) as page:
        page.goto(f"{address}#view=words")
        yield page


def search(page, word="bank"):
    page.get_by_label("Word as the texts spell it").fill(word)
    page.get_by_role("button", name="Look it up").click()
    page.wait_for_selector(".lines .kwic .node button")
    page.wait_for_selector(".map .point")


def test_a_word_that_is_searched(page, index):
    page.get_by_label("Word as the texts spell it").type("ba")
    page.wait_for_selector("#suggestions option[value=bank]", state="attached")
    search(page)
    uses = concordance(index, "bank")
    assert page.locator(".map .point").count() == len(uses)
    assert f"{len(uses)} lines" in page.locator(".filter").inner_text()
    page.get_by_label("sorted by").select_option("text")
    before = " ".join(uses[0].tokens[: uses[0].place])
    page.locator(".lines td.before span").first.and_(
        page.get_by_text(before, exact=True)
    ).wait_for()
    columns = page.locator(".bars .column")
    assert [one.split("\n")[0] for one in columns.all_inner_texts()] == ["1840", "1900"]
    assert str(index.counts("bank")["1840"]) in columns.first.inner_text()


def test_a_point_and_its_line(page):
    search(page)
    last = page.locator(".map .point").last
    use = last.get_attribute("data-use")
    last.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(f".lines tr.chosen[data-use='{use}']")
    page.wait_for_selector(".map .ring")
    assert page.locator("#near tr").first.get_attribute("data-use") == use
    other = page.locator(".lines tr:not(.chosen) .node button").first
    wanted = page.locator(".lines tbody tr:not(.chosen)").first.get_attribute("data-use")
    other.click()
    page.wait_for_selector(f"#near tr[data-use='{wanted}'].chosen")
    point = page.locator(f".map .point[data-use='{wanted}']")
    ring = page.locator(".map .ring")
    assert ring.get_attribute("transform") == point.get_attribute("transform")


def test_senses_are_renamed_split_and_merged(page, index):
    search(page)
    page.get_by_role("button", name="Rename sense 1").click()
    page.get_by_label("Name of sense 1").fill("river <i>bank</i>")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="river <i>bank</i>", exact=True).wait_for()
    assert Senses.read(index.folder, "bank").sense(1).name == "river <i>bank</i>"
    before = page.locator(".senses .list > li").count()
    page.get_by_role("button", name="Split sense 2").click()
    page.locator(".senses .list > li").nth(before).wait_for()
    parts = page.locator(".senses .list > li").count()
    page.get_by_label("mark sense 2").check()
    page.get_by_label(f"mark sense {parts}").check()
    page.get_by_role("button", name="Merge the marked").click()
    page.locator(".senses .list > li").nth(parts - 1).wait_for(state="detached")
    kept = Senses.read(index.folder, "bank")
    assert len(kept.senses) == parts - 1 and len(kept.edits) == 3


def test_lines_of_one_sense_in_one_period_come_back_by_a_link(page, browser, address):
    search(page)
    page.get_by_role("button", name="sense 2", exact=True).click()
    page.locator(".filter", has_text="of sense 2").wait_for()
    page.locator(".bars .column").last.click()
    page.locator(".filter", has_text="of 1900").wait_for()
    before = page.locator(".lines").inner_text()
    with page_of(browser, address) as other:
        other.goto(page.url)
        other.wait_for_selector(".lines .kwic .node button")
        assert other.locator(".lines").inner_text() == before
        assert (
            other.get_by_role("button", name="sense 2", exact=True).get_attribute("aria-pressed")
            == "true"
        )
        other.get_by_role("button", name="show all").click()
        other.locator(".filter").filter(has_not_text="of").wait_for()


def test_a_download(page, index):
    search(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename == "bank.csv"
    with open(waiting.value.path(), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == index.count("bank")


def test_a_word_without_uses(browser, address):
    with page_of(browser, address, refusals=True) as page:
        page.goto(f"{address}#view=words&word=bnak")
        page.wait_for_selector("#notice:not([hidden])")
        assert "spelled like it: bank" in page.locator("#notice").inner_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page(browser, address, width):
    with page_of(browser, address, viewport={"width": width, "height": 900}) as page:
        page.goto(f"{address}#view=words")
        search(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
