"""WebSocket frames that nobody may send: every row ends the connection alike, unless its server decides otherwise."""

import socket
import struct
from contextlib import closing

import pytest

from tests.e2e import bad_clients
from tests.e2e.client import Client

CARRIERS = ["flask", "flask-gevent", "fastapi", "fastapi-granian", "fastapi-gunicorn", "asgi"]
TEXT, BYTES, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"mask"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    head = bytes([final << 7 | reserved << 4 | opcode])
    if len(payload) < 126:
        head += bytes([masked << 7 | len(payload)])
    else:
        head += bytes([masked << 7 | 126]) + struct.pack(">H", len(payload))
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason)


def length(opcode: int, size: int, sent: int = 8) -> bytes:
    """The head of a frame of so many bytes, with the length in 64 bits, and the beginning of it."""
    return bytes([0x80 | opcode, 0xFF]) + struct.pack(">Q", size) + MASK + b"x" * sent


# What is sent, and the code with which the connection must end.
TOO_LONG = "a length of 65,537"
CASES = {
    "a reserved bit": (frame(TEXT, b"x", reserved=4), 1002),
    "another reserved bit": (frame(TEXT, b"x", reserved=1), 1002),
    "a reserved opcode": (frame(3, b"x"), 1002),
    "a reserved control opcode": (frame(11), 1002),
    "no mask": (frame(TEXT, b"x", masked=False), 1002),
    "a ping in fragments": (frame(PING, b"x", final=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close in fragments": (frame(CLOSE, final=False), 1002),
    "a continuation of nothing": (frame(0, b"x"), 1002),
    "a message within another": (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002),
    "a close of one byte": (frame(CLOSE, b"x"), 1002),
    "a close with a code that is none": (close(999), 1002),
    "a close with a code that nobody may send": (close(1005), 1002),
    "a close whose reason is no text": (close(1000, b"\xff"), 1007),
    "a text that is no UTF-8": (frame(TEXT, b"\xff"), 1007),
    "a text with a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a text that ends within a character": (frame(TEXT, b"\xe2\x98"), 1007),
    "a text that is no UTF-8, in fragments": (frame(TEXT, b"\xe2", final=False) + frame(0, b"x"), 1007),
    TOO_LONG: (length(BYTES, 65_537, 65_537), 1009),
    "a length of 2 to the 62nd": (length(BYTES, 2**62), 1009),
    "a length with the highest bit": (length(BYTES, 2**63), 1002),
    "a length written longer than it need be": (bytes([0x81, 0xFE, 0, 1]) + MASK + bytes([ord("x") ^ MASK[0]]), 1002),
    "a compressed message, which nobody agreed on": (frame(TEXT, b"\xf2H\xcd", reserved=4), 1002),
    "an honest close": (close(1000), 1000),
    "a close of one's own code": (close(4_321, b"bye"), 4_321),
    "a close without a code": (frame(CLOSE), None),
}
RESETS = ("fastapi", "asgi")  # uvicorn closes with input unread: the reset may overtake the word
SILENT = "fastapi-granian"  # granian closes without a word of why
# What else a server does, and cannot be told otherwise.
OTHERWISE = {
    # simple-websocket waits for the message, of which it will take no more than 64 KiB.
    ("a length of 2 to the 62nd", "flask"): -1,
    ("a length of 2 to the 62nd", "flask-gevent"): -1,
    # uvicorn finds it too long before it finds it wrong.
    ("a length with the highest bit", "fastapi"): 1009,
    ("a length with the highest bit", "asgi"): 1009,
    # uvicorn and granian take it for the message that it is.
    ("a length written longer than it need be", "fastapi"): -1,
    ("a length written longer than it need be", "asgi"): -1,
    ("a length written longer than it need be", SILENT): -1,
    # gunicorn puts in what was left out.
    ("a close without a code", "fastapi-gunicorn"): 1000,
}


@pytest.mark.parametrize("what", CASES)
def test_a_frame_that_may_not_be_ends_the_connection(client: Client, what: str) -> None:
    sent, code = CASES[what]
    ended = {row: ends(client, row, sent) for row in CARRIERS}
    expected = {row: OTHERWISE.get((what, row), code) for row in CARRIERS}
    if ended[SILENT] is None:
        expected[SILENT] = None
    if what == TOO_LONG:
        expected |= {row: 0 for row in RESETS if ended[row] == 0}
    assert ended == expected


HARMLESS = {
    "a pong that nobody asked for": frame(PONG, b"x"),
    "a ping within a message": frame(TEXT, b"a", final=False) + frame(PING) + frame(0, b"b"),
    "an empty fragment": frame(TEXT, b"", final=False) + frame(0, b"x"),
    "a text split within a character": frame(TEXT, b"\xe2\x98", final=False) + frame(0, b"\x83"),
}


@pytest.mark.parametrize("what", HARMLESS)
@pytest.mark.parametrize("row", CARRIERS)
def test_a_frame_that_is_odd_but_allowed_ends_nothing(client: Client, row: str, what: str) -> None:
    with closing(opened(client, row)) as peer:
        peer.sendall(HARMLESS[what] + frame(TEXT, b"the last"))
        received = b""
        while b"the last" not in received:
            more = peer.recv(4_096)
            assert more, received
            received += more


def opened(client: Client, row: str) -> socket.socket:
    peer = bad_clients.connect(client.stack.http)
    peer.sendall(bad_clients.handshake(f"/{row}/ws/echo"))
    head = b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return peer


def ends(client: Client, row: str, sent: bytes) -> int | None:
    """The code of the close that comes back; None where it has none, 0 where no close comes, -1 where nothing ends."""
    with closing(opened(client, row)) as peer:
        peer.settimeout(5)
        received = said = b""
        try:
            peer.sendall(sent)
            while more := peer.recv(65_536):
                received += more
                if not said and (said := last_word(received)):
                    peer.sendall(frame(CLOSE))  # or some servers wait for it, for as long as we do
        except ConnectionError:
            pass
        except TimeoutError:
            return -1
    if not said:
        return 0
    return int.from_bytes(said[2:4], "big") if said[1] else None


def last_word(received: bytes) -> bytes:
    """The close frame; empty while there is none, or not the whole of it."""
    while len(received) >= 2:
        size = 2 + received[1]  # none that comes back is longer than 125
        if received[0] == 0x80 | CLOSE:
            return received[:size] if len(received) >= size else b""
        received = received[size:]
    return b""
