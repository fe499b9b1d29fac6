"""How often whole verdicts are wrong: the simulation judges as the judge does, and no verdict is wrong too often."""

import numpy as np
import pytest

from lab.calibration.verdicts import (
    OUTCOMES,
    SAID,
    Look,
    Noise,
    Planned,
    covered,
    true_outcome,
    truths,
    wrong_verdicts,
)
from lab.experiments import BY_NAME, Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome, Rule, Verdict
from lab.judge.figures import FIGURES
from lab.judge.statistics import LOOKS, compare
from lab.judge.verdicts import verdict
from tests.unit.records import toy

NOISE = Noise(rounds=0.05, starts=0.02)
RUNS = 300
# Of so many runs, what a true 5 % comes to at most: three standard errors.
ALLOWED = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
THREE = toy(
    Contrast("a", "b", "cpu_us"),
    Contrast("b", "c", "cpu_us"),
    arms=(Arm("flask", "a"), Arm("fastapi", "b"), Arm("asgi", "c")),
)


@pytest.mark.parametrize("experiment", [THREE, BY_NAME["io-bound"]], ids=lambda experiment: experiment.name)
def test_the_simulation_judges_every_comparison_as_the_judge_does(experiment: Experiment) -> None:
    plan = Planned(experiment, LOOKS)
    errors = plan.errors(NOISE, 20, np.random.default_rng(1))
    margins = np.random.default_rng(2).uniform(-2, 2, len(plan.deciding))
    truth = np.full(len(plan.cases), 10.0)
    truth[plan.deciding] = margins
    first = plan.outcomes(list(margins), plan.looked_at(errors)[:1])
    for run in range(20):
        for place, (_, contrast) in enumerate(plan.cases):
            ratios = errors[run, place, : LOOKS[0]] + truth[place] * plan.margins[place]
            margin, among = FIGURES[contrast.figure].metric.margin, experiment.among(contrast)
            judged = compare(list(ratios), 1, len(LOOKS), margin, smaller_is_better=False, among=among)
            assert OUTCOMES[first[run, place]] == (judged.outcome, judged.ruled_out)


def looked(*means: float) -> Look:
    """One run of two comparisons, with intervals of half a margin."""
    half = np.full((1, 2), 0.5 * np.log(1.05))
    return Look(np.array([means]) * np.log(1.05), half, half)


def test_a_comparison_stays_as_it_was_decided_when_its_arms_are_measured_no_more() -> None:
    plan = Planned(THREE, LOOKS)
    (found,) = plan.outcomes([0, 0], [looked(3, 1), looked(0, 1), looked(0, 3)])
    assert [OUTCOMES[each] for each in found] == [(Outcome.BETTER, None), (Outcome.BETTER, None)]


def test_a_comparison_is_judged_anew_while_an_open_one_keeps_both_its_arms() -> None:
    arms = (Arm("flask", "a"), Arm("fastapi", "b"))
    plan = Planned(toy(Contrast("a", "b", "cpu_us"), Contrast("a", "b", "throughput"), arms=arms), LOOKS)
    (found,) = plan.outcomes([0, 0], [looked(3, 1), looked(0, 1), looked(0, 3)])
    assert [OUTCOMES[each] for each in found] == [(Outcome.NO_DIFFERENCE, None), (Outcome.BETTER, None)]


def test_two_arms_of_one_row_do_not_differ_by_how_its_starts_do() -> None:
    arms = (Arm("flask", "a"), Arm("flask", "b"), Arm("fastapi", "c"))
    plan = Planned(toy(Contrast("a", "b", "cpu_us"), Contrast("a", "c", "cpu_us"), arms=arms), LOOKS)
    errors = plan.errors(Noise(rounds=0, starts=0.02), 200, np.random.default_rng(3))
    assert errors[:, 0].std() == 0
    assert errors[:, 1].std() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("rule", [Rule.ALL, Rule.ONE_CASE])
def test_the_truths_that_are_tried_make_every_verdict_the_right_one(rule: Rule) -> None:
    contrasts = [Contrast(f"a{number}", "b", "cpu_us") for number in range(4)]
    arms = (Arm("flask", "b"), *(Arm("fastapi", each.subject) for each in contrasts))
    plan = Planned(toy(*contrasts, arms=arms, rule=rule), LOOKS)
    decided = [plan.cases_of([(true_outcome(value), None) for value in margins]) for _, margins in truths(4)]
    never = {Verdict.INCONCLUSIVE} | ({Verdict.DEPENDS} if rule == Rule.ONE_CASE else set())
    assert {verdict(rule, each) for each in decided} == set(SAID) - never


@pytest.mark.parametrize("noise", [Noise(0.019, 0.01), NOISE], ids=["as measured", "noisy"])
def test_no_verdict_is_wrong_in_more_than_5_of_100_runs_of_any_experiment(noise: Noise) -> None:
    wrong = wrong_verdicts([noise], RUNS)
    assert set(wrong) == set(SAID)
    assert {verdict: each for verdict, each in wrong.items() if each.share > ALLOWED} == {}
    assert all(each.share > 0 for each in wrong.values())  # the truths are hard to tell


def test_verdicts_would_be_wrong_too_often_if_every_comparison_had_the_level_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Experiment, "among", lambda experiment, contrast: 1)
    wrong = wrong_verdicts([NOISE], RUNS)
    assert wrong[Verdict.DEPENDS].share > 0.2 and wrong[Verdict.SUPPORTED].share > 0.08


@pytest.mark.parametrize("pairs", LOOKS)
def test_intervals_cover_how_starts_differ_only_where_every_round_has_one(pairs: int) -> None:
    noise = Noise(rounds=0.019, starts=0.01)
    assert covered(noise, pairs, starts_anew=True) == pytest.approx(0.95, abs=0.015)
    assert covered(noise, pairs, starts_anew=False) < 0.94
