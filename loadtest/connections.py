"""Connections that live however many a process has open, and names that are not asked for anew at each.

Before each request geventhttpclient asks select(2) whether the idle connection is still open. That knows no file beyond
number 1023: from there on every request would open another connection. poll(2) has no such end.

gevent asks for every name in a thread. Where each request opens a connection those threads take turns with the users on
the generator's CPU: in Compose, two thirds of the time for which a generator waited there was theirs.
"""

import select
import time
from typing import Any

from gevent import get_hub, monkey
from gevent.resolver.thread import Resolver
from gevent.socket import socket
from geventhttpclient.connectionpool import ConnectionPool

poll = monkey.get_original("select", "poll")  # it is asked without waiting: no other greenlet has to


def is_open(self: ConnectionPool, connection: socket | None) -> bool:
    """ConnectionPool._is_socket_alive: nothing can be read from a connection that is idle, but its end."""
    if connection is None or connection.fileno() < 0:
        return False
    asked = poll()
    asked.register(connection, select.POLLIN)
    return not asked.poll(0)


class RememberingResolver(Resolver):
    """Knows an address for as long as it is fresh: a row that is made anew may have another one."""

    FRESH_S = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Any, tuple[float, Any]] = {}  # by what was asked: when, and the answer

    def getaddrinfo(self, *args: Any) -> Any:
        asked, found = self.known.get(args, (0, None))
        now = time.monotonic()
        if found is None or now - asked > self.FRESH_S:
            found = super().getaddrinfo(*args)
            self.known[args] = now, found
        return found


def install() -> None:
    """For this process, and every worker."""
    get_hub().resolver = RememberingResolver()  # type: ignore[assignment]  # which has all that the abstract one has
    assert hasattr(ConnectionPool, "_is_socket_alive"), "geventhttpclient asks differently whether a connection is open"
    ConnectionPool._is_socket_alive = is_open  # type: ignore[method-assign,assignment]  # gevent patches the socket
