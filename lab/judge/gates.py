"""What makes a run invalid. A gate is one small function with a title: evidence in, a reason or nothing out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.judge.audit import unequal_rows
from lab.judge.evidence import Evidence
from loadtest.limits import GENERATOR_LIMIT, LATE_LIMIT

LITTLE_LIMIT = 0.10
REMADE_LIMIT = 0.01  # connections per request


@dataclass(frozen=True)
class Gate:
    """A fault that refuses a figure where it is found."""

    title: str
    reason: Callable[[Evidence], str | None]  # what was found, for people; None where nothing was

    @property
    def meaning(self) -> str:
        """Why the fault matters, where the title alone does not say it."""
        return (self.reason.__doc__ or "").partition("\n")[0]


@dataclass(frozen=True)
class Checked:
    """What a gate said when it was asked."""

    gate: str  # its title
    reasons: tuple[str, ...]  # none: the fault was not found


def gate(title: str) -> Callable[[Callable[[Evidence], str | None]], Gate]:
    return lambda reason: Gate(title, reason)


@gate("nothing measured")
def nothing_measured(seen: Evidence) -> str | None:
    return None if seen.results and seen.started + seen.probe_started else f"{seen.row} answered nothing"


@gate("wrong protocol")
def wrong_protocol(seen: Evidence) -> str | None:
    other = seen.protocols - {seen.asked}
    return f"asked for {seen.asked}, but spoke {', '.join(sorted(other))} with {seen.row}" if other else None


@gate("wrong answers")
def wrong_answers(seen: Evidence) -> str | None:
    if not seen.failures:
        return None
    example = next(iter(seen.errors), "no error text")
    return f"{seen.failures:,} of {seen.started:,} answers of {seen.row} were wrong or missing: {example}"


@gate("wrong probe")
def wrong_probe(seen: Evidence) -> str | None:
    if not seen.probe_failures:
        return None
    return f"{seen.probe_failures:,} of {seen.probe_started:,} probes of {seen.row} were wrong or missing"


@gate("generator was busy")
def generator_was_busy(seen: Evidence) -> str | None:
    """Throughput and latency are then the generator's as much as the row's."""
    if seen.generator > GENERATOR_LIMIT:
        limit = f"limit {100 * GENERATOR_LIMIT:.0f} %"
        return f"the generator used {100 * seen.generator:.0f} % of its CPU against {seen.row} ({limit})"
    if seen.shared_cpus and seen.beside > GENERATOR_LIMIT * seen.shared_cpus:
        share = seen.beside / seen.shared_cpus
        return (
            f"generator, nginx and PostgreSQL used {100 * share:.0f} % of the CPUs that they share against {seen.row}"
        )
    return None


@gate("Little's law broken")
def littles_law(seen: Evidence) -> str | None:
    """Requests in flight = throughput x response time (Little 1961, Operations Research 9:383).

    The left side is the integral over every request by a clock of the lab's own, the right what Locust reports. Where
    they differ, requests are missing from the figures, or their times are wrong.
    """
    law = seen.requests_per_s * seen.mean_ms / 1000
    if abs(law - seen.in_flight) <= LITTLE_LIMIT * seen.in_flight:
        return None
    return (
        f"Little's law is broken for {seen.row}: {seen.in_flight:.2f} requests in flight, but the figures say {law:.2f}"
    )


@gate("connections remade")
def connections_remade(seen: Evidence) -> str | None:
    if seen.reconnects or seen.connections <= REMADE_LIMIT * seen.started:
        return None
    return f"{seen.connections:,} connections to {seen.row} were opened for {seen.started:,} requests: they should live"


@gate("schedule fell behind")
def schedule_fell_behind(seen: Evidence) -> str | None:
    if seen.late <= LATE_LIMIT * seen.starts:
        return None
    late = 100 * seen.late / seen.starts
    return f"{late:.1f} % of the starts against {seen.row} were late (limit {100 * LATE_LIMIT:.0f} %)"


@gate("generator ended the search")
def generator_ended_the_search(seen: Evidence) -> str | None:
    """What was found is then the generator's limit: the row's may be higher."""
    if not seen.outrun:
        return None
    return f"{seen.outrun} of the searches on {seen.row} ended because the generator fell behind its schedule"


ALWAYS = (nothing_measured, wrong_protocol)  # for every figure
UNEQUAL_ROWS = "unequal rows"
MEANINGS = {UNEQUAL_ROWS: "The fairness audit: what must be equal and is not."} | {
    each.title: each.meaning
    for each in (
        *ALWAYS,
        wrong_answers,
        wrong_probe,
        generator_was_busy,
        littles_law,
        connections_remade,
        schedule_fell_behind,
        generator_ended_the_search,
    )
}


def check(gates: Sequence[Gate], *arms: Evidence) -> tuple[Checked, ...]:
    """What the gates that every figure has, and these, say of one arm, or of two that are compared."""
    unequal = unequal_rows(*(arm.about for arm in arms)) if len(arms) == 2 else None
    checked = [Checked(UNEQUAL_ROWS, (unequal,) if unequal else ())] if len(arms) == 2 else []
    for each in (*ALWAYS, *gates):
        checked.append(Checked(each.title, tuple(filter(None, dict.fromkeys(map(each.reason, arms))))))
    return tuple(checked)


def reasons(checked: Sequence[Checked]) -> tuple[str, ...]:
    """Why what was checked may not be believed; none where it may."""
    return tuple(dict.fromkeys(reason for each in checked for reason in each.reasons))
