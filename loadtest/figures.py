"""What the rows do while a test runs: a sample every second, from Locust's merged statistics and the rows' meters."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, MasterRunner
from locust.stats import calculate_response_time_percentile

from loadtest import targets
from loadtest.limits import ERRORS_LIMIT

SAMPLE_S = 1.0
HISTORY = 600  # samples kept for the charts
WINDOW_S = 3  # what "now" means in the live figures
CROWDED = 0.85  # of the CPUs that the rows share
SETTLED = 3  # samples that find the same users, after which every process has told how many it has
NO_ANSWER = "no answer yet"  # what a row has asked for that none of its requests has come back from
SEARCH_P99_MS = 200  # what a search keeps where --limit-p99-ms says nothing


@dataclass
class Tally:
    """The requests of one name in the statistics, so far."""

    requests: int = 0
    failures: int = 0
    histogram: Counter[float] = field(default_factory=Counter)  # ms: count

    def since(self, before: "Tally") -> "Tally":
        return Tally(
            self.requests - before.requests, self.failures - before.failures, self.histogram - before.histogram
        )

    def percentile(self, share: float) -> float:
        """ms; within 0.5 %, as the histogram's buckets are."""
        times: Any = self.histogram  # Locust declares whole milliseconds: see precision.py
        return float(calculate_response_time_percentile(times, self.histogram.total(), share))


@dataclass
class Sample:
    at: float  # time.monotonic, s
    tallies: dict[tuple[str, str], Tally]  # by what was asked, and of which row
    meters: dict[str, dict[str, Any]]  # by row: services/meter.py's Reading
    users: int

    def of_row(self, row: str) -> Tally:
        """All requests of a row, of any kind."""
        return sum_of(tally for (_, name), tally in self.tallies.items() if name == row)

    def of(self, what: str, row: str) -> Tally:
        return self.tallies.get((what, row), Tally())

    def kinds(self) -> list[str]:
        """What was asked for; the most frequent first."""
        counts: Counter[str] = Counter()
        for (what, _), tally in sorted(self.tallies.items()):
            counts[what] += tally.requests
        return [what for what, _ in counts.most_common()]


