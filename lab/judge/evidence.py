"""What the gates look at: all results of one arm at one level together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lab.generator.record import RoundResult
from lab.judge.search import is_search, keeps, search


@dataclass(frozen=True)
class Evidence:
    row: str
    asked: str  # the protocol that clients were to see
    about: dict[str, Any]  # what the row says of itself: GET /about
    reconnects: bool  # the arm's connections are not meant to live
    results: int
    started: int
    failures: int
    errors: dict[str, int]  # error texts: how often
    generator: float  # CPUs that it used, on average
    beside: float  # CPUs used by all that shares those of the generator, itself included
    shared_cpus: int  # how many those are; 0: unknown
    requests_per_s: float
    mean_ms: float
    in_flight: float
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
    """From at least one round of an arm; of a search only the steps that kept the limit: others are meant to fail."""
    results = [result for of_round in rounds for result in of_round if not is_search(result) or keeps(result)]
    loads = [result.load for result in results]
    seconds = sum(result.seconds for result in results)
    errors: Counter[str] = Counter()
    for load in loads:
        errors.update(load.errors)
    probes = [result.probe for result in results if result.probe]
    started = sum(load.started for load in loads)
    return Evidence(
        row=rounds[0][0].block.row,
        asked=asked,
        about=about,
        reconnects=reconnects,
        results=len(results),
        started=started,
        failures=sum(load.failures for load in loads),
        errors=dict(errors),
        generator=fmean([result.generator_cpus for result in results] or [0]),
        beside=fmean([result.generator_cpus + sum(result.beside_cpus.values()) for result in results] or [0]),
        shared_cpus=shared_cpus,
        requests_per_s=sum(load.requests for load in loads) / seconds if seconds else 0,
        mean_ms=sum(load.mean_ms * load.started for load in loads if load.mean_ms) / max(started, 1),
        in_flight=sum(result.load.in_flight * result.seconds for result in results) / seconds if seconds else 0,
        connections=sum(result.connections for result in results),
        protocols=frozenset(name for load in loads for name in load.protocols),
        starts=sum(result.schedule.started for result in results),
        late=sum(result.schedule.late for result in results),
        probe_started=sum(probe.started for probe in probes),
        probe_failures=sum(probe.failures for probe in probes),
        outrun=sum(is_search(of_round[0]) and search(of_round).behind for of_round in rounds),
    )
