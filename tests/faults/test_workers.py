"""Workers that die, and rows and gateways that are told to begin anew."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.stacks import NativeDoor, Stack
from tests.faults.conftest import KINDS, WITH_A_MASTER, Tell, thoroughly
from tests.faults.prober import PATIENCE_S, Ask, probing, total
from tests.helpers import until

KEPT = 40  # connections that the gateway keeps to a row, as after a busy moment: all of them die with a worker
CUT = "without sending complete message body"  # its headers had been sent on: nobody can repeat it


def work(row: str, ms: int = 10) -> dict[str, Ask]:
    return {row: Ask(f"/{row}/wait?ms={ms}")}


def worker(stack: Stack, row: str) -> int:
    """The process that has just answered; in Compose by its number in the container."""
    return int(httpx.get(f"{stack.http}/{row}/about", trust_env=False).json()["pid"])


def keep_connections(stack: Stack, row: str) -> None:
    def ask(_: int) -> int:
        return httpx.get(f"{stack.http}/{row}/wait?ms=50", trust_env=False, timeout=PATIENCE_S).status_code

    with ThreadPoolExecutor(KEPT) as clients:
        assert set(clients.map(ask, range(KEPT))) == {200}


@pytest.mark.parametrize("row", ["flask", *thoroughly(*WITH_A_MASTER)])
def test_the_only_worker_is_killed(stack: Stack, row: str, tell: Tell) -> None:
    """No GET is lost when the only worker is killed, where a master keeps the port open: gunicorn and uWSGI.

    SIGKILL under 20 GETs a second of 100 ms each, so that two are always under way, through the gateway, which keeps
    40 connections to the row from a moment before, and asks again for what the worker took with it.
    """
    keep_connections(stack, row)
    with probing(stack.http, work(row, ms=100), slow_s=5) as counts:
        pid = worker(stack, row)
        time.sleep(0.05)  # a worker that does one at a time has taken up the next one
        stack.signal(row, signal.SIGKILL, pid)
        time.sleep(3)
    tell(f"{row}: {counts[row]}")
    assert not counts[row].wrong
    assert not [lost for lost in counts[row].lost if CUT not in lost]


@pytest.mark.finding
@pytest.mark.parametrize("row", ["fastapi", "flask-granian", "fastapi-granian"])
def test_the_only_worker_is_killed_and_its_port_with_it(stack: Stack, row: str, tell: Tell) -> None:
    """With a single worker, uvicorn is one process, and granian listens in its workers: until the next one is there
    nobody listens, and the gateway says 502.

    SIGKILL under 20 GETs a second through the gateway. Two workers lose none.
    """
    with probing(stack.http, work(row)) as counts:
        stack.signal(row, signal.SIGKILL, worker(stack, row))
        until(lambda: answers(stack, row), what="the row to be back")
    tell(f"{row}: {counts[row]}")
    assert not counts[row].wrong


def answers(stack: Stack, row: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{stack.http}/{row}/health", trust_env=False, timeout=5).status_code == 200
    return False


@pytest.mark.thorough
@pytest.mark.parametrize("row", KINDS)
def test_one_of_two_workers_is_killed(two_workers: Stack, row: str, tell: Tell) -> None:
    """No GET is lost when one of two workers is killed.

    SIGKILL under 20 GETs a second of 200 ms each, so that either worker has some under way, through the gateway, which
    keeps 40 connections from a moment before; an answer whose headers were sent on may be cut off.
    """
    keep_connections(two_workers, row)
    with probing(two_workers.http, work(row, ms=200), slow_s=5) as counts:
        two_workers.signal(row, signal.SIGKILL, worker(two_workers, row))
        time.sleep(3)
    tell(f"{row}: {counts[row]}")
    assert not counts[row].wrong
    assert not [lost for lost in counts[row].lost if CUT not in lost]


@pytest.mark.thorough
@pytest.mark.parametrize("row", [row for row in KINDS if row != "flask-uwsgi"])  # uWSGI closes its port meanwhile
def test_a_row_with_two_workers_is_reloaded(two_workers: Stack, row: str, tell: Tell) -> None:
    """A row with two workers is reloaded by SIGHUP, with its code and without losing a request.

    Under 20 GETs a second through the gateway, until other processes answer than before.
    """
    reload_under_load(two_workers, row, tell)


@pytest.mark.thorough
@pytest.mark.parametrize("row", ["flask", "flask-sync", "flask-gevent", "fastapi-gunicorn"])
def test_a_row_of_gunicorn_is_reloaded_with_one_worker(stack: Stack, row: str, tell: Tell) -> None:
    """A row of gunicorn is reloaded so with a single worker, too.

    Under 20 GETs a second through the gateway, until another process answers than before.
    """
    reload_under_load(stack, row, tell)


def reload_under_load(stack: Stack, row: str, tell: Tell) -> None:
    before = worker(stack, row)
    with probing(stack.http, work(row), slow_s=5) as counts:
        stack.signal(row, signal.SIGHUP)
        until(lambda: before not in {worker(stack, row) for _ in range(10)}, 30, "another process to answer")
    tell(f"{row}: {counts[row]}")
    assert not counts[row].lost and not counts[row].wrong


@pytest.mark.finding
@pytest.mark.parametrize("row", ["flask", "fastapi", "flask-granian"])
def test_a_row_is_restarted(stack: Stack, row: str, tell: Tell) -> None:
    """A restart is not a reload: while a row is away, the gateway says 502.

    Stopped and started under 20 GETs a second.
    """
    with probing(stack.http, work(row)) as counts:
        stack.stop(row)
        stack.start(row)
        until(lambda: answers(stack, row), what="the row to be back")
    tell(f"{row}: {counts[row]}")
    assert not counts[row].wrong


def test_the_gateway_is_reloaded(client: Client, tell: Tell) -> None:
    """A reload of the gateway loses no request and keeps every WebSocket.

    Three times SIGHUP, a second apart, under 20 GETs a second to two rows and 40 open WebSockets.
    """
    rows = work("flask") | work("fastapi")
    with client.sockets("/fastapi/ws/echo", 40) as sockets, probing(client.stack.http, rows) as counts:
        for _ in range(3):
            client.stack.signal("nginx", signal.SIGHUP)
            time.sleep(1)
        for socket_ in sockets:
            socket_.send("still here")
        kept = sum(socket_.recv(timeout=20) == "still here" for socket_ in sockets)
    tell(f"{total(counts)}; {kept} of {len(sockets)} WebSockets kept")
    assert kept == len(sockets)
    assert not total(counts).lost and not total(counts).wrong


def test_a_connection_in_use_gets_one_more_answer_from_a_gateway_that_is_reloaded(stack: Stack, tell: Tell) -> None:
    """A connection that a client has just used is not closed under its next request when the gateway is reloaded.

    20 kept connections, SIGHUP, and a second later a request on each.
    """
    address = httpx.URL(stack.http)
    with ExitStack() as connections:
        kept = [
            connections.enter_context(closing(HTTPConnection(address.host, address.port, timeout=20)))
            for _ in range(20)
        ]
        assert {status(connection) for connection in kept} == {200}
        stack.signal("nginx", signal.SIGHUP)
        time.sleep(1)
        answered = [status(connection) for connection in kept]
    tell(f"{answered.count(200)} of {len(kept)} answered")
    assert answered == [200] * len(kept)


def status(connection: HTTPConnection) -> int:
    connection.request("GET", "/rows.json")
    answer = connection.getresponse()
    answer.read()
    return answer.status


class Deaf(threading.Thread):
    """Takes a row's place: reads each request, counts it, and closes the connection without an answer."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.methods: list[str] = []

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    self.methods.append(connection.recv(4096).decode().split()[0])


@contextmanager
def deaf(native: NativeDoor, row: str) -> Iterator[Deaf]:
    native.stop(row)
    instead = Deaf(native.native.port(row, 8000))
    instead.start()
    try:
        yield instead
    finally:
        instead.listener.shutdown(socket.SHUT_RDWR)
        instead.join()
        instead.listener.close()
        native.start(row)
        until(lambda: answers(native, row), what="the row to be back")


def test_what_may_have_been_done_is_never_asked_for_again(native: NativeDoor, client: Client, tell: Tell) -> None:
    """A GET is asked for once again, a POST or PATCH that was sent never.

    The row's place is taken by a server that reads each request and closes the connection.
    """
    with deaf(native, "asgi") as row:
        for method in ("GET", "HEAD", "POST", "PATCH"):
            assert client.h1.request(method, "/asgi/json").status_code == 502
    asked = {method: row.methods.count(method) for method in ("GET", "HEAD", "POST", "PATCH")}
    tell(", ".join(f"{method} asked {times}×" for method, times in asked.items()))
    assert asked == {"GET": 2, "HEAD": 2, "POST": 1, "PATCH": 1}
