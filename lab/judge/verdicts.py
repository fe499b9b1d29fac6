"""What several comparisons say of one claim."""

from collections.abc import Sequence

from lab.experiments.outcomes import Outcome, Verdict


def verdict(outcomes: Sequence[tuple[Outcome | None, Outcome]]) -> Verdict:
    """From what came out (None: the gates refused it) and what the claim says, for each comparison.

    The claim holds where both are the same. It is supported where it holds everywhere, refuted where it holds nowhere,
    and depends in between. It stays inconclusive while an undecided comparison could still change which of them it is.
    """
    if all(outcome is None for outcome, _ in outcomes):
        return Verdict.REFUSED
    still_open = [outcome in (None, Outcome.INCONCLUSIVE) for outcome, _ in outcomes]
    holds = [outcome == claimed for outcome, claimed in outcomes]
    fails = [not each and not unknown for each, unknown in zip(holds, still_open, strict=True)]
    if all(holds):
        return Verdict.SUPPORTED
    if any(holds) and any(fails):
        return Verdict.DEPENDS
    if any(still_open):
        return Verdict.INCONCLUSIVE
    if all(outcome == Outcome.NO_DIFFERENCE for outcome, _ in outcomes):
        return Verdict.NO_DIFFERENCE
    return Verdict.REFUTED
