"""What a reader must know before believing the figures of a test."""

from collections import Counter

from locust.stats import StatsError

from loadtest.dealing import even
from loadtest.figures import Sampler
from loadtest.limits import ERRORS_LIMIT, GENERATOR_LIMIT, LATE_LIMIT


def warnings(sampler: Sampler) -> list[str]:
    return [
        *(f"the worker {name} was lost: what it had not reported yet is missing" for name in sampler.lost),
        *users(sampler),
        *wrong_answers(sampler),
        *waiting(sampler),
        *generator(sampler),
        *schedule(sampler),
    ]


def users(sampler: Sampler) -> list[str]:
    found = []
    if sampler.uneven:
        counts = ", ".join(f"{row} {count}" for row, count in sampler.uneven.items())
        found.append(f"the rows did not have the same number of users ({counts}): their figures do not compare")
    asked, rows = sampler.options.num_users or 1, len(sampler.options.rows)
    if asked % rows:
        run = even(asked, rows)
        found.append(f"{asked} users cannot be dealt out evenly to {rows} rows: {run} run, {run // rows} on each")
    return found


def wrong_answers(sampler: Sampler) -> list[str]:
    """Of each kind of request and row the most frequent reason."""
    reasons: dict[str, Counter[str]] = {}
    for error in sampler.environment.stats.errors.values():
        reasons.setdefault(error.name, Counter())[StatsError.parse_error(error.error)] += error.occurrences
    found = []
    for line in sampler.whole() if reasons else []:
        if counts := reasons.get(f"{line['what']} {line['row']}"):
            ((reason, count),) = counts.most_common(1)
            often = f"{count:,} times " if count < line["failures"] else ""
            too_many = "" if line["failures"] <= line["requests"] * ERRORS_LIMIT else "; it is not compared"
            found.append(
                f"{line['row']}: {line['failures']:,} of {line['requests']:,} requests for {line['what']} failed, "
                f"{often}with “{reason}”{too_many}"
            )
    return found


def waiting(sampler: Sampler) -> list[str]:
    """Rows that do not let in everybody."""
    found = []
    for row in sampler.options.rows:
        clients = sampler.of_clients(row)
        if late := clients["wanted"] - clients["open"]:
            found.append(
                f"{row}: {clients['open']} of {clients['wanted']} WebSockets open, {late} waiting; "
                "it is compared only with rows that hold as many"
            )
    return found


def generator(sampler: Sampler) -> list[str]:
    found = []
    if busy := [name for name, cpu in sampler.generators.items() if cpu > GENERATOR_LIMIT]:
        found.append(
            f"the generator is the bottleneck: {len(busy)} of {len(sampler.generators)} Locust processes use over "
            f"{GENERATOR_LIMIT:.0%} of a CPU; throughput and latency are Locust's. Add workers, or lower the load."
        )
    if sampler.crowded:
        found.append(
            "the rows use up the CPU that they share: their throughput and latency show how the kernel divides it "
            "among their threads, not which is faster. Compare CPU µs per request, or load one row at a time."
        )
    return found


def schedule(sampler: Sampler) -> list[str]:
    found = []
    kept = sampler.schedules()
    started, late = sampler.starts()
    if late > started * LATE_LIMIT:
        worst = max(k["worst_ms"] for k in kept)
        found.append(f"the schedule was not kept: {late / started:.1%} of starts were late, by up to {worst:,.0f} ms")
    if queued := sum(k["queued"] for k in kept):
        found.append(
            f"{queued:,} of {started:,} starts had to wait for a free user (counted into their latency): "
            "the rows are slower than the schedule, or there are too few users"
        )
    return found
