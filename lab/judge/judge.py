"""From raw results to verdicts: the same code while a run goes on, and when its report is made again from the file."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from lab.experiments import Contrast, Experiment
from lab.experiments.outcomes import Outcome, Verdict
from lab.judge.evidence import FIGURES, Evidence, Result, Turn, complete, evidence
from lab.judge.gates import refusals
from lab.judge.statistics import LOOKS, Comparison, compare, log_ratios
from lab.judge.verdicts import verdict


@dataclass(frozen=True)
class Finding:
    """One contrast at one level. Where `reasons` are given the gates have refused it, and there is no number."""

    contrast: Contrast
    level: str
    pairs: int  # measured; a comparison uses those of whole looks
    comparison: Comparison | None
    control: Comparison | None  # each of the two arms against itself, from the same blocks
    reasons: tuple[str, ...]

    @property
    def outcome(self) -> Outcome | None:
        """None where it was refused."""
        if self.reasons:
            return None
        return self.comparison.outcome if self.comparison else Outcome.INCONCLUSIVE

    @property
    def holds(self) -> bool:
        return self.outcome == self.contrast.claimed


@dataclass(frozen=True)
class Judgement:
    """What a run says of one experiment."""

    experiment: Experiment
    findings: tuple[Finding, ...]
    verdict: Verdict

    @property
    def deciding(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.contrast.decides]

    @property
    def as_planned(self) -> bool:
        """Whether the gates did what they should: nothing refused, or everything where a fault was planted."""
        refused = [bool(finding.reasons) for finding in self.findings]
        return all(refused) if self.experiment.must_be_refused else not any(refused)


class Blocks:
    """The results of one experiment, by level and arm, in the order of their rounds."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.turns: dict[tuple[str, str], dict[int, Turn]] = {}
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        about = result["block"]["about"]
        turns = self.turns.setdefault((about["level"], about["arm"]), {})
        turns.setdefault(about["round"], []).append(result)

    def of(self, level: str, arm: str) -> dict[int, Turn]:
        """By round, without a turn that was cut off."""
        return {number: turn for number, turn in self.turns.get((level, arm), {}).items() if complete(turn)}


@dataclass(frozen=True)
class Setting:
    """What judging needs to know of a run beside its blocks."""

    looks: int
    abouts: Mapping[str, dict[str, Any]]  # what each row says of itself
    beside_cpus: int  # CPUs that the generator, nginx and PostgreSQL share; 0: unknown

    @classmethod
    def of(cls, header: dict[str, Any]) -> "Setting":
        return cls(header["looks"], header["abouts"], header["beside_cpus"])


def judge(experiment: Experiment, blocks: Blocks, setting: Setting) -> Judgement:
    findings = [
        find(experiment, contrast, level, blocks, setting)
        for level in experiment.levels
        for contrast in experiment.contrasts
    ]
    seen = [(each.outcome, each.contrast.claimed) for each in findings if each.contrast.decides]
    return Judgement(experiment, tuple(findings), verdict(seen))


def find(experiment: Experiment, contrast: Contrast, level: str, blocks: Blocks, setting: Setting) -> Finding:
    figure = FIGURES[contrast.figure]
    both = paired(contrast, level, blocks)
    pairs = len(both[0])
    names = (contrast.subject, contrast.baseline)
    if pairs:
        seen = [gather(experiment, level, arm, turns, setting) for arm, turns in zip(names, both, strict=True)]
        lives = not any(experiment.arm(arm).reconnects for arm in names)
        if reasons := refusals(seen[0], seen[1], figure.gates, lives):
            return Finding(contrast, level, pairs, None, None, tuple(reasons))
    look = sum(pairs >= needed for needed in LOOKS[: setting.looks])
    if not look:
        return Finding(contrast, level, pairs, None, None, ())
    seen_by_now = [turns[: LOOKS[look - 1]] for turns in both]
    try:
        between = log_ratios(*([figure.of(turn) for turn in turns] for turns in seen_by_now))
        within = against_itself(figure.of, *seen_by_now)
    except ValueError:
        what = f"{figure.metric.what} could not be measured in every block of {' and '.join(names)}"
        return Finding(contrast, level, pairs, None, None, (what,))
    compared = [
        compare(ratios, look, setting.looks, figure.metric.margin, smaller_is_better=figure.metric.smaller_is_better)
        for ratios in (between, within)
    ]
    return Finding(contrast, level, pairs, compared[0], compared[1], ())


def paired(contrast: Contrast, level: str, blocks: Blocks) -> tuple[list[Turn], list[Turn]]:
    """The turns of subject and baseline in the rounds that both have completed, in order."""
    subject, baseline = blocks.of(level, contrast.subject), blocks.of(level, contrast.baseline)
    rounds = sorted(subject.keys() & baseline.keys())
    return [subject[number] for number in rounds], [baseline[number] for number in rounds]


def gather(experiment: Experiment, level: str, arm: str, turns: Sequence[Turn], setting: Setting) -> Evidence:
    load, row = experiment.load_of(level, experiment.arm(arm)), experiment.arm(arm).row
    return evidence(turns, load.protocol, setting.abouts[row], setting.beside_cpus)


def against_itself(of: Callable[[Turn], float], *arms: Sequence[Turn]) -> list[float]:
    """The A/A control: log ratios of an arm's own measurements that lie as close together as those of two arms do.

    Of an arm that takes turns in slices those are the two halves of a round, else blocks of neighbouring rounds. The
    later over the earlier and the other way round in turn, as the order of the arms is balanced, too. ValueError where
    one was not measured.
    """
    pairs: list[tuple[Turn, Turn]] = []
    for turns in arms:
        halved = turns[0][0]["block"]["halves"] > 1
        pairs += [([one], [other]) for one, other in turns] if halved else zip(turns[::2], turns[1::2], strict=False)
    turned = [pair[::-1] if number % 2 else pair for number, pair in enumerate(pairs)]
    return log_ratios([of(later) for _, later in turned], [of(earlier) for earlier, _ in turned])


def typical(blocks: Blocks, level: str, arm: str, figure: str) -> float:
    """The geometric mean over an arm's turns; nan where there is nothing to average."""
    values = [FIGURES[figure].of(turn) for turn in blocks.of(level, arm).values()]
    if not values or any(not 0 < value < math.inf for value in values):
        return math.nan
    return math.exp(fmean(map(math.log, values)))


def crossover(findings: Sequence[Finding]) -> float | None:
    """The level at which a contrast begins or ceases to hold, between two measured levels on log scales; else None.

    The findings are those of one contrast, at levels that are numbers, in rising order.
    """
    decided = [each for each in findings if each.comparison]
    for one, other in pairwise(decided):
        if one.holds == other.holds or not one.comparison or not other.comparison:
            continue
        first, second = math.log(one.comparison.ratio), math.log(other.comparison.ratio)
        # The edge of the margin lies before what differs: where the claim holds, or where "no difference" fails.
        differs_later = other.holds != (one.contrast.claimed == Outcome.NO_DIFFERENCE)
        upper = (second > first) == differs_later
        edge = math.log1p(one.comparison.margin) * (1 if upper else -1)
        share = (edge - first) / (second - first) if second != first else 0.5
        low, high = math.log(float(one.level)), math.log(float(other.level))
        return math.exp(low + (high - low) * min(max(share, 0), 1))
    return None
