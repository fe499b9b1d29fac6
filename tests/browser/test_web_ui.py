"""As a person does it: from the first page to Locust's form, a test of two rows, its figures, and the end of it."""

import math
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, ViewportSize, expect
from websockets.sync.client import connect

from lab.stack.native import NativeStack
from tests.helpers import until

TIMEOUT_MS = 30_000
PHONE: ViewportSize = {"width": 400, "height": 800}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


def open_form(page: Page, stack: NativeStack) -> None:
    """Locust's form, whether a test has run already or not."""
    page.goto(stack.locust)
    fitted = page.locator("form[data-lab]")
    new = page.get_by_role("button", name="New")
    expect(fitted.or_(new)).to_be_visible(timeout=TIMEOUT_MS)
    if new.is_visible():
        new.click()
    expect(fitted).to_be_visible()


def choose_rows(page: Page, *wanted: str) -> None:
    for box in page.locator(".lab-rows label").all():
        box.locator("input").set_checked(box.locator("strong").inner_text() in wanted)


def compare_tab(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title=Compare]")


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="New")).to_be_visible(timeout=TIMEOUT_MS)


def state(stack: NativeStack) -> str:
    return str(httpx.get(f"{stack.locust}/stats/requests", trust_env=False).json()["state"])


@pytest.fixture(autouse=True)
def at_rest(stack: NativeStack) -> Iterator[None]:
    """A test that fails in the middle leaves no load to the next."""
    yield
    if state(stack) not in ("ready", "stopped"):
        httpx.post(f"{stack.locust}/stop", trust_env=False, timeout=60)
        until(lambda: state(stack) in ("ready", "stopped"), what="the load to end")


def test_the_first_page_shows_rows_that_answer_and_the_way_to_locust(page: Page, stack: NativeStack) -> None:
    page.goto(stack.https)
    for row in stack.rows:
        expect(page.locator(f"[data-row={row.name}] .state")).to_have_text("answers", timeout=TIMEOUT_MS)
    page.get_by_role("link", name="Locust's web UI").click()
    expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=TIMEOUT_MS)


@pytest.mark.parametrize("width", [320, 400, 800, 1280, 1920])
def test_no_link_of_the_first_page_is_cut_off_also_where_rows_are_not_started(
    context: BrowserContext, stack: NativeStack, width: int
) -> None:
    page = context.new_page()
    page.route("**/-/up/flask-*", lambda route: route.continue_(url=f"{stack.https}/-/up/asgi-h11"))  # not started
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(stack.https)
    expect(page.locator("#absent")).to_contain_text("flask-40", timeout=TIMEOUT_MS)
    expect(page.locator("[data-row=flask-40]")).to_be_hidden()
    expect(page.locator("#victim")).to_contain_text(re.compile(r"\d ms.*\d ms"), timeout=TIMEOUT_MS)
    rights = page.locator("a").evaluate_all("links => links.map(link => link.getBoundingClientRect().right)")
    assert max(rights) <= width
    assert page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")


def test_a_row_that_hangs_turns_red_and_green_again(context: BrowserContext, stack: NativeStack) -> None:
    page = context.new_page()  # its console rightly notes the requests that were given up
    page.goto(stack.https)
    state = page.locator("[data-row=flask] .state")
    expect(state).to_have_text("answers", timeout=TIMEOUT_MS)
    with ExitStack() as sockets:
        for _ in range(8):
            sockets.enter_context(connect(stack.http.replace("http", "ws") + "/flask/ws/echo", proxy=None))
        expect(state).to_have_text("no answer in 3 s", timeout=TIMEOUT_MS)
        expect(state).to_have_class(re.compile("down"))
        expect(page.locator("[data-row=fastapi] .state")).to_have_text("answers")
    expect(state).to_have_text("answers", timeout=TIMEOUT_MS)


