"""Verdicts and findings as people read them."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from lab.experiments import Experiment
from lab.experiments.outcomes import CONCLUSIONS, Outcome, Rule, Verdict
from lab.experiments.sentences import Cause, Measured, Need, Sentence
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Judgement
from lab.judge.statistics import LOOKS, Comparison, sentence

PLAIN = {
    Verdict.SUPPORTED: "What was measured supports the claim.",
    Verdict.REFUTED: "What was measured refutes the claim.",
    Verdict.DEPENDS: "Some comparisons agreed with the claim, and some did not.",
    Verdict.NO_DIFFERENCE: "There is no difference that matters.",
    Verdict.INCONCLUSIVE: "What was measured does not decide it: a longer run may.",
    Verdict.REFUSED: "The run was not valid, so it says nothing.",
    Verdict.TOO_SHORT: "The run was stopped before its first look: too short to say anything.",
}
AT_THE_END = f"What was measured does not decide it, in {LOOKS[-1]} rounds, where the plan ends."
ONE_SERVER = "One server says nothing of the interface: every one that speaks both must agree."
GUESS = "A guess, which this run has not measured: "
REFUSED_IN_PART = "The gates refused what could decide it."
REFUSED_TOO = " Of its comparisons the gates refused some."
PLANTED = "The gates refused it, as they must: a fault was planted here on purpose."
READABLE = 3  # comparisons in a sentence
AGREED, CONTRADICTED, NO_DIFFERENCE = "agreed with the claim", "contradicted it", "made no difference"
DID_NOT = "did not agree with it"  # whether it contradicted it, or made no difference, is open


def verdict_of(judgement: Judgement) -> str:
    """The verdict; where one case is enough, in how many it held, or it would read as if it held in all."""
    if judgement.experiment.must_be_refused and judgement.as_planned:
        return f"{judgement.verdict}, as planted"
    if judgement.experiment.rule == Rule.ONE_CASE and judgement.verdict == Verdict.SUPPORTED:
        held = sum(each.holds for each in judgement.deciding)
        return f"{judgement.verdict}, in {held} of {len(judgement.deciding)} cases"
    return str(judgement.verdict)


def verdict_sentence(judgement: Judgement) -> str:
    """What the run says of the claim, in words that a person can repeat; where it came out how; by what rule."""
    stances = {stance(each) for each in judgement.deciding}
    written = fitting(judgement) and len(stances) == 1
    ruled = "" if judgement.verdict in (Verdict.REFUSED, Verdict.TOO_SHORT) else f" Rule: {judgement.experiment.rule}."
    return meaning(judgement) + ("" if written else decided_so(judgement)) + ruled


def meaning(judgement: Judgement) -> str:
    """The same in short, of nothing but what the run has shown."""
    if judgement.verdict == Verdict.REFUSED and judgement.experiment.must_be_refused:
        return PLANTED
    if judgement.verdict == Verdict.INCONCLUSIVE:
        return why_open(judgement)
    said = fitting(judgement)
    if not said:
        return PLAIN[judgement.verdict]
    shown, guessed = why(judgement)
    return " ".join(filter(None, (said.outcome, shown, guessed and GUESS + guessed)))


def why(judgement: Judgement) -> tuple[str, str]:
    """The cause, as this run has measured it, and a guess; each empty where there is none."""
    said = fitting(judgement)
    return (cause(said.because, judgement), said.guess) if said else ("", "")


def why_open(judgement: Judgement) -> str:
    """What kept a verdict from being one (rounds, the gates, servers that say too little), and what it may be yet."""
    possible = judgement.still_possible
    if possible == [Verdict.INCONCLUSIVE]:
        return ONE_SERVER
    rest = f" Still possible: {' or '.join(possible)}." if len(possible) < len(CONCLUSIONS) else ""
    undecided = [each for each in judgement.deciding if each.outcome == Outcome.INCONCLUSIVE]
    if not undecided:
        return REFUSED_IN_PART + rest
    refused = any(each.reasons for each in judgement.deciding)
    ended = all(each.pairs >= LOOKS[-1] for each in undecided)
    why = (AT_THE_END if ended else PLAIN[Verdict.INCONCLUSIVE]) + (REFUSED_TOO if refused else "")
    return why + open_figures(undecided, judgement) + rest


def open_figures(undecided: Sequence[Finding], judgement: Judgement) -> str:
    """The comparisons that are open; empty where they are too many for a sentence: the tables have them."""
    if len(undecided) > READABLE or not all(each.comparison for each in undecided):
        return ""
    where = [f"at {how_varied(judgement.experiment, [each.level])} " if each.level else "" for each in undecided]
    told = [f"{one}{finding_sentence(each)}" for one, each in zip(where, undecided, strict=True)]
    return f" Open: {'; '.join(told)}."


def came_out(judgement: Judgement) -> str:
    """The same without a cause: for a table of many claims. Of one that is open, what is decided of it."""
    if said := fitting(judgement):
        return said.outcome
    return meaning(judgement) + (decided_so(judgement) if judgement.verdict == Verdict.INCONCLUSIVE else "")


def fitting(judgement: Judgement) -> Sentence | None:
    """The first of the experiment's sentences whose needs are all met; none where nothing is concluded."""
    if judgement.verdict not in CONCLUSIONS:
        return None
    sentences = judgement.experiment.sentences
    return next((each for each in sentences if all(met(need, judgement) for need in each.needs)), None)


