"""WebSocket through the gateway: who carries it, and what is said at the end."""

import asyncio
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.client import Client, close_code, hears, problem

CARRIERS = ["flask", "flask-gevent", "fastapi", "fastapi-granian", "fastapi-gunicorn", "asgi"]
BROADCASTERS = ["flask", "flask-gevent", "fastapi", "fastapi-granian", "fastapi-gunicorn"]


@pytest.mark.parametrize("row", CARRIERS)
def test_text_and_bytes_are_echoed_as_they_are(client: Client, row: str) -> None:
    with client.socket(f"/{row}/ws/echo") as socket:
        for message in ("Grüße ☃", "", b"\x00\xff", b"", "x" * 60_000):
            socket.send(message)
            assert socket.recv(timeout=20) == message


@pytest.mark.parametrize("row", CARRIERS)
def test_over_tls_the_certificate_is_verified_and_messages_are_echoed(client: Client, row: str) -> None:
    async def echo(message: str) -> str | bytes:
        url = client.stack.https.replace("https", "wss") + f"/{row}/ws/echo"
        async with connect(url, ssl=client.tls(), proxy=None) as socket:
            await socket.send(message)
            return await socket.recv()

    assert client.later.submit(asyncio.run, echo("Grüße ☃")).result() == "Grüße ☃"


@pytest.mark.parametrize("row", CARRIERS)
def test_no_row_compresses_messages_although_the_client_offers_to(client: Client, row: str) -> None:
    with client.socket(f"/{row}/ws/echo", compression="deflate") as socket:
        assert socket.protocol.extensions == []


@pytest.mark.parametrize("path", ["ws/echo", "ws/broadcast"])
def test_a_server_that_cannot_carry_it_says_so(client: Client, path: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    answer = client.h1.get(f"/flask-granian/{path}", headers=upgrade | key)
    assert problem(answer, 501) == "this server cannot do that: ask another row"


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("path", ["ws/echo", "ws/broadcast", "ws/nothing"])
@pytest.mark.parametrize(
    "change",
    [
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Version": ""},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Key": "x"},
    ],
    ids=str,
)
def test_a_bad_handshake_is_refused_for_every_row_alike(client: Client, path: str, change: dict[str, str]) -> None:
    for row in client.stack.rows:
        answer = client.h1.get(f"/{row.name}/{path}", headers=HANDSHAKE | change)
        assert problem(answer, 400).startswith("the WebSocket handshake must have Sec-WebSocket-Version: 13")
        assert answer.headers["sec-websocket-version"] == "13"


def test_an_upgrade_where_no_websocket_is_spoken_is_a_plain_request(client: Client) -> None:
    for row in client.stack.rows:
        assert client.h1.get(f"/{row.name}/json", headers=HANDSHAKE).json() == {"message": "Hello, World!"}
        assert client.h1.post(f"/{row.name}/ws/echo", headers=HANDSHAKE).status_code in (404, 405)
        if row.framework != "none":
            echo = client.h1.post(f"/{row.name}/echo", json={"message": "x"}, headers=HANDSHAKE)
            assert echo.json() == {"message": "x"}


def test_a_websocket_that_does_not_exist_is_a_404_from_every_row(client: Client) -> None:
    for row in client.stack.rows:
        assert problem(client.h1.get(f"/{row.name}/ws/nothing", headers=HANDSHAKE), 404) == "there is no such route"
        if row.framework != "none":
            answer = client.h1.delete(f"/{row.name}/ws/echo")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), row.name


def test_a_row_that_is_asked_over_http2_is_not_asked_for_websocket_on_the_same_connection(client: Client) -> None:
    for _ in range(10):
        assert client.status("/flask-http2/json") == 200
        assert problem(client.h1.get("/flask-http2/ws/echo"), 400).endswith("connect with an upgrade")
        assert problem(client.h1.get("/flask-http2/ws/echo", headers=HANDSHAKE), 501).endswith("ask another row")


