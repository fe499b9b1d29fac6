"""`make bench-services`: what GET /json costs on the lab's services against a plain app with that one route."""

import random
from dataclasses import replace
from itertools import pairwise

from rich.console import Console
from rich.progress import track

from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, RoundResult
from lab.judge.figures import FIGURES
from lab.judge.statistics import LOOKS, compare, log_ratios, sentence
from lab.stack import doors
from lab.stack.compose_file import ComposeFile, Row

APPS = {"flask": "flask_app", "fastapi": "fastapi_app"}  # of lab/calibration/plain.py
ROUNDS = LOOKS[-1]
FIGURE = FIGURES["cpu_us"]


def run(console: Console) -> int:
    """0 where each service needs no more CPU than its plain app and the practical margin, else 1."""
    compose_file = ComposeFile()
    for name, app in APPS.items():
        compose_file.services[f"{name}-plain"] = plain_row(compose_file, name, app)
    names = [each for name in APPS for each in (name, f"{name}-plain")]
    measured: dict[str, list[RoundResult]] = {name: [] for name in names}
    blocks = [Block(name, "Bare", users=16, seconds=1.0) for name in names]
    chance = random.Random(1)
    with (
        doors.native(names, console.print, compose_file) as door,
        GeneratorClient(door, keep=lambda result: None) as generator,
        generator.taking_turns(blocks) as interleaving,
    ):
        for number in track(range(ROUNDS), "measuring", console=console):
            orders = [chance.sample(range(len(names)), len(names)) for _ in range(interleaving.count)]
            results = list(interleaving.round(number, orders))
            for one, other in list(pairwise(results))[::2]:  # the two splits of an arm
                measured[one.block.row].append([one, other])
    dearer = 0
    for name in APPS:
        ours, plain = ([FIGURE.of(each) for each in measured[row]] for row in (name, f"{name}-plain"))
        compared = compare(log_ratios(ours, plain), look=1, planned_looks=1)
        dearer += compared.outcome not in (Outcome.NO_DIFFERENCE, Outcome.BETTER)
        console.print(sentence(compared, name, "a plain app", FIGURE.metric) + ".")
    return int(dearer > 0)


def plain_row(compose_file: ComposeFile, name: str, app: str) -> Row:
    """The same server under the same settings, with the plain app."""
    row = next(row for row in compose_file.rows if row.name == name)
    command = [f"lab.calibration.plain:{app}()" if "create_app()" in word else word for word in row.command]
    command = [f"lab.calibration.plain:{app}" if word.endswith(":create_app") else word for word in command]
    plain = f"{name}-plain"
    return replace(row, name=plain, command=command, environment=row.environment | {"ROW": plain})
