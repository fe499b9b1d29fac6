"""PostgreSQL for an event loop: a query gives the loop away until the answer is there."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

import workloads

log = logging.getLogger(__name__)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it would tell of every attempt of every connection


class Connection(psycopg.AsyncConnection[DictRow]):
    """A connection that waits for no answer for ever; all of them together know whether the database is away."""

    away = False

    @classmethod
    def note(cls, away: bool) -> None:
        if away != Connection.away:
            log.warning("the database %s", "does not answer" if away else "answers again")
        Connection.away = away

    @classmethod
    async def connect(cls, *args: Any, **options: Any) -> Self:
        try:
            connection = await super().connect(*args, **options)
        except psycopg.OperationalError:
            cls.note(away=True)
            raise
        cls.note(away=False)
        return connection

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        return await super().wait(gen, interval, workloads.DATABASE_TIMEOUT_S if timeout is None else timeout)


pool = AsyncConnectionPool[Connection](
    workloads.DATABASE_URL,
    connection_class=Connection,
    kwargs={**workloads.CONNECTION, "row_factory": dict_row},
    open=False,
    reconnect_failed=AsyncConnectionPool.check,  # which starts the next attempt: it comes back without being asked
    **workloads.POOL,
)


@asynccontextmanager
async def connection() -> AsyncIterator[Connection]:
    """A connection of the pool; Problem 503 where the database is away, at once where that is known."""
    if Connection.away:
        raise workloads.Problem(503)
    try:
        async with pool.connection() as connection:
            try:
                yield connection
            except psycopg.OperationalError:
                Connection.note(away=True)  # before the pool connects anew, which may say otherwise
                await pool.drain()  # one lost connection means that the idle ones are lost, too
                await connection.close()
                raise
    except PoolTimeout as error:
        raise workloads.Problem(503, None if Connection.away else workloads.POOL_BUSY) from error
    except psycopg.OperationalError as error:
        raise workloads.Problem(503) from error


async def fetch(db: Connection, sql: str, *values: Any) -> dict[str, Any]:
    return await (await db.execute(sql, values)).fetchone() or {}


async def read_items(queries: int) -> list[dict[str, Any]]:
    async with connection() as db:
        return [await fetch(db, workloads.SELECT_ITEM, workloads.random_id()) for _ in range(queries)]


async def write_entry(value: int) -> dict[str, Any]:
    async with connection() as db:
        entry = await fetch(db, workloads.INSERT_ENTRY, value)
        return await fetch(db, workloads.SELECT_ENTRY, entry["id"])


async def notify(message: str) -> None:
    async with connection() as db:
        await db.execute(workloads.NOTIFY, [message])


async def listen() -> Connection:
    """A connection of its own, for notifications; Problem 503 where the database is away."""
    if Connection.away:
        raise workloads.Problem(503)
    try:
        connection = await Connection.connect(workloads.DATABASE_URL, **workloads.CONNECTION)
        await connection.execute(workloads.LISTEN)
    except psycopg.OperationalError as error:
        raise workloads.Problem(503) from error
    return connection


async def ping() -> None:
    async with connection() as db:
        await db.execute("SELECT 1")
