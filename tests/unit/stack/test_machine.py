"""What the lab asks of the machine."""

import os
import shutil

import pytest

from lab import LabError
from lab.stack.machine import Ports, answers, can_pin, cpus, pin, unpinned

needs_pinning = pytest.mark.skipif(not can_pin(), reason="this platform does not pin processes to CPUs")


@needs_pinning
def test_a_command_is_pinned_to_cpus_that_the_machine_has() -> None:
    mine = min(os.sched_getaffinity(0))
    assert pin(str(mine)) == ["taskset", "--cpu-list", str(mine)]
    assert pin("100000") == []


@needs_pinning
@pytest.mark.parametrize(
    ("cpuset", "can"), [("0", True), ("0-1,3", True), ("4", False), ("0-4", False), ("0,9", False)]
)
def test_every_cpu_of_a_set_must_be_there(cpuset: str, can: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    assert (unpinned(cpus(cpuset)) == "") is can
    assert bool(pin(cpuset)) is can


def test_without_a_set_or_without_taskset_nothing_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pin("") == []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert pin("0") == []
    assert "does not keep processes on CPUs" in unpinned({0})


@pytest.mark.parametrize("text", ["abc", "0,", "-1", "0 1", "1-"])
def test_what_is_no_list_of_cpus_is_named(text: str) -> None:
    with pytest.raises(LabError, match="are written like 0 or 0,2-3"):
        cpus(text)


def test_nothing_answers_on_a_free_port() -> None:
    assert not answers(f"http://127.0.0.1:{Ports().take()}/")
