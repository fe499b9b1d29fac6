"""A native stack and a real browser before it: Debian's Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from lab.stack.compose_file import ComposeFile
from lab.stack.native import NativeStack
from tests.e2e.stacks import plain_environ, started

CHROMIUM = Path("/usr/bin/chromium")
TIMEOUT_MS = 30_000
NETWORK = "ERR_NETWORK_CHANGED"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def chromium() -> Path:
    if not CHROMIUM.exists():
        assert not os.environ.get("CI"), f"CI must run the browser tests, and there is no {CHROMIUM}"
        pytest.skip(f"no browser: there is no {CHROMIUM}")
    return CHROMIUM


@pytest.fixture(scope="module")
def stack(chromium: Path) -> Iterator[NativeStack]:
    with started(NativeStack(ComposeFile(environ=plain_environ()), ("variants",))) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser(chromium: Path, stack: NativeStack) -> Iterator[Browser]:
    """Ends before the stack does, which then looks for processes that are left."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(ignore_https_errors=True)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; what its console complains of fails the test."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(f"{said.text} {said.location}") if is_complaint(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not complaints


@pytest.fixture
def front(page: Page, stack: NativeStack) -> Page:
    """The first page, ready to be used."""
    opened(page, stack.https)
    return page


def opened(page: Page, url: str) -> None:
    """Once more where the machine got or lost a network meanwhile, and with it a module of the page."""
    lost: list[Request] = []
    page.on("requestfailed", lambda request: lost.append(request) if NETWORK in (request.failure or "") else None)
    ready = page.locator("html[data-ready=yes]")
    page.goto(url)
    try:
        expect(ready).to_be_attached(timeout=TIMEOUT_MS)
    except AssertionError:
        if not lost:
            raise
        page.goto(url)
        expect(ready).to_be_attached(timeout=TIMEOUT_MS)


def is_complaint(said: ConsoleMessage) -> bool:
    """Not that the machine got or lost a network, as with every container that starts: the page asks again."""
    return said.type == "error" and NETWORK not in said.text
