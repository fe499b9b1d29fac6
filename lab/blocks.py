"""Puts load on rows, one block after the other, with Locust as a library; a process of its own.

    python -m lab.blocks < blocks.jsonl > results.jsonl

Reads a block (lab/measure.py) a line, runs it, and writes what came out as a line of JSON; the lines `"window"` and
`"closed"` before it say when the measured seconds begin and end. Ends at once when its input does. The parent keeps it
on the generator's CPUs. Locust patches the standard library for gevent, so nothing else may live in this process.
"""

import argparse
import gc
import json
import logging
import math
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import gevent
from gevent.fileobject import FileObject
from gevent.queue import Queue
from locust import FastHttpUser, HttpUser, User, task  # it patches sockets and threads: before all that uses them
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtest import options as suite
from loadtest import precision, stall, targets, users
from loadtest.arrivals import Arrivals, arrivals
from loadtest.figures import read_meter

DRAIN_S = 60  # how long requests in flight may take when a block ends, before they are cut off
SLICE_S = 0.15  # of the warm-up
WARM_UP_S = 10  # at most
RESPONSES_LONG = 5  # a window is at least this many response times long
MAX_WINDOW_S = 20
OPEN_LOOP_WARM_UP_S = 1.0
PROBE_USERS = 64  # how many probes may be in flight


class OnFirstRow(User):
    """What Locust itself offers, without the suite's checks."""

    abstract = True
    client: Any

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options
        self.host = targets.url(environment.parsed_options.rows[0], environment.parsed_options.path)
        super().__init__(environment)

    @task
    def get(self) -> None:
        self.client.get("/json")


class Bare(OnFirstRow, FastHttpUser):
    """The yardstick for the suite's own users (lab/bench.py)."""


class Slow(OnFirstRow, HttpUser):
    """Locust's default user, a quarter as fast: a run with it measures Locust."""


OWN: dict[str, type[User]] = {"Bare": Bare, "Slow": Slow}


class Window:
    """The requests of one block, of which only what lies within its measured seconds counts.

    A request that crosses an edge counts in part, as much as of its time lies within: users in step would else make
    every count jump by as many as they are. Percentiles are of the requests that start within, however late they end.
    """

    def __init__(self) -> None:
        self.began, self.ends = math.inf, math.inf
        self.answered, self.answered_s = 0, 0.0  # since the block began
        self.requests = 0.0  # within the window
        self.started, self.started_s, self.failures = 0, 0.0, 0  # of those that started within, s: their response times
        self.histogram: Counter[float] = Counter()  # ms: count
        self.errors: Counter[str] = Counter()
        self.protocols: set[str] = set()
        self.in_flight_s = 0.0  # the integral of requests in flight, by a clock of our own
        self.open: dict[Any, float] = {}  # when the request of each greenlet began

    def watch(self, run: Callable[[Any], None]) -> Callable[[Any], None]:
        """A task that notes when it begins: in open loop, when it should have."""

        def watched(user: Any) -> None:
            self.open[gevent.getcurrent()] = getattr(user, "intended", 0) or time.perf_counter()
            run(user)

        return watched

    def seen(self, request_type: str, response_time: float, exception: Exception | None, **_: Any) -> None:
        """Locust's request event."""
        now, seconds = time.perf_counter(), response_time / 1000
        self.answered += 1
        self.answered_s += seconds
        if (entered := self.open.pop(gevent.getcurrent(), None)) is not None:
            self.in_flight_s += self.within(entered, now)
        if seconds:
            self.requests += self.within(now - seconds, now) / seconds
        if self.began <= now - seconds < self.ends:
            self.started += 1
            self.started_s += seconds
            self.histogram[precision.three_digits(response_time)] += 1
            self.protocols.add(request_type if "/" in request_type or request_type == "WS" else "HTTP/1.1")
            if exception is not None:
                self.failures += 1
                self.errors[str(exception)[:200]] += 1

    def within(self, start: float, end: float) -> float:
        """How much of a time lies within the window, in s."""
        return max(min(end, self.ends) - max(start, self.began), 0)

    def result(self) -> dict[str, Any]:
        unanswered = sum(self.within(entered, math.inf) for entered in self.open.values())
        return {
            "requests": self.requests,
            "started": self.started,
            "failures": self.failures,
            "errors": dict(self.errors.most_common(5)),
            "mean_ms": self.started_s / self.started * 1000 if self.started else None,
            "in_flight": (self.in_flight_s + unanswered) / (self.ends - self.began),
            "protocols": sorted(self.protocols),
            "histogram": self.histogram,
        }


