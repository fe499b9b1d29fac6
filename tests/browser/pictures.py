"""`make pictures`: the pictures of the README, from a real stack and a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.native import NativeStack
from tests.browser.conftest import CHROMIUM, FLAGS

PICTURES = ROOT / "docs" / "pictures"
TIMEOUT_MS = 60_000


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with NativeStack(ComposeFile(), ("variants",)) as stack, opened(stack.https) as page:
        page.locator("[data-episode=start]").click()
        page.wait_for_timeout(4000)  # in the middle of it
        page.screenshot(path=PICTURES / "first-minute.png", clip={"x": 0, "y": 0, "width": 1366, "height": 570})
        expect(page.locator("[data-episode=start]")).to_be_enabled(timeout=TIMEOUT_MS)
        page.set_viewport_size({"width": 1366, "height": 3000})  # the neighbour's strip stays below it
        race = page.locator("#race")
        race.get_by_role("button", name="Race", exact=True).click()
        expect(race.locator(".says")).to_contain_text("fastapi: all 60", timeout=TIMEOUT_MS)
        race.screenshot(path=PICTURES / "race.png")
    print(*sorted(PICTURES.iterdir()), sep="\n")


@contextmanager
def opened(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 800})
        page = context.new_page()
        page.goto(url)
        expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)
        yield page
        browser.close()


if __name__ == "__main__":
    main()
