"""Judgements made by hand: what came out of each comparison of an experiment."""

from lab.experiments import Experiment
from lab.experiments.outcomes import Outcome
from lab.judge.gates import Checked
from lab.judge.judge import Finding, Judgement
from lab.judge.statistics import compare
from tests.unit.records import SPREAD

BETTER, WORSE, ALIKE, OPEN = Outcome.BETTER, Outcome.WORSE, Outcome.NO_DIFFERENCE, Outcome.INCONCLUSIVE
REFUSED = None
Came = dict[tuple[str, str, str, str], Outcome | None]  # subject, baseline, figure, level: what came out


def judgement(part: Experiment, came: Came) -> Judgement:
    findings = []
    for level in part.levels:
        for contrast in part.contrasts:
            came_out = came.get((contrast.subject, contrast.baseline, contrast.figure, level), REFUSED)
            refused = (Checked("wrong answers", ("wrong",)),) if came_out is REFUSED else ()
            measured = None if came_out is REFUSED else compare(LOGS[came_out], 1)
            findings.append(Finding(contrast, level, 6, measured, measured, refused))
    return Judgement(part, tuple(findings), {})


LOGS = {
    BETTER: [value - 4.5 for value in SPREAD],  # by so much that every size which a sentence needs is met
    WORSE: [value - 0.3 for value in SPREAD],
    ALIKE: [value - 1.0 for value in SPREAD],
    OPEN: [9 * (-1) ** place for place in range(6)],
}


def cells(part: Experiment) -> list[tuple[str, str, str, str]]:
    return [(each.subject, each.baseline, each.figure, level) for level in part.levels for each in part.contrasts]
