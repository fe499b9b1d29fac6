"""Clients that take their time: an event stream, a trickled upload, a reader that does not read."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import ClassVar
from urllib.parse import urlsplit

import gevent
from locust import task

import workloads
from loadtest.users.requests import ROUTES, items, message, waited, work
from loadtest.users.row import Check, OnRow, WrongAnswer, check_answer, check_time, detail, quote

TIMEOUT_S = 60
TOGETHER = 0.25  # of a stream's length: events that come within less did not come one by one


class SlowUser(OnRow):
    """A connection per request, written and read by hand: a pooled client reads as fast as it can."""

    abstract = True

    def connect(self) -> http.client.HTTPConnection:
        url = urlsplit(str(self.host))
        if url.scheme == "http":
            return http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
        unverified = ssl._create_unverified_context()  # noqa: S323  (the lab's own certificate)
        return http.client.HTTPSConnection(url.netloc, timeout=TIMEOUT_S, context=unverified)

    def path(self, route: str) -> str:
        return urlsplit(str(self.host)).path + route

    def measure(self, what: str, action: Callable[[http.client.HTTPConnection], None]) -> None:
        began, error = time.perf_counter(), None
        try:
            with closing(self.connect()) as connection:
                action(connection)
        except (OSError, http.client.HTTPException) as failure:
            error = failure
        self.report("HTTP", what, time.perf_counter() - began, error)


class EventStream(SlowUser):
    """A stream of {events}: the time to the first event, and the gap between every two."""

    uses: ClassVar[tuple[str, ...]] = ("path", "events", "gap_ms")

    @task
    def follow(self) -> None:
        self.measure("/stream whole", self.read_events)

    def read_events(self, connection: http.client.HTTPConnection) -> None:
        events, gap_ms = self.options.events, self.options.gap_ms
        began = last = time.perf_counter()
        connection.request("GET", self.path(f"/stream?events={events}&interval_ms={gap_ms}"))
        response = connection.getresponse()
        if response.status != 200:
            raise WrongAnswer(f"status {response.status}: {detail(response.read())}")
        first = 0.0
        for number in range(events):
            line = response.readline()
            if line != f"data: {workloads.event_data(number)}\n".encode() or response.readline() != b"\n":
                raise WrongAnswer(f"wrong event: {quote(line)}")
            now = time.perf_counter()
            first = first or now
            self.report("HTTP", "/stream gap" if number else "/stream first event", now - last, part=number > 0)
            last = now
        if response.read():
            raise WrongAnswer(f"more than {events} events")
        check_spacing(began, first, last, events - 1, gap_ms)


def check_spacing(began: float, first: float, last: float, gaps: int, gap_ms: int) -> None:
    """WrongAnswer for a stream that ends sooner than its gaps allow, or whose events arrive together."""
    check_time(began, gaps * max(gap_ms - 1, 0))  # each timer may be early by a millisecond
    if last - first < TOGETHER * gaps * gap_ms / 1000:
        raise WrongAnswer(f"the events came together: {gap_ms} ms were to lie between two")


class SlowUpload(SlowUser):
    """A small body that takes {slow_s} to arrive. nginx collects it first; without nginx it holds the server."""

    uses: ClassVar[tuple[str, ...]] = ("path", "slow_s")

    @task
    def trickle(self) -> None:
        self.measure("/echo trickled", self.upload)

    def upload(self, connection: http.client.HTTPConnection) -> None:
        body = message(next(self.numbers))
        connection.putrequest("POST", self.path("/echo"))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        for position in range(0, len(body), 6):
            gevent.sleep(self.options.slow_s * 6 / len(body))
            connection.send(body[position : position + 6])
        response = connection.getresponse()
        check_answer(response.status, response.read(), body.__eq__)


class SlowReader(SlowUser):
    """Asks for 1,000 events at once, reads none of them for {slow_s}, then all."""

    uses: ClassVar[tuple[str, ...]] = ("path", "slow_s")

    @task
    def stall(self) -> None:
        self.measure("/stream unread", self.read_late)

    def read_late(self, connection: http.client.HTTPConnection) -> None:
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.request("GET", self.path("/stream?events=1000&interval_ms=0"))
        gevent.sleep(self.options.slow_s)
        response = connection.getresponse()
        check_answer(response.status, response.read(), is_all_events)


def is_all_events(body: bytes) -> bool:
    """A server may add comments to a stream that stands still."""
    events = [line for line in body.decode().splitlines() if line.startswith("data: ")]
    return events == [f"data: {workloads.event_data(number)}" for number in range(1000)]


WORK = {
    "wait": "it waits {wait_ms}",
    "cpu": "it works for {rounds}",
    "db": "it makes {queries}",
}


class Impatient(SlowUser):
    """Asks for {work} and leaves after {patience_ms}. Does the server work on for nobody?"""

    uses: ClassVar[tuple[str, ...]] = (
        *("path", "work", "wait_ms", "wait_route", "rounds", "queries", "delay_ms", "patience_ms"),
    )

    @task
    def leave(self) -> None:
        self.measure(f"/{self.options.work} left", self.ask_and_go)

    def ask_and_go(self, connection: http.client.HTTPConnection) -> None:
        (path, right), began = wanted(self), time.perf_counter()
        connection.request("GET", self.path(path))
        connection.sock.settimeout(self.options.patience_ms / 1000)
        with suppress(TimeoutError):
            response = connection.getresponse()
            check_answer(response.status, response.read(), right)
            check_time(began, self.options.wait_ms if self.options.work == "wait" else 0)

    def least(self) -> str:
        """The path of the least work of this kind: it queues behind all that is left of the rest."""
        wait = f"{ROUTES[self.options.wait_route]}?ms=0"
        return {"wait": wait, "cpu": "/cpu?rounds=1", "db": "/db?queries=1&delay_ms=0"}[str(self.options.work)]


def wanted(user: Impatient) -> tuple[str, Check]:
    """What is asked for, and what must come back."""
    ms, rounds, queries = user.options.wait_ms, user.options.rounds, user.options.queries
    delay_ms = user.options.delay_ms
    return {
        "wait": (f"{ROUTES[user.options.wait_route]}?ms={ms}", waited(ms)),
        "cpu": (f"/cpu?rounds={rounds}", work(rounds)),
        "db": (f"/db?queries={queries}&delay_ms={delay_ms}", items(queries)),
    }[str(user.options.work)]
