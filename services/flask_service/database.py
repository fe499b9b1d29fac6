"""PostgreSQL for threads: a query holds its thread until the answer is there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

import workloads
from workloads import outage


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits for no answer for ever, and notes whether the database is away."""

    @classmethod
    def connect(cls, *args: Any, **options: Any) -> Self:
        since = outage.made
        try:
            connection = super().connect(*args, **options)
        except psycopg.OperationalError:
            outage.lost(since)
            raise
        outage.found()
        return connection

    def wait(self, gen: PQGen[RV], interval: float = workloads.DATABASE_LOOK_S, timeout: float | None = None) -> RV:
        return super().wait(outage.bounded(gen) if timeout is None else gen, interval, timeout)


pool = ConnectionPool[Connection](
    workloads.DATABASE_URL,
    connection_class=Connection,
    kwargs={**workloads.CONNECTION, "row_factory": dict_row},
    open=False,
    reconnect_failed=ConnectionPool.check,  # which starts the next attempt: it comes back without being asked
    **workloads.POOL,
)


@contextmanager
def connection() -> Iterator[Connection]:
    """A connection of the pool; Problem 503 where the database is away, at once where that is known."""
    db = take()
    since = outage.made
    try:
        yield db
    except psycopg.OperationalError as error:
        outage.lost(since)  # before the pool connects anew, which may say otherwise
        pool.drain()  # one lost connection means that the idle ones are lost, too
        db.close()
        raise workloads.Problem(503) from error
    finally:
        pool.putconn(db)


def take() -> Connection:
    """Waits for the pool in short steps, because the database may go away meanwhile."""
    for _ in range(workloads.POOL_WAITS):
        if outage.away:
            raise workloads.Problem(503)
        with suppress(PoolTimeout):
            return pool.getconn()
    raise workloads.Problem(503, workloads.POOL_BUSY)


def read_items(queries: int, delay_ms: int) -> list[dict[str, Any]]:
    with connection() as db:
        return [db.execute(*workloads.select_item(delay_ms)).fetchone() or {} for _ in range(queries)]


def write_entry(value: int) -> dict[str, Any]:
    with connection() as db:
        entry = db.execute(workloads.INSERT_ENTRY, [value]).fetchone() or {}
        return db.execute(workloads.SELECT_ENTRY, [entry["id"]]).fetchone() or {}


def notify(message: str) -> None:
    with connection() as db:
        db.execute(workloads.NOTIFY, [message])


def listen() -> Connection:
    """A connection of its own, for notifications; Problem 503 where the database is away."""
    if outage.away:
        raise workloads.Problem(503)
    try:
        connection = Connection.connect(workloads.DATABASE_URL, **workloads.CONNECTION)
        connection.execute(workloads.LISTEN)
    except psycopg.OperationalError as error:
        raise workloads.Problem(503) from error
    return connection


def ping() -> None:
    with connection() as db:
        db.execute("SELECT 1")
