"""What a run may say of a claim: candidates, each with what must have come out before it is said.

An experiment lists them, the most telling first. The first whose needs were all met is said. Where there is none, a
plain sentence is made of the findings (lab/judge/words.py). So a sentence names an arm or a level only if it needs it.
"""

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


@dataclass(frozen=True)
class Sentence:
    text: str
    needs: tuple[Need, ...]


def sentence(text: str, *needs: Need) -> Sentence:
    return Sentence(text, needs)


def better(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.BETTER,), at, figure)


def worse(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.WORSE,), at, figure)


def alike(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.NO_DIFFERENCE,), at, figure)


def not_better(subject: str, *baselines: str, at: tuple[str, ...] = (), figure: str = "") -> Need:
    return Need(subject, baselines, (Outcome.WORSE, Outcome.NO_DIFFERENCE), at, figure)
