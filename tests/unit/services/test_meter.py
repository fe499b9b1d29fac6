"""The meter: what a server's processes cost, read from outside."""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

import meter
from tests.helpers import until

BUSY = "while True: pass"


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield process
    process.kill()
    process.wait()


def test_cpu_time_of_a_busy_process_grows(busy: subprocess.Popen[bytes]) -> None:
    first = meter.read(meter.tree(busy.pid))
    until(lambda: meter.read(meter.tree(busy.pid)).cpu_ns > first.cpu_ns + 50_000_000)


def test_a_server_is_the_sum_of_its_processes(busy: subprocess.Popen[bytes]) -> None:
    mine = psutil.Process(os.getpid())
    both = meter.read([mine, psutil.Process(busy.pid)])
    assert both.processes == 2
    assert both.rss_bytes > meter.read([mine]).rss_bytes


def test_open_sockets_are_counted() -> None:
    mine = [psutil.Process(os.getpid())]
    before = meter.read(mine).sockets
    with socket.socket(), socket.socket():
        assert meter.read(mine).sockets == before + 2


def test_a_process_that_has_ended_costs_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert meter.read(meter.tree(process.pid)).processes == 0


def test_a_reading_is_served_as_json_and_an_unknown_row_is_not_found() -> None:
    def take(path: str) -> meter.Reading:
        return {"/flask": meter.Reading(1, 2, 3, 4, 5, 6)}[path]

    server = meter.server("127.0.0.1", 0, take)
    threading.Thread(target=server.serve_forever).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{url}/flask") as answer:  # noqa: S310  (loopback)
            assert json.load(answer)["rss_bytes"] == 3
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/nonsense")  # noqa: S310  (loopback)
        refused.value.close()
        assert refused.value.code == 404
    finally:
        server.shutdown()
        server.server_close()


def test_it_knows_nothing_of_the_lab_which_its_container_need_not_have() -> None:
    loaded = f"import sys, meter; print([name for name in sys.modules if name in {('lab', 'loadtest')!r}])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
