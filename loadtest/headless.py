"""A test without the web UI: a line of progress, the rows side by side at the end, figures.json, an exit code.

Exit codes: 0 fine, 1 an answer was wrong or missing, 3 a limit was missed, 4 a worker was lost.
"""

import json
import sys
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from rich.console import Console
from rich.table import Table

from loadtest import shapes
from loadtest.figures import SEARCH_P99_MS, WINDOW_S, Sampler, keeps_limit
from loadtest.precision import shown

EXIT_LIMIT, EXIT_WORKER_LOST = 3, 4


def attach(environment: Environment, sampler: Sampler) -> None:
    """For the process that decides, where there is no web UI."""
    greenlet = gevent.spawn(show_progress, sampler)

    def finish(**_: Any) -> None:
        greenlet.kill()
        if environment.runner:
            environment.runner.stop()  # on Ctrl-C it still runs: drain it, and count what was in flight
        console = Console()
        found = searched(environment, sampler)
        console.print(side_by_side(sampler))
        for line in [*found.values(), *sampler.warnings()]:
            console.print(line, style="yellow" if line not in found.values() else "bold")
        missed = missed_limit(sampler)
        for row in missed:
            console.print(f"{row} missed the limit", style="red")
        if sampler.lost:
            environment.process_exit_code = EXIT_WORKER_LOST
        elif missed:
            environment.process_exit_code = EXIT_LIMIT
        if sampler.options.results:
            write(Path(sampler.options.results) / "figures.json", sampler, found, missed)

    environment.events.quitting.add_listener(finish)


def show_progress(sampler: Sampler) -> None:
    """One line, rewritten every second; where nobody watches, one every ten."""
    tty = sys.stderr.isatty()
    while True:
        gevent.sleep(1 if tty else 10)
        window = sampler.window(WINDOW_S)
        if window and sampler.first:
            parts = [f"{window[1].at - sampler.first.at:.0f} s, {window[1].users} users"]
            for row in sampler.options.rows:
                tally = window[1].of_row(row).since(window[0].of_row(row))
                per_s = tally.requests / (window[1].at - window[0].at)
                parts.append(f"{row} {per_s:,.0f}/s p99 {shown(tally.percentile(0.99))} ms")
            busiest = max(sampler.generators.values(), default=0)
            parts.append(f"Locust {busiest:.0%}")
            print(
                "\r\x1b[K" if tty else "",
                "  ".join(parts),
                sep="",
                end="" if tty else "\n",
                file=sys.stderr,
                flush=True,
            )


def side_by_side(sampler: Sampler) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")  # the one that gives way on a narrow terminal
    for heading in ("per s", "ratio", "p50\nms", "p95\nms", "p99\nms", "errors", "CPU µs\neach", "RSS\nMiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in sampler.whole():
        table.add_row(
            f"{line['what']} [bold]{line['row']}",
            f"{line['requests_per_s']:,.1f}",
            f"{line['ratio']:.2f}" if line["ratio"] else "",
            *(shown(line[f"p{share}_ms"]) for share in (50, 95, 99)),
            f"{line['failures']:,}",
            f"{line['cpu_us']:,.0f}" if line["cpu_us"] else "unknown",
            f"{line['rss_mib']:,.0f}" if line["rss_mib"] else "unknown",
        )
    return table


def searched(environment: Environment, sampler: Sampler) -> dict[str, str]:
    """What a search has found, as a sentence per row."""
    shape = environment.shape_class
    if not isinstance(shape, shapes.Search):
        return {}
    limit = f"p99 within {sampler.options.limit_p99_ms or SEARCH_P99_MS:g} ms"
    return {
        row: f"{row} keeps {limit} up to {search.best:,.0f} requests/s and "
        + (f"more: at {search.broken:,.0f} the generator" if search.behind else f"no longer at {search.broken:,.0f}")
        + (" could not keep its schedule" if search.behind else "")
        + ("" if search.done else " (the search was cut short)")
        for row, search in shape.found.items()
    }


def missed_limit(sampler: Sampler) -> list[str]:
    options = sampler.options
    if not options.limit_p99_ms or options.shape == "search" or not sampler.first:
        return []
    last = sampler.samples[-1]
    return [row for row in options.rows if not keeps_limit(last.of_row(row).since(sampler.first.of_row(row)), options)]


def write(path: Path, sampler: Sampler, found: dict[str, str], missed: list[str]) -> None:
    figures = {
        "options": {name: value for name, value in vars(sampler.options).items() if is_plain(value)},
        "lines": sampler.whole(),
        "warnings": sampler.warnings(),
        "search": found,
        "missed_limit": missed,
        "generator_cpus": sampler.generators,
        "schedules": sampler.arrivals,
    }
    path.write_text(json.dumps(figures, indent=2))


def is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | list | None)
