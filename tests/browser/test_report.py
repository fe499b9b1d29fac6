"""The report as a browser shows and prints it: one file, opened from disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from lab.report import report
from lab.run import results
from tests.browser.conftest import FLAGS
from tests.unit import runs

NAMES = ("one-at-a-time", "concurrent", "io-bound", "basic-cost", "where-from", "trap-generator")
PAGES_BESIDE = 2  # of the picture with the rows, and of what follows the claims


def speeds(level: str, arm: str, number: int) -> tuple[float, float]:
    clients = max(int(level or 1), 1)
    return min(clients, 8 if arm == "flask" else 1000) / 0.05, 240 if arm == "flask" else 110


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Without a stack: the report needs none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return report.write(results.read(runs.write(folder, {name: runs.results(name, speeds) for name in NAMES})))


@pytest.fixture
def asked(context: BrowserContext) -> list[str]:
    """Every address that a page asks for."""
    urls: list[str] = []
    context.on("request", lambda request: urls.append(request.url))
    return urls


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_is_cut_off_axe_finds_nothing_and_nothing_is_asked_of_elsewhere(
    page: Page, path: Path, asked: list[str], width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [path.as_uri()]
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_on_a_phone_the_first_screen_has_a_verdict_its_sentence_and_its_marks(page: Page, path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path.as_uri())
    first = page.locator(".claims > li").first
    for part in (first.locator(".verdict"), first.locator("p").nth(1), first.locator(".strip circle").first):
        box = part.bounding_box()
        assert box and box["y"] + box["height"] < 844 and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_mark_stands_on_the_side_of_the_row_that_is_better(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    line = page.locator("#basic-cost .line").first  # FastAPI needs less CPU here
    box, mark = line.locator("svg").bounding_box(), line.locator("circle.matters").bounding_box()
    assert line.locator(".ends span").all_inner_texts() == ["← flask", "fastapi →"]
    assert box and mark and mark["x"] > box["x"] + box["width"] / 2


def test_charts_are_light_on_dark_in_the_dark_and_dark_on_white_on_paper(page: Page, path: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(path.as_uri())
    ink = "getComputedStyle(document.querySelector('figure svg text')).fill"
    paper = "getComputedStyle(document.querySelector('figure svg')).backgroundColor"
    assert page.evaluate(ink) == "rgb(230, 232, 235)" and page.evaluate(paper) == "rgba(0, 0, 0, 0)"
    page.emulate_media(media="print")
    assert page.evaluate(ink) == "rgb(0, 0, 0)"


def test_each_claim_is_printed_on_one_page_of_its_own(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") == len(NAMES) + PAGES_BESIDE


def test_the_audit_is_folded_away_and_opens_by_keyboard(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    audit = page.locator("#audit details")
    assert not audit.locator("table").is_visible()
    audit.locator("summary").press("Enter")
    assert audit.locator("table").is_visible()
