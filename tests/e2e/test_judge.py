"""The judge against real rows: what it says, what it refuses, and what it leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.generator.client import GeneratorClient
from lab.generator.record import Block
from lab.judge import gates
from lab.judge.audit import unequal_rows
from lab.judge.evidence import Evidence, evidence
from lab.judge.figures import FIGURES
from lab.run import environment
from lab.stack import doors
from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.machine import pin
from tests.e2e import stacks
from tests.e2e.stacks import ComposeDoor, Stack, plain_environ
from tests.helpers import until

LAB = [str(Path(sys.executable).parent / "lab")]
ALL_GATES = tuple(each for each in vars(gates).values() if isinstance(each, gates.Gate))
BY_NOISE = tuple(each for each in ALL_GATES if each.by_noise)  # others on this machine may make them speak, too


@pytest.fixture
def judge(stack: Stack) -> Iterator[Callable[..., tuple[int, dict[str, Any]]]]:
    """`lab run … --json` on the running stack: over its URL natively, as Compose's own else; its results go."""
    folders: list[str] = []

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        environ = plain_environ() | {"COMPOSE_PROJECT_NAME": stacks.PROJECT}
        where = stack.https
        if isinstance(stack, ComposeDoor):
            environ, where = stack.environ | environ, "compose"
        command = [*LAB, "run", *arguments, "--quick", "--json", "--on", where]
        done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True)
        assert done.stdout, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        folders.append(said["results"])
        return done.returncode, said

    yield run
    for folder in folders:
        shutil.rmtree(folder)


