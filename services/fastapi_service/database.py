"""PostgreSQL for an event loop: a query gives the loop away until the answer is there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

import workloads
from workloads import outage


class Connection(psycopg.AsyncConnection[DictRow]):
    """A connection that waits for no answer for ever, and notes whether the database is away."""

    @classmethod
    async def connect(cls, *args: Any, **options: Any) -> Self:
        since = outage.made
        try:
            connection = await super().connect(*args, **options)
        except psycopg.OperationalError:
            outage.lost(since)
            raise
        outage.found()
        return connection

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = workloads.DATABASE_LOOK_S,
        timeout: float | None = None,  # noqa: ASYNC109  (psycopg's own parameter)
    ) -> RV:
        return await super().wait(outage.bounded(gen) if timeout is None else gen, interval, timeout)


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
    db = await take()
    since = outage.made
    try:
        yield db
    except psycopg.OperationalError as error:
        outage.lost(since)  # before the pool connects anew, which may say otherwise
        await pool.drain()  # one lost connection means that the idle ones are lost, too
        await db.close()
        raise workloads.Problem(503) from error
    finally:
        await pool.putconn(db)


async def take() -> Connection:
    """Waits for the pool in short steps, because the database may go away meanwhile."""
    for _ in range(workloads.POOL_WAITS):
        if outage.away:
            raise workloads.Problem(503)
        with suppress(PoolTimeout):
            return await pool.getconn()
    raise workloads.Problem(503, workloads.POOL_BUSY)


async def fetch(db: Connection, sql: str, values: Sequence[Any]) -> dict[str, Any]:
    return await (await db.execute(sql, values)).fetchone() or {}


async def read_items(queries: int, delay_ms: int) -> list[dict[str, Any]]:
    async with connection() as db:
        return [await fetch(db, *workloads.select_item(delay_ms)) for _ in range(queries)]


async def write_entry(value: int) -> dict[str, Any]:
    async with connection() as db:
        entry = await fetch(db, workloads.INSERT_ENTRY, [value])
        return await fetch(db, workloads.SELECT_ENTRY, [entry["id"]])


async def notify(message: str) -> None:
    async with connection() as db:
        await db.execute(workloads.NOTIFY, [message])


async def listen() -> Connection:
    """A connection of its own, for notifications; Problem 503 where the database is away."""
    if outage.away:
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
