"""WebSocket clients that read late, never, or say nothing at all."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.client import Client, close_code
from tests.e2e.stacks import NativeDoor, Stack
from tests.e2e.test_sockets import CARRIERS, HANDSHAKE
from tests.faults.conftest import Tell, thoroughly

QUICK = ["flask", "flask-gevent"]
ROWS = [*QUICK, *thoroughly(*(row for row in CARRIERS if row not in QUICK))]
LATE = [bytes([number]) * 60_000 for number in range(200)]
FRAME = b"\x82\xfe" + (60_000).to_bytes(2) + bytes(4) + b"x" * 60_000  # the mask of zeros changes nothing
MIB = 2**20


@pytest.mark.parametrize("row", ROWS)
def test_a_client_that_reads_late_gets_every_byte(client: Client, row: str, tell: Tell) -> None:
    """A WebSocket client that reads late gets every byte.

    200 messages of 60 kB are sent at once, each with a ping, and nothing is read for two seconds.
    """
    with client.socket(f"/{row}/ws/echo", max_queue=1) as late, ThreadPoolExecutor(1) as sender:
        sending = [each for message in LATE for each in (sender.submit(late.send, message), sender.submit(late.ping))]
        time.sleep(2)
        assert [late.recv(timeout=20) for _ in LATE] == LATE
        for each in sending:
            each.result()
    tell(f"{row}: {len(LATE)} of {len(LATE)}")


@pytest.mark.parametrize("row", ["flask-gevent", *thoroughly("flask", "fastapi")])
def test_a_member_of_a_broadcast_that_reads_late_gets_whole_messages_or_is_let_go(
    client: Client, row: str, tell: Tell
) -> None:
    """A broadcast is never spoilt for a member that reads late: it gets whole messages, or is let go.

    1,500 messages of 7,000 bytes while one of two members reads nothing.
    """
    messages = [f"{number:04}" + "x" * 7_000 for number in range(1_500)]
    with client.members(row, 1) as [speaker], client.socket(f"/{row}/ws/broadcast", max_queue=1) as late:
        time.sleep(1)
        for message in messages:
            speaker.send(message)
            assert speaker.recv(timeout=20) == message
        heard: list[str | bytes] = []
        with suppress(ConnectionClosed):
            while len(heard) < len(messages):
                heard.append(late.recv(timeout=20))
        assert heard and heard == messages[: len(heard)]
    tell(f"{row}: {len(heard)} of {len(messages)} whole")


class Greedy:
    """A client that sends messages to be echoed, and reads none."""

    def __init__(self, stack: Stack, row: str) -> None:
        address = httpx.URL(stack.http)
        self.tcp = socket.create_connection((address.host, address.port or 80), timeout=20)
        lines = [f"GET /{row}/ws/echo HTTP/1.1", "Host: localhost", *map(": ".join, HANDSHAKE.items()), "", ""]
        self.tcp.sendall("\r\n".join(lines).encode())
        assert self.tcp.recv(4096).startswith(b"HTTP/1.1 101")
        self.tcp.settimeout(2)
        self.unsent = b""

    def sends(self) -> int:
        """How many bytes were taken; none where nothing was for two seconds."""
        self.unsent = self.unsent or FRAME
        try:
            taken = self.tcp.send(self.unsent)
        except TimeoutError:
            return 0
        self.unsent = self.unsent[taken:]
        return taken


@pytest.mark.parametrize("row", ROWS)
def test_a_client_that_only_sends_costs_no_memory(client: Client, row: str, tell: Tell) -> None:
    """A WebSocket client that sends and never reads costs no memory: the row stops reading from it.

    One client sends messages of 60 kB until nothing is taken any more. Counted: the growth of the server.
    """
    before = client.stack.meter(row).memory_bytes
    greedy, sent = Greedy(client.stack, row), 0
    with greedy.tcp:
        while taken := greedy.sends():
            sent += taken
            assert sent < 200 * MIB, "it reads on, although nobody reads what it answers"
        grown = client.stack.meter(row).memory_bytes - before
    tell(f"{row}: +{grown / MIB:.0f} MiB")
    assert grown < 32 * MIB


@pytest.mark.thorough
def test_clients_that_never_read_do_not_keep_flasks_threads(client: Client, tell: Tell) -> None:
    """Clients that never read do not keep the threads of Flask for ever.

    Eight WebSockets that send and never read take all eight threads. Counted: the seconds
    from the first of them until Flask answers another.
    """
    began = time.monotonic()
    with ExitStack() as connections:
        for _ in range(8):
            greedy = Greedy(client.stack, "flask")
            connections.enter_context(greedy.tcp)
            while greedy.sends():
                pass
        # Sooner than the gateway's own limit of 60 s for what nobody reads, which began with the first of them.
        assert client.get_later("/flask/json").result(timeout=30).status_code == 200
    tell(f"{time.monotonic() - began:.0f} s")


def test_a_silent_websocket_is_let_go(native: NativeDoor, client: Client, tell: Tell) -> None:
    """A WebSocket on which nothing is said for ten minutes is let go by the gateway: none keeps a thread for ever.

    The gateway's limit, shortened to two seconds; eight silent sockets hold all threads of Flask until then.
    """
    config = native.native.run / "gateway" / "gateway.conf"
    text = config.read_text()
    assert "proxy_read_timeout 10m;" in text
    try:
        config.write_text(text.replace("proxy_read_timeout 10m;", "proxy_read_timeout 2s;"))
        native.signal("nginx", signal.SIGHUP)
        time.sleep(1)
        with client.sockets("/flask/ws/echo", 8) as silent:
            assert client.get_later("/flask/json").result(timeout=20).status_code == 200
            assert {close_code(one) for one in silent} == {None}
    finally:
        config.write_text(text)
        native.signal("nginx", signal.SIGHUP)
    tell("8 of 8 let go, and Flask answered")
