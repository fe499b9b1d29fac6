"""`make pictures`: the pictures of the README and the page's recorded runs, from a real stack and a real browser."""

import json
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.native import NativeStack
from tests.browser.conftest import CHROMIUM, FLAGS, opened

PICTURES = ROOT / "docs" / "pictures"
RECORDED = ROOT / "nginx" / "html" / "recorded"
TIMEOUT_MS = 60_000
LISTEN = """() => {
    window.runs = [];
    const keep = (event) => window.runs.push(event.detail);
    document.querySelectorAll("main > section").forEach((section) => section.addEventListener("ran", keep));
}"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    RECORDED.mkdir(exist_ok=True)
    with NativeStack(ComposeFile(), ("variants",)) as stack, browsing(stack.https) as page:
        page.evaluate(LISTEN)
        first_minute(page)
        races(page)
        for run in page.evaluate("() => window.runs"):
            record(run)
    print(*sorted(PICTURES.iterdir()), *sorted(RECORDED.iterdir()), sep="\n")


def first_minute(page: Page) -> None:
    for button in page.locator("[data-episode]").all():
        button.click()
        if button.get_attribute("data-episode") == "start":
            page.wait_for_timeout(4000)  # in the middle of it
            page.screenshot(path=PICTURES / "first-minute.png", clip={"x": 0, "y": 0, "width": 1366, "height": 570})
        expect(button).to_be_enabled(timeout=TIMEOUT_MS)


def races(page: Page) -> None:
    page.set_viewport_size({"width": 1366, "height": 3000})  # the neighbour's strip stays below it
    race = page.locator("#race")
    for work in ("blocking", "cpu", "db", "wait"):
        race.get_by_label(re.compile("^Work")).select_option(work)
        race.get_by_role("button", name="Race", exact=True).click()
        expect(race.locator(".says")).to_contain_text("fastapi: all 60", timeout=TIMEOUT_MS)
    race.screenshot(path=PICTURES / "race.png")


def record(run: dict[str, Any]) -> None:
    """Into a file that the page plays: times in ms, to a tenth."""
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"
    told = {"recorded": time.strftime("%d %B %Y", time.gmtime()), "machine": machine}
    text = json.dumps(rounded(told | run), separators=(",", ":"))
    (RECORDED / f"{run['name']}.json").write_text(text + "\n")


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 1) if isinstance(value, float) else value


@contextmanager
def browsing(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 800})
        page = context.new_page()
        opened(page, url)
        yield page
        browser.close()


if __name__ == "__main__":
    main()