class Load:
    """Users of one kind on one row, and their window."""

    def __init__(self, scenario: str, options: argparse.Namespace, count: int) -> None:
        self.window = Window()
        kind = users.SCENARIOS.get(scenario) or OWN[scenario]
        self.members: list[User] = []
        members = self.members

        class Observed(kind):  # type: ignore[misc,valid-type]  # chosen as it runs
            def __init__(self, environment: Environment) -> None:
                super().__init__(environment)
                members.append(self)

        Observed.tasks = [self.window.watch(run) for run in kind.tasks]  # type: ignore[arg-type]  # functions, here
        environment = Environment(user_classes=[Observed], parsed_options=options, stop_timeout=DRAIN_S)
        environment.events.request.add_listener(self.window.seen)
        self.runner = environment.create_local_runner()
        self.scheduled = bool(arrivals.schedules)
        self.count = count

    def start(self) -> None:
        self.runner.start(self.count, spawn_rate=self.count)

    def warm_up(self) -> float:
        """Waits until every user has had two answers and two slices of time brought as many; how long it took, in s."""
        began, counts = time.perf_counter(), [0]
        while time.perf_counter() - began < WARM_UP_S:
            gevent.sleep(SLICE_S)
            counts.append(self.window.answered)
            if len(counts) > 2 and counts[-1] >= 2 * self.count:
                last, before = counts[-1] - counts[-2], counts[-2] - counts[-3]
                if abs(last - before) <= max(0.1 * last, 2 * math.sqrt(last), self.count):
                    break
        return time.perf_counter() - began

    def drain(self) -> None:
        """Ends when every request that has started has its answer."""
        if self.scheduled:  # who waits for his start is idle, but Locust would wait for him, too
            with gevent.Timeout(DRAIN_S, exception=None):
                while self.window.open:
                    gevent.sleep(0.01)
            self.runner.environment.stop_timeout = 0
        self.runner.quit()

    def held(self) -> int:
        """Open WebSockets."""
        return sum(getattr(member, "ws", None) is not None for member in self.members)


class Connections:
    """Counts every connection that this process opens, whichever client opens it."""

    opened: ClassVar[int] = 0

    @classmethod
    def install(cls) -> None:
        connect = gevent.socket.socket.connect

        def counted(self: Any, address: Any) -> Any:
            cls.opened += 1
            return connect(self, address)

        gevent.socket.socket.connect = counted  # type: ignore[method-assign]


def main() -> None:
    logging.getLogger("locust").setLevel(logging.ERROR)  # it warns of what is meant here
    precision.install()
    Connections.install()
    blocks: Queue[str] = Queue()
    gevent.spawn(read, blocks)
    while True:
        print(json.dumps(run(json.loads(blocks.get()))), flush=True)


@cache
def defaults() -> dict[str, Any]:
    """What every option of the suite is where a block does not say."""
    parser = LocustArgumentParser()
    suite.add_to(parser)
    return dict(vars(parser.parse_args([])))


def read(blocks: "Queue[str]") -> None:
    for line in FileObject(sys.stdin.fileno(), "r", close=False):
        blocks.put(line)
    os._exit(0)  # whoever asked has gone


