"""Verdicts and findings as people and programs read them."""

from collections.abc import Sequence
from typing import Any

from lab.experiments.outcomes import Outcome, Verdict
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Judgement
from lab.judge.statistics import Comparison, sentence

PLAIN = {
    Verdict.SUPPORTED: "What was measured supports the claim.",
    Verdict.REFUTED: "What was measured refutes the claim.",
    Verdict.DEPENDS: "It depends.",
    Verdict.NO_DIFFERENCE: "There is no difference that matters.",
    Verdict.INCONCLUSIVE: "What was measured does not decide it: a longer run may.",
    Verdict.REFUSED: "The run was not valid, so it says nothing.",
}


def verdict_sentence(judgement: Judgement) -> str:
    """One sentence or two that a person can repeat."""
    said = judgement.experiment.sentences.get(judgement.verdict, PLAIN[judgement.verdict])
    if judgement.verdict == Verdict.DEPENDS and (where := where_it_holds(judgement)):
        return f"{said} ({where})"
    if judgement.verdict in (Verdict.DEPENDS, Verdict.INCONCLUSIVE):
        return said + decided_so(judgement)
    return said


def decided_so(judgement: Judgement) -> str:
    """What is decided, and how."""
    parts = []
    for what, wanted in (("as the claim has it", True), ("against it", False)):
        names = [
            name for findings in by_contrast(judgement.deciding).values() for name in named(findings, wanted, judgement)
        ]
        if names:
            parts.append(f"{', '.join(names)} came out {what}")
    return f" ({'; '.join(parts)})" if parts else ""


def named(findings: Sequence[Finding], wanted: bool, judgement: Judgement) -> list[str]:
    """One contrast in short, if it is decided so: by what if there are several figures, where if not everywhere."""
    decided = [each for each in findings if each.outcome not in (None, Outcome.INCONCLUSIVE) and each.holds == wanted]
    if not decided:
        return []
    contrast = findings[0].contrast
    several = len({each.contrast.figure for each in judgement.deciding}) > 1
    by = f" in {FIGURES[contrast.figure].metric.what}" if several else ""
    levels = " and ".join(each.level for each in decided)
    where = f" at {levels} {judgement.experiment.varied}" if len(decided) < len(findings) else ""
    return [f"{contrast.subject} / {contrast.baseline}{by}{where}"]


def where_it_holds(judgement: Judgement) -> str:
    """The levels at which the first contrast that depends on them holds, and where it does not."""
    findings = that_depends(judgement)
    if not findings:
        return ""
    holds, fails = ([each.level for each in findings if each.holds == wanted] for wanted in (True, False))
    vary, contrast = judgement.experiment.varied, findings[0].contrast
    pair = f"{contrast.subject} over {contrast.baseline}"
    return f"{pair}: at {' and '.join(holds)}, not at {' and '.join(fails)} {vary}"


def that_depends(judgement: Judgement) -> list[Finding]:
    """The findings of the first deciding contrast that holds at some levels and fails at the others; else none."""
    for findings in by_contrast(judgement.deciding).values():
        decided = all(each.outcome not in (None, Outcome.INCONCLUSIVE) for each in findings)
        if decided and 0 < sum(each.holds for each in findings) < len(findings):
            return findings
    return []


def by_contrast(findings: Sequence[Finding]) -> dict[tuple[str, str, str], list[Finding]]:
    grouped: dict[tuple[str, str, str], list[Finding]] = {}
    for each in findings:
        contrast = each.contrast
        grouped.setdefault((contrast.subject, contrast.baseline, contrast.figure), []).append(each)
    return grouped


def finding_sentence(finding: Finding) -> str:
    """The finding with its figures, without a full stop."""
    contrast = finding.contrast
    if finding.reasons:
        return f"refused: {'; '.join(finding.reasons)}"
    if not finding.comparison:
        return f"{contrast.subject} against {contrast.baseline}: {finding.pairs} pairs of blocks are too few to judge"
    return sentence(finding.comparison, contrast.subject, contrast.baseline, FIGURES[contrast.figure].metric)


def ratio(comparison: Comparison | None) -> str:
    if comparison is None:
        return "–"
    return f"× {times(comparison.ratio)} ({times(comparison.low)}–{times(comparison.high)})"


def times(value: float) -> str:
    """A ratio: two decimals, or two digits where that says too little or too much."""
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def outcome(finding: Finding) -> str:
    """In a word: better, worse, alike, undecided, refused."""
    words = {
        None: "refused",
        Outcome.BETTER: "better",
        Outcome.WORSE: "worse",
        Outcome.NO_DIFFERENCE: "no difference that matters",
        Outcome.INCONCLUSIVE: "inconclusive",
    }
    return words[finding.outcome]


def as_json(judgement: Judgement) -> dict[str, Any]:
    experiment = judgement.experiment
    return {
        "experiment": experiment.name,
        "claim": experiment.claim,
        "source": experiment.source,
        "verdict": judgement.verdict.value,
        "sentence": verdict_sentence(judgement),
        "as_planned": judgement.as_planned,
        "findings": [finding_json(finding) for finding in judgement.findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    contrast, metric = finding.contrast, FIGURES[finding.contrast.figure].metric
    return {
        "subject": contrast.subject,
        "baseline": contrast.baseline,
        "figure": contrast.figure,
        "smaller_is_better": metric.smaller_is_better,
        "level": finding.level or None,
        "decides": contrast.decides,
        "pairs": finding.pairs,
        "outcome": outcome(finding),
        "sentence": finding_sentence(finding),
        "refused": list(finding.reasons),
        "comparison": comparison_json(finding.comparison),
        "control": comparison_json(finding.control),
    }


def comparison_json(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    names = ("ratio", "low", "high", "detected", "margin", "level", "look", "planned_looks")
    return {name: getattr(comparison, name) for name in names} | {"outcome": comparison.outcome.value}
