"""`lab compare`: what has changed from one run to another, contrast by contrast."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from scipy import stats

from lab import LabError
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.record import Header
from lab.judge.audit import AUDIT
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding
from lab.judge.statistics import NO_SPREAD, judge, log_ratios
from lab.judge.words import outcome, ratio
from lab.report.section import Section, sections, what
from lab.run.results import Run

Key = tuple[str, str, str, str, str]  # experiment, level, subject, baseline, figure
LEVEL = 0.05
Said = Literal["changed", "no change that matters", "inconclusive"]


@dataclass(frozen=True)
class Change:
    """One contrast at one level, in both runs."""

    experiment: str
    before: Finding
    after: Finding
    ratio: float  # the later ratio over the earlier, with its interval
    low: float
    high: float
    said: Said

    @property
    def label(self) -> str:
        contrast = self.after.contrast
        level = f" at {self.after.level}" if self.after.level else ""
        return f"{self.experiment}{level}: {contrast.subject} / {contrast.baseline}, {what(contrast.figure)}"


@dataclass(frozen=True)
class Changes:
    differences: list[tuple[str, str, str]]  # what the runs did not have alike: what, before, after
    changes: list[Change]
    verdicts: dict[str, tuple[Verdict, Verdict]]  # of the experiments in both runs

    @property
    def changed(self) -> bool:
        return any(each.said == "changed" for each in self.changes)


def compare_runs(before: Run, after: Run) -> Changes:
    """LabError where the runs are of different doors, or have no contrast in common that was judged in both."""
    doors = before.header.door, after.header.door
    if doors[0] != doors[1]:
        said = f"{before.folder} is {doors[0]}, {after.folder} is {doors[1]}"
        raise LabError(f"results of different doors are not compared: another Python, another nginx ({said})")
    first, second = judged(before), judged(after)
    changes = [change(key[0], first[key], second[key]) for key in second if key in first]
    if not changes:
        raise LabError(f"{before.folder} and {after.folder} have no comparison in common that was judged in both")
    verdicts = [{each.experiment.name: each.verdict for each in run.judgements()} for run in (before, after)]
    both = {name: (verdicts[0][name], found) for name, found in verdicts[1].items() if name in verdicts[0]}
    return Changes(differences(before.header, after.header), changes, both)


def differences(before: Header, after: Header) -> list[tuple[str, str, str]]:
    """What the two were measured on and with, where it is not the same: it may have caused a change."""
    one, other = facts(before), facts(after)
    both = set(before.abouts) & set(after.abouts)
    for row in sorted(both):
        one |= of_row(before, row)
        other |= of_row(after, row)
    names = dict.fromkeys([*one, *other])
    pairs = [(name, one.get(name, "–"), other.get(name, "–")) for name in names]
    return [(name, first, second) for name, first, second in pairs if first != second]


def facts(header: Header) -> dict[str, str]:
    return {
        "machine": header.machine,
        "Python of the generator": header.generator_python,
        **header.versions,
        **{f"CPUs of {what}": cpus for what, cpus in header.placed.items()},
        "scale of every block's seconds": f"{header.scale:.2f}",
    }


def of_row(header: Header, row: str) -> dict[str, str]:
    about = header.abouts[row]
    said = {name: str(about[name]) for name in ("server", "framework", "command")}
    return {f"{row}: {name}": value for name, value in (said | {each: AUDIT[each](about) for each in AUDIT}).items()}


def judged(run: Run) -> dict[Key, tuple[Finding, list[float]]]:
    """The findings that the gates let stand, each with the log ratios of its pairs."""
    found: dict[Key, tuple[Finding, list[float]]] = {}
    for section in sections(run):
        for finding in section.judgement.findings:
            contrast = finding.contrast
            if finding.comparison:
                name = section.judgement.experiment.name
                key = (name, finding.level, contrast.subject, contrast.baseline, contrast.figure)
                found[key] = finding, pairs(section, finding, finding.comparison.pairs)
    return found


def pairs(section: Section, finding: Finding, count: int) -> list[float]:
    of = FIGURES[finding.contrast.figure].of
    both = section.measured.paired(finding.contrast, finding.level)
    return log_ratios(*([of(each) for each in rounds[:count]] for rounds in both))


def change(experiment: str, before: tuple[Finding, list[float]], after: tuple[Finding, list[float]]) -> Change:
    """Welch's t on the log ratios: the two runs are independent, and one may be noisier than the other."""
    metric = FIGURES[after[0].contrast.figure].metric
    whole, narrow = welch(after[1], before[1], 1 - LEVEL, 1 - 2 * LEVEL)
    said: dict[Outcome, Said] = {
        Outcome.NO_DIFFERENCE: "no change that matters",
        Outcome.INCONCLUSIVE: "inconclusive",
    }
    found = judge(whole, narrow, math.log1p(metric.margin), metric.smaller_is_better)
    mid = statistics.fmean(after[1]) - statistics.fmean(before[1])
    low, high = whole
    return Change(
        experiment, before[0], after[0], math.exp(mid), math.exp(low), math.exp(high), said.get(found, "changed")
    )


def welch(one: Sequence[float], other: Sequence[float], *confidences: float) -> list[tuple[float, float]]:
    """Intervals for the difference of the means; points where neither varies."""
    if all(max(values) - min(values) < NO_SPREAD for values in (one, other)):
        point = round(statistics.fmean(one) - statistics.fmean(other), 9)
        return [(point, point)] * len(confidences)
    test = stats.ttest_ind(one, other, equal_var=False)
    bounds = [test.confidence_interval(confidence) for confidence in confidences]
    return [(float(bound.low), float(bound.high)) for bound in bounds]


def show(console: Console, before: Run, after: Run, found: Changes) -> None:
    for name, run in (("before", before), ("after", after)):
        console.print(f"{name:>6}: {run.folder}, {run.header.began}, {run.header.machine}")
    if found.differences:
        console.print("\n[bold]These runs were not measured alike, so a change may be the doing of this:[/]")
        console.print(table(("", "before", "after"), [[escape(text) for text in each] for each in found.differences]))
        console.print()
    rows = []
    for each in found.changes:
        moved = f"× {each.ratio:,.2f} ({each.low:,.2f}–{each.high:,.2f})"
        said = f"[bold]{each.said}[/]" if each.said == "changed" else each.said
        if each.before.outcome != each.after.outcome:
            said += f" (was {outcome(each.before)}, is {outcome(each.after)})"
        rows.append((each.label, ratio(each.before.comparison), ratio(each.after.comparison), moved, said))
    console.print(table(("", "before", "after", "change (95 % interval)", "in words"), rows))
    for name, (first, second) in found.verdicts.items():
        verdict = f"still {second}" if first == second else f"[bold]was {first}, is {second}[/]"
        console.print(f"{name}: {verdict}")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        grid.add_column(heading, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid
