"""Clients that hold a WebSocket: websocket-client on gevent's sockets."""

import ssl
import time
from typing import Any

from locust import task
from websocket import WebSocket, WebSocketException, create_connection

from loadtest import targets
from loadtest.users.row import OnRow, WrongAnswer

TIMEOUT_S = 60


class WebSocketUser(OnRow):
    """A user with one open WebSocket, made when it starts; opening it is measured as a request of its own."""

    abstract = True
    route: str

    def on_start(self) -> None:
        self.ws: WebSocket | None = None

    def open(self) -> WebSocket:
        url = targets.websocket_url(self.row, self.options.path) + self.route
        unverified = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}  # the lab's own certificate
        return create_connection(url, timeout=TIMEOUT_S, sslopt=unverified)

    def on_stop(self) -> None:
        if self.ws:
            self.ws.close()

    def measure(self, what: str, action: Any, *arguments: Any) -> Any:
        """`action`'s result, with its time or its error in the statistics; None where it failed."""
        error: Exception | None = None
        result = None
        began = time.perf_counter()
        try:
            result = action(*arguments)
        except (WebSocketException, OSError) as failure:
            error, self.ws = failure, None
        self.environment.events.request.fire(
            request_type="WS",
            name=self.named(what),
            response_time=(time.perf_counter() - began) * 1000,
            response_length=len(result) if isinstance(result, str) else 0,
            exception=error,
            context={},
        )
        return result


class WebSocketEcho(WebSocketUser):
    """A message there and back, over and over, on one connection."""

    route = "/ws/echo"
    message = "The quick brown fox jumps over the lazy dog."

    @task
    def echo(self) -> None:
        if self.ws is None:
            self.ws = self.measure(f"{self.route} open", self.open)
        if self.ws is None:
            time.sleep(1)  # refused: no faster than a client with manners
        else:
            self.measure(self.route, self.exchange, self.ws)

    def exchange(self, ws: WebSocket) -> str:
        ws.send(self.message)
        answer = ws.recv()
        if answer != self.message:
            raise WrongAnswer(f"wrong echo: {answer[:80]!r}")
        return str(answer)
