"""`make bench-agreement`: do Locust and wrk, another generator, find the same ratio of CPU per request?

They must where both put the same load on the rows: a client who asks again as soon as it is answered, and 16 of them
where both generators use up the CPU of both rows. Where Locust cannot, the row works through fewer requests at once,
and a request costs it more: both ratios then stand with the CPUs that the rows used.
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
from lab.judge.words import how_many
from lab.stack import doors

PAIRS = (("flask", "fastapi"), ("wsgi-granian", "asgi-granian"))
GENERATORS = {"Locust": "Json", "wrk": SATURATED}
CLIENTS = (1, 16)
ROUNDS = 10
USED_UP = 0.9  # CPUs of a row
RATIOS = Metric("agreement", "is", "ratio", "", smaller_is_better=True)
SAID = {
    Outcome.NO_DIFFERENCE: "They agree.",
    Outcome.INCONCLUSIVE: "Undecided: the machine is too noisy.",
} | dict.fromkeys((Outcome.BETTER, Outcome.WORSE), "They do not agree.")


@dataclass(frozen=True)
class Agreement:
    """What both generators say of a pair of rows."""

    pair: tuple[str, str]
    clients: int
    ratios: dict[str, float]  # by generator: CPU per request of the first row over the second
    used: dict[str, tuple[float, float]]  # by generator: CPUs that the two rows used
    said: str  # of the ratio of the ratios
    outcome: Outcome

    @property
    def same_load(self) -> bool:
        return self.clients == 1 or min(each for both in self.used.values() for each in both) >= USED_UP


def run(console: Console) -> int:
    """0 where both agree within the practical margin wherever the load is the same, else 1. LabError without wrk."""
    rows = list(dict.fromkeys(row for pair in PAIRS for row in pair))
    blocks = [
        Block(row, scenario, clients, seconds=1.0, purpose=Purpose(name, str(clients), row))
        for row in rows
        for name, scenario in GENERATORS.items()
        for clients in CLIENTS
    ]
    measured = {name: Measurements() for name in GENERATORS}

    def keep(result: Result) -> None:
        measured[result.block.purpose.experiment].add(result)

    with doors.native(rows, console.print) as door, GeneratorClient(door, keep) as generator:
        if lacks := generator.ask("lacks"):
            raise LabError(f"nothing to agree with: {lacks}")
        chance = random.Random(1)
        for number in track(range(ROUNDS), "measuring", console=console):
            for block in chance.sample(blocks, len(blocks)):
                generator.run(replace(block, purpose=replace(block.purpose, round=number)))
    found = [agreement(measured, pair, clients) for pair in PAIRS for clients in CLIENTS]
    show(console, found)
    return int(any(each.same_load and each.outcome != Outcome.NO_DIFFERENCE for each in found))


def agreement(measured: dict[str, Measurements], pair: tuple[str, str], clients: int) -> Agreement:
    def of(figure: str, generator: str, row: str) -> list[float]:
        rounds = measured[generator].whole_rounds(str(clients), row)
        return [FIGURES[figure].of(rounds[number]) for number in sorted(rounds)]

    logs = {name: log_ratios(*(of("cpu_us", name, row) for row in pair)) for name in GENERATORS}
    used = {name: (fmean(of("utilisation", name, pair[0])), fmean(of("utilisation", name, pair[1]))) for name in logs}
    ours, others = logs.values()
    compared = compare([one - other for one, other in zip(ours, others, strict=True)], look=1, planned_looks=1)
    ratios = {name: compare(each, look=1, planned_looks=1).ratio for name, each in logs.items()}
    said = sentence(compared, "Locust's ratio", "wrk", RATIOS)
    return Agreement(pair, clients, ratios, used, said, compared.outcome)


def show(console: Console, found: Sequence[Agreement]) -> None:
    for each in found:
        console.print(f"[bold]{' / '.join(each.pair)}, {how_many(each.clients, 'client')}")
        for name, ratio in each.ratios.items():
            one, other = each.used[name]
            console.print(f"  {name}: × {ratio:.2f} (CPUs in use: {one:.2f} and {other:.2f})")
        console.print(f"  {each.said}.")
        console.print(f"  {SAID[each.outcome] if each.same_load else 'Not the same load: they need not agree.'}")
