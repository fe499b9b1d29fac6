"""`lab findings`: docs/findings.md from results folders, claim by claim, the doors side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.experiments import EXPERIMENTS, Experiment
from lab.judge.judge import Finding
from lab.judge.words import outcome, ratio, verdict_sentence
from lab.report.report import render
from lab.report.section import Footnotes, Section, Table, sections, what
from lab.report.tables import waterfall
from lab.run.results import Run

Shown = dict[str, dict[str, Section]]  # by experiment, then by door


@dataclass(frozen=True)
class Part:
    """One experiment, at every door that has measured it."""

    experiment: Experiment
    verdicts: dict[str, tuple[str, str]]  # by door: in a word, in a sentence
    findings: Table
    waterfalls: dict[str, Table]
    notes: list[str]


def write(runs: Sequence[Run]) -> str:
    """The Markdown. Where two runs of one door have the same experiment, the later one in the list counts."""
    shown: Shown = {}
    for run in runs:
        for section in sections(run):
            if section.size:
                shown.setdefault(section.judgement.experiment.name, {})[run.header.door] = section
    parts = [part(each, shown[each.name]) for each in EXPERIMENTS if each.name in shown]
    claims: dict[str, list[Part]] = {}
    for each in parts:
        claims.setdefault(each.experiment.claim, []).append(each)
    doors = list(dict.fromkeys(run.header.door for run in runs))
    return render("findings.md.j2", {"runs": runs, "doors": doors, "claims": claims})


def part(experiment: Experiment, by_door: dict[str, Section]) -> Part:
    notes = Footnotes()
    judgements = {door: section.judgement for door, section in by_door.items()}
    steps = {door: waterfall(section) for door, section in by_door.items()}
    return Part(
        experiment=experiment,
        verdicts={door: (str(each.verdict), verdict_sentence(each)) for door, each in judgements.items()},
        findings=side_by_side(experiment, {door: each.findings for door, each in judgements.items()}, notes),
        waterfalls={door: table for door, table in steps.items() if table},
        notes=notes.reasons,
    )


def side_by_side(experiment: Experiment, by_door: dict[str, tuple[Finding, ...]], notes: Footnotes) -> Table:
    """A line for each contrast at each level, and in it for each door the ratio and the control."""
    lines: dict[tuple[str, str, str, str], dict[str, Finding]] = {}
    for door, findings in by_door.items():
        for each in findings:
            contrast = each.contrast
            key = (each.level, contrast.subject, contrast.baseline, contrast.figure)
            lines.setdefault(key, {})[door] = each
    headings = [*([experiment.varied] if experiment.varied else []), "compared", "by"]
    rows = []
    for (level, subject, baseline, figure), line in lines.items():
        cells = [cell for door in by_door for cell in cells_of(line.get(door), notes)]
        rows.append([*([level] if experiment.varied else []), f"{subject} / {baseline}", what(figure), *cells])
    told = [f"{door}: {each}" for door in by_door for each in ("ratio (95 % interval)", "in words", "A/A")]
    return Table("Findings", [*headings, *told], rows, texts=len(headings))


def cells_of(finding: Finding | None, notes: Footnotes) -> tuple[str, str, str]:
    if finding is None:
        return "–", "not measured", "–"
    if finding.reasons:
        return notes.refused(finding.reasons), "refused", "–"
    return ratio(finding.comparison), outcome(finding), ratio(finding.control)
