"""A room before the page: the wall shows the address, phones join, and each is one dot of each row in the race."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from websockets.sync.client import connect

from lab.stack.compose_file import ComposeFile
from lab.stack.machine import Ports, lan_addresses
from lab.stack.native import NativeStack
from tests.browser.conftest import CHROMIUM, FLAGS, is_complaint
from tests.e2e.stacks import plain_environ, published_on, started

TIMEOUT_MS = 30_000
PHONE: ViewportSize = {"width": 390, "height": 844}
TRUSTED = "odd-name-8443.app.example"


@pytest.fixture
def wall(page: Page, stack: NativeStack) -> Page:
    page.goto(stack.https)
    expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)
    page.get_by_role("button", name="Open the room").click()
    expect(page.locator("#room .says", has_text="Clients in the room: 0")).to_be_visible(timeout=TIMEOUT_MS)
    return page


@contextmanager
def phone(browser: Browser, stack: NativeStack) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stack.http}/room.html")
    expect(page.get_by_text("You are in the room.")).to_be_visible(timeout=TIMEOUT_MS)
    yield page
    assert not complaints
    context.close()


def test_each_phone_that_joins_is_one_dot_of_each_row_and_sees_its_own(
    wall: Page, browser: Browser, stack: NativeStack
) -> None:
    with ExitStack() as pockets:
        phones = [pockets.enter_context(phone(browser, stack)) for _ in range(3)]
        expect(wall.get_by_text("Clients in the room: 3")).to_be_visible(timeout=TIMEOUT_MS)
        wall.get_by_role("button", name="Start everybody").click()
        for row, threads in (("flask", "3 threads"), ("fastapi", "1 thread")):
            said = re.compile(rf"{row}: all 3 waited 500 ms, the last was done after [\d,]+ ms, on {threads}\.")
            expect(wall.locator("#room")).to_contain_text(said, timeout=TIMEOUT_MS)
            expect(wall.locator(f"#room [data-lane={row}] circle")).to_have_count(3)
            expect(wall.locator(f"#room [data-lane={row}] circle.mine")).to_have_count(0)
            for one in phones:
                expect(one.locator(f"[data-lane={row}] circle.mine")).to_have_count(1, timeout=TIMEOUT_MS)
                expect(one.locator("#room")).to_contain_text(re.compile(rf"{row} answered you after \d+ ms, \d of 3"))
        phones[0].goto("about:blank")
        expect(wall.get_by_text("Clients in the room: 2")).to_be_visible(timeout=TIMEOUT_MS)
    expect(wall.get_by_text("Clients in the room: 0")).to_be_visible(timeout=TIMEOUT_MS)


def test_a_room_of_forty_makes_a_staircase_of_threads_and_a_wall(wall: Page, stack: NativeStack) -> None:
    """Forty clients without a screen: what they say and ask is what a phone's page does."""
    url = stack.http.replace("http", "ws") + "/fastapi/ws/broadcast"
    with connect(url, proxy=None) as room, httpx.Client(base_url=stack.http, trust_env=False) as http:
        for number in range(40):
            room.send(json.dumps({"kind": "here", "phone": f"p{number}"}))
        expect(wall.get_by_text("Clients in the room: 40")).to_be_visible(timeout=TIMEOUT_MS)
        wall.get_by_role("button", name="Start everybody").click()
        race = next(said["race"] for said in map(json.loads, room) if said["kind"] == "start")
        for row in ("flask", "fastapi"):
            said = http.get(f"/{row}/timed/wait?ms=1").json()
            for number in range(40):
                late = 500 * (1 + number // 8) if row == "flask" else 500
                times = {"began": said["began_ms"] + late - 500, "ended": said["began_ms"] + late, "thread": number % 8}
                room.send(json.dumps({"kind": "dot", "race": race, "phone": f"p{number}", "row": row} | times))
        expect(wall.locator("#room")).to_contain_text("flask: all 40 waited 500 ms", timeout=TIMEOUT_MS)
        expect(wall.locator("#room")).to_contain_text("fastapi: all 40 waited 500 ms")
    steps = [
        len({float(one.get_attribute("cx") or 0) for one in wall.locator(f"#room [data-lane={row}] circle").all()})
        for row in ("flask", "fastapi")
    ]
    assert steps == [5, 1]


def test_what_a_stranger_says_in_the_room_breaks_nothing(wall: Page, stack: NativeStack) -> None:
    url = stack.http.replace("http", "ws") + "/fastapi/ws/broadcast"
    with connect(url, proxy=None) as room:
        for said in ("no json", "null", "[]", "7", '{"kind":"dot","row":"flask"}', '{"kind":"dot","began":"<b>"}'):
            room.send(said)
        room.send(json.dumps({"kind": "here", "phone": "<img src=x onerror=alert(1)>"}))
        expect(wall.get_by_text("Clients in the room: 1")).to_be_visible(timeout=TIMEOUT_MS)
        expect(wall.locator("#room circle")).to_have_count(0)


def test_reset_closes_the_room(wall: Page) -> None:
    wall.get_by_role("button", name="Reset").click()
    expect(wall.get_by_role("button", name="Open the room")).to_be_enabled()
    expect(wall.get_by_text("Clients in the room")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_phones_page_fits_and_axe_finds_nothing(browser: Browser, stack: NativeStack, scheme: str) -> None:
    with phone(browser, stack) as page:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


# Published


@pytest.fixture(scope="module")
def published(stack: NativeStack) -> Iterator[NativeStack]:
    settings = {"PUBLISH_ON": "0.0.0.0", "LAB_UI_PASSWORD": "a secret", "TRUSTED_HOST": TRUSTED}  # noqa: S104  (the test is about it)
    ports = Ports()  # held until the stack has ended
    environ = plain_environ() | published_on(ports) | settings
    with started(NativeStack(ComposeFile(environ=environ), fixed_ports=True)) as stack:
        yield stack


def test_published_the_page_shows_its_address_and_leads_on_by_the_name_that_the_visitor_used(
    context: BrowserContext, published: NativeStack
) -> None:
    page = context.new_page()  # its console rightly notes the rows that are not started
    address = next(iter(lan_addresses()), "127.0.0.1")
    page.goto(published.https.replace("localhost", address))
    expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)
    code = page.get_by_alt_text("The address as a QR code")
    assert code.evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.locator("#room .invite a")).to_have_attribute(
        "href", f"{published.http.replace('localhost', TRUSTED)}/room.html"
    )
    expect(page.locator("#room")).to_contain_text("Locust's web UI asks for a login")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Locust's web UI").click()
    assert page.url.startswith(published.locust.replace("localhost", address))
    page.get_by_label("Username").fill("lab")
    page.get_by_label("Password").fill("a secret")
    page.get_by_role("button", name="Login").click()
    expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=TIMEOUT_MS)


def test_under_a_forwarded_name_each_link_has_the_name_of_its_own_port(
    browser: Browser, published: NativeStack
) -> None:
    port = published.port("nginx", 8443)
    forwarded = f"odd-name-{port}.app.example"
    flags = [*FLAGS.split(), f"--host-resolver-rules=MAP {forwarded}:443 127.0.0.1:{port}"]
    elsewhere = browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    try:
        page = elsewhere.new_context(ignore_https_errors=True).new_page()
        page.goto(f"https://{forwarded}/")
        expect(page.locator("html")).to_have_attribute("data-ready", "yes", timeout=TIMEOUT_MS)
        locust = f"https://odd-name-{published.port('locust', 8089)}.app.example/"
        expect(page.get_by_role("link", name="Locust's web UI")).to_have_attribute("href", locust)
    finally:
        elsewhere.close()
