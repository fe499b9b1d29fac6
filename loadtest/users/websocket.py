"""Clients that hold a WebSocket: websocket-client on gevent's sockets."""

import ssl
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import gevent
from locust import task
from websocket import WebSocket, WebSocketBadStatusException, WebSocketException, create_connection

from loadtest import targets
from loadtest.users.requests import text
from loadtest.users.row import OnRow, WrongAnswer, quote

T = TypeVar("T")
TIMEOUT_S = 60
NOT_HERE = 501  # what a row answers whose server cannot hand out a WebSocket


class WebSocketUser(OnRow):
    """A user with one open WebSocket. Opening it is a request of its own in the statistics."""

    abstract = True
    route: str
    uses: ClassVar[tuple[str, ...]] = ("path", "open_s")

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.ws: WebSocket | None = None

    def connect(self) -> WebSocket:
        url = targets.websocket_url(self.row, self.options.path) + self.route
        unverified = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}  # the lab's own certificate
        ws = create_connection(url, timeout=self.options.open_s, sslopt=unverified)
        ws.settimeout(TIMEOUT_S)
        return ws

    def opened(self) -> WebSocket | None:
        """The open socket, made anew where it is lost; None where the row refuses, after a second."""
        if self.ws is None:
            self.ws = self.measure(f"{self.route} open", self.connect)
        if self.ws is None:
            gevent.sleep(1)  # no faster than a client with manners
        return self.ws

    def sockets(self) -> tuple[int, int]:
        return int(self.ws is not None), 1

    def on_stop(self) -> None:
        if self.ws:
            self.ws.close(timeout=0)

    def drop(self) -> None:
        """Lets go of a socket that has failed: the server is not to hold it any longer."""
        if self.ws:
            self.ws.shutdown()
        self.ws = None

    def echo(self, ws: WebSocket) -> None:
        message = text(next(self.numbers))
        ws.send(message)
        answer = ws.recv()
        if answer != message:
            raise WrongAnswer(f"wrong echo: {quote(answer.encode() if isinstance(answer, str) else answer)}")

    def measure(self, what: str, action: Callable[[], T], part: bool = False) -> T | None:
        """`action`'s result, with its time or its error in the statistics; None where it failed."""
        error: Exception | None = None
        result = None
        began = time.perf_counter()
        try:
            result = action()
        except (WebSocketException, OSError) as failure:
            error = failure
            self.drop()
        self.report("WS", what, time.perf_counter() - began, error, part)
        return result


class WebSocketEcho(WebSocketUser):
    """A message there and back on an open WebSocket, over and over."""

    route = "/ws/echo"

    @task
    def talk(self) -> None:
        if ws := self.opened():
            self.measure(self.route, lambda: self.echo(ws))


class WebSocketOffer(WebSocketUser):
    """Asks for a WebSocket, and takes it or the server's word that it has none (501). A new connection each time."""

    route = "/ws/echo"

    @task
    def offer(self) -> None:
        began, error = time.perf_counter(), None
        try:
            ws = self.connect()
        except WebSocketBadStatusException as refusal:
            error = None if refusal.status_code == NOT_HERE else refusal
        except (WebSocketException, OSError) as failure:
            error = failure
        else:
            with closing(ws):
                self.measure(self.route, lambda: self.echo(ws), part=True)
        self.report("HTTP/1.1", f"{self.route} offered", time.perf_counter() - began, error)


class WebSocketIdle(WebSocketUser):
    """An open WebSocket that does nothing but one echo every {heartbeat_s}: what does holding thousands cost?"""

    route = "/ws/echo"
    uses: ClassVar[tuple[str, ...]] = ("path", "open_s", "heartbeat_s")

    def wait_time(self) -> float:  # here, and not in the task: a test that stops need not wait for it
        return super().wait_time() or (0 if self.schedule else self.options.heartbeat_s)

    @task
    def beat(self) -> None:
        if ws := self.opened():
            self.measure(f"{self.route} heartbeat", lambda: self.echo(ws))


class Broadcast(WebSocketUser):
    """One sender and {listeners} receivers: the time from sending until the last one has the message."""

    route = "/ws/broadcast"
    uses: ClassVar[tuple[str, ...]] = ("path", "open_s", "listeners")

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.name = uuid4().hex  # every listener also hears other users' messages, also of other processes
        self.listeners: list[WebSocket] = []

    @task
    def fan_out(self) -> None:
        if ws := self.opened():
            while len(self.listeners) < self.options.listeners:
                listener = self.measure(f"{self.route} open", self.connect)
                if listener is None:
                    return
                self.listeners.append(listener)
                # A handshake may be answered before its client is a member, who would miss what is sent meanwhile.
                self.measure(f"{self.route} joined", partial(self.reach, listener, [listener]))
            if self.ws is not None:
                self.measure(f"{self.route} to the last", lambda: self.reach(ws, [ws, *self.listeners]))
            if self.ws is None:
                self.close_listeners()

    def sockets(self) -> tuple[int, int]:
        return int(self.ws is not None) + len(self.listeners), 1 + self.options.listeners

    def reach(self, ws: WebSocket, listeners: list[WebSocket]) -> None:
        message = f"{self.name} {next(self.numbers)}"
        ws.send(message)
        receiving = [gevent.spawn(wait_for, listener, message) for listener in listeners]
        gevent.joinall(receiving, raise_error=True)

    def close_listeners(self) -> None:
        for listener in self.listeners:
            listener.close(timeout=0)
        self.listeners = []

    def on_stop(self) -> None:
        self.close_listeners()
        super().on_stop()


def wait_for(ws: WebSocket, message: str) -> None:
    while (heard := ws.recv()) != message:
        if not heard:
            raise WrongAnswer("the broadcast ended before the message came")
