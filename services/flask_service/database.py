"""PostgreSQL for threads: a query holds its thread until the answer is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

import workloads

pool = ConnectionPool[psycopg.Connection[DictRow]](
    workloads.DATABASE_URL,
    kwargs={**workloads.CONNECTION, "row_factory": dict_row},
    open=False,
    **workloads.POOL,
)


@contextmanager
def connection() -> Iterator[psycopg.Connection[DictRow]]:
    """A connection of the pool; Problem 503 where the database is away."""
    try:
        with pool.connection() as connection:
            yield connection
    except psycopg.OperationalError as error:
        if not isinstance(error, PoolTimeout):
            pool.drain()  # one lost connection means that the idle ones are lost, too
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


def listen() -> psycopg.Connection:
    """A connection of its own, for notifications; psycopg.OperationalError where the database is away."""
    connection = psycopg.Connection.connect(workloads.DATABASE_URL, **workloads.CONNECTION)
    connection.execute(workloads.LISTEN)
    return connection


def ping() -> None:
    with connection() as db:
        db.execute("SELECT 1")
