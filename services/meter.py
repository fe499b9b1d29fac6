"""The meter: what a whole server costs, all its workers, read from outside while they are busy.

`python -m meter COMMAND…` is the entry point of a row's container: it leaves a process behind that answers
`GET :9100` with the figures as JSON, and becomes COMMAND. Without containers the lab serves them (lab/stack/native.py).
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil

PORT = 9100
LINUX = Path("/proc/self/fd").exists()
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Reading:
    """The sums over a server's live processes.

    `at_ns` is the monotonic clock of the reading: two readings give the CPU used between them, exactly.
    """

    at_ns: int
    cpu_ns: int
    memory_bytes: int
    memory: str  # what that is: PSS, where a page that n processes share counts 1/n in each; else RSS, counted in all
    cgroup_bytes: int | None  # what the kernel charges the container with, the meter and cached files too
    threads: int
    sockets: int
    processes: int


def read(processes: Iterable[psutil.Process], cgroup_bytes: int | None = None) -> Reading:
    """What `processes` have used until now; one that ends meanwhile is left out."""
    readings, at_ns = [], time.monotonic_ns()
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            memory = _pss_bytes(process), process.memory_info().rss
            readings.append((_cpu_ns(process), memory, process.num_threads(), _sockets(process)))
    cpu, memories, threads, sockets = zip(*readings, strict=True) if readings else ((), (), (), ())
    pss = [shared for shared, _ in memories if shared is not None]
    if len(pss) == len(memories):
        used, kind = sum(pss), "PSS"
    else:
        used, kind = sum(resident for _, resident in memories), "RSS"
    return Reading(at_ns, sum(cpu), used, kind, cgroup_bytes, sum(threads), sum(sockets), len(readings))


def cpu_ns(processes: Iterable[psutil.Process]) -> dict[int, int]:
    """The CPU time alone, by the number of each process that has not ended: a few µs each, so it may be read often."""
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            used[process.pid] = _cpu_ns(process)
    return used


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; empty where it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_ns(process: psutil.Process) -> int:
    if LINUX:  # another process's CPU clock: clock_getcpuclockid(3); psutil has 10 ms ticks
        return time.clock_gettime_ns((~process.pid << 3) | 2)
    used = process.cpu_times()
    return int((used.user + used.system) * 1e9)


def _pss_bytes(process: psutil.Process) -> int | None:
    """None where the kernel does not say: only Linux does, and of our own user's processes."""
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), None)


def _cgroup_bytes() -> int | None:
    """Of this container, by cgroup v2 or v1."""
    for name in ("memory.current", "memory/memory.usage_in_bytes"):
        with contextlib.suppress(OSError):
            return int((CGROUP / name).read_text())
    return None


def _sockets(process: psutil.Process) -> int:
    if not LINUX:
        return len(process.net_connections())
    sockets = 0
    for fd in Path(f"/proc/{process.pid}/fd").iterdir():  # psutil would parse /proc/net for each of thousands
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            sockets += str(fd.readlink()).startswith("socket:")
    return sockets


def server(host: str, port: int, take: Callable[[str], Reading]) -> HTTPServer:
    """Answers GET with `take(path)` as JSON, 404 where that raises KeyError; `port` 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body = json.dumps(asdict(take(self.path))).encode()
            except KeyError:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # whoever asked has gone
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a reading is no news."""

    return HTTPServer((host, port), Handler)


def read_container(path: str) -> Reading:
    """In a container every process but its init (1) and the meter itself belongs to the server."""
    return read((each for each in psutil.process_iter() if each.pid not in (1, os.getpid())), _cgroup_bytes())


def main() -> None:
    if os.fork() == 0:
        if os.fork() == 0:  # a grandchild belongs to init, so the server never waits for it
            server("0.0.0.0", PORT, read_container).serve_forever()  # noqa: S104  (a container's own network)
        os._exit(0)
    os.wait()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (the server itself, without a shell)


if __name__ == "__main__":
    main()
