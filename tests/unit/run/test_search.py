"""How well searches tell two rows apart, by simulation: rows whose true ratio is known, and whose knee is noisy."""

import io
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lab.experiments import Arm, Load
from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, Purpose, Result, Schedule
from lab.judge.figures import FIGURES
from lab.judge.statistics import LOOKS, compare, log_ratios
from lab.run.plan import Plan
from lab.run.results import Run
from lab.run.run import Runner
from tests.unit.records import header, load, result

RUNS = 60
CAPACITY = FIGURES["capacity"]
SEARCH = Load("Wait", 400, rate=100, limit_p99_ms=250, most_rate=10_000)


class Noisy(GeneratorClient):
    """Rows that keep their limit up to a knee, which every block shifts by chance."""

    def __init__(self, knees: dict[str, float], noise: float, chance: random.Random) -> None:
        self.knees, self.noise, self.chance, self.blocks = knees, noise, chance, 0

    def run(self, block: Block) -> Result:
        self.blocks += 1
        knee = self.knees[block.row] * self.chance.lognormvariate(0, self.noise)
        times = load(100, 50 if block.rate <= knee else 500)
        return replace(result(block.row), block=block, load=times, schedule=Schedule(100, 0, 0))


def one(truth: float, noise: float, seed: int) -> tuple[Outcome, float, float]:
    """What comes out of a run of all planned looks, its ratio, and how many blocks a search took."""
    chance = random.Random(seed)
    knee = chance.uniform(100, 300)
    fake = Noisy({"subject": knee * truth, "baseline": knee}, noise, chance)
    made = Runner(fake, Run(Path(), header(seed=seed)), Plan(LOOKS, 1.0, None), Console(file=io.StringIO()))
    found: dict[str, list[float]] = {row: [] for row in fake.knees}
    rates: dict[tuple[str, str], float] = {}
    for look, pairs in enumerate(LOOKS, 1):
        while len(found["baseline"]) < pairs:
            for row, values in found.items():
                values.append(CAPACITY.of(made.turn(SEARCH, Arm(row), Purpose(arm=row), rates)))
        ratios = log_ratios(found["subject"], found["baseline"])
        said = compare(ratios, look, len(LOOKS), CAPACITY.metric.margin, smaller_is_better=False)
        if said.outcome != Outcome.INCONCLUSIVE:
            break
    return said.outcome, said.ratio, fake.blocks / (2 * said.pairs)


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.08])
@pytest.mark.parametrize(
    ("truth", "none", "matters"),
    [  # the least and the largest share of runs that may say so
        (1.0, (0.9, 1), (0, 0)),
        (1.11, (0, 0.05), (0, 1)),
        (1 / 1.11, (0, 0.05), (0, 1)),
        (1.2, (0, 0), (0.9, 1)),
    ],
)
def test_a_ratio_beyond_the_margin_is_not_called_none_and_no_difference_is(
    truth: float, none: tuple[float, float], matters: tuple[float, float], noise: float
) -> None:
    found = [one(truth, noise, seed) for seed in range(RUNS)]
    outcomes = [each[0] for each in found]
    assert none[0] <= outcomes.count(Outcome.NO_DIFFERENCE) / RUNS <= none[1]
    right = Outcome.BETTER if truth > 1 else Outcome.WORSE
    assert matters[0] <= outcomes.count(right) / RUNS <= matters[1]
    assert math.prod(each[1] for each in found) ** (1 / RUNS) == pytest.approx(truth, rel=0.02)


def test_a_search_takes_a_handful_of_blocks() -> None:
    blocks = [one(1.0, 0.03, seed)[2] for seed in range(RUNS)]
    assert sum(blocks) / RUNS < 6.5
