"""What Flask adds to simple-websocket: seen from a handler, and before there is one."""

import socket
from threading import Event

import pytest
from simple_websocket import ConnectionClosed

from tests.contract.apps import Ask, detail

GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Connection:
    """As simple-websocket's: it wakes the handler before it notes that the client is gone."""

    def __init__(self, sock: socket.socket) -> None:
        self.connected = True
        self.event = Event()
        self.sock, self.input_buffer = sock, list[str]()

    def read(self) -> None:
        self.event.set()
        self.event.clear()  # the handler was quick: it found itself connected, and waits again


def test_a_handler_is_woken_once_more_when_its_connection_is_noted_as_gone() -> None:
    from flask_service.sockets import receiver

    with socket.socket() as sock:
        connection = Connection(sock)
        thread = receiver(connection.read)
        thread.start()
        assert connection.event.wait(timeout=20)
        assert not connection.connected
        thread.join()


def test_a_send_that_fails_ends_the_connection_for_handler_and_receiver_alike() -> None:
    from flask_service.sockets import Inbox, Wire

    near, far = socket.socketpair()
    with near, far:
        wire = Wire(near, Inbox())
        near.settimeout(0.1)
        for kind in (ConnectionClosed, OSError):
            with pytest.raises(kind):
                wire.send(b"x" * 10_000_000)  # the far end reads nothing
        assert far.recv(1)


@pytest.mark.parametrize("path", ["/ws/echo", "/ws/broadcast"])
@pytest.mark.parametrize(
    "change",
    [
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Version": ""},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Key": "too short"},
        {"Sec-WebSocket-Key": "!!!!IHNhbXBsZSBub25jZQ=="},
    ],
    ids=str,
)
def test_a_bad_handshake_is_a_400_that_says_what_a_good_one_has(flask: Ask, path: str, change: dict[str, str]) -> None:
    assert detail(flask("GET", path, headers=GOOD | change), 400) == (
        "the WebSocket handshake must have Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key of 16 bytes"
    )


def test_a_good_handshake_on_a_server_that_cannot_is_a_501(flask: Ask) -> None:
    detail(flask("GET", "/ws/echo", headers=GOOD), 501)


@pytest.mark.parametrize("change", [{"Connection": "close"}, {"Upgrade": "h2c"}], ids=str)
def test_half_an_upgrade_is_a_plain_request(flask: Ask, change: dict[str, str]) -> None:
    assert "connect with an upgrade" in detail(flask("GET", "/ws/echo", headers=GOOD | change), 400)


def test_an_upgrade_of_another_route_is_refused_for_what_it_is(flask: Ask) -> None:
    assert "does not speak WebSocket" in detail(flask("GET", "/json", headers=GOOD), 400)
