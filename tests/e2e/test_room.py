"""A room of many clients before one gateway: each has its limits, and nobody takes a row from the rest.

The gateway takes every address but 127.0.0.1 for another machine's, so that each client here has one of its own.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.client import Client, problem
from tests.e2e.stacks import NativeDoor

PHONES = 40
RACE = 60  # requests to each row, as the page asks them
PATIENCE_S = 60  # the page's
AT_ONCE = 80  # what one client may have under way on a row
RATE, BURST = 1000, 400  # … may ask it in a second
SOCKETS = 4  # … and hold on WSGI, where each keeps a thread


class Phone:
    """A client, and what came of its requests."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.statuses: Counter[int] = Counter()
        self.refused = asyncio.Event()

    async def ask(self, path: str) -> None:
        status = (await self.http.get(path)).status_code
        self.statuses[status] += 1
        if status == 429:
            self.refused.set()

    async def race(self, ms: int) -> None:
        paths = [f"/{row}/timed/wait?ms={ms}" for row in ("flask", "fastapi") for _ in range(RACE)]
        await asyncio.gather(*map(self.ask, paths))

    async def flood(self, path: str, clients: int) -> None:
        """As many requests as it likes, again and again, until it is cancelled."""

        async def again() -> None:
            while True:
                await self.ask(path)
                await asyncio.sleep(1)  # or this process would be what is slow

        await asyncio.gather(*(again() for _ in range(clients)))


@asynccontextmanager
async def phone(native: NativeDoor, number: int) -> AsyncIterator[Phone]:
    transport = httpx.AsyncHTTPTransport(
        verify=ssl.create_default_context(cafile=str(native.ca)),
        http2=True,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        trust_env=False,
        local_address=f"127.0.1.{number}",
    )
    base = native.https.replace("localhost", "127.0.0.1")
    async with httpx.AsyncClient(transport=transport, base_url=base, timeout=PATIENCE_S) as http:
        yield Phone(http)


def in_a_room(native: NativeDoor, phones: int, happens: Callable[[list[Phone]], Coroutine[Any, Any, None]]) -> None:
    async def open_and_close() -> None:
        async with AsyncExitStack() as room:
            await happens([await room.enter_async_context(phone(native, number + 1)) for number in range(phones)])

    asyncio.run(open_and_close())


def test_each_of_forty_phones_gets_its_race_through_at_the_same_time(native: NativeDoor) -> None:
    async def race(phones: list[Phone]) -> None:
        await asyncio.gather(*(one.race(ms=20) for one in phones))
        assert [one.statuses for one in phones] == [{200: 2 * RACE}] * PHONES

    in_a_room(native, PHONES, race)


def test_beside_a_wild_client_a_phone_gets_its_race_through(native: NativeDoor) -> None:
    """600 requests that hold a thread for a second each are 75 s of work for eight threads: more than patience has."""

    async def beside(phones: list[Phone]) -> None:
        one, wild = phones
        flood = asyncio.create_task(wild.flood("/flask/wait?ms=1000", 600))
        await asyncio.wait_for(wild.refused.wait(), 20)  # it has more than it may
        await one.race(ms=100)
        flood.cancel()
        assert one.statuses == {200: 2 * RACE}

    in_a_room(native, 2, beside)


def test_no_row_serves_a_client_more_than_its_rate(native: NativeDoor) -> None:
    ask = b"GET /asgi/plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n"
    port = httpx.URL(native.http).port

    async def pipelined(requests: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.1.1", 0))
        writer.write(ask * requests)
        for _ in range(requests):
            await reader.readuntil(b"Hello, World!")
        writer.close()
        await writer.wait_closed()

    async def all_at_once() -> None:
        await asyncio.gather(*(pipelined(200) for _ in range(20)))

    began = time.monotonic()
    asyncio.run(all_at_once())
    assert RATE * (time.monotonic() - began) + BURST >= 20 * 200


def test_what_a_client_has_too_much_is_refused_as_a_problem_that_says_when_to_come_again(native: NativeDoor) -> None:
    async def too_much(phones: list[Phone]) -> None:
        answers = await asyncio.gather(*(phones[0].http.get("/fastapi/wait?ms=2000") for _ in range(AT_ONCE + 20)))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) == 20
        assert "1,000 times a second" in problem(refused[0], 429)
        assert refused[0].headers["Retry-After"] == "1"

    in_a_room(native, 1, too_much)


def test_no_client_can_take_every_thread_of_a_row_with_websockets(native: NativeDoor) -> None:
    url = native.http.replace("http", "ws").replace("localhost", "127.0.0.1") + "/flask/ws/echo"
    with ExitStack() as sockets:
        for _ in range(SOCKETS):
            sockets.enter_context(connect(url, proxy=None, source_address=("127.0.1.1", 0)))
        with pytest.raises(InvalidStatus) as refused:
            connect(url, proxy=None, source_address=("127.0.1.1", 0))
        assert refused.value.response.status_code == 429
        assert b"hold 4 WebSockets on WSGI" in (refused.value.response.body or b"")
        sockets.enter_context(connect(url, proxy=None, source_address=("127.0.1.2", 0))).send("another is let in")
        assert httpx.get(f"{native.http}/flask/json", trust_env=False, timeout=5).status_code == 200


def test_the_labs_own_load_is_not_limited(client: Client) -> None:
    asked = [client.get_later("/fastapi/wait?ms=500") for _ in range(AT_ONCE + 20)]
    assert [future.result().status_code for future in asked] == [200] * len(asked)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://localhost.evil.example"]
)
def test_a_foreign_page_opens_no_websocket(client: Client, origin: str) -> None:
    for row in ("flask", "fastapi", "wsgi"):
        with pytest.raises(InvalidStatus) as refused, client.socket(f"/{row}/ws/echo", origin=origin):
            pass
        assert refused.value.response.status_code == 403
        assert b"only pages of this gateway" in (refused.value.response.body or b"")


def test_its_own_page_and_a_program_open_websockets(client: Client) -> None:
    for origin in (client.stack.http, None):
        with client.socket("/flask/ws/echo", origin=origin) as socket:
            socket.send("heard")
            assert socket.recv(timeout=20) == "heard"


def test_the_authority_is_downloaded_from_the_page_as_what_it_is(client: Client) -> None:
    answer = client.h1.get("/ca.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert answer.text == client.stack.ca.read_text()
