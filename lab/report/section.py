"""What is shown of one experiment, whatever shows it: its tables, charts and findings are made from a Section."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lab.experiments import Arm, Contrast
from lab.generator.record import Header, RoundResult
from lab.judge.audit import differences
from lab.judge.figures import FIGURES
from lab.judge.judge import Cell, Finding, Judgement, Measurements
from lab.run.results import Run
from meter import Reading

SPECIAL = (
    "protocols",
    "app_http",
    "kept_pct",
    "whole_cpu_us",
    "held",
    "probe_p95_ms",
    "capacity",
    "after_ms",
    "served_pct",
)  # shown where an experiment compares them
HEADINGS = {
    "throughput": "requests/s",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "cpu_us": "CPU µs per request",
    "utilisation": "CPUs in use",
    "whole_cpu_us": "CPU µs per request, with nginx",
    "memory_mib": "memory, MiB",
    "cgroup_mib": "container's memory, MiB",
    "protocols": "protocols spoken",
    "app_http": "HTTP version at the application",
    "kept_pct": "requests answered, %",
    "served_pct": "served, %",
    "held": "WebSockets held",
    "probe_p95_ms": "neighbour's p95, ms (10: at once)",
    "capacity": "rate that keeps the limit, 1/s",
    "after_ms": "answers again after, ms (10: at once)",
}
NOTHING = Cell(math.nan)


@dataclass(frozen=True)
class Table:
    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1  # so many columns are text, the others are figures


@dataclass(frozen=True)
class Change:
    """One change on the way from the first arm to the last: what it adds, the least and the most over all orders."""

    label: str
    least: float
    most: float
    orders: int


@dataclass
class Footnotes:
    """The reasons that stand below a table, each once."""

    reasons: list[str] = field(default_factory=list)

    def refused(self, reasons: Sequence[str]) -> str:
        self.reasons += [reason for reason in reasons if reason not in self.reasons]
        marks = ", ".join(str(self.reasons.index(reason) + 1) for reason in reasons)
        return f"refused [{marks}]"


@dataclass(frozen=True)
class Section:
    """One experiment of a run: its judgement, and what that was made from."""

    judgement: Judgement
    measured: Measurements
    header: Header

    @cached_property
    def levels(self) -> list[str]:
        """Those that the run has reached."""
        reached = {level for level, _ in self.measured.rounds}
        return [level for level in self.judgement.experiment.levels if level in reached]

    @property
    def size(self) -> int:
        """How many results it has."""
        return sum(len(each) for rounds in self.measured.rounds.values() for each in rounds.values())

    def rounds(self, level: str, arm: str) -> list[RoundResult]:
        return list(self.measured.whole_rounds(level, arm).values())

    @cached_property
    def meters(self) -> list[Reading]:
        rounds = (each for of_arm in self.measured.rounds.values() for each in of_arm.values())
        return [result.meter for of_round in rounds for result in of_round if result.meter]

    def heading(self, figure: str) -> str:
        """Over a column of this figure. Memory says which it is: RSS counts shared pages in each process, PSS once."""
        kinds = sorted({meter.memory for meter in self.meters})
        return f"{' or '.join(kinds)}, MiB" if figure == "memory_mib" and kinds else HEADINGS[figure]

    def named(self, figure: str) -> str:
        """A figure's name on its own; of memory, which it is."""
        return self.heading(figure).removesuffix(", MiB") if figure == "memory_mib" else what(figure)

    def interface(self, arm: Arm) -> str:
        return str(self.header.abouts[arm.row]["interface"])

    def cell(self, level: str, arm: Arm, figure: str) -> Cell:
        return self.judgement.cells.get((level, arm.name, figure), NOTHING)

    def changes(self) -> list[Change]:
        """In the unit of the first contrast's figure; none where one is missing or refused."""
        experiment = self.judgement.experiment
        if not experiment.changes or not self.levels:
            return []
        figure = experiment.contrasts[0].figure
        value = {arm.name: self.cell(self.levels[0], arm, figure).value for arm in experiment.arms}
        made = []
        for label, pairs in experiment.changes.items():
            added = [value[after] - value[before] for before, after in pairs]
            if any(map(math.isnan, added)):
                return []
            made.append(Change(label, min(added), max(added), len(added)))
        return made

    def differ(self, contrast: Contrast) -> str:
        """What else the two rows have that may explain a ratio, beside interface and framework; empty: nothing."""
        return differences(*(self.header.abouts[arm.row] for arm in self.judgement.experiment.pair(contrast)))

    def used(self, finding: Finding) -> str:
        """How many CPUs either row of a comparison used."""
        arms = self.judgement.experiment.pair(finding.contrast)
        return " / ".join(number(self.cell(finding.level, arm, "utilisation").value) for arm in arms)

    def difference(self, finding: Finding) -> tuple[float, float, float] | None:
        """What the first of a pair needs more than the second, with its interval, in the figure's unit.

        It is the ratio's, of what the second needed on average. None where it was not judged.
        """
        contrast, comparison = finding.contrast, finding.comparison
        base = self.cell(finding.level, self.judgement.experiment.arm(contrast.baseline), contrast.figure).value
        if comparison is None or math.isnan(base):
            return None
        mid, low, high = (base * (each - 1) for each in (comparison.ratio, comparison.low, comparison.high))
        return mid, low, high


def sections(run: Run) -> list[Section]:
    return [Section(each, run.measured[each.experiment.name], run.header) for each in run.judgements()]


def number(value: float) -> str:
    """With three digits at least, but for counts; a dash where there is none."""
    if math.isnan(value):
        return "–"
    whole = math.isclose(value, round(value), abs_tol=1e-9)
    decimals = 0 if whole or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def what(figure: str) -> str:
    """A figure's name on its own."""
    return FIGURES[figure].metric.what


def by(contrast: Contrast) -> str:
    """What a contrast compares, and whether the verdict hangs on it."""
    return what(contrast.figure) + ("" if contrast.decides else " (shown only)")
