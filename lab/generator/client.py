"""The load generator as the lab sees it: a process that is told whose turn it is, and answers with what it measured.

What one machine's noise does to a row it does to its neighbour a moment later, but not a second later. So where the
load allows it the arms of a round take turns in slices of some 25 ms, again and again. The load is on
a little before a slice counts and a little longer, and every slice ends drained, so that the CPU time of the row's
processes is that of the slice's own requests, exactly.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

import meter
from lab import LabError
from lab.stack.doors import BESIDE, Door

SLICE_S = 0.025  # at least; the noise of the machines seen so far changes within a fifth of a second
RESPONSES_LONG = 6  # a round of an arm is at least this many response times long, its slices half of that
MARGIN_RESPONSES = 1  # so many of them before a slice counts, and after
LONGEST_S = 20.0
OPEN_LOOP_WARM_UP_S = 1.0

Result = dict[str, Any]
CpuTimes = dict[str, int]


@dataclass(frozen=True)
class Block:
    """One row under one load. Closed loop with `users` clients; open loop where there is a `rate`."""

    row: str
    scenario: str  # of loadtest/users
    users: int  # in open loop: how many requests may be in flight
    seconds: float  # that count; more where responses take long
    options: dict[str, Any] = field(default_factory=dict)  # of loadtest/options.py, where they differ from the defaults
    rate: float = 0  # requests per second
    arrivals: str = "poisson"
    probe_rate: float = 0  # requests per second of a neighbour who asks for little meanwhile
    warm_up: float | None = None  # seconds; None: until the answers come steadily (a second in open loop)
    about: dict[str, Any] = field(default_factory=dict)  # what the block is for: kept with its result
    halves: int = 1  # 2: it takes turns in slices, whose odd and even ones are results of their own


class Generator:
    """The generator's process at a door; every result goes to `raw` as it comes, after a first line `header`."""

    def __init__(self, door: Door, raw: Path, header: dict[str, Any]) -> None:
        self.door = door
        self.raw = raw
        self.header = header

    def __enter__(self) -> Self:
        self.file = self.raw.open("w")
        self.write(self.header)
        self.process = self.door.generator()
        return self

    def run(self, block: Block) -> Result:
        """The result of a block that is measured in one go, as lab/blocks.py gives it, with the CPU time used.

        LabError where the generator fails; what it has measured by then is in `raw`.
        """
        (mean_s,) = self.open([block])
        watch = Watch(self, 0, block)
        with watch.reading(0):
            long = 0 if block.rate or block.warm_up is not None else RESPONSES_LONG * mean_s
            self.ask("slice", lane=0, half=0, margin_s=0, seconds=max(block.seconds, min(long, LONGEST_S)))
        result: Result = self.ask("collect")[0][0]
        (result["after_ms"],) = self.ask("close")
        watch.add_to(result, 0)
        self.write(result)
        return result

    @contextmanager
    def taking_turns(self, blocks: Sequence[Block]) -> "Iterator[Turns]":
        """Blocks whose clients wait until it is their turn: they stay connected from round to round."""
        blocks = [replace(block, halves=2) for block in blocks]
        yield Turns(self, blocks, self.open(blocks))
        self.ask("close")

    def open(self, blocks: Sequence[Block]) -> list[float]:
        told = []
        for block in blocks:
            options = block.options | {"path": self.door.path(block.options.get("path", "direct"))}
            warm_up = OPEN_LOOP_WARM_UP_S if block.rate and block.warm_up is None else block.warm_up
            told.append(asdict(block) | {"options": options, "warm_up": warm_up})
        means: list[float] = self.ask("open", blocks=told)
        return means

    def ask(self, command: str, **arguments: Any) -> Any:
        """The answer of lab/blocks.py's Generator."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps([command, arguments]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise LabError(f"the load generator ended early: what it has measured is in {self.raw}")
        return json.loads(line)

    def write(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.close()  # it ends when nobody asks any more, in a container, too
            self.process.wait(timeout=10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.file.close()


class Turns:
    """Arms that take turns, and what they have measured when a round ends."""

    def __init__(self, generator: Generator, blocks: Sequence[Block], means: Sequence[float]) -> None:
        self.generator, self.blocks = generator, blocks
        self.least = [min(max(SLICE_S, RESPONSES_LONG * mean / 2), LONGEST_S) for mean in means]
        self.margins = [MARGIN_RESPONSES * mean for mean in means]
        # As many slices as fit for the slowest: an even number, for both halves.
        seconds = max(block.seconds for block in blocks)
        self.count = 2 * max(round(seconds / max(self.least) / 2), 1)
        self.watches = [Watch(generator, lane, block) for lane, block in enumerate(blocks)]

    def round(self, number: int, orders: Sequence[Sequence[int]]) -> Iterator[Result]:
        """One round: in every cycle each block, by its number, has a slice. Two results a block, one of each half.

        Neighbouring cycles are of different halves, and which comes first changes in turn.
        """
        for cycle, order in enumerate(orders):
            half = (0, 1, 1, 0)[cycle % 4]
            for lane in order:
                seconds = max(self.blocks[lane].seconds / len(orders), self.least[lane])
                with self.watches[lane].reading(half):
                    self.generator.ask("slice", lane=lane, half=half, margin_s=self.margins[lane], seconds=seconds)
        for lane, halves in enumerate(self.generator.ask("collect")):
            for half, result in enumerate(halves):
                result["block"]["about"]["round"] = number
                self.watches[lane].add_to(result, half)
                self.generator.write(result)
                yield result


class Watch:
    """The CPU time of a block's row, and of what runs beside it, over the slices of each half. In ns."""

    def __init__(self, generator: Generator, lane: int, block: Block) -> None:
        self.generator, self.lane, self.halves = generator, lane, block.halves
        names = {"row": block.row} | {name: name for name in BESIDE}
        self.processes: dict[str, list[psutil.Process]] = {
            role: found for role, name in names.items() if (found := generator.door.processes(name))
        }
        self.asks = "row" not in self.processes and bool(generator.ask("meter", lane=lane))
        self.used: list[CpuTimes] = [{} for _ in range(self.halves)]
        self.taken_ns = [0] * self.halves

    @contextmanager
    def reading(self, half: int) -> Iterator[None]:
        """Counts what is used meanwhile."""
        before, began = self.read(), time.monotonic_ns()
        yield
        self.taken_ns[half] += time.monotonic_ns() - began
        used, after = self.used[half], self.read()
        for name in before.keys() & after.keys():
            used[name] = used.get(name, 0) + after[name] - before[name]

    def read(self) -> CpuTimes:
        """Of the processes that this machine's own kernel runs; of a row elsewhere what its meter says, if it can."""
        seen = {name: meter.cpu_ns(processes) for name, processes in self.processes.items()}
        if self.asks and (reading := self.generator.ask("meter", lane=self.lane)):
            seen["row"] = reading["cpu_ns"]
        return seen

    def add_to(self, result: Result, half: int) -> None:
        """Adds what a half has used to its result, and begins anew."""
        taken_ns, used = self.taken_ns[half], self.used[half]
        result["cpus"] |= {name: ns / taken_ns for name, ns in used.items() if name != "row"}
        if self.halves == 1:  # not drained, so its window's share counts, against its window's requests
            used = {name: round(ns * result["seconds"] * 1e9 / taken_ns) for name, ns in used.items()}
            result["answered"] = result["load"]["requests"]
        result["cpu_ns"] = used
        self.used[half], self.taken_ns[half] = {}, 0
