"""What `lab run --json` and `lab compare --json` print, for programs.

docs/verdicts.schema.json and docs/compare.schema.json are made of these records.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter

from lab.experiments.outcomes import Rule, Verdict
from lab.generator.record import Header
from lab.judge.audit import differences
from lab.judge.figures import FIGURES, unseen
from lab.judge.judge import Finding, Judgement
from lab.judge.statistics import Comparison
from lab.judge.words import InAWord, came_out, finding_sentence, outcome, verdict_of, verdict_sentence, why
from lab.report.compare import Change, Changes, Said
from lab.run.results import Run

DESCRIBED = ConfigDict(use_attribute_docstrings=True)  # what stands below a field describes it in the schema


@dataclass(frozen=True)
class FindingRecord:
    """One comparison of two arms, at one level."""

    __pydantic_config__ = DESCRIBED
    subject: str
    baseline: str
    figure: str
    """What is compared: cpu_us, throughput, p50_ms, …"""
    what: str
    """The same in words: CPU per request."""
    smaller_is_better: bool
    level: str | None
    """At how many clients, queries, …; null where nothing was varied."""
    decides: bool
    """False: it is shown, and the verdict is made without it."""
    pairs: int
    """Measured; a comparison uses those of whole looks."""
    outcome: InAWord
    """Of the subject, by the margin that matters."""
    sentence: str
    refused: list[str]
    """Why the gates refused it; then there is no number."""
    comparison: Comparison | None
    control: Comparison | None
    """Each of the two arms against itself, from the same results: the noise."""
    differ: str
    """What else the two rows have that may explain a ratio, beside interface and framework; empty: nothing."""
    cpus_in_use: tuple[float | None, float | None]
    """By the subject and by the baseline, on average; null where it was not seen."""


@dataclass(frozen=True)
class VerdictRecord:
    """What a run says of one claim."""

    __pydantic_config__ = DESCRIBED
    experiment: str
    claim: str
    source: str
    rule: Rule
    """How the findings make the verdict."""
    verdict: Verdict
    """`too short`: it was stopped before its first look, so there is no verdict."""
    in_full: str
    """The verdict; where one case is enough, with the number of cases in which it held."""
    sentence: str
    """Outcome, cause, guess and rule in one."""
    came_out: str
    """The outcome alone; of an open verdict also what is decided of it."""
    cause: str
    """Why it came out so, with the figures of this run that show it; empty where it has measured none."""
    guess: str
    """Why, perhaps: not measured. Empty where there is none."""
    as_planned: bool
    """Whether the gates did what they should: nothing refused, or everything where a fault was planted."""
    unseen: str | None
    """What no gate can see of its figures at this door; null where the gates see all."""
    findings: list[FindingRecord]


@dataclass(frozen=True)
class Output:
    """What `lab run --json` prints."""

    __pydantic_config__ = DESCRIBED
    version: Literal[1]
    """Of this format: raised when a field changes its name or its meaning."""
    door: str
    """native, compose, or the URL of a gateway."""
    complete: bool
    """False: Ctrl-C ended it early. Experiments that it did not reach are missing."""
    missed_limit: list[str]
    """What missed --limit-p99-ms, in words."""
    verdicts: list[VerdictRecord]
    results: str
    """The folder with raw.jsonl and the report."""


@dataclass(frozen=True)
class NotAlike:
    """Something that the two runs did not have alike: it may have caused a change."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangeRecord:
    """One comparison of two arms, as both runs have judged it."""

    __pydantic_config__ = DESCRIBED
    experiment: str
    subject: str
    baseline: str
    figure: str
    level: str | None
    """At how many clients, queries, …; null where nothing was varied."""
    smaller_is_better: bool
    before: Comparison
    after: Comparison
    ratio: float
    """The later ratio over the earlier."""
    low: float
    """Of its 95 % interval."""
    high: float
    change: Said
    """By the figure's margin, which stands in `after`."""


@dataclass(frozen=True)
class VerdictChange:
    """What the two runs say of one claim."""

    experiment: str
    before: Verdict
    after: Verdict