def test_a_further_row_that_hangs_is_not_called_absent(context: BrowserContext, stack: NativeStack) -> None:
    page = context.new_page()  # its console rightly notes the request that was given up
    page.route("**/-/up/flask-gevent", lambda route: None)  # never answered
    page.goto(stack.https)
    expect(page.locator("[data-row=flask-gevent] .state")).to_have_text("no answer in 3 s", timeout=TIMEOUT_MS)


def test_the_form_explains_each_choice_and_asks_only_what_matters_to_it(page: Page, stack: NativeStack) -> None:
    open_form(page, stack)
    expect(page.get_by_label("Wait ms")).to_be_hidden()
    expect(page.get_by_label("Host")).to_be_hidden()
    page.get_by_label("Scenario").select_option("Wait")
    expect(page.get_by_text("Waiting without work, like a call to a slow service")).to_be_visible()
    expect(page.get_by_label("Wait ms")).to_be_visible()
    expect(page.get_by_label("Rate")).to_be_hidden()
    page.get_by_label("Arrivals").select_option("poisson")
    expect(page.get_by_label("Rate")).to_be_visible()
    expect(page.get_by_label("Wait route")).to_be_visible()
    choose_rows(page, "wsgi")
    expect(page.get_by_label("Wait route")).to_be_hidden()  # the frameworks' own


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_start_button_is_in_sight_and_no_advertisement_is(
    page: Page, stack: NativeStack, size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    open_form(page, stack)
    expect(page.get_by_role("button", name="Start")).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("Azure")).to_be_hidden()


def test_the_form_keeps_what_was_asked_for_last(page: Page, stack: NativeStack) -> None:
    open_form(page, stack)
    values = {"Scenario": "Wait", "Arrivals": "constant", "Rate": "11", "Wait ms": "20", "Number of users": "6"}
    for label, value in values.items():
        field = page.get_by_label(label)
        field.select_option(value) if label in ("Scenario", "Arrivals") else field.fill(value)
    choose_rows(page, "asgi", "wsgi")
    page.get_by_role("button", name="Start").click()
    expect(compare_tab(page).locator("#lines tr")).to_have_count(2, timeout=TIMEOUT_MS)
    stop(page)
    for again in ("at once", "on a new page"):
        if again == "at once":
            page.get_by_role("button", name="New").click()
        else:
            open_form(page, stack)
        for label, value in values.items():
            expect(page.get_by_label(label)).to_have_value(value)
        expect(page.locator(".lab-rows label", has=page.locator("input:checked")).locator("strong")).to_have_text(
            ["wsgi", "asgi"]
        )
        page.goto("about:blank")
    report = httpx.get(f"{stack.locust}/stats/report", trust_env=False).text
    assert "<h1>Wait · constant arrivals, 11/s and row · path gateway</h1>" in report


def test_sockets_that_wait_are_counted_and_unlike_rows_have_no_ratio(page: Page, stack: NativeStack) -> None:
    open_form(page, stack)
    page.get_by_label("Scenario").select_option("WebSocketEcho")
    page.get_by_label("Arrivals").select_option("closed")
    choose_rows(page, "flask", "fastapi")
    page.get_by_label("Number of users").fill("20")
    page.get_by_role("button", name="Start").click()
    compare = compare_tab(page)
    expect(compare.locator("#reasons")).to_contain_text("8 of 10 WebSockets open, 2 waiting", timeout=TIMEOUT_MS)
    expect(compare.locator("#lines tr", has_text="flask").first).to_contain_text("8 of 10 open, 2 waiting")
    expect(compare.locator("#lines")).not_to_contain_text("×")
    compare.locator("#kinds").select_option("/ws/echo open")
    expect(compare.locator("#chart-requests_per_s figcaption")).to_contain_text("fastapi 0", timeout=TIMEOUT_MS)
    stop(page)


