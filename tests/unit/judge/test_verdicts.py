"""What comparisons say together of a claim."""

import pytest

from lab.experiments.outcomes import Outcome, Verdict
from lab.judge.verdicts import verdict

BETTER, WORSE, ALIKE, OPEN = Outcome.BETTER, Outcome.WORSE, Outcome.NO_DIFFERENCE, Outcome.INCONCLUSIVE
REFUSED = None


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([BETTER], Verdict.SUPPORTED),
        ([BETTER, BETTER], Verdict.SUPPORTED),
        ([BETTER, REFUSED], Verdict.INCONCLUSIVE),
        ([BETTER, WORSE], Verdict.DEPENDS),
        ([BETTER, ALIKE], Verdict.DEPENDS),
        ([BETTER, WORSE, OPEN], Verdict.DEPENDS),
        ([BETTER, OPEN], Verdict.INCONCLUSIVE),
        ([OPEN], Verdict.INCONCLUSIVE),
        ([OPEN, REFUSED], Verdict.INCONCLUSIVE),
        ([WORSE], Verdict.REFUTED),
        ([WORSE, OPEN], Verdict.INCONCLUSIVE),
        ([WORSE, ALIKE], Verdict.REFUTED),
        ([ALIKE, OPEN], Verdict.INCONCLUSIVE),
        ([ALIKE], Verdict.NO_DIFFERENCE),
        ([ALIKE, ALIKE], Verdict.NO_DIFFERENCE),
        ([REFUSED], Verdict.REFUSED),
        ([REFUSED, REFUSED], Verdict.REFUSED),
        ([], Verdict.REFUSED),
    ],
)
def test_the_verdict_on_a_claim_to_be_better(outcomes: list[Outcome | None], said: Verdict) -> None:
    assert verdict([(outcome, BETTER) for outcome in outcomes]) == said
    assert verdict([(outcome, BETTER) for outcome in reversed(outcomes)]) == said


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([ALIKE, ALIKE], Verdict.SUPPORTED),
        ([ALIKE, WORSE], Verdict.DEPENDS),
        ([ALIKE, OPEN], Verdict.INCONCLUSIVE),
        ([BETTER], Verdict.REFUTED),
        ([WORSE, OPEN], Verdict.INCONCLUSIVE),
        ([OPEN, OPEN], Verdict.INCONCLUSIVE),
        ([REFUSED], Verdict.REFUSED),
    ],
)
def test_the_verdict_on_a_claim_to_be_alike(outcomes: list[Outcome | None], said: Verdict) -> None:
    assert verdict([(outcome, ALIKE) for outcome in outcomes]) == said


def test_every_comparison_is_held_against_its_own_claim() -> None:
    assert verdict([(BETTER, BETTER), (ALIKE, ALIKE)]) == Verdict.SUPPORTED
    assert verdict([(ALIKE, BETTER), (ALIKE, ALIKE)]) == Verdict.DEPENDS
