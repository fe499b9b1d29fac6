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


@dataclass(frozen=True)
class Reading:
    """The sums over a server's live processes. CPU time in ns; RSS in bytes, shared pages counted per process.

    `at_ns` is the monotonic clock of the reading: two readings give the CPU used between them, exactly.
    """

    at_ns: int
    cpu_ns: int
    rss_bytes: int
    threads: int
    sockets: int
    processes: int


def read(processes: Iterable[psutil.Process]) -> Reading:
    """What `processes` have used until now; one that ends meanwhile is left out."""
    readings, at_ns = [], time.monotonic_ns()
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            readings.append((_cpu_ns(process), process.memory_info().rss, process.num_threads(), _sockets(process)))
    cpu, rss, threads, sockets = (sum(column) for column in zip(*readings, strict=True)) if readings else (0, 0, 0, 0)
    return Reading(at_ns, cpu, rss, threads, sockets, len(readings))


def cpu_ns(processes: Iterable[psutil.Process]) -> int:
    """The CPU time alone: a few µs a process, so that it may be read often."""
    used = 0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            used += _cpu_ns(process)
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
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a reading is no news."""

    return HTTPServer((host, port), Handler)


def read_container(path: str) -> Reading:
    """In a container every process but its init (1) and the meter itself belongs to the server."""
    return read(process for process in psutil.process_iter() if process.pid not in (1, os.getpid()))


def main() -> None:
    if os.fork() == 0:
        if os.fork() == 0:  # a grandchild belongs to init, so the server never waits for it
            server("0.0.0.0", PORT, read_container).serve_forever()  # noqa: S104  (a container's own network)
        os._exit(0)
    os.wait()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (the server itself, without a shell)


if __name__ == "__main__":
    main()