def test_every_row_has_a_look_of_its_own_and_refusals_are_explained(page: Page, stack: NativeStack) -> None:
    open_form(page, stack)
    page.get_by_label("Scenario").select_option("DbRead")
    page.get_by_label("Arrivals").select_option("poisson")
    page.get_by_label("Rate").fill("2")
    page.get_by_label("Number of users").fill("14")
    choose_rows(page, *(row.name for row in stack.rows))
    page.get_by_role("button", name="Start").click()
    compare = compare_tab(page)
    curves = compare.locator("#chart-p50_ms path[stroke]")
    expect(curves).to_have_count(len(stack.rows), timeout=TIMEOUT_MS)
    looks = curves.evaluate_all("all => all.map(one => getComputedStyle(one).stroke)")
    assert len(set(looks)) == len(stack.rows)
    wsgi = compare.locator("#lines tr", has=compare.locator("th", has_text=re.compile("^wsgi$")))
    expect(wsgi).to_contain_text("100 %", timeout=TIMEOUT_MS)
    expect(wsgi).not_to_contain_text("×")
    expect(compare.locator("#reasons")).to_contain_text("wsgi: ")
    expect(compare.locator("#reasons")).to_contain_text("status 404: there is no such route")
    stop(page)


def figures(cpu_us: list[float | None]) -> dict[str, object]:
    """What the Compare tab is told, with these costs of a request second by second."""
    points = [
        {"at": second + 1, "rows": {row: {"cpu_us": value} for row in ("flask", "fastapi")}}
        for second, value in enumerate(cpu_us)
    ]
    return {"run": 1, "what": "/json", "kinds": ["/json"], "points": points, "lines": [], "warnings": []} | {
        "window_s": 3, "state": "running", "users": 2, "rows": ["flask", "fastapi"], "title": "Json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cpu_us", "top", "drawn"),
    [
        ([50_000, 900, 400, 250, 240, 260], "500", 4),  # the window of the first three reaches back to the start
        ([50_000, 900, 400], "1,000", 2),
        ([None, 50_000, 900, 400], "500", 1),
        ([260, 250, 240, 250, 240, 260], "500", 6),
    ],
)
def test_what_connecting_costs_at_the_start_does_not_flatten_a_chart(
    page: Page, stack: NativeStack, cpu_us: list[float | None], top: str, drawn: int
) -> None:
    page.route("**/compare/figures*", lambda route: route.fulfill(json=figures(cpu_us)))
    page.goto(f"{stack.locust}/compare")
    chart = page.locator("#chart-cpu_us")
    expect(chart.locator("text").nth(2)).to_have_text(top, timeout=TIMEOUT_MS)
    expect(chart.locator("path[stroke]").first).to_have_attribute(
        "d", re.compile(rf"^(M[\d. ]+)(L[\d. ]+){{{drawn - 1}}}$")
    )


