"""From results to verdicts: the same code while a run goes on, and when its report is made again from the raw file."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from lab.experiments import Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.record import Header, Result, RoundResult
from lab.judge.evidence import Evidence, evidence
from lab.judge.figures import FIGURES
from lab.judge.gates import SEARCH_ENDED, Checked, check, reasons
from lab.judge.search import at_least, complete, is_search
from lab.judge.statistics import Comparison, compare, log_ratios
from lab.judge.verdicts import Case, still_possible, verdict


class Measurements:
    """The results of one experiment, by level and arm, in the order of their rounds."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self.rounds: dict[tuple[str, str], dict[int, RoundResult]] = {}
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        purpose = result.block.purpose
        rounds = self.rounds.setdefault((purpose.level, purpose.arm), {})
        rounds.setdefault(purpose.round, []).append(result)

    def whole_rounds(self, level: str, arm: str) -> dict[int, RoundResult]:
        """By the number of the round, without one that was cut off."""
        return {number: each for number, each in self.rounds.get((level, arm), {}).items() if complete(each)}

    def paired(self, contrast: Contrast, level: str) -> tuple[list[RoundResult], list[RoundResult]]:
        """What subject and baseline measured in the rounds that both have completed, in order."""
        of = self.shared_rounds(level, (contrast.subject, contrast.baseline))
        return of[contrast.subject], of[contrast.baseline]

    def shared_rounds(self, level: str, arms: Iterable[str]) -> dict[str, list[RoundResult]]:
        """What each of these arms measured in the rounds that all of them have completed, in order."""
        whole = {arm: self.whole_rounds(level, arm) for arm in arms}
        numbers = sorted(set.intersection(*map(set, whole.values()))) if whole else []
        return {arm: [rounds[number] for number in numbers] for arm, rounds in whole.items()}


def typical(rounds: Iterable[RoundResult], figure: str) -> float:
    """The geometric mean of a figure; nan where there is nothing to average."""
    values = [FIGURES[figure].of(each) for each in rounds]
    if not values or any(not 0 < value < math.inf for value in values):
        return math.nan
    return math.exp(fmean(map(math.log, values)))


@dataclass(frozen=True)
class Finding:
    """One contrast at one level. Where the gates refuse it, there is no number."""

    contrast: Contrast
    level: str
    pairs: int  # measured; a comparison uses those of whole looks
    comparison: Comparison | None = None
    control: Comparison | None = None  # each of the two arms against itself, from the same results
    checked: tuple[Checked, ...] = ()  # what the gates said

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is refused; none where it is not."""
        return reasons(self.checked)

    @property
    def looked_at(self) -> bool:
        """Whether it came to a look, or was refused before."""
        return bool(self.comparison or self.reasons)

    @property
    def outcome(self) -> Outcome | None:
        """None where it was refused."""
        if self.reasons:
            return None
        return self.comparison.outcome if self.comparison else Outcome.INCONCLUSIVE

    @property
    def ruled_out(self) -> Outcome | None:
        """What it cannot become, where it is open."""
        return self.comparison.ruled_out if self.comparison and not self.reasons else None

    @property
    def holds(self) -> bool:
        """Whether it agrees with the claim."""
        return self.outcome == self.contrast.claimed


@dataclass(frozen=True)
class Cell:
    """A figure of an arm at a level, over the rounds that all its arms have, so that cells stand side by side: rounds
    that only an open question needed saw the machine at another time. Where the gates refuse it, there is no number.
    """

    value: float  # nan: refused, or nothing was measured
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What a run says of one experiment."""

    experiment: Experiment
    findings: tuple[Finding, ...]
    cells: Mapping[tuple[str, str, str], Cell]  # by level, name of the arm, name of the figure

    @property
    def deciding(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.contrast.decides]

    @property
    def verdict(self) -> Verdict:
        if not any(each.comparison for each in self.deciding) and not all(each.reasons for each in self.deciding):
            return Verdict.TOO_SHORT
        return verdict(self.experiment.rule, self.cases)

    @property
    def still_possible(self) -> list[Verdict]:
        """What the verdict may become yet; itself, where it is decided."""
        return still_possible(self.experiment.rule, self.cases)

    @property
    def cases(self) -> list[Case]:
        return [
            Case(each.outcome, each.contrast.claimed, each.contrast.server, each.ruled_out) for each in self.deciding
        ]

    @property
    def as_planned(self) -> bool:
        """Whether the gates did what they should: nothing refused, or everything where a fault was planted."""
        refused = [bool(finding.reasons) for finding in self.findings]
        return all(refused) if self.experiment.must_be_refused else not any(refused)


def judge(experiment: Experiment, measured: Measurements, header: Header) -> Judgement:
    findings = [
        compare_arms(experiment, contrast, level, measured, header)
        for level in experiment.levels
        for contrast in experiment.contrasts
    ]
    begun = {
        level: [arm.name for arm in experiment.arms if measured.whole_rounds(level, arm.name)]
        for level in experiment.levels
    }
    cells = {
        (level, name, figure): cell
        for level, names in begun.items()
        for name, rounds in measured.shared_rounds(level, names).items()
        for figure, cell in cells_of(experiment, level, experiment.arm(name), rounds, header).items()
    }
    return Judgement(experiment, tuple(findings), cells)


