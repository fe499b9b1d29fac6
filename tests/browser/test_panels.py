"""The panels below the race, for both rows: tiles, echo, broadcast, sockets, streams, claims, what runs."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from lab.stack.compose_file import ROOT
from lab.stack.native import NativeStack
from tests.browser.conftest import TIMEOUT_MS, opened

ROWS = ("flask", "fastapi")
NEVER = "2999-01-01T00-00-00-of-a-test"  # a folder newer than any run


# HTTP/1.1 and HTTP/2


def load_tiles(page: Page) -> Locator:
    panel = page.locator("#tiles")
    panel.get_by_role("button", name="Load 100 tiles").click()
    expect(panel.locator(".says")).not_to_be_empty(timeout=TIMEOUT_MS)
    return panel


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_tiles_come_over_both_ports_with_the_protocol_that_the_browser_really_used(
    page: Page, stack: NativeStack, scheme: str
) -> None:
    opened(page, stack.https if scheme == "https" else stack.http)
    panel = load_tiles(page)
    for row in ROWS:
        for port, protocol in (("http", "HTTP/1.1"), ("https", "HTTP/2")):
            wall = panel.locator(f"[data-lane={row}][data-port={port}]")
            expect(wall.locator(".tiles .wait-3")).to_have_count(100)
            expect(wall.locator(".hops strong")).to_have_text(protocol)
            expect(wall.locator(".big")).to_have_text(re.compile(r"^[\d,]+ ms$"))
        expect(panel.locator(".says")).to_contain_text(f"{row}: ")


def test_each_hop_says_what_it_speaks_up_to_the_app(front: Page) -> None:
    front.locator("#tiles").get_by_label("First").select_option("flask-http2")
    panel = load_tiles(front)
    expect(panel.locator("[data-lane=flask-http2][data-port=http] .hops")).to_have_text(
        "browser → nginx HTTP/1.1, nginx → granian HTTP/2, the app saw HTTP/2"
    )
    expect(panel.locator("[data-lane=fastapi][data-port=https] .hops")).to_have_text(
        "browser → nginx HTTP/2, nginx → uvicorn HTTP/1.1, the app saw HTTP/1.1"
    )


def test_a_port_that_the_browser_may_not_ask_is_a_link_and_the_other_one_still_counts(
    context: BrowserContext, stack: NativeStack
) -> None:
    page = context.new_page()  # whose console says that the frame was not loaded
    page.route(f"{stack.http}/tiles.html*", lambda route: route.abort())
    opened(page, stack.https)
    panel = load_tiles(page)
    refused = panel.locator("[data-lane=flask][data-port=http] .hops a")
    expect(refused).to_have_attribute("href", f"{stack.http}/#tiles")
    expect(panel.locator("[data-lane=flask][data-port=https] .hops strong")).to_have_text("HTTP/2")


def test_only_the_page_of_the_lab_may_hold_the_frame_of_a_port(front: Page, stack: NativeStack) -> None:
    for url in (stack.https, stack.http):
        policy = front.request.get(f"{url}/tiles.html").headers["content-security-policy"]
        assert f"frame-ancestors {stack.https} {stack.http}" in policy and "unsafe" not in policy


# WebSocket


def test_echoes_of_both_rows_are_drawn_live_with_their_median(front: Page) -> None:
    panel = front.locator("#echo")
    panel.get_by_role("button", name="Connect to both").click()
    for row in ROWS:
        lane = panel.locator(f"[data-lane={row}]")
        expect(lane.locator(".big")).to_have_text(re.compile(r"^[\d.,]+$"), timeout=TIMEOUT_MS)
        expect(lane.locator("polyline")).to_have_attribute("points", re.compile(r"(\S+,\S+ ){4}"), timeout=TIMEOUT_MS)
    panel.get_by_role("button", name="Disconnect").click()
    for row in ROWS:
        expect(panel.locator(".says")).to_contain_text(re.compile(rf"{row}: [\d,]+ echoes"), timeout=TIMEOUT_MS)


@pytest.mark.parametrize("row", ROWS)
def test_what_one_browser_says_through_a_row_is_heard_in_another_as_plain_text(
    browser: Browser, stack: NativeStack, row: str
) -> None:
    said = f"<b>hello</b> through {row}"
    with browser.new_context(ignore_https_errors=True) as one, browser.new_context(ignore_https_errors=True) as two:
        pages = [one.new_page(), two.new_page()]
        for page in pages:
            opened(page, stack.https)
            page.locator("#broadcast").get_by_role("button", name="Join both").click()
            expect(page.locator("#broadcast .messages p")).not_to_have_count(0, timeout=TIMEOUT_MS)
            expect(page.locator("#broadcast").get_by_role("button", name="Send")).to_be_enabled()
        panel = pages[0].locator("#broadcast")
        panel.get_by_label("Message").fill(said)
        panel.get_by_label("Through").select_option(row)
        panel.get_by_label("Message").press("Enter")
        for page in pages:
            message = page.locator("#broadcast .messages p").filter(has_text=said)
            expect(message).to_have_count(1, timeout=TIMEOUT_MS)
            expect(message.locator("span")).to_have_text(row)
        for page in pages:
            page.locator("#broadcast").get_by_role("button", name="Leave").click()


def test_sockets_take_flasks_threads_until_plain_requests_die_and_closing_them_brings_it_back(
    context: BrowserContext, stack: NativeStack
) -> None:
    page = context.new_page()  # whose console says that a socket did not open: that is the lesson
    opened(page, stack.https)
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


# Streams


def test_streams_of_both_rows_come_event_by_event_with_the_threads_that_they_hold(front: Page) -> None:
    panel = front.locator("#streams")
    panel.get_by_role("button", name="Open 4 streams").click()
    expect(panel.locator("[data-lane=fastapi] .wait-3")).not_to_have_count(0, timeout=TIMEOUT_MS)
    expect(panel.locator("[data-lane=fastapi] .wait-3")).not_to_have_count(48)  # not all at once
    says = panel.locator(".says")
    expect(says).to_contain_text("4 of 8 threads were held: 4 went on answering", timeout=TIMEOUT_MS)
    expect(says).to_contain_text("They held no thread: its event loop went on answering")
    for row, held in (("flask", "4"), ("fastapi", "0")):
        expect(panel.locator(f"[data-lane={row}] .wait-3")).to_have_count(48)
        expect(panel.locator(f"[data-lane={row}] .big")).to_have_text(held)


# The claims


@pytest.fixture
def measured() -> Iterator[Path]:
    """A run in results/ that refutes one claim, made of the findings that ship."""
    folder = ROOT / "results" / NEVER
    folder.mkdir()
    run = json.loads((ROOT / "docs" / "findings.json").read_text())[0]
    run["verdicts"] = [each for each in run["verdicts"] if each["experiment"] == "concurrent"]
    run["verdicts"][0]["sentence"] = "Measured in a test."
    (folder / "verdicts.json").write_text(json.dumps(run))
    style = "<style>#concurrent { color: rgb(1, 2, 3) }</style>"
    (folder / "report.html").write_text(f"<!doctype html><title>t</title>{style}<section id=concurrent>It</section>")
    unjudged = folder.with_name(f"{NEVER}-calibration")  # as that of `lab calibrate`: the page must not ask in vain
    unjudged.mkdir()
    yield folder
    shutil.rmtree(folder)
    unjudged.rmdir()


def test_every_claim_has_a_verdict_and_its_ratios_and_what_ships_says_so(front: Page) -> None:
    shipped = json.loads((ROOT / "docs" / "findings.json").read_text())[0]["verdicts"]
    for verdict in shipped:
        claim = front.locator(f"[data-claim={verdict['experiment']}]")
        if claim.get_attribute("data-ships") == "yes":  # or it was measured here
            expect(claim.locator(".verdict")).to_have_text(verdict["in_full"])
            expect(claim).to_contain_text("a finding that ships with the lab")
            ratios = [each for each in verdict["findings"] if each["decides"] and each["comparison"]]
            expect(claim.locator(".ratio")).to_have_count(len(ratios))
            figures = list(dict.fromkeys(each["what"] for each in ratios))
            expect(claim.locator(".what")).to_have_text(figures if len(figures) > 1 else [])


def test_a_run_takes_the_place_of_the_finding_that_ships_and_leads_to_its_report(front: Page, measured: Path) -> None:
    claim = front.locator("[data-claim=concurrent]")
    front.locator("#claims").get_by_role("button", name="Look again").click()
    expect(claim).to_contain_text("Measured in a test.")
    expect(claim).to_contain_text("measured here")
    claim.get_by_role("link", name="its section of the report").click()
    expect(front.locator("#concurrent")).to_have_css("color", "rgb(1, 2, 3)")  # a report brings its styles


# What runs


def test_rows_that_are_not_started_are_told_once_with_the_command_that_starts_them(
    front: Page, stack: NativeStack
) -> None:
    running = [row.name for row in stack.rows]
    absent = [row for row in stack.compose_file.rows if row.name not in running]
    names = ", ".join(row.name for row in absent)
    command = " ".join(f"--profile {name}" for name in dict.fromkeys(name for row in absent for name in row.profiles))
    assert absent
    told = f"Not started: {names}. They come with docker compose {command} up --detach, or lab up {command}."
    expect(front.locator("#absent")).to_have_text(told, timeout=TIMEOUT_MS)
    for row in absent:
        expect(front.locator(f"[data-row={row.name}]")).to_be_hidden()
    for name in running:
        expect(front.locator(f"[data-row={name}]")).to_be_visible()


def test_every_row_says_what_it_really_runs(front: Page, stack: NativeStack) -> None:
    for row in stack.rows:
        line = front.locator(f"[data-row={row.name}]")
        expect(line.locator(".server")).to_have_text(
            re.compile(rf"^{row.server} \d+\.\d+.*, Python 3\.\d+"), timeout=TIMEOUT_MS
        )
        expect(line.locator(".workers")).to_have_text("1")
        expect(line.locator(".cpus")).to_have_text(re.compile(r"^\d+$"))
        expect(line.locator(".memory")).to_have_text(re.compile(r"no limit|MiB at most"))
