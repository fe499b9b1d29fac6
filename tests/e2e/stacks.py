"""The two doors behind one face: the stack as processes (lab/stack/native.py) and in containers (Docker Compose)."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil

import meter
from lab.stack.compose_file import ROOT, ComposeFile, Row
from lab.stack.machine import Ports
from lab.stack.native import NativeStack
from tests.helpers import until

PROJECT = "wsgi-asgi-lab-test"
PROFILES = ("variants", "apart")  # every row that has the contract
UP = ("up", "--detach", "--wait", "--wait-timeout", "330")  # the check of a start may take five minutes
UP_BUILT = (*UP, "--build", "--quiet-build")
READ_METER = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"


class Stack(Protocol):
    """A running stack with every row of the compose file that has the contract."""

    door: str
    https: str
    http: str
    ca: Path
    rows: list[Row]

    def stop(self, service: str) -> None: ...
    def start(self, service: str) -> None: ...
    def meter(self, row: str) -> meter.Reading: ...
    def signal(self, service: str, signum: int, pid: int = 0) -> None:
        """To the service's main process, or to one that it has told the number of."""


def rows_with_the_contract(environ: dict[str, str]) -> list[Row]:
    rows = ComposeFile(environ=environ).rows
    return [row for row in rows if not row.profiles or set(row.profiles) & set(PROFILES)]


class NativeDoor:
    door = "native"

    def __init__(self, stack: NativeStack) -> None:
        self.native = stack
        self.https, self.http, self.ca, self.rows = stack.https, stack.http, stack.ca, stack.rows
        self.stop, self.start = stack.stop, stack.start

    def meter(self, row: str) -> meter.Reading:
        return meter.read(meter.tree(self.native.pid(row)))

    def signal(self, service: str, signum: int, pid: int = 0) -> None:
        os.kill(pid or self.native.pid(service), signum)


class ComposeDoor:
    door = "compose"

    def __init__(self, environ: dict[str, str], ca: Path) -> None:
        self.environ, self.ca = environ, ca  # COMPOSE_PROJECT_NAME is in the environment
        self.https = f"https://localhost:{environ['HTTPS_PORT']}"
        self.http = f"http://localhost:{environ['HTTP_PORT']}"
        self.rows = rows_with_the_contract(environ)

    def compose(self, *arguments: str) -> str:
        return run(["docker", "compose", *(f"--profile={each}" for each in PROFILES), *arguments], self.environ)

    def stop(self, service: str) -> None:
        self.compose("stop", service)

    def start(self, service: str) -> None:
        self.compose("start", service)

    def meter(self, row: str) -> meter.Reading:
        text = self.compose("exec", "-T", "locust", "python", "-c", READ_METER, f"http://{row}:{meter.PORT}")
        return meter.Reading(**json.loads(text))

    def signal(self, service: str, signum: int, pid: int = 0) -> None:
        if pid:
            self.compose("exec", "-T", service, "sh", "-c", f"kill -{signum:d} {pid}")
        else:
            self.compose("kill", "--signal", str(signum), service)

    def address(self, service: str) -> str:
        """The address of the service's container."""
        (container,) = json.loads(run(["docker", "inspect", self.compose("ps", "-q", service).strip()]))
        return str(next(iter(container["NetworkSettings"]["Networks"].values()))["IPAddress"])

    def containers(self) -> list[dict[str, Any]]:
        containers: list[dict[str, Any]] = json.loads(run(["docker", "inspect", *self.compose("ps", "-q").split()]))
        return containers


@contextmanager
def native(leave_out: tuple[str, ...] = (), **environ: str) -> Iterator[NativeDoor]:
    with started(NativeStack(ComposeFile(environ=plain_environ() | environ), PROFILES, leave_out=leave_out)) as stack:
        yield NativeDoor(stack)


@contextmanager
def started(stack: NativeStack) -> Iterator[NativeStack]:
    """The stack while it runs; when it has stopped, no process and no file of it may be left."""
    with stack:
        yield stack
        family = meter.tree(psutil.Process(stack.pid("nginx")).ppid())
    assert not stack.run.exists()
    until(lambda: not any(process.is_running() for process in family), what="the processes to end")


@contextmanager
def compose(folder: Path, name: str = PROJECT, **settings: str) -> Iterator[ComposeDoor]:
    with compose_project(name, **settings) as environ:
        door = ComposeDoor(environ, folder / "ca.pem")
        door.compose(*UP_BUILT)
        door.compose("cp", "nginx:/run/lab/gateway/tls/ca.pem", str(door.ca))
        yield door


@contextmanager
def compose_project(name: str, **environ: str) -> Iterator[dict[str, str]]:
    """The environment of a project with ports of its own; `make down` must remove all that was started in it."""
    ports = Ports()
    environ = plain_environ() | published_on(ports) | {"COMPOSE_PROJECT_NAME": name} | environ
    try:
        yield environ
    finally:
        run(["make", "down"], environ)
    assert not leftovers(name)


def published_on(ports: Ports) -> dict[str, str]:
    """Settings under which a stack stands beside all others, as long as `ports` lives."""
    return {name: str(ports.take()) for name in ("HTTPS_PORT", "HTTP_PORT", "LOCUST_PORT", "WORKER_PORT")}


def leftovers(project: str) -> list[str]:
    mine = ["--quiet", "--filter", f"label=com.docker.compose.project={project}"]
    kinds = (["ps", "--all"], ["volume", "ls"], ["network", "ls"])
    return [name for kind in kinds for name in run(["docker", *kind, *mine]).split()]


def docker_runs() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def plain_environ() -> dict[str, str]:
    """The shell's environment without what would lead to another database or other numbers of workers."""
    return {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "WORKERS", "POOL_SIZE")}


def run(command: list[str], environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
