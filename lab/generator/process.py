"""Puts load on rows, one at a time, with Locust as a library; a process of its own.

    python -m lab.generator.process < commands.jsonl > answers.jsonl

Reads a command of lab/generator/client.py a line (a method of GeneratorProcess and its arguments), and answers with a
line of JSON. Ends as soon as its input does. The lab keeps it on the generator's CPUs. Locust patches the standard
library for gevent, so nothing else may live in this process.
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
from dataclasses import asdict
from functools import cache
from typing import Any, ClassVar

import gevent
from gevent.fileobject import FileObject
from gevent.queue import Queue
from locust.argument_parser import LocustArgumentParser  # Locust patches sockets and threads: before all that uses them

from lab.generator import contention
from lab.generator.load import DRAIN_S, RunningLoad
from lab.generator.record import BLOCKS, OBSERVATIONS, Block, Observation, Schedule
from lab.generator.saturate import ArmSaturated, lacking
from lab.generator.window import Window
from loadtest import connections, precision, stall, targets
from loadtest import options as suite
from loadtest.arrivals import Arrivals, arrivals
from loadtest.figures import read_meter
from meter import Reading

PROBE_USERS = 64  # how many probes may be in flight
AGAIN_S = 0.01


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
    connections.install()
    Connections.install()
    commands: Queue[str] = Queue()
    gevent.spawn(read, commands)
    process = GeneratorProcess()
    while True:
        name, arguments = json.loads(commands.get())
        print(json.dumps(getattr(process, name)(**arguments)), flush=True)


@cache
def defaults() -> dict[str, Any]:
    """What every option of the suite is where a block does not say."""
    parser = LocustArgumentParser()
    suite.add_to(parser)
    return dict(vars(parser.parse_args([])))


def read(commands: "Queue[str]") -> None:
    for line in FileObject(sys.stdin.fileno(), "r", close=False):
        commands.put(line)
    os._exit(0)  # the lab has gone


class ArmUnderLoad:
    """A block under way: its row under its load, measured in one slice or in many."""

    def __init__(self, block: Block, options: argparse.Namespace) -> None:
        self.block, self.row, self.options = block, block.row, options
        self.schedule = Schedule(started=0, late=0, queued=0)
        self.meter: Reading | None = None
        self.held = 0
        if block.rate:
            arrivals.begin(block.arrivals, [self.row])
        self.load = RunningLoad(block.scenario, self.options, block.users)
        self.windows = [Window() for _ in range(block.splits)]
        self.loads = {"load": self.load}
        self.stalling = gevent.spawn(stall.run, self.options)
        self.load.start()
        if block.rate:
            arrivals.set_rates({self.row: block.rate})
        if block.warm_up is None:
            self.load.warm_up()
        else:
            self.load.settle(block.warm_up)
        if block.probe_rate:
            self.loads["probe"] = probe(self.row, self.options, block.probe_rate)
            gevent.sleep(0.5)
        self.takes_turns = block.splits > 1
        if self.takes_turns:
            self.load.drain()

    def mean_s(self) -> float:
        """Of a response, so far."""
        return self.load.answered_s / max(self.load.answered, 1)

    def slice(self, split: int, margin_s: float, seconds: float) -> None:
        """Measures for `seconds`.

        Where arms take turns in slices, the load starts `margin_s` before the measured seconds and stops as long after
        them, so that a request that starts within them meets the same load as without an end. The slice ends drained.
        """
        window = self.load.window = self.windows[split]
        answered, opened = self.load.answered, Connections.opened
        if self.takes_turns:
            self.load.their_turn.set()
            gevent.sleep(margin_s)
        before = kept_so_far(arrivals)
        began = time.perf_counter()
        for load in self.loads.values():
            load.window.start_slice(began, seconds)
        used, waits = time.process_time(), contention.waits([os.getpid()])
        gevent.sleep(seconds)
        # Waking late is no part of the window, but its share of the CPU is what counts.
        share = seconds / (time.perf_counter() - began)
        window.generator_s += (time.process_time() - used) * share
        window.waited_s += contention.waited_s(waits, contention.waits([os.getpid()])) * share
        self.schedule = Schedule(**{key: count - before[key] for key, count in kept_so_far(arrivals).items()})
        if self.takes_turns:
            gevent.sleep(margin_s)
            self.load.drain()
            window.answered += self.load.answered - answered
        window.connections += Connections.opened - opened  # the clients', and not that of the look at the meter
        if not self.takes_turns:
            self.look()  # before its requests drain

    def look(self) -> None:
        self.meter, self.held = meter_of(self.row), self.load.held()

    def collect(self) -> list[Observation]:
        """What each split has measured since the last time, once all its requests have their answers."""
        if self.takes_turns:
            self.look()
        else:
            self.end()
        seen = [self.observation(window) for window in self.windows]
        self.windows = [Window() for _ in self.windows]
        return seen

    def observation(self, window: Window) -> Observation:
        return Observation(
            seconds=window.seconds,
            answered=window.answered,
            generator_cpus=window.generator_s / window.seconds,
            generator_waits=window.waited_s / window.seconds if contention.KNOWN else None,
            connections=window.connections,
            schedule=self.schedule,
            meter=self.meter,
            held=self.held,
            load=window.result(),
            probe=self.loads["probe"].window.result() if "probe" in self.loads else None,
        )

    def end(self) -> None:
        """The load first: its WebSockets may hold what the probes wait for."""
        arrivals.set_rates({})
        self.stalling.kill()
        for load in self.loads.values():
            load.drain()
            load.quit()
        arrivals.end()

    def after_ms(self) -> float | None:
        return answered_again(targets.url(self.row, self.options.path) + self.load.least())


def under_load(block: Block) -> ArmUnderLoad | ArmSaturated:
    kind = ArmSaturated if block.saturates else ArmUnderLoad
    return kind(block, argparse.Namespace(**defaults() | block.options | {"rows": [block.row]}))


class GeneratorProcess:
    """Answers the lab's commands: a command is the name of a method here, with its arguments."""

    def __init__(self) -> None:
        self.arms: list[ArmUnderLoad | ArmSaturated] = []

    def lacks(self) -> str:
        """What it would need to use up a row's CPU; empty where it has it."""
        return lacking()

    def open(self, blocks: list[dict[str, Any]]) -> list[float]:
        """Puts a load on each, one after the other until it is warm. The mean response time of each, in s."""
        self.arms = [under_load(block) for block in BLOCKS.validate_python(blocks)]
        return [arm.mean_s() for arm in self.arms]

    def slice(self, arm: int, split: int, margin_s: float, seconds: float) -> None:
        self.arms[arm].slice(split, margin_s, seconds)

    def meter(self, arm: int) -> dict[str, Any] | None:
        reading = meter_of(self.arms[arm].row)
        return asdict(reading) if reading else None

    def collect(self) -> Any:
        """The observations of each arm's splits since the last time."""
        return OBSERVATIONS.dump_python([arm.collect() for arm in self.arms], mode="json")

    def close(self) -> list[float | None]:
        """Ends all loads; the ms until each row answers again."""
        for arm in self.arms:
            if isinstance(arm, ArmUnderLoad) and arm.takes_turns:
                arm.end()
        after = [arm.after_ms() for arm in self.arms]
        self.arms = []
        gc.collect()  # with their connections, and now, not in what is measured next
        return after


