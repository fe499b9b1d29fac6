"""`make bench-services`: what a request costs on the lab's services against a plain app with the same routes.

GET /json has nothing to validate, GET /wait?ms=0 a parameter, POST /echo a body. Every round has new starts.
"""

import random
from typing import Any

from rich.console import Console
from rich.progress import track

from lab.calibration.calibrate import FIGURE, values, with_app
from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, Purpose
from lab.judge.judge import Measurements
from lab.judge.statistics import LOOKS, compare, log_ratios, sentence
from lab.stack import doors
from lab.stack.compose_file import ComposeFile

APPS = {"flask": "lab.calibration.plain:flask_app", "fastapi": "lab.calibration.plain:fastapi_app"}
SCENARIOS: dict[str, tuple[str, dict[str, Any]]] = {
    "/json": ("Bare", {}),
    "/wait?ms=0": ("Wait", {"wait_ms": 0}),
    "/echo": ("Echo", {}),
}
ROUNDS = LOOKS[-1]


def run(console: Console) -> int:
    """0 where each service needs no more CPU than its plain app and the practical margin, else 1."""
    compose_file = ComposeFile()
    for name, app in APPS.items():
        compose_file.services[plain(name)] = with_app(compose_file, name, app, plain(name))
    names = [each for name in APPS for each in (name, plain(name))]
    blocks = [
        Block(name, scenario, users=16, seconds=1.0, options=options, purpose=Purpose(arm=name + path))
        for path, (scenario, options) in SCENARIOS.items()
        for name in names
    ]
    measured, chance = Measurements(), random.Random(1)
    with (
        doors.native(names, console.print, compose_file) as door,
        GeneratorClient(door, keep=measured.add) as generator,
    ):
        assert door.restart  # a native stack's rows can be
        for number in track(range(ROUNDS), "measuring", console=console):
            door.restart(names)
            with generator.taking_turns(blocks) as interleaving:
                orders = [chance.sample(range(len(blocks)), len(blocks)) for _ in range(interleaving.count)]
                list(interleaving.round(number, orders))
    dearer = 0
    for path in SCENARIOS:
        for name in APPS:
            ratios = log_ratios(values(measured, name + path), values(measured, plain(name) + path))
            compared = compare(ratios, look=1, planned_looks=1)
            dearer += compared.outcome not in (Outcome.NO_DIFFERENCE, Outcome.BETTER)
            console.print(f"{path}: {sentence(compared, name, 'a plain app', FIGURE.metric)}.")
    return int(dearer > 0)


def plain(name: str) -> str:
    return f"{name}-plain"
