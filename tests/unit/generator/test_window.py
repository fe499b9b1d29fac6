"""Requests count for as much of their time as lies within the measured seconds."""

import json
from dataclasses import asdict
from typing import Any

import greenlet
import pytest
from websocket import WebSocketTimeoutException

from lab.generator import load
from lab.generator.load import RunningLoad
from lab.generator.record import Requests
from lab.generator.window import Window


class Clients:
    """Requests at known times: the load's clock and greenlet are this one's, and it is always its turn."""

    def __init__(self) -> None:
        self.load = RunningLoad.__new__(RunningLoad)  # without Locust
        self.load.their_turn = self  # type: ignore[assignment]  # see wait()
        self.load.in_flight, self.load.busy, self.load.answered, self.load.answered_s = {}, 0, 0, 0.0
        self.load.failed, self.load.well = set(), set()
        self.load.window = Window()
        self.now, self.client = 0.0, 0
        self.tasks: dict[int, greenlet.greenlet] = {}
        self.users: dict[int, Any] = {}

    @property
    def window(self) -> Window:
        return self.load.window

    def wait(self) -> None:
        """For the turn."""

    def counted(self) -> Requests:
        for entered in self.load.in_flight.values():
            self.window.unreported(entered)
        return self.window.result()

    def perf_counter(self) -> float:
        return self.now

    def getcurrent(self) -> int:
        return self.client

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, at: float, client: int = 0, **user: Any) -> None:
        """Begins a task, which goes on until end()."""
        self.now, self.client = at, client
        here, watched = greenlet.getcurrent(), self.load.watch(lambda user: here.switch())
        self.tasks[client] = greenlet.greenlet(lambda: watched(self.users.setdefault(client, type("User", (), user))))
        self.tasks[client].switch()

    def report(
        self, at: float, took: float, client: int = 0, kind: str = "GET", fault: Exception | None = None
    ) -> None:
        self.now, self.client = at, client
        self.load.seen(request_type=kind, response_time=took * 1000, exception=fault, name="/json", response_length=9)

    def end(self, at: float, client: int = 0) -> None:
        self.now, self.client = at, client
        self.tasks.pop(client).switch()

    def answer(self, at: float, took: float, client: int = 0, **more: Any) -> None:
        self.report(at, took, client, **more)
        self.end(at, client)

    def request(self, start: float, end: float, client: int = 0, **more: Any) -> None:
        self.ask(start, client)
        self.answer(end, end - start, client, **more)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    """A window from second 10 to second 20."""
    made = Clients()
    made.window.start_slice(10.0, 10.0)
    monkeypatch.setattr(load, "time", made)
    monkeypatch.setattr(load, "gevent", made)
    return made


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [(12, 14, 1), (10, 20, 1), (8, 12, 0.5), (18, 22, 0.5), (9, 10, 0), (20, 21, 0), (5, 25, 0.5), (9, 13, 0.75)],
)
def test_a_request_counts_for_as_much_of_its_time_as_lies_within(
    clients: Clients, start: float, end: float, part: float
) -> None:
    clients.request(start, end)
    assert clients.counted().requests == pytest.approx(part)


@pytest.mark.parametrize(
    ("start", "end", "started"), [(9.9, 15, 0), (10, 11, 1), (15, 16, 1), (19.9, 25, 1), (20, 21, 0)]
)
def test_percentiles_are_of_the_requests_that_start_within_however_late_they_end(
    clients: Clients, start: float, end: float, started: int
) -> None:
    clients.request(start, end)
    counted = clients.counted()
    assert counted.started == sum(counted.histogram.values()) == started
    assert list(counted.histogram) == [pytest.approx((end - start) * 1000)] * started


def test_times_are_kept_to_three_digits(clients: Clients) -> None:
    for number in range(4):
        clients.request(11, 11.0123449 + number / 1e6)
    assert clients.counted().histogram == {12.3: 4}