def meter_of(row: str) -> Reading | None:
    reading = read_meter(row)
    return Reading(**reading) if reading else None


def probe(row: str, options: argparse.Namespace, rate: float) -> RunningLoad:
    """A neighbour who asks for little, on a schedule of its own, whatever the others do to the row."""
    arrivals.begin("poisson", [row])  # users that exist by now stay in closed loop
    arrivals.set_rates({row: rate})
    neighbour = RunningLoad("Json", options, PROBE_USERS)
    neighbour.start()
    return neighbour


def kept_so_far(schedules: Arrivals) -> dict[str, int]:
    """Of all schedules: how many starts, and how many of them late."""
    kept = schedules.report().values()
    return {key: sum(each[key] for each in kept) for key in ("started", "late", "queued")}


def answered_again(address: str) -> float | None:
    """The ms until this is answered well when all clients have gone: how long the row works on. None: for ever."""
    unverified = ssl._create_unverified_context()  # noqa: S323  (the lab's own certificate)
    began = time.perf_counter()
    while time.perf_counter() - began < DRAIN_S:
        try:
            urllib.request.urlopen(address, timeout=DRAIN_S, context=unverified).close()  # noqa: S310  (from rows.json)
        except urllib.error.HTTPError:  # such as 503 where all database connections are still at work for the others
            gevent.sleep(AGAIN_S)
        except OSError:
            return None
        else:
            return (time.perf_counter() - began) * 1000
    return None


if __name__ == "__main__":
    main()
