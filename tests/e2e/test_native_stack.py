"""Native stacks of other shapes, each started for one test: two workers, another database, `lab up`."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.sync.client import ClientConnection

import meter
from lab.stack.compose_file import ROOT, Table
from lab.stack.machine import answers, free_port
from lab.stack.native import NativeStack
from tests.e2e.client import Client, hears
from tests.e2e.stacks import NativeDoor, plain_environ, started
from tests.helpers import until

NO_LOCUST = ("locust", "locust-worker")
BARE_ROWS = ("wsgi", "asgi")


def test_a_broadcast_reaches_the_clients_of_every_worker() -> None:
    table = Table(environ=plain_environ() | {"WORKERS": "2"})
    with started(NativeStack(table, leave_out=NO_LOCUST + BARE_ROWS)) as stack:
        client = Client(NativeDoor(stack))
        for row in ("flask", "fastapi"):
            with on_both_workers(client, stack, row) as members:
                members[0].send("to all")
                assert all(hears(member, "to all") for member in members)
        client.close()


@contextmanager
def on_both_workers(client: Client, stack: NativeStack, row: str) -> Iterator[list[ClientConnection]]:
    """Broadcast clients that come all at once, again and again until not all of them meet the same worker."""
    for _ in range(20):
        with ExitStack() as sockets:
            joining = [client.later.submit(sockets.enter_context, client.members(row, 1)) for _ in range(6)]
            members = [member for future in joining for member in future.result()]
            if len(holders(stack, row)) == 2:
                yield members
                return
    pytest.fail("one worker takes every connection")


def holders(stack: NativeStack, row: str) -> set[int]:
    """The processes of a row that hold a connection of a client."""
    port = stack.port(row, stack.rows[0].port)
    return {
        process.pid
        for process in meter.tree(stack.pid(row))
        for connection in process.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    }


def test_another_postgresql_serves_where_database_url_names_one(database_url: str) -> None:
    table = Table(environ=plain_environ() | {"DATABASE_URL": database_url})
    with started(NativeStack(table, leave_out=NO_LOCUST + BARE_ROWS)) as stack:
        assert "postgres" not in stack.services
        for row in stack.rows:
            assert httpx.get(f"{stack.url(row)}/db?queries=5", trust_env=False).status_code == 200


@pytest.mark.parametrize("code", [0, 130], ids=["when all is up", "while it starts"])
def test_ctrl_c_stops_lab_up_and_leaves_nothing(code: int) -> None:
    ports = {name: str(free_port()) for name in ("HTTPS_PORT", "HTTP_PORT", "LOCUST_PORT", "WORKER_PORT")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as nobody where we are root
        lab = lab_up(plain_environ() | ports | {"TMPDIR": folder})
        try:
            if code == 0:
                said = read_until(lab, "Ctrl-C stops everything")
                assert answers(f"http://localhost:{ports['HTTP_PORT']}/fastapi/health")
                assert ports["LOCUST_PORT"] in said
            else:
                until(lambda: len(psutil.Process(lab.pid).children(recursive=True)) > 3)
            family = psutil.Process(lab.pid).children(recursive=True)
            lab.send_signal(signal.SIGINT)
            said, _ = lab.communicate(timeout=40)
        finally:
            lab.kill()
            lab.wait()
        assert (lab.returncode, "Traceback" in said) == (code, False), said
        until(lambda: not any(process.is_running() for process in family), what="the processes to end")
        assert not list(Path(folder).iterdir())


def lab_up(environ: dict[str, str]) -> "subprocess.Popen[str]":
    command = [str(Path(sys.executable).parent / "lab"), "up"]
    environ = environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def read_until(process: "subprocess.Popen[str]", end: str) -> str:
    said = ""
    while end not in said:
        line = process.stdout.readline() if process.stdout else ""
        assert line, said
        said += line
    return said
