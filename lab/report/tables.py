"""What is shown of a run, as plain tables: shared by report.html, report.md and docs/findings.md."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from lab.experiments import Arm
from lab.experiments.outcomes import Outcome
from lab.judge.evidence import FIGURES, Evidence, Turn, is_search, threads
from lab.judge.gates import ALWAYS, AUDIT, GATES, SOMETIMES, connections_remade, refusals, unequal_rows
from lab.judge.judge import Blocks, Finding, Judgement, Setting, gather, paired, typical
from lab.judge.statistics import LOOKS
from lab.judge.words import outcome, ratio
from lab.run.results import Run

USUAL = ("throughput", "p50_ms", "p99_ms", "cpu_us", "rss_mib")
LASTING = ("WebSocketIdle", "EventStream")  # scenarios
SPECIAL = ("whole_cpu_us", "held", "probe_p95_ms", "capacity", "after_ms")
HEADINGS = {
    "throughput": "requests/s",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "cpu_us": "CPU µs per request",
    "whole_cpu_us": "CPU µs per request, with nginx",
    "rss_mib": "RSS, MiB",
    "held": "WebSockets held",
    "probe_p95_ms": "neighbour's p95, ms",
    "capacity": "rate that keeps the limit, 1/s",
    "after_ms": "answers again after, ms",
}
UNEQUAL = "unequal rows"
MATTERS = {Outcome.BETTER: "yes: better", Outcome.WORSE: "yes: worse", Outcome.NO_DIFFERENCE: "no"}


@dataclass(frozen=True)
class Table:
    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1  # so many columns are text, the others are figures


@dataclass(frozen=True)
class Cell:
    """A figure of an arm; where the gates have refused it there are reasons, and no number."""

    value: float  # nan: nothing was measured
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """Of a waterfall: what one change adds, or takes away."""

    label: str
    start: float
    end: float

    @property
    def change(self) -> float:
        return self.end - self.start


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
    blocks: Blocks
    setting: Setting

    @cached_property
    def levels(self) -> list[str]:
        """Those that the run has reached."""
        reached = {level for level, _ in self.blocks.turns}
        return [level for level in self.judgement.experiment.levels if level in reached]

    @property
    def size(self) -> int:
        """How many blocks it has measured."""
        return sum(len(turn) for turns in self.blocks.turns.values() for turn in turns.values())

    def turns(self, level: str, arm: str) -> list[Turn]:
        return list(self.blocks.of(level, arm).values())

    def interface(self, arm: Arm) -> str:
        return str(self.setting.abouts[arm.row]["interface"])

    def cell(self, level: str, arm: Arm, figure: str) -> Cell:
        """A search changes its rate from step to step, so capacity is its only figure."""
        turns = self.turns(level, arm.name)
        if not turns or (is_search(turns[0][0]) and figure != "capacity"):
            return Cell(math.nan)
        seen = gather(self.judgement.experiment, level, arm.name, turns, self.setting)
        if reasons := refusals(seen, seen, FIGURES[figure].gates, not arm.reconnects):
            return Cell(math.nan, tuple(reasons))
        return Cell(typical(self.blocks, level, arm.name, figure))

    def steps(self) -> list[Step]:
        """The waterfall's, from the first arm to the last; none where a figure is missing or refused."""
        experiment = self.judgement.experiment
        if not experiment.waterfall or not self.levels:
            return []
        values = [self.cell(self.levels[0], arm, experiment.contrasts[0].figure).value for arm in experiment.arms]
        if any(map(math.isnan, values)):
            return []
        changes = zip(experiment.waterfall, pairwise(values), strict=True)
        return [Step(label, start, end) for label, (start, end) in changes]


def sections(run: Run) -> list[Section]:
    setting = Setting.of(run.header)
    return [Section(each, run.blocks[each.experiment.name], setting) for each in run.judgements()]


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


