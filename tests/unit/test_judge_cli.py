"""The judge's commands, as a user and as a CI job meet them; what they run is made by hand."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import cli
from lab.run import results, run
from tests.unit import runs

Ran = Callable[..., int]


def slower_flask(level: str, arm: str, number: int) -> tuple[float, float]:
    return (1000, 300) if arm.startswith("flask") else (2000, 150)


def at_its_limit(made: runs.Results) -> runs.Results:
    return [replace(result, generator_cpus=0.99) for result in made]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ran:
    """`lab run` with these results in place of a measurement."""

    def command(made: dict[str, runs.Results], *arguments: str, early: bool = False) -> int:
        found = results.read(runs.write(tmp_path / "run", made))
        monkeypatch.setattr(run, "run", lambda *_, **__: (found, early))
        return cli.main(["run", *made, *arguments])

    return command


def test_verdicts_come_with_exit_code_0_whatever_they_are(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran({"basic-cost": runs.results("basic-cost", slower_flask)}) == 0
    said = capsys.readouterr().out
    assert "WSGI may be faster" in said and "refuted" in said and "report.html" in said


def test_json_stands_alone_on_standard_output(ran: Ran, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert ran({"basic-cost": runs.results("basic-cost", slower_flask)}, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    (verdict,) = said["verdicts"]
    assert (said["complete"], said["results"], verdict["verdict"]) == (True, str(tmp_path / "run"), "refuted")
    assert verdict["findings"][0]["comparison"]["ratio"] == pytest.approx(2, rel=0.05)


def test_what_the_gates_cannot_see_stands_beside_the_verdicts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = {name: runs.results(name, slower_flask) for name in ("basic-latency", "basic-cost")}
    found = results.read(runs.write(tmp_path, made, placed={}))
    monkeypatch.setattr(run, "run", lambda *_, **__: (found, False))
    assert cli.main(["run", *made, "--json"]) == 0
    timed, counted = json.loads(capsys.readouterr().out)["verdicts"]
    assert "CPUs of their own" in timed["unseen"] and counted["unseen"] is None
    assert cli.main(["run", *made]) == 0
    assert "CPUs of their own" in " ".join(capsys.readouterr().out.split())


def test_that_rows_could_not_be_started_anew_stands_beside_every_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = {"basic-cost": runs.results("basic-cost", slower_flask)}
    found = results.read(runs.write(tmp_path, made, restarts=False))
    monkeypatch.setattr(run, "run", lambda *_, **__: (found, False))
    assert cli.main(["run", *made, "--json"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert "not how two starts of one row do" in verdict["unseen"]
    assert cli.main(["run", *made]) == 0
    assert "could not be started anew from here" in " ".join(capsys.readouterr().out.split())
    assert "could not be started anew from here" in (tmp_path / "report.md").read_text()


def test_a_refused_run_has_its_own_exit_code_and_no_number(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    made = at_its_limit(runs.results("one-at-a-time", slower_flask))
    assert ran({"one-at-a-time": made}, "--json") == 5
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert verdict["verdict"] == "refused"
    assert all(finding["comparison"] is None and finding["refused"] for finding in verdict["findings"])


def test_a_planted_fault_must_be_refused(ran: Ran) -> None:
    made = runs.results("trap-generator", slower_flask)
    assert ran({"trap-generator": at_its_limit(made)}) == 0
    assert ran({"trap-generator": made}) == 5


def test_a_missed_limit_has_its_own_exit_code(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    made = {"basic-cost": runs.results("basic-cost", slower_flask)}  # every request takes 10 ms
    assert ran(made, "--limit-p99-ms", "11") == 0
    assert ran(made, "--limit-p99-ms", "9") == 3
    assert "flask missed the limit in basic-cost: p99 10.0 ms, limit 9 ms" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_keeps_what_was_measured(ran: Ran, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = runs.results("basic-cost", slower_flask, rounds=3)
    assert ran({"basic-cost": made}, early=True) == 130
    said = capsys.readouterr().out
    assert "too short" in said and not re.search("supported|refuted|depends|inconclusive", said)
    assert "too short to say anything" in " ".join((tmp_path / "run" / "report.md").read_text().split())


def test_json_of_a_run_that_was_stopped_before_its_first_look_says_so(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    made = runs.results("basic-cost", slower_flask, rounds=3)
    assert ran({"basic-cost": made}, "--json", early=True) == 130
    said = json.loads(capsys.readouterr().out)
    (verdict,) = said["verdicts"]
    assert (said["complete"], verdict["verdict"]) == (False, "too short")
    assert {(each["outcome"], each["comparison"]) for each in verdict["findings"]} == {("too few pairs", None)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "name the experiments to run, or --all"),
        (["run", "--all", "control"], "name the experiments to run, or --all"),
        (["run", "nonsense"], "there is no experiment nonsense: lab list shows them"),
        (["run", "control", "--on", "ftp://here"], "--on takes native, compose or a URL"),
        (["run", "control", "--on", "http://127.0.0.1:1"], "does a stack run there?"),
        (["run", "--all", "--budget", "0.1"], "minutes at least: name fewer experiments, or add --quick"),
        (["report", "/nowhere"], "/nowhere holds no results"),
        (["compare", "/nowhere", "/nowhere"], "/nowhere holds no results"),
        (["findings", "/nowhere"], "/nowhere holds no results"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("number", ["0", "-1", "nan", "much"])
def test_a_budget_is_a_time(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "control", "--budget", number])
    assert ended.value.code == 2
    assert "--budget" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not lend CPUs one by one")
@pytest.mark.parametrize(("lent", "said"), [({0}, "needs two CPUs"), ({4, 5}, "set ROW_CPUS and OTHER_CPUS")])
def test_too_few_cpus_are_no_place_to_measure(
    lent: set[int], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: lent)
    assert cli.main(["run", "control"]) == 2
    assert said in capsys.readouterr().err


def test_a_machine_without_docker_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("docker") is None
    assert cli.main(["run", "control", "--on", "compose"]) == 2
    assert "--on native is the same stack" in capsys.readouterr().err


def test_a_report_is_made_again_from_a_raw_file_that_was_cut_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = runs.write(Path("run"), {"basic-cost": runs.results("basic-cost", slower_flask)})
    raw = folder / "raw.jsonl"
    raw.write_text(raw.read_text()[:-100])
    assert cli.main(["report", str(folder)]) == 0
    assert "inconclusive" in capsys.readouterr().out
    assert "Incomplete" in (folder / "report.md").read_text()


def test_the_list_says_what_each_experiment_puts_to_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "WSGI handles one request at a time" in said and "not so if" in said


def test_findings_are_markdown_of_both_doors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: dict[str, Any] = {"basic-cost": runs.results("basic-cost", slower_flask)}
    folders = [str(runs.write(tmp_path / door, made, door=door)) for door in ("native", "compose")]
    assert cli.main(["findings", *folders]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# ") and "native" in said and "compose" in said


def test_the_verdicts_lie_beside_the_report_as_they_were_printed(
    ran: Ran, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = runs.results("basic-cost", slower_flask, rounds=3)
    assert ran({"basic-cost": made}, "--json", early=True) == 130
    kept = tmp_path / "run" / "verdicts.json"
    assert json.loads(kept.read_text()) == json.loads(capsys.readouterr().out)
    kept.unlink()
    assert cli.main(["report", str(kept.parent)]) == 0
    assert json.loads(kept.read_text())["complete"] is False


def test_findings_as_json_have_each_claim_once_for_each_door_from_the_run_that_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both: dict[str, Any] = {name: runs.results(name, slower_flask) for name in ("basic-cost", "control")}
    again = {"basic-cost": both["basic-cost"]}
    folders = [
        runs.write(tmp_path / "a", both),
        runs.write(tmp_path / "b", both, door="compose"),
        runs.write(tmp_path / "c", again),
    ]
    assert cli.main(["findings", "--json", *map(str, folders)]) == 0
    said = {
        door["door"]: [(each["experiment"], Path(each["results"]).name) for each in door["verdicts"]]
        for door in json.loads(capsys.readouterr().out)
    }
    assert said == {
        "native": [("basic-cost", "c"), ("control", "a")],
        "compose": [("basic-cost", "b"), ("control", "b")],
    }
