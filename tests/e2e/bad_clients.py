"""Clients that nobody would write, but to do harm; each does it for a few seconds, and stops when it is cut off."""

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import h2.config
import h2.connection
import httpx
from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame

from tests.e2e.client import Client

SECONDS = 3
# Connections of one client, at most: how many a row can serve, and a proxy of Docker's open, is not what is tried.
A_SECOND = 300
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def connect(base: str) -> socket.socket:
    address = httpx.URL(base)
    return socket.create_connection((address.host, address.port or 80), timeout=20)


def until_cut_off(step: Callable[[], object]) -> None:
    """`step` again and again, until the server has had enough or the time is over."""
    end = time.monotonic() + SECONDS
    with suppress(OSError):
        while time.monotonic() < end:
            step()


def paced(step: Callable[[], object]) -> None:
    """`step`, which opens a connection, at a pace."""

    def step_and_rest() -> None:
        step()
        time.sleep(1 / A_SECOND)

    until_cut_off(step_and_rest)


# HTTP/2


@contextmanager
def http2(client: Client) -> Iterator[ssl.SSLSocket]:
    context = client.tls()
    context.set_alpn_protocols(["h2"])
    with connect(client.stack.https) as tcp, context.wrap_socket(tcp, server_hostname="localhost") as tls:
        tls.sendall(PREFACE + SettingsFrame(0).serialize())
        yield tls


def request_block(path: str) -> bytes:
    """The headers of a GET, as HPACK has them on a new connection."""
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
    return bytes(h2.connection.H2Connection().encoder.encode(fields))


def flood(client: Client, frames: Callable[[int], bytes]) -> None:
    """Bursts of frames, which `frames` makes from the number of the next stream; answers are never read."""
    numbers = iter(range(1, 2**31, 2))
    with suppress(OSError), http2(client) as tls:
        until_cut_off(lambda: tls.sendall(b"".join(frames(next(numbers)) for _ in range(100))))


def rapid_reset(client: Client) -> None:
    block = request_block("/flask/json")

    def opened_and_reset(number: int) -> bytes:
        headers = HeadersFrame(number, block, flags=["END_HEADERS", "END_STREAM"])
        return bytes(headers.serialize() + RstStreamFrame(number, error_code=8).serialize())

    flood(client, opened_and_reset)


def endless_continuation(client: Client) -> None:
    first = HeadersFrame(1, request_block("/flask/json"), flags=["END_STREAM"]).serialize()
    more = ContinuationFrame(1, b"\x00\x01x\x7f\x00" + b"y" * 126).serialize()
    flood(client, lambda number: bytes(first if number == 1 else more))


def settings_flood(client: Client) -> None:
    flood(client, lambda number: bytes(SettingsFrame(0, {4: number}).serialize()))


def ping_flood(client: Client) -> None:
    flood(client, lambda number: bytes(PingFrame(0, struct.pack(">Q", number)).serialize()))


def tiny_windows(client: Client) -> None:
    """Asks 500 times at once for a page of which it takes no byte."""
    block = request_block("/page.css")
    no_window = SettingsFrame(0, {4: 0}).serialize()
    asked = b"".join(
        HeadersFrame(number, block, flags=["END_HEADERS", "END_STREAM"]).serialize() for number in range(1, 1_001, 2)
    )
    with suppress(OSError), http2(client) as tls:
        tls.sendall(no_window + asked)
        time.sleep(SECONDS)


# HTTP/1.1


def idle_connections(client: Client) -> None:
    hold(client, 2_000, b"")


def half_a_request(client: Client) -> None:
    hold(client, 500, b"POST /flask/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Le")


def half_a_body(client: Client) -> None:
    head = b"POST /flask/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    hold(client, 500, head + b'Content-Length: 60000\r\n\r\n{"message":')


def hold(client: Client, count: int, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(count):
            peer = stack.enter_context(closing(connect(client.stack.http)))
            peer.sendall(sent)
        time.sleep(SECONDS)


def gone_without_a_word(client: Client) -> None:
    """Asks, and resets the connection before the answer comes."""

    def ask_and_reset() -> None:
        with closing(connect(client.stack.http)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.sendall(b"GET /fastapi/wait?ms=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")

    paced(ask_and_reset)


def large_headers(client: Client) -> None:
    def send_much() -> None:
        with closing(connect(client.stack.http)) as peer:
            peer.sendall(b"GET /flask/json HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"x" * 100_000 + b"\r\n" * 2)

    paced(send_much)


def large_bodies(client: Client) -> None:
    body = b" " * 5_000_000

    def send_much() -> None:
        with suppress(httpx.HTTPError):
            client.h1.post("/flask/echo", content=body, headers={"content-type": "application/json"})

    paced(send_much)


# WebSocket


def websocket_flood(client: Client) -> None:
    with client.sockets("/fastapi/ws/echo", 100) as sockets:

        def shout() -> None:
            for each in sockets:
                each.send("x" * 1_000)
            for each in sockets:
                each.recv(timeout=20)

        until_cut_off(shout)


def websocket_comings_and_goings(client: Client) -> None:
    def come_and_go() -> None:
        with client.socket("/fastapi/ws/echo"):
            pass

    paced(come_and_go)


@contextmanager
def silent_member(client: Client, row: str) -> Iterator[None]:
    """A member of the row's broadcast who never reads."""
    with closing(connect(client.stack.http)) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.sendall(handshake(f"/{row}/ws/broadcast"))
        yield


def handshake(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
