"""Two runs side by side: what has changed, and which runs may not be compared."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from lab import LabError
from lab.experiments.outcomes import Verdict
from lab.report.compare import compare_runs, show
from lab.run.results import Run, read
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
