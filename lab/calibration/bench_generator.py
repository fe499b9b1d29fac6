"""`lab bench-generator`: requests per CPU second of the suite's users against Locust's bare FastHttpUser."""

from rich.console import Console
from rich.progress import track

from lab.generator.client import GeneratorClient
from lab.generator.record import Block, RoundResult
from lab.judge.statistics import Metric, compare, log_ratios, sentence
from lab.stack import doors

ROW = "wsgi-granian"  # the fastest row: the generator is the bottleneck, and that is what is measured
KINDS = ("Json", "Bare")  # ours, Locust's own
PAIRS = 12
CYCLES = 30  # in each of which both have two slices
REQUESTS = Metric("requests", "send", "requests per CPU second", "1/s", smaller_is_better=False)
WORTH = 0.95  # what the suite's users must reach


def run(console: Console) -> int:
    """0 where the users reach WORTH of the bare ones, else 1."""
    cycles = [(0, 1), (1, 0)] * CYCLES
    measured: dict[str, RoundResult] = {kind: [] for kind in KINDS}
    with (
        doors.native([ROW], console.print) as door,
        GeneratorClient(door, keep=lambda result: None) as generator,
        generator.taking_turns([Block(ROW, kind, users=16, seconds=3.0) for kind in KINDS]) as interleaving,
    ):
        for number in track(range(PAIRS), "measuring", console=console):
            for split in interleaving.round(number, cycles):
                measured[split.block.scenario].append(split)
    ours, bare = ([per_cpu_second(splits) for splits in batched(measured[kind])] for kind in KINDS)
    result = compare(log_ratios(ours, bare), look=1, planned_looks=1, smaller_is_better=False)
    speeds = sorted([*ours, *bare])
    console.print(f"{speeds[0]:,.0f} to {speeds[-1]:,.0f} requests per CPU second of Locust, over both kinds of users.")
    console.print(sentence(result, "The suite's users", "Locust's bare FastHttpUser", REQUESTS) + ".")
    console.print(f"{'Reached' if result.ratio >= WORTH else 'Missed'}: at least {WORTH}.")
    return 0 if result.ratio >= WORTH else 1


def batched(results: RoundResult) -> list[RoundResult]:
    """The two splits of each round together."""
    return [results[place : place + 2] for place in range(0, len(results), 2)]


def per_cpu_second(splits: RoundResult) -> float:
    used_s = sum(result.seconds * result.generator_cpus for result in splits)
    return sum(result.load.requests for result in splits) / used_s
