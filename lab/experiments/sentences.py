"""What a run may say of a claim: candidates, each with what must have come out before it is said.

An experiment lists them, the most telling first. The first whose needs were all met is said. Where there is none, a
plain sentence is made of the findings (lab/judge/words.py). So a sentence names an arm or a level only if it needs it.

What came out and why stand apart. A cause is a figure of the same run, said with its numbers where they fit; or
it is called a guess.
"""

import math
from dataclasses import dataclass

from lab.experiments.outcomes import Outcome


@dataclass(frozen=True)
class Need:
    """How a subject must have come out against these baselines."""

    subject: str
    baselines: tuple[str, ...]
    outcomes: tuple[Outcome, ...]  # any of them
    levels: tuple[str, ...]  # none: every level of the run
    figure: str  # none: that by which the claim is judged
    ruled_out: Outcome | None = None  # or this at least
    least: float = 0  # that the ratio's interval must lie above
    most: float = math.inf  # and below

    def met(self, outcome: Outcome | None, ruled_out: Outcome | None) -> bool:
        return outcome in self.outcomes or (self.ruled_out is not None and self.ruled_out == ruled_out)


@dataclass(frozen=True)
class Measured:
    """A figure that must lie within bounds for each of these arms."""

    figure: str
    arms: tuple[str, ...]
    least: float = 0
    most: float = math.inf
    levels: tuple[str, ...] = ()  # none: every level of the run


@dataclass(frozen=True)
class Cause:
    text: str
    figures: tuple[Measured, ...]


@dataclass(frozen=True)
class Sentence:
    outcome: str  # what came out
    needs: tuple[Need, ...]
    because: Cause | None = None  # why, as the same run has measured it
    guess: str = ""  # why, perhaps: not measured


def sentence(outcome: str, *needs: Need, because: Cause | None = None, guess: str = "") -> Sentence:
    return Sentence(outcome, needs, because, guess)


def because(text: str, *figures: Measured) -> Cause:
    return Cause(text, figures)


def measured(figure: str, *arms: str, least: float = 0, most: float = math.inf, at: tuple[str, ...] = ()) -> Measured:
    return Measured(figure, arms, least, most, at)


def better(
    subject: str,
    *baselines: str,
    at: tuple[str, ...] = (),
    figure: str = "",
    least: float = 0,
    most: float = math.inf,
) -> Need:
    return Need(subject, baselines, (Outcome.BETTER,), at, figure, least=least, most=most)


def worse(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.WORSE,), at, figure)


def alike(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.NO_DIFFERENCE,), at, figure)


def not_better(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.WORSE, Outcome.NO_DIFFERENCE), at, figure, ruled_out=Outcome.BETTER)
