"""What several suites need: a PostgreSQL of their own, and one stack per door for the whole session."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Locust patches the standard library for gevent when it is imported; here it may not, nor hand this on.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401  (for what its import does)

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from lab.stack import postgres, setup
from lab.stack.machine import Ports
from tests.e2e import stacks
from tests.e2e.client import Client
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack
from tests.helpers import until

# A runner started in the background of a script ignores Ctrl-C, and would hand that on to all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as one under nohup ignores that


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL with the lab's tables, for the whole session; the URL carries the password."""
    with tempfile.TemporaryDirectory(prefix="lab-tests-") as folder, running_postgres(Path(folder)) as url:
        yield url


@contextmanager
def running_postgres(run: Path) -> Iterator[str]:
    setup.write_password(run / "secrets")
    password, passfile = (run / "secrets" / "password").read_text(), run / "secrets" / "pgpass"
    cluster = postgres.make_cluster(run, "lab", password)
    ports = Ports()  # held until the server has ended
    port = ports.take()
    server = subprocess.Popen(
        cluster.command(["-c", "fsync=off"], port),
        user=cluster.user or None,
        extra_groups=[] if cluster.user else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"postgresql://lab@127.0.0.1:{port}/lab"
        until(lambda: postgres.ready(url, passfile))
        postgres.create(url, passfile)
        postgres.fill(url, passfile)
        yield url.replace("lab@", f"lab:{password}@")
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session", params=["native", "compose"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if request.param == "native":
        with stacks.native() as native:
            yield native
        return
    if not stacks.docker_runs():
        assert not os.environ.get("CI"), "CI must run the Docker tests, and `docker info` fails"
        pytest.skip("`docker info` fails: no Docker here, or its engine does not run")
    with stacks.compose(tmp_path_factory.mktemp("compose")) as compose:
        yield compose


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Client]:
    client = Client(stack)
    yield client
    client.close()


@pytest.fixture
def native(stack: Stack) -> NativeDoor:
    """For what can be seen of processes only."""
    if not isinstance(stack, NativeDoor):
        pytest.skip("about processes: the native door has them")
    return stack


@pytest.fixture
def compose(stack: Stack) -> ComposeDoor:
    """For what can be seen of containers only."""
    if not isinstance(stack, ComposeDoor):
        pytest.skip("about containers: Compose has them")
    return stack
