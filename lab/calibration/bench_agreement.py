"""`make bench-agreement`: do Locust and wrk, another generator, find the same ratio of CPU per request?

They must where both put the same load on the rows: about as many requests a second, at random times.
(Clients who ask again as soon as they are answered are more load from wrk, which is the faster client. What that does
to a ratio, basic-cost and basic-saturated show.)

wrk cannot take turns in slices. So both rows of a pair are under load at the same time, each from a process of its own:
a machine that is slower for a while is slower for both, and their ratio does not change.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
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
CLIENTS, RATE = 64, 400  # requests per second of all on one row: both together leave their CPU room to spare
ROUNDS = 16
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
    measured = {name: Measurements() for name in GENERATORS}

    def keep(result: Result) -> None:
        measured[result.block.purpose.experiment].add(result)

    with ExitStack() as stack:
        door = stack.enter_context(doors.native(rows, console.print))
        clients = [stack.enter_context(GeneratorClient(door, keep)) for _ in range(2)]
        if lacks := clients[0].ask("lacks"):
            raise LabError(f"nothing to agree with: {lacks}")
        pool = stack.enter_context(ThreadPoolExecutor(len(clients)))
        chance = random.Random(1)
        for number in track(range(ROUNDS), "measuring", console=console):
            for pair in chance.sample(PAIRS, len(PAIRS)):
                for name in chance.sample(list(GENERATORS), len(GENERATORS)):
                    list(pool.map(GeneratorClient.run, clients, [block(name, row, number) for row in pair]))
    found = [agreement(measured, pair) for pair in PAIRS]
    show(console, found)
    return int(not all(each.same_load and each.outcome == Outcome.NO_DIFFERENCE for each in found))


def block(generator: str, row: str, number: int) -> Block:
    purpose = Purpose(generator, "", row, number)
    return Block(row, GENERATORS[generator], CLIENTS, seconds=BLOCK_S, rate=RATE, purpose=purpose)


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
