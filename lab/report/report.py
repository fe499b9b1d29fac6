"""The report of a run, report.html and report.md, made from its raw.jsonl alone."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lab.experiments import Experiment
from lab.experiments.outcomes import Verdict
from lab.generator.record import writing
from lab.judge.figures import unseen
from lab.judge.judge import Judgement
from lab.judge.words import decided_so, fitting, meaning, verdict_sentence
from lab.report import charts, picture, tables
from lab.report.section import Footnotes, Section, Table, sections
from lab.run.results import Run

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Part:
    """One experiment as the report shows it."""

    experiment: Experiment
    verdict: Verdict
    sentence: str
    said: str  # as a person repeats it: beside the picture, which has the details
    lines: list[picture.Line]
    headline: tuple[picture.Line, picture.Mark] | None
    planted: str  # of a planted fault: whether the gates saw it
    unseen: str  # what the gates could not see
    charts: list[charts.Chart]
    tables: list[Table]
    notes: list[str]  # why figures were refused, in the order of their numbers
    refused: int  # so many of these are of the picture; the others are of the tables
    size: int  # blocks
    gates: list[tuple[str, list[str]]]


def write(run: Run) -> Path:
    """Both into the run's folder; the path of the HTML. LabError where they cannot be written."""
    shown = [section for section in sections(run) if section.size]
    parts = [part_of(section) for section in shown]
    facts = {
        "run": run,
        "parts": parts,
        "axis": picture.axis(line for part in parts for line in picture.first_figure(part.lines)),
        "panels": picture.panels,
        "first_figure": picture.first_figure,
        "shortfalls": tables.shortfalls(run, shown),
        "audit": tables.audit(run),
        "placement": tables.placement(run),
        "environment": tables.environment(run),
        "rows": tables.rows(run),
        "commands": tables.commands(run),
        "gate_list": tables.gate_list(),
        "method": render("method.txt.j2", {"run": run, "looks": run.header.looks}).strip().split("\n\n"),
    }
    for name in ("report.html", "report.md"):
        path, part = run.folder / name, run.folder / f"{name}.part"
        with writing(path, f"raw.jsonl has all that was measured, and lab report {run.folder} tries again"):
            try:
                part.write_text(render(f"{name}.j2", facts))
                part.replace(path)  # so a full disk leaves no half of a page
            finally:
                part.unlink(missing_ok=True)
    return run.folder / "report.html"


def part_of(section: Section) -> Part:
    judgement, notes = section.judgement, Footnotes()
    lines = picture.lines(section, notes)
    refused = len(notes.reasons)
    shown = [tables.findings(section, notes), *tables.in_units(section), tables.arms(section, notes)]
    return Part(
        experiment=judgement.experiment,
        verdict=judgement.verdict,
        sentence=verdict_sentence(judgement),
        said=meaning(judgement) + ("" if fitting(judgement) else decided_so(judgement)),
        lines=lines,
        headline=picture.headline(lines, judgement.verdict),
        planted=planted(judgement),
        unseen=unseen(section.header, judgement.experiment.figures),
        charts=charts.of(section),
        tables=shown,
        notes=notes.reasons,
        refused=refused,
        size=section.size,
        gates=tables.gates(section),
    )


def planted(judgement: Judgement) -> str:
    if not judgement.experiment.must_be_refused:
        return ""
    if judgement.as_planned:
        return "A fault was planted here on purpose, and the gates saw it."
    return "A fault was planted here on purpose, and the gates did not see it: do not trust this run."


def render(template: str, facts: dict[str, Any]) -> str:
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=template.endswith(".html.j2"),
    )
    jinja.filters["md"] = markdown
    jinja.filters["code"] = code
    return jinja.get_template(template).render(facts)


def markdown(text: object) -> str:
    """As text within a table or a paragraph: no HTML, no cell's end."""
    flat = " ".join(str(text).split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def code(text: str) -> Markup:
    """As HTML in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped)
