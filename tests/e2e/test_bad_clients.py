"""What a hostile client reaches through the gateway, and what it costs the others: nothing."""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager

import httpx
import pytest

from tests.e2e import bad_clients, bad_http3_clients
from tests.e2e.client import Client, hears, problem
from tests.e2e.stacks import ComposeDoor

ROWS = ("flask", "fastapi")
FLOODS = [
    bad_clients.rapid_reset,
    bad_clients.endless_continuation,
    bad_clients.settings_flood,
    bad_clients.ping_flood,
    bad_clients.tiny_windows,
    bad_clients.idle_connections,
    bad_clients.half_a_request,
    bad_clients.half_a_body,
    bad_clients.gone_without_a_word,
    bad_clients.large_headers,
    bad_clients.large_bodies,
    bad_clients.websocket_flood,
    bad_clients.websocket_comings_and_goings,
]


@contextmanager
def victim(client: Client) -> Iterator[list[float]]:
    """A client like any other, who asks both services meanwhile: how long each answer took, in seconds."""
    took: list[float] = []
    done = False

    def ask() -> None:
        while not done:
            for base in (client.stack.http, client.stack.https):
                for row in ROWS:
                    before = time.monotonic()
                    answer = httpx.get(f"{base}/{row}/json", verify=client.tls(), timeout=30, trust_env=False)
                    took.append(time.monotonic() - before)
                    assert answer.status_code == 200, answer.text

    asking: Future[None] = client.later.submit(ask)
    try:
        yield took
    finally:
        done = True
        asking.result()


@pytest.mark.parametrize("attack", FLOODS, ids=lambda attack: attack.__name__)
def test_while_one_client_does_harm_the_others_are_served(client: Client, attack: Callable[[Client], None]) -> None:
    others_are_served_during(attack, client)


@pytest.mark.parametrize("attack", bad_http3_clients.ATTACKS, ids=lambda attack: attack.__name__)
def test_nor_does_harm_over_http3_where_it_is_served(
    compose: ComposeDoor, client: Client, attack: Callable[[Client], None]
) -> None:
    assert asyncio.run(bad_http3_clients.status(client, "/flask/json")) == b"200"
    others_are_served_during(attack, client)
    assert asyncio.run(bad_http3_clients.status(client, "/fastapi/json")) == b"200"


def others_are_served_during(attack: Callable[[Client], None], client: Client) -> None:
    with victim(client) as took:
        attack(client)
    late = [seconds for seconds in took if seconds > 2]
    assert len(late) <= max(1, len(took) / 20) < len(took), late


def test_a_member_of_a_broadcast_who_does_not_read_keeps_nobody_waiting(client: Client) -> None:
    for row in ROWS:
        with client.members(row, 2) as [sender, listener], bad_clients.silent_member(client, row):
            for number in range(300):
                sender.send(f"{number} " + "x" * 5_000)
            assert hears(listener, "299 " + "x" * 5_000)


