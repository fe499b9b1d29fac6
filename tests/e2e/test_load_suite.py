"""The load suite without its web UI: every scenario against both services, through both doors."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.stack.machine import Ports
from loadtest.users import SCENARIOS
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack
from tests.helpers import until

Load = Callable[..., tuple[int, str]]
LOAD = [sys.executable, "-m", "loadtest"]


@pytest.fixture
def load(stack: Stack, tmp_path: Path) -> Load:
    """Runs one test where the stack is; its exit code, and what it printed."""

    def in_container(*arguments: str) -> tuple[int, str]:
        assert isinstance(stack, ComposeDoor)
        command = ["docker", "compose", "exec", "-T", "locust", "python", "-m", "loadtest"]
        done = subprocess.run([*command, *arguments], env=stack.environ, capture_output=True, text=True)
        stack.compose("cp", "locust:/app/results", str(tmp_path))
        return done.returncode, done.stdout + done.stderr

    def as_process(*arguments: str) -> tuple[int, str]:
        assert isinstance(stack, NativeDoor)
        environ = os.environ | stack.native.targets
        done = subprocess.run([*LOAD, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return in_container if isinstance(stack, ComposeDoor) else as_process


def figures(folder: Path, printed: str = "") -> dict[str, Any]:
    """The figures of the run that printed where they go; of the only one, where nothing was printed."""
    named = re.search(r"results/\S+", printed)
    file = folder / named[0] / "figures.json" if named else next(folder.glob("results/*/figures.json"))
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_measures_both_services_without_an_error(load: Load, tmp_path: Path, scenario: str) -> None:
    quick = ("--heartbeat-s", "1", "--slow-s", "1", "--events", "5", "--gap-ms", "50", "--listeners", "2")
    none = ("--reload-s", "0")  # only small apps of services/variations have a route for reloads
    code, printed = load("--scenario", scenario, "--users", "4", "--run-time", "3s", *quick, *none)
    assert code == 0, printed
    lines = figures(tmp_path, printed)["lines"]
    assert {line["row"] for line in lines} == {"flask", "fastapi"}
    for line in lines:
        assert (line["requests"] > 0, line["failures"]) == (True, 0), line
        assert line["p50_ms"] <= line["p95_ms"] <= line["p99_ms"]
        assert line["memory_mib"] > 10  # the meter was read
    folder = tmp_path / re.search(r"results/\S+", printed)[0]  # type: ignore[index]  # printed, or it fails
    report = (folder / "report.html").read_text()
    assert f"<h1>{scenario} · closed loop" in report
    with (folder / "locust_stats.csv").open() as file:  # the last requests, too
        counted = sum(int(row["Request Count"]) for row in csv.DictReader(file) if row["Name"] != "Aggregated")
    assert counted == sum(line["requests"] for line in lines)


@pytest.mark.parametrize("path", ["gateway", "plain", "direct"])
def test_every_path_to_a_row_can_be_chosen(load: Load, tmp_path: Path, path: str) -> None:
    code, printed = load("--path", path, "--rows", "flask-granian", "--users", "2", "--run-time", "2s")
    assert code == 0, printed
    assert figures(tmp_path, printed)["lines"][0]["requests"] > 0


def test_open_loop_starts_as_many_requests_as_asked_for(load: Load, tmp_path: Path) -> None:
    options = ("--arrivals", "constant", "--rate", "50", "--users", "20")
    code, printed = load("--scenario", "Wait", "--rows", "fastapi", *options, "--run-time", "4s")
    assert code == 0, printed
    (schedule,) = (by_row["fastapi"] for by_row in figures(tmp_path, printed)["schedules"].values())
    seconds = 4
    assert 50 * seconds * 0.7 < schedule["started"] <= 50 * seconds


def test_latency_counts_from_the_intended_start(load: Load, tmp_path: Path) -> None:
    # Two users can start 20 requests of 100 ms a second: of 50 a second, more and more come late.
    options = ("--arrivals", "constant", "--rate", "50", "--users", "2", "--run-time", "4s")
    code, printed = load("--scenario", "Wait", "--rows", "fastapi", *options)
    assert code == 0, printed
    found = figures(tmp_path, printed)
    assert found["lines"][0]["p99_ms"] > 1_000
    assert any("wait for a free user" in warning for warning in found["warnings"])


def test_a_missed_limit_has_its_own_exit_code(load: Load, tmp_path: Path) -> None:
    code, printed = load("--scenario", "Wait", "--users", "2", "--run-time", "2s", "--limit-p99-ms", "50")
    assert code == 3, printed
    assert figures(tmp_path, printed)["missed_limit"] == ["flask", "fastapi"]


def test_an_error_has_its_own_exit_code_and_is_counted(load: Load, tmp_path: Path) -> None:
    # The bare rows have no database: 404
    code, printed = load("--scenario", "DbRead", "--rows", "wsgi", "--users", "1", "--run-time", "1s")
    assert code == 1, printed
    line = figures(tmp_path, printed)["lines"][0]
    assert line["failures"] == line["requests"] > 0
    assert line["ratio"] is None
    assert "status 404: there is no such route" in re.sub(r"\s+", " ", printed)


def test_requests_in_flight_at_the_end_are_in_the_figures(load: Load, tmp_path: Path) -> None:
    waits = ("--scenario", "Wait", "--wait-ms", "3000", "--rows", "fastapi", "--users", "3")
    code, printed = load(*waits, "--run-time", "1s")
    assert code == 0, printed
    line = figures(tmp_path, printed)["lines"][0]
    assert (line["requests"], line["failures"]) == (3, 0)


def ratio(found: dict[str, Any]) -> float:
    flask, fastapi = found["lines"]
    assert (flask["ratio"], fastapi["row"]) == (1, "fastapi")
    return float(fastapi["ratio"])


# Of 0.2 s each, so that a user more or less on a row would show.
WAITS = ("--scenario", "Wait", "--wait-ms", "200", "--rows", "flask", "fastapi")


@pytest.mark.parametrize(("users", "processes"), [(12, 4), (2, 4), (6, 1), (12, 3)])
def test_rows_have_the_same_number_of_users_however_many_processes_run_them(
    load: Load, tmp_path: Path, users: int, processes: int
) -> None:
    spread = ("--users", str(users), "--processes", str(processes)) if processes > 1 else ("--users", str(users))
    code, printed = load(*WAITS, *spread, "--run-time", "5s")
    assert code == 0, printed
    found = figures(tmp_path, printed)
    assert ratio(found) == pytest.approx(1, abs=0.1)
    assert found["clients"] == {"flask": users / 2, "fastapi": users / 2}
    assert found["warnings"] == []


def test_rows_have_the_same_number_of_users_after_the_peak_of_a_shape(load: Load, tmp_path: Path) -> None:
    code, printed = load(*WAITS, "--users", "20", "--processes", "3", "--shape", "spike")
    assert code == 0, printed
    found = figures(tmp_path, printed)
    assert (found["uneven"], found["warnings"]) == ({}, [])
    # As many in the end as in the beginning: a fifth, 2 on each row
    assert found["clients"] == {"flask": 2, "fastapi": 2}


def test_users_that_rows_cannot_share_are_rounded_up_and_it_is_said(load: Load, tmp_path: Path) -> None:
    code, printed = load(*WAITS, "--users", "3", "--run-time", "3s")
    assert code == 0, printed
    assert "3 users cannot be dealt out evenly to 2 rows: 4 run, 2 on each" in figures(tmp_path, printed)["warnings"]


def test_in_open_loop_each_row_gets_its_rate_from_all_processes_together(load: Load, tmp_path: Path) -> None:
    """Also where a process has no users of a row: a start there would wait for ever."""
    options = ("--arrivals", "constant", "--rate", "20", "--users", "6", "--processes", "4", "--run-time", "5s")
    code, printed = load(*WAITS[:2], "--wait-ms", "50", *WAITS[4:], *options)
    assert code == 0, printed
    found = figures(tmp_path, printed)
    kept = [row for process in found["schedules"].values() for row in process.values()]
    assert sum(row["queued"] for row in kept) < 0.2 * sum(row["started"] for row in kept)
    for line in found["lines"]:
        assert line["requests_per_s"] == pytest.approx(20, rel=0.2)


def test_rows_with_unlike_numbers_of_sockets_are_not_compared(load: Load, tmp_path: Path) -> None:
    code, printed = load("--scenario", "WebSocketEcho", "--users", "20", "--run-time", "4s")
    assert code == 0, printed
    found = figures(tmp_path, printed)
    lines = {line["row"]: line for line in found["lines"] if line["what"] == "/ws/echo"}
    assert (lines["flask"]["open"], lines["flask"]["wanted"], lines["fastapi"]["open"]) == (8, 10, 10)
    assert lines["fastapi"]["ratio"] is None
    assert "flask: 8 of 10 WebSockets open, 2 waiting" in re.sub(r"\s+", " ", printed)


def test_several_generator_processes_count_as_one(load: Load, tmp_path: Path) -> None:
    code, printed = load("--scenario", "Wait", "--users", "6", "--processes", "2", "--run-time", "3s")
    assert code == 0, printed
    found = figures(tmp_path, printed)
    assert len(found["generator_cpus"]) == 2
    assert found["warnings"] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--scenario", "Nonsense"), "invalid choice: 'Nonsense'"),
        (("--rows", "nginx"), "invalid choice: 'nginx'"),
        (("--rate", "0"), "must be from 0.1"),
        (("--wait-ms", "5.0"), "--wait-ms"),
        (("--shape", "search"), "choose constant or poisson arrivals"),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_be_right(load: Load, wrong: tuple[str, str], said: str) -> None:
    code, printed = load(*wrong)
    assert code == 2
    assert said in printed
    assert "Results go to" not in printed  # nothing was measured, so there is no folder to keep


def test_help_leaves_nothing_behind(native: NativeDoor, tmp_path: Path) -> None:
    environ = os.environ | native.native.targets
    done = subprocess.run([*LOAD, "--help"], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])
    assert "--scenario" in done.stdout


def test_results_that_cannot_be_written_are_said_before_the_test(native: NativeDoor, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    environ = os.environ | native.native.targets
    done = subprocess.run([*LOAD, "--users", "1"], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the results cannot be written to results/" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_test_ends_without_a_traceback(load: Load) -> None:
    for _ in range(3):  # it was seen once in nine
        code, printed = load("--users", "4", "--processes", "2", "--run-time", "2s")
        assert code == 0, printed
        assert "Traceback" not in printed


def test_a_lost_worker_is_reported_and_its_share_goes_to_the_others(native: NativeDoor, tmp_path: Path) -> None:
    environ, ports = os.environ | native.native.targets | {"WORKER_SECRET": "the same for all three"}, Ports()
    port = str(ports.take())
    test = ("--scenario", "Wait", "--rows", "fastapi", "--arrivals", "constant", "--rate", "40", "--users", "20")
    locust = [sys.executable, "-m", "locust", "--locustfile", str(Path("loadtest/locustfile.py").resolve())]
    workers = [
        subprocess.Popen([*locust, "--worker", "--master-port", port], env=environ, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    master = ("--master", "--expect-workers", "2", "--master-bind-port", port, "--run-time", "14s")
    running = subprocess.Popen([*LOAD, *test, *master], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)
    assert running.stderr
    until(lambda: "All users spawned" in (running.stderr.readline() if running.stderr else ""))
    workers[0].kill()
    _, printed = running.communicate(timeout=60)
    for worker in workers:
        worker.wait(timeout=30)
    assert running.returncode == 4, printed
    found = figures(tmp_path)
    assert "was lost" in found["warnings"][0]
    started = [by_row["fastapi"]["started"] for by_row in found["schedules"].values()]
    assert max(started) > 40 / 2 * 14 * 1.1  # more than half of them


def test_ctrl_c_writes_what_was_measured(native: NativeDoor, tmp_path: Path) -> None:
    environ = os.environ | native.native.targets
    running = subprocess.Popen(
        [*LOAD, "--scenario", "Wait", "--run-time", "60s"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr
    until(lambda: "All users spawned" in (running.stderr.readline() if running.stderr else ""))
    psutil.Process(running.pid).send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert figures(tmp_path)["lines"]
    assert next(tmp_path.glob("results/*/report.html")).stat().st_size > 0
