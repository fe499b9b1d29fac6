"""The load generator as the lab sees it: a process that is told whose turn it is, and answers with what it measured.

Noise hits two rows alike when they run milliseconds apart, not when they run a second apart. So, where the load allows
it, the arms of a round take turns in slices of some 25 ms, again and again. Load starts just before the measured slice
and stops just after it, and every slice ends drained: the CPU time of the row's processes is then exactly that of the
slice's own requests.
"""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import psutil

import meter
from lab import LabError
from lab.generator import contention
from lab.generator.record import BLOCKS, OBSERVATIONS, Block, Observation, Result
from lab.stack.doors import BESIDE, Door
from lab.stack.machine import cpus

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

        Neighbouring cycles belong to different splits, and which comes first alternates.
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


@dataclass(frozen=True)
class Snapshot:
    """What had become of the CPUs at a moment, since they were switched on."""

    waits: contention.Waits  # of the row's threads
    idle_s: float  # of the row's CPUs
    stolen_s: float  # from the generator's CPUs
    cpu_ns: dict[str, dict[int, int]]  # by role, then by the number of the process
    at_ns: int


@dataclass
class Used:
    """What became of the CPUs in the slices of one split."""

    ns: int = 0  # how long they took
    cpu_ns: Counter[str] = field(default_factory=Counter)
    waited_s: float = 0
    idle_s: float = 0
    stolen_s: float = 0

    def add(self, before: Snapshot, after: Snapshot) -> None:
        self.ns += after.at_ns - before.at_ns
        for role in before.cpu_ns.keys() & after.cpu_ns.keys():
            then, now = before.cpu_ns[role], after.cpu_ns[role]  # a `sleep` of gateway.sh has ended
            self.cpu_ns[role] += sum(now[number] - then[number] for number in then.keys() & now.keys())
        self.waited_s += contention.waited_s(before.waits, after.waits)
        self.idle_s += after.idle_s - before.idle_s
        self.stolen_s += after.stolen_s - before.stolen_s


class CpuWatch:
    """What a block's row, nginx and PostgreSQL used of the CPUs over the slices of each split, and what others took."""

    def __init__(self, client: GeneratorClient, arm: int, block: Block) -> None:
        self.client, self.arm, self.row = client, arm, block.row
        names = {"row": block.row} | {name: name for name in BESIDE}
        self.processes: dict[str, list[psutil.Process]] = {
            role: processes for role, name in names.items() if (processes := client.door.processes(name))
        }
        self.asks = "row" not in self.processes and bool(client.ask("meter", arm=arm))
        self.seen_from_here = "row" in self.processes and contention.KNOWN
        placed = client.door.placed if self.seen_from_here else {}
        pinned = {who: cpus(cpuset) for who, cpuset in placed.items() if cpuset != "any"}
        self.row_cpus = self.processes["row"][0].cpu_affinity() if "rows" in pinned else []
        self.generator_cpus = pinned.get("generator", set())
        self.used = [Used() for _ in range(block.splits)]

    @contextmanager
    def reading(self, split: int) -> Iterator[None]:
        """Counts what is used meanwhile."""
        before = self.snapshot()
        yield
        self.used[split].add(before, self.snapshot())

    def snapshot(self) -> Snapshot:
        waits = contention.waits(process.pid for process in self.processes.get("row", ()))
        idle_s, stolen_s = contention.idle_and_stolen_s(self.row_cpus, self.generator_cpus)
        return Snapshot(waits, idle_s, stolen_s, self.cpu_ns(), time.monotonic_ns())

    def cpu_ns(self) -> dict[str, dict[int, int]]:
        """Of the processes that this machine's own kernel runs; of a row elsewhere what its meter says, if it can."""
        seen = {role: meter.cpu_ns(processes) for role, processes in self.processes.items()}
        if self.asks and (reading := self.client.ask("meter", arm=self.arm)):
            seen["row"] = {0: reading["cpu_ns"]}
        return seen

    def result(self, block: Block, split: int, seen: Observation, after_ms: float | None = None) -> Result:
        """What was observed with what a split has used, which is then counted anew."""
        used, self.used[split] = self.used[split], Used()
        if restarts := self.restarts():
            used.cpu_ns.pop("row", None)  # what processes used that have gone nobody can read any more
        cpu_ns, lasted_s = dict(used.cpu_ns), used.ns / 1e9
        beside = {role: ns / used.ns for role, ns in cpu_ns.items() if role != "row"}
        others_s = len(self.row_cpus) * lasted_s - used.idle_s - cpu_ns.get("row", 0) / 1e9
        under_load_ns = seen.seconds * 1e9 if block.saturates else used.ns  # wrk comes and goes within the slice
        if not block.drained:  # the share of the measured seconds counts, against the requests within them
            cpu_ns = {role: round(ns * seen.seconds / lasted_s) for role, ns in cpu_ns.items()}
            seen = replace(seen, answered=seen.load.requests)
        return Result(
            **vars(seen),
            block=block,
            split=split,
            cpu_ns=cpu_ns,
            beside_cpus=beside,
            row_cpus=used.cpu_ns["row"] / under_load_ns if used.ns and "row" in used.cpu_ns else None,
            generator_stolen=used.stolen_s / lasted_s if self.generator_cpus else None,
            row_waits=used.waited_s / lasted_s if self.seen_from_here else None,
            row_taken=max(others_s, 0) / lasted_s / len(self.row_cpus) if self.row_cpus and "row" in cpu_ns else None,
            restarts=restarts,
            after_ms=after_ms,
        )

    def restarts(self) -> int | None:
        """The row's processes that have come or gone since the last time; from now on those are watched that run."""
        before = self.processes.get("row")
        if not before:
            return None
        now = meter.tree(before[0].pid) or self.client.door.processes(self.row)
        self.processes["row"] = now or before
        return len(set(before) ^ set(now))
