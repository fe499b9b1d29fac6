"""What is shown of a run, as plain tables: shared by report.html, report.md and docs/findings.md."""

import math
from collections import Counter
from collections.abc import Sequence

from lab.experiments.outcomes import Outcome
from lab.judge.audit import AUDIT
from lab.judge.figures import FIGURES, threads
from lab.judge.gates import MEANINGS
from lab.judge.judge import Finding
from lab.judge.words import how_many, how_varied, listed, outcome, ratio
from lab.report.section import SPECIAL, Footnotes, Section, Table, by, number
from lab.run.results import Run
from workloads.servers import SHOWN

USUAL = ("throughput", "p50_ms", "p99_ms", "cpu_us", "utilisation", "memory_mib", "cgroup_mib")
LASTING = ("WebSocketIdle", "EventStream")  # scenarios
MATTERS = {Outcome.BETTER: "yes: better", Outcome.WORSE: "yes: worse", Outcome.NO_DIFFERENCE: "no"}


def findings(section: Section, notes: Footnotes) -> Table:
    experiment = section.judgement.experiment
    headings = ["compared", "by", "the rows differ in", "CPUs in use", "ratio (95 % interval)", "pairs", "detected?"]
    headings += ["does it matter?", "A/A control"]
    rows = [finding_row(each, section, notes) for each in section.judgement.findings]
    if experiment.varied:
        headings.insert(0, experiment.varied)
        rows = [[each.level, *row] for each, row in zip(section.judgement.findings, rows, strict=True)]
    return Table("Findings, the first of each pair divided by the second", headings, rows, texts=len(headings) - 5)


def finding_row(finding: Finding, section: Section, notes: Footnotes) -> list[str]:
    contrast, comparison = finding.contrast, finding.comparison
    differ = section.differ(contrast) or "–"
    compared = [f"{contrast.subject} / {contrast.baseline}", by(contrast), differ, section.used(finding)]
    if finding.reasons:
        refused = notes.refused(finding.reasons)
        return [*compared, refused, str(finding.pairs), "–", "refused", "–"]
    if comparison is None:
        return [*compared, "–", str(finding.pairs), "–", outcome(finding), "–"]
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
    usual = ("memory_mib", "cgroup_mib") if experiment.load.scenario in LASTING else USUAL
    in_containers = any(meter.cgroup_bytes is not None for meter in section.meters)
    figures = special if "capacity" in special else [*usual, *special]
    figures = [each for each in figures if each != "cgroup_mib" or in_containers]
    rows = []
    for level in section.levels:
        for arm in experiment.arms:
            if rounds := section.rounds(level, arm.name):
                shown = (section.cell(level, arm, figure) for figure in figures)
                cells = [notes.refused(each.reasons) if each.reasons else number(each.value) for each in shown]
                most = max(map(threads, rounds))
                name = f"{arm.name} ({section.interface(arm)})"
                rows.append(
                    [*([level] if experiment.varied else []), name, *cells, "–" if math.isnan(most) else f"{most:.0f}"]
                )
    headings = [
        *([experiment.varied] if experiment.varied else []),
        "arm",
        *map(section.heading, figures),
        "threads",
    ]
    return Table(
        "What each arm measured, as a geometric mean over its rounds", headings, rows, 2 if experiment.varied else 1
    )


def in_units(section: Section) -> list[Table]:
    """What ratios do not say: differences in the figure's unit, and which changes make the whole of one."""
    experiment = section.judgement.experiment
    found = [(each, section.difference(each)) for each in section.judgement.findings] if experiment.in_units else []
    rows = [difference_row(each, difference) for each, difference in found if difference]
    made = [Table("Differences, the first of each pair less the second", ["compared", "by", "adds"], rows, 2)]
    if changes := section.changes():
        unit = FIGURES[experiment.contrasts[0].figure].metric.unit
        whole = (
            f"From {experiment.arms[0].name} to {experiment.arms[-1].name}, on the servers of these two, each change "
            "over all orders of the changes"
        )
        lines = [[each.label, f"{signed(each.least)} to {signed(each.most)}", str(each.orders)] for each in changes]
        made.append(Table(whole, ["change", f"adds, {unit}", "measured between so many pairs"], lines))
    return [table for table in made if table.rows]


