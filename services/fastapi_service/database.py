"""PostgreSQL for an event loop: a query gives the loop away until the answer is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

import workloads

pool = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]](
    workloads.DATABASE_URL,
    kwargs={**workloads.CONNECTION, "row_factory": dict_row},
    open=False,
    **workloads.POOL,
)


@asynccontextmanager
async def connection() -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
    """A connection of the pool; Problem 503 where the database is away."""
    try:
        async with pool.connection() as connection:
            yield connection
    except psycopg.OperationalError as error:
        if not isinstance(error, PoolTimeout):
            await pool.drain()  # one lost connection means that the idle ones are lost, too
        raise workloads.Problem(503) from error


async def fetch(db: psycopg.AsyncConnection[DictRow], sql: str, *values: Any) -> dict[str, Any]:
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


async def listen() -> psycopg.AsyncConnection:
    """A connection of its own, for notifications; psycopg.OperationalError where the database is away."""
    connection = await psycopg.AsyncConnection.connect(workloads.DATABASE_URL, **workloads.CONNECTION)
    await connection.execute(workloads.LISTEN)
    return connection


async def ping() -> None:
    async with connection() as db:
        await db.execute("SELECT 1")
