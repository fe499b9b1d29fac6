"""Which services a native stack consists of, and what it says before it starts."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import LabError
from lab.stack.compose_file import ComposeFile
from lab.stack.machine import can_pin, raise_open_files
from lab.stack.native import NativeStack

needs_pinning = pytest.mark.skipif(not can_pin(), reason="this platform does not pin processes to CPUs")


def test_further_rows_come_with_their_profile_only() -> None:
    assert "flask-gevent" not in NativeStack(ComposeFile(environ={})).services
    assert "flask-gevent" in NativeStack(ComposeFile(environ={}), ("variants",)).services


def test_an_own_database_leaves_the_wheels_out() -> None:
    assert "postgres" not in NativeStack(ComposeFile(environ={"DATABASE_URL": "postgresql://elsewhere/lab"})).services


def test_an_empty_database_url_means_the_wheels_database() -> None:
    stack = NativeStack(ComposeFile(environ={"DATABASE_URL": ""}))
    assert "postgres" in stack.services
    assert stack.database_url.startswith("postgresql://lab@127.0.0.1:")


@needs_pinning
@pytest.mark.parametrize("name", ["ROW_CPUS", "OTHER_CPUS"])
def test_cpus_that_were_asked_for_and_are_not_there_are_refused(name: str) -> None:
    with pytest.raises(LabError, match=r"this machine lends the CPUs .* set ROW_CPUS and OTHER_CPUS"):
        NativeStack(ComposeFile(environ={name: "4711"})).__enter__()


def test_a_low_soft_limit_of_open_files_is_raised() -> None:
    with open_files(soft=1_024):
        assert raise_open_files() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 1_024


def test_a_hard_limit_of_open_files_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 4_096))
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits))
    assert raise_open_files() == 4_096
    assert asked == [(4_096, 4_096)]


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