def findings(section: Section, notes: Footnotes) -> Table:
    experiment = section.judgement.experiment
    headings = ["compared", "by", "ratio (95 % interval)", "pairs", "detected?", "does it matter?", "A/A control"]
    rows = [finding_row(each, notes) for each in section.judgement.findings]
    if experiment.vary:
        headings.insert(0, experiment.vary)
        rows = [[each.level, *row] for each, row in zip(section.judgement.findings, rows, strict=True)]
    return Table("Findings, the first of each pair divided by the second", headings, rows, texts=len(headings) - 5)


def finding_row(finding: Finding, notes: Footnotes) -> list[str]:
    contrast, comparison = finding.contrast, finding.comparison
    by = what(contrast.figure) + ("" if contrast.decides else " (shown only)")
    compared = [f"{contrast.subject} / {contrast.baseline}", by]
    if finding.reasons:
        refused = notes.refused(finding.reasons)
        return [*compared, refused, str(finding.pairs), "–", "refused", "–"]
    if comparison is None:
        return [*compared, "–", str(finding.pairs), "–", "too few pairs", "–"]
    matters = MATTERS.get(comparison.outcome, outcome(finding))
    return [
        *compared,
        ratio(comparison),
        str(comparison.pairs),
        "yes" if comparison.detected else "no",
        f"{matters} (±{100 * comparison.margin:g} %)",
        ratio(finding.control),
    ]


def arms(section: Section, notes: Footnotes) -> Table:
    """Absolute figures: the geometric mean over the rounds, where the gates let them stand."""
    experiment = section.judgement.experiment
    special = [name for name in SPECIAL if name in experiment.figures]
    # Idle WebSockets send heartbeats only, a stream lasts as long as it is asked to, and a search is a series of loads:
    # none has a throughput to speak of.
    usual = ("rss_mib",) if experiment.load.scenario in LASTING else USUAL
    figures = special if "capacity" in special else [*usual, *special]
    rows = []
    for level in section.levels:
        for arm in experiment.arms:
            if turns := section.turns(level, arm.name):
                shown = (section.cell(level, arm, figure) for figure in figures)
                cells = [notes.refused(each.reasons) if each.reasons else number(each.value) for each in shown]
                most = max(threads(turn) for turn in turns)
                name = f"{arm.name} ({section.interface(arm)})"
                rows.append(
                    [*([level] if experiment.vary else []), name, *cells, "–" if math.isnan(most) else f"{most:.0f}"]
                )
    headings = [
        *([experiment.vary] if experiment.vary else []),
        "arm",
        *(HEADINGS[each] for each in figures),
        "threads",
    ]
    return Table(
        "What each arm measured, as a geometric mean over its rounds", headings, rows, 2 if experiment.vary else 1
    )


def waterfall(section: Section) -> Table | None:
    steps, arms = section.steps(), section.judgement.experiment.arms
    if not steps:
        return None
    unit = FIGURES[section.judgement.experiment.contrasts[0].figure].metric.unit
    rows = [[arms[0].name, "", number(steps[0].start)]]
    for step, arm in zip(steps, arms[1:], strict=True):
        sign = "+" if step.change >= 0 else "−"
        rows.append([f"{step.label}: {arm.name}", f"{sign}{number(abs(step.change))}", number(step.end)])
    return Table("One change at a time", ["from, and each change", f"adds, {unit}", f"makes, {unit}"], rows)


def gates(section: Section) -> list[tuple[str, list[str]]]:
    """Each fault that the gates looked for in this experiment's comparisons, and where they found it."""
    seen: dict[str, list[str]] = {UNEQUAL: []}
    experiment, blocks = section.judgement.experiment, section.blocks
    for finding in section.judgement.findings:
        contrast = finding.contrast
        both = [
            gather(experiment, finding.level, arm, turns, section.setting)
            for arm, turns in zip(
                (contrast.subject, contrast.baseline), paired(contrast, finding.level, blocks), strict=True
            )
            if turns
        ]
        lives = not any(experiment.arm(arm).reconnects for arm in (contrast.subject, contrast.baseline))
        names = FIGURES[contrast.figure].gates
        for gate in (*ALWAYS, *(gate for gate in SOMETIMES if gate.__name__ in names)):
            if lives or gate is not connections_remade:
                seen.setdefault(gate_name(gate), []).extend(filter(None, map(gate, both)))
        if len(both) == 2 and (reason := unequal_rows(*both)):
            seen[UNEQUAL].append(reason)
    return [(name, list(dict.fromkeys(reasons))) for name, reasons in seen.items()]


