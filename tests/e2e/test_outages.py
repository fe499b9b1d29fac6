"""What is away is said to be away, the rest works on, and what comes back is found again by itself."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import psutil
import pytest

import meter
from tests.e2e.client import Client, close_code, hears, problem
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack
from tests.helpers import until

DATABASE_ROWS = ["flask", "fastapi", "flask-gevent", "fastapi-granian"]
AWAY = "the database does not answer: routes that need none still work"


@pytest.fixture
def stopped(client: Client) -> Iterator[set[str]]:
    """Services that a test has stopped: where it failed, they are started again for the next one."""
    names: set[str] = set()
    yield names
    for name in names:
        client.stack.start(name)
        until(lambda: client.status("/flask/ready") == 200)
        until(lambda name=name: name == "postgres" or client.status(f"/{name}/health") == 200)  # type: ignore[misc]  # a bound default


def test_without_the_database_rows_serve_what_needs_none_and_recover_alone(client: Client, stopped: set[str]) -> None:
    with ExitStack() as sockets:
        members = {row: sockets.enter_context(client.members(row, 1))[0] for row in DATABASE_ROWS}
        client.stack.stop("postgres")
        stopped.add("postgres")
        client.all_at_once(DATABASE_ROWS, notice_outage)
        client.all_at_once(DATABASE_ROWS, check_away)
        for row in DATABASE_ROWS:
            assert close_code(members[row]) == 1013
            with client.socket(f"/{row}/ws/broadcast") as late:
                assert close_code(late) == 1013
    client.stack.start("postgres")
    stopped.clear()
    all_find_again(client)
    client.all_at_once(DATABASE_ROWS, check_back)


@contextmanager
def frozen(stack: Stack) -> Iterator[None]:
    """PostgreSQL neither gone nor there, as on a machine that hangs: connections stay, answers do not come."""
    freeze: Callable[[], object]
    thaw: Callable[[], object]
    if isinstance(stack, ComposeDoor):
        freeze, thaw = partial(stack.compose, "pause", "postgres"), partial(stack.compose, "unpause", "postgres")
    else:
        assert isinstance(stack, NativeDoor)
        family = meter.tree(stack.native.pid("postgres"))
        freeze, thaw = (partial(signal_all, family, signum) for signum in (signal.SIGSTOP, signal.SIGCONT))
    freeze()
    try:
        yield
    finally:
        thaw()


def signal_all(processes: list[psutil.Process], signum: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signum)


@pytest.mark.parametrize("how", ["frozen", "stopped"])
def test_a_database_that_is_away_holds_nobody_up_for_long(client: Client, stopped: set[str], how: str) -> None:
    with ExitStack() as outage:
        if how == "frozen":
            outage.enter_context(frozen(client.stack))
        else:
            client.stack.stop("postgres")
            stopped.add("postgres")
        answers = {
            path: [client.get_later(f"/{row}{path}") for _ in range(6) for row in DATABASE_ROWS]
            for path in ("/db", "/json", "/ready")
        }
        statuses = {
            path: {answer.result(timeout=10).status_code for answer in given} for path, given in answers.items()
        }
        assert statuses == {"/db": {503}, "/json": {200}, "/ready": {503}}
        for row in DATABASE_ROWS:
            with client.socket(f"/{row}/ws/broadcast") as late:
                assert close_code(late) == 1013
        if how == "stopped":
            client.stack.start("postgres")
            stopped.clear()
    all_find_again(client)


def test_broadcast_clients_are_let_go_when_the_database_freezes(client: Client) -> None:
    with ExitStack() as sockets:
        members = {row: sockets.enter_context(client.members(row, 1))[0] for row in DATABASE_ROWS}
        with frozen(client.stack):
            assert {row: close_code(member) for row, member in members.items()} == dict.fromkeys(DATABASE_ROWS, 1013)
    all_find_again(client)
    client.all_at_once(DATABASE_ROWS, check_back)


def notice_outage(client: Client, row: str) -> None:
    until(lambda: client.status(f"/{row}/db") == 503, 10)


def all_find_again(client: Client) -> None:
    """Also the rows that were not asked meanwhile: they have yet to notice that their connections are lost."""
    client.all_at_once([row.name for row in client.stack.rows if row.framework != "none"], find_again)


def find_again(client: Client, row: str) -> None:
    until(lambda: client.status(f"/{row}/db?queries=20") == 200, 30)


def check_away(client: Client, row: str) -> None:
    assert problem(client.get(f"/{row}/db"), 503) == AWAY
    assert problem(client.get(f"/{row}/ready"), 503) == AWAY
    assert problem(client.h2.post(f"/{row}/db"), 503) == AWAY
    assert client.status(f"/{row}/health") == client.status(f"/{row}/json") == 200


def check_back(client: Client, row: str) -> None:
    assert [client.status(f"/{row}/db") for _ in range(20)] == [200] * 20
    assert client.status(f"/{row}/ready") == 200
    with client.members(row, 2) as [one, other]:
        one.send("back again")
        assert hears(other, "back again")


@pytest.mark.parametrize(
    ("row", "needs"),
    [
        ("asgi", ""),
        ("flask-granian", " It needs --profile variants."),
        ("flask-uwsgi", " It needs --profile apart."),
    ],
)
def test_a_stopped_row_is_named_and_found_again_when_it_is_back(
    client: Client, row: str, needs: str, stopped: set[str]
) -> None:
    client.stack.stop(row)
    stopped.add(row)
    said = problem(client.get(f"/{row}/json"), 502)
    assert said == f"{row} does not answer: is it running?{needs}"
    assert client.status("/flask/json") == 200
    client.stack.start(row)
    stopped.clear()
    until(lambda: client.status(f"/{row}/json") == 200, 20)
