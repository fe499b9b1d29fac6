"""Where the rows run that an experiment measures: the native stack, a running Compose stack, any URL."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

import meter
from lab import LabError
from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.keeper import Keeper
from lab.stack.machine import NO_PROXY, can_pin, cpus, fetch, lent, pin, raise_open_files, unpinned
from lab.stack.native import POLL_S, START_TIMEOUT_S, NativeStack

Generator = subprocess.Popen[str]
BLOCKS = ["-m", "lab.generator.process"]
ASK_DOCKER_S = 0.2  # between two questions of its command, each a process
BESIDE = ("nginx", "postgres")  # what shares the CPUs of the generator


@dataclass(frozen=True)
class Door:
    """A stack that runs. `placed` says which CPUs carry what; empty where nobody here can know."""

    name: str
    rows: dict[str, dict[str, Any]]  # of rows.json, by name
    gateway: str
    generator: Callable[[], Generator]
    pid: Callable[[str], int]  # of a service's first process, where it can be watched from here; else 0
    placed: dict[str, str]
    only_path: str | None = None  # the only way in, where there is but one
    restart: Callable[[Collection[str]], None] | None = None  # ends rows and starts them anew; None: not from here

    def about(self, row: str) -> dict[str, Any]:
        """What the row says of itself. LabError where it does not run."""
        if row not in self.rows:
            raise LabError(f"{self.gateway} has no row {row}: it has {', '.join(self.rows)}")
        try:
            with fetch(f"{self.gateway}/{row}/about") as answer:
                return dict(json.load(answer))
        except (OSError, ValueError, TypeError) as error:
            profiles = "".join(f"--profile {each} " for each in self.rows[row].get("profiles", ()))
            hint = f"docker compose {profiles}up --detach --wait starts it"
            raise LabError(f"{row} does not run at {self.gateway} ({error}): {hint}") from error

    def wait_for(self, rows: Collection[str]) -> None:
        """Until the gateway finds each of them, and no other in its place. LabError where it does not."""
        deadline = time.monotonic() + START_TIMEOUT_S
        for row in rows:
            wait_until(partial(self.finds, row), deadline, POLL_S, f"{row} does not answer")

    def finds(self, row: str) -> bool:
        try:
            return self.about(row).get("row") == row
        except LabError:
            return False

    def path(self, wanted: str) -> str:
        return self.only_path or wanted

    def processes(self, service: str) -> list[psutil.Process]:
        """As they are now; none where they cannot be watched from here."""
        return meter.tree(pid) if (pid := self.pid(service)) else []


def enter(where: str, rows: Sequence[str], progress: Callable[[str], object]) -> AbstractContextManager[Door]:
    """The door that `where` names: native, compose, or a URL. LabError where there is none."""
    if where == "native":
        return native(rows, progress)
    if where == "compose":
        return compose()
    if where.startswith(("http://", "https://")):
        return url(where.rstrip("/"))
    raise LabError(f"--on takes native, compose or a URL, not {where!r}")


@contextmanager
def native(
    rows: Sequence[str], progress: Callable[[str], object], compose_file: ComposeFile | None = None
) -> Iterator[Door]:
    """A stack of its own with only these rows; it stops at the end."""
    compose_file = compose_file or ComposeFile()
    require_cpus(compose_file)
    profiles = tuple({profile for service in compose_file.services.values() for profile in service.profiles})
    others = {row.name for row in compose_file.rows} - set(rows) | {"locust", "locust-worker"}
    with NativeStack(compose_file, profiles, leave_out=tuple(others), progress=progress) as stack:
        pinned = pin(compose_file.services["locust-worker"].cpuset)

        def generator() -> Generator:
            # A session of its own: Ctrl-C is for the lab, which ends this when it has kept what was measured.
            command = [*pinned, sys.executable, *BLOCKS]
            process = start(command, cwd=ROOT, env=os.environ | stack.targets, start_new_session=True)
            stack.keep(process)
            return process

        known = json.loads(Path(stack.targets["ROWS_FILE"]).read_text())
        cpusets = {name: service.cpuset if pinned else "" for name, service in compose_file.services.items()}

        def pid(service: str) -> int:
            return stack.pid(service) if service in stack.services else 0

        by_name = {row["name"]: row for row in known}
        where = placed(rows, cpusets)
        yield Door("native", by_name, stack.https, generator, pid, where, restart=stack.restart)
        progress("stopping the stack")


@contextmanager
def compose() -> Iterator[Door]:
    """The stack that `docker compose up` runs. LabError where it does not run."""
    compose_file = ComposeFile()
    running = {each["Service"]: each["Name"] for each in compose_ps()}
    for service in ("nginx", "locust-worker"):
        if service not in running:
            raise LabError(f"Compose does not run {service}: docker compose up --detach --wait")
    gateway = f"https://{compose_file.publishing.here}:{published(running['nginx'])}"

    def generator() -> Generator:
        command = ["docker", "compose", "exec", "--no-TTY", "locust-worker", "python", *BLOCKS]
        return start(command, cwd=ROOT, start_new_session=True)

    def pid(service: str) -> int:
        return pid_of(running.get(service, ""))

    cpusets = {name: service.cpuset for name, service in compose_file.services.items()}
    rows = rows_of(gateway)

    def restart(names: Collection[str]) -> None:
        # One after the other: so each is given the address that it gave up, and nginx need not look for it.
        docker("restart", "--time", "0", *(running[name] for name in names))
        door.wait_for(names)
        wait_for_checks([running[name] for name in names])

    wait_for_checks([*running.values()])  # where `docker compose up` ran without --wait
    where = placed([*running.keys() & rows.keys()], cpusets)
    door = Door("compose", rows, gateway, generator, pid, where, restart=restart)
    yield door


@contextmanager
def url(gateway: str) -> Iterator[Door]:
    """A lab's gateway anywhere. Only what a client sees can be measured there, through the gateway."""
    path = "gateway" if gateway.startswith("https") else "plain"
    with remote(gateway, gateway) as (rows, targets, keeper):

        def generator() -> Generator:
            process = start([sys.executable, *BLOCKS], cwd=ROOT, env=os.environ | targets, start_new_session=True)
            keeper.keep(process)
            return process

        yield Door(gateway, rows, gateway, generator, lambda service: 0, {}, only_path=path)


