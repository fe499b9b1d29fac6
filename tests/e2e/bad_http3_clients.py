"""Clients of HTTP/3 that nobody would write, but to do harm: as bad_clients.py, over UDP."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent

from tests.e2e.bad_clients import SECONDS, until_cut_off
from tests.e2e.client import Client


class Http3(QuicConnectionProtocol):
    """A connection that asks, and may take back what it has asked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.statuses: asyncio.Queue[bytes] = asyncio.Queue()

    def ask(self, path: str, *, ends: bool = True) -> int:
        stream = self._quic.get_next_available_stream_id()
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in fields], end_stream=ends)
        return stream

    def take_back(self, stream: int) -> None:
        self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
        self._quic.stop_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)

    def quic_event_received(self, event: QuicEvent) -> None:
        for each in self.http.handle_event(event):
            if isinstance(each, HeadersReceived):
                self.statuses.put_nowait(dict(each.headers)[b":status"])


@asynccontextmanager
async def http3(client: Client) -> AsyncIterator[Http3]:
    address = httpx.URL(client.stack.https)
    settings = QuicConfiguration(alpn_protocols=H3_ALPN, server_name="localhost")
    settings.load_verify_locations(cafile=str(client.stack.ca))
    async with connect("127.0.0.1", address.port or 443, configuration=settings, create_protocol=Http3) as peer:
        assert isinstance(peer, Http3)
        yield peer


async def status(client: Client, path: str) -> bytes:
    """Of one GET over HTTP/3."""
    async with http3(client) as peer:
        peer.ask(path)
        peer.transmit()
        return await asyncio.wait_for(peer.statuses.get(), 20)


def on_one_connection(harm: Callable[[Http3], Awaitable[None]]) -> Callable[[Client], None]:
    def do_harm(client: Client) -> None:
        async def while_it_lasts() -> None:
            async with http3(client) as peer:
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    await harm(peer)

        asyncio.run(while_it_lasts())

    do_harm.__name__ = harm.__name__
    return do_harm


@on_one_connection
async def rapid_reset(peer: Http3) -> None:
    for _ in range(20):
        peer.take_back(peer.ask("/flask/json", ends=False))
    peer.transmit()
    await asyncio.sleep(0.01)


@on_one_connection
async def half_requests(peer: Http3) -> None:
    """Streams that begin and never end."""
    peer.ask("/flask/json", ends=False)
    peer.transmit()
    await asyncio.sleep(0.01)


def idle_connections(client: Client) -> None:
    async def hold() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(50):
                await stack.enter_async_context(http3(client))
            await asyncio.sleep(SECONDS)

    asyncio.run(hold())


def noise(client: Client) -> None:
    """Datagrams that are no QUIC, and some that begin as if they were: a long header of version 1."""
    address = ("127.0.0.1", httpx.URL(client.stack.https).port or 443)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:

        def send() -> None:
            for beginning in (b"", b"\xc3\x00\x00\x00\x01\x08"):
                udp.sendto(beginning + os.urandom(1_200 - len(beginning)), address)
            time.sleep(0.001)

        until_cut_off(send)


ATTACKS = [rapid_reset, half_requests, idle_connections, noise]