def sum_of(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.requests += tally.requests
        total.failures += tally.failures
        total.histogram += tally.histogram
    return total


class Sampler:
    """Samples a running test on the master, or in the only process there is."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.samples: deque[Sample] = deque(maxlen=HISTORY)
        self.first: Sample | None = None
        self.generators: dict[str, float] = {}  # CPUs that each generator process uses
        self.arrivals: dict[str, dict[str, dict[str, Any]]] = {}  # what each process says of its schedules
        self.lost: list[str] = []  # workers that went missing in the middle
        self.crowded = False  # the rows have used up the CPUs that they share
        self.began: dict[str, float] = {}  # when the first user of each process did
        self.clients: dict[str, dict[str, dict[str, int]]] = {}  # what each process has on each row: dealing.clients
        self.uneven: dict[str, int] = {}  # users of each row, where they were not as many on all
        self._steady: tuple[dict[str, int], int] = ({}, 0)  # users of each row, and how many samples found so many
        self._cpu: dict[str, tuple[float, int]] = {}
        self._workers: set[str] = set()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    @property
    def options(self) -> Any:
        return self.environment.parsed_options

    def begin(self) -> None:
        self.samples.clear()
        self.generators, self.arrivals, self.lost, self.crowded, self._cpu = {}, {}, [], False, {}
        self.began, self.clients, self.uneven, self._steady = {}, {}, {}, ({}, 0)
        self._workers = self.alive()
        self.first = self.take()
        self.samples.append(self.first)
        if self._greenlet:
            self._greenlet.kill()
        self._greenlet = gevent.spawn(self._run)

    def end(self) -> None:
        """The last sample: everything in flight has been counted by now."""
        if self._greenlet:
            self._greenlet.kill()
            self._greenlet = None
            self.samples.append(self.take())

    @property
    def ended(self) -> bool:
        """Whether the last sample has been taken."""
        return self._greenlet is None

    def _run(self) -> None:
        while True:
            gevent.sleep(SAMPLE_S)
            self.samples.append(self.take())
            if self.running():
                self.crowded = self.crowded or self.rows_are_crowded()
                self.lost += sorted(self._workers - self.alive() - set(self.lost))
                self.note_users()

    def note_users(self) -> None:
        """Looks whether every row has the same number of users, but for those on their way."""
        users = {row: self.of_clients(row)["users"] for row in self.options.rows}
        before, samples = self._steady
        self._steady = (users, samples + 1 if users == before else 1)
        if self._steady[1] >= SETTLED and len(set(users.values())) > 1:
            self.uneven = users

    def of_clients(self, row: str) -> Counter[str]:
        """What the processes that are there have on a row."""
        found: Counter[str] = Counter(users=0, open=0, wanted=0)
        for process, rows in self.clients.items():
            if process not in self.lost:
                found.update(rows.get(row, {}))
        return found

    def running(self) -> bool:
        """Not while it stops: Locust's workers leave and come back then."""
        return bool(self.environment.runner and self.environment.runner.state in (STATE_SPAWNING, STATE_RUNNING))

    def alive(self) -> set[str]:
        """The workers that answer; none where there is only one process."""
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            return set()
        return {client.id for client in runner.clients.all if client.state != STATE_MISSING}

    def take(self) -> Sample:
        runner = self.environment.runner
        assert runner
        tallies = {}
        for (name, _), entry in list(runner.stats.entries.items()):
            what, _, row = name.rpartition(" ")
            tallies[what, row] = Tally(entry.num_requests, entry.num_failures, Counter(entry.response_times))
        return Sample(time.monotonic(), tallies, {row: read_meter(row) for row in self.options.rows}, runner.user_count)

    def note_process(self, name: str, said: dict[str, Any]) -> None:
        """A generator process reports the CPU time used so far, how its schedules were kept, and its clients."""
        now, cpu_ns = time.monotonic(), said["cpu_ns"]
        self.began[name] = said["began"]
        before = self._cpu.get(name)
        self._cpu[name] = (now, cpu_ns)
        if said["arrivals"]:  # none after the test: the last word counts
            self.arrivals[name] = said["arrivals"]
        if self.running():  # who still waits when it ends gets in when others leave
            self.clients[name] = said["clients"]
            if before and now > before[0]:
                self.generators[name] = (cpu_ns - before[1]) / 1e9 / (now - before[0])

    # What is made of the samples

    def window(self, seconds: float) -> tuple[Sample, Sample] | None:
        """The last sample and the one `seconds` before it."""
        if len(self.samples) < 2:
            return None
        last = self.samples[-1]
        before = next((s for s in reversed(self.samples) if last.at - s.at >= seconds - SAMPLE_S / 2), self.samples[0])
        return (before, last) if before is not last else None

    def rows_are_crowded(self) -> bool:
        """Whether several rows use nearly all of the CPUs that they share."""
        window, rows = self.window(WINDOW_S), self.options.rows
        if not window or len(rows) < 2:
            return False
        before, last = window
        used = [last.meters[row].get("cpu_ns", 0) - before.meters[row].get("cpu_ns", 0) for row in rows]
        cpus = min(targets.rows()[row]["cpus"] for row in rows)
        return bool(sum(used) / 1e9 / (last.at - before.at) > cpus * CROWDED)

    def kept_limit(self, row: str, seconds: float) -> bool:
        """Whether the row kept --limit-p99-ms and --limit-errors over the last seconds."""
        window = self.window(seconds)
        if not window:
            return False
        tally = window[1].of_row(row).since(window[0].of_row(row))
        return keeps_limit(tally, self.options)

    def lines(self, before: Sample, last: Sample, seconds: float) -> list[dict[str, Any]]:
        """One line per kind of request and row between two samples; ratios are to the first row that has right answers.

        Without a ratio stays what has wrong answers, or another number of WebSockets open.
        """
        rows = list(self.options.rows)
        silent = {(NO_ANSWER, row) for row in rows if not any(row == answered for _, answered in last.tallies)}
        result: list[dict[str, Any]] = []
        references: dict[str, dict[str, Any]] = {}
        for what, row in sorted({*last.tallies, *silent}, key=lambda key: (key[0], rows.index(key[1]))):
            tally = last.of(what, row).since(before.of(what, row))
            clients = self.of_clients(row)
            line = {
                "what": what,
                "row": row,
                "requests": tally.requests,
                "requests_per_s": tally.requests / seconds,
                **percentiles(tally),
                "failures": tally.failures,
                "open": clients["open"],
                "wanted": clients["wanted"],
                **self.cost(before, last, row),
                "ratio": None,
            }
            if comparable(line):
                reference = references.setdefault(what, line)
                if line["open"] == reference["open"]:
                    line["ratio"] = line["requests_per_s"] / reference["requests_per_s"]
            result.append(line)
        return result

    def cost(self, before: Sample, last: Sample, row: str) -> dict[str, Any]:
        """What the row's server used between two samples, per request of any kind; None where nobody knows."""
        meters = before.meters.get(row), last.meters.get(row)
        requests = last.of_row(row).requests - before.of_row(row).requests
        if not meters[0] or not meters[1]:
            return dict.fromkeys(("cpu_us", "memory_mib", "memory", "cgroup_mib", "sockets", "threads"))
        cpu_ns = meters[1]["cpu_ns"] - meters[0]["cpu_ns"]
        return {
            "cpu_us": cpu_ns / 1000 / requests if requests else None,
            "memory_mib": meters[1]["memory_bytes"] / 2**20,
            "memory": meters[1]["memory"],
            "cgroup_mib": None if meters[1]["cgroup_bytes"] is None else meters[1]["cgroup_bytes"] / 2**20,
            "sockets": meters[1]["sockets"],
            "threads": meters[1]["threads"],
        }

    def schedules(self) -> list[dict[str, Any]]:
        """How each schedule of each process was kept: arrivals.Kept."""
        return [schedule for process in self.arrivals.values() for schedule in process.values()]

    def starts(self) -> tuple[int, int]:
        """Of open loop: how many requests have started so far, and how many of them late."""
        kept = self.schedules()
        return sum(k["started"] for k in kept), sum(k["late"] for k in kept)

    def whole(self) -> list[dict[str, Any]]:
        """The lines of the test so far."""
        if not self.first or len(self.samples) < 2:
            return []
        stats = self.environment.stats
        # From the first user, whom Locust needs a second to start, to the last answer, without the time to stop.
        start = max(stats.start_time, min(filter(None, self.began.values()), default=0))
        seconds = (stats.last_request_timestamp or start) - start
        return self.lines(self.first, self.samples[-1], max(seconds, SAMPLE_S))


def comparable(line: dict[str, Any]) -> bool:
    """Whether a line is of right answers: one that is quick to refuse is not fast."""
    return bool(line["requests"] and line["failures"] <= line["requests"] * ERRORS_LIMIT)


def percentiles(tally: Tally) -> dict[str, float | None]:
    shares = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
    return {name: tally.percentile(share) if tally.requests else None for name, share in shares.items()}


def keeps_limit(tally: Tally, options: Any) -> bool:
    """Whether these requests keep --limit-p99-ms and --limit-errors (percent). No request keeps none."""
    if not tally.requests:
        return False
    errors = tally.failures / tally.requests * 100
    return bool(errors <= options.limit_errors and tally.percentile(0.99) <= (options.limit_p99_ms or SEARCH_P99_MS))


def read_meter(row: str) -> dict[str, Any]:
    """The row's meter; empty where it does not answer, as it does not from another machine."""
    try:
        with urllib.request.urlopen(targets.rows()[row]["meter"], timeout=1) as response:  # noqa: S310  (from rows.json)
            return dict(json.load(response))
    except (urllib.error.URLError, OSError, ValueError):
        return {}