def run(block: dict[str, Any]) -> dict[str, Any]:
    """One row under one load: what lab/evidence.py reads. Times in ms or s as named; `cpus` are CPU s per s."""
    row = block["row"]
    options = argparse.Namespace(**defaults() | block["options"] | {"rows": [row]})
    arrivals.end()
    if block["rate"]:
        arrivals.begin(block["arrivals"], [row])
    load = Load(block["scenario"], options, block["users"])
    load.start()
    stalling = gevent.spawn(stall.run, options)
    if block["rate"]:
        arrivals.set_rates({row: block["rate"]})
    warmed = warm_up(load, block)
    loads = {"load": load}
    if block["probe_rate"]:
        loads["probe"] = probe(row, options, block["probe_rate"])
        gevent.sleep(0.5)
    mean_s = load.window.answered_s / max(load.window.answered, 1)
    steady = not block["rate"] and block["warm_up"] is None
    seconds = min(max(block["seconds"], RESPONSES_LONG * mean_s if steady else 0), MAX_WINDOW_S)
    measured = measure(loads, row, seconds)
    schedule = measured.pop("schedule")
    arrivals.set_rates({})
    measured["held"] = load.held()
    stalling.kill()
    for each in loads.values():
        each.drain()
    arrivals.end()
    gc.collect()  # between blocks, not in the next one
    return {
        "block": block,
        "seconds": seconds,
        "warm_up_s": warmed,
        **measured,
        "schedule": schedule,
        "after_ms": answered_again(targets.url(row, options.path)),
        **{name: each.window.result() for name, each in loads.items()},
    }


def warm_up(load: Load, block: dict[str, Any]) -> float:
    if not block["rate"] and block["warm_up"] is None:
        return load.warm_up()
    seconds = float(block["warm_up"] or OPEN_LOOP_WARM_UP_S)
    gevent.sleep(seconds)
    return seconds


def probe(row: str, options: argparse.Namespace, rate: float) -> Load:
    """A neighbour who asks for little, on a schedule of its own, whatever the others do to the row."""
    arrivals.begin("poisson", [row])  # users that exist by now stay in closed loop
    arrivals.set_rates({row: rate})
    neighbour = Load("Json", options, PROBE_USERS)
    neighbour.start()
    return neighbour


def measure(loads: dict[str, Load], row: str, seconds: float) -> dict[str, Any]:
    """Opens the windows, waits `seconds`, and reads what the row and this process have used meanwhile."""
    kept = kept_so_far(arrivals)
    before = read_meter(row)
    print('"window"', flush=True)
    began = time.perf_counter()
    for load in loads.values():
        load.window.began, load.window.ends = began, began + seconds
    used, opened = time.process_time(), Connections.opened
    gevent.sleep(seconds)
    print('"closed"', flush=True)
    taken, used = time.perf_counter() - began, time.process_time() - used
    connections = Connections.opened - opened
    after = read_meter(row)
    schedule = {key: count - kept[key] for key, count in kept_so_far(arrivals).items()}
    return {
        "meter": [before, after] if before and after else None,
        "cpus": {"generator": used / taken},
        "connections": connections,
        "schedule": schedule,
    }


def kept_so_far(schedules: Arrivals) -> dict[str, int]:
    """Of all schedules: how many starts, and how many of them late."""
    kept = schedules.report().values()
    return {key: sum(each[key] for each in kept) for key in ("started", "late", "queued")}


def answered_again(base: str) -> float | None:
    """The time of a request when all clients have gone, in ms: how long the row works on for them. None: for ever."""
    unverified = ssl._create_unverified_context()  # noqa: S323  (the lab's own certificate)
    began, health = time.perf_counter(), f"{base}/health"
    try:
        urllib.request.urlopen(health, timeout=DRAIN_S, context=unverified).close()  # noqa: S310  (from rows.json)
    except (urllib.error.URLError, OSError):
        return None
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
