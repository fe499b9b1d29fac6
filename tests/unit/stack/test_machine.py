"""What the lab asks of the machine."""

import os
import shutil
import socket

import pytest

from lab.stack.machine import answers, can_pin, free_port, pin

needs_pinning = pytest.mark.skipif(not can_pin("0"), reason="this platform does not pin processes to CPUs")


@needs_pinning
def test_a_command_is_pinned_to_cpus_that_the_machine_has() -> None:
    assert pin("0") == ["taskset", "--cpu-list", "0"]


@needs_pinning
@pytest.mark.parametrize(
    ("cpuset", "can"), [("0", True), ("0-1,3", True), ("4", False), ("0-4", False), ("0,9", False)]
)
def test_every_cpu_of_a_set_must_be_there(cpuset: str, can: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    assert can_pin(cpuset) is can
    assert bool(pin(cpuset)) is can


def test_without_a_set_or_without_taskset_nothing_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pin("") == []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert pin("0") == []


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert not answers(f"http://127.0.0.1:{server.getsockname()[1] + 1}/")
