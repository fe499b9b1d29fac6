"""Clients that read slowly, or send slowly, beside one that does neither: the victim."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.stacks import NativeDoor
from tests.faults.conftest import Tell, thoroughly
from tests.faults.prober import Ask, Count, probing

ROWS = ["flask", "fastapi"]
HOST = "Host: localhost\r\n"
TRICKLE_S = 0.2  # between two bits of a slow client
HEADERS = f"GET {{row}}/json HTTP/1.1\r\n{HOST}X-Slow: "
BODY = f"POST {{row}}/echo HTTP/1.1\r\n{HOST}Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
LARGE = f"GET {{row}}/bytes?kib={{kib}} HTTP/1.1\r\n{HOST}\r\n"
EVENTS = f"GET {{row}}/stream?events=1000&interval_ms=0 HTTP/1.1\r\n{HOST}\r\n"


@contextmanager
def slow(base: str, request: str, count: int, sends: bytes = b"") -> Iterator[None]:
    """So many clients that have all sent `request`, and go on bit by bit: with `sends`, or else reading the answer."""
    address = httpx.URL(base)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(TRICKLE_S):
            for client in clients:
                with suppress(OSError):  # one that the server has let go, or that has nothing to read yet
                    client.send(sends) if sends else client.recv(512)

    with ExitStack() as connections:
        clients = [connections.enter_context(socket.socket()) for _ in range(count)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((address.host, address.port or 80))
            client.sendall(request.encode())
            client.setblocking(False)
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def victim(base: str, path: str, soon_s: float = 1) -> Count:
    """What a client met that asked for `path` for five seconds meanwhile."""
    with probing(base, {path: Ask(path)}, slow_s=soon_s, before_s=5) as counts:
        pass
    return counts[path]


@pytest.mark.parametrize("row", ["flask", *thoroughly("fastapi")])
@pytest.mark.parametrize(
    ("request_", "count", "sends"),
    [
        (LARGE.replace("{kib}", "256"), 500, b""),
        (LARGE.replace("{kib}", "4096"), 50, b""),
        (HEADERS, 500, b"x"),
        (BODY, 500, b" "),
    ],
    ids=["500 readers of 256 KiB", "50 readers of 4 MiB", "500 senders of headers", "500 senders of bodies"],
)
def test_slow_clients_do_not_slow_down_others(
    client: Client, row: str, request_: str, count: int, sends: bytes, tell: Tell, soon_s: float
) -> None:
    """Slow clients of the gateway do not slow down others: 99 of 100 answers within a second, none lost.

    500 clients that send a header, or a body, bit by bit; 500 that read 256 KiB so, and 50 that read 4 MiB. Counted:
    what one other client met.
    """
    with slow(client.stack.http, request_.replace("{row}", f"/{row}"), count, sends):
        met = victim(client.stack.http, f"/{row}/json", soon_s)
    tell(f"{row}: {met}")
    assert met.prompt and not met.lost and not met.wrong


@pytest.mark.finding
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    ("request_", "count", "sends"),
    [(LARGE.replace("{kib}", "4096"), 50, b""), (HEADERS, 50, b"x"), (BODY, 50, b" ")],
    ids=["readers", "senders of headers", "senders of bodies"],
)
def test_slow_clients_of_a_row_itself_take_its_threads_and_not_its_event_loop(
    native: NativeDoor, row: str, request_: str, count: int, sends: bytes, tell: Tell, request: pytest.FixtureRequest
) -> None:
    """Without a gateway before it, slow clients take a server's threads; an event loop gives them none.

    50 such clients on the row's own port: that read 4 MiB, that send headers, that send a body.
    """
    url = native.native.url(next(one for one in native.rows if one.name == row))
    with slow(url, request_.replace("{row}", ""), count, sends):
        met = victim(url, "/json")
    tell(f"{row}, {request.node.callspec.id.split('-')[1]}: {len(met.times_s)} asked, {met.slow} later than 1 s")
    if row == "fastapi":
        assert met.prompt and not met.lost and not met.wrong


@pytest.mark.finding
@pytest.mark.parametrize("row", ROWS)
def test_work_that_many_ask_for_at_once_is_waited_for(client: Client, row: str, tell: Tell) -> None:
    """Work that many ask for at once is waited for, through the gateway, too: no buffer takes it from a row.

    500 clients ask for 1,000 events each, without a pause between them: half a million small writes.
    """
    began = time.monotonic()
    with slow(client.stack.http, EVENTS.replace("{row}", f"/{row}"), 500):
        met = victim(client.stack.http, f"/{row}/json")
    tell(f"{row}: {met}, over after {time.monotonic() - began:.0f} s")
    assert not met.wrong
    assert client.get_later(f"/{row}/json").result(timeout=60).status_code == 200
