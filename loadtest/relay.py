"""A longer way to a server: a relay on this machine that keeps every byte back for half a round trip, either way.

It delays and does nothing else: no bytes are lost, and no bandwidth is limited. Opening a connection costs nothing
here, so measure on connections that are open. It needs no root, as the kernel's own delay would.
"""

import time
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

import gevent
from gevent import socket
from gevent.queue import Queue
from gevent.server import StreamServer

CHUNK = 65_536
Due = tuple[float, bytes]  # when (time.perf_counter), and what; no bytes: the end


@cache
def through(url: str, round_trip_ms: int) -> str:
    """The URL by way of a relay, which lives as long as this process; the URL itself where nothing is to be delayed."""
    if not round_trip_ms:
        return url
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))

    def connected(near: socket.socket, _: object) -> None:
        with near, socket.create_connection(address) as far:
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            delay_s = round_trip_ms / 2000
            gevent.joinall([gevent.spawn(carry, near, far, delay_s), gevent.spawn(carry, far, near, delay_s)])

    relay = StreamServer(("127.0.0.1", 0), connected)
    relay.start()
    return parts._replace(netloc=f"127.0.0.1:{relay.server_port}").geturl()


def carry(source: socket.socket, sink: socket.socket, delay_s: float) -> None:
    """Until the source ends: then so does the sink, as much later."""
    queue: Queue[Due] = Queue()
    sender = gevent.spawn(deliver, queue, sink)
    data = b"more"
    while data:
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        queue.put((time.perf_counter() + delay_s, data))
    sender.join()


def deliver(queue: "Queue[Due]", sink: socket.socket) -> None:
    with suppress(OSError):  # who does not listen any more need not be told
        while True:
            due, data = queue.get()
            gevent.sleep(max(due - time.perf_counter(), 0))
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