@contextmanager
def remote(gateway: str, plain: str) -> Iterator[tuple[dict[str, dict[str, Any]], dict[str, str], Keeper]]:
    """The rows behind a gateway of another machine, the environment in which the load suite finds them, a keeper."""
    rows = rows_of(gateway)
    raise_open_files()
    folder = Path(tempfile.mkdtemp(prefix="wsgi-asgi-lab-"))
    keeper = Keeper(folder)
    try:
        (folder / "rows.json").write_text(json.dumps(list(rows.values())))
        targets = {"ROWS_FILE": str(folder / "rows.json"), "GATEWAY": gateway, "GATEWAY_PLAIN": plain} | NO_PROXY
        yield rows, targets, keeper
    finally:
        keeper.end()


def start(command: list[str], **options: Any) -> Generator:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


def placed(rows: Sequence[str], cpusets: dict[str, str]) -> dict[str, str]:
    """Which CPUs carry what."""
    row = ", ".join(sorted({cpusets[row] or "any" for row in rows}))
    names = {"rows": row, "generator": cpusets["locust-worker"]} | {name: cpusets[name] for name in BESIDE}
    return {name: cpuset or "any" for name, cpuset in names.items()}


def require_cpus(compose_file: ComposeFile) -> None:
    """LabError where the row under load and the generator cannot have CPUs of their own."""
    if len(lent()) < 2:
        raise LabError("a measurement needs two CPUs, one for the row and one for the load: this machine lends one")
    reason = unpinned(cpus(compose_file.rows[0].cpuset) | cpus(compose_file.services["locust-worker"].cpuset))
    if reason and can_pin():
        raise LabError(reason)


def rows_of(gateway: str) -> dict[str, dict[str, Any]]:
    """The rows of the stack behind a gateway. LabError where it does not say."""
    try:
        with fetch(f"{gateway}/rows.json") as answer:
            return {row["name"]: row for row in json.load(answer)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{gateway} does not say which rows it has ({error}): does a stack run there?") from error


def compose_ps() -> list[dict[str, Any]]:
    done = docker("compose", "ps", "--format", "json")
    return [json.loads(line) for line in done.splitlines() if line.startswith("{")]


def published(container: str) -> int:
    return int(docker("port", container, "8443/tcp").splitlines()[0].rpartition(":")[2])


def pid_of(container: str) -> int:
    """The container's first process, where this machine's own kernel runs it; else 0."""
    if not container:
        return 0
    pid, _, ident = docker("inspect", "--format", "{{.State.Pid}} {{.Id}}", container).strip().partition(" ")
    cgroup = Path(f"/proc/{pid}/cgroup")
    return int(pid) if cgroup.exists() and ident in cgroup.read_text() else 0


def wait_for_checks(containers: Sequence[str]) -> None:
    """Until each that has one has had the check of its start, which runs on its own CPU. LabError where one has not."""

    def checked() -> bool:
        return "starting" not in docker("inspect", "--format", "{{with .State.Health}}{{.Status}}{{end}}", *containers)

    deadline = time.monotonic() + START_TIMEOUT_S
    wait_until(checked, deadline, ASK_DOCKER_S, f"Docker still checks the health of one of {', '.join(containers)}")


def wait_until(ready: Callable[[], bool], deadline: float, pause_s: float, lacks: str) -> None:
    """LabError, which says what it lacks, where it is not ready by then."""
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{lacks} after {START_TIMEOUT_S} s")
        time.sleep(pause_s)


def docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise LabError("--on compose needs Docker: without it, --on native is the same stack as processes") from error
    if done.returncode:
        raise LabError(f"docker {arguments[0]}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
    return done.stdout
