"""The command line: one table, which fits a screen and imports nothing that is not asked for."""

import argparse
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab import COMMAND, cli
from lab.cli import GROUPS, Verb
from lab.judge.words import how_many
from lab.run import results
from lab.stack.machine import can_pin

VERBS = [verb for group in GROUPS.values() for verb in group]
HEAVY = {"scipy", "matplotlib", "numpy", "gevent", "locust", "psycopg", "jinja2", "rich", "yaml", "supervisor"}


def test_the_overview_fits_a_screen_and_names_every_verb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line.startswith("  ")] == [v.name for v in VERBS]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_a_function_and_explains_itself(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(pkgutil.resolve_name(verb.function))
    if not verb.takes_further:  # there --help is Locust's
        with pytest.raises(SystemExit) as ended:
            cli.main([verb.name, "--help"])
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert said.startswith(f"usage: {COMMAND} {verb.name} [-h]") and verb.help in said


def test_asking_for_help_imports_nothing_heavy() -> None:
    code = "import lab.cli, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(imported)


def test_options_that_no_verb_knows_are_refused_except_where_they_are_locusts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["list", "--wait-ms", "5"])
    assert ended.value.code == 2
    assert "unknown: --wait-ms 5" in capsys.readouterr().err
    given: list[argparse.Namespace] = []
    monkeypatch.setattr(pkgutil, "resolve_name", lambda name: given.append)
    assert cli.main(["load", "--profile", "variants", "--wait-ms", "5", "--help"]) == 0
    assert (given[0].profile, given[0].further) == (["variants"], ["--wait-ms", "5", "--help"])


def test_ctrl_c_ends_any_verb_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> Any:  # as while it is being imported
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(pkgutil, "resolve_name", interrupted)
    with signals_as_they_were():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script's `lab up &` starts
        assert cli.main(["up"]) == 130


def test_a_lab_under_nohup_outlives_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkgutil, "resolve_name", lambda name: lambda options: signal.raise_signal(signal.SIGHUP))
    with signals_as_they_were():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert cli.main(["up"]) == 0
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with pytest.raises(SystemExit) as ended:
            cli.main(["up"])
        assert ended.value.code == 128 + signal.SIGHUP


@contextmanager
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.skipif(not can_pin(), reason="this platform does not pin processes to CPUs")
@pytest.mark.parametrize("verb", ["up", "load", "demo", "run control", "calibrate", "bench-generator"])
@pytest.mark.parametrize("name", ["ROW_CPUS", "OTHER_CPUS"])
def test_cpus_that_the_machine_does_not_lend_are_one_line_from_every_verb_that_pins(
    verb: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr(results, "new_folder", lambda name: tmp_path)  # calibrate makes it first
    monkeypatch.setenv(name, "4711")
    with signals_as_they_were():
        assert cli.main(verb.split()) == 2
    error = capsys.readouterr().err
    assert ", not 4711: set ROW_CPUS and OTHER_CPUS to some of them" in error
    assert error.count("\n") == 1


def test_one_experiment_is_not_several_and_no_stack_is_started_or_stopped_where_one_runs_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with signals_as_they_were():
        assert cli.main(["run", "control", "--on", "http://127.0.0.1:1"]) == 2
    said = capsys.readouterr().out
    assert said.startswith("1 experiment on ")
    assert "the stack" not in said
    assert (how_many(1, "row"), how_many(2, "row")) == ("1 row", "2 rows")
