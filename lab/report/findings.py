"""`lab findings`: docs/findings.md from results folders, the doors side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.experiments import EXPERIMENTS, Contrast, Experiment
from lab.experiments.model import Setup
from lab.experiments.outcomes import Verdict
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Judgement
from lab.judge.words import came_out, how_varied, outcome, ratio, verdict_of, verdict_sentence
from lab.report.report import render
from lab.report.section import Footnotes, Section, Table, by, sections, what
from lab.report.tables import in_units
from lab.run.results import Run

Shown = dict[str, dict[str, tuple[Run, Section]]]  # by experiment, then by door


@dataclass(frozen=True)
class Part:
    """One experiment, at every door that has measured it."""

    experiment: Experiment
    verdicts: dict[str, str]  # by door
    came_out: list[str]  # each in a line
    setups: list[list[str]]  # how the headline rows compare, as they come and as one would tune them
    said: list[str]  # verdicts and sentences, each once
    rounds: str  # how many, at each door, and in which run
    findings: Table
    in_units: list[tuple[str, Table]]  # by door
    notes: list[str]
    differ: dict[str, list[str]]  # what else two rows differ in, as each door says it; those that are compared so


def write(runs: Sequence[Run]) -> str:
    """The Markdown."""
    shown: Shown = {}
    counts = that_count(runs)
    for run in runs:
        for section in sections(run):
            name, door = section.judgement.experiment.name, run.header.door
            if counts.get((door, name)) is run:
                shown.setdefault(name, {})[door] = run, section
    parts = [part(each, shown[each.name]) for each in EXPERIMENTS if each.name in shown]
    doors = list(dict.fromkeys(run.header.door for run in runs))
    of_section = [section for by_door in shown.values() for _, section in by_door.values()]
    memory = sorted({meter.memory for section in of_section for meter in section.meters})
    facts = {"runs": runs, "doors": doors, "parts": parts, "setups": list(Setup), "margins": margins()}
    return render("findings.md.j2", facts | {"memory": " or ".join(memory)})


def that_count(runs: Sequence[Run]) -> dict[tuple[str, str], Run]:
    """By door and experiment: of two runs that have measured it, the later one in the list.

    One that was stopped before its first look does not count where another has a verdict.
    """
    found: dict[tuple[str, str], Run] = {}
    for too_short in (True, False):
        for run in runs:
            for judgement in run.judgements():
                if (judgement.verdict == Verdict.TOO_SHORT) == too_short:
                    found[run.header.door, judgement.experiment.name] = run
    return found


def margins() -> list[tuple[float, list[str]]]:
    """Each practical margin with what it is for; last the one that most figures have."""
    named: dict[float, list[str]] = {}
    for figure in FIGURES.values():
        named.setdefault(figure.metric.margin, []).append(figure.metric.what)
    return sorted(named.items(), key=lambda each: len(each[1]))


def part(experiment: Experiment, by_door: dict[str, tuple[Run, Section]]) -> Part:
    notes = Footnotes()
    judgements = {door: section.judgement for door, (_, section) in by_door.items()}
    said = {door: f"**{verdict_of(each)}**. {verdict_sentence(each)}" for door, each in judgements.items()}
    return Part(
        experiment=experiment,
        verdicts={door: verdict_of(each) for door, each in judgements.items()},
        came_out=each_once({door: came_out(each) for door, each in judgements.items()}),
        setups=[each_once({door: set_up(each, way) for door, each in judgements.items()}) for way in Setup],
        said=each_once(said),
        rounds="; ".join(
            f"{door} {how_many_rounds(judgements[door])} ({run.folder.name})" for door, (run, _) in by_door.items()
        ),
        findings=side_by_side(experiment, {door: section for door, (_, section) in by_door.items()}, notes),
        in_units=[(door, table) for door, (_, section) in by_door.items() for table in in_units(section)],
        notes=notes.reasons,
        differ=differ(next(section for _, section in by_door.values())),
    )


def differ(section: Section) -> dict[str, list[str]]:
    """What may explain a ratio, beside interface and framework: "server gunicorn / uvicorn; …"."""
    found: dict[str, list[str]] = {}
    for contrast in section.judgement.experiment.contrasts:
        if said := section.differ(contrast):
            pairs = found.setdefault(said, [])
            if (pair := f"{contrast.subject} / {contrast.baseline}") not in pairs:
                pairs.append(pair)
    return found


def set_up(judgement: Judgement, way: Setup) -> str:
    """How the headline rows compare that way, at the last level: by each figure its ratio, and what that comes to."""
    last = list(judgement.experiment.levels)[-1]
    those = [each for each in judgement.findings if each.contrast.setup == way and each.level == last]
    if not those:
        return "–"
    contrast, where = those[0].contrast, f" at {how_varied(judgement.experiment, [last])}" if last else ""
    figures = [f"{what(each.contrast.figure)} {ratio(each.comparison)}, {outcome(each)}" for each in those]
    return f"{contrast.subject} / {contrast.baseline}{where}: {'; '.join(figures)}"


def how_many_rounds(judgement: Judgement) -> str:
    """How many rounds its comparisons rest on: one that is decided is measured no more."""
    pairs = {each.comparison.pairs for each in judgement.findings if each.comparison}
    return " to ".join(map(str, sorted({min(pairs), max(pairs)}))) if pairs else "none that counts"


def each_once(by_door: Mapping[str, str]) -> list[str]:
    """What is said at several doors, once; with the doors where not all say the same."""
    texts = dict.fromkeys(by_door.values())
    if len(texts) == 1:
        return list(texts)
    doors = {text: ", ".join(door for door, each in by_door.items() if each == text) for text in texts}
    return [f"{doors[text]}: {text}" for text in texts]


def side_by_side(experiment: Experiment, by_door: dict[str, Section], notes: Footnotes) -> Table:
    """A line for each contrast at each level, and in it for each door the ratio, the control and how busy both were."""
    lines: dict[tuple[str, Contrast], dict[str, Finding]] = {}
    for door, section in by_door.items():
        for each in section.judgement.findings:
            lines.setdefault((each.level, each.contrast), {})[door] = each
    headings = [*([experiment.varied] if experiment.varied else []), "compared", "by"]
    rows = []
    for (level, contrast), line in lines.items():
        cells = [cell for door, section in by_door.items() for cell in cells_of(line.get(door), section, notes)]
        compared = f"{contrast.subject} / {contrast.baseline}"
        rows.append([*([level] if experiment.varied else []), compared, by(contrast), *cells])
    told = [
        f"{door}: {each}" for door in by_door for each in ("ratio (95 % interval)", "in words", "A/A", "CPUs in use")
    ]
    return Table("Findings", [*headings, *told], rows, texts=len(headings))


def cells_of(finding: Finding | None, section: Section, notes: Footnotes) -> tuple[str, str, str, str]:
    if finding is None:
        return "–", "not measured", "–", "–"
    if finding.reasons:
        return notes.refused(finding.reasons), "refused", "–", section.used(finding)
    return ratio(finding.comparison), outcome(finding), ratio(finding.control), section.used(finding)
