"""`lab bench-generator`: requests per CPU second of the suite's users against Locust's bare FastHttpUser."""

import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.demo import OPTIONS
from lab.measure import Block, measure
from lab.native import NativeStack
from lab.statistics import Metric, compare, log_ratios, sentence
from lab.table import Table

ROW = "wsgi-granian"  # the fastest row: the generator is the bottleneck, and that is what is measured
KINDS = ("Json", "Bare")  # ours, Locust's own
PAIRS = 12
REQUESTS = Metric("send", "requests per CPU second", "1/s", smaller_is_better=False)
WORTH = 0.95  # what the suite's users must reach


def run(console: Console) -> int:
    """0 where the users reach WORTH of the bare ones, else 1."""
    others = tuple(name for name in Table().services if name not in (ROW, "nginx", "postgres"))
    with (
        tempfile.TemporaryDirectory() as folder,
        NativeStack(Table(), ("variants",), leave_out=others, progress=console.print) as stack,
    ):
        order = [kind for pair in range(PAIRS) for kind in (KINDS if pair % 2 else reversed(KINDS))]
        blocks = [Block(kind, ROW, kind, 16, 0.5, 3.0, OPTIONS) for kind in order]
        measured = measure(stack, blocks, Path(folder) / "raw.jsonl", console)
    ours, bare = ([per_cpu_second(block) for block in measured if block["workload"] == kind] for kind in KINDS)
    result = compare(log_ratios(ours, bare), look=1, planned_looks=1, smaller_is_better=False)
    speeds = sorted([*ours, *bare])
    console.print(f"{speeds[0]:,.0f} to {speeds[-1]:,.0f} requests per CPU second of Locust, over both kinds of users.")
    console.print(sentence(result, "The suite's users", "Locust's bare FastHttpUser", REQUESTS) + ".")
    console.print(f"{'Reached' if result.ratio >= WORTH else 'Missed'}: at least {WORTH}.")
    return 0 if result.ratio >= WORTH else 1


def per_cpu_second(block: dict[str, Any]) -> float:
    return float(block["requests"] / (block["generator_cpu_ns"] / 1e9))
