"""PostgreSQL stopped, frozen, killed, under load."""

import signal
import threading
import time
from contextlib import nullcontext

import httpx
import psycopg
import pytest

from tests.e2e.client import Client
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack
from tests.e2e.test_outages import all_find_again, frozen
from tests.faults.conftest import Tell
from tests.faults.prober import Ask, probing, total
from tests.helpers import until

ROWS = ["flask", "fastapi"]


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_without_the_database_other_routes_do_not_notice(client: Client, how: str, tell: Tell, soon_s: float) -> None:
    """While PostgreSQL is stopped or frozen, `/db` says 503 within a second, and other routes do not notice.

    5 s of it, under 10 `/db` and 10 `/json` a second to Flask and FastAPI.
    """
    unharmed = {f"{row} /json": Ask(f"/{row}/json") for row in ROWS}
    harmed = {f"{row} /db": Ask(f"/{row}/db", right=lambda answer: answer.status_code in (200, 503)) for row in ROWS}
    with probing(client.stack.http, unharmed | harmed, rate=10, slow_s=soon_s) as counts:
        if how == "stopped":
            client.stack.stop("postgres")
        with frozen(client.stack) if how == "frozen" else nullcontext():
            time.sleep(5)
        if how == "stopped":
            client.stack.start("postgres")
        time.sleep(1)
    all_find_again(client)
    for name, count in counts.items():
        tell(f"{how}: {name} {count}")
    assert not total(counts).lost and not total(counts).wrong
    assert all(count.prompt for count in counts.values())


def crash(stack: Stack) -> None:
    """PostgreSQL dies without a word and is started again by what keeps it."""
    if isinstance(stack, ComposeDoor):
        stack.signal("postgres", signal.SIGKILL, main_process_of_postgres(stack))
    else:
        assert isinstance(stack, NativeDoor)
        stack.signal("postgres", signal.SIGKILL)


def main_process_of_postgres(stack: ComposeDoor) -> int:
    command = "head -1 /var/lib/postgresql/*/docker/postmaster.pid"
    return int(stack.compose("exec", "-T", "postgres", "sh", "-c", command))


class Writer(threading.Thread):
    """Writes one entry after the other, and remembers those of which it was told that they are written."""

    def __init__(self, base: str, number: int) -> None:
        super().__init__()
        self.base, self.number = base, number
        self.acknowledged: dict[int, int] = {}
        self.refused = 0
        self.over = threading.Event()

    def run(self) -> None:
        value = self.number * 100_000
        with httpx.Client(base_url=self.base, timeout=20, trust_env=False) as http:
            while not self.over.is_set():
                value += 1
                answer = http.post("/db", params={"value": value})
                if answer.status_code == 200:
                    assert answer.json()["value"] == value
                    self.acknowledged[answer.json()["id"]] = value
                else:
                    self.refused += 1
                    time.sleep(0.05)


def stored(stack: Stack) -> dict[int, int]:
    sql = "SELECT id || ' ' || value FROM entries"
    if isinstance(stack, ComposeDoor):
        words = ("exec", "-T", "postgres", "psql", "--username=lab", "--no-align", "--tuples-only", "--command", sql)
        lines = stack.compose(*words).split("\n")
    else:
        assert isinstance(stack, NativeDoor)
        with psycopg.connect(stack.native.database_url, passfile=str(stack.native.passfile)) as db:
            lines = [line for [line] in db.execute(sql)]
    return {int(number): int(value) for number, value in (line.split() for line in lines if line)}


@pytest.mark.parametrize("how", ["killed", pytest.param("restarted", marks=pytest.mark.thorough)])
def test_what_was_acknowledged_is_never_lost(client: Client, how: str, tell: Tell) -> None:
    """What a row has acknowledged as written is there, whatever befalls PostgreSQL.

    Eight clients write one entry after the other while PostgreSQL is killed (SIGKILL), or stopped and started, three
    times.
    """
    writers = [Writer(f"{client.stack.http}/{row}", number) for number, row in enumerate(ROWS * 4, 1)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            time.sleep(1)
            if how == "killed":
                crash(client.stack)
                time.sleep(1)  # to be gone
            else:
                client.stack.stop("postgres")
                client.stack.start("postgres")
            until(lambda: client.status("/fastapi/ready") == 200, 30, "the database to be back")
    finally:
        for writer in writers:
            writer.over.set()
            writer.join()
    all_find_again(client)
    there = stored(client.stack)
    acknowledged = {number: value for writer in writers for number, value in writer.acknowledged.items()}
    wrong = {number: value for number, value in acknowledged.items() if there.get(number) != value}
    refused = sum(writer.refused for writer in writers)
    tell(f"{how}: {len(acknowledged)} acknowledged, {refused} refused, {len(wrong)} lost or wrong")
    assert len(acknowledged) > 100 and refused  # or nothing was tried
    assert not wrong
