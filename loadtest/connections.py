"""Connections that live however many a process has open.

Before each request geventhttpclient asks select(2) whether the idle connection is still open. That knows no file beyond
number 1023: from there on every request would open another connection. poll(2) has no such end.
"""

import select

from gevent import monkey
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


def install() -> None:
    """For this process, and every worker."""
    assert hasattr(ConnectionPool, "_is_socket_alive"), "geventhttpclient asks differently whether a connection is open"
    ConnectionPool._is_socket_alive = is_open  # type: ignore[method-assign,assignment]  # gevent patches the socket
