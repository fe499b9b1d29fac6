"""What the routes answer when they are asked rightly: the same from Flask and from FastAPI."""

import sys
import time
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import pytest

import workloads
from tests.contract.apps import OWN, Ask, Both, detail

READING = [
    *("/health", "/ready", "/plaintext", "/json", "/wait?ms=0", "/cpu?rounds=10", "/bytes?kib=65"),
    "/stream?events=3&interval_ms=0",
]
REFUSED = ["/wait?ms=x", "/ws/echo", "/ws/broadcast", "/nothing"]


@pytest.mark.parametrize("path", READING)
def test_both_answer_with_the_same_bytes_and_headers(both: Both, path: str) -> None:
    assert both("GET", path).status_code == 200


def test_the_basic_answers_are_what_they_are_in_every_benchmark(both: Both) -> None:
    plaintext, greeting = both("GET", "/plaintext"), both("GET", "/json")
    assert (plaintext.text, plaintext.headers["content-type"]) == ("Hello, World!", "text/plain; charset=utf-8")
    assert (greeting.text, greeting.headers["content-type"]) == ('{"message":"Hello, World!"}', "application/json")


@pytest.mark.parametrize("path", [*READING, *REFUSED, "/about", "/db"])
def test_head_has_the_status_and_headers_of_get_and_no_body(
    service: Ask, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workloads, "random_id", lambda: 7)
    get, head = service("GET", path), service("HEAD", path)
    assert (head.status_code, head.headers, head.content) == (get.status_code, get.headers, b"")


def test_head_of_a_long_stream_returns_at_once(both: Both) -> None:
    before = time.monotonic()
    assert both("HEAD", "/stream?events=1000&interval_ms=10000").status_code == 200
    assert time.monotonic() - before < 9  # one interval is ten seconds


def test_about_names_the_same_facts_on_both(flask: Ask, fastapi: Ask) -> None:
    one, other = flask("GET", "/about"), fastapi("GET", "/about")
    assert list(one.json()) == list(other.json())
    assert one.headers.keys() - OWN == other.headers.keys() - OWN
    assert (one.json()["interface"], other.json()["interface"]) == ("WSGI", "ASGI")
    assert one.json()["framework"].startswith("flask 3.")
    assert other.json()["framework"].startswith("fastapi 0.")
    assert one.json()["protocol"] == other.json()["protocol"] == "HTTP/1.1"


@pytest.mark.parametrize("rounds", [1, 2, 10_000, 1_000_000])
def test_the_cpu_work_gives_the_number_that_modular_power_gives(both: Both, rounds: int) -> None:
    answer = both("GET", f"/cpu?rounds={rounds}").json()
    assert answer == {"rounds": rounds, "result": pow(48_271, rounds, 2_147_483_647)}


@pytest.mark.parametrize(("given", "kib"), [("", 64), ("?kib=1", 1), ("?kib=65", 65), ("?kib=4096", 4096)])
def test_a_large_body_is_as_large_as_it_is_asked_for(both: Both, given: str, kib: int) -> None:
    answer = both("GET", f"/bytes{given}")
    assert answer.content == b"x" * kib * 1024
    assert answer.headers["content-length"] == str(kib * 1024)


@pytest.mark.parametrize(("given", "seconds"), [("", 0.1), ("?ms=0", 0), ("?ms=10000", 10)])
def test_wait_waits_as_long_as_it_is_asked_to(
    both: Both, given: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep, async_sleep = Mock(), AsyncMock()
    monkeypatch.setattr(sys.modules["flask_service.routes"], "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(sys.modules["fastapi_service.routes"], "asyncio", SimpleNamespace(sleep=async_sleep))
    assert both("GET", f"/wait{given}").json() == {"waited_ms": seconds * 1000}
    sleep.assert_called_once_with(seconds)
    async_sleep.assert_awaited_once_with(seconds)


def test_wait_really_waits(service: Ask) -> None:
    before = time.monotonic()
    service("GET", "/wait?ms=200")
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize("path", ["/wait/threadpool", "/wait/blocking"])
def test_only_fastapi_shows_its_other_ways_to_wait(flask: Ask, fastapi: Ask, path: str) -> None:
    assert fastapi("GET", f"{path}?ms=1").json() == {"waited_ms": 1}
    detail(fastapi("GET", f"{path}?ms=-1"), 422)
    detail(flask("GET", path), 404)


def test_only_flask_shows_an_async_view_on_wsgi(flask: Ask, fastapi: Ask) -> None:
    assert flask("GET", "/wait/async?ms=1").json() == {"waited_ms": 1}
    detail(flask("GET", "/wait/async?ms=-1"), 422)
    detail(fastapi("GET", "/wait/async"), 404)


def test_the_stream_is_server_sent_events_in_order(both: Both) -> None:
    answer = both("GET", "/stream?events=3&interval_ms=1")
    assert answer.text == 'data: {"event":0}\n\ndata: {"event":1}\n\ndata: {"event":2}\n\n'
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")


@pytest.mark.parametrize("path", ["/ws/echo", "/ws/broadcast"])
def test_a_websocket_route_asks_a_plain_request_to_upgrade(both: Both, path: str) -> None:
    assert detail(both("GET", path), 400) == "this route speaks WebSocket: connect with an upgrade"
