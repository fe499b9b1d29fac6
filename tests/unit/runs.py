"""Whole runs made by hand, of the lab's own experiments: without a server."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.experiments import BY_NAME
from lab.generator.record import Header, Part, Result
from lab.judge.statistics import LOOKS
from tests.unit import records

Results = list[Result]
# Requests per second and CPU µs per request of an arm at a level in a round.
Speeds = Callable[[str, str, int], tuple[float, float]]
NOISE = (0.994, 1.006, 0.997, 1.003)  # as many as rounds of a first look: every arm is as noisy, and its median 1


def about(row: str, **changes: Any) -> dict[str, Any]:
    interface = "ASGI" if row.startswith(("fastapi", "asgi")) else "WSGI"
    return records.about("fastapi" if interface == "ASGI" else "flask") | {"row": row} | changes


def header(names: list[str], **changes: Any) -> Header:
    rows = dict.fromkeys(row for name in names for row in BY_NAME[name].rows)
    facts: dict[str, Any] = {
        "looks": (LOOKS[0],),
        "shared_cpus": 1,
        "abouts": {row: about(row) for row in rows},
        "experiments": {name: Part(**BY_NAME[name].part()) for name in names},
    }
    return replace(records.header(), **facts | changes)


def of(experiment: str, level: str, arm: str, number: int, made: Result) -> Result:
    """The result as one of this experiment."""
    row = BY_NAME[experiment].arm(arm).row
    return records.of(made, row, experiment=experiment, level=level, arm=arm, round=number)


def results(experiment: str, speeds: Speeds, rounds: int = LOOKS[0]) -> Results:
    """All results of it: its arms differ as `speeds` says, its rounds by a little noise."""
    made = []
    for level in BY_NAME[experiment].levels:
        for number in range(rounds):
            for place, arm in enumerate(BY_NAME[experiment].arms):
                rate, cpu_us = speeds(level, arm.name, number)
                noise = NOISE[(number + place) % len(NOISE)]
                load = records.load(round(rate * noise))
                used = {"row": round(load.started * cpu_us * noise * 1000)}
                result = records.result(load=load, answered=load.started, cpu_ns=used)
                made.append(of(experiment, level, arm.name, number, result))
    return made


def searches(experiment: str, knee: float) -> Results:
    """Of an experiment whose every turn is a search."""
    return [
        of(experiment, "", arm.name, number, step)
        for number in range(LOOKS[0])
        for arm in BY_NAME[experiment].arms
        for step in records.searched(knee)
    ]


def failing(made: Result, failures: int = 1, errors: dict[str, int] | None = None) -> Result:
    """The same with wrong answers."""
    return replace(made, load=replace(made.load, failures=failures, errors=errors or {}))


def write(folder: Path, made: Mapping[str, Results], **changes: Any) -> Path:
    """A results folder: results by experiment, and what differs in the header."""
    folder.mkdir(parents=True, exist_ok=True)
    every = [each for results in made.values() for each in results]
    (folder / "raw.jsonl").write_text(records.lines(header(list(made), **changes), *every))
    return folder
