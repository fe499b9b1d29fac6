"""From results to findings and a verdict: whole looks only, no number where a gate refuses, and where a claim turns."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lab.experiments import Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.record import Result, RoundResult
from lab.judge.figures import FIGURES
from lab.judge.gates import Checked
from lab.judge.judge import Finding, Judgement, Measurements, against_itself, crossover, judge, typical
from lab.judge.statistics import LOOKS, compare
from tests.unit.records import (
    MOST,
    NOISE,
    SPREAD,
    about,
    as_file,
    cpu_us,
    header,
    load,
    of,
    pairs,
    result,
    searched,
    splits,
    toy,
)

Results = list[Result]
BETTER, ALIKE = Outcome.BETTER, Outcome.NO_DIFFERENCE


def judged(results: Results, experiment: Experiment | None = None, **changes: Any) -> Judgement:
    return judge(experiment or toy(), Measurements(results), header(**changes))


def only(results: Results, experiment: Experiment | None = None, **changes: Any) -> Finding:
    (finding,) = judged(results, experiment, **changes).findings
    return finding


@pytest.mark.parametrize("count", range(LOOKS[0]))
def test_fewer_pairs_than_a_first_look_has_decide_nothing(count: int) -> None:
    results = [*pairs(0.5, count), result("flask", LOOKS[0] - 1)]  # the level has begun
    finding = only(results)
    assert (finding.pairs, finding.outcome, finding.comparison) == (count, Outcome.INCONCLUSIVE, None)
    assert judged(results).verdict == Verdict.TOO_SHORT


def test_a_run_that_was_stopped_before_its_first_look_is_too_short_though_a_part_of_it_was_refused() -> None:
    both = toy(Contrast("fastapi", "flask", "cpu_us"), Contrast("fastapi", "flask", "throughput"))
    busy = [replace(each, generator_cpus=0.99) for each in pairs(0.5, 3)]
    assert judged(busy, both).verdict == Verdict.TOO_SHORT
    assert judged(busy, toy(Contrast("fastapi", "flask", "throughput"))).verdict == Verdict.REFUSED


def test_a_run_that_was_stopped_between_the_levels_is_inconclusive() -> None:
    levels = toy(levels={"1": {}, "10": {}})
    assert (
        judged([*pairs(0.5, LOOKS[0], level="1"), *pairs(0.5, LOOKS[0] - 1, level="10")], levels).verdict
        == Verdict.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    ("count", "used", "look"), [(4, 4, 1), (7, 4, 1), (8, 8, 2), (15, 8, 2), (16, 16, 3), (32, 32, 4), (40, 32, 4)]
)
def test_only_whole_looks_are_judged_and_no_more_than_planned(count: int, used: int, look: int) -> None:
    finding = only(pairs(0.5, count))
    assert finding.pairs == count
    for comparison in (finding.comparison, finding.control):
        assert comparison and (comparison.pairs, comparison.look, comparison.planned_looks) == (used, look, 4)


def test_a_run_that_planned_one_look_takes_one() -> None:
    finding = only(pairs(0.5, LOOKS[-1]), looks=LOOKS[:1])
    assert finding.comparison and (finding.comparison.pairs, finding.comparison.planned_looks) == (LOOKS[0], 1)


@pytest.mark.parametrize(
    ("ratio", "spread", "outcome", "verdict"),
    [
        (0.5, SPREAD, Outcome.BETTER, Verdict.SUPPORTED),
        (2.0, SPREAD, Outcome.WORSE, Verdict.REFUTED),
        (1.0, SPREAD, Outcome.NO_DIFFERENCE, Verdict.NO_DIFFERENCE),
        (1.0, NOISE, Outcome.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
)
def test_a_ratio_becomes_an_outcome_and_a_verdict(
    ratio: float, spread: tuple[float, ...], outcome: Outcome, verdict: Verdict
) -> None:
    judgement = judged(pairs(ratio, LOOKS[0], spread))
    (finding,) = judgement.findings
    assert (finding.outcome, finding.holds, judgement.verdict) == (outcome, outcome == BETTER, verdict)
    if spread is SPREAD:
        assert finding.comparison and finding.comparison.ratio == pytest.approx(ratio, rel=1e-3)


def test_a_report_made_again_from_the_file_says_the_same() -> None:
    results = pairs(0.9, 12)
    assert judged([as_file(each) for each in results]).findings == judged(results).findings


def test_a_round_that_only_one_arm_has_measured_is_no_pair() -> None:
    results = [*pairs(0.5, LOOKS[0]), result("fastapi", LOOKS[0])]
    assert only(results) == only(pairs(0.5, LOOKS[0]))


# What is refused


def test_a_refused_contrast_has_no_number_and_is_refused_with_the_first_pair() -> None:
    wrong = [replace(each, load=load(failures=9, errors={"wrong body": 9})) for each in pairs(0.5, 1)]
    for count in (1, 12):
        finding = only([*wrong, *pairs(0.5, count)[2:]])
        assert (finding.outcome, finding.comparison, finding.control, finding.holds) == (None, None, None, False)
        assert [reason.split(":")[0] for reason in finding.reasons] == [
            "9 of 1,000 answers of fastapi were wrong or missing".replace("1,000", f"{count},000"),
            "9 of 1,000 answers of flask were wrong or missing".replace("1,000", f"{count},000"),
        ]


def test_rows_that_did_not_run_alike_are_refused() -> None:
    abouts = {"flask": about(), "fastapi": about("fastapi", {"WEB_CONCURRENCY": "4"})}
    judgement = judged(pairs(0.5, LOOKS[0]), abouts=abouts)
    assert judgement.verdict == Verdict.REFUSED
    assert "workers 4 against 1" in judgement.findings[0].reasons[0]


def test_an_arm_that_reconnects_is_not_refused_for_it() -> None:
    results = [replace(each, connections=1000 if each.block.row == "flask" else 0) for each in pairs(0.5, LOOKS[0])]
    assert only(results).reasons
    assert not only(results, toy(arms=(Arm("fastapi"), Arm("flask", reconnects=True)))).reasons
    assert only(results, toy(arms=(Arm("fastapi", reconnects=True), Arm("flask")))).reasons  # it is the other one


def test_a_value_that_cannot_be_measured_refuses() -> None:
    results = pairs(0.5, LOOKS[0])
    results[4] = replace(results[4], cpu_ns={})
    finding = only(results)
    assert finding.outcome is None
    assert finding.reasons == ("CPU per request could not be measured in every round of fastapi and flask",)


def test_a_planted_fault_is_as_planned_where_it_is_refused_and_all_else_where_it_is_not() -> None:
    sound, trap = pairs(0.5, LOOKS[0]), toy(must_be_refused=True)
    faulty = [replace(each, load=load(failures=1)) for each in sound]
    assert judged(sound).as_planned
    assert not judged(faulty).as_planned
    assert not judged(sound, trap).as_planned
    assert judged(faulty, trap).as_planned
    assert judged(faulty, trap).verdict == Verdict.REFUSED


def test_figures_that_may_be_taken_stand_beside_those_that_may_not() -> None:
    busy = [replace(each, generator_cpus=0.99) for each in pairs(0.5, LOOKS[0])]
    both = toy(Contrast("fastapi", "flask", "cpu_us"), Contrast("fastapi", "flask", "throughput"))
    cpu, throughput = judged(busy, both).findings
    assert (cpu.outcome, throughput.outcome) == (Outcome.BETTER, None)


# Levels, contrasts, searches


def test_a_contrast_is_made_at_every_level_and_one_that_is_only_shown_decides_nothing() -> None:
    contrasts = (
        Contrast("fastapi", "flask", "cpu_us"),
        Contrast("fastapi", "flask", "cpu_us", Outcome.WORSE, decides=False),
    )
    results = [*pairs(0.5, LOOKS[0], level="1"), *pairs(0.5, LOOKS[0], level="10")]
    judgement = judged(results, toy(*contrasts, levels={"1": {}, "10": {}}))
    made = [(each.level, each.contrast.decides) for each in judgement.findings]
    assert made == [("1", True), ("1", False), ("10", True), ("10", False)]
    assert (len(judgement.deciding), judgement.verdict) == (2, Verdict.SUPPORTED)


def test_a_comparison_that_decides_beside_others_must_be_surer_than_one_that_decides_alone_or_is_only_shown() -> None:
    near = pairs(1.12, LOOKS[0], spread=(0.985, 1.015, 0.99, 1.01))
    one, shown = Contrast("fastapi", "flask", "cpu_us"), Contrast("fastapi", "flask", "cpu_us", decides=False)
    alone, beside = only(near, toy(one)), judged(near, toy(*[one] * 30, shown)).findings
    assert alone.outcome == beside[-1].outcome == Outcome.WORSE
    assert {each.outcome for each in beside[:-1]} == {Outcome.INCONCLUSIVE}
    assert len({(each.comparison.low, each.comparison.high) for each in beside if each.comparison}) == 1


def search_of(arm: str, number: int, knee: float) -> Results:
    return [of(step, arm, arm=arm, round=number) for step in searched(knee)]


def test_the_steps_of_a_search_are_one_measurement_and_a_search_cut_off_is_none() -> None:
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    results = [each for n in range(LOOKS[0]) for each in (*search_of("fastapi", n, 900), *search_of("flask", n, 300))]
    finding = only(results, experiment)
    assert (finding.pairs, finding.outcome) == (LOOKS[0], Outcome.BETTER)
    cut_off = only(results[:-1], experiment)
    assert (cut_off.pairs, cut_off.comparison) == (LOOKS[0] - 1, None)


@pytest.mark.parametrize(
    ("knees", "outcome"),
    [
        ((MOST, 0.97 * MOST), None),  # the one that kept all may keep far more
        ((0.97 * MOST, MOST), None),
        ((MOST, MOST), None),  # so may both
        ((0.9 * MOST, 0.9 * MOST), Outcome.NO_DIFFERENCE),
        ((MOST, 0.3 * MOST), Outcome.BETTER),
        ((0.3 * MOST, MOST), Outcome.WORSE),
    ],
)
def test_a_row_that_kept_all_that_was_asked_for_has_at_least_that_and_nothing_is_decided_against_it(
    knees: tuple[float, float], outcome: Outcome | None
) -> None:
    results = [
        each
        for number in range(LOOKS[0])
        for arm, knee in zip(("fastapi", "flask"), knees, strict=True)
        for each in search_of(arm, number, knee)
    ]
    finding = only(results, toy(Contrast("fastapi", "flask", "capacity")))
    assert finding.outcome == outcome
    assert ["at least" in each for each in finding.reasons] == ([] if outcome else [True])


def test_one_search_that_kept_all_is_enough_for_at_least() -> None:
    results = [
        each
        for number in range(LOOKS[0])
        for arm, knee in (("fastapi", 0.3 * MOST), ("flask", 0.02 * MOST if number else MOST))
        for each in search_of(arm, number, knee)
    ]
    finding = only(results, toy(Contrast("fastapi", "flask", "capacity")))
    assert finding.outcome in (None, Outcome.INCONCLUSIVE)


def test_what_an_arm_typically_does_is_the_geometric_mean_of_its_rounds() -> None:
    rounds = list(Measurements(pairs(1, 2, spread=(0.5, 2.0))).whole_rounds("", "fastapi").values())
    assert typical(rounds, "cpu_us") == pytest.approx(300)
    assert math.isnan(typical([], "cpu_us"))
    assert math.isnan(typical([*rounds, [result("fastapi", 2, cpu_ns={})]], "cpu_us"))


def test_the_figures_of_arms_stand_side_by_side_from_the_rounds_that_all_of_them_have() -> None:
    experiment = toy(Contrast("fastapi", "flask", "cpu_us"))
    both = pairs(1, LOOKS[0])
    alone = [result("fastapi", number, cpu_ns={"row": 9e9}) for number in range(LOOKS[0], LOOKS[1])]
    cells = judge(experiment, Measurements(both), header()).cells
    assert not math.isnan(cells["", "fastapi", "cpu_us"].value)
    assert judge(experiment, Measurements([*both, *alone]), header()).cells == cells


# The A/A control


def used(*values: float) -> list[RoundResult]:
    """Rounds of an arm that needs so many s of CPU per request."""
    return [[result(answered=10**6, cpu_ns={"row": round(value * 10**12)})] for value in values]


def test_the_control_pairs_neighbouring_rounds_of_one_arm() -> None:
    ratios = against_itself(FIGURES["cpu_us"].of, used(1, 2, 8, 8, 8, 8), used(5, 5, 5, 5, 5, 15))
    assert sorted(map(abs, ratios)) == pytest.approx([0, 0, 0, 0, math.log(2), math.log(3)])


def test_the_control_of_arms_that_take_turns_pairs_the_splits_of_each_round() -> None:
    rounds = [splits(result(**cpu_us(300)), cpu_us(300 * factor)) for factor in (2, 3)]
    ratios = against_itself(FIGURES["cpu_us"].of, rounds, rounds[:1])
    assert ratios == pytest.approx([math.log(2), -math.log(3), math.log(2)])


@pytest.mark.parametrize("count", LOOKS)
def test_the_control_balances_the_direction_so_that_a_drift_makes_no_difference(count: int) -> None:
    drifting = used(*(1.01**number for number in range(count)))
    ratios = against_itself(FIGURES["cpu_us"].of, drifting, drifting)
    assert len(ratios) == count
    assert sum(ratios) == pytest.approx(0, abs=1e-9)


def test_the_control_is_made_of_the_same_results_and_finds_no_difference() -> None:
    finding = only(pairs(0.5, 8))
    assert finding.control and finding.control.outcome == Outcome.NO_DIFFERENCE
    assert finding.control.ratio == pytest.approx(1, rel=5e-3)


def test_arms_that_do_not_vary_give_a_point_and_a_control_of_exactly_one() -> None:
    held = toy(Contrast("fastapi", "flask", "held"))
    results = [replace(each, held=1000 if each.block.row == "fastapi" else 8) for each in pairs(1, LOOKS[0])]
    finding = only(results, held)
    assert finding.comparison and finding.control
    assert (finding.comparison.low, finding.comparison.high) == pytest.approx((125, 125))
    assert (finding.control.low, finding.control.ratio, finding.control.high) == (1, 1, 1)
    assert finding.outcome == Outcome.BETTER


# Where a claim turns


def line(ratios: Sequence[float], claimed: Outcome = BETTER, larger: bool = True) -> list[Finding]:
    """Findings of one contrast at 4, 16, 64, … clients."""
    contrast = Contrast("fastapi", "flask", "throughput" if larger else "cpu_us", claimed)
    smaller = FIGURES[contrast.figure].metric.smaller_is_better
    made = [compare([math.log(r) + math.log(s) for s in SPREAD], 1, smaller_is_better=smaller) for r in ratios]
    return [Finding(contrast, str(4 ** (n + 1)), 6, one, one, ()) for n, one in enumerate(made)]


@pytest.mark.parametrize(
    ("findings", "between"),
    [
        (line([1.0, 4.0]), (4, 16)),  # it begins to hold
        (line([4.0, 1.0]), (4, 16)),  # it ceases to
        (line([0.5, 0.6, 8.0]), (16, 64)),
        (line([1.0, 0.2], larger=False), (4, 16)),
        (line([0.2, 3.0], larger=False), (4, 16)),
        (line([1.0, 4.0], ALIKE), (4, 16)),
        (line([1.0, 0.25], ALIKE), (4, 16)),
        (line([4.0, 1.0], ALIKE), (4, 16)),
        (line([0.25, 1.0], ALIKE), (4, 16)),
    ],
)
def test_a_claim_turns_between_the_levels_where_holding_changes(
    findings: list[Finding], between: tuple[float, float]
) -> None:
    turn = crossover(findings)
    assert turn and between[0] < turn < between[1]


@pytest.mark.parametrize("claimed", [BETTER, ALIKE])
def test_a_claim_turns_where_the_ratio_crosses_the_margin(claimed: Outcome) -> None:
    for ratios in ([1.0, 1.05**4], [1.05**4, 1.0]):
        turn = crossover(line(ratios, claimed))
        near_one = 4 ** (1 + 0.25) if ratios[0] == 1.0 else 4 ** (2 - 0.25)
        assert turn == pytest.approx(near_one, rel=0.01)


@pytest.mark.parametrize("findings", [line([2.0, 4.0]), line([1.0, 1.0]), line([1.0, 1.0], ALIKE), line([2.0]), []])
def test_a_claim_that_holds_everywhere_or_nowhere_does_not_turn(findings: list[Finding]) -> None:
    assert crossover(findings) is None


def test_a_level_that_was_refused_is_passed_over() -> None:
    low, middle, high = line([1.0, 1.0, 4.0])
    refused = replace(middle, comparison=None, control=None, checked=(Checked("generator was busy", ("busy",)),))
    turn = crossover([low, refused, high])
    assert turn and 4 < turn < 64
