"""The routes on FastAPI. Read it beside flask_service/routes.py: same order, same names; what differs is the lesson.

What the experiments ask comes first, as in a small app: FastAPI tries its routes in turn, each for about 1 % of the CPU
of a small request.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, StrictStr

import workloads
from fastapi_service import database
from fastapi_service.route import Route

routes = APIRouter(route_class=Route)


def bounds(parameter: workloads.Parameter) -> Any:
    return Query(ge=parameter.low, le=parameter.high)


WaitMs = Annotated[int, bounds(workloads.WAIT_MS)]
Queries = Annotated[int, bounds(workloads.QUERIES)]
DelayMs = Annotated[int, bounds(workloads.DELAY_MS)]
Value = Annotated[int, bounds(workloads.VALUE)]
Rounds = Annotated[int, bounds(workloads.ROUNDS)]
Events = Annotated[int, bounds(workloads.EVENTS)]
IntervalMs = Annotated[int, bounds(workloads.INTERVAL_MS)]
Kib = Annotated[int, bounds(workloads.KIB)]


@routes.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@routes.get("/plaintext")
async def plaintext() -> PlainTextResponse:
    return PlainTextResponse(workloads.PLAINTEXT)


@routes.get("/json")
async def greeting() -> dict[str, str]:
    return workloads.GREETING


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: StrictStr = Field(min_length=1, max_length=workloads.MAX_TEXT)


@routes.post("/echo")
async def echo(message: Message) -> Message:
    return message


@routes.get("/wait")
async def wait(ms: WaitMs = workloads.WAIT_MS.default) -> dict[str, int]:
    await asyncio.sleep(ms / 1000)  # gives the event loop away; it serves others meanwhile
    return {"waited_ms": ms}


@routes.get("/db")
async def db_read(
    queries: Queries = workloads.QUERIES.default,
    delay_ms: DelayMs = workloads.DELAY_MS.default,
) -> list[dict[str, Any]]:
    return await database.read_items(queries, delay_ms)


@routes.post("/db")
async def db_write(value: Value = workloads.VALUE.default) -> dict[str, Any]:
    return await database.write_entry(value)


@routes.get("/cpu")
def cpu(rounds: Rounds = workloads.ROUNDS.default) -> dict[str, int]:
    # Plain `def`: in `async def` this work would keep the event loop from everybody else.
    return {"rounds": rounds, "result": workloads.cpu_work(rounds)}


@routes.get("/bytes")
async def large(request: Request, kib: Kib = workloads.KIB.default) -> StreamingResponse:
    async def send() -> AsyncIterator[bytes]:
        for block in workloads.blocks(kib if request.method == "GET" else 0):
            yield block

    headers = {"Content-Length": str(kib * 1024)}
    return StreamingResponse(send(), media_type="application/octet-stream", headers=headers)


@routes.get("/stream", response_class=EventSourceResponse)
async def stream(
    request: Request,
    events: Events = workloads.EVENTS.default,
    interval_ms: IntervalMs = workloads.INTERVAL_MS.default,
) -> AsyncIterator[ServerSentEvent]:
    for number in range(events if request.method == "GET" else 0):
        if number:
            await asyncio.sleep(interval_ms / 1000)
        yield ServerSentEvent(raw_data=workloads.event_data(number))


@routes.get("/ready")
async def ready() -> dict[str, str]:
    await database.ping()
    return {"status": "ok"}


@routes.get("/about")
async def about(request: Request) -> dict[str, Any]:
    return workloads.about("ASGI", "fastapi", f"HTTP/{request.scope['http_version']}", "pydantic-core")


@routes.get("/wait/threadpool")
def wait_threadpool(ms: WaitMs = workloads.WAIT_MS.default) -> dict[str, int]:
    """Plain `def` on ASGI: FastAPI runs it on a pool of 40 threads."""
    time.sleep(ms / 1000)
    return {"waited_ms": ms}


@routes.get("/wait/blocking")
async def wait_blocking(ms: WaitMs = workloads.WAIT_MS.default) -> dict[str, int]:
    """The trap: a call that blocks inside `async def` stops the event loop, and with it every client."""
    time.sleep(ms / 1000)  # noqa: ASYNC251  (the trap is what this route is there to show)
    return {"waited_ms": ms}
