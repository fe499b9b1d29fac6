"""The picture of a claim: its ratios with their intervals on one axis, at whose ends stands who is better there.

A ratio of two rows says "times the CPU" or "times the requests", and which of the two is good changes with the figure.
So the picture draws advantages: to the right of 1 the row on the right is better, whatever the figure counts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lab.experiments.outcomes import Outcome, Verdict
from lab.judge.audit import differences
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding
from lab.judge.statistics import Comparison
from lab.judge.words import by_contrast, outcome, times
from lab.report.section import Footnotes, Section, number

TICKS = (1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000)
ROOM = 1.15  # beyond the outermost interval
LEAST = 1.25  # the axis never ends below it: a difference of 1 % must not look large
END_SHARE, APART = 0.97, 0.2  # of half of the axis: where ticks end, and how far apart they are on a phone
SHORT = {Outcome.NO_DIFFERENCE: "alike", Outcome.INCONCLUSIVE: "undecided"}


@dataclass(frozen=True)
class Interval:
    """Of an advantage: above 1 the row on the right is better."""

    mid: float
    low: float
    high: float

    @property
    def turned(self) -> "Interval":
        return Interval(1 / self.mid, 1 / self.high, 1 / self.low)

    @property
    def of_the_better(self) -> "Interval":
        return self if self.mid > 1 else self.turned


@dataclass(frozen=True)
class Mark:
    """One finding: a contrast at a level."""

    level: str
    drawn: Interval | None  # None: refused, or too few pairs
    control: Interval | None
    margin: float
    matters: bool
    holds: bool  # it agrees with the claim
    words: str  # who is better, by how much
    used: str  # of a CPU ratio, the CPUs of the left row and of the right one; empty where they are not known
    rounds: int


@dataclass(frozen=True)
class Line:
    """One contrast, at all its levels."""

    left: str
    right: str
    what: str
    decides: bool
    differ: str  # what else differs between the two: it may explain the ratio; said where the two first meet
    marks: list[Mark]


@dataclass(frozen=True)
class Panel:
    """The lines by one figure, on an axis of their own."""

    what: str
    lines: list[Line]

    @property
    def axis(self) -> "Axis":
        return axis(self.lines)


@dataclass(frozen=True)
class Axis:
    """Logarithmic, with 1 in its middle."""

    end: float

    def at(self, advantage: float) -> str:
        """The place of an advantage, in per cent of the width."""
        share = math.log(min(max(advantage, 1 / self.end), self.end)) / math.log(self.end)
        return f"{50 + 50 * share:.2f}%"

    def width(self, margin: float) -> str:
        """Of the band in which no difference matters."""
        return f"{min(100 * math.log(margin) / math.log(self.end), 100):.2f}%"

    @property
    def ticks(self) -> list[tuple[str, str]]:
        """Where, and what is written there: how many times as good the row of that side is. No two are too close."""
        found: list[float] = []
        for each in reversed(TICKS):
            share = math.log(each) / math.log(self.end)
            nearest = min((abs(share - math.log(other) / math.log(self.end)) for other in found), default=1)
            if share < END_SHARE and min(share, nearest) > APART:
                found.append(each)
        sides = [*(1 / each for each in found), 1.0, *reversed(found)]
        return [(self.at(each), f"{max(each, 1 / each):,g}") for each in sides]


def axis(lines: Iterable[Line]) -> Axis:
    """One that all these lines fit on."""
    marks = [mark.drawn for line in lines for mark in line.marks if mark.drawn]
    return Axis(max([LEAST, *(ROOM * max(each.high, 1 / each.low) for each in marks)]))


def lines(section: Section, notes: Footnotes) -> list[Line]:
    """Of all contrasts, those that decide first."""
    found = [line(section, findings, notes) for findings in by_contrast(section.judgement.findings).values()]
    found.sort(key=lambda each: not each.decides)
    told: set[tuple[str, str]] = set()
    for place, each in enumerate(found):
        if (each.left, each.right) in told:
            found[place] = replace(each, differ="")
        told.add((each.left, each.right))
    return found


def panels(lines: Sequence[Line]) -> list[Panel]:
    """By figure, in order: those that decide first."""
    names = dict.fromkeys((each.what, each.decides) for each in lines)
    return [
        Panel(
            what if decides else f"{what} (shown only)",
            [each for each in lines if (each.what, each.decides) == (what, decides)],
        )
        for what, decides in names
    ]


def headline(lines: Sequence[Line], verdict: Verdict) -> tuple[Line, Mark] | None:
    """What stands large over a claim: its first deciding ratio, at the highest level that was judged.

    Of a claim that was supported, the first that supports it: one case may be enough.
    """
    for each in lines:
        marks = [mark for mark in each.marks if mark.drawn and (mark.holds or verdict != Verdict.SUPPORTED)]
        if each.decides and marks:
            return each, marks[-1]
    return None


def first_figure(lines: Sequence[Line]) -> list[Line]:
    """The deciding lines by the first of a claim's figures: what fits into the picture of all claims."""
    deciding = [each for each in lines if each.decides]
    return [each for each in deciding if each.what == deciding[0].what]


def line(section: Section, findings: Sequence[Finding], notes: Footnotes) -> Line:
    contrast = findings[0].contrast
    subject, baseline = (section.judgement.experiment.arm(each) for each in (contrast.subject, contrast.baseline))
    # ASGI stands on the right wherever the two interfaces meet, so that one axis serves all claims.
    turned = section.interface(subject) == "WSGI" and section.interface(baseline) == "ASGI"
    left, right = (subject, baseline) if turned else (baseline, subject)
    return Line(
        left=left.name,
        right=right.name,
        what=section.named(contrast.figure),
        decides=contrast.decides,
        differ=differences(*(section.header.abouts[arm.row] for arm in (left, right))),
        marks=[mark(section, each, turned, notes) for each in findings],
    )


def mark(section: Section, finding: Finding, turned: bool, notes: Footnotes) -> Mark:
    contrast, comparison = finding.contrast, finding.comparison
    metric = FIGURES[contrast.figure].metric
    inverted = metric.smaller_is_better != turned
    drawn = interval(comparison, inverted)
    names = (contrast.subject, contrast.baseline) if turned else (contrast.baseline, contrast.subject)
    arms = [section.judgement.experiment.arm(each) for each in names]
    used = [section.cell(finding.level, arm, "utilisation").value for arm in arms]
    return Mark(
        level=finding.level,
        drawn=drawn,
        control=interval(finding.control, inverted),
        margin=1 + metric.margin,
        matters=finding.outcome in (Outcome.BETTER, Outcome.WORSE),
        holds=finding.holds,
        words=notes.refused(finding.reasons) if finding.reasons else words(finding, drawn, names),
        used="" if metric.unit != "µs" or any(map(math.isnan, used)) else " / ".join(map(number, used)),
        rounds=comparison.pairs if comparison else finding.pairs,
    )


def interval(comparison: Comparison | None, inverted: bool) -> Interval | None:
    if comparison is None:
        return None
    found = Interval(comparison.ratio, comparison.low, comparison.high)
    return found.turned if inverted else found


def words(finding: Finding, drawn: Interval | None, names: tuple[str, str]) -> str:
    """Who is better and by how much."""
    if drawn is None:
        return outcome(finding)
    if finding.outcome in SHORT:
        return f"{SHORT[finding.outcome]} {shown(drawn)}"
    return f"{names[drawn.mid > 1]} × {shown(drawn.of_the_better)}"


def shown(each: Interval) -> str:
    return f"{times(each.mid)} ({times(each.low)}–{times(each.high)})"
