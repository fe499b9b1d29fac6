"""The first page as a room sees it: the first minute, the race by the server's clock, sockets, streams, what runs."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Response, ViewportSize, WebSocket, expect

from lab.stack.native import NativeStack
from tests.browser.conftest import TIMEOUT_MS

WIDTHS: tuple[ViewportSize, ...] = (
    {"width": 390, "height": 844},
    {"width": 1280, "height": 800},
    {"width": 1920, "height": 1080},
)
PANELS = ("first-minute", "race", "tiles", "echo", "broadcast", "websocket", "streams", "claims", "rows", "room")
CONTROLS = ":is(button, select, input, a, summary):visible:not(:disabled)"
# The button that starts a panel, and what then can be seen in it.
STARTS = {
    "first-minute": "64 clients",
    "race": "Race",
    "tiles": "Load 100 tiles",
    "echo": "Connect to both",
    "broadcast": "Join both",
    "websocket": "Open sockets",
    "streams": "Open 4 streams",
}
SHOWN = {
    "first-minute": ".lane .wait-0",
    "race": ".chart rect",
    "tiles": ".tiles .wait-3",
    "echo": "polyline",
    "broadcast": ".messages p",
    "websocket": ".wait-3",
    "streams": ".events .wait-3",
}
CUT_OFF = """() => {
    const page = document.documentElement;
    const wide = page.scrollWidth > window.innerWidth ? ["the page"] : [];
    const out = [...document.querySelectorAll("main section")].flatMap((section) => {
        const edge = section.getBoundingClientRect().right;
        return [...section.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > edge + 1);
    });
    return [...wide, ...out.map((each) => each.outerHTML.slice(0, 200))];
}"""


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
    panel.get_by_label(re.compile("^Work")).select_option(work)
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
    expect(visible).to_have_count(len(PANELS))


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_is_reached_and_used_by_keyboard_alone(front: Page, panel: str) -> None:
    front.keyboard.press("p")
    for _ in range(PANELS.index(panel)):
        front.keyboard.press("ArrowRight")
    section = front.locator(f"#{panel}")
    expect(section).to_be_focused()
    controls = section.locator(CONTROLS)
    for place in range(controls.count()):
        front.keyboard.press("Tab")
        expect(controls.nth(place)).to_be_focused()
    if panel in STARTS:
        section.get_by_role("button", name=STARTS[panel]).first.focus()
        front.keyboard.press("Enter")
        expect(section.locator(SHOWN[panel]).first).to_be_visible(timeout=TIMEOUT_MS)
        front.keyboard.press("r")
        expect(section.locator(SHOWN[panel])).to_have_count(0)


@pytest.mark.parametrize(
    ("panel", "path"), [("first-minute", "/wait?"), ("race", "/timed/"), ("tiles", "/wait?"), ("streams", "/timed/")]
)
def test_after_a_reset_no_request_of_a_panel_goes_out_any_more(front: Page, panel: str, path: str) -> None:
    asked: list[str] = []
    section, start = front.locator(f"#{panel}"), STARTS[panel]
    section.get_by_role("button", name=start).click()
    expect(section.locator(SHOWN[panel]).first).to_be_visible(timeout=TIMEOUT_MS)
    front.get_by_role("button", name="Reset").click()
    front.wait_for_timeout(300)  # what was on its way
    front.on("request", lambda request: asked.append(request.url) if path in request.url else None)
    front.wait_for_timeout(1500)
    assert asked == []
    expect(section.locator(".says")).to_be_empty()
    expect(section.get_by_role("button", name=start)).to_be_enabled(timeout=TIMEOUT_MS)


def test_a_reset_closes_the_sockets_and_opens_no_further_ones(front: Page) -> None:
    sockets: list[WebSocket] = []
    front.on("websocket", lambda socket: sockets.append(socket))
    panel = front.locator("#websocket")
    panel.get_by_label("Row").select_option("fastapi")
    panel.get_by_role("button", name="Open sockets").click()
    expect(panel.locator(".wait-3").nth(3)).to_be_attached(timeout=TIMEOUT_MS)
    front.get_by_role("button", name="Reset").click()
    expect(panel.locator(".wait-3")).to_have_count(0)
    front.wait_for_timeout(1000)
    expect(panel.locator(".big").first).to_have_text("0")
    assert 4 <= len(sockets) < 32 and all(socket.is_closed() for socket in sockets)


@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_axe_finds_nothing(front: Page, size: ViewportSize, scheme: str) -> None:
    front.set_viewport_size(size)
    front.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    front.get_by_role("button", name="Recorded").click()
    for panel in ("first-minute", "race", "tiles", "streams"):
        front.locator(f"#{panel}").get_by_role("button", name=STARTS[panel]).click()
        expect(front.locator(f"#{panel} .says")).not_to_be_empty(timeout=TIMEOUT_MS)
    for summary in front.locator("#claims summary").all():
        summary.dispatch_event("click")
    for guide in ("closed", "open"):
        if guide == "open":
            front.keyboard.press("g")
        cut_off = front.evaluate(CUT_OFF)
        assert cut_off == [], guide
        found = Axe().run(front)
        assert found.violations_count == 0, found.generate_report()


def test_nothing_fades_or_moves_which_would_take_from_the_browser_what_it_asks_with(front: Page) -> None:
    front.locator("[data-episode=start]").click()
    expect(front.locator("#first-minute .clients .wait-0").first).to_be_attached()
    assert front.evaluate("() => document.getAnimations().length") == 0
    front.emulate_media(reduced_motion="reduce")
    expect(front.locator("#first-minute .clients i").first).to_have_css("transition-duration", "0s")


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