def gate_name(gate: Callable[[Evidence], str | None]) -> str:
    return gate.__name__.replace("_", " ").replace("littles law", "Little's law broken")


def gate_list() -> list[str]:
    """Every fault that the gates look for, with what the gate's docstring says first."""
    named = {UNEQUAL: unequal_rows.__doc__} | {gate_name(gate): gate.__doc__ for gate in GATES.values()}
    return [f"{name}: {text.splitlines()[0]}" if text else name for name, text in named.items()]


def audit(run: Run) -> Table:
    """What must be equal, for every row; ≠ marks what most rows do not have."""
    abouts = run.header["abouts"].values()
    columns = [[take(about) for about in abouts] for take in AUDIT.values()]
    common = [Counter(column).most_common(1)[0][0] for column in columns]
    rows = [
        [
            about["row"],
            *(value if value == usual else f"≠ {value}" for value, usual in zip(values, common, strict=True)),
        ]
        for about, *values in zip(abouts, *columns, strict=True)
    ]
    return Table("Fairness audit: ≠ marks what differs from most rows", ["row", *AUDIT], rows, 1 + len(AUDIT))


def commands(run: Run) -> Table:
    names = ("row", "interface", "framework", "server", "model", "command")
    rows = [[str(about[name]) for name in names] for about in run.header["abouts"].values()]
    return Table("The rows as they said of themselves when they were measured", names, rows, len(names))


def environment(run: Run) -> Table:
    header = run.header
    facts = {
        "measured": header["began"],
        "door": header["door"],
        "machine": header["machine"],
        "Python of the generator": header["generator_python"],
        "planned looks": header["looks"],
        "quick": "yes" if header["quick"] else "no",
        "scale of every block's seconds": f"{header['scale']:.2f}",
        "seed": header["seed"],
        "versions": ", ".join(f"{name} {version}" for name, version in header["versions"].items()),
    }
    return Table(
        "What this was measured on, and how",
        ["what", "value"],
        [[name, str(value)] for name, value in facts.items()],
        texts=2,
    )


def placement(run: Run) -> str:
    """Which CPUs carry what, in a sentence."""
    placed, beside = run.header["placed"], run.header["beside_cpus"]
    where = ", ".join(f"{name} on CPU {cpuset}" for name, cpuset in placed.items()) or "not known from here"
    shared = f" Generator, nginx and PostgreSQL share {beside} CPU{'s' * (beside != 1)}." if beside else ""
    return f"Which CPUs carried what: {where}.{shared}"


def shortfalls(run: Run, shown: Sequence[Section]) -> list[str]:
    """What is missing from a run, if anything."""
    found = []
    if run.torn:
        found.append("The raw file ends in the middle of a line: the last block was lost.")
    names = [section.judgement.experiment.name for section in shown]
    if missing := [name for name in run.header["experiments"] if name not in names]:
        found.append(f"The run was cut short before {', '.join(missing)}.")
    for section in shown:
        experiment = section.judgement.experiment
        if left := [level for level in experiment.levels if level not in section.levels]:
            found.append(
                f"The run was cut short: {experiment.name} has nothing at {', '.join(left)} {experiment.vary}."
            )
        if any(each.pairs not in LOOKS for each in section.judgement.findings):
            found.append(f"{experiment.name} was cut short within a look: only pairs of whole looks are judged.")
    return found
