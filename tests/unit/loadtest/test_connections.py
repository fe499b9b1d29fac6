"""A client's connection lives on, however many files its process has open."""

import fcntl
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

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
