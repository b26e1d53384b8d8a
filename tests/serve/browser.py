"""A headless Chromium of the system, driven by Playwright; tests skip where there is none."""

import contextlib
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT = 60_000  # milliseconds


@contextlib.contextmanager
def chromium():
    """A browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of(browser, address, refusals=False, **options):
    """A page whose errors, blocked contents among them, and requests to elsewhere fail the test.

    Chromium writes an answer of 4xx to its console as an error; `refusals` lets these be.
    """
    context = browser.new_context(accept_downloads=True, **options)
    context.set_default_timeout(WAIT)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def hear(said):
        if said.type == "error" and not (refusals and "Failed to load resource" in said.text):
            wrong.append(said.text)

    page.on("console", hear)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((address, "blob:")) else wrong.append(asked.url),
    )
    try:
        yield page
        assert not wrong, wrong
    finally:
        context.close()
