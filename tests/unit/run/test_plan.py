"""A plan fits its budget."""

import re
from collections.abc import Sequence

import pytest

from lab import LabError
from lab.experiments import EXPERIMENTS, Experiment, find
from lab.judge.statistics import LOOKS, QUICK_LOOKS
from lab.run.plan import BUDGETED, FIRST_SHARE, LONGEST, QUICK, SHORTEST, Plan, estimate, make_plan
from lab.stack.compose_file import ROOT
from tests.unit.running import WHOLE


def test_a_quick_run_takes_one_look_at_short_blocks() -> None:
    assert make_plan([find("concurrent")], True, None) == Plan(QUICK_LOOKS, QUICK, None)
    assert make_plan([find("concurrent")], False, None) == WHOLE


def first_looks(chosen: Sequence[Experiment], looks: tuple[int, ...], scale: float) -> float:
    return sum(estimate(each, Plan(looks, scale, None)) for each in chosen)


def test_a_budget_that_is_too_small_says_the_minimum() -> None:
    chosen = [find("basic-cost"), find("control")]
    least = first_looks(chosen, QUICK_LOOKS, SHORTEST)
    with pytest.raises(LabError, match=f"{least / 60:.1f} minutes at least") as caught:
        make_plan(chosen, False, least - 1)
    assert "--budget" in str(caught.value) and "--quick" in str(caught.value)
    with pytest.raises(LabError) as caught:
        make_plan(chosen, True, 1)
    assert "--quick" not in str(caught.value)


def test_a_budget_plans_two_looks_where_the_first_leaves_time_and_else_a_single_one() -> None:
    chosen = [find("basic-cost"), find("high-load")]
    enough = first_looks(chosen, BUDGETED[0], SHORTEST) / FIRST_SHARE
    assert make_plan(chosen, False, enough).looks == LOOKS[:2]
    assert make_plan(chosen, False, enough - 1).looks == QUICK_LOOKS


def test_the_budget_of_make_judge_is_enough_for_every_experiment() -> None:
    (minutes,) = re.findall(r"lab run --all --budget (\d+)", (ROOT / "Makefile").read_text())
    assert make_plan(EXPERIMENTS, False, 60 * int(minutes)).looks == QUICK_LOOKS


def test_what_a_door_takes_to_start_rows_anew_is_counted_in_every_round() -> None:
    chosen = [find("basic-cost"), find("cpu-bound")]
    waits, waits_not = make_plan(chosen, False, None, 3), make_plan(chosen, False, None)
    assert estimate(chosen[0], waits) == pytest.approx(estimate(chosen[0], waits_not) + 3 * LOOKS[0])
    budget_s = 2 * first_looks(chosen, BUDGETED[0], SHORTEST) / FIRST_SHARE
    assert make_plan(chosen, False, budget_s, 3).scale < make_plan(chosen, False, budget_s).scale


def test_a_larger_budget_makes_longer_blocks_within_bounds() -> None:
    chosen = [find("cpu-bound"), find("high-load")]
    least = first_looks(chosen, BUDGETED[0], SHORTEST) / FIRST_SHARE
    scales = [make_plan(chosen, False, least * factor).scale for factor in (1, 2.5, 3, 4, 100)]
    assert scales == sorted(scales)
    assert scales[0] == SHORTEST < scales[1] and scales[-1] == LONGEST


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("quick", "looks", "share"), [(False, BUDGETED[0], FIRST_SHARE), (True, QUICK_LOOKS, 1.0)])
def test_the_first_looks_fill_their_share_of_the_budget(
    scale: float, quick: bool, looks: tuple[int, ...], share: float
) -> None:
    chosen = [find("basic-cost"), find("websocket")]
    assert make_plan(chosen, quick, first_looks(chosen, looks, scale) / share).scale == pytest.approx(scale)