@dataclass(frozen=True)
class CompareOutput:
    """What `lab compare --json` prints."""

    __pydantic_config__ = DESCRIBED
    version: Literal[1]
    """Of this format: raised when a field changes its name or its meaning."""
    before: str
    """The results folder of the first run."""
    after: str
    changed: bool
    """Whether any comparison changed by more than its margin: then the exit code is 4."""
    not_alike: list[NotAlike]
    changes: list[ChangeRecord]
    verdicts: list[VerdictChange]


OUTPUT = TypeAdapter(Output)
COMPARE_OUTPUT = TypeAdapter(CompareOutput)


def text(run: Run, judgements: Sequence[Judgement], *, complete: bool, missed: list[str]) -> str:
    """As JSON."""
    verdicts = [verdict_record(run.header, each) for each in judgements]
    made = Output(1, run.header.door, complete, missed, verdicts, str(run.folder))
    return OUTPUT.dump_json(made, indent=2).decode()


def comparison_text(before: Run, after: Run, found: Changes) -> str:
    """As JSON."""
    made = CompareOutput(
        version=1,
        before=str(before.folder),
        after=str(after.folder),
        changed=found.changed,
        not_alike=[NotAlike(*each) for each in found.differences],
        changes=[change_record(each) for each in found.changes],
        verdicts=[VerdictChange(name, *both) for name, both in found.verdicts.items()],
    )
    return COMPARE_OUTPUT.dump_json(made, indent=2).decode()


def schema(of: TypeAdapter[Any] = OUTPUT) -> str:
    """docs/verdicts.schema.json, or docs/compare.schema.json."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | of.json_schema(mode="serialization"), indent=2) + "\n"


def change_record(each: Change) -> ChangeRecord:
    contrast, before, after = each.after.contrast, each.before.comparison, each.after.comparison
    assert before and after  # only what was judged in both runs is compared
    return ChangeRecord(
        experiment=each.experiment,
        subject=contrast.subject,
        baseline=contrast.baseline,
        figure=contrast.figure,
        level=each.after.level or None,
        smaller_is_better=FIGURES[contrast.figure].metric.smaller_is_better,
        before=before,
        after=after,
        ratio=each.ratio,
        low=each.low,
        high=each.high,
        change=each.said,
    )


def verdict_record(header: Header, judgement: Judgement) -> VerdictRecord:
    experiment, (cause, guess) = judgement.experiment, why(judgement)
    return VerdictRecord(
        experiment=experiment.name,
        claim=experiment.claim,
        source=str(experiment.source),
        rule=experiment.rule,
        verdict=judgement.verdict,
        in_full=verdict_of(judgement),
        sentence=verdict_sentence(judgement),
        came_out=came_out(judgement),
        cause=cause,
        guess=guess,
        as_planned=judgement.as_planned,
        unseen=unseen(header, experiment.figures) or None,
        findings=[finding_record(header, judgement, finding) for finding in judgement.findings],
    )


def finding_record(header: Header, judgement: Judgement, finding: Finding) -> FindingRecord:
    contrast, metric = finding.contrast, FIGURES[finding.contrast.figure].metric
    arms = judgement.experiment.pair(contrast)
    used = [judgement.cells.get((finding.level, arm.name, "utilisation")) for arm in arms]
    values = [cell.value if cell and math.isfinite(cell.value) else None for cell in used]
    return FindingRecord(
        subject=contrast.subject,
        baseline=contrast.baseline,
        figure=contrast.figure,
        what=metric.what,
        smaller_is_better=metric.smaller_is_better,
        level=finding.level or None,
        decides=contrast.decides,
        pairs=finding.pairs,
        outcome=outcome(finding),
        sentence=finding_sentence(finding),
        refused=list(finding.reasons),
        comparison=finding.comparison,
        control=finding.control,
        differ=differences(*(header.abouts[arm.row] for arm in arms)),
        cpus_in_use=(values[0], values[1]),
    )