def difference_row(finding: Finding, difference: tuple[float, float, float]) -> list[str]:
    contrast, metric = finding.contrast, FIGURES[finding.contrast.figure].metric
    scale, unit = (1000, "µs") if metric.unit == "ms" else (1, metric.unit)
    mid, low, high = (signed(value * scale) for value in difference)
    return [f"{contrast.subject} − {contrast.baseline}", by(contrast), f"{mid} {unit} ({low} to {high})"]


def signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{number(abs(value))}"


def gates(section: Section) -> list[tuple[str, list[str]]]:
    """Each fault that the gates looked for in this experiment's comparisons, and where they found it."""
    seen: dict[str, list[str]] = {}
    for finding in section.judgement.findings:
        for checked in finding.checked:
            seen.setdefault(checked.gate, []).extend(checked.reasons)
    return [(gate, list(dict.fromkeys(reasons))) for gate, reasons in seen.items()]


def gate_list() -> list[str]:
    """Every fault that the gates look for, and why it matters where its name does not say so."""
    return [f"{title}: {meaning}" if meaning else title for title, meaning in MEANINGS.items()]


def audit(run: Run) -> Table:
    """What must be equal, for every row; ≠ marks what most rows do not have."""
    abouts = run.header.abouts.values()
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


def rows(run: Run) -> Table:
    """What may make one row faster than another."""
    named = ("row", "interface", "framework", "server", "model")
    told = [
        [*(str(about[name]) for name in named), *(take(about) for take in SHOWN.values())]
        for about in run.header.abouts.values()
    ]
    return Table("The rows, and what may make one faster than another", [*named, *SHOWN], told, len(named) + len(SHOWN))


def commands(run: Run) -> Table:
    told = [[str(about[name]) for name in ("row", "command")] for about in run.header.abouts.values()]
    return Table("The rows' commands, as they said of themselves when they were measured", ["row", "command"], told, 2)


def environment(run: Run) -> Table:
    header = run.header
    facts = {
        "measured": header.began,
        "door": header.door,
        "machine": header.machine,
        "Python of the generator": header.generator_python,
        "planned looks": f"after {listed([str(rounds) for rounds in header.looks])} rounds",
        "rows started anew": "before every round" if header.restarts else "never",
        "quick": "yes" if header.quick else "no",
        "scale of every block's seconds": f"{header.scale:.2f}",
        "seed": header.seed,
        "versions": ", ".join(f"{name} {version}" for name, version in header.versions.items()),
    }
    return Table(
        "What this was measured on, and how",
        ["what", "value"],
        [[name, str(value)] for name, value in facts.items()],
        texts=2,
    )


def placement(run: Run) -> str:
    """Which CPUs carry what, in a sentence."""
    placed, shared_cpus = run.header.placed, run.header.shared_cpus
    where = ", ".join(f"{name} on CPU {cpuset}" for name, cpuset in placed.items()) or "not known from here"
    shared = f" Generator, nginx and PostgreSQL share {how_many(shared_cpus, 'CPU')}." if shared_cpus else ""
    return f"Which CPUs carried what: {where}.{shared}"


def shortfalls(run: Run, shown: Sequence[Section]) -> list[str]:
    """What is missing from a run, if anything."""
    found = []
    if run.torn:
        found.append("The raw file ends in the middle of a line: the last block was lost.")
    names = [section.judgement.experiment.name for section in shown]
    if missing := [name for name in run.header.experiments if name not in names]:
        found.append(f"The run was cut short before {', '.join(missing)}.")
    for section in shown:
        experiment = section.judgement.experiment
        if left := [level for level in experiment.levels if level not in section.levels]:
            found.append(f"The run was cut short: {experiment.name} has nothing at {how_varied(experiment, left)}.")
        if any(each.pairs not in run.header.looks for each in section.judgement.findings):
            found.append(f"{experiment.name} was cut short within a look: only pairs of whole looks are judged.")
    return found
