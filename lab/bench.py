"""`lab bench-generator`: requests per CPU second of the suite's users against Locust's bare FastHttpUser."""

import math
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.demo import OPTIONS
from lab.measure import Block, measure
from lab.native import NativeStack
from lab.table import Table

ROW = "wsgi-granian"  # the fastest row: the generator is the bottleneck, and that is what is measured
PAIRS = 8
WORTH = 0.95  # what the suite's users must reach


def run(console: Console) -> int:
    """0 where the users reach WORTH of the bare ones, else 1."""
    others = tuple(name for name in Table().services if name not in (ROW, "nginx", "postgres"))
    with (
        tempfile.TemporaryDirectory() as folder,
        NativeStack(Table(), ("variants",), leave_out=others, progress=console.print) as stack,
    ):
        order = [kinds for pair in range(PAIRS) for kinds in (("Bare", "Json") if pair % 2 else ("Json", "Bare"))]
        blocks = [Block(kind, ROW, kind, 16, 1.0, 2.0, OPTIONS) for kind in order]
        measured = measure(stack, blocks, Path(folder) / "raw.jsonl", console)
    speeds = [per_cpu_second(block) for block in measured]
    ratios = []
    for first, second in zip(measured[::2], measured[1::2], strict=True):
        ours, bare = (first, second) if first["workload"] == "Json" else (second, first)
        ratios.append(per_cpu_second(ours) / per_cpu_second(bare))
    mean = math.exp(sum(map(math.log, ratios)) / PAIRS)
    console.print(f"requests per CPU second: {min(speeds):,.0f} to {max(speeds):,.0f}, both kinds")
    console.print(f"ours / bare, {PAIRS} pairs: {mean:.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")
    console.print(f"{'reached' if mean >= WORTH else 'missed'}: at least {WORTH}")
    return 0 if mean >= WORTH else 1


def per_cpu_second(block: dict[str, Any]) -> float:
    return float(block["requests"] / (block["generator_cpu_ns"] / 1e9))
