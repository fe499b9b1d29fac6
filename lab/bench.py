"""`lab bench-generator`: requests per CPU second of the suite's users against Locust's bare FastHttpUser."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track

from lab import doors
from lab.evidence import Result
from lab.measure import Block, Generator
from lab.statistics import Metric, compare, log_ratios, sentence

ROW = "wsgi-granian"  # the fastest row: the generator is the bottleneck, and that is what is measured
KINDS = ("Json", "Bare")  # ours, Locust's own
PAIRS = 12
REQUESTS = Metric("requests", "send", "requests per CPU second", "1/s", smaller_is_better=False)
WORTH = 0.95  # what the suite's users must reach


def run(console: Console) -> int:
    """0 where the users reach WORTH of the bare ones, else 1."""
    order = [kind for pair in range(PAIRS) for kind in (KINDS if pair % 2 else KINDS[::-1])]
    measured: dict[str, list[Result]] = {kind: [] for kind in KINDS}
    with (
        tempfile.TemporaryDirectory() as folder,
        doors.native([ROW], console.print) as door,
        Generator(door, Path(folder) / "raw.jsonl", {}) as generator,
    ):
        for kind in track(order, "measuring", console=console):
            measured[kind].append(generator.run(Block(ROW, kind, users=16, seconds=3.0)))
    ours, bare = ([per_cpu_second(result) for result in measured[kind]] for kind in KINDS)
    result = compare(log_ratios(ours, bare), look=1, planned_looks=1, smaller_is_better=False)
    speeds = sorted([*ours, *bare])
    console.print(f"{speeds[0]:,.0f} to {speeds[-1]:,.0f} requests per CPU second of Locust, over both kinds of users.")
    console.print(sentence(result, "The suite's users", "Locust's bare FastHttpUser", REQUESTS) + ".")
    console.print(f"{'Reached' if result.ratio >= WORTH else 'Missed'}: at least {WORTH}.")
    return 0 if result.ratio >= WORTH else 1


def per_cpu_second(result: Result) -> float:
    return float(result["load"]["requests"] / result["seconds"] / result["cpus"]["generator"])
