"""The routes on Flask. Read it beside fastapi_service/routes.py: same order, same names; what differs is the lesson."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request

import workloads
from flask_service import database

routes = Blueprint("routes", __name__)


def query(parameter: workloads.Parameter) -> int:
    return parameter.read(request.args.getlist(parameter.name))


@routes.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@routes.get("/plaintext")
def plaintext() -> Response:
    return Response(workloads.PLAINTEXT, mimetype="text/plain")


@routes.get("/json")
def greeting() -> dict[str, str]:
    return workloads.GREETING


@routes.post("/echo")
def echo() -> dict[str, str]:
    message: dict[str, str] = request.get_json()
    if not workloads.is_message(message):
        raise workloads.Problem(422, workloads.BODY_RULE)
    return message


@routes.get("/wait")
def wait() -> dict[str, int]:
    ms = query(workloads.WAIT_MS)
    time.sleep(ms / 1000)  # holds this thread; with all threads asleep, the next request queues
    return {"waited_ms": ms}


@routes.get("/db")
def db_read() -> list[dict[str, Any]]:
    return database.read_items(query(workloads.QUERIES), query(workloads.DELAY_MS))


@routes.post("/db")
def db_write() -> dict[str, Any]:
    return database.write_entry(query(workloads.VALUE))


@routes.get("/cpu")
def cpu() -> dict[str, int]:
    rounds = query(workloads.ROUNDS)
    return {"rounds": rounds, "result": workloads.cpu_work(rounds)}


@routes.get("/bytes")
def large() -> Response:
    kib = query(workloads.KIB)
    headers = {"Content-Length": str(kib * 1024)}
    return Response(workloads.blocks(kib), mimetype="application/octet-stream", headers=headers)


@routes.get("/stream")
def stream() -> Response:
    events, interval = query(workloads.EVENTS), query(workloads.INTERVAL_MS) / 1000

    def send() -> Iterator[str]:
        for number in range(events):
            if number:
                time.sleep(interval)  # the stream holds its thread from the first event to the last
            yield f"data: {workloads.event_data(number)}\n\n"

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(send(), mimetype="text/event-stream", headers=headers)


@routes.get("/ready")
def ready() -> dict[str, str]:
    database.ping()
    return {"status": "ok"}


@routes.get("/about")
def about() -> dict[str, Any]:
    return workloads.about("WSGI", "flask", request.environ["SERVER_PROTOCOL"], "json")


@routes.get("/wait/async")
async def wait_async() -> dict[str, int]:
    """`async def` on WSGI: an event loop for one request, on a thread that is held all the same."""
    ms = query(workloads.WAIT_MS)
    await asyncio.sleep(ms / 1000)
    return {"waited_ms": ms}
