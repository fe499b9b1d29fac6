"""The statistics keep what they promise, in simulated runs whose truth is known, and say plainly what they found."""

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pytest
from scipy import stats

from lab.experiments.outcomes import Outcome
from lab.judge.statistics import LOOKS, Comparison, Metric, compare, log_ratios, sentence
from lab.stack.compose_file import ROOT

RUNS = 2_500
CPU = Metric("cpu_us", "needs", "CPU per request", "µs", smaller_is_better=True)

Noise = Callable[[random.Random], float]


def normal(source: random.Random) -> float:
    return source.gauss(0, 0.03)


def heavy_tailed(source: random.Random) -> float:
    """A machine with hiccups: one block in ten is five times as noisy."""
    return source.gauss(0, 0.15 if source.random() < 0.1 else 0.03)


def looks(source: random.Random, truth: float, noise: Noise = normal) -> Iterator[Comparison]:
    """A run: what each planned look says."""
    values = [math.log(truth) + noise(source) for _ in range(LOOKS[-1])]
    return (compare(values[:pairs], number) for number, pairs in enumerate(LOOKS, 1))


def last(run: Iterable[Comparison]) -> Comparison:
    """The look at which the judge stops."""
    return next(look for look in run if look.outcome != Outcome.INCONCLUSIVE or look.look == look.planned_looks)


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


@pytest.mark.parametrize("noise", [normal, heavy_tailed])
def test_a_row_against_itself_gives_no_more_than_five_percent_false_alarms_over_all_looks(noise: Noise) -> None:
    source = random.Random(12)
    runs = [list(looks(source, 1, noise)) for _ in range(RUNS)]
    alarms = share([any(look.detected for look in run) for run in runs])
    assert 0.01 < alarms <= 0.05  # and the test is not merely deaf
    assert share([last(run).outcome in (Outcome.BETTER, Outcome.WORSE) for run in runs]) <= 0.01