@pytest.mark.parametrize("width", [400, 800, 1280, 1920])
def test_the_charts_leave_no_gap_at_any_width(page: Page, stack: NativeStack, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.route("**/compare/figures*", lambda route: route.fulfill(json=figures([1, 1])))
    page.goto(f"{stack.locust}/compare")
    expect(page.locator("#live")).to_be_visible(timeout=TIMEOUT_MS)
    rights = page.locator("#charts figure").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert rights[-1] == max(rights)


def test_the_form_marks_a_row_that_is_not_there(page: Page, stack: NativeStack) -> None:
    stack.stop("flask-gevent")
    try:
        open_form(page, stack)
        expect(page.locator(".lab-rows label", has_text="flask-gevent")).to_contain_text("not started")
        expect(page.locator(".lab-rows label", has_text="flask-sync")).to_contain_text("gunicorn")
    finally:
        stack.start("flask-gevent")


def test_two_rows_run_side_by_side_and_the_final_figures_are_those_of_locusts_table(
    page: Page, stack: NativeStack
) -> None:
    open_form(page, stack)
    page.get_by_label("Scenario").select_option("Wait")
    page.get_by_label("Arrivals").select_option("closed")
    choose_rows(page, "wsgi", "asgi")
    page.get_by_label("Wait ms").fill("300")
    page.get_by_label("Number of users").fill("6")
    page.get_by_role("button", name="Start").click()

    compare = compare_tab(page)
    expect(compare.locator("#lines tr")).to_have_count(2, timeout=TIMEOUT_MS)
    expect(compare.locator("#state")).to_contain_text("Wait · closed loop · path gateway · running")
    curves = compare.locator("#chart-p50_ms path[stroke]")
    expect(curves).to_have_count(2)
    for curve in curves.all():
        expect(curve).to_have_attribute("d", re.compile(r"M.+L.+L"), timeout=TIMEOUT_MS)

    stop(page)
    expect(compare.locator("#state")).to_contain_text("stopped", timeout=TIMEOUT_MS)
    shown = {line.locator(".row").inner_text(): numbers(line) for line in compare.locator("#lines tr").all()}
    page.get_by_role("tab", name="Statistics").click()
    for row in ("wsgi", "asgi"):
        requests, failures, median, p95, p99 = numbers(page.locator("main tr", has_text=f"/wait {row}"))[2:7]
        assert (shown[row][0], shown[row][5]) == (requests, failures)
        assert shown[row][2:5] == [median, p95, p99]
        assert failures == 0, "requests in flight were cut off"
        assert median >= 300


def numbers(line: Locator) -> list[float]:
    """What stands in the cells of a table's line; nan where that is no number."""
    first_lines = [text.split("\n")[0].replace(",", "") for text in line.locator("td").all_inner_texts()]
    return [float(text) if re.fullmatch(r"[\d.]+", text) else math.nan for text in first_lines]


def test_what_to_doubt_stands_above_the_figures_on_a_phone_too(page: Page, stack: NativeStack) -> None:
    open_form(page, stack)
    choose_rows(page, "asgi")
    page.get_by_label("Scenario").select_option("Wait")
    page.get_by_label("Arrivals").select_option("constant")
    page.get_by_label("Rate").fill("50")  # a second's wait each: two users cannot keep that
    page.get_by_label("Wait ms").fill("1000")
    page.get_by_label("Number of users").fill("2")
    page.get_by_role("button", name="Start").click()
    expect(compare_tab(page).locator("#warnings")).to_contain_text("too few users", timeout=TIMEOUT_MS)
    page.set_viewport_size(PHONE)
    expect(compare_tab(page).locator("#warnings")).to_be_in_viewport()
    assert compare_tab(page).locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
    page.set_viewport_size(DESKTOP)
    stop(page)


def test_a_refusal_is_shown_at_the_form(context: BrowserContext, stack: NativeStack) -> None:
    page = context.new_page()  # its console rightly notes the refusal
    open_form(page, stack)
    choose_rows(page)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_have_text("Rows: choose at least one.")


@pytest.fixture
def foreign_site(stack: NativeStack) -> Iterator[str]:
    """A page of another origin that tries to start a test: by script, and by a form when it is asked to."""
    target = f"{stack.locust}/swarm"
    body = f"""<form method=post action="{target}"><input name=user_count value=1><input name=spawn_rate value=1>
        <button>Win</button></form><output></output><script>
        const body = new URLSearchParams({{ user_count: 1, spawn_rate: 1 }});
        const attempts = ["no-cors", "cors"].map((mode) => fetch("{target}", {{ method: "POST", mode, body }}));
        Promise.allSettled(attempts).then((all) => {{
          document.querySelector("output").textContent = all.map((one) => one.value?.type ?? "refused").join();
        }});</script>"""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_a_foreign_page_starts_no_test(context: BrowserContext, stack: NativeStack, foreign_site: str) -> None:
    before = state(stack)
    page = context.new_page()  # its console rightly notes the refusals
    page.goto(foreign_site)
    expect(page.locator("output")).to_have_text("opaque,refused")
    page.get_by_role("button", name="Win").click()
    expect(page.locator("body")).to_contain_text("takes requests from its own pages only")
    assert state(stack) == before in ("ready", "stopped")
