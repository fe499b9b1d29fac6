"""docs/reliability.md, from what the tests of this folder have counted."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from lab.stack.compose_file import ROOT

FILE = ROOT / "docs" / "reliability.md"
TEXT = ROOT / "tests" / "faults" / "reliability.md"  # what stands around the tables
HEAD = ["what", "how it was tried", "natively", "in Compose"]


@dataclass(frozen=True)
class Row:
    """What one test says of one door."""

    promise: str
    how: str
    finding: bool
    door: str
    counted: str


def write(rows: Iterable[Row]) -> None:
    rows = list(rows)
    text = TEXT.read_text().replace("<!-- MACHINE -->", f"{os.cpu_count()} CPUs, load average {os.getloadavg()[2]:.0f}")
    for place, finding in (("PROMISES", False), ("FINDINGS", True)):
        text = text.replace(f"<!-- {place} -->", in_markdown([row for row in rows if row.finding is finding]))
    FILE.write_text(text)


def in_markdown(rows: list[Row]) -> str:
    lines = [HEAD, ["---"] * len(HEAD)]
    for promise, how in dict.fromkeys((row.promise, row.how) for row in rows):
        told = [row for row in rows if row.promise == promise]
        doors = ["<br>".join(row.counted for row in told if row.door == door) or "–" for door in ("native", "compose")]
        lines.append([" ".join(promise.split()), " ".join(how.split()), *doors])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
