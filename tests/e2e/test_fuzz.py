"""Whatever a client sends, both services answer alike through the gateway. `make fuzz` asks 50,000 times, not 2,000."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import BadStatusLine, HTTPResponse
from typing import Any

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.contract.document import document
from tests.e2e.stacks import NativeDoor

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
ROWS = ("flask", "fastapi")
# A valid number above it asks for nothing else, but takes longer.
SHORT = {"ms": 5, "rounds": 100, "events": 5, "interval_ms": 5, "delay_ms": 5}
LIVE = ("/about", "/db", "/timed/", "/ready")  # what they answer differs from one time to the next
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS: list[Any] = [
    operation.ok()  # type: ignore[union-attr]  # the document is ours, and sound
    for operation in SCHEMA.get_all_operations()
]
# What a schema can say of an answer. Not that every unknown field of a query is refused: the contract passes them over.
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.positive_data_acceptance,
]


def cases(count: int) -> Callable[[Any], Any]:
    return hypothesis.settings(
        max_examples=count,
        derandomize="FUZZ_CASES" not in os.environ,  # a test says the same every time; a hunt looks elsewhere each time
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# By the document


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


ASKED = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.query or operation.body  # else there is nothing to get wrong
]


@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_requests_of_the_document_and_beside_it(
    native: NativeDoor, session: requests.Session, operation: Any, mode: GenerationMode
) -> None:
    @cases(CASES // 2 // len(ASKED))
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        shorten(case)
        answers = [session.request(**case.as_transport_kwargs(f"{native.http}/{row}")) for row in ROWS]
        for answer in answers:
            case.validate_response(answer, checks=PROMISES)
        assert alike(case.path, answers[0]) == alike(case.path, answers[1])

    ask()


def shorten(case: Any) -> None:
    for name, most in SHORT.items():
        value = case.query.get(name)
        if str(value).isdecimal() and int(value) > most and len(str(value)) < 8:  # longer ones are refused
            case.query[name] = most


def alike(path: str, answer: requests.Response | httpx.Response) -> tuple[int, str | None, bytes]:
    live = answer.status_code == 200 and path.startswith(LIVE)
    return answer.status_code, answer.headers.get("content-type"), b"" if live else answer.content


# Beside every document: bytes that hardly are HTTP

PATHS = [operation.path for operation in OPERATIONS] + ["/ws/echo", "/ws/broadcast", "/nothing", "/"]
JSON = "Content-Type: application/json\r\n"
UPGRADE = "Upgrade: websocket\r\nConnection: upgrade\r\n"
ODD = st.text(st.characters(max_codepoint=255), max_size=20)  # bytes, as latin-1
# A control character in a header each server refuses in words of its own: see test_bad_clients.py.
PRINTED = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get", "G", ""])
escapes = st.integers(0, 255).map("%{:02x}".format)
pieces = st.sampled_from(["/", "//", "..", "/./", "%2f", "%2e%2e/", "%0a", "%00", ";", "#", "\\", "*", "json"])
paths = st.tuples(st.sampled_from(PATHS), st.lists(pieces | escapes | ODD, max_size=3).map("".join)).map("".join)
names = st.sampled_from(["ms", "queries", "value", "rounds", "events", "interval_ms", "delay_ms"]) | ODD
values = st.integers(-3, 5).map(str) | st.sampled_from(["", "5.0", "1e2", "+1", "%31", "9" * 50, "NaN"]) | escapes | ODD
queries = st.lists(st.tuples(names, values).map("=".join), max_size=3).map("&".join)
headers = st.lists(
    st.sampled_from(
        [
            JSON,
            "Content-Type: text/plain\r\n",
            "Expect: 100-continue\r\n",
            "Content-Encoding: gzip\r\n",
            "Range: bytes=0-3\r\n",
            "If-None-Match: *\r\n",
            "X-Forwarded-For: 1, 2\r\n",
            "X-HTTP-Method-Override: DELETE\r\n",
            "Accept: text/html;q=x\r\n",
            "Content-Length: 1\r\n",
            "Content-Length: -1\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            UPGRADE,
            UPGRADE + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n",
        ]
    )
    | st.tuples(ODD, PRINTED).map("{0[0]}: {0[1]}\r\n".format),
    max_size=4,
).map("".join)
texts = st.text(max_size=30) | st.integers() | st.none() | st.floats() | st.lists(st.booleans(), max_size=2)
bodies = (
    st.binary(max_size=60)
    | st.fixed_dictionaries({"message": texts}).map(lambda body: json.dumps(body).encode())
    | st.sampled_from(
        [b"", b"0\r\n\r\n", b'{"message":"x"}', b'f\r\n{"message":"x"}\r\n0\r\n\r\n', b"zz\r\n", b" " * 65_537]
    )
)


# Before nginx answers it reads the body to its end; of one that has none it says so in words that nobody can change.
BROKEN_BODY = (
    b"<title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<hr><center>nginx"
)


@cases(CASES)
@given(st.data())
def ask_oddly(native: NativeDoor, data: st.DataObject) -> None:
    path, query = data.draw(paths), data.draw(queries)
    method, head, body = data.draw(methods), data.draw(headers), data.draw(bodies)
    length = f"Content-Length: {len(body)}\r\n" if data.draw(st.integers(0, 3)) else ""

    def ask(row: str) -> tuple[int, str | None, bytes]:
        request = (
            f"{method} /{row}{path}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}{length}\r\n"
        )
        return exchange(native.http, request.encode("latin-1") + body, method)

    one, other = ask("flask"), ask("fastapi")
    assert one[:2] == other[:2]
    assert one[2] == other[2] or (one[0] == 200 and path.startswith(LIVE))
    assert one[0] < 500 or one[0] in (501, 505), one
    in_html = (one[0] == 400 and not one[2]) if method == "HEAD" else BROKEN_BODY in one[2]
    assert one[0] < 400 or one[1] == "application/problem+json" or (in_html and "Transfer-Encoding" in head), one


def test_requests_that_hardly_are_http(native: NativeDoor) -> None:
    ask_oddly(native)


END = b"\r\n0\r\n\r\n" * 20  # of a body that says that there is more


def exchange(base: str, request: bytes, method: str) -> tuple[int, str | None, bytes]:
    """Status, content type and body of the answer; 0 where the connection closes without one, -1 where none comes."""
    address = httpx.URL(base)
    with closing(socket.create_connection((address.host, address.port or 80), timeout=5)) as tcp:
        tcp.sendall(request + END)
        answer = HTTPResponse(tcp, method=method)
        try:
            answer.begin()
            return answer.status, answer.headers.get("content-type"), answer.read()
        except (BadStatusLine, ConnectionResetError, BrokenPipeError):
            return 0, None, b""
        except TimeoutError:  # it waits for the rest of a body
            return -1, None, b""
