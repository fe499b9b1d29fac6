"""The workshop on the page: the text of docs/workshop.md, which drives the panels; and the runs that were recorded."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from lab.stack.compose_file import ROOT
from tests.browser.conftest import TIMEOUT_MS

TEXT = (ROOT / "docs" / "workshop.md").read_text()
EPISODES = re.findall(r"^## (\d\. .+)$", TEXT, re.MULTILINE)
RECORDED = ROOT / "nginx" / "html" / "recorded"


@pytest.fixture
def guide(front: Page) -> Locator:
    front.keyboard.press("g")
    return front.locator("#guide")


def shown(guide: Locator) -> Locator:
    return guide.locator("article:not([hidden])")


def test_the_guide_leads_through_every_episode_of_the_workshop_and_back(guide: Locator) -> None:
    for episode in EPISODES:
        expect(shown(guide).locator("h2")).to_have_text(episode)
        if episode != EPISODES[-1]:
            guide.get_by_role("button", name="Next").click()
    expect(guide.get_by_role("button", name="Next")).to_be_disabled()
    guide.page.keyboard.press("ArrowLeft")
    expect(shown(guide).locator("h2")).to_have_text(EPISODES[-2])


def test_the_ten_minute_version_is_the_plan_of_the_text(guide: Locator) -> None:
    plan = TEXT.partition("## In ten minutes")[2].partition("\n## ")[0]
    numbers = re.findall(r"^\| (\d+) \| \[[^\]]+\]\(#(\d)", plan, re.MULTILINE)
    guide.get_by_label("ten minutes").check()
    for place, (minutes, episode) in enumerate(numbers, 1):
        expect(guide.locator("#guide-place")).to_have_text(
            re.compile(rf"^{place} of {len(numbers)}, {minutes} minutes: ")
        )
        expect(shown(guide).locator("h2")).to_have_text(re.compile(rf"^{episode}\. "))
        if place < len(numbers):
            guide.get_by_role("button", name="Next").click()
    assert sum(int(minutes) for minutes, _ in numbers) == 10


def test_all_that_a_step_names_can_be_pressed(guide: Locator) -> None:
    steps = "//p[starts-with(., 'Run.') or starts-with(., 'Exercise.')]"
    assert guide.locator(f"xpath={steps}//em").all_text_contents() == []  # what is left is not on the page
    assert guide.locator(".press").count() > 20


def test_pressing_the_steps_of_an_episode_plays_it(guide: Locator) -> None:
    guide.get_by_role("button", name="Next").click()
    run = shown(guide).locator("p").filter(has_text=re.compile(r"^Run\."))
    for name in ("wait 100 ms", "Race"):
        run.get_by_role("button", name=name, exact=True).click()
    says = guide.page.locator("#race .says")
    expect(says).to_contain_text("fastapi: all 60", timeout=TIMEOUT_MS)
    exercise = shown(guide).locator("p").filter(has_text=re.compile(r"^Exercise\."))
    exercise.get_by_role("button", name="ten database queries").click()
    expect(guide.page.locator("#race").get_by_label(re.compile("^Work"))).to_have_value("db")


def test_on_the_wall_the_guide_shows_the_panel_of_its_episode(guide: Locator) -> None:
    guide.page.keyboard.press("p")
    visible = guide.page.locator("main > section:visible")
    for panel in ("race", "first-minute", "websocket", "claims"):
        guide.page.keyboard.press("ArrowRight")
        expect(visible).to_have_attribute("id", panel)


# Recorded runs


def playing_recorded(page: Page) -> list[str]:
    """The page plays what was recorded from now on; returns what it asks the rows meanwhile, but for the neighbour."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if re.search(r"/(flask|fastapi)[\w-]*/(timed|wait)", request.url):
            asked.append(request.url)

    page.on("request", note)
    page.get_by_role("button", name="Recorded").click()
    return asked


@pytest.mark.parametrize("episode", ["start", "fix-40", "fix-gevent", "break"])
def test_a_recorded_first_minute_plays_in_its_panel_and_says_that_it_is_recorded(front: Page, episode: str) -> None:
    run = json.loads((RECORDED / f"first-minute-{episode}.json").read_text())
    asked, panel = playing_recorded(front), front.locator("#first-minute")
    front.locator(f"[data-episode={episode}]").click()
    expect(panel.locator(".recorded")).to_have_text(f"Recorded, {run['recorded']}, {run['machine']}")
    expect(panel.locator(".says")).not_to_be_empty(timeout=TIMEOUT_MS)
    for lane, big in zip(run["lanes"], panel.locator(".big").all(), strict=True):
        last_two_seconds = sum(4000 <= at <= 6000 for client in lane["came"] for at in client)
        expect(big).to_have_text(f"{(last_two_seconds + 1) // 2:,}")
    assert asked == []


@pytest.mark.parametrize("work", ["wait", "blocking", "cpu", "db"])
def test_a_recorded_race_plays_in_its_panel_and_says_that_it_is_recorded(front: Page, work: str) -> None:
    run = json.loads((RECORDED / f"race-{work}.json").read_text())
    asked, panel = playing_recorded(front), front.locator("#race")
    panel.get_by_label(re.compile("^Work")).select_option(work)
    panel.get_by_role("button", name="Race", exact=True).click()
    expect(panel.locator(".recorded")).to_have_text(f"Recorded, {run['recorded']}, {run['machine']}")
    for racer in run["racers"]:
        took = max(bar["received"] for bar in racer["bars"])
        expect(panel.locator(".says")).to_contain_text(f"{racer['row']}: all {run['count']} after", timeout=TIMEOUT_MS)
        expect(panel.locator(f"[data-racer={racer['row']}] svg")).to_have_attribute(
            "aria-label", f"{racer['row']}: {run['count']} requests, {round(took):,} ms"
        )
    assert asked == []
