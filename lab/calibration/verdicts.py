"""How often a whole verdict is wrong, by simulation over the real plans: every experiment, with its rule and its looks.

What is true is made to be as hard to tell as can be: beside comparisons that are plain, others lie just within the
margin, or just beyond it. What two arms measure in a round is off by how starts of their rows differ (once a round, at
all levels) and by how rounds do. An arm is measured as long as an open comparison needs it, as lab/run/run.py has it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from lab.experiments import EXPERIMENTS, Experiment
from lab.experiments.outcomes import CONCLUSIONS, Outcome, Verdict
from lab.judge.figures import FIGURES
from lab.judge.statistics import LOOKS
from lab.judge.verdicts import Case, still_possible, verdict

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.int_]]

Came = tuple[Outcome, Outcome | None]  # of a comparison: what came out, and what is ruled out where that is open
OUTCOMES: list[Came] = [
    *((each, None) for each in (Outcome.NO_DIFFERENCE, Outcome.BETTER, Outcome.WORSE)),
    *((Outcome.INCONCLUSIVE, each) for each in (Outcome.BETTER, Outcome.WORSE, None)),
]
OPEN = OUTCOMES.index((Outcome.INCONCLUSIVE, None))
LEVEL = 0.05

RUNS = 2000  # of an experiment, for each truth
EDGE = 1.02  # times the margin: just beyond it; 1 / EDGE: just within
FAR = 10  # times the margin
SAID = (*CONCLUSIONS, Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the log ratio of two rows that are alike."""

    rounds: float  # from round to round
    starts: float  # from start to start


@dataclass(frozen=True)
class Wrong:
    """How often a verdict is said that is not the right one, or leaves that out, where that happens most."""

    share: float
    experiment: str = ""
    truth: str = ""  # in words
    right: str = ""  # the verdict that it should have been


def truths(cases: int) -> Iterator[tuple[str, list[float]]]:
    """What each comparison really is, in margins towards what "better" means, in words and figures."""
    plain = {"far better": FAR, "far worse": -FAR, "equal": 0.0}
    edges = {
        "just better": EDGE,
        "just not better": 1 / EDGE,
        "just not worse": -1 / EDGE,
        "just worse": -EDGE,
    }
    values = plain | edges
    for every, value in values.items():
        yield f"all {every}", [value] * cases
    if cases == 1:
        return
    for one, first in values.items():
        for rest, value in values.items():
            if one != rest and (one in edges or rest in edges):
                yield f"one {one}, the others {rest}", [first, *[value] * (cases - 1)]
    yield "one far better, the others equal", [FAR, *[0.0] * (cases - 1)]


def wrong_verdicts(noises: Sequence[Noise], runs: int = RUNS, looks: Sequence[int] = LOOKS) -> dict[Verdict, Wrong]:
    """For each verdict, where it is wrong most often."""
    worst = dict.fromkeys(SAID, Wrong(0.0))
    chance = np.random.default_rng(20)
    for experiment in EXPERIMENTS:
        if experiment.must_be_refused:
            continue
        for noise in noises:
            for truth, wrong, right in simulated(experiment, noise, runs, looks, chance):
                for each, count in wrong.items():
                    if count / runs > worst[each].share:
                        worst[each] = Wrong(count / runs, experiment.name, truth, right)
    return worst


def simulated(
    experiment: Experiment, noise: Noise, runs: int, looks: Sequence[int], chance: np.random.Generator
) -> Iterator[tuple[str, Counter[Verdict], Verdict]]:
    """For each truth: in words, how many of so many runs were wrong, by what they said, and the right verdict."""
    plan = Planned(experiment, looks)
    seen = plan.looked_at(plan.errors(noise, runs, chance))
    for words, margins in truths(len(plan.deciding)):
        right = verdict(experiment.rule, plan.cases_of([(true_outcome(value), None) for value in margins]))
        wrong: Counter[Verdict] = Counter()
        came_out = plan.outcomes(margins, seen)[:, plan.deciding]
        for combination, count in zip(*np.unique(came_out, axis=0, return_counts=True), strict=True):
            cases = plan.cases_of([OUTCOMES[each] for each in combination])
            if right not in still_possible(experiment.rule, cases):
                wrong[verdict(experiment.rule, cases)] += int(count)
        yield words, wrong, right


def true_outcome(margins: float) -> Outcome:
    if abs(margins) <= 1:
        return Outcome.NO_DIFFERENCE
    return Outcome.BETTER if margins > 0 else Outcome.WORSE


