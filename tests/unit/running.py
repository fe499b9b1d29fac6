"""A run without a generator: the Runner is real, what it measures is made up."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lab.experiments import Experiment
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, Result
from lab.judge.statistics import LOOKS
from lab.run import run as running
from lab.run.plan import Plan
from lab.run.results import Run
from lab.run.run import Runner
from tests.unit.records import about, cpu_us, header, result, toy

Measure = Callable[[Block], dict[str, Any]]  # what of a block's result is not as usual
WHOLE = Plan(looks=LOOKS, scale=1.0, budget_s=None)


class Fake(GeneratorClient):
    """Answers at once, and remembers what it was asked; every block takes a second of `clock`."""

    def __init__(self, measure: Measure, clock: SimpleNamespace) -> None:
        self.measure, self.clock = measure, clock
        self.asked: list[Block] = []
        self.restarted: list[list[str]] = []
        self.connected: list[list[str]] = []  # the arms, in the order in which their clients were, to take turns
        self.door: Any = SimpleNamespace(restart=self.restarted.append)

    def run(self, block: Block) -> Result:
        self.asked.append(block)
        self.clock.now += 1
        return result(block=block, **self.measure(block))

    @contextmanager
    def taking_turns(self, blocks: Sequence[Block]) -> Iterator[Any]:
        self.connected.append([block.purpose.arm for block in blocks])
        yield FakeInterleaving(self, blocks)


class FakeInterleaving:
    """Two slices for each arm of a round, all alike."""

    count = 2

    def __init__(self, fake: Fake, blocks: Sequence[Block]) -> None:
        self.fake, self.blocks = fake, blocks

    def round(self, number: int, orders: Sequence[Sequence[int]]) -> Iterator[Result]:
        assert len(orders) == self.count
        for arm in orders[0]:
            block = self.blocks[arm]
            made = self.fake.run(replace(block, splits=2, purpose=replace(block.purpose, round=number)))
            yield from (made, made)


def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(now=1000.0)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(running, "time", made)
    return made


def runner(fake: Fake, plan: Plan = WHOLE, **changes: Any) -> Runner:
    abouts = {row: about("flask") | {"row": row} for row in ("flask", "fastapi", "wsgi")}
    facts = header(looks=plan.looks, abouts=abouts, **changes)
    return Runner(fake, Run(Path(), facts), plan, Console(file=io.StringIO()))


def differing(ratio: float, spread: Sequence[float]) -> Measure:
    """FastAPI's CPU per request is in this ratio to Flask's."""

    def measure(block: Block) -> dict[str, Any]:
        return cpu_us(300 if block.row == "flask" else 300 * ratio * spread[block.purpose.round % len(spread)])

    return measure


def rounds(fake: Fake) -> int:
    return len({block.purpose.round for block in fake.asked})


def run_one(fake: Fake, plan: Plan, *experiments: Experiment) -> Runner:
    made = runner(fake, plan)
    made.all(experiments or [toy()])
    return made


def said(made: Runner) -> str:
    assert isinstance(made.console.file, io.StringIO)
    return made.console.file.getvalue()
