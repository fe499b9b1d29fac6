"""Clients that take their time: an event stream, a trickled upload, a reader that does not read."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import gevent
from locust import task

import workloads
from loadtest.users.requests import MESSAGE
from loadtest.users.row import OnRow, WrongAnswer

TIMEOUT_S = 60


class SlowUser(OnRow):
    """A connection per request, written and read by hand: a pooled client reads as fast as it can."""

    abstract = True

    def connection(self) -> http.client.HTTPConnection:
        url = urlsplit(str(self.host))
        if url.scheme == "http":
            return http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
        unverified = ssl._create_unverified_context()  # noqa: S323  (the lab's own certificate)
        return http.client.HTTPSConnection(url.netloc, timeout=TIMEOUT_S, context=unverified)

    def path(self, route: str) -> str:
        return urlsplit(str(self.host)).path + route

    def measure(self, what: str, action: Callable[[], None]) -> None:
        began, error = time.perf_counter(), None
        try:
            action()
        except (OSError, http.client.HTTPException) as failure:
            error = failure
        self.report("HTTP", what, time.perf_counter() - began, error)


class EventStream(SlowUser):
    """A stream of --events: the time to the first event, and the gap between every two."""

    @task
    def follow(self) -> None:
        self.measure("/stream whole", self.read_events)

    def read_events(self) -> None:
        connection = self.connection()
        began = time.perf_counter()
        connection.request("GET", self.path(f"/stream?events={self.options.events}&interval_ms={self.options.gap_ms}"))
        response = connection.getresponse()
        for number in range(self.options.events):
            line = response.readline()
            if line != f"data: {workloads.event_data(number)}\n".encode():
                raise WrongAnswer(f"wrong event: {line[:80]!r}")
            response.readline()  # the empty line after it
            now = time.perf_counter()
            self.report("HTTP", "/stream first event" if number == 0 else "/stream gap", now - began)
            began = now
        connection.close()


class SlowUpload(SlowUser):
    """A small body that takes --slow-s to arrive. nginx collects it first; without nginx it holds the server."""

    @task
    def trickle(self) -> None:
        self.measure("/echo trickled", self.upload)

    def upload(self) -> None:
        connection = self.connection()
        connection.putrequest("POST", self.path("/echo"))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(MESSAGE)))
        connection.endheaders()
        for position in range(0, len(MESSAGE), 6):
            gevent.sleep(self.options.slow_s * 6 / len(MESSAGE))
            connection.send(MESSAGE[position : position + 6].encode())
        response = connection.getresponse()
        if response.read() != MESSAGE.encode():
            raise WrongAnswer(f"wrong echo, status {response.status}")
        connection.close()


class SlowReader(SlowUser):
    """Asks for 1,000 events at once, reads none of them for --slow-s, then all."""

    @task
    def stall(self) -> None:
        self.measure("/stream unread", self.read_late)

    def read_late(self) -> None:
        connection = self.connection()
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.request("GET", self.path("/stream?events=1000&interval_ms=0"))
        gevent.sleep(self.options.slow_s)
        body = connection.getresponse().read()
        if body.count(b"data: ") != 1000:
            raise WrongAnswer(f"{body.count(b'data: ')} events of 1000")
        connection.close()


class Impatient(SlowUser):
    """Asks for a wait and leaves after --patience-ms. Does the server work on for nobody?"""

    @task
    def leave(self) -> None:
        self.measure("/wait left", self.ask_and_go)

    def ask_and_go(self) -> None:
        connection = self.connection()
        connection.request("GET", self.path(f"/wait?ms={self.options.wait_ms}"))
        connection.sock.settimeout(self.options.patience_ms / 1000)
        with suppress(TimeoutError):
            connection.getresponse().read()
        connection.close()
