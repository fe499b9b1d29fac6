"""What makes a run invalid. A gate is one small function with a title: evidence in, a reason or nothing out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import workloads
from lab.judge.audit import unequal_rows
from lab.judge.evidence import Evidence
from loadtest.limits import GENERATOR_LIMIT, LATE_LIMIT

LITTLE_LIMIT = 0.10
REMADE_LIMIT = 0.01  # connections per request
SEEN_BY_APP = "app "  # begins what an application says that it was asked in: nginx may stand between
STARVED_LIMIT = 0.10  # CPUs that the generator lacks; so many moved a ratio by 7 % (docs/judging.md)
CROWDED_LIMIT = 0.25  # of the row's CPUs; 18 % moved a ratio by 3 %, and a hog takes 37 to 43 %


@dataclass(frozen=True)
class Gate:
    """A fault that refuses a figure where it is found."""

    title: str
    reason: Callable[[Evidence], str | None]  # what was found, for people; None where nothing was
    by_noise: bool = False  # noise can cause it, too: another look may find it gone

    @property
    def meaning(self) -> str:
        """Why the fault matters, where the title alone does not say it."""
        return (self.reason.__doc__ or "").partition("\n")[0]


@dataclass(frozen=True)
class Checked:
    """What a gate said when it was asked."""

    gate: str  # its title
    reasons: tuple[str, ...]  # none: the fault was not found
    by_noise: bool = False  # as the gate says


def gate(title: str, *, by_noise: bool = False) -> Callable[[Callable[[Evidence], str | None]], Gate]:
    return lambda reason: Gate(title, reason, by_noise)


@gate("nothing measured")
def nothing_measured(seen: Evidence) -> str | None:
    answered = seen.results and (seen.started > seen.failures or seen.held)
    return None if answered else f"{seen.row} answered nothing as it should"


@gate("wrong protocol")
def wrong_protocol(seen: Evidence) -> str | None:
    other = {each for each in seen.protocols if not each.startswith(SEEN_BY_APP)} - {*seen.asked.split(", ")}
    return f"asked for {seen.asked}, but spoke {', '.join(sorted(other))} with {seen.row}" if other else None


@gate("wrong answers")
def wrong_answers(seen: Evidence) -> str | None:
    if not seen.failures:
        return None
    example = next(iter(seen.errors), "no error text")
    return f"{seen.failures:,} of {seen.started:,} answers of {seen.row} were wrong or missing: {example}"


@gate("wrong bodies")
def wrong_bodies(seen: Evidence) -> str | None:
    """Requests may be lost where that is what is measured; an answer that comes must have the right body."""
    wrong = next((text for text in seen.errors if text.startswith("wrong body")), None)
    return f"an answer of {seen.row} had a {wrong}" if wrong else None


@gate("answers that came wrong")
def answers_that_came_wrong(seen: Evidence) -> str | None:
    """Clients may wait in vain where that is what is measured; an answer that comes must be right all the same.

    That every connection of the pool is in use, in so many words, tells a client that it has waited in vain.
    """
    wrong = seen.failures - seen.timeouts - refused(seen)
    if wrong <= 0:
        return None
    examples = "; ".join(seen.errors) or "no error text"
    return f"{wrong:,} answers of {seen.row} came and were wrong, or broke off: {examples}"


@gate("refused for another reason")
def refused_wrongly(seen: Evidence) -> str | None:
    """A row may say that every connection of its pool is in use; any other answer must be right."""
    wrong = seen.failures - refused(seen)
    if not wrong:
        return None
    example = next((text for text in seen.errors if workloads.POOL_BUSY not in text), "no error text")
    return f"{wrong:,} of {seen.started:,} answers of {seen.row} were wrong or missing: {example}"


def refused(seen: Evidence) -> int:
    """Of the failures: the row said that every connection of its pool is in use."""
    return sum(count for text, count in seen.errors.items() if workloads.POOL_BUSY in text)


@gate("wrong probe")
def wrong_probe(seen: Evidence) -> str | None:
    if not seen.probe_failures:
        return None
    return f"{seen.probe_failures:,} of {seen.probe_started:,} probes of {seen.row} were wrong or missing"


@gate("generator was busy", by_noise=True)
def generator_was_busy(seen: Evidence) -> str | None:
    """Throughput and latency are then the generator's as much as the row's. What it waits for, it would have used."""
    if seen.generator + (seen.starved or 0) > GENERATOR_LIMIT:
        limit = f"limit {100 * GENERATOR_LIMIT:.0f} %"
        waited = f" and waited for {100 * seen.starved:.0f} % more" if seen.starved else ""
        return f"the generator used {100 * seen.generator:.0f} % of its CPU against {seen.row}{waited} ({limit})"
    if seen.shared_cpus and seen.beside > GENERATOR_LIMIT * seen.shared_cpus:
        share = seen.beside / seen.shared_cpus
        return (
            f"generator, nginx and PostgreSQL used {100 * share:.0f} % of the CPUs that they share against {seen.row}"
        )
    return None


@gate("generator was starved", by_noise=True)
def generator_was_starved(seen: Evidence) -> str | None:
    """It was ready to run and had no CPU: requests take longer then, whatever the row does."""
    if seen.starved is None or seen.starved <= STARVED_LIMIT:
        return None
    limit = f"limit {100 * STARVED_LIMIT:.0f} %"
    return f"the generator waited for a CPU {100 * seen.starved:.0f} % of the time against {seen.row} ({limit})"


@gate("row's CPU was shared", by_noise=True)
def row_was_crowded(seen: Evidence) -> str | None:
    """Strangers had the CPU while the row was ready to run."""
    if seen.crowded is None or seen.crowded <= CROWDED_LIMIT:
        return None
    limit = f"limit {100 * CROWDED_LIMIT:.0f} %"
    return f"strangers had {100 * seen.crowded:.0f} % of the CPU of {seen.row} while it waited for it ({limit})"


@gate("row was restarted")
def row_was_restarted(seen: Evidence) -> str | None:
    """What was measured is then of several lives, and the CPU time of those that ended is lost."""
    if not seen.restarts:
        return None
    return f"{seen.restarts} processes of {seen.row} came or went while it was measured"


@gate("Little's law broken", by_noise=True)
def littles_law(seen: Evidence) -> str | None:
    """Requests in flight = throughput x response time (Little 1961, Operations Research 9:383).

    The left side is the integral over every request by a clock of the lab's own, the right by the times that clients
    report, both within the measured seconds only. Where they differ, requests are missing, or their times are wrong.
    """
    if abs(seen.reported_in_flight - seen.in_flight) <= LITTLE_LIMIT * seen.in_flight:
        return None
    figures = f"{seen.in_flight:.2f} requests in flight, but the figures say {seen.reported_in_flight:.2f}"
    return f"Little's law is broken for {seen.row}: {figures}"


@gate("connections remade")
def connections_remade(seen: Evidence) -> str | None:
    if seen.reconnects or seen.connections <= REMADE_LIMIT * seen.started:
        return None
    return f"{seen.connections:,} connections to {seen.row} were opened for {seen.started:,} requests: they should live"


@gate("schedule fell behind", by_noise=True)
def schedule_fell_behind(seen: Evidence) -> str | None:
    if seen.late <= LATE_LIMIT * seen.starts:
        return None
    late = 100 * seen.late / max(seen.starts, 1)  # a file may say anything
    return f"{late:.1f} % of the starts against {seen.row} were late (limit {100 * LATE_LIMIT:.0f} %)"


@gate("generator ended the search", by_noise=True)
def generator_ended_the_search(seen: Evidence) -> str | None:
    """What was found is then the generator's limit: the row's may be higher."""
    if not seen.outrun:
        return None
    return f"{seen.outrun} of the searches on {seen.row} ended because the generator fell behind its schedule"


ALWAYS = (nothing_measured, wrong_protocol, row_was_restarted)  # for every figure
UNEQUAL_ROWS = "unequal rows"
SEARCH_ENDED = "search reached its end"
MEANINGS = {
    UNEQUAL_ROWS: "The fairness audit: what must be equal and is not.",
    SEARCH_ENDED: "The row has at least so much: that decides nothing against it.",
} | {
    each.title: each.meaning
    for each in (
        *ALWAYS,
        wrong_answers,
        wrong_bodies,
        answers_that_came_wrong,
        refused_wrongly,
        wrong_probe,
        generator_was_busy,
        generator_was_starved,
        row_was_crowded,
        littles_law,
        connections_remade,
        schedule_fell_behind,
        generator_ended_the_search,
    )
}


def check(gates: Sequence[Gate], *arms: Evidence) -> tuple[Checked, ...]:
    """What the gates that every figure has, and these, say of one arm, or of two that are compared."""
    checked = []
    if len(arms) == 2:
        one, other = arms
        unequal = unequal_rows(one.about, other.about, max(one.clients, other.clients))
        checked.append(Checked(UNEQUAL_ROWS, (unequal,) if unequal else ()))
    for each in (*ALWAYS, *gates):
        found = tuple(filter(None, dict.fromkeys(map(each.reason, arms))))
        checked.append(Checked(each.title, found, each.by_noise))
    return tuple(checked)


def reasons(checked: Sequence[Checked]) -> tuple[str, ...]:
    """Why what was checked may not be believed; none where it may."""
    return tuple(dict.fromkeys(reason for each in checked for reason in each.reasons))
