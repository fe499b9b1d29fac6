"""Is there a difference, and does it matter? Two questions, answered from the log ratios of pairs.

Noise on a machine comes in stretches, so what two rows have measured in the same round makes a pair, and only pairs are
compared. Every round has new starts of its rows: so pairs are independent, and how they vary is how starts vary, too.
The tests and intervals are scipy's.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from pydantic import ConfigDict
from scipy import stats

from lab.experiments.outcomes import Outcome

MIN_PAIRS = 4
LOOKS = (4, 8, 16, 32)  # pairs at each look: even, so that orders balance
QUICK_LOOKS = LOOKS[:1]
# Spread below this (of a log ratio) is the rounding of floating point, not of measuring.
NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Metric:
    """What is compared. It reads: the subject `verb` 0.47 times the `what` of the baseline."""

    name: str
    verb: str
    what: str
    unit: str
    smaller_is_better: bool
    margin: float = 0.05  # what a difference must exceed to matter


@dataclass(frozen=True)
class Comparison:
    """What pairs of blocks say at one look. `detected` is one statement, `outcome` (does it matter?) is another."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)  # `lab run --json` has it as it is
    ratio: float
    """Subject / baseline, the geometric mean of all pairs."""
    low: float
    """Of the ratio's interval, which covers the truth with 1 - level, whichever look is the last."""
    high: float
    pairs: int
    """That were used."""
    detected: bool
    """The interval leaves out 1."""
    outcome: Outcome
    """Whether it matters."""
    look: int
    planned_looks: int
    margin: float
    """0.05: from 1 / 1.05 to 1.05 is no difference that matters."""
    level: float
    """The share of false alarms that is accepted, over all planned looks."""
    ruled_out: Outcome | None
    """Of better and worse, what an inconclusive outcome cannot become; none where it may become either."""


