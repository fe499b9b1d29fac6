"""Faults of the machine and the network: a full disk, a cut wire, no memory, a host that was asleep."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

import meter
from lab.stack.compose_file import ROOT
from tests.e2e.client import Client
from tests.e2e.stacks import ComposeDoor, NativeDoor, run
from tests.faults.conftest import Tell
from tests.faults.prober import Ask, probing, total
from tests.faults.test_workers import answers, worker
from tests.helpers import until


def test_a_host_that_was_suspended_goes_on(native: NativeDoor, client: Client, tell: Tell) -> None:
    """A host that was asleep goes on where it was: no request is lost, and WebSockets and the database stay.

    Every process of the stack is stopped (SIGSTOP) for five seconds while clients ask and hold 20 WebSockets.
    """
    asked = {path: Ask(f"/{path}") for path in ("flask/json", "fastapi/json", "flask/db", "fastapi/db")}
    family = meter.tree(psutil.Process(native.native.pid("nginx")).ppid())
    with client.sockets("/fastapi/ws/echo", 20) as sockets, probing(native.http, asked, rate=10, slow_s=10) as counts:
        signal_all(family, signal.SIGSTOP)
        time.sleep(5)
        signal_all(family, signal.SIGCONT)
        for socket in sockets:
            socket.send("still here")
        kept = sum(socket.recv(timeout=20) == "still here" for socket in sockets)
    tell(f"{total(counts)}; {kept} of {len(sockets)} WebSockets kept")
    assert kept == len(sockets)
    assert not total(counts).lost and not total(counts).wrong


def signal_all(processes: list[psutil.Process], signum: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signum)


def test_results_that_the_disk_has_no_room_for(native: NativeDoor, tmp_path: Path, tell: Tell) -> None:
    """A load test whose results the disk has no room for says so in one line, fails, and leaves no half of them.

    A limit of 20 kB on the size of a file, which the report exceeds. (For the judge: tests/unit/run/test_results.py.)
    """

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-m", "loadtest", "--scenario", "Json", "--rows", "flask", "--run-time", "2s"]
    done = subprocess.run(
        [*command, "--users", "2", "--results", str(tmp_path / "results")],
        env=os.environ | native.native.targets,
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=small_disk,  # what a shell's `ulimit` does
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "Traceback" not in said
    assert "the results cannot be written to" in said
    left = sorted(path.name for path in (tmp_path / "results").iterdir())
    tell(f"exit code {done.returncode}, {len(left)} files left")
    assert not left


@contextmanager
def cut(compose: ComposeDoor, service: str) -> Iterator[None]:
    """The container without any network, and then with it again."""
    container = container_of(compose, service)
    networks = {
        name: [alias for alias in network["Aliases"] or () if not container["Id"].startswith(alias)]
        for name, network in container["NetworkSettings"]["Networks"].items()
    }
    for name in networks:
        run(["docker", "network", "disconnect", name, container["Id"]])
    try:
        yield
    finally:
        for name, aliases in networks.items():
            run(["docker", "network", "connect", *(f"--alias={alias}" for alias in aliases), name, container["Id"]])


def container_of(compose: ComposeDoor, service: str) -> dict[str, Any]:
    [found] = [
        each for each in compose.containers() if each["Config"]["Labels"]["com.docker.compose.service"] == service
    ]
    return found


def test_the_wire_between_gateway_and_row_is_cut(compose: ComposeDoor, tell: Tell) -> None:
    """While the network between the gateway and a row is cut, the gateway says 502 within three seconds, other rows do
    not notice, and the row is found again when it is back.

    `docker network disconnect` for five seconds, under 10 GETs a second to the row and to another.
    """
    awaited = Ask("/fastapi/json", right=lambda answer: answer.status_code in (200, 502))
    with probing(compose.http, {"flask": Ask("/flask/json"), "fastapi": awaited}, rate=10, slow_s=3) as counts:
        with cut(compose, "fastapi"):
            time.sleep(5)
        until(lambda: answers(compose, "fastapi"), 10, "the row to be found again")
    tell(f"the row: {counts['fastapi']}; another: {counts['flask']}")
    for count in counts.values():
        assert not count.lost and not count.wrong
        assert count.prompt


HUNGRY = """
import sys
server = sys.argv[1]
open(f"/proc/{server}/oom_score_adj", "w").write("1000")  # the kernel's choice, as if it had grown by itself
held = []
while True:
    held.append(bytearray(2**24))
"""


def test_a_container_runs_out_of_memory(compose: ComposeDoor, tell: Tell) -> None:
    """A row that runs out of memory is ended and started again, and no other notices.

    The server is the one that the kernel kills when its container has taken all its memory.
    """
    pid = str(worker(compose, "fastapi"))
    away = Ask("/fastapi/json", right=lambda answer: answer.status_code in (200, 502, 504))
    with probing(compose.http, {"flask": Ask("/flask/json"), "fastapi": away}, rate=10) as counts:
        hungry = ["docker", "compose", "exec", "-T", "fastapi", "python", "-c", HUNGRY, pid]
        subprocess.run(hungry, env=compose.environ, cwd=ROOT, capture_output=True, timeout=60)
        until(lambda: answers(compose, "fastapi"), 30, "the row to be back")
    restarts = container_of(compose, "fastapi")["RestartCount"]
    tell(f"restarted {restarts}×; another row: {counts['flask']}")
    assert restarts
    assert not counts["flask"].lost and not counts["flask"].wrong
