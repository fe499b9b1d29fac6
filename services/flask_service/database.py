"""PostgreSQL for threads: a query holds its thread until the answer is there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

import workloads

log = logging.getLogger(__name__)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it would tell of every attempt of every connection


class Connection(psycopg.Connection[DictRow]):
    """A connection that waits for no answer for ever; all of them together know whether the database is away."""

    away = False

    @classmethod
    def note(cls, away: bool) -> None:
        if away != Connection.away:
            log.warning("the database %s", "does not answer" if away else "answers again")
        Connection.away = away

    @classmethod
    def connect(cls, *args: Any, **options: Any) -> Self:
        try:
            connection = super().connect(*args, **options)
        except psycopg.OperationalError:
            cls.note(away=True)
            raise
        cls.note(away=False)
        return connection

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        return super().wait(gen, interval, workloads.DATABASE_TIMEOUT_S if timeout is None else timeout)


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
    if Connection.away:
        raise workloads.Problem(503)
    try:
        with pool.connection() as connection:
            try:
                yield connection
            except psycopg.OperationalError:
                Connection.note(away=True)  # before the pool connects anew, which may say otherwise
                pool.drain()  # one lost connection means that the idle ones are lost, too
                connection.close()
                raise
    except PoolTimeout as error:
        raise workloads.Problem(503, None if Connection.away else workloads.POOL_BUSY) from error
    except psycopg.OperationalError as error:
        raise workloads.Problem(503) from error


def read_items(queries: int) -> list[dict[str, Any]]:
    with connection() as db:
        return [db.execute(workloads.SELECT_ITEM, [workloads.random_id()]).fetchone() or {} for _ in range(queries)]


def write_entry(value: int) -> dict[str, Any]:
    with connection() as db:
        entry = db.execute(workloads.INSERT_ENTRY, [value]).fetchone() or {}
        return db.execute(workloads.SELECT_ENTRY, [entry["id"]]).fetchone() or {}


def notify(message: str) -> None:
    with connection() as db:
        db.execute(workloads.NOTIFY, [message])


def listen() -> Connection:
    """A connection of its own, for notifications; Problem 503 where the database is away."""
    if Connection.away:
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
