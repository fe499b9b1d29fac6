"""Threads run out, an event loop does not; and the meter answers all the while."""

from concurrent.futures import wait
from contextlib import suppress

import pytest

from tests.e2e.client import Client, problem
from tests.helpers import until

CPU_WORK_NS = 20_000_000  # a million rounds take more than this on any machine


def test_eight_websockets_fill_flask_and_a_plain_request_waits_for_one_to_leave(client: Client) -> None:
    with client.sockets("/flask/ws/echo", 8) as sockets:
        request = client.get_later("/flask/json")
        with pytest.raises(TimeoutError):
            request.result(timeout=1)
        sockets[0].close()
        assert request.result(timeout=20).status_code == 200


@pytest.mark.parametrize("row", ["fastapi", "flask-gevent", "fastapi-granian", "fastapi-gunicorn"])
def test_fifty_websockets_leave_room_for_a_plain_request_elsewhere(client: Client, row: str) -> None:
    with client.sockets(f"/{row}/ws/echo", 50) as sockets:
        assert client.get_later(f"/{row}/json").result(timeout=20).status_code == 200
        sockets[-1].send("all alive")
        assert sockets[-1].recv(timeout=20) == "all alive"


@pytest.mark.parametrize("row", ["flask", "flask-granian"])
def test_async_views_of_flask_serve_many_clients_on_threads(client: Client, row: str) -> None:
    requests = [client.get_later(f"/{row}/wait/async?ms=100") for _ in range(24)]
    assert {request.result().status_code for request in requests} == {200}


def test_async_views_of_flask_are_refused_on_greenlets_where_they_would_fail(client: Client) -> None:
    assert "ask another row" in problem(client.get("/flask-gevent/wait/async"), 501)


def test_the_meter_counts_the_sockets_that_a_row_holds(client: Client) -> None:
    before = client.stack.meter("fastapi").sockets
    with client.sockets("/fastapi/ws/echo", 50):
        # Not 50 to the last: they may take over connections that nginx kept from earlier requests.
        assert client.stack.meter("fastapi").sockets >= before + 20
    until(lambda: client.stack.meter("fastapi").sockets < before + 20)


def test_the_meter_answers_while_every_thread_waits(client: Client) -> None:
    waiting = [client.get_later("/flask/wait?ms=2000") for _ in range(16)]
    reading = client.stack.meter("flask")
    assert not any(request.done() for request in waiting[8:])
    assert reading.processes >= 2  # gunicorn's master and its worker
    assert reading.threads > 8
    assert reading.memory_bytes > 10_000_000
    wait(waiting)
    assert {request.result().status_code for request in waiting} == {200}


@pytest.mark.parametrize("row", ["flask", "fastapi", "flask-sync", "fastapi-granian"])
def test_cpu_work_shows_on_the_meter(client: Client, row: str) -> None:
    before = client.stack.meter(row)
    work = [client.get_later(f"/{row}/cpu?rounds=1000000") for _ in range(4)]
    client.stack.meter(row)  # answers while the row works
    assert {request.result().status_code for request in work} == {200}
    assert client.stack.meter(row).cpu_ns - before.cpu_ns > 4 * CPU_WORK_NS


def test_a_blocked_event_loop_keeps_everybody_waiting(client: Client) -> None:
    def held_up() -> bool:
        with suppress(TimeoutError):
            return client.get_later("/fastapi/json").result(timeout=0.5).status_code != 200
        return True

    blocked = client.get_later("/fastapi/wait/blocking?ms=3000")
    until(held_up, 3)
    assert blocked.result(timeout=20).status_code == 200
    assert client.status("/fastapi/json") == 200
