"""What several comparisons say of one claim, by the rule of the claim. docs/judging.md has the rules in words."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from lab.experiments.outcomes import Outcome, Rule, Verdict


class Case(NamedTuple):
    """One comparison that decides."""

    outcome: Outcome | None  # what came out; None: the gates refused it
    claimed: Outcome  # what the claim says
    server: str = ""  # on which both arms ran, where only the interface differs
    ruled_out: Outcome | None = None  # what it cannot become, where it is open

    @property
    def holds(self) -> bool:
        return self.outcome == self.claimed

    @property
    def open(self) -> bool:
        return self.outcome in (None, Outcome.INCONCLUSIVE)

    @property
    def may_hold(self) -> bool:
        return self.holds or (self.open and self.ruled_out != self.claimed)

    @property
    def endings(self) -> "list[Case]":
        """What it may come to yet; nothing but itself where it is decided."""
        if not self.open:
            return [self]
        never = (Outcome.INCONCLUSIVE, self.ruled_out)
        return [self._replace(outcome=each) for each in Outcome if each not in never]


def verdict(rule: Rule, cases: Sequence[Case]) -> Verdict:
    """It stays inconclusive while a comparison that is open could still change which of them it is."""
    if all(case.outcome is None for case in cases):
        return Verdict.REFUSED
    if rule == Rule.EVERY_SERVER and len({case.server for case in cases}) < 2:
        return Verdict.INCONCLUSIVE  # one server says nothing of the interface, whichever way
    held = [case.holds for case in cases]
    if all(held) or (rule == Rule.ONE_CASE and any(held)):
        return Verdict.SUPPORTED
    if any(held) and not all(case.may_hold for case in cases):
        return Verdict.DEPENDS
    if any(case.may_hold for case in cases):
        return Verdict.INCONCLUSIVE
    if all(case.outcome == Outcome.NO_DIFFERENCE for case in cases):
        return Verdict.NO_DIFFERENCE
    if all(case.open or case.outcome == Outcome.NO_DIFFERENCE for case in cases):
        return Verdict.INCONCLUSIVE  # none holds; whether one contradicts is open
    return Verdict.REFUTED


def still_possible(rule: Rule, cases: Sequence[Case]) -> list[Verdict]:
    """The verdicts to which its open comparisons may yet lead."""
    # A rule asks whether all are so, or any: of comparisons that are alike, two can say what a hundred can.
    return possible_of(rule, frozenset((case, min(count, 2)) for case, count in Counter(cases).items()))


@cache
def possible_of(rule: Rule, counted: frozenset[tuple[Case, int]]) -> list[Verdict]:
    cases = [case for case, count in counted for _ in range(count)]
    found = {verdict(rule, ended) for ended in product(*(case.endings for case in cases))}
    return [each for each in Verdict if each in found]