def test_a_quick_run_settles_the_simplest_claim(judge: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, said = judge("one-at-a-time")
    (verdict,) = said["verdicts"]
    if others_use_the_cpus() and any("CPU" in reason for each in verdict["findings"] for reason in each["refused"]):
        pytest.skip(f"others use the CPUs, and the gates say so: {verdict}")
    assert (code, said["complete"], verdict["verdict"]) == (0, True, "refuted"), verdict
    assert (verdict["unseen"] is None) == (said["door"] == "compose")  # over a URL nobody knows who runs where
    assert all(finding["comparison"]["ratio"] > 3 for finding in verdict["findings"])  # 8 threads against 1
    names = {path.name for path in Path(said["results"]).iterdir()}
    assert names == {"raw.jsonl", "environment.json", "report.html", "report.md", "verdicts.json"}
    header = json.loads((Path(said["results"]) / "raw.jsonl").read_text().splitlines()[0])
    assert header["abouts"]["flask"]["framework"].startswith("flask 3")


# Planted faults: each on a real row, under real load

# Rows that are as `asgi`, but for one fault: what is added to the environment, and which application runs.
FAULTY: dict[str, tuple[dict[str, str], str]] = {
    "asgi-two-workers": ({"WEB_CONCURRENCY": "2"}, "protocols.asgi:application"),
    "asgi-access-log": ({"UVICORN_ACCESS_LOG": "true"}, "protocols.asgi:application"),
    "asgi-slow-parser": ({"UVICORN_HTTP": "h11", "UVICORN_LOOP": "asyncio"}, "protocols.asgi:application"),
    "asgi-dev-mode": ({"PYTHONDEVMODE": "1"}, "protocols.asgi:application"),
    "asgi-short-lives": ({"UVICORN_TIMEOUT_KEEP_ALIVE": "1"}, "protocols.asgi:application"),
    "asgi-talkative": ({}, "tests.e2e.faulty:talkative"),
    "asgi-refusing": ({}, "tests.e2e.faulty:refusing"),
    "asgi-mute": ({}, "tests.e2e.faulty:mute"),
}
ROWS = ["asgi", *FAULTY, "flask", "flask-sync", "fastapi", "wsgi"]
ON_THREADS: dict[str, Any] = {"scenario": "WebSocketIdle", "users": 12, "warm_up": 1.5, "probe_rate": 20}
ON_THREADS |= {"options": {"open_s": 1, "heartbeat_s": 1}, "asked": "WS"}


class Planted:
    """A native stack with rows that have a fault each."""

    def __init__(self, door: doors.Door, generator: GeneratorClient) -> None:
        self.door, self.generator = door, generator
        self.abouts = {row: environment.about(door, row) for row in ROWS}

    def seen(self, row: str, scenario: str, users: int, asked: str = "HTTP/1.1", **block: Any) -> Evidence:
        """Evidence of one block."""
        result = self.generator.run(Block(row, scenario, users, 2.0, **block))
        return evidence([[result]], asked, self.abouts[row], 1)

    def in_slices(self, row: str) -> Evidence:
        """Evidence of a round in slices."""
        with self.generator.taking_turns([Block(row, "Wait", 4, 3.0, options={"wait_ms": 5})]) as turns:
            return evidence([list(turns.round(0, [[0]] * turns.count))], "HTTP/1.1", self.abouts[row], 1)


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    compose_file = ComposeFile(environ=plain_environ())
    asgi = next(row for row in compose_file.rows if row.name == "asgi")
    for name, (variables, app) in FAULTY.items():
        settings = asgi.environment | {"ROW": name} | variables
        compose_file.services[name] = replace(asgi, name=name, command=["uvicorn", app], environment=settings)
    with (
        doors.native(ROWS, lambda text: None, compose_file) as door,
        GeneratorClient(door, keep=lambda result: None) as generator,
    ):
        yield Planted(door, generator)


def reasons(one: Evidence, asked: Iterable[gates.Gate] = ALL_GATES) -> str:
    return "; ".join(gates.reasons(gates.check(list(asked), one, one)))


def refused(figure: str, one: Evidence, but: Collection[gates.Gate] = ()) -> str:
    return reasons(one, [gate for gate in FIGURES[figure].gates if gate not in but])


@contextmanager
def hog(cpuset: str) -> Iterator[None]:
    """Somebody else who wants a CPU, all the time."""
    with subprocess.Popen([*pin(cpuset), sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def meanwhile(do: Callable[[], object]) -> Iterator[None]:
    """Does it in the middle of what is measured."""
    timer = threading.Timer(1.5, do)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def others_use_the_cpus() -> bool:
    """More than the row and the generator of one measurement do."""
    return os.getloadavg()[0] > (os.cpu_count() or 1) + 1


def test_a_sound_block_passes_every_gate(planted: Planted) -> None:
    """Where others use the CPUs, too, as other tests may, it is refused for that and for nothing else."""
    said = ""
    for _ in range(5):
        seen = planted.seen("flask", "Wait", 4, options={"wait_ms": 20})
        assert reasons(seen, set(ALL_GATES) - {*BY_NOISE}) == ""
        if not (said := reasons(seen, BY_NOISE)):
            return
    assert others_use_the_cpus(), said
    pytest.skip(f"others use the CPUs, and the gates say so: {said}")


@pytest.mark.parametrize(
    ("row", "scenario", "users", "more", "said"),
    [
        ("wsgi", "DbRead", 2, {}, "answers of wsgi were wrong or missing"),  # a route that the bare row has not
        ("fastapi", "Slow", 16, {}, "the generator used"),
        ("flask-sync", "Json", 4, {}, "connections to flask-sync were opened"),  # its worker keeps none alive
        ("flask", "EventStream", 2, {"options": {"events": 5, "gap_ms": 50}}, "Little's law is broken"),  # counts twice
        ("flask", "PageHttp1", 1, {"asked": "HTTP/2"}, "asked for HTTP/2, but spoke HTTP/1.1"),
        ("flask", "Plaintext", 8, {"rate": 3_000_000}, "starts against flask were late"),
    ],
)
def test_a_planted_fault_is_refused(
    planted: Planted, row: str, scenario: str, users: int, more: dict[str, Any], said: str
) -> None:
    assert said in reasons(planted.seen(row, scenario, users, **more))


def test_a_row_that_refuses_everything_wins_by_no_figure(planted: Planted) -> None:
    seen = planted.seen("asgi-refusing", "Json", 4, probe_rate=20)
    assert seen.failures and all(refused(figure, seen, BY_NOISE) for figure in FIGURES)


@pytest.mark.parametrize("row", ["asgi-refusing", "asgi-mute"])
def test_a_row_whose_websockets_do_not_work_wins_neither_by_their_number_nor_by_what_they_cost(
    planted: Planted, row: str
) -> None:
    seen = planted.seen(row, **ON_THREADS)
    assert seen.held == 0
    assert all(refused(figure, seen, BY_NOISE) for figure in ("held", "memory_mib", "probe_p95_ms"))


def test_clients_for_whom_no_thread_is_left_are_what_is_measured_and_no_fault(planted: Planted) -> None:
    """But for memory: what holds less may well need less."""
    seen = planted.seen("flask", **ON_THREADS)
    assert (seen.held, seen.failures > 0, seen.failures == seen.timeouts) == (8, True, True), seen.errors
    assert (refused("held", seen), refused("probe_p95_ms", seen, BY_NOISE)) == ("", "")
    assert "missing" in refused("memory_mib", seen)


def test_clients_that_leave_on_purpose_are_no_fault(planted: Planted) -> None:
    seen = planted.seen("flask", "Impatient", 4, options={"wait_ms": 200, "patience_ms": 50}, warm_up=0.5)
    assert seen.started and refused("after_ms", seen, BY_NOISE) == ""


def test_a_hog_on_the_generators_cpu_is_seen(planted: Planted) -> None:
    with hog(planted.door.placed["generator"]):
        seen = planted.seen("asgi", "Json", 16)
    for figure in ("throughput", "p50_ms", "p99_ms"):
        assert "the generator waited for a CPU" in refused(figure, seen)
    assert refused("cpu_us", seen) == ""  # which is not by the generator's clock


def test_a_hog_on_the_rows_cpu_is_seen(planted: Planted) -> None:
    with hog(planted.door.placed["rows"]):
        seen = planted.seen("flask", "Json", 16)
    assert "of the CPU of flask while it waited for it" in refused("throughput", seen)


def test_two_stalls_of_a_row_keep_littles_law(planted: Planted) -> None:
    (process,) = planted.door.processes("asgi")

    def stall() -> None:
        for _ in range(2):
            process.suspend()
            time.sleep(0.2)
            process.resume()
            time.sleep(0.3)

    with meanwhile(stall):
        seen = planted.in_slices("asgi")
    assert gates.littles_law.reason(seen) is None
    assert seen.in_flight == pytest.approx(seen.reported_in_flight, rel=0.05)


@pytest.mark.parametrize("kill", [psutil.Process.kill, lambda worker: worker.parent().send_signal(signal.SIGHUP)])
def test_a_worker_that_is_killed_or_reloaded_in_the_middle_is_seen(
    planted: Planted, kill: Callable[[psutil.Process], None]
) -> None:
    worker = planted.door.processes("flask")[1]
    with meanwhile(lambda: kill(worker)):
        seen = planted.in_slices("flask")
    assert all("processes of flask came or went" in refused(figure, seen) for figure in FIGURES)
    assert planted.in_slices("flask").restarts == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("asgi-two-workers", "workers 1 against 2"),
        ("asgi-access-log", "access log off against on"),
        ("asgi-slow-parser", "against h11, asyncio"),
        ("asgi-dev-mode", "Python mode usual against dev_mode"),
        ("asgi-short-lives", "keep-alive 60 s against 1 s"),
        ("asgi-talkative", "response headers"),
    ],
)
def test_rows_that_do_not_run_alike_are_refused(planted: Planted, row: str, said: str) -> None:
    reason = unequal_rows(planted.abouts["asgi"], planted.abouts[row])
    assert reason and said in reason and reason.count(" against ") == 1


@pytest.mark.parametrize("row", ["flask", "flask-sync", "fastapi", "wsgi"])
def test_rows_as_the_table_has_them_run_alike(planted: Planted, row: str) -> None:
    assert unequal_rows(planted.abouts["asgi"], planted.abouts[row]) is None


# Ctrl-C


def test_ctrl_c_ends_a_run_keeps_what_was_measured_and_leaves_nothing() -> None:
    before = set((ROOT / "results").glob("*"))
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o711)  # PostgreSQL runs as nobody where we are root
        environ = plain_environ() | {"TMPDIR": temporary}
        command = [*LAB, "run", "control"]
        with subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            folder = wait_for_results(before, running)
            family = psutil.Process(running.pid).children(recursive=True)
            running.send_signal(signal.SIGINT)
            said, _ = running.communicate(timeout=60)
        assert (running.returncode, "Ended early" in said) == (130, True), said
        until(lambda: not any(process.is_running() for process in family), what="the processes to end")
        assert not list(Path(temporary).iterdir())
    assert (folder / "report.html").exists()
    again = subprocess.run([*LAB, "report", str(folder)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    shutil.rmtree(folder)


def wait_for_results(before: set[Path], running: "subprocess.Popen[str]") -> Path:
    """The folder of the run that has just begun, once it has two results."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        for folder in set((ROOT / "results").glob("*-control")) - before:
            raw = folder / "raw.jsonl"
            if raw.exists() and len(raw.read_text().splitlines()) > 2:
                return folder
        time.sleep(0.2)
    running.kill()
    pytest.fail("no results after a minute")