def cause(because: Cause | None, judgement: Judgement) -> str:
    """Why it came out so, with the figures of this run that say it; empty where they say otherwise, or are missing."""
    if because is None:
        return ""
    shown: dict[str, list[str]] = {}
    for each in because.figures:
        if not (values := of_each_arm(each, judgement)):
            return ""
        metric = FIGURES[each.figure].metric
        unit = f" in {metric.unit}" if metric.unit in ("µs", "ms", "MiB") else ""
        shown.setdefault(metric.what + unit, []).append(values)
    figures = "; ".join(f"{what}: {', '.join(values)}" for what, values in shown.items())
    return f"{because.text} ({figures})."


def of_each_arm(measured: Measured, judgement: Judgement) -> str:
    """The figure of each arm; empty unless it was measured, and lies within its bounds, at every level."""
    parts = []
    for arm in measured.arms:
        levels = measured.levels or tuple(judgement.experiment.levels)
        cells = [judgement.cells.get((level, arm, measured.figure)) for level in levels]
        values = [cell.value for cell in cells if cell]
        if len(values) < len(levels) or not all(measured.least <= value <= measured.most for value in values):
            return ""  # nan is within no bounds
        parts.append(f"{arm} {' to '.join(dict.fromkeys(map(short, (min(values), max(values)))))}")
    return ", ".join(parts)


def met(need: Need, judgement: Judgement) -> bool:
    """Whether the run has measured what a sentence needs, and it came out so."""
    levels = need.levels or judgement.experiment.levels
    found = [finding_of(judgement, need, baseline, level) for baseline in need.baselines for level in levels]
    return all(
        each and need.met(each.outcome, each.ruled_out) and within(each.comparison, need.least, need.most)
        for each in found
    )


def within(comparison: Comparison | None, least: float, most: float) -> bool:
    """Whether all of its interval is; what was not compared is, where nothing is asked."""
    if comparison is None:
        return (least, most) == (0, math.inf)
    return least <= comparison.low and comparison.high <= most


def finding_of(judgement: Judgement, need: Need, baseline: str, level: str) -> Finding | None:
    """By the figure that is needed, or by that which decides; None where there is none."""
    for each in judgement.findings:
        contrast = each.contrast
        wanted = contrast.figure == need.figure if need.figure else contrast.decides
        if wanted and (contrast.subject, contrast.baseline, each.level) == (need.subject, baseline, level):
            return each
    return None


def decided_so(judgement: Judgement) -> str:
    """What is decided, and how; figure by figure where there are several."""
    figures = list(dict.fromkeys(each.contrast.figure for each in judgement.deciding))
    parts = []
    for figure in figures:
        grouped = by_contrast([each for each in judgement.deciding if each.contrast.figure == figure]).values()
        told = []
        for said in (AGREED, CONTRADICTED, NO_DIFFERENCE, DID_NOT):
            names = [name for findings in grouped for name in named(findings, said, judgement)]
            if names:
                told.append(f"{', '.join(names)} {said}")
        if told:
            by = f"by {FIGURES[figure].metric.what}: " if len(figures) > 1 else ""
            parts.append(by + "; ".join(told))
    return f" ({'; '.join(parts)})" if parts else ""


def stance(finding: Finding) -> str | None:
    """What a finding does to its claim; None where it is open."""
    if finding.outcome in (None, Outcome.INCONCLUSIVE):
        return DID_NOT if finding.ruled_out == finding.contrast.claimed else None
    if finding.holds:
        return AGREED
    return NO_DIFFERENCE if finding.outcome == Outcome.NO_DIFFERENCE else CONTRADICTED


def named(findings: Sequence[Finding], said: str, judgement: Judgement) -> list[str]:
    """One contrast in short, if it came out so; where, if not everywhere."""
    those = [each for each in findings if stance(each) == said]
    if not those:
        return []
    contrast = findings[0].contrast
    levels = [each.level for each in those]
    where = f" at {how_varied(judgement.experiment, levels)}" if len(those) < len(findings) else ""
    return [f"{contrast.subject} / {contrast.baseline}{where}"]


def how_varied(experiment: Experiment, levels: Sequence[str]) -> str:
    """4 and 8 clients; 1 query per request."""
    one = levels == ["1"] and experiment.varied_one
    return f"{listed(levels)} {one or experiment.varied}"


def listed(words: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def short(value: float) -> str:
    """Two digits at least."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def how_many(number: int, thing: str) -> str:
    """1 row, 2 rows."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


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
        few = how_many(finding.pairs, "pair")
        return f"{contrast.subject} against {contrast.baseline}: {few} of blocks, too few to judge"
    return sentence(finding.comparison, contrast.subject, contrast.baseline, FIGURES[contrast.figure].metric)


def ratio(comparison: Comparison | None) -> str:
    if comparison is None:
        return "–"
    return f"× {times(comparison.ratio)} ({times(comparison.low)}–{times(comparison.high)})"


def times(value: float) -> str:
    """A ratio: two decimals, or two digits where that says too little or too much."""
    if value >= 0.1:
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{Decimal(f'{value:.2g}'):f}"  # no 7.4e-05: people read it


InAWord = Literal["better", "worse", "no difference that matters", "inconclusive", "refused", "too few pairs"]


def outcome(finding: Finding) -> InAWord:
    if not finding.looked_at:
        return "too few pairs"
    return finding.outcome.value if finding.outcome else "refused"
