"""What the audit says of a row is what the row does: its parser, its event loop, and how long it keeps a connection."""

import json
import socket
import time
from dataclasses import replace
from http.client import HTTPResponse
from urllib.parse import urlsplit

from lab.judge.audit import AUDIT
from lab.stack.compose_file import ComposeFile
from lab.stack.machine import fetch
from lab.stack.native import NativeStack
from tests.e2e.client import Client
from tests.e2e.stacks import PROFILES, NativeDoor, plain_environ, started
from workloads.servers import CANNOT

BUILT_IN = {"python", "hyper", "uwsgi", "h11", "asyncio", "none"}  # no fast module: nothing to be seen loaded
SHORT = {
    "wsgi": {"GUNICORN_CMD_ARGS": "--bind 0.0.0.0:8000 --keep-alive 1"},
    "asgi-gunicorn": {"GUNICORN_CMD_ARGS": "--bind 0.0.0.0:8000 --keep-alive 1"},
    "asgi": {"UVICORN_TIMEOUT_KEEP_ALIVE": "1"},
    "wsgi-a2wsgi": {"UVICORN_TIMEOUT_KEEP_ALIVE": "1"},
    "wsgi-granian": {"GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "1000"},
    "wsgi-uwsgi": {"UWSGI_SOCKET_TIMEOUT": "1"},
}


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def ask(connection: socket.socket) -> None:
    connection.sendall(b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    if answer.will_close:
        raise ConnectionError("it says that it closes")


def test_a_row_has_loaded_what_it_says_and_not_what_it_would_have_taken_instead(client: Client) -> None:
    for row in client.stack.rows:
        about = client.get(f"/{row.name}/about").json()
        parser, loop, loaded = about["http_parser"], about["event_loop"], set(about["loaded"])
        assert {parser, loop} <= BUILT_IN | loaded, row.name
        unused = loaded - {parser, loop} - ({"uvloop"} if loop == "none" else set())  # granian loads it for WSGI, too
        assert not unused, row.name
        if row.model.endswith("threads"):
            assert about["waits_on"] == row.model


def test_a_row_keeps_a_connection_where_the_audit_says_so(native: NativeDoor, client: Client) -> None:
    for row in native.rows:
        kept = not AUDIT["keep-alive"](client.get(f"/{row.name}/about").json()).startswith(CANNOT)
        with connect(native.native.url(row)) as connection:
            try:
                ask(connection)
                ask(connection)
            except (ConnectionError, OSError):
                assert not kept, row.name
            else:
                assert kept, row.name


def test_an_idle_connection_lives_as_long_as_the_audit_says() -> None:
    compose_file = ComposeFile(environ=plain_environ())
    others = {row.name for row in compose_file.rows} - SHORT.keys() | {"locust", "locust-worker"}
    for name, changes in SHORT.items():
        environment = compose_file.services[name].environment
        compose_file.services[name] = replace(compose_file.services[name], environment=environment | changes)
    with started(NativeStack(compose_file, PROFILES, leave_out=tuple(others))) as stack:
        for row in stack.rows:
            with fetch(f"{stack.url(row)}/about") as answer:
                assert AUDIT["keep-alive"](json.load(answer)) == "1 s", row.name
            with connect(stack.url(row)) as connection:
                ask(connection)
                began = time.monotonic()
                assert connection.recv(1) == b"", row.name
                assert 0.5 < time.monotonic() - began < 10, row.name
