"""What the gates look at: all results of one arm at one level together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from lab.generator.record import Result, RoundResult
from lab.judge.search import is_search, keeps, search


@dataclass(frozen=True)
class Evidence:
    row: str
    asked: str  # the protocol that clients were to see
    about: dict[str, Any]  # what the row says of itself: GET /about
    reconnects: bool  # the arm's connections are not meant to live
    clients: int  # at most, at once
    results: int
    started: int
    failures: int
    timeouts: int  # of the failures: nothing came before the client's patience ended
    errors: dict[str, int]  # error texts: how often
    held: int  # the most WebSockets that were open at once
    generator: float  # CPUs that it used, on average
    starved: float | None  # CPUs that it lacked, on average, and that strangers had; None: unknown
    beside: float  # CPUs used by all that shares those of the generator, itself included
    shared_cpus: int  # how many those are; 0: unknown
    crowded: float | None  # the share of the row's CPUs that strangers had while it waited for them; None: unknown
    restarts: int  # processes of the row that came or went while it was measured
    in_flight: float
    reported_in_flight: float
    connections: int
    protocols: frozenset[str]
    starts: int  # that a schedule wanted
    late: int
    probe_started: int
    probe_failures: int
    outrun: int  # searches that ended because the generator did not keep its schedule


def evidence(
    rounds: Sequence[RoundResult], asked: str, about: dict[str, Any], shared_cpus: int, *, reconnects: bool = False
) -> Evidence:
    """From at least one round of an arm; of a search without the steps that were too slow: some are meant to be."""
    every = [result for of_round in rounds for result in of_round]
    results = [result for result in every if not is_search(result) or in_time(result)]
    wrong = [result.load for result in results if not keeps(result)]  # a search allows a few failures
    loads = [result.load for result in results]
    seconds = sum(result.seconds for result in results) or 1
    errors: Counter[str] = Counter()
    for load in wrong:
        errors.update(load.errors)
    probes = [result.probe for result in results if result.probe]
    return Evidence(
        row=rounds[0][0].block.row,
        asked=asked,
        about=about,
        reconnects=reconnects,
        clients=max(result.block.users for result in every),
        results=len(results),
        started=sum(load.started for load in loads),
        failures=sum(load.failures for load in wrong),
        timeouts=sum(load.timeouts for load in wrong),
        errors=dict(errors),
        held=max((result.held for result in results), default=0),
        generator=fmean([result.generator_cpus for result in results] or [0]),
        starved=mean(starved(result, shared_cpus) for result in every),
        beside=fmean([result.generator_cpus + sum(result.beside_cpus.values()) for result in results] or [0]),
        shared_cpus=shared_cpus,
        crowded=mean(crowded(result) for result in every),
        restarts=sum(result.restarts or 0 for result in every),
        in_flight=sum(result.load.in_flight * result.seconds for result in results) / seconds,
        reported_in_flight=sum(result.load.reported_in_flight * result.seconds for result in results) / seconds,
        connections=sum(result.connections for result in results),
        protocols=frozenset(name for load in loads for name in load.protocols),
        starts=sum(result.schedule.started for result in results),
        late=sum(result.schedule.late for result in results),
        probe_started=sum(probe.started for probe in probes),
        probe_failures=sum(probe.failures for probe in probes),
        outrun=sum(is_search(of_round[0]) and search(of_round).behind for of_round in rounds),
    )


def in_time(step: Result) -> bool:
    """Whether a step of a search kept its limit, or would have with right answers."""
    return keeps(replace(step, load=replace(step.load, failures=0)))


def starved(result: Result, shared_cpus: int) -> float | None:
    """CPUs that the generator lacked, less what nginx and PostgreSQL, which share its CPUs, may have used."""
    if result.generator_waits is None or (shared_cpus and not result.beside_cpus):
        return None
    return max(result.generator_waits - sum(result.beside_cpus.values()), 0) + (result.generator_stolen or 0)


def crowded(result: Result) -> float | None:
    """The smaller of two: a row's threads also wait for each other, and strangers may run while the row sleeps."""
    if result.row_waits is None or result.row_taken is None:
        return None
    return min(result.row_waits, result.row_taken)


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
