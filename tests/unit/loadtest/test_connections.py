"""A client's connection lives on, however many files its process has open, and names are asked for seldom."""

import fcntl
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.resolver.thread import Resolver
from geventhttpclient.connectionpool import ConnectionPool

from loadtest import connections

FIRST_BEYOND_SELECT = 1024
pool: Any = SimpleNamespace()


@pytest.fixture(params=[0, FIRST_BEYOND_SELECT], ids=["few", "a thousand"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection, ours with a file number that a process has with so many files open."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, request.param)) as numbered:
        ours.close()
        yield numbered, theirs


def test_an_idle_connection_is_open(ends: tuple[Any, Any]) -> None:
    assert connections.is_open(pool, ends[0])


def test_one_that_the_row_has_closed_is_not(ends: tuple[Any, Any]) -> None:
    ends[1].close()
    assert not connections.is_open(pool, ends[0])


def test_one_with_an_answer_that_nobody_awaits_is_not(ends: tuple[Any, Any]) -> None:
    ends[1].send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert not connections.is_open(pool, ends[0])


def test_one_that_is_closed_here_is_not(ends: tuple[Any, Any]) -> None:
    ends[0].close()
    assert not connections.is_open(pool, ends[0])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the machine is asked for, while every name has another address each time."""
    so_far: list[Any] = []

    def answer(self: Any, host: str, *rest: Any) -> list[Any]:
        so_far.append(host)
        if host == "nowhere":
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{len(so_far)}", *rest[:1]))]

    monkeypatch.setattr(Resolver, "getaddrinfo", answer)
    return so_far


@pytest.fixture
def resolver() -> Any:
    return connections.RememberingResolver()


def test_a_name_is_asked_for_once_while_its_address_is_fresh(asked: list[Any], resolver: Any) -> None:
    first = resolver.getaddrinfo("flask", 8000, 0, 1)
    assert resolver.getaddrinfo("flask", 8000, 0, 1) == first
    assert resolver.getaddrinfo("fastapi", 8000, 0, 1) != first
    assert asked == ["flask", "fastapi"]


def test_it_is_asked_for_anew_when_the_row_may_be_elsewhere(
    asked: list[Any], resolver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolver.getaddrinfo("flask", 8000, 0, 1)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + resolver.FRESH_S + 0.1)
    assert resolver.getaddrinfo("flask", 8000, 0, 1) != first


def test_that_a_name_has_no_address_is_not_remembered(asked: list[Any], resolver: Any) -> None:
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            resolver.getaddrinfo("nowhere", 8000, 0, 1)
    assert asked == ["nowhere", "nowhere"]


def test_every_client_of_a_process_asks_so(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConnectionPool, "_is_socket_alive", connections.is_open)
    before = gevent.get_hub().resolver
    try:
        connections.install()
        for _ in range(3):
            gevent.socket.getaddrinfo("flask", 8000)
    finally:
        gevent.get_hub().resolver = before
    assert asked == ["flask"]
