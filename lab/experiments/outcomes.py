"""What a comparison can come to, and what a claim can come to."""

from enum import StrEnum


class Outcome(StrEnum):
    """Of one comparison: all of its interval lies beyond the practical margin, within it, or neither."""

    BETTER = "better"  # by more than the margin, whatever the figure counts
    WORSE = "worse"
    NO_DIFFERENCE = "no difference that matters"
    INCONCLUSIVE = "inconclusive"


class Rule(StrEnum):
    """How a claim's comparisons make its verdict: lab/judge/verdicts.py applies it."""

    ALL = "all"  # it says that something is so: then it is so in every comparison
    ONE_CASE = "one case"  # it says that something may be so: then one comparison is enough
    EVERY_SERVER = "every server that speaks both"  # it is about the interface: then no server may differ


class Verdict(StrEnum):
    """Of one claim, from all its comparisons."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    DEPENDS = "depends"
    NO_DIFFERENCE = "no difference that matters"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"
    TOO_SHORT = "too short"  # stopped before its first look: no verdict


CONCLUSIONS = (Verdict.SUPPORTED, Verdict.REFUTED, Verdict.DEPENDS, Verdict.NO_DIFFERENCE)
