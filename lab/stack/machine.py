"""What the lab asks of the machine: ports, CPUs to pin to, open files, whether something answers."""

import os
import re
import resource
import shutil
import socket
import ssl
import urllib.error
import urllib.request
import weakref
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import psutil

from lab import LabError

BLOCK = 200  # ports of a stack: twice what the largest needs
BLOCKS = range(20_000, 32_000, BLOCK)  # below the ports that systems give to outgoing connections
OPEN_FILES = 65_536
ENOUGH_OPEN_FILES = 10_000  # what Locust asks for, too

# The lab talks to its own addresses only, so a proxy that the shell names is never meant. Certificates are its own.
DIRECT = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),  # noqa: S323  (the lab's own certificate)
)
NO_PROXY = {"no_proxy": "*"}  # the same for every process that the lab starts


class Ports:
    """Loopback ports for one stack: none of them twice, and none that another lab or a connection takes meanwhile.

    Holding the first port of a block keeps the whole block from other labs, for as long as this object lives.
    """

    def __init__(self, never: Collection[int] = ()) -> None:
        for first in BLOCKS:
            if held := bind(first, shared=False):
                weakref.finalize(self, held.close)
                self._left = iter(range(first + 1, first + BLOCK))
                self._never = never
                return
        raise LabError(f"no ports are free from {BLOCKS.start} to {BLOCKS.stop}: stop some of the stacks that run")

    def take(self) -> int:
        for port in self._left:
            if port not in self._never and is_free(port):
                return port
        raise LabError(f"one stack has no more than {BLOCK} ports")


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    probe = bind(port, shared=True)
    if probe:
        probe.close()
    return probe is not None


def bind(port: int, shared: bool) -> socket.socket | None:
    """A socket on this port of 127.0.0.1, None where somebody has it; `shared` with connections that have closed."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound


def pin(cpuset: str) -> list[str]:
    """A command's prefix that keeps it on these CPUs; nothing where that cannot be, as `unpinned` says."""
    return [] if not cpuset or unpinned(cpus(cpuset)) else ["taskset", "--cpu-list", cpuset]


def unpinned(wanted: set[int]) -> str:
    """Why processes cannot be kept on these CPUs; empty where they can."""
    if not can_pin():
        return "this system does not keep processes on CPUs"
    if wanted <= lent():
        return ""
    has, lacks = (",".join(map(str, sorted(some))) for some in (lent(), wanted - lent()))
    return f"this machine lends the CPUs {has}, not {lacks}: set ROW_CPUS and OTHER_CPUS to some of them"


def can_pin() -> bool:
    return hasattr(os, "sched_getaffinity") and bool(shutil.which("taskset"))


def lent() -> set[int]:
    """The CPUs that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def cpus(cpuset: str) -> set[int]:
    """The CPUs of a list like 0,2-3; all of the machine's where it is empty. LabError where it is no such list."""
    if not cpuset:
        return set(range(os.cpu_count() or 1))
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", cpuset):
        raise LabError(f"ROW_CPUS and OTHER_CPUS are written like 0 or 0,2-3, not {cpuset}")
    ends = [part.partition("-") for part in cpuset.split(",")]
    return {cpu for first, _, last in ends for cpu in range(int(first), int(last or first) + 1)}


def lan_addresses() -> tuple[str, ...]:
    """This machine's IPv4 addresses in its networks; the one that leads furthest comes first."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks for the route
        found.sort(key=lambda address: address != probe.getsockname()[0])
    return tuple(found)


def raise_open_files() -> int:
    """Lets this process and what it starts open as many files as the machine allows; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return OPEN_FILES
    for most in (OPEN_FILES, 10_240):  # macOS refuses more than its kernel has, whatever its hard limit says
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        if soft >= wanted:
            break
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft


def fetch(url: str, timeout_s: float = 10) -> Any:
    """The open response. OSError (URLError, HTTPError) where there is none, or not a good one."""
    return DIRECT.open(url, timeout=timeout_s)


def answers(url: str) -> bool:
    try:
        with fetch(url, timeout_s=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