def test_looking_as_often_without_the_correction_gives_more_false_alarms_than_promised() -> None:
    source = random.Random(13)
    alarms = 0
    for _ in range(RUNS // 2):
        values = [normal(source) for _ in range(LOOKS[-1])]
        alarms += any(compare(values[:pairs], 1, planned_looks=1).detected for pairs in LOOKS)
    assert alarms / (RUNS // 2) > 0.12


def test_looking_after_every_pair_gives_the_false_alarms_that_the_docs_say() -> None:
    """Student's t at 5 % after each of the pairs from the first look of a whole run to its last."""
    pairs = np.arange(1, LOOKS[-1] + 1)
    values = np.random.default_rng(1).normal(size=(20_000, len(pairs)))
    looked = pairs >= LOOKS[0]
    means = (values.cumsum(axis=1) / pairs)[:, looked]
    squares = (values**2).cumsum(axis=1)[:, looked]
    pairs = pairs[looked]
    errors = np.sqrt((squares / pairs - means**2) / (pairs - 1))
    alarms = np.abs(means) > stats.t.ppf(0.975, pairs - 1) * errors
    said = re.search(r"in (\d+) of 100 runs instead of 5", (ROOT / "docs" / "judging.md").read_text())
    assert said and alarms.any(axis=1).mean() == pytest.approx(int(said[1]) / 100, abs=0.01)


@pytest.mark.parametrize("truth", [1.05, 1 / 1.05])
def test_a_difference_as_large_as_the_margin_is_seldom_called_none_or_one_that_matters(truth: float) -> None:
    source = random.Random(14)
    stopped = [last(looks(source, truth)) for _ in range(RUNS)]
    assert share([one.outcome == Outcome.NO_DIFFERENCE for one in stopped]) <= 0.05
    assert share([one.outcome in (Outcome.BETTER, Outcome.WORSE) for one in stopped]) <= 0.05


def test_the_interval_covers_the_truth_wherever_the_run_was_stopped() -> None:
    source = random.Random(15)
    stopped = [last(looks(source, 0.92)) for _ in range(RUNS)]
    assert {one.look for one in stopped} == set(range(1, len(LOOKS) + 1))
    assert share([one.low <= 0.92 <= one.high for one in stopped]) >= 0.95


def coverage(between: float, same_starts: bool, planned: Sequence[int]) -> float:
    """The share of runs whose interval covers the truth at their last look.

    Two starts of one row differ by `between` (standard deviation of the log), its rounds by 1.9 %, as was measured.
    """
    chance = np.random.default_rng(18)
    starts = chance.normal(0, between, (RUNS, 1 if same_starts else planned[-1]))
    rounds = starts + chance.normal(0, 0.019, (RUNS, planned[-1]))
    found = [compare(list(run), len(planned), len(planned)) for run in rounds]
    return share([one.low <= 1 <= one.high for one in found])


@pytest.mark.parametrize("planned", [LOOKS[:1], LOOKS[:2], LOOKS])
@pytest.mark.parametrize("between", [0, 0.005, 0.01, 0.02])
def test_the_interval_covers_how_starts_differ_where_every_round_has_new_ones(
    between: float, planned: Sequence[int]
) -> None:
    assert coverage(between, False, planned) >= 0.95 - 3 * (0.05 * 0.95 / RUNS) ** 0.5  # three standard errors


@pytest.mark.parametrize(("planned", "covered"), [((4,), 0.92), ((8,), 0.8), ((16,), 0.67), ((32,), 0.52)])
def test_rounds_of_one_start_promise_more_than_they_keep(planned: Sequence[int], covered: float) -> None:
    """As the lab did until its rounds had starts of their own, and must where it cannot start the rows."""
    assert coverage(0, True, planned) >= 0.94
    assert coverage(0.01, True, planned) < covered


def test_one_planned_look_covers_the_truth_as_often_as_it_says() -> None:
    source = random.Random(16)
    found = [compare([normal(source) for _ in range(LOOKS[0])], 1, planned_looks=1) for _ in range(RUNS)]
    assert share([one.low <= 1 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)  # three standard errors


def test_a_control_with_the_spread_of_a_real_one_comes_out_as_no_difference() -> None:
    source = random.Random(17)
    stopped = [last([compare([source.gauss(0, 0.014) for _ in range(LOOKS[0])], 1, 1)]) for _ in range(200)]
    assert share([one.outcome == Outcome.NO_DIFFERENCE for one in stopped]) > 0.95


SPREAD = (-0.01, 0.01, -0.005, 0.005, -0.002, 0.002)


def around(ratio: float, spread: float = 1) -> list[float]:
    return [math.log(ratio) + spread * value for value in SPREAD]


@pytest.mark.parametrize(
    ("values", "detected", "outcome"),
    [
        (around(0.5), True, Outcome.BETTER),
        (around(2), True, Outcome.WORSE),
        (around(1), False, Outcome.NO_DIFFERENCE),
        (around(1.03), True, Outcome.NO_DIFFERENCE),  # detected, and it does not matter
        (around(1.05), True, Outcome.INCONCLUSIVE),  # detected, and whether it matters is open
        (around(1, 20), False, Outcome.INCONCLUSIVE),
    ],
)
def test_that_a_difference_was_detected_and_that_it_matters_are_two_statements(
    values: list[float], detected: bool, outcome: Outcome
) -> None:
    found = compare(values, 1)
    assert (found.detected, found.outcome) == (detected, outcome)
    assert found.low < found.ratio < found.high


@pytest.mark.parametrize(
    ("ratio", "less_is_better", "more_is_better"),
    [(1.05, Outcome.BETTER, Outcome.WORSE), (1 / 1.05, Outcome.WORSE, Outcome.BETTER), (1.5, None, None)],
)
def test_an_open_comparison_says_what_it_cannot_become(
    ratio: float, less_is_better: Outcome | None, more_is_better: Outcome | None
) -> None:
    assert compare(around(ratio), 1).ruled_out == less_is_better
    assert compare(around(ratio), 1, smaller_is_better=False).ruled_out == more_is_better
    wide = compare(around(1, 20), 1)
    assert (wide.outcome, wide.ruled_out) == (Outcome.INCONCLUSIVE, None)


def test_where_more_is_better_the_larger_figure_is_the_faster() -> None:
    assert compare(around(2), 1, smaller_is_better=False).outcome == Outcome.BETTER
    assert compare(around(0.5), 1, smaller_is_better=False).outcome == Outcome.WORSE


def test_swapping_the_rows_turns_the_answer_round_and_changes_nothing_else() -> None:
    for ratio in (1, 1.03, 1.05, 1.3):
        one, other = compare(around(ratio), 1), compare([-value for value in around(ratio)], 1)
        assert (other.ratio, other.low, other.high) == pytest.approx((1 / one.ratio, 1 / one.high, 1 / one.low))
        assert (one.outcome == Outcome.NO_DIFFERENCE) == (other.outcome == Outcome.NO_DIFFERENCE)
        assert one.detected == other.detected


def test_the_ratio_and_its_interval_are_multiplicative() -> None:
    found = compare([math.log(value) for value in (1, 1, 1, 4, 4, 4)], 1, planned_looks=1)
    assert found.ratio == pytest.approx(2)
    # Student's t for 5 degrees of freedom at 95 % is 2.571 (any table); the standard deviation of the logs is 0.7593.
    assert found.high == pytest.approx(2 * math.exp(2.5706 * 0.75930 / math.sqrt(6)), rel=1e-4)
    assert found.low * found.high == pytest.approx(4)


@pytest.mark.parametrize("ratio", [1, 0.5, 8 / 1000])
def test_figures_that_do_not_vary_make_the_interval_a_point(ratio: float) -> None:
    found = compare([math.log(ratio)] * 5 + [math.log(ratio) + 1e-15], 1)
    assert found.low == found.high == pytest.approx(ratio)
    assert found.detected == (ratio != 1)
    assert found.outcome == (Outcome.NO_DIFFERENCE if ratio == 1 else Outcome.BETTER)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.1] * 3, 1), "at least 4 pairs of blocks, not 3"),
        (([], 1), "at least 4 pairs"),
        (([*SPREAD, math.nan], 1), "not finite"),
        (([*SPREAD, -math.inf], 1), "not finite"),
        ((SPREAD, 5), "look 5 is not one of the 4 planned"),
        ((SPREAD, 0), "look 0"),
        ((SPREAD, 1, 3, 0.0), "the margin must be"),
        ((SPREAD, 1, 3, 0.05, 1.0), "the level between"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[list[float], int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compare(*arguments)


def test_log_ratios_are_subject_over_baseline_pair_by_pair() -> None:
    assert log_ratios([1, 8], [2, 2]) == pytest.approx([math.log(0.5), math.log(4)])


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
def test_a_measurement_without_a_ratio_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        log_ratios([1, bad], [1, 1])
    with pytest.raises(ValueError, match="above zero"):
        log_ratios([1, 1], [bad, 1])


def test_a_block_without_a_partner_is_refused() -> None:
    with pytest.raises(ValueError, match="2 blocks cannot be paired with 1"):
        log_ratios([1, 1], [1])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            around(0.47, 4),
            "needs 0.47 times the CPU per request of Flask (95 % interval 0.45 to 0.49, 6 pairs): less, and it matters",
        ),
        (around(1.03), "more, but too little to matter (within ±5 %)"),
        (around(1), "no difference that matters (within ±5 %)"),
        (around(1.05), "more, but inconclusive whether it matters (beyond ±5 %)"),
        (around(1, 20), "inconclusive: no difference was detected, but one beyond ±5 % is not ruled out"),
        (around(1.003, 0.1), "1.003 times the CPU per request of Flask (95 % interval 1.002 to 1.004, 6 pairs)"),
        ([math.log(1250)] * 6, "needs 1,250.00 times"),
    ],
)
def test_a_comparison_reads_as_a_sentence(values: list[float], said: str) -> None:
    assert said in sentence(compare(values, 1), "FastAPI", "Flask", CPU)


def test_a_verdicts_comparisons_share_its_level_and_keep_their_intervals() -> None:
    ratios = [0.05 + 0.01 * value for value in (1, 3, 4, 5, 2, 3)]
    alone, among = compare(ratios, 1, 1), compare(ratios, 1, 1, among=20)
    assert (alone.low, alone.high, alone.detected) == (among.low, among.high, among.detected)
    assert (alone.outcome, among.outcome) == (Outcome.WORSE, Outcome.INCONCLUSIVE)


def test_that_nothing_matters_is_told_at_the_shared_level_too() -> None:
    ratios = [0.01 * value for value in (1, 3, 4, 5, 2, 3)]
    assert compare(ratios, 1, 1).outcome == Outcome.NO_DIFFERENCE
    assert compare(ratios, 1, 1, among=20).outcome == Outcome.INCONCLUSIVE
