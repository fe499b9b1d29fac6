"""Puts load on rows, one at a time, with Locust as a library; a process of its own.

    python -m lab.generator.process < commands.jsonl > answers.jsonl

Reads a command of lab/measure.py a line, a method of Generator with its arguments, and answers with a line of JSON.
Ends at once when its input does. The parent keeps it on the generator's CPUs. Locust patches the standard library for
gevent, so nothing else may live in this process.
"""

import argparse
import gc
import json
import logging
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from functools import cache
from typing import Any, ClassVar

import gevent
from gevent.fileobject import FileObject
from gevent.queue import Queue
from locust.argument_parser import LocustArgumentParser  # Locust patches sockets and threads: before all that uses them

from lab.generator.load import DRAIN_S, Load
from lab.generator.window import Window
from loadtest import options as suite
from loadtest import precision, stall, targets
from loadtest.arrivals import Arrivals, arrivals
from loadtest.figures import read_meter

PROBE_USERS = 64  # how many probes may be in flight


class Connections:
    """Counts every connection that this process opens, whichever client opens it."""

    opened: ClassVar[int] = 0

    @classmethod
    def install(cls) -> None:
        connect = gevent.socket.socket.connect

        def counted(self: Any, address: Any) -> Any:
            cls.opened += 1
            return connect(self, address)

        gevent.socket.socket.connect = counted  # type: ignore[method-assign]  # what all clients call


def main() -> None:
    for name in ("locust", None):  # it warns, by the root's name, too, of what is meant here
        logging.getLogger(name).setLevel(logging.ERROR)
    precision.install()
    Connections.install()
    commands: Queue[str] = Queue()
    gevent.spawn(read, commands)
    generator = Generator()
    while True:
        name, arguments = json.loads(commands.get())
        print(json.dumps(getattr(generator, name)(**arguments)), flush=True)


@cache
def defaults() -> dict[str, Any]:
    """What every option of the suite is where a block does not say."""
    parser = LocustArgumentParser()
    suite.add_to(parser)
    return dict(vars(parser.parse_args([])))


def read(commands: "Queue[str]") -> None:
    for line in FileObject(sys.stdin.fileno(), "r", close=False):
        commands.put(line)
    os._exit(0)  # whoever asked has gone


class Lane:
    """A block under way: its row under its load, measured in one slice or in many."""

    def __init__(self, block: dict[str, Any]) -> None:
        self.block, self.row = block, block["row"]
        self.options = argparse.Namespace(**defaults() | block["options"] | {"rows": [self.row]})
        self.schedule = {"started": 0, "late": 0, "queued": 0}
        self.meter: dict[str, int] | None = None
        self.held = 0
        if block["rate"]:
            arrivals.begin(block["arrivals"], [self.row])
        self.load = Load(block["scenario"], self.options, block["users"])
        self.windows = [Window() for _ in range(block["halves"])]
        self.loads = {"load": self.load}
        self.stalling = gevent.spawn(stall.run, self.options)
        self.load.start()
        if block["rate"]:
            arrivals.set_rates({self.row: block["rate"]})
        if block["warm_up"] is None:
            self.load.warm_up()
        else:
            gevent.sleep(block["warm_up"])
        if block["probe_rate"]:
            self.loads["probe"] = probe(self.row, self.options, block["probe_rate"])
            gevent.sleep(0.5)
        self.takes_turns = block["halves"] > 1
        if self.takes_turns:
            self.load.drain()

    def mean_s(self) -> float:
        """Of a response, so far."""
        return self.load.answered_s / max(self.load.answered, 1)

    def slice(self, half: int, margin_s: float, seconds: float) -> None:
        """Measures for `seconds`.

        Where slices take turns, the load is on for `margin_s` more on either side, so that what starts within the
        window meets no less of it than it would without an end, and the slice ends drained.
        """
        window = self.load.window = self.windows[half]
        answered, opened = self.load.answered, Connections.opened
        if self.takes_turns:
            self.load.turn.set()
            gevent.sleep(margin_s)
        kept = kept_so_far(arrivals)
        began = time.perf_counter()
        for load in self.loads.values():
            load.window.open(began, seconds)
        used = time.process_time()
        gevent.sleep(seconds)
        # Waking late is no part of the window, but its share of the CPU is what counts.
        window.generator_s += (time.process_time() - used) * seconds / (time.perf_counter() - began)
        self.schedule = {key: count - kept[key] for key, count in kept_so_far(arrivals).items()}
        if self.takes_turns:
            gevent.sleep(margin_s)
            self.load.drain()
            window.answered += self.load.answered - answered
        else:
            self.look()  # before its requests drain
        window.connections += Connections.opened - opened

    def look(self) -> None:
        self.meter, self.held = read_meter(self.row), self.load.held()

    def collect(self) -> list[dict[str, Any]]:
        """What each half has measured since the last time, when all its requests have their answers."""
        if self.takes_turns:
            self.look()
        else:
            self.end()
        found = [self.result(window, half) for half, window in enumerate(self.windows)]
        self.windows = [Window() for _ in self.windows]
        return found

    def result(self, window: Window, half: int) -> dict[str, Any]:
        """What lab/evidence.py reads, but for the CPU time, which lab/measure.py adds. Times in ms or s as named."""
        return {
            "block": self.block | {"about": self.block["about"] | {"half": half}},
            "seconds": window.seconds,
            "answered": window.answered,
            "cpus": {"generator": window.generator_s / window.seconds},
            "connections": window.connections,
            "schedule": self.schedule,
            "meter": self.meter,
            "held": self.held,
            "load": window.result(),
        } | ({"probe": self.loads["probe"].window.result()} if "probe" in self.loads else {})

    def end(self) -> None:
        """The load first: its WebSockets may hold what the probes wait for."""
        arrivals.set_rates({})
        self.stalling.kill()
        for load in self.loads.values():
            load.drain()
            load.quit()
        arrivals.end()

    def after(self) -> float | None:
        return answered_again(targets.url(self.row, self.options.path))


class Generator:
    """Answers the lab's commands: a command is its method's name with its arguments."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []

    def open(self, blocks: list[dict[str, Any]]) -> list[float]:
        """Puts a load on each, one after the other until it is warm. The mean response time of each, in s."""
        self.lanes = [Lane(block) for block in blocks]
        return [lane.mean_s() for lane in self.lanes]

    def slice(self, lane: int, half: int, margin_s: float, seconds: float) -> None:
        self.lanes[lane].slice(half, margin_s, seconds)

    def meter(self, lane: int) -> dict[str, int] | None:
        return read_meter(self.lanes[lane].row)

    def collect(self) -> list[list[dict[str, Any]]]:
        """The results of each lane's halves since the last time."""
        return [lane.collect() for lane in self.lanes]

    def close(self) -> list[float | None]:
        """Ends all lanes; the ms until each row answers again."""
        for lane in self.lanes:
            if lane.takes_turns:
                lane.end()
        after = [lane.after() for lane in self.lanes]
        self.lanes = []
        gc.collect()  # with their connections, and now, not in what is measured next
        return after


def probe(row: str, options: argparse.Namespace, rate: float) -> Load:
    """A neighbour who asks for little, on a schedule of its own, whatever the others do to the row."""
    arrivals.begin("poisson", [row])  # users that exist by now stay in closed loop
    arrivals.set_rates({row: rate})
    neighbour = Load("Json", options, PROBE_USERS)
    neighbour.start()
    return neighbour


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
