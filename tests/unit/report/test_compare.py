"""Two runs side by side: what has changed, and which runs may not be compared."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lab import LabError, cli
from lab.experiments.outcomes import Verdict
from lab.report.compare import compare_runs, show
from lab.run.results import Run, read
from lab.stack.compose_file import ROOT
from tests.unit import runs


def control(folder: Path, factor: float, door: str = "native", jitter: float = 0) -> Run:
    """Flask A needs `factor` times the CPU of Flask B."""

    def speeds(level: str, arm: str, number: int) -> tuple[float, float]:
        shaken = 1 + jitter * (-1) ** (number // 2)
        return 700, 300 * (factor * shaken if arm == "flask A" else 1)

    return read(runs.write(folder, {"control": runs.results("control", speeds)}, door=door))


def test_a_ratio_that_moved_beyond_the_margin_has_changed_and_so_has_the_verdict(tmp_path: Path) -> None:
    found = compare_runs(control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.5))
    flask, fastapi = found.changes
    assert flask.low < 1.5 < flask.high and flask.low > 1.4
    assert (flask.said, fastapi.said) == ("changed", "no change that matters")
    assert found.verdicts == {"control": (Verdict.SUPPORTED, Verdict.DEPENDS)}


def test_a_ratio_that_is_too_noisy_is_inconclusive(tmp_path: Path) -> None:
    found = compare_runs(control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.02, jitter=0.2))
    assert found.changes[0].said == "inconclusive"


def test_it_is_shown_in_plain_words(tmp_path: Path) -> None:
    before, after = control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.5)
    out = StringIO()
    show(Console(file=out, width=200), before, after, compare_runs(before, after))
    assert "changed (was no difference that matters, is worse)" in out.getvalue()
    assert "no change that matters" in out.getvalue()
    assert "control: was supported, is depends" in out.getvalue()


def test_counts_that_never_vary_have_a_point_for_an_interval(tmp_path: Path) -> None:
    def never(folder: Path, held: int) -> Run:
        made = runs.results("websocket", lambda level, arm, number: (100, 300))
        sockets = [
            replace(
                each,
                held=held if each.block.row == "fastapi" else 8,
                load=replace(each.load, protocols=["WS"]),
            )
            for each in made
        ]
        return read(runs.write(folder, {"websocket": sockets}))

    change = compare_runs(never(tmp_path / "a", 8), never(tmp_path / "b", 16)).changes[0]
    assert change.low == pytest.approx(2) and change.high == pytest.approx(2) and change.said == "changed"


def told(before: Run, after: Run) -> str:
    out = StringIO()
    show(Console(file=out, width=200), before, after, compare_runs(before, after))
    return out.getvalue()


def test_runs_that_were_measured_alike_differ_in_nothing(tmp_path: Path) -> None:
    before, after = control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.5)
    after.header.abouts["flask"]["pid"] = 4711
    after.header.abouts["flask"]["settings"]["GUNICORN_CMD_ARGS"] = after.header.abouts["flask"]["settings"][
        "GUNICORN_CMD_ARGS"
    ].replace(":8000", ":8001")
    assert compare_runs(before, after).differences == []
    assert "not measured alike" not in told(before, after)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"machine": "Linux, 8 CPUs"}, ("machine", "Linux, 2 CPUs", "Linux, 8 CPUs")),
        ({"generator_python": "3.14.1"}, ("Python of the generator", "3.11.7", "3.14.1")),
        ({"versions": {"flask": "3.2"}}, ("flask", "3.1", "3.2")),
        ({"versions": {"flask": "3.1", "uvloop": "0.23"}}, ("uvloop", "–", "0.23")),
        ({"placed": {"rows": "0", "generator": "0"}}, ("CPUs of generator", "1", "0")),
        ({"scale": 0.3}, ("scale of every block's seconds", "1.00", "0.30")),
    ],
)
def test_what_was_not_alike_is_named_and_the_change_may_be_its_doing(
    changes: dict[str, Any], named: tuple[str, str, str], tmp_path: Path
) -> None:
    before, after = control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.5)
    after.header = replace(after.header, **changes)
    assert compare_runs(before, after).differences == [named]
    said = told(before, after)
    assert "a change may be the doing of this" in said and all(each in said for each in named)


@pytest.mark.parametrize(
    ("fact", "value", "named"),
    [
        ("python", "3.14.1", ("flask: Python", "3.11.7", "3.14.1")),
        ("server", "gunicorn 28", ("flask: server", "gunicorn 27.0.1", "gunicorn 28")),
        ("framework", "flask 3.2", ("flask: framework", "flask 3.1", "flask 3.2")),
        ("cpus", 4, ("flask: CPUs", "1", "4")),
        ("server", "gunicorn [red]", ("flask: server", "gunicorn 27.0.1", "gunicorn [red]")),
    ],
)
def test_what_a_row_did_not_have_alike_is_named_with_the_row(
    fact: str, value: Any, named: tuple[str, str, str], tmp_path: Path
) -> None:
    before, after = control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.5)
    after.header.abouts["flask"][fact] = value
    assert compare_runs(before, after).differences == [named]
    said = told(before, after)
    assert all(each in said for each in named)


def test_runs_of_different_doors_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="different doors are not compared: another Python, another nginx"):
        compare_runs(control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.0, door="compose"))


def test_what_was_refused_in_one_of_them_is_not_compared(tmp_path: Path) -> None:
    before, after = control(tmp_path / "a", 1.0), control(tmp_path / "b", 1.0)
    after.header.abouts["flask"]["python"] = "3.13.0"  # alike within the row: still judged
    assert len(compare_runs(before, after).changes) == 2
    for rounds in after.measured["control"].rounds.values():
        for of_round in rounds.values():
            of_round[0] = runs.failing(of_round[0])
    with pytest.raises(LabError, match="no comparison in common"):
        compare_runs(before, after)


def compared(before: Path, after: Path, *options: str) -> int:
    return cli.main(["compare", str(before), str(after), *options])


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.5, 4)])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ci_knows_by_the_exit_code_whether_anything_changed(
    factor: float, code: int, options: tuple[str, ...], tmp_path: Path
) -> None:
    control(tmp_path / "a", 1.0)
    control(tmp_path / "b", factor)
    assert compared(tmp_path / "a", tmp_path / "b", *options) == code


def test_as_json_it_says_what_changed_and_nothing_else_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    control(tmp_path / "a", 1.0)
    control(tmp_path / "b", 1.5)
    compared(tmp_path / "a", tmp_path / "b", "--json")
    printed = json.loads(capsys.readouterr().out)
    described = json.loads((ROOT / "docs" / "compare.schema.json").read_text())
    assert printed.keys() == described["properties"].keys() == set(described["required"])
    assert printed["changed"] is True and printed["not_alike"] == []
    flask, fastapi = printed["changes"]
    assert flask.keys() == described["$defs"]["ChangeRecord"]["properties"].keys()
    assert (flask["change"], fastapi["change"]) == ("changed", "no change that matters")
    assert flask["low"] < flask["ratio"] < flask["high"] and flask["smaller_is_better"] is True
    assert printed["verdicts"] == [{"experiment": "control", "before": "supported", "after": "depends"}]