# uvicorn closes before it has read the rest, so the network may drop its code.
@pytest.mark.parametrize("row", CARRIERS)
@pytest.mark.parametrize("character", ["x", "☃", "𝄞"])
def test_a_message_of_more_than_64_kib_ends_the_connection(client: Client, row: str, character: str) -> None:
    size = len(character.encode())
    largest = character * (65_536 // size)
    with client.socket(f"/{row}/ws/echo") as socket:
        socket.send(largest)
        assert socket.recv(timeout=20) == largest
        with suppress(ConnectionClosed):  # it may come while this is sent
            socket.send(largest + character)
        assert close_code(socket) in ({1009, None} if row in ("fastapi", "asgi") else {1009})


@pytest.mark.parametrize("row", CARRIERS)
def test_a_message_of_too_many_bytes_in_fragments_ends_the_connection(client: Client, row: str) -> None:
    with client.socket(f"/{row}/ws/echo") as socket:
        with suppress(ConnectionClosed):  # it may come before the last fragment is sent
            socket.send([b"x" * 40_000, b"x" * 40_000])
        assert close_code(socket) in ({1009, None} if row in ("fastapi", "asgi") else {1009})


def test_connections_ended_by_the_server_do_not_cost_flask_its_threads(client: Client) -> None:
    for _ in range(20):
        with client.socket("/flask/ws/echo") as large, client.members("flask", 1) as [refused]:
            large.send("x" * 65_537)
            refused.send(b"bytes")
            assert (close_code(large), close_code(refused)) == (1009, 1003)
    with client.sockets("/flask/ws/echo", 8) as sockets:
        sockets[-1].send("all eight are served")
        assert sockets[-1].recv(timeout=20) == "all eight are served"


@pytest.mark.parametrize("row", BROADCASTERS)
def test_a_broadcast_reaches_every_client_of_the_service_once(client: Client, row: str) -> None:
    with client.members(row, 3) as members:
        members[1].send("first ☃")
        members[1].send("second")
        for member in members:
            assert hears(member, "first ☃")
            assert member.recv(timeout=20) == "second"


def test_a_broadcast_does_not_reach_clients_of_another_service(client: Client) -> None:
    with client.members("flask", 1) as [flask], client.members("fastapi", 1) as [fastapi]:
        flask.send("from flask")
        assert hears(flask, "from flask")
        fastapi.send("from fastapi")
        assert fastapi.recv(timeout=20) == "from fastapi"  # and nothing before it
        flask.send("the end")
        assert flask.recv(timeout=20) == "the end"


@pytest.mark.parametrize("row", BROADCASTERS)
@pytest.mark.parametrize(
    ("message", "code"),
    [(b"bytes", 1003), (b"", 1003), ("a\0b", 1007), ("x" * 7_901, 1009), ("☃" * 2_634, 1009)],
    ids=["bytes", "no bytes", "NUL", "too long", "too long in UTF-8"],
)
def test_a_message_that_cannot_be_broadcast_ends_its_senders_connection_only(
    client: Client, row: str, message: str | bytes, code: int
) -> None:
    with client.members(row, 1) as [other]:
        with client.members(row, 1) as [sender]:
            sender.send(message)
            assert close_code(sender) == code
        other.send("still here")
        assert hears(other, "still here")


@pytest.mark.parametrize("row", BROADCASTERS)
def test_the_longest_broadcast_arrives_whole_and_an_empty_one_too(client: Client, row: str) -> None:
    with client.members(row, 1) as [member]:
        for message in ("x" * 7_900, ""):
            member.send(message)
            assert member.recv(timeout=20) == message


@pytest.mark.parametrize("row", CARRIERS)
def test_a_client_that_leaves_gets_its_goodbye(client: Client, row: str) -> None:
    with client.socket(f"/{row}/ws/echo") as socket:
        socket.close()
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
