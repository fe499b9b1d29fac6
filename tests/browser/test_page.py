"""The first page as a room sees it: the first minute, the race by the server's clock, sockets, streams, what runs."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, Response, ViewportSize, expect

from lab.stack.native import NativeStack

TIMEOUT_MS = 30_000
WIDTHS: tuple[ViewportSize, ...] = (
    {"width": 390, "height": 844},
    {"width": 1366, "height": 768},
    {"width": 1920, "height": 1080},
)


@pytest.fixture
def front(page: Page, stack: NativeStack) -> Page:
    opened(page, stack)
    return page


def opened(page: Page, stack: NativeStack) -> None:
    page.goto(stack.https)
    expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)


def numbers(lanes: Locator) -> list[int]:
    return [int(text.replace(",", "")) for text in lanes.locator(".big").all_inner_texts()]


# The first minute


@pytest.mark.parametrize(
    ("episode", "said"),
    [
        ("start", ["8 threads, each held for 100 ms: 8 ÷ 0.1 s = 80 at most", "64 ÷ 0.1 s = 640 at most"]),
        ("fix-40", ["40 threads, each held for 100 ms: 40 ÷ 0.1 s = 400 at most"]),
        ("fix-gevent", ["flask-gevent answered"]),
        ("break", ["the call blocks the event loop, so one request at a time: 1 ÷ 0.1 s = 10"]),
    ],
)
def test_one_click_shows_two_numbers_and_the_formula_behind_each(front: Page, episode: str, said: list[str]) -> None:
    panel = front.locator("#first-minute")
    front.locator(f"[data-episode={episode}]").click()
    for text in said:
        expect(panel.locator(".says")).to_contain_text(text, timeout=TIMEOUT_MS)
    first, second = numbers(panel)
    assert first > 0 and second > 0
    if episode == "start":
        assert first <= 81 and second > 1.5 * first  # eight threads cannot do more; an event loop does
    if episode == "break":
        assert second <= 11


# The race


@pytest.mark.parametrize(("work", "kind"), [("wait", "in-asgi"), ("cpu", "in-asgi"), ("db", "in-asgi")])
def test_every_bar_of_the_race_is_what_the_servers_clock_says(front: Page, work: str, kind: str) -> None:
    told: dict[str, list[int]] = {"flask": [], "fastapi": []}

    def note(response: Response) -> None:
        if found := re.search(r"/(flask|fastapi)/timed/(?!wait\?ms=0)", response.url):
            said = json.loads(response.text())
            told[found[1]].append(round(said["ended_ms"] - said["began_ms"]))

    front.on("response", note)
    panel = front.locator("#race")
    panel.get_by_label("Work").select_option(work)
    panel.get_by_label("Requests").fill("24")
    panel.get_by_role("button", name="Race", exact=True).click()
    expect(panel.locator(".says")).to_contain_text("fastapi: all 24", timeout=TIMEOUT_MS)
    for row, bars in (("flask", ".in-wsgi"), ("fastapi", f".{kind}")):
        titles = panel.locator(f"[data-racer={row}] {bars} title").all_text_contents()
        shown = [int(re.findall(r"in the service ([\d,]+) ms", title)[0].replace(",", "")) for title in titles]
        assert len(shown) == len(told[row]) == 24
        assert sorted(shown) == pytest.approx(sorted(told[row]), abs=1)


def test_flasks_threads_make_a_staircase_and_the_event_loop_a_wall(front: Page) -> None:
    panel = front.locator("#race")
    panel.get_by_role("button", name="Race", exact=True).click()
    says = panel.locator(".says")
    expect(says).to_contain_text("flask: all 60", timeout=TIMEOUT_MS)
    expect(says).to_contain_text("on 8 threads")
    expect(says).to_contain_text("60 ÷ 8 threads × 0.1 s = 0.8 s at least")
    expect(says).to_contain_text("on 1 thread")
    expect(says).to_contain_text("fastapi was")
    assert front.url.endswith("#race=flask,fastapi,wait,60")  # kept as a link


def test_a_race_kept_as_a_link_is_set_up_again(page: Page, stack: NativeStack) -> None:
    page.goto(f"{stack.https}/#race=flask-gevent,fastapi,cpu,12")
    expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)
    expect(page.locator("#race select").first).to_have_value("flask-gevent")
    expect(page.locator("#race").get_by_label("Requests")).to_have_value("12")


# Sockets and streams


def test_sockets_take_flasks_threads_until_plain_requests_die_and_closing_them_brings_it_back(
    context: BrowserContext, stack: NativeStack
) -> None:
    page = context.new_page()  # whose console says that a socket did not open: that is the lesson
    opened(page, stack)
    panel = page.locator("#websocket")
    panel.get_by_role("button", name="Open sockets").click()
    expect(panel.locator(".says")).to_contain_text("flask holds 8 WebSockets and opens no more", timeout=TIMEOUT_MS)
    expect(panel.locator(".says")).to_contain_text("Its 8 threads are all held")
    expect(page.locator("[data-row=flask] .state")).to_have_text("no answer in 3 s", timeout=TIMEOUT_MS)
    panel.get_by_role("button", name="Close them").click()
    expect(page.locator("[data-row=flask] .state")).to_have_text("answers", timeout=TIMEOUT_MS)


def test_an_event_loop_holds_all_the_sockets_that_are_asked_for(front: Page) -> None:
    panel = front.locator("#websocket")
    panel.get_by_label("Row").select_option("fastapi")
    panel.get_by_role("button", name="Open sockets").click()
    expect(panel.locator(".says")).to_contain_text("fastapi holds 32 WebSockets", timeout=TIMEOUT_MS)


def test_streams_of_both_rows_come_event_by_event(front: Page) -> None:
    panel = front.locator("#streams")
    panel.get_by_role("button", name="Stream 12 events").click()
    expect(panel.locator(".says")).to_contain_text("flask: 12 events", timeout=TIMEOUT_MS)
    expect(panel.locator(".says")).to_contain_text("fastapi: 12 events")


# The page itself


def test_it_is_used_by_keyboard_alone_and_shows_one_panel_on_the_wall(front: Page) -> None:
    front.keyboard.press("p")
    visible = front.locator("main > section:visible")
    expect(visible).to_have_attribute("id", "first-minute")
    front.keyboard.press("ArrowRight")
    expect(visible).to_have_attribute("id", "race")
    front.keyboard.press("ArrowLeft")
    front.keyboard.press("Tab")
    expect(front.locator("[data-episode=start]")).to_be_focused()
    front.keyboard.press("p")
    expect(visible).to_have_count(6)


def test_reset_brings_the_page_back_to_where_it_began(front: Page) -> None:
    panel = front.locator("#first-minute")
    front.locator("[data-episode=start]").click()
    expect(panel.locator(".lane")).to_have_count(2)
    front.get_by_role("button", name="Reset").click()
    expect(panel.locator(".lane")).to_have_count(0)
    expect(front.locator("[data-episode=start]")).to_be_enabled(timeout=TIMEOUT_MS)


@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_axe_finds_nothing(front: Page, size: ViewportSize, scheme: str) -> None:
    front.set_viewport_size(size)
    front.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    front.locator("[data-episode=start]").click()
    expect(front.locator("#first-minute .says")).not_to_be_empty(timeout=TIMEOUT_MS)
    assert front.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(front)
    assert found.violations_count == 0, found.generate_report()


def test_it_needs_nothing_from_elsewhere_and_nothing_inline(front: Page, stack: NativeStack) -> None:
    policy = front.request.get(stack.https).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    loaded: list[str] = front.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    assert loaded and all(url.startswith(stack.https) for url in loaded)


def test_the_neighbours_latency_is_drawn_through_every_episode(front: Page) -> None:
    for row in ("flask", "fastapi"):
        expect(front.locator(f"[data-victim={row}] strong")).to_have_text(re.compile(r"^[\d,.]+ ms$"))
    front.locator("[data-episode=break]").click()
    slow = front.locator("[data-victim=fastapi] strong")
    expect(slow).to_have_text(re.compile(r"^([\d,]{3,} ms|none in 2 s)$"), timeout=TIMEOUT_MS)  # the loop is blocked


def test_every_row_says_what_it_really_runs(front: Page, stack: NativeStack) -> None:
    for row in stack.rows:
        line = front.locator(f"[data-row={row.name}]")
        expect(line.locator(".server")).to_have_text(
            re.compile(rf"^{row.server} \d+\.\d+.*, Python 3\.\d+"), timeout=TIMEOUT_MS
        )
        expect(line.locator(".runs")).to_have_text(re.compile(r"^1 on \d+ CPU"))
