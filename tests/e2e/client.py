"""What a client does with the gateway, in words short enough for tests to read like sentences."""

import ssl
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.stacks import Stack


class Client:
    """A client of the stack's gateway: HTTP/2 over verified TLS unless a test says otherwise."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.h2 = self.speaking(stack.https, http2=True)
        self.h1 = self.speaking(stack.http)
        self.later = ThreadPoolExecutor(100)

    def close(self) -> None:
        self.later.shutdown()
        self.h2.close()
        self.h1.close()

    def speaking(self, base: str, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=base, verify=self.tls(), timeout=60, trust_env=False, **options)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.stack.ca))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.h2.get(path, **options)

    def status(self, path: str) -> int:
        return self.get(path).status_code

    def get_later(self, path: str) -> "Future[httpx.Response]":
        """The answer to a request that is sent now, on a connection of its own."""
        return self.later.submit(httpx.get, self.stack.http + path, timeout=60, trust_env=False)

    def all_at_once(self, rows: Iterable[str], check: Callable[["Client", str], object]) -> None:
        """`check` for each row, side by side, with a client of its own; fails with the first that fails."""

        def check_alone(row: str) -> None:
            alone = Client(self.stack)
            try:
                check(alone, row)
            finally:
                alone.close()

        for future in [self.later.submit(check_alone, row) for row in rows]:
            future.result()

    @contextmanager
    def socket(self, path: str, **options: Any) -> Iterator[ClientConnection]:
        # Without TLS: this client reads and writes from two threads, and now and then loses a request over TLS.
        url = self.stack.http.replace("http", "ws") + path
        with connect(url, proxy=None, open_timeout=20, **options) as connection:
            yield connection

    @contextmanager
    def sockets(self, path: str, count: int) -> Iterator[list[ClientConnection]]:
        with ExitStack() as stack:
            yield [stack.enter_context(self.socket(path)) for _ in range(count)]

    @contextmanager
    def members(self, row: str, count: int) -> Iterator[list[ClientConnection]]:
        """Broadcast clients that surely listen: each has heard itself."""
        with self.sockets(f"/{row}/ws/broadcast", count) as sockets:
            for socket in sockets:
                hello = f"hello {uuid4()}"
                socket.send(hello)
                assert hears(socket, hello)
            yield sockets


def hears(socket: ClientConnection, message: str) -> bool:
    """Whether `message` arrives, whatever else came before it."""
    while True:
        if socket.recv(timeout=20) == message:
            return True


def close_code(socket: ClientConnection) -> int | None:
    """The code with which the server closes the connection."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(timeout=20)
    return closed.value.rcvd.code if closed.value.rcvd else None


def problem(answer: httpx.Response, status: int) -> str:
    """What a problem says, after checking that it is one with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["type"], body["status"]) == ("about:blank", status)
    return str(body["detail"])
