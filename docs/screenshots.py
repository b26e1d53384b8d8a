"""Pictures of the page, in light and dark.

    python docs/screenshots.py MODEL [--usages DIR] [-o docs/images]

Needs the extras `serve` and `usages`, and Chromium with Playwright (extra `test`).
"""

from __future__ import annotations

import argparse
import shutil
import threading
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from playwright.sync_api import Browser, sync_playwright

import elmo
from elmo.serve import app
from elmo.serve.running import address_of, listen

SCHEMES = ("light", "dark")
WIDTHS = {"": 1280, "-narrow": 390}
HEIGHTS = {"": 900, "-narrow": 1200}
SENTENCE = "she sat on the bank of the river and counted her money ."
SECOND = "he went to the bank to borrow money ."
WAIT = 180_000  # milliseconds: the first answer compiles


def shoot(browser: Browser, url: str, wait: str, output: Path, narrow: bool) -> list[Path]:
    """Pictures of one view.

    Args:
        browser: a Chromium.
        url: of the view.
        wait: a selector that is there once it is whole.
        output: the name without scheme and ending.
        narrow: as a phone shows it too.
    """
    written = []
    for suffix, width in WIDTHS.items():
        if suffix and not narrow:
            continue
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHTS[suffix]},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector(wait, timeout=WAIT)
            page.wait_for_load_state("networkidle", timeout=WAIT)
            path = output.with_name(f"{output.name}{suffix}-{scheme}.png")
            page.screenshot(path=path, full_page=not suffix)
            context.close()
            written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--usages")
    parser.add_argument("--word", default="awful")
    parser.add_argument("--sentence", default=SENTENCE)
    parser.add_argument("--second", default=SECOND)
    parser.add_argument("--at", type=int, default=4, help="the place whose substitutes are shown")
    parser.add_argument("--narrow", action="store_true", help="as a phone shows it too")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    listening = listen("127.0.0.1", 0)
    application = app(elmo.load(given.model), given.usages, name=Path(given.model).name)
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = address_of(listening)
    sentence = {
        "view": "sentence",
        "sentence": given.sentence,
        "at": given.at,
        "second": given.second,
    }
    views = {"page-sentence": (sentence, ".matrix td.number")}
    if given.usages:
        views["page-words"] = ({"view": "words", "word": given.word}, ".map .point")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for name, (view, wait) in views.items():
                url = f"{address}#{urlencode(view)}"
                for path in shoot(browser, url, wait, given.output / name, given.narrow):
                    print(path)
            browser.close()
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
