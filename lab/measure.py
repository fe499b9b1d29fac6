"""Blocks of load, one after the other, on a stack: what lab/blocks.py is told, and what it answers."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lab import LabError
from lab.machine import pin
from lab.native import NativeStack
from lab.table import ROOT


@dataclass(frozen=True)
class Block:
    """One row under one load: closed loop, `users` clients, for `seconds` after `warm_up` seconds."""

    workload: str
    row: str
    user: str  # a scenario of loadtest/users
    users: int
    warm_up: float
    seconds: float
    options: dict[str, Any]  # of loadtest/options.py, but rows


class Generator:
    """The process that makes the load, on CPUs of its own; every result goes to `raw` as its block ends."""

    def __init__(self, stack: NativeStack, raw: Path) -> None:
        self.stack = stack
        self.raw = raw

    def __enter__(self) -> Self:
        self.file = self.raw.open("w")
        self.process = subprocess.Popen(
            [*pin(self.stack.table.services["locust-worker"].cpuset), sys.executable, "-m", "lab.blocks"],
            cwd=ROOT,
            env=os.environ | self.stack.targets,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def run(self, block: Block) -> dict[str, Any]:
        """The block's figures, as lab/blocks.py gives them. LabError where the generator fails."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(asdict(block) | {"pid": self.stack.pid(block.row)}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise LabError(f"the load generator ended early: what it has measured is in {self.raw}")
        self.file.write(line)
        self.file.flush()
        result: dict[str, Any] = json.loads(line)
        return result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.communicate()
        self.file.close()


def measure(stack: NativeStack, blocks: Sequence[Block], raw: Path, console: Console) -> list[dict[str, Any]]:
    """Runs the blocks with progress. LabError where the generator fails; what it has measured by then is in `raw`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    measured: list[dict[str, Any]] = []
    with (
        Generator(stack, raw) as generator,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress,
    ):
        bar, shown = progress.add_task("", total=len(blocks)), ""
        for number, block in enumerate(blocks):
            progress.update(bar, description=f"{block.row:<8} {block.workload}")
            if not console.is_terminal and block.workload != shown:
                console.print(f"{number}/{len(blocks)} blocks done, now {block.workload}")
                shown = block.workload
            measured.append(generator.run(block))
            progress.advance(bar)
    return measured
