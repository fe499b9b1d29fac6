"""The load generator as the lab sees it: a process that is told whose turn it is, and answers with what it measured.

Noise hits two rows alike when they run milliseconds apart, not when they run a second apart. So, where the load allows
it, the arms of a round take turns in slices of some 25 ms, again and again. Load starts just before the measured slice
and stops just after it, and every slice ends drained: the CPU time of the row's processes is then exactly that of the
slice's own requests.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import psutil

import meter
from lab import LabError
from lab.generator.record import BLOCKS, OBSERVATIONS, Block, CpuTimes, Observation, Result
from lab.stack.doors import BESIDE, Door

SLICE_S = 0.025  # at least; the noise of the machines seen so far changes within a fifth of a second
RESPONSES_LONG = 6  # a round of an arm is at least this many response times long, its slices half of that
MARGIN_RESPONSES = 1  # response times of load before a slice counts, and after
LONGEST_S = 20.0
OPEN_LOOP_WARM_UP_S = 1.0


class GeneratorClient:
    """Starts the generator's process at a door and speaks with it; hands every result to `keep` as it comes."""

    def __init__(self, door: Door, keep: Callable[[Result], object]) -> None:
        self.door, self.keep = door, keep

    def __enter__(self) -> Self:
        self.process = self.door.generator()
        return self

    def run(self, block: Block) -> Result:
        """The result of a block that is measured in one go. LabError where the generator fails."""
        (told,) = self.told([block])
        (mean_s,) = self.open([told])
        watch = CpuWatch(self, 0, told)
        with watch.reading(0):
            long = 0 if block.rate or block.warm_up is not None else RESPONSES_LONG * mean_s
            self.ask("slice", arm=0, split=0, margin_s=0, seconds=max(block.seconds, min(long, LONGEST_S)))
        ((seen,),) = self.collect()
        (after_ms,) = self.ask("close")
        result = watch.result(told, 0, seen, after_ms)
        self.keep(result)
        return result

    @contextmanager
    def taking_turns(self, blocks: Sequence[Block]) -> "Iterator[Interleaving]":
        """Blocks whose clients wait until it is their turn: they stay connected from round to round."""
        told = [replace(block, splits=2) for block in self.told(blocks)]
        yield Interleaving(self, told, self.open(told))
        self.ask("close")

    def told(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks with what this door, and the kind of load, decide for them."""
        return [
            replace(
                block,
                options=block.options | {"path": self.door.path(block.options.get("path", "direct"))},
                warm_up=OPEN_LOOP_WARM_UP_S if block.rate and block.warm_up is None else block.warm_up,
            )
            for block in blocks
        ]

    def open(self, blocks: Sequence[Block]) -> list[float]:
        means: list[float] = self.ask("open", blocks=BLOCKS.dump_python(list(blocks), mode="json"))
        return means

    def collect(self) -> list[list[Observation]]:
        """By arm, then by split."""
        return OBSERVATIONS.validate_python(self.ask("collect"))

    def ask(self, command: str, **arguments: Any) -> Any:
        """The answer of lab/generator/process.py."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps([command, arguments]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise LabError("the load generator ended early: what it has measured until now is kept")
        return json.loads(line)

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


class Interleaving:
    """Arms that take turns in slices, and what they have measured when a round ends."""

    def __init__(self, client: GeneratorClient, blocks: Sequence[Block], means: Sequence[float]) -> None:
        self.client, self.blocks = client, blocks
        self.least = [min(max(SLICE_S, RESPONSES_LONG * mean / 2), LONGEST_S) for mean in means]
        self.margins = [MARGIN_RESPONSES * mean for mean in means]
        # As many slices as fit for the slowest: an even number, so that both splits have as many.
        seconds = max(block.seconds for block in blocks)
        self.count = 2 * max(round(seconds / max(self.least) / 2), 1)
        self.watches = [CpuWatch(client, arm, block) for arm, block in enumerate(blocks)]

    def round(self, number: int, orders: Sequence[Sequence[int]]) -> Iterator[Result]:
        """One round: in every cycle each arm, by its number, has a slice. Two results an arm, one of each split.

        Neighbouring cycles belong to different splits, and which comes first changes in turn.
        """
        for cycle, order in enumerate(orders):
            split = (0, 1, 1, 0)[cycle % 4]
            for arm in order:
                seconds = max(self.blocks[arm].seconds / len(orders), self.least[arm])
                with self.watches[arm].reading(split):
                    self.client.ask("slice", arm=arm, split=split, margin_s=self.margins[arm], seconds=seconds)
        for block, watch, splits in zip(self.blocks, self.watches, self.client.collect(), strict=True):
            block = replace(block, purpose=replace(block.purpose, round=number))
            for split, seen in enumerate(splits):
                result = watch.result(block, split, seen)
                self.client.keep(result)
                yield result


class CpuWatch:
    """The CPU time in ns of a block's row, and of nginx and PostgreSQL, over the slices of each split."""

    def __init__(self, client: GeneratorClient, arm: int, block: Block) -> None:
        self.client, self.arm = client, arm
        names = {"row": block.row} | {name: name for name in BESIDE}
        self.processes: dict[str, list[psutil.Process]] = {
            role: processes for role, name in names.items() if (processes := client.door.processes(name))
        }
        self.asks = "row" not in self.processes and bool(client.ask("meter", arm=arm))
        self.used: list[CpuTimes] = [{} for _ in range(block.splits)]
        self.taken_ns = [0] * block.splits

    @contextmanager
    def reading(self, split: int) -> Iterator[None]:
        """Counts what is used meanwhile."""
        before, began = self.read(), time.monotonic_ns()
        yield
        self.taken_ns[split] += time.monotonic_ns() - began
        used, after = self.used[split], self.read()
        for role in before.keys() & after.keys():
            used[role] = used.get(role, 0) + after[role] - before[role]

    def read(self) -> CpuTimes:
        """Of the processes that this machine's own kernel runs; of a row elsewhere what its meter says, if it can."""
        seen = {role: meter.cpu_ns(processes) for role, processes in self.processes.items()}
        if self.asks and (reading := self.client.ask("meter", arm=self.arm)):
            seen["row"] = reading["cpu_ns"]
        return seen

    def result(self, block: Block, split: int, seen: Observation, after_ms: float | None = None) -> Result:
        """What was observed with what a split has used, which is then counted anew."""
        taken_ns, used = self.taken_ns[split], self.used[split]
        self.used[split], self.taken_ns[split] = {}, 0
        beside = {role: ns / taken_ns for role, ns in used.items() if role != "row"}
        if block.splits == 1:  # not drained: the share of the measured seconds counts, against the requests within them
            used = {role: round(ns * seen.seconds * 1e9 / taken_ns) for role, ns in used.items()}
            seen = replace(seen, answered=seen.load.requests)
        return Result(**vars(seen), block=block, split=split, cpu_ns=used, beside_cpus=beside, after_ms=after_ms)
