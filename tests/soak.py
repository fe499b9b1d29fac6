"""`make soak`: half an hour of load, streams and WebSockets on a stack without Docker, which must not grow meanwhile.

Prints what each server held in the middle third of the time and in the last; the first is for warming up. Exit code 1
where one grew, or an answer was wrong.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

import meter
from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.native import NativeStack
from tests.e2e.stacks import plain_environ

# Beside each other all the time; Flask's 8 threads are not all held by what lasts.
LOADS = {
    "Mix": ["--arrivals", "constant", "--rate", "20", "--users", "40"],
    "EventStream": ["--users", "4"],
    "WebSocketEcho": ["--arrivals", "constant", "--rate", "20", "--users", "4"],
}
SAMPLES = 90  # in the whole time
LEAST_S = 0.5  # between two


@dataclass(frozen=True)
class Held:
    """What a server held at a moment, all its processes together."""

    memory: float  # MiB, PSS
    threads: float
    files: float


# How much more the last third may have than the middle one, and still count as flat: in per cent, and at least so much.
FLAT = {"memory": (3.0, 3.0), "threads": (0.0, 1.0), "files": (10.0, 5.0)}


def held(processes: Sequence[psutil.Process]) -> Held:
    reading = meter.read(processes)
    files = sum(process.num_fds() for process in processes if process.is_running())
    return Held(reading.memory_bytes / 2**20, reading.threads, files)


def thirds(samples: Sequence[Held], what: str) -> tuple[float, float]:
    """The medians of the middle third and of the last."""
    third = len(samples) // 3
    values = [float(getattr(sample, what)) for sample in samples]
    return median(values[third : 2 * third]), median(values[2 * third :])


def grew(samples: Sequence[Held]) -> list[str]:
    """What is not flat."""
    found = []
    for what, (percent, least) in FLAT.items():
        middle, last = thirds(samples, what)
        if last - middle > max(middle * percent / 100, least):
            found.append(what)
    return found


def soak(seconds: float) -> tuple[dict[str, list[Held]], dict[str, subprocess.CompletedProcess[str]]]:
    """What each server held over the time, and how each load ended."""
    with NativeStack(ComposeFile(environ=plain_environ()), leave_out=("locust", "locust-worker")) as stack:
        loads = {}
        for scenario, options in LOADS.items():
            command = [sys.executable, "-m", "loadtest", "--scenario", scenario, "--rows", "flask", "fastapi", *options]
            command += ["--run-time", f"{seconds:.0f}s", "--results", ""]
            loads[scenario] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=plain_environ() | stack.targets,
                text=True,
                start_new_session=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip  (one argument a line says no more)
            stack.keep(loads[scenario])
        samples: dict[str, list[Held]] = {name: [] for name in stack.services}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, of_server in samples.items():
                of_server.append(held(meter.tree(stack.pid(name))))
            time.sleep(max(LEAST_S, seconds / SAMPLES))
        ended = {}
        for name, load in loads.items():
            said, _ = load.communicate(timeout=120)
            ended[name] = subprocess.CompletedProcess(load.args, load.returncode, said)
        return samples, ended


def table(samples: dict[str, list[Held]]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "MiB (PSS)", "threads", "open files", ""):
        shown.add_column(heading)
    for name, of_server in samples.items():
        cells = ["{:,.0f} → {:,.0f}".format(*thirds(of_server, what)) for what in FLAT]
        shown.add_row(name, *cells, ", ".join(f"{what} grew" for what in grew(of_server)) or "flat")
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    console = Console(highlight=False)
    console.print(f"{minutes:g} minutes of {', '.join(LOADS)} on flask and fastapi; middle third → last third:")
    samples, ended = soak(minutes * 60)
    console.print(table(samples))
    failed = {name: load for name, load in ended.items() if load.returncode}
    for name, load in failed.items():
        console.print(f"{name} ended with {load.returncode}: {load.stdout[-2000:]}", markup=False)
    return 1 if failed or any(grew(of_server) for of_server in samples.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
