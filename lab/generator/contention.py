"""Who else had the CPUs: how long threads were ready to run while others ran, and what became of a CPU's time.

Linux says so; elsewhere, and of what another kernel runs, nobody here knows.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

KNOWN = Path("/proc/self/schedstat").exists()
Waits = dict[str, int]  # ns in the run queue since a thread began, by its number


def waits(pids: Iterable[int]) -> Waits:
    """Of all threads of these processes; one that ends meanwhile is left out."""
    found = {}
    for pid in pids:
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    found[thread.name] = int((thread / "schedstat").read_text().split()[1])
    return found


def waited_s(before: Waits, after: Waits) -> float:
    """Between two readings, of all threads together."""
    return sum(ns - before.get(thread, 0) for thread, ns in after.items()) / 1e9


def idle_and_stolen_s(idle: Collection[int], stolen: Collection[int]) -> tuple[float, float]:
    """How long the first CPUs had nothing to run, and how long a hypervisor took the others away, so far; to 10 ms."""
    times = dict(enumerate(psutil.cpu_times(percpu=True)))
    return (
        sum(times[cpu].idle for cpu in idle if cpu in times),
        sum(getattr(times[cpu], "steal", 0.0) for cpu in stolen if cpu in times),
    )
