"""What the lab asks of the machine: free ports, CPUs to pin to, whether something answers."""

import os
import shutil
import socket
import urllib.error
import urllib.request


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(cpuset: str) -> list[str]:
    """A command's prefix that keeps it on these CPUs; nothing where the platform or the machine cannot."""
    if not cpuset or not can_pin(cpuset):
        return []
    return ["taskset", "--cpu-list", cpuset]


def can_pin(cpuset: str) -> bool:
    if not hasattr(os, "sched_getaffinity") or not shutil.which("taskset"):
        return False
    return cpus(cpuset) <= os.sched_getaffinity(0)


def cpus(cpuset: str) -> set[int]:
    """The CPUs of a list like 0,2-3; all of the machine's where it is empty."""
    if not cpuset:
        return set(range(os.cpu_count() or 1))
    ends = [part.partition("-") for part in cpuset.split(",")]
    return {cpu for first, _, last in ends for cpu in range(int(first), int(last or first) + 1)}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  (loopback, built here)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
