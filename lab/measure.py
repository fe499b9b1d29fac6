"""The load generator as the lab sees it: a process that is told blocks and answers with what it measured."""

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import LabError
from lab.doors import Door


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
    warm_up: float | None = None  # seconds; None: until the answers come steadily
    about: dict[str, Any] = field(default_factory=dict)  # what the block is for: kept with its result


class Generator:
    """The generator's process at a door; every result goes to `raw` as its block ends, after a first line `header`."""

    def __init__(self, door: Door, raw: Path, header: dict[str, Any]) -> None:
        self.door = door
        self.raw = raw
        self.header = header

    def __enter__(self) -> Self:
        self.file = self.raw.open("w")
        self.write(self.header)
        self.process = self.door.generator()
        return self

    def run(self, block: Block) -> dict[str, Any]:
        """The block's result, as lab/blocks.py gives it, with the CPU time of what runs beside the row.

        LabError where the generator fails; what it has measured by then is in `raw`.
        """
        assert self.process.stdin and self.process.stdout
        options = block.options | {"path": self.door.path(block.options.get("path", "direct"))}
        readings = {}
        try:
            self.process.stdin.write(json.dumps(asdict(block) | {"options": options}) + "\n")
            self.process.stdin.flush()
            while (line := self.process.stdout.readline()) in ('"window"\n', '"closed"\n'):
                readings[line.strip('"\n')] = self.door.beside()
        except BrokenPipeError:
            line = ""
        if not line:
            raise LabError(f"the load generator ended early: what it has measured is in {self.raw}")
        result: dict[str, Any] = json.loads(line)
        before, after = readings["window"], readings["closed"]
        for name in before.keys() & after.keys():
            used, ns = after[name].cpu_ns - before[name].cpu_ns, after[name].at_ns - before[name].at_ns
            result["cpus"][name] = used / ns
        self.write(result)
        return result

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
