"""Whole runs made by hand, of the lab's own experiments: without a server."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.experiments import BY_NAME
from lab.judge.statistics import MIN_PAIRS
from tests.unit import blocks

Results = list[dict[str, Any]]
# Requests per second and CPU µs per request of an arm at a level in a round.
Speeds = Callable[[str, str, int], tuple[float, float]]
NOISE = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002)


def about(row: str, **changes: Any) -> dict[str, Any]:
    interface = "ASGI" if row.startswith(("fastapi", "asgi")) else "WSGI"
    facts = {"row": row, "interface": interface, "framework": "flask 3.1", "model": "8 threads"}
    return blocks.about("flask") | facts | changes


def header(names: list[str], **changes: Any) -> dict[str, Any]:
    rows = dict.fromkeys(row for name in names for row in BY_NAME[name].rows)
    facts = {
        "quick": False,
        "scale": 1.0,
        "experiments": {name: BY_NAME[name].part() for name in names},
        "began": "2026-01-02 03:04 UTC",
        "door": "native",
        "machine": "Linux, 2 CPUs",
        "generator_python": "3.11.7",
        "versions": {"flask": "3.1"},
        "placed": {"rows": "0", "generator": "1"},
    }
    return blocks.header(looks=1, beside_cpus=1, abouts={row: about(row) for row in rows}) | facts | changes


def of(experiment: str, level: str, arm: str, number: int, made: dict[str, Any]) -> dict[str, Any]:
    """The result as one of this experiment."""
    made["block"] |= {"row": BY_NAME[experiment].arm(arm).row}
    made["block"]["about"] |= {"experiment": experiment, "level": level, "arm": arm, "round": number}
    return made


def results(experiment: str, speeds: Speeds, rounds: int = MIN_PAIRS) -> Results:
    """All blocks of it: its arms differ as `speeds` says, its rounds by a little noise."""
    made = []
    for level in BY_NAME[experiment].levels:
        for number in range(rounds):
            for place, arm in enumerate(BY_NAME[experiment].arms):
                rate, cpu_us = speeds(level, arm.name, number)
                noise = NOISE[(number + place) % len(NOISE)]
                load = blocks.load(round(rate * noise))
                used = {"answered": load["started"], "cpu_ns": {"row": load["started"] * cpu_us * noise * 1000}}
                made.append(of(experiment, level, arm.name, number, blocks.result(load=load, **used)))
    return made


def searches(experiment: str, knee: float) -> Results:
    """Of an experiment whose every turn is a search."""
    return [
        of(experiment, "", arm.name, number, step)
        for number in range(MIN_PAIRS)
        for arm in BY_NAME[experiment].arms
        for step in blocks.searched(knee)
    ]


def write(folder: Path, made: Mapping[str, Results], **changes: Any) -> Path:
    """A results folder: results by experiment, and what differs in the header."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [header(list(made), **changes), *(each for results in made.values() for each in results)]
    (folder / "raw.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
