"""Whatever the keeper is told of ends with the one who told it; nothing else does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lab.stack import keeper
from lab.stack.keeper import Keeper, Session
from tests.helpers import until

# Starts a child, and says its number; both go on for ever.
PARENT = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(0, flush=True); time.sleep(600)"


def start(program: str) -> tuple["subprocess.Popen[str]", int]:
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    with process.stdout:
        return process, int(process.stdout.readline())


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "secret").touch()
    return tmp_path / "run"


def test_it_ends_a_process_with_its_children_and_removes_the_folder(folder: Path) -> None:
    process, child = start(PARENT)
    kept = Keeper(folder)
    kept.keep(process)
    kept.end()
    until(lambda: not lives(child))
    assert process.returncode == -signal.SIGTERM
    assert not folder.exists()


def test_children_whose_parent_was_killed_end_as_well(folder: Path) -> None:
    process, child = start(PARENT)
    kept = Keeper(folder)
    kept.keep(process)
    process.kill()
    process.wait()
    assert lives(child)
    kept.end()
    until(lambda: not lives(child))


def test_who_does_not_listen_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = start(STUBBORN)
    monkeypatch.setattr(keeper, "PATIENCE_S", 0.2)
    keeper.end([Session(process.pid, keeper.began(process.pid))], folder)
    assert process.wait() == -signal.SIGKILL


def test_a_process_that_has_got_the_number_of_one_that_has_ended_is_left_alone(folder: Path) -> None:
    process, child = start(PARENT)
    keeper.end([Session(process.pid, keeper.began(process.pid) - 60)], folder)
    assert lives(process.pid) and lives(child)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_it_works_on_where_the_keeper_itself_was_killed(folder: Path) -> None:
    process, child = start(PARENT)
    kept = Keeper(folder)
    kept.keep(process)
    (mine,) = [each for each in psutil.Process().children() if "lab.stack.keeper" in each.cmdline()]
    mine.kill()
    kept.end()
    until(lambda: not lives(child))
    assert not folder.exists()


def test_a_clock_that_is_set_meanwhile_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, child = start(PARENT)
    session = Session(process.pid, keeper.began(process.pid))
    system = psutil._psplatform  # type: ignore[attr-defined]  # where psutil reads what a set clock changes
    set_forward = system.boot_time() + 3600
    monkeypatch.setattr(system, "boot_time", lambda: set_forward)
    keeper.end([session], folder)
    assert process.wait() == -signal.SIGTERM
    until(lambda: not lives(child))
