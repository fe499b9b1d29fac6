"""Blocks of load, one after the other, on a stack: what lab/blocks.py is told, and what it answers."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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


def measure(stack: NativeStack, blocks: list[Block], raw: Path, console: Console) -> list[dict[str, Any]]:
    """Runs the blocks on the generator's CPUs, with progress; every line of `raw` is written as its block ends.

    LabError where the generator fails; what it has measured by then is in `raw`.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    measured: list[dict[str, Any]] = []
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress, raw.open("w") as file:
        generator = start_generator(stack, blocks)
        assert generator.stdout
        bar, shown = progress.add_task("", total=len(blocks)), ""
        try:
            for number, block in enumerate(blocks):
                progress.update(bar, description=f"{block.row:<8} {block.workload}")
                if not console.is_terminal and block.workload != shown:
                    console.print(f"{number}/{len(blocks)} blocks done, now {block.workload}")
                    shown = block.workload
                line = generator.stdout.readline()
                if not line:
                    raise LabError(f"the load generator ended early: what it has measured is in {raw}")
                file.write(line)
                file.flush()
                measured.append(json.loads(line))
                progress.advance(bar)
        finally:
            generator.terminate()
            generator.wait()
    return measured


def start_generator(stack: NativeStack, blocks: list[Block]) -> "subprocess.Popen[str]":
    todo = [asdict(block) | {"pid": stack.pid(block.row)} for block in blocks]
    generator = subprocess.Popen(
        [*pin(stack.table.services["locust-worker"].cpuset), sys.executable, "-m", "lab.blocks"],
        cwd=ROOT,
        env=os.environ | stack.targets,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert generator.stdin
    generator.stdin.write(json.dumps(todo))
    generator.stdin.close()
    return generator
