"""What a comparison can come to, and what a claim can come to."""

from enum import StrEnum


class Outcome(StrEnum):
    """Of one comparison: all of its interval lies beyond the practical margin, within it, or neither."""

    BETTER = "better"  # by more than the margin, whatever the figure counts
    WORSE = "worse"
    NO_DIFFERENCE = "no difference that matters"
    INCONCLUSIVE = "inconclusive"


class Verdict(StrEnum):
    """Of one claim, from all its comparisons: lab/judge/verdicts.py has the rule."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    DEPENDS = "depends"
    NO_DIFFERENCE = "no difference that matters"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"
    TOO_SHORT = "too short"  # stopped before its first look: no verdict