@pytest.mark.parametrize(("count", "took"), [(1, 0.25), (4, 0.3), (16, 0.07), (3, 7)])
def test_steady_clients_keep_littles_law(clients: Clients, count: int, took: float) -> None:
    """Each asks again at once, so as many requests are in flight as there are clients, whatever the window cuts."""
    for client in range(count):
        start = client * took / count
        while start < 21:
            clients.request(start, start + took, client)
            start += took
    counted = clients.counted()
    assert counted.in_flight == pytest.approx(count)
    assert counted.reported_in_flight == pytest.approx(count)


@pytest.mark.parametrize(("start", "end"), [(8, 18), (19.9, 21), (5, 25), (10.1, 10.3)])
def test_one_long_request_keeps_littles_law_wherever_the_window_cuts_it(
    clients: Clients, start: float, end: float
) -> None:
    """A stall, say: nothing but the part within the window counts, by either clock."""
    clients.request(start, end)
    counted = clients.counted()
    assert counted.reported_in_flight == pytest.approx(counted.in_flight)


def test_a_time_that_is_reported_twice_breaks_littles_law(clients: Clients) -> None:
    clients.ask(11)
    clients.report(13, 2)
    clients.answer(13, 2)
    counted = clients.counted()
    assert (counted.in_flight, counted.reported_in_flight) == pytest.approx((0.2, 0.4))


def test_a_time_that_is_reported_too_short_breaks_littles_law(clients: Clients) -> None:
    clients.ask(11)
    clients.answer(15, 1)
    counted = clients.counted()
    assert (counted.in_flight, counted.reported_in_flight) == pytest.approx((0.4, 0.1))


def test_a_request_that_is_missing_from_the_reports_was_in_flight_all_the_same(clients: Clients) -> None:
    clients.ask(11)
    clients.end(15)
    clients.request(15, 17)
    counted = clients.counted()
    assert (counted.in_flight, counted.reported_in_flight) == pytest.approx((0.6, 0.2))


def test_requests_without_an_answer_are_in_flight_and_nothing_else(clients: Clients) -> None:
    clients.ask(15, client=1)
    clients.ask(3, client=2)
    counted = clients.counted()
    assert counted.in_flight == pytest.approx(0.5 + 1)
    assert (counted.requests, counted.started, counted.reported_in_flight, counted.histogram) == (0, 0, 0, {})


def test_an_answer_ends_the_request_of_its_own_client(clients: Clients) -> None:
    clients.ask(10, client=1)
    clients.ask(10, client=2)
    clients.answer(15, 5, client=1)
    assert set(clients.load.in_flight) == {2}
    assert clients.counted().in_flight == pytest.approx(0.5 + 1)


def test_in_open_loop_a_request_is_in_flight_from_its_intended_start(clients: Clients) -> None:
    clients.ask(14, intended=12.0)
    clients.answer(17, 5)
    assert clients.counted().in_flight == pytest.approx(0.5)
    clients.ask(18, client=1, intended=0)  # closed loop
    assert clients.counted().in_flight == pytest.approx(0.5 + 0.2)


def test_before_the_window_opens_only_the_warm_up_counts_answers(clients: Clients) -> None:
    clients.load.window = Window()
    clients.request(1, 2)
    assert (clients.load.answered, clients.load.answered_s) == (1, 1)
    assert (clients.window.requests, clients.window.started, clients.window.in_flight_s) == (0, 0, 0)


def test_failures_are_counted_of_requests_that_start_within(clients: Clients) -> None:
    clients.request(8, 11, fault=ValueError("too early"))
    clients.request(11, 12, fault=ValueError("wrong body"))
    clients.request(12, 13)
    clients.request(19, 30, fault=TimeoutError("x" * 500))
    counted = clients.counted()
    assert (counted.started, counted.failures) == (3, 2)
    assert counted.errors == {"wrong body": 1, "x" * 200: 1}