def log_ratios(subject: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """The log of subject / baseline, pair by pair. Both in one unit; the n-th of each are of one round.

    ValueError where a block has no partner, or measured zero or nothing: that has no ratio.
    """
    if len(subject) != len(baseline):
        raise ValueError(f"{len(subject)} blocks cannot be paired with {len(baseline)}")
    if bad := [value for value in (*subject, *baseline) if not 0 < value < math.inf]:
        raise ValueError(f"a ratio needs measurements above zero, not {bad[0]}")
    # Not the log of the quotient, which two tiny or huge values take out of range.
    return [math.log(one) - math.log(other) for one, other in zip(subject, baseline, strict=True)]


def compare(
    log_ratios: Sequence[float],
    look: int,
    planned_looks: int = len(LOOKS),
    margin: float = 0.05,
    level: float = 0.05,
    *,
    smaller_is_better: bool = True,
    among: int = 1,
) -> Comparison:
    """Student's t on the pairs measured so far, at one of several planned looks (the first is 1).

    The interval is a repeated confidence interval (Jennison and Turnbull 1984, Controlled Clinical Trials 5:33): the
    level is shared among the planned looks, so that it holds whenever one stops. It is shared equally (Bonferroni),
    level / looks. Pocock's constant (1977, Biometrika 64:191; 0.0182 for four looks at 0.05) would make it 6 to
    13 % narrower, but is made for a known variance and equally spaced looks: with Student's t at 4, 8, 16 and 32 pairs
    it gives 6.0 % false alarms (800,000 simulated runs). Bonferroni gives 4.3 %, and holds for any spacing.

    "No difference that matters" is two one-sided tests at the same shared level, which is the same as the interval
    of twice that level lying within the margin (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657). The margin is
    as wide on the log scale in both directions, so it does not matter which row is named first.

    Where a verdict rests on several comparisons, `among` says on how many: whether a difference matters, or none does,
    is then told at level / among (Bonferroni), so that one that is wrong seldom makes the verdict. The interval, and
    what is detected, stay at the level of the one comparison.

    Values that do not vary at all, as counts may (exactly 8 sockets held, every time), make the interval a point.
    ValueError for fewer than MIN_PAIRS pairs, a value that is not finite, a look that was not planned.
    """
    if not 1 <= look <= planned_looks:
        raise ValueError(f"look {look} is not one of the {planned_looks} planned")
    if margin <= 0 or not 0 < level < 1:
        raise ValueError(f"the margin must be above 0 and the level between 0 and 1, not {margin} and {level}")
    if len(log_ratios) < MIN_PAIRS:
        raise ValueError(f"a comparison needs at least {MIN_PAIRS} pairs of blocks, not {len(log_ratios)}")
    if not all(map(math.isfinite, log_ratios)):
        raise ValueError("a log ratio is not finite: a block measured zero or nothing")
    shared = level / planned_looks
    strict = shared / among
    (low, high), whole, narrow = intervals(log_ratios, 1 - shared, 1 - strict, 1 - 2 * strict)
    outcome = judge(whole, narrow, math.log1p(margin), smaller_is_better)
    return Comparison(
        ratio=from_log(fmean(log_ratios)),
        low=from_log(low),
        high=from_log(high),
        pairs=len(log_ratios),
        detected=low > 0 or high < 0,
        outcome=outcome,
        look=look,
        planned_looks=planned_looks,
        margin=margin,
        level=level,
        ruled_out=ruled_out(outcome, whole, math.log1p(margin), smaller_is_better),
    )


def from_log(value: float) -> float:
    """A ratio, or the largest that a float holds: of wild pairs the interval may reach beyond."""
    return math.exp(min(value, math.log(sys.float_info.max)))


def intervals(values: Sequence[float], *confidences: float) -> list[tuple[float, float]]:
    """Student's t intervals for the mean, one for each confidence; points where the values do not vary."""
    if max(values) - min(values) < NO_SPREAD:
        point = round(fmean(values), 9)
        return [(point, point)] * len(confidences)
    test = stats.ttest_1samp(values, 0.0)
    bounds = [test.confidence_interval(confidence) for confidence in confidences]
    return [(float(one.low), float(one.high)) for one in bounds]


def judge(whole: tuple[float, float], narrow: tuple[float, float], margin: float, smaller_is_better: bool) -> Outcome:
    """`whole` tells whether a difference matters, `narrow` whether none does; all on the log scale."""
    if -margin < narrow[0] and narrow[1] < margin:
        return Outcome.NO_DIFFERENCE
    if whole[1] < -margin:
        return Outcome.BETTER if smaller_is_better else Outcome.WORSE
    if whole[0] > margin:
        return Outcome.WORSE if smaller_is_better else Outcome.BETTER
    return Outcome.INCONCLUSIVE


def ruled_out(outcome: Outcome, whole: tuple[float, float], margin: float, smaller_is_better: bool) -> Outcome | None:
    """What an inconclusive outcome cannot become: `whole` lies on the other side of that margin."""
    if outcome != Outcome.INCONCLUSIVE:
        return None
    if whole[0] > -margin:
        return Outcome.BETTER if smaller_is_better else Outcome.WORSE
    if whole[1] < margin:
        return Outcome.WORSE if smaller_is_better else Outcome.BETTER
    return None


def sentence(comparison: Comparison, subject: str, baseline: str, metric: Metric) -> str:
    """The comparison for people, without a full stop.

    "FastAPI needs 0.47 times the CPU per request of Flask (95 % interval 0.45 to 0.49, 12 pairs): less, and it matters"
    """
    decimals = places(comparison.high - comparison.low)
    ratio, low, high = (f"{value:,.{decimals}f}" for value in (comparison.ratio, comparison.low, comparison.high))
    interval = f"{100 * (1 - comparison.level):g} % interval {low} to {high}, {comparison.pairs} pairs"
    return f"{subject} {metric.verb} {ratio} times the {metric.what} of {baseline} ({interval}): {verdict(comparison)}"


def places(width: float) -> int:
    """Decimals that show an interval of this width: two, and up to four where it is narrow."""
    return min(max(2, math.ceil(-math.log10(width))), 4) if width else 2


def verdict(comparison: Comparison) -> str:
    """Both statements: which way a difference was detected, if any, and whether it matters."""
    margin = f"±{100 * comparison.margin:g} %"
    direction = "less" if comparison.ratio < 1 else "more"
    match comparison.outcome, comparison.detected:
        case Outcome.NO_DIFFERENCE, True:
            return f"{direction}, but too little to matter (within {margin})"
        case Outcome.NO_DIFFERENCE, False:
            return f"no difference that matters (within {margin})"
        case Outcome.INCONCLUSIVE, True:
            return f"{direction}, but inconclusive whether it matters (beyond {margin})"
        case Outcome.INCONCLUSIVE, False:
            return f"inconclusive: no difference was detected, but one beyond {margin} is not ruled out"
    return f"{direction}, and it matters"


def percentile(histogram: Mapping[float, int], share: float) -> float:
    """The value that this share of the values does not exceed, from {value: count}; nan where there are none."""
    if not histogram:
        return math.nan
    values, counts = zip(*sorted(histogram.items()), strict=True)
    return float(np.quantile(values, share, weights=counts, method="inverted_cdf"))
