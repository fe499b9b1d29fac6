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
from pathlib import Path

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
    assert both.memory_bytes > meter.read([mine]).memory_bytes


FORKED = """
import os, sys
held = bytearray(os.urandom(64 * 2**20))
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
os.wait()
"""


@pytest.mark.skipif(not meter.LINUX, reason="only Linux counts a shared page once")
def test_memory_that_two_processes_share_counts_once() -> None:
    with subprocess.Popen([sys.executable, "-c", FORKED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        until(lambda: len(meter.tree(process.pid)) == 2)
        reading = meter.read(meter.tree(process.pid))
        resident = sum(each.memory_info().rss for each in meter.tree(process.pid))
        process.communicate(b"")
    assert reading.memory == "PSS"
    assert 64 * 2**20 < reading.memory_bytes < 128 * 2**20 < resident


def test_where_a_process_shows_no_shared_memory_all_of_them_count_resident_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = psutil.Process(os.getpid())
    said = iter([1, None])
    monkeypatch.setattr(meter, "_pss_bytes", lambda process: next(said))
    reading = meter.read([mine, mine])
    assert reading.memory == "RSS"
    assert reading.memory_bytes > mine.memory_info().rss


@pytest.mark.parametrize(
    ("name", "bytes_"), [("memory.current", 7), ("memory/memory.usage_in_bytes", 7), ("elsewhere", None)]
)
def test_a_container_says_beside_it_what_its_cgroup_is_charged_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bytes_: int | None
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("7\n")
    monkeypatch.setattr(meter, "CGROUP", tmp_path)
    assert meter.read_container("/").cgroup_bytes == bytes_


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
        return {"/flask": meter.Reading(1, 2, 3, "PSS", None, 4, 5, 6)}[path]

    server = meter.server("127.0.0.1", 0, take)
    threading.Thread(target=server.serve_forever).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{url}/flask") as answer:  # noqa: S310  (loopback)
            assert json.load(answer)["memory_bytes"] == 3
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