@pytest.mark.parametrize(
    ("fault", "timeouts"),
    [(TimeoutError("timed out"), 1), (WebSocketTimeoutException("timed out"), 1), (ConnectionResetError("reset"), 0)],
)
def test_a_client_whose_patience_ended_is_told_apart(clients: Clients, fault: Exception, timeouts: int) -> None:
    clients.request(11, 12, fault=fault)
    counted = clients.counted()
    assert (counted.failures, counted.timeouts) == (1, timeouts)


def test_a_websocket_counts_as_held_once_it_has_answered_and_as_long_as_it_answers_right(clients: Clients) -> None:
    clients.ask(11)
    clients.users[0].ws = object()
    clients.load.members = [clients.users[0]]
    clients.report(11, 0.1, kind="WS")  # it is open
    assert clients.load.held() == 0
    clients.answer(12, 0.1, kind="WS")
    assert clients.load.held() == 1
    clients.ask(13)
    assert clients.load.held() == 1
    clients.answer(14, 1, kind="WS", fault=ValueError("wrong echo"))
    assert clients.load.held() == 0
    clients.request(15, 16, kind="WS")
    assert clients.load.held() == 1
    clients.users[0].ws = None
    assert clients.load.held() == 0


@pytest.mark.parametrize(("holding", "waited"), [(0, 20.0), (3, 20.0), (4, 5.0)])
def test_the_wait_for_clients_ends_early_when_every_one_holds_a_websocket(
    clients: Clients, holding: int, waited: float
) -> None:
    clients.load.count = 4
    clients.load.held = lambda: holding if clients.now >= 5 else 0  # type: ignore[method-assign]  # no WebSocket is opened
    clients.load.settle(20)
    assert clients.now == pytest.approx(waited)


def test_only_the_most_common_errors_are_kept(clients: Clients) -> None:
    for number in range(9):
        for _ in range(number + 1):
            clients.request(11, 12, fault=ValueError(f"error {number}"))
    counted = clients.counted()
    assert list(counted.errors.values()) == [9, 8, 7, 6, 5]
    assert (counted.failures, counted.timeouts) == (45, 0)


@pytest.mark.parametrize(
    ("kinds", "protocols"),
    [
        (["GET", "POST", "SSE"], ["HTTP/1.1"]),
        (["HTTP/2"], ["HTTP/2"]),
        (["WS"], ["WS"]),
        (["HTTP/2", "GET"], ["HTTP/1.1", "HTTP/2"]),
        ([], []),
    ],
)
def test_the_protocols_that_were_seen_are_named(clients: Clients, kinds: list[str], protocols: list[str]) -> None:
    for kind in kinds:
        clients.request(11, 12, kind=kind)
    clients.request(5, 6, kind="HTTP/3")
    assert clients.counted().protocols == protocols


def test_a_result_may_be_written_as_json(clients: Clients) -> None:
    clients.request(11, 12)
    assert json.loads(json.dumps(asdict(clients.counted())))["histogram"] == {"1000.0": 1}


def test_slices_add_up_and_what_lies_between_them_does_not_count(clients: Clients) -> None:
    clients.request(11, 13)
    clients.request(20, 30)
    clients.window.start_slice(40.0, 30.0)
    clients.request(35, 45)
    clients.request(50, 60)
    counted = clients.counted()
    assert (clients.window.seconds, counted.started) == (40, 2)
    assert counted.requests == pytest.approx(2.5)
    assert counted.in_flight == pytest.approx((2 + 5 + 10) / 40)


def test_a_task_waits_for_its_turn_and_is_busy_until_it_ends(clients: Clients) -> None:
    seen: list[tuple[str, int]] = []
    clients.load.their_turn = type("Turn", (), {"wait": lambda _: seen.append(("waits", clients.load.busy))})()
    task = clients.load.watch(lambda user: seen.append(("runs", clients.load.busy)))
    task(None)
    assert (seen, clients.load.busy) == ([("waits", 0), ("runs", 1)], 0)
