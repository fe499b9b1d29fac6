"""Native stacks of other shapes, each started for one test: two workers, another database, `lab up`."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.sync.client import ClientConnection

import meter
from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.machine import Ports, answers, can_pin
from lab.stack.native import NativeStack
from tests.e2e.client import Client, hears
from tests.e2e.stacks import NativeDoor, plain_environ, published_on, started
from tests.helpers import until

NO_LOCUST = ("locust", "locust-worker")
BARE_ROWS = ("wsgi", "asgi")


def test_a_broadcast_reaches_the_clients_of_every_worker() -> None:
    compose_file = ComposeFile(environ=plain_environ() | {"WORKERS": "2"})
    with started(NativeStack(compose_file, leave_out=NO_LOCUST + BARE_ROWS)) as stack:
        client = Client(NativeDoor(stack))
        for row in ("flask", "fastapi"):
            with on_both_workers(client, stack, row) as members:
                members[0].send("to all")
                assert all(hears(member, "to all") for member in members)
        client.close()


@contextmanager
def on_both_workers(client: Client, stack: NativeStack, row: str) -> Iterator[list[ClientConnection]]:
    """Broadcast clients that come all at once, again and again until not all of them meet the same worker."""
    for _ in range(20):
        with ExitStack() as sockets:
            joining = [client.later.submit(sockets.enter_context, client.members(row, 1)) for _ in range(6)]
            members = [member for future in joining for member in future.result()]
            if len(holders(stack, row)) == 2:
                yield members
                return
    pytest.fail("one worker takes every connection")


def holders(stack: NativeStack, row: str) -> set[int]:
    """The processes of a row that hold a connection of a client."""
    port = stack.port(row, stack.rows[0].port)
    return {
        process.pid
        for process in meter.tree(stack.pid(row))
        for connection in process.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    }


def test_another_postgresql_serves_where_database_url_names_one(database_url: str) -> None:
    compose_file = ComposeFile(environ=plain_environ() | {"DATABASE_URL": database_url})
    with started(NativeStack(compose_file, leave_out=NO_LOCUST + BARE_ROWS)) as stack:
        assert "postgres" not in stack.services
        for row in stack.rows:
            assert httpx.get(f"{stack.url(row)}/db?queries=5", trust_env=False).status_code == 200


class Lab:
    """A `lab` of this project that runs as a process, and what it has started."""

    def __init__(self, process: "subprocess.Popen[str]", temporary: Path, settings: dict[str, str]) -> None:
        self.process, self.temporary, self.settings = process, temporary, settings
        self.said = ""

    def says(self, text: str) -> None:
        while text not in self.said:
            line = self.process.stdout.readline() if self.process.stdout else ""
            assert line, self.said
            self.said += line

    def is_up(self) -> None:
        self.says("Ctrl-C stops everything")

    def begins(self) -> None:
        until(lambda: len(self.family()) > 4)

    def makes_its_database(self) -> None:
        until(lambda: any(process.name() == "initdb" for process in self.family()))

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ends(self, action: Callable[[], object]) -> str:
        """`action` must end it and all that it has started; what it has said."""
        family = self.family()
        action()
        said, _ = self.process.communicate(timeout=120)
        self.said += said
        assert "Traceback" not in self.said, self.said
        until(lambda: not [process for process in family if lives(process)], what="the processes to end")
        until(lambda: not list(self.temporary.iterdir()), what="the folder to go")
        assert not [process for process in psutil.process_iter(["cmdline"]) if self.mentions(process)]
        return self.said

    def mentions(self, process: psutil.Process) -> bool:
        return any(str(self.temporary) in word for word in process.info["cmdline"] or ())


HOSTILE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1"),
    "NO_PROXY": "elsewhere",
    "PGSSLMODE": "require",
    "PGPASSWORD": "another",
    "PGSERVICE": "another",
    "DATABASE_URL": "",
}


@pytest.mark.parametrize("scenario", ["DbRead", "PageHttp1", "PageHttp2", "WebSocketEcho"])
def test_a_shell_made_for_something_else_does_not_disturb_the_lab(scenario: str, tmp_path: Path) -> None:
    """A proxy, another PostgreSQL, few open files, a private umask, a temporary folder with an odd name."""

    def odd() -> None:
        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    with lab(
        "load", "--scenario", scenario, "--run-time", "2s", "--users", "4", prepare=odd, environ=HOSTILE
    ) as running:
        said = running.ends(lambda: None)
        assert running.process.returncode == 0, said
        assert "unknown" not in said, said  # the meters were read


@pytest.mark.skipif(not can_pin(), reason="this platform does not pin processes to CPUs")
def test_what_the_machine_cannot_give_is_said() -> None:
    def poor() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, 2_000))

    with lab("up", prepare=poor) as running:
        running.is_up()
        running.ends(lambda: running.process.send_signal(signal.SIGINT))
        assert "Nothing is kept on CPUs of its own" in running.said
        assert "`ulimit -Hn` is 2000" in running.said


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def lab(
    *arguments: str, prepare: Callable[[], object] = lambda: None, environ: Mapping[str, str] | None = None
) -> Iterator[Lab]:
    ports = Ports()  # held until all is over
    settings = published_on(ports) | {"WORKER_SECRET": "the same for stack and worker"}
    with tempfile.TemporaryDirectory(prefix="100% odd ") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as nobody where we are root
        process = subprocess.Popen(
            [Path(sys.executable).parent / "lab", *arguments],
            env=plain_environ() | settings | {"TMPDIR": folder, "PYTHONUNBUFFERED": "1", **(environ or {})},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=prepare,  # what a shell does before it starts a command
        )
        running = Lab(process, Path(folder), settings)
        try:
            yield running
        finally:
            process.kill()
            process.communicate()
            for results in re.findall(r"Results go to (\S+)", running.said):
                shutil.rmtree(ROOT / results)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_running_lab_and_leaves_nothing(number: int) -> None:
    with lab("up") as running:
        running.is_up()
        assert answers(f"http://localhost:{running.settings['HTTP_PORT']}/fastapi/health")
        assert running.settings["LOCUST_PORT"] in running.said
        running.ends(lambda: running.process.send_signal(number))
        assert running.process.returncode == (0 if number == signal.SIGINT else 128 + number)


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN], ids=["in a terminal", "in a script's background"])
def test_ctrl_c_while_the_stack_starts_leaves_nothing(before: signal.Handlers) -> None:
    with lab("up", prepare=lambda: signal.signal(signal.SIGINT, before)) as running:
        running.begins()
        running.ends(lambda: running.process.send_signal(signal.SIGINT))
        assert running.process.returncode == 130


def test_ctrl_c_while_python_imports_is_no_traceback() -> None:
    with lab("up", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as running:
        running.says(" lab.stack.compose_file\n")
        running.ends(lambda: running.process.send_signal(signal.SIGINT))
        assert running.process.returncode == 130


def test_ctrl_c_pressed_twice_leaves_nothing() -> None:
    def twice() -> None:
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        running.process.send_signal(signal.SIGINT)

    with lab("up") as running:
        running.is_up()
        running.ends(twice)


@pytest.mark.parametrize("reaches", [Lab.is_up, Lab.begins, Lab.makes_its_database], ids=lambda state: state.__name__)
def test_a_killed_lab_leaves_nothing(reaches: Callable[[Lab], None]) -> None:
    with lab("up") as running:
        reaches(running)
        running.ends(running.process.kill)


def test_a_killed_lab_does_not_leave_its_load_behind() -> None:
    with lab("load", "--scenario", "Wait", "--run-time", "10m", "--processes", "2") as running:
        running.says("All users spawned")
        running.ends(running.process.kill)


def test_a_killed_join_does_not_leave_its_worker_behind() -> None:
    with lab("up") as stack:
        stack.is_up()
        with lab("join", "localhost", environ=stack.settings) as joined:
            until(lambda: len(joined.family()) > 1)  # the keeper, and Locust
            joined.ends(joined.process.kill)


@pytest.mark.parametrize(
    ("victims", "code"), [({"supervisord"}, 2), ({"keeper"}, 0), ({"supervisord", "keeper"}, 2)], ids=str
)
def test_a_lab_whose_helpers_are_killed_says_so_and_leaves_nothing(victims: set[str], code: int) -> None:
    def kill() -> None:
        for process in psutil.Process(running.process.pid).children():
            if any(Path(word).name.removeprefix("lab.stack.") in victims for word in process.cmdline()):
                process.kill()
        if code == 0:
            running.process.send_signal(signal.SIGINT)

    with lab("up") as running:
        running.is_up()
        said = running.ends(kill)
        assert running.process.returncode == code
        assert ("supervisord was ended" in said) is (code == 2)