def test_a_compressed_body_is_not_unpacked(client: Client) -> None:
    bomb = gzip.compress(b'{"message":"' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < 60_000
    for row in ROWS:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        assert problem(client.h1.post(f"/{row}/echo", content=bomb, headers=headers), 400).endswith("not valid JSON")


# Requests within requests

INNER = "GET /{row}/wait?ms=smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
LENGTH = f"Content-Length: {len(INNER)}\r\n"
SMUGGLING = {
    "CL.TE": f"Content-Length: {len(INNER) + 3}\r\n{CHUNKED}\r\n0\r\n\r\n{INNER}",
    "TE.CL": f"{CHUNKED}Content-Length: 4\r\n\r\n{len(INNER):x}\r\n{INNER}\r\n0\r\n\r\n",
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "two equal lengths": f"Content-Length: {len(INNER)}\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "two lengths in one": f"Content-Length: 0, {len(INNER)}\r\n\r\n{INNER}",
    "a signed length": f"Content-Length: +{len(INNER)}\r\n\r\n{INNER}",
    "a length in hexadecimal": f"Content-Length: 0x{len(INNER):x}\r\n\r\n{INNER}",
    "a length with a space before its colon": f"Content-Length : {len(INNER)}\r\n\r\n{INNER}",
    "an encoding with a space before its colon": f"{CHUNKED.replace(':', ' :')}{LENGTH}\r\n{INNER}",
    "an encoding that is none": f"Transfer-Encoding: xchunked\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "two encodings": f"{CHUNKED}Transfer-Encoding: identity\r\n\r\n{len(INNER):x}\r\n{INNER}\r\n0\r\n\r\n",
    "an encoding in a folded line": f"X: x\r\n {CHUNKED}Content-Length: {len(INNER)}\r\n\r\n{INNER}",
    "a header after a bare CR": f"X: x\rContent-Length: 0\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "a chunk longer than it says": f"{CHUNKED}\r\n1\r\n{INNER}\r\n0\r\n\r\n",
    "a chunk of a negative length": f"{CHUNKED}\r\n-1\r\n{INNER}\r\n0\r\n\r\n",
    "a chunk of a length beyond numbers": f"{CHUNKED}\r\nfffffffffffffffff\r\n{INNER}\r\n0\r\n\r\n",
    "a chunk extension with a line of its own": f"{CHUNKED}\r\n1;\n{INNER}\r\n0\r\n\r\n",
    "trailers": f"{CHUNKED}\r\n0\r\nContent-Length: {len(INNER)}\r\n\r\n",
}


@pytest.mark.parametrize("what", SMUGGLING)
def test_no_request_hides_in_another(client: Client, what: str) -> None:
    for row in (row.name for row in client.stack.rows):
        request = f"POST /{row}/json HTTP/1.1\r\nHost: localhost\r\n{SMUGGLING[what]}".replace("{row}", row)
        for path in (f"/{row}/json", f"/{row}/ws/echo", "/"):
            answers = received(client, request.replace(f"/{row}/json", path, 1))
            assert b"ms must be given" not in answers, (row, path)
            assert answers.count(b"HTTP/1.1 ") <= 1, (row, path, answers)
            assert not answers.startswith(b"HTTP/1.1 5") or answers.startswith(b"HTTP/1.1 501"), answers
        for _ in range(5):  # nor does it wait on a connection that the gateway has kept
            assert client.h1.get(f"/{row}/plaintext").content == b"Hello, World!"


def received(client: Client, request: str) -> bytes:
    """All that comes until the server closes, or has nothing more to say for half a second."""
    with closing(bad_clients.connect(client.stack.http)) as peer:
        peer.sendall(request.encode("latin-1"))
        peer.settimeout(0.5)
        answers = b""
        try:
            while more := peer.recv(65_536):
                answers += more
        except (TimeoutError, ConnectionResetError):
            pass
        return answers


def test_a_control_character_in_a_header_is_refused_by_each_server_in_words_of_its_own(client: Client) -> None:
    """nginx hands them on, and has no word for "any header"; what most rows say alike is the status.

    Over HTTP/2 the server resets the stream, and is asked again over HTTP/1.1. uWSGI and h11 take it.
    """
    for row in client.stack.rows:
        request = f"GET /{row.name}/json HTTP/1.1\r\nHost: localhost\r\nX-Odd: a\x01b\r\nConnection: close\r\n\r\n"
        takes_it = row.server == "uwsgi" or "h11" in row.command
        status = b"200" if takes_it else b"400"
        assert received(client, request).startswith(b"HTTP/1.1 %b " % status), row.name


@pytest.mark.parametrize("path", ["/json\x80", "/ws/echo\x80", "/ws/echo?\x80", "/ws/\xff/echo"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_url_with_bytes_that_no_url_has_is_refused_for_all_rows_alike(client: Client, path: str, method: str) -> None:
    for row in client.stack.rows:
        request = f"{method} /{row.name}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = received(client, request)
        assert answer.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in answer, answer


# Paths

TRICKS = [
    *(f"/-/{code}" for code in (400, 404, 413, 502, 504)),
    "/{row}/../-/502",
    "/{row}/..%2f-/502",
    "/{row}/%2e%2e/tls/key.pem",
    "/{row}/..;/tls/key.pem",
    "/{row}/..%5c..%5ctls/key.pem",
    "/{row}%2f..%2ftls%2fkey.pem",
    "//tls/key.pem",
    "/%2e/%2e%2e/tls/key.pem",
    "/panels/../../tls/key.pem",
    "/panels/..%2f..%2ftls/key.pem",
    "/panels../tls/key.pem",
    "/{row}../tls/key.pem",
    "/gateway.conf",
    "/nginx.conf",
    "/.env",
    "/{row}:9100/",
    "/{row}@127.0.0.1:9100/",
    "/{row}/http://127.0.0.1:9100/",
    "/{row}/ws/../../{row}:9100/",
    "http://127.0.0.1:9100/",
    "http://{row}:9100/",
    "http://postgres:5432/",
    "https://localhost/../../etc/passwd",
    "/../../../../etc/passwd",
    "/{row}/..%00/",
    "/{row}/%c0%ae%c0%ae/",
    "/{row}/%252e%252e/tls/key.pem",
    "*",
    "/{row}/ws/%2e%2e/nothing",
]
NEVER = (b"PRIVATE KEY", b"root:", b"cpu_seconds", b"cpu_s", b"upstream ", b'sockets":')


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("method", ["GET", "POST", "CONNECT"])
def test_no_path_leads_past_the_page_and_the_rows(client: Client, path: str, method: str) -> None:
    for row in ROWS:
        for host in ("localhost", f"{row}:9100", "127.0.0.1:9100"):
            target = path.replace("{row}", row)
            answer = received(client, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4")), answer
            assert not [secret for secret in NEVER if secret in answer], answer


# What every answer carries

SECURITY = ["content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy"]
ANSWERS = {
    "the page": ("GET", "/", 200),
    "a row": ("GET", "/flask/json", 200),
    "a row's refusal": ("GET", "/fastapi/nothing", 404),
    "an unknown page": ("GET", "/nothing", 404),
    "a method that no server knows": ("BREW", "/flask/json", 405),
    "a path that is no URL": ("GET", "/flask/%00", 400),
    "a method that the page does not take": ("POST", "/", 405),
    "a redirect": ("GET", "/flask", 301),
    "a refused handshake": ("GET", "/flask/ws/echo", 400),
    "a long URL": ("GET", "/flask/json?" + "x" * 9_000, 414),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_every_answer_of_the_gateway_tells_the_browser_what_it_may_not(client: Client, what: str) -> None:
    method, path, status = ANSWERS[what]
    upgrade = "Upgrade: websocket\r\nConnection: upgrade\r\n"
    answer = received(client, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n").lower()
    assert answer.startswith(f"http/1.1 {status}".encode()), answer
    for header in SECURITY:
        assert answer.count(f"\r\n{header}: ".encode()) == 1, header
