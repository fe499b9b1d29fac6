"""The figures that experiments compare: how each is computed from an arm's round, and which gates it must pass."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.generator.record import Header, RoundResult, histogram
from lab.judge.gates import (
    SEEN_BY_APP,
    Gate,
    answers_that_came_wrong,
    connections_remade,
    generator_ended_the_search,
    generator_was_busy,
    generator_was_starved,
    littles_law,
    refused_wrongly,
    row_was_crowded,
    schedule_fell_behind,
    wrong_answers,
    wrong_bodies,
    wrong_probe,
)
from lab.judge.search import capacity
from lab.judge.statistics import Metric, percentile


@dataclass(frozen=True)
class Figure:
    """A metric, how it comes from an arm's round, and the gates that it must pass beside those of every figure."""

    metric: Metric
    of: Callable[[RoundResult], float]  # nan where it was not measured
    gates: tuple[Gate, ...]


def throughput(of_round: RoundResult) -> float:
    """Requests per second."""
    return sum(result.load.requests for result in of_round) / sum(result.seconds for result in of_round)


def used_us(*roles: str) -> Callable[[RoundResult], float]:
    """CPU time in µs per request, of these roles together; nan where it cannot be read, or nothing was served."""

    def per_request(of_round: RoundResult) -> float:
        answered = sum(result.answered for result in of_round)
        if not answered or any(role not in result.cpu_ns for result in of_round for role in roles):
            return math.nan
        return sum(result.cpu_ns[role] for result in of_round for role in roles) / 1000 / answered

    return per_request


def utilisation(of_round: RoundResult) -> float:
    """CPUs that the row used, on average: a CPU per request means little of a row that was hardly asked."""
    if any(result.row_cpus is None for result in of_round):
        return math.nan
    used = sum((result.row_cpus or 0) * result.seconds for result in of_round)
    return used / sum(result.seconds for result in of_round)


def response_ms(share: float, of: str = "load") -> Callable[[RoundResult], float]:
    """The response time in ms that this share of the requests (or of the probes) kept."""
    return lambda of_round: percentile(histogram(of_round, of), share)


def memory_mib(of_round: RoundResult) -> float:
    meter = of_round[-1].meter
    return meter.memory_bytes / 2**20 if meter else math.nan


def cgroup_mib(of_round: RoundResult) -> float:
    """What the container is charged with; natively nothing is."""
    meter = of_round[-1].meter
    return meter.cgroup_bytes / 2**20 if meter and meter.cgroup_bytes is not None else math.nan


def threads(of_round: RoundResult) -> float:
    meter = of_round[-1].meter
    return float(meter.threads) if meter else math.nan


def served(of_round: RoundResult) -> float:
    """The share of its requests that a row did not refuse, in per cent."""
    started = sum(result.load.started for result in of_round)
    failed = sum(result.load.failures for result in of_round)
    return 100 * (started - failed) / started if started else math.nan


def protocols(of_round: RoundResult) -> float:
    """How many its clients have spoken with it."""
    return float(len({name for result in of_round for name in result.load.protocols}))


def app_http(of_round: RoundResult) -> float:
    """The version of HTTP in which the application was asked, by its own word; nan where it has not said."""
    seen = {name for result in of_round for name in result.load.protocols if name.startswith(SEEN_BY_APP)}
    return min((float(name.rpartition("/")[2]) for name in seen), default=math.nan)


def held(of_round: RoundResult) -> float:
    """Open WebSockets at the end."""
    return float(of_round[-1].held)


def neighbour_ms(of_round: RoundResult) -> float:
    """The p95 of the probes: how long others kept a neighbour waiting. No less than AT_ONCE_MS."""
    return max(response_ms(0.95, "probe")(of_round), AT_ONCE_MS)  # nan stays nan


def after_ms(of_round: RoundResult) -> float:
    """No less than AT_ONCE_MS."""
    after = of_round[-1].after_ms
    return math.nan if after is None else max(after, AT_ONCE_MS)


# What is sooner has not been kept waiting: what a request costs, and noise, would decide. It is a tenth of the 100 ms
# that people take for at once (Miller 1968, AFIPS 33:267).
AT_ONCE_MS = 10
ONE_START = (
    "The rows could not be started anew from here: the intervals cover how rounds of these very processes differ, and "
    "not how two starts of one row do, which may be a per cent or more."
)
NOT_PINNED = (
    "Rows and generator were not kept on CPUs of their own, or nobody here can know: how much of a CPU they took "
    "from each other, or strangers from them, is unknown, and it is in every response time and throughput."
)
ANSWERED = (wrong_answers, connections_remade)
COUNTED = (*ANSWERED, littles_law)
CLOCKED = (generator_was_busy, generator_was_starved, row_was_crowded)  # for what a client's clock says
TIMED = (*COUNTED, *CLOCKED)
SCHEDULED = (*CLOCKED, schedule_fell_behind)
FIGURES = {
    figure.metric.name: figure
    for figure in (
        Figure(Metric("cpu_us", "needs", "CPU per request", "µs", True), used_us("row"), COUNTED),
        Figure(Metric("utilisation", "uses", "CPUs in use", "", True), utilisation, ANSWERED),
        Figure(Metric("whole_cpu_us", "needs", "CPU per request", "µs", True), used_us("row", "nginx"), COUNTED),
        Figure(Metric("throughput", "serves", "requests per second", "1/s", False), throughput, TIMED),
        Figure(Metric("p50_ms", "has", "median response time", "ms", True), response_ms(0.5), TIMED),
        Figure(Metric("p99_ms", "has", "p99", "ms", True, margin=0.1), response_ms(0.99), (wrong_answers, *SCHEDULED)),
        Figure(
            Metric("probe_p95_ms", "has", "neighbour's p95", "ms", True, margin=0.25),
            neighbour_ms,
            (answers_that_came_wrong, wrong_probe, *SCHEDULED),
        ),
        Figure(
            Metric("capacity", "has", "rate that keeps the limit", "1/s", False, margin=0.1),
            capacity,
            (wrong_answers, *SCHEDULED, generator_ended_the_search),
        ),
        Figure(Metric("protocols", "speaks", "number of protocols", "", False), protocols, (wrong_answers,)),
        Figure(Metric("app_http", "is asked in", "version of HTTP", "", False), app_http, (wrong_answers,)),
        # Not a request is to be lost: one of a thousand matters.
        Figure(Metric("kept_pct", "answers", "share of requests", "%", False, margin=0.001), served, (wrong_bodies,)),
        Figure(Metric("held", "holds", "open WebSockets", "", False), held, (answers_that_came_wrong,)),
        Figure(Metric("threads", "has", "threads", "", True), threads, (refused_wrongly,)),
        Figure(Metric("served_pct", "serves", "share of requests served", "%", False), served, (refused_wrongly,)),
        Figure(Metric("memory_mib", "needs", "memory", "MiB", True), memory_mib, (wrong_answers,)),
        Figure(Metric("cgroup_mib", "needs", "memory of the container", "MiB", True), cgroup_mib, (wrong_answers,)),
        Figure(
            Metric("after_ms", "takes", "time until it answers again", "ms", True, margin=0.25),
            after_ms,
            (wrong_answers, *CLOCKED),
        ),
    )
}


def unseen(header: Header, names: Iterable[str]) -> str:
    """What no gate and no interval can see of these figures at the run's door, for people; empty where they see all."""
    said = [] if header.restarts else [ONE_START]
    clocked = any(row_was_crowded in FIGURES[name].gates for name in names)
    if clocked and (not header.placed or "any" in header.placed.values()):
        said.append(NOT_PINNED)
    return " ".join(said)