def compare_arms(
    experiment: Experiment, contrast: Contrast, level: str, measured: Measurements, header: Header
) -> Finding:
    """A contrast at a level, by the pairs of the last look that is complete."""
    figure = FIGURES[contrast.figure]
    metric = figure.metric
    both = measured.paired(contrast, level)
    pairs = len(both[0])
    if not pairs:
        return Finding(contrast, level, pairs)
    names = (contrast.subject, contrast.baseline)
    arms = [gather(experiment, level, experiment.arm(name), of, header) for name, of in zip(names, both, strict=True)]
    checked = check(figure.gates, *arms)
    look = sum(pairs >= needed for needed in header.looks)
    if reasons(checked) or not look:
        return Finding(contrast, level, pairs, checked=checked)
    subject, baseline = (rounds[: header.looks[look - 1]] for rounds in both)
    try:
        between = log_ratios([figure.of(each) for each in subject], [figure.of(each) for each in baseline])
        within = against_itself(figure.of, subject, baseline)
    except ValueError:
        what = f"{metric.what} could not be measured in every round of {' and '.join(names)}"
        return Finding(contrast, level, pairs, checked=(*checked, Checked("not measured in every round", (what,))))
    comparison, control = (
        compare(ratios, look, len(header.looks), metric.margin, smaller_is_better=metric.smaller_is_better, among=among)
        for ratios, among in ((between, experiment.among(contrast)), (within, 1))
    )
    against = {Outcome.WORSE: names[:1], Outcome.BETTER: names[1:], Outcome.NO_DIFFERENCE: names}
    found = dict(zip(names, (subject, baseline), strict=True))
    if unbounded := [name for name in against.get(comparison.outcome, ()) if at_least(found[name])]:
        why = f"what {' and '.join(unbounded)} kept is the most that was asked for: it is at least that"
        return Finding(contrast, level, pairs, checked=(*checked, Checked(SEARCH_ENDED, (why,))))
    return Finding(contrast, level, pairs, comparison, control, checked)


def cells_of(
    experiment: Experiment, level: str, arm: Arm, rounds: Sequence[RoundResult], header: Header
) -> dict[str, Cell]:
    """An arm's figures at a level. A search changes its rate from step to step, so capacity is its only figure."""
    if not rounds:
        return {}
    seen = gather(experiment, level, arm, rounds, header)
    cells = {}
    for name in ["capacity"] if is_search(rounds[0][0]) else [name for name in FIGURES if name != "capacity"]:
        why = reasons(check(FIGURES[name].gates, seen))
        cells[name] = Cell(math.nan if why else typical(rounds, name), why)
    return cells


def gather(experiment: Experiment, level: str, arm: Arm, rounds: Sequence[RoundResult], header: Header) -> Evidence:
    protocol, about = experiment.load_of(level, arm).protocol, header.abouts[arm.row]
    seen = evidence(rounds, protocol, about, header.shared_cpus, reconnects=arm.reconnects)
    return replace(seen, restarts=0) if arm.restarts else seen


def against_itself(of: Callable[[RoundResult], float], *arms: Sequence[RoundResult]) -> list[float]:
    """The A/A control: log ratios of an arm's own measurements that lie as close together as those of two arms do.

    Of an arm that takes turns in slices those are the two splits of a round; else blocks of neighbouring rounds. The
    ratios alternate between later over earlier and earlier over later, because the order of the arms is balanced, too.
    ValueError where one was not measured.
    """
    pairs: list[tuple[RoundResult, RoundResult]] = []
    for rounds in arms:
        split = rounds[0][0].block.splits > 1
        pairs += [([one], [other]) for one, other in rounds] if split else zip(rounds[::2], rounds[1::2], strict=False)
    turned = [pair[::-1] if number % 2 else pair for number, pair in enumerate(pairs)]
    return log_ratios([of(later) for _, later in turned], [of(earlier) for earlier, _ in turned])


def crossover(findings: Sequence[Finding]) -> float | None:
    """The level at which a contrast begins or ceases to hold, between two measured levels on log scales; else None.

    The findings are those of one contrast, at levels that are numbers, in rising order.
    """
    decided = [each for each in findings if each.comparison]
    for one, other in pairwise(decided):
        if one.holds == other.holds or not one.comparison or not other.comparison or not float(one.level):
            continue  # between 0 and a level there is no place on a log scale
        first, second = math.log(one.comparison.ratio), math.log(other.comparison.ratio)
        # The edge of the margin lies before what differs: where the claim holds, or where "no difference" fails.
        differs_later = other.holds != (one.contrast.claimed == Outcome.NO_DIFFERENCE)
        upper = (second > first) == differs_later
        edge = math.log1p(one.comparison.margin) * (1 if upper else -1)
        share = (edge - first) / (second - first) if second != first else 0.5
        low, high = math.log(float(one.level)), math.log(float(other.level))
        return math.exp(low + (high - low) * min(max(share, 0), 1))
    return None