@dataclass(frozen=True)
class Look:
    """What a look sees of each comparison of each run: by run, then by comparison."""

    means: Numbers  # of the errors of all its pairs
    whole: Numbers  # half the interval that tells whether a difference matters
    narrow: Numbers  # half the one that tells whether none does


class Planned:
    """An experiment as it is measured and judged: its comparisons at every level, in one row."""

    def __init__(self, experiment: Experiment, looks: Sequence[int]) -> None:
        self.experiment, self.looks = experiment, looks
        self.cases = [(level, contrast) for level in experiment.levels for contrast in experiment.contrasts]
        self.deciding = [place for place, (_, contrast) in enumerate(self.cases) if contrast.decides]
        self.margins = np.array([math.log1p(FIGURES[each.figure].metric.margin) for _, each in self.cases])
        self.levels = LEVEL / len(looks) / np.array([experiment.among(each) for _, each in self.cases])

    def cases_of(self, outcomes: Sequence[Came]) -> list[Case]:
        contrasts = [self.cases[place][1] for place in self.deciding]
        return [
            Case(one, each.claimed, each.server, never) for (one, never), each in zip(outcomes, contrasts, strict=True)
        ]

    def errors(self, noise: Noise, runs: int, chance: np.random.Generator) -> Numbers:
        """By run, comparison and round, in log ratios: arms that several comparisons name are off alike in all."""
        shape, half = (runs, self.looks[-1]), math.sqrt(0.5)
        starts = {row: chance.normal(0, noise.starts * half, shape) for row in self.experiment.rows}
        rounds: defaultdict[tuple[str, str, str], Numbers] = defaultdict(
            lambda: chance.normal(0, noise.rounds * half, shape)
        )

        def off(level: str, name: str, figure: str) -> Numbers:
            return starts[self.experiment.arm(name).row] + rounds[level, name, figure]

        pairs = [
            off(level, each.subject, each.figure) - off(level, each.baseline, each.figure) for level, each in self.cases
        ]
        return np.stack(pairs, axis=1)

    def looked_at(self, errors: Numbers) -> list[Look]:
        """As `compare` in lab/judge/statistics.py, of all comparisons of all runs at once."""
        return [
            Look(
                errors[:, :, :pairs].mean(axis=2),
                *(
                    stats.t.ppf(1 - share, pairs - 1) * stats.sem(errors[:, :, :pairs], axis=2)
                    for share in (self.levels / 2, self.levels)
                ),
            )
            for pairs in self.looks
        ]

    def outcomes(self, margins: Sequence[float], seen: Sequence[Look]) -> Places:
        """Of every run and comparison, when all looks are done. `margins` are those that decide; the others are far."""
        truth = np.full(len(self.cases), FAR * 1.0)
        truth[self.deciding] = margins
        found = np.full(seen[0].means.shape, OPEN)
        measured = np.ones(found.shape, dtype=bool)
        still_open = np.array([outcome == Outcome.INCONCLUSIVE for outcome, _ in OUTCOMES])
        for look in seen:
            found = np.where(measured, outcomes_of(look, truth * self.margins, self.margins), found)
            measured &= self.needed(still_open[found])
        return found

    def needed(self, still_open: Flags) -> Flags:
        """Which comparisons have pairs of the next rounds: those both of whose arms an open one needs."""
        arms: dict[tuple[str, str], Flags] = {}
        for place, (level, each) in enumerate(self.cases):
            for name in (each.subject, each.baseline):
                arms[level, name] = arms.get((level, name), np.False_) | still_open[:, place]
        both = [arms[level, each.subject] & arms[level, each.baseline] for level, each in self.cases]
        return np.stack(both, axis=1)


def outcomes_of(look: Look, truth: Numbers, margins: Numbers) -> Places:
    """As `judge` and `ruled_out` in lab/judge/statistics.py: places in OUTCOMES. A log ratio above 0 is better."""
    means = look.means + truth
    low, high = means - look.whole, means + look.whole
    came = [np.abs(means) + look.narrow < margins, low > margins, high < -margins, high < margins, low > -margins]
    return np.select(came, range(len(came)), OPEN)


def covered(noise: Noise, pairs: int, *, starts_anew: bool, runs: int = RUNS) -> float:
    """The share of 95 % intervals of so many pairs that cover the truth."""
    chance = np.random.default_rng(21)
    starts = chance.normal(0, noise.starts, (runs, pairs if starts_anew else 1))
    values = starts + chance.normal(0, noise.rounds, (runs, pairs))
    return float(np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue >= LEVEL))
