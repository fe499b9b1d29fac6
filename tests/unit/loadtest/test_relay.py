"""The relay delays, and does nothing else."""

import socket
import threading
import time
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket as relayed  # of the same event loop as the relay

from loadtest import relay

ROUND_TRIP_MS = 60


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that sends back what comes, until it comes to an end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(65_536):
                        connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def connected(url: str) -> relayed.socket:
    return relayed.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5)


def exchange(client: relayed.socket, sent: bytes) -> tuple[bytes, float]:
    """What came back, and after how many ms the first of it."""
    began = time.perf_counter()
    client.sendall(sent)
    received = client.recv(65_536)
    took = (time.perf_counter() - began) * 1000
    while len(received) < len(sent):
        received += client.recv(65_536)
    return received, took


def test_what_is_sent_comes_back_unchanged_after_a_round_trip_each_time(echo: str) -> None:
    body = bytes(range(256)) * 2_000
    with connected(relay.through(echo, ROUND_TRIP_MS)) as client:
        for sent in (b"first", b"second", body):
            received, took = exchange(client, sent)
            assert received == sent
            assert ROUND_TRIP_MS - 2 <= took < 20 * ROUND_TRIP_MS


def test_what_follows_is_delayed_with_what_went_before_and_not_after_it(echo: str) -> None:
    """Ten messages at once take one round trip, as over a long wire, and not ten."""
    with connected(relay.through(echo, ROUND_TRIP_MS)) as client:
        began = time.perf_counter()
        for number in range(10):
            client.sendall(b"%d" % number)
            gevent.sleep(0.001)
        received = b""
        while len(received) < 10:
            received += client.recv(64)
        assert received == b"0123456789"
        assert time.perf_counter() - began < 5 * ROUND_TRIP_MS / 1000


def test_an_end_arrives_after_what_was_sent_before_it(echo: str) -> None:
    with connected(relay.through(echo, ROUND_TRIP_MS)) as client:
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(64):
            received += data
        assert received == b"last words"


def test_without_a_delay_there_is_no_relay_and_the_same_way_is_made_once(echo: str) -> None:
    assert relay.through(echo, 0) == echo
    path = f"{echo}/flask"
    assert relay.through(path, ROUND_TRIP_MS) == relay.through(path, ROUND_TRIP_MS) != path
    assert relay.through(path, ROUND_TRIP_MS).endswith("/flask")
