"""The judge against real rows: what it says, what it refuses, and what it leaves behind."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
from lab.stack import doors
from lab.stack.compose_file import ROOT, ComposeFile
from tests.e2e import stacks
from tests.e2e.stacks import ComposeDoor, Stack, plain_environ
from tests.helpers import until

LAB = [str(Path(sys.executable).parent / "lab")]
ALL_GATES = tuple(each for each in vars(gates).values() if isinstance(each, gates.Gate))


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
    assert (code, said["complete"], verdict["verdict"]) == (0, True, "refuted"), verdict
    assert all(finding["comparison"]["ratio"] > 3 for finding in verdict["findings"])  # 8 threads against 1
    names = {path.name for path in Path(said["results"]).iterdir()}
    assert names == {"raw.jsonl", "environment.json", "report.html", "report.md"}
    header = json.loads((Path(said["results"]) / "raw.jsonl").read_text().splitlines()[0])
    assert header["abouts"]["flask"]["framework"].startswith("flask 3")


# Planted faults: each on a real row, under real load


@pytest.fixture(scope="module")
def planted() -> Iterator[Callable[..., Evidence]]:
    """Evidence of one block on a native stack on which FastAPI has a worker more than Flask."""
    compose_file = ComposeFile(environ=plain_environ())
    fastapi = compose_file.services["fastapi"]
    compose_file.services["fastapi"] = replace(fastapi, environment=fastapi.environment | {"WEB_CONCURRENCY": "2"})
    with (
        doors.native(["flask", "flask-sync", "fastapi", "wsgi"], lambda text: None, compose_file) as door,
        GeneratorClient(door, keep=lambda result: None) as generator,
    ):

        def seen(row: str, scenario: str, users: int, asked: str = "HTTP/1.1", **block: Any) -> Evidence:
            result = generator.run(Block(row, scenario, users, 2.0, **block))
            return evidence([[result]], asked, door.about(row), 1)

        yield seen


def reasons(one: Evidence) -> str:
    return "; ".join(gates.reasons(gates.check(ALL_GATES, one, one)))


def test_a_sound_block_passes_every_gate(planted: Callable[..., Evidence]) -> None:
    assert reasons(planted("flask", "Wait", 4, options={"wait_ms": 20})) == ""


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
    planted: Callable[..., Evidence], row: str, scenario: str, users: int, more: dict[str, Any], said: str
) -> None:
    assert said in reasons(planted(row, scenario, users, **more))


def test_unequal_workers_are_refused(planted: Callable[..., Evidence]) -> None:
    reason = unequal_rows(planted("flask", "Wait", 2).about, planted("fastapi", "Wait", 2).about)
    assert reason and "workers 1 against 2" in reason


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
