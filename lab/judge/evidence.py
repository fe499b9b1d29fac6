"""What blocks have measured, as the figures that experiments compare. Reads results as lab/blocks.py writes them."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lab.judge.statistics import Metric
from loadtest.bisection import Bisection
from loadtest.limits import LATE_LIMIT

Result = dict[str, Any]
Turn = list[Result]  # the blocks of one arm in one round: one, or the steps of a search
SEARCH_PRECISION, SEARCH_PATIENCE = 0.12, 5


def percentile(histogram: dict[Any, int], share: float) -> float:
    """Of a histogram of ms: counts. nan where it is empty."""
    if not histogram:
        return math.nan
    times, counts = zip(*sorted((float(ms), count) for ms, count in histogram.items()), strict=True)
    return float(np.quantile(times, share, weights=counts, method="inverted_cdf"))


def histogram(turn: Turn, of: str = "load") -> dict[str, int]:
    """ms: counts, of all results together."""
    total: Counter[str] = Counter()
    for result in turn:
        total.update(result.get(of, {}).get("histogram", {}))
    return total


def throughput(turn: Turn) -> float:
    return float(sum(result["load"]["requests"] for result in turn) / sum(result["seconds"] for result in turn))


def used_us(*names: str) -> Callable[[Turn], float]:
    """CPU time per request of the row, of nginx, or of both; nan where it cannot be watched, or nothing was served."""

    def per_request(turn: Turn) -> float:
        answered = sum(result["answered"] for result in turn)
        if not answered or any(name not in result["cpu_ns"] for result in turn for name in names):
            return math.nan
        return float(sum(result["cpu_ns"][name] for result in turn for name in names) / 1000 / answered)

    return per_request


cpu_us = used_us("row")


def of_load(share: float) -> Callable[[Turn], float]:
    return lambda turn: percentile(histogram(turn), share)


def rss_mib(turn: Turn) -> float:
    return float(turn[-1]["meter"]["rss_bytes"] / 2**20) if turn[-1]["meter"] else math.nan


def threads(turn: Turn) -> float:
    return float(turn[-1]["meter"]["threads"]) if turn[-1]["meter"] else math.nan


def keeps(result: Result) -> bool:
    """Whether this step of a search kept its limit: p99 within it, nearly no errors, on its own schedule."""
    load, limit = result["load"], result["block"]["about"]["limit_p99_ms"]
    if not load["started"] or behind(result):
        return False
    return bool(load["failures"] <= 0.001 * load["started"] and percentile(load["histogram"], 0.99) <= limit)


def behind(result: Result) -> bool:
    """Whether the generator did not keep its own schedule."""
    return bool(result["schedule"]["late"] > LATE_LIMIT * result["schedule"]["started"])


def begin_search(rate: float, step: float, most: float) -> Bisection:
    return Bisection(rate, SEARCH_PRECISION, step, most, SEARCH_PATIENCE)


def search(turn: Turn) -> Bisection:
    """How far the search of a turn has come."""
    about = turn[0]["block"]["about"]
    found = begin_search(turn[0]["block"]["rate"], about["step"], about["most_rate"])
    for result in turn:
        found.judge(keeps(result), behind(result))
    return found


def complete(turn: Turn) -> bool:
    """Whether nothing is missing: a search may have been cut off, or the file between two halves."""
    return search(turn).done if is_search(turn[0]) else len(turn) == turn[0]["block"]["halves"]


def is_search(result: Result) -> bool:
    return bool(result["block"]["about"].get("limit_p99_ms"))


def capacity(turn: Turn) -> float:
    """The highest rate that kept the limit, in requests per second; nan where none did."""
    return search(turn).best or math.nan


@dataclass(frozen=True)
class Figure:
    """A metric with its way from a turn to a number, and the gates that its claims must pass."""

    metric: Metric
    of: Callable[[Turn], float]
    gates: frozenset[str]  # names of lab/gates.py, beside those that every figure must pass


ANSWERED = frozenset({"wrong_answers", "connections_remade"})
TIMED = ANSWERED | {"generator_was_busy", "littles_law"}
FIGURES = {
    figure.metric.name: figure
    for figure in (
        Figure(Metric("cpu_us", "needs", "CPU per request", "µs", True), cpu_us, ANSWERED | {"littles_law"}),
        Figure(Metric("whole_cpu_us", "needs", "CPU per request", "µs", True), used_us("row", "nginx"), ANSWERED),
        Figure(Metric("throughput", "serves", "requests per second", "1/s", False), throughput, TIMED),
        Figure(Metric("p50_ms", "has", "median response time", "ms", True), of_load(0.5), TIMED),
        Figure(
            Metric("p99_ms", "has", "p99", "ms", True, margin=0.1),
            of_load(0.99),
            frozenset({"wrong_answers", "generator_was_busy", "schedule_fell_behind"}),
        ),
        Figure(
            Metric("probe_p95_ms", "has", "neighbour's p95", "ms", True, margin=0.25),
            lambda turn: percentile(histogram(turn, "probe"), 0.95),
            frozenset({"wrong_probe", "generator_was_busy", "schedule_fell_behind"}),
        ),
        Figure(
            Metric("capacity", "has", "rate that keeps the limit", "1/s", False, margin=0.1),
            capacity,
            frozenset({"schedule_fell_behind", "generator_ended_the_search"}),
        ),
        Figure(
            Metric("held", "holds", "open WebSockets", "", False),
            lambda turn: float(turn[-1]["held"]),
            frozenset(),
        ),
        Figure(
            Metric("rss_mib", "needs", "memory", "MiB", True),
            rss_mib,
            frozenset(),
        ),
        Figure(
            Metric("after_ms", "takes", "time until it answers again", "ms", True, margin=0.25),
            lambda turn: float(turn[-1]["after_ms"] or math.nan),
            frozenset(),
        ),
    )
}


@dataclass(frozen=True)
class Evidence:
    """All blocks of one arm at one level together: what the gates look at."""

    row: str
    asked: str  # the protocol
    about: dict[str, Any]  # what the row says of itself: GET /about
    blocks: int
    started: int
    failures: int
    errors: dict[str, int]
    generator: float  # CPUs, on average
    beside: float  # CPUs used by all that shares those of the generator, itself included
    beside_cpus: int
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


def evidence(turns: Sequence[Turn], asked: str, about: dict[str, Any], beside_cpus: int) -> Evidence:
    """Of a search only the steps that kept the limit: what was too much is meant to fail."""
    results = [result for turn in turns for result in turn if not is_search(result) or keeps(result)]
    loads = [result["load"] for result in results]
    seconds = sum(result["seconds"] for result in results)
    errors: Counter[str] = Counter()
    for load in loads:
        errors.update(load["errors"])
    probes = [result["probe"] for result in results if "probe" in result]
    started = sum(load["started"] for load in loads)
    return Evidence(
        row=turns[0][0]["block"]["row"],
        asked=asked,
        about=about,
        blocks=len(results),
        started=started,
        failures=sum(load["failures"] for load in loads),
        errors=dict(errors),
        generator=fmean([result["cpus"]["generator"] for result in results] or [0]),
        beside=fmean([sum(result["cpus"].values()) for result in results] or [0]),
        beside_cpus=beside_cpus,
        requests_per_s=sum(load["requests"] for load in loads) / seconds if seconds else 0,
        mean_ms=sum(load["mean_ms"] * load["started"] for load in loads if load["started"]) / max(started, 1),
        in_flight=sum(r["load"]["in_flight"] * r["seconds"] for r in results) / seconds if seconds else 0,
        connections=sum(result["connections"] for result in results),
        protocols=frozenset(name for load in loads for name in load["protocols"]),
        starts=sum(result["schedule"]["started"] for result in results),
        late=sum(result["schedule"]["late"] for result in results),
        probe_started=sum(probe["started"] for probe in probes),
        probe_failures=sum(probe["failures"] for probe in probes),
        outrun=sum(is_search(turn[0]) and search(turn).behind for turn in turns),
    )
