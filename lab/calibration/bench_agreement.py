"""`make bench-agreement`: do Locust and wrk, another generator, find the same ratio of CPU per request?

They must where both put the same load on the rows: about as many requests a second, at random times.
(Clients who ask again as soon as they are answered are more load from wrk, which is the faster client. What that does
to a ratio, basic-cost and basic-saturated show.)
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from rich.console import Console
from rich.progress import track

from lab import LabError
from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import SATURATED, Block, Purpose, Result
from lab.judge.figures import FIGURES
from lab.judge.judge import Measurements
from lab.judge.statistics import Metric, compare, log_ratios, sentence
from lab.stack import doors

PAIRS = (("flask", "fastapi"), ("wsgi-granian", "asgi-granian"))
GENERATORS = {"Locust": "Json", "wrk": SATURATED}
CLIENTS, RATE = 64, 1000  # requests per second of all together
ROUNDS = 40
BLOCK_S = 3.0  # so long that what the clients' connections cost, which wrk opens within, is little of it
SAME = 0.9  # of the requests per second of one generator: what the other asks for at least
RATIOS = Metric("agreement", "is", "ratio", "", smaller_is_better=True)
SAID = {
    Outcome.NO_DIFFERENCE: "They agree.",
    Outcome.INCONCLUSIVE: "Undecided: the machine is too noisy.",
} | dict.fromkeys((Outcome.BETTER, Outcome.WORSE), "They do not agree.")


@dataclass(frozen=True)
class Agreement:
    """What both generators say of a pair of rows."""

    pair: tuple[str, str]
    ratios: dict[str, float]  # by generator: CPU per request of the first row over the second
    used: dict[str, tuple[float, ...]]  # by generator: CPUs that the two rows used
    rates: dict[str, tuple[float, ...]]  # by generator: requests per second that the two rows answered
    said: str  # of the ratio of the ratios
    outcome: Outcome

    @property
    def same_load(self) -> bool:
        return all(min(both) >= SAME * max(both) for both in zip(*self.rates.values(), strict=True))


def run(console: Console) -> int:
    """0 where both agree within the practical margin on every pair, else 1. LabError without wrk."""
    rows = list(dict.fromkeys(row for pair in PAIRS for row in pair))
    # What is compared is measured one after the other: the machine changes less meanwhile.
    together = [
        [
            Block(row, scenario, CLIENTS, seconds=BLOCK_S, rate=RATE, purpose=Purpose(name, "", row))
            for row in pair
            for name, scenario in GENERATORS.items()
        ]
        for pair in PAIRS
    ]
    measured = {name: Measurements() for name in GENERATORS}

    def keep(result: Result) -> None:
        measured[result.block.purpose.experiment].add(result)

    with doors.native(rows, console.print) as door, GeneratorClient(door, keep) as generator:
        if lacks := generator.ask("lacks"):
            raise LabError(f"nothing to agree with: {lacks}")
        chance = random.Random(1)
        for number in track(range(ROUNDS), "measuring", console=console):
            for blocks in chance.sample(together, len(together)):
                for block in chance.sample(blocks, len(blocks)):
                    generator.run(replace(block, purpose=replace(block.purpose, round=number)))
    found = [agreement(measured, pair) for pair in PAIRS]
    show(console, found)
    return int(not all(each.same_load and each.outcome == Outcome.NO_DIFFERENCE for each in found))


def agreement(measured: dict[str, Measurements], pair: tuple[str, str]) -> Agreement:
    def of(figure: str, generator: str, row: str) -> list[float]:
        rounds = measured[generator].whole_rounds("", row)
        return [FIGURES[figure].of(rounds[number]) for number in sorted(rounds)]

    logs = {name: log_ratios(*(of("cpu_us", name, row) for row in pair)) for name in GENERATORS}

    def means(figure: str) -> dict[str, tuple[float, ...]]:
        return {name: tuple(fmean(of(figure, name, row)) for row in pair) for name in GENERATORS}

    ours, others = logs.values()
    compared = compare([one - other for one, other in zip(ours, others, strict=True)], look=1, planned_looks=1)
    ratios = {name: compare(each, look=1, planned_looks=1).ratio for name, each in logs.items()}
    said = sentence(compared, "Locust's ratio", "wrk", RATIOS)
    return Agreement(pair, ratios, means("utilisation"), means("throughput"), said, compared.outcome)


def show(console: Console, found: Sequence[Agreement]) -> None:
    for each in found:
        console.print(f"[bold]{' / '.join(each.pair)}")
        for name, ratio in each.ratios.items():
            used = " and ".join(f"{cpus:.2f}" for cpus in each.used[name])
            rates = " and ".join(f"{rate:,.0f}" for rate in each.rates[name])
            console.print(f"  {name}: × {ratio:.2f} (CPUs in use: {used}; requests per second: {rates})")
        console.print(f"  {each.said}.")
        console.print(f"  {SAID[each.outcome] if each.same_load else 'Not the same load: nothing to compare.'}")
