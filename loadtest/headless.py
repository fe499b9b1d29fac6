"""A test without the web UI: a line of progress, the rows side by side at the end, a folder of results, an exit code.

Exit codes: 0 fine, 1 an answer was wrong or missing, 2 a wrong option or no room for the results, 3 a limit was missed,
4 a worker was lost, 5 the rows did not have the same number of users.
"""

import sys
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from rich.console import Console
from rich.table import Table

from loadtest import doubts, options, results, shapes
from loadtest.figures import SEARCH_P99_MS, WINDOW_S, Sampler, keeps_limit
from loadtest.precision import shown

EXIT_OPTION, EXIT_LIMIT, EXIT_WORKER_LOST, EXIT_UNEVEN = 2, 3, 4, 5


def attach(environment: Environment, sampler: Sampler) -> None:
    """For the process that decides, where there is no web UI. SystemExit where it cannot do what it is told."""
    if reason := options.refusal(vars(sampler.options)):
        print(reason, file=sys.stderr)
        raise SystemExit(EXIT_OPTION)
    folder = results.make(sampler.options)
    greenlet = gevent.spawn(show_progress, sampler)

    def finish(**_: Any) -> None:
        greenlet.kill()
        if environment.runner:
            environment.runner.stop()  # on Ctrl-C it still runs: drain it, and count what was in flight
        found = searched(environment, sampler)
        missed = missed_limit(sampler)
        tell(sampler, found, missed)
        if sampler.lost:
            environment.process_exit_code = EXIT_WORKER_LOST
        elif sampler.uneven:
            environment.process_exit_code = EXIT_UNEVEN
        elif missed:
            environment.process_exit_code = EXIT_LIMIT
        if folder:
            keep(folder, environment, sampler, found, missed)

    environment.events.quitting.add_listener(finish)


def keep(folder: Path, environment: Environment, sampler: Sampler, found: dict[str, str], missed: list[str]) -> None:
    """SystemExit where the disk is full, before Locust writes files of its own."""
    try:
        results.write(folder, environment, sampler, found, missed)
    except OSError as error:
        print(f"the results cannot be written to {folder}: {error.strerror}", file=sys.stderr)
        if environment.runner:
            environment.runner.quit()
        raise SystemExit(EXIT_OPTION) from error


def tell(sampler: Sampler, found: dict[str, str], missed: list[str]) -> None:
    console = Console(highlight=False)
    console.print(side_by_side(sampler))
    for line in found.values():
        console.print(line, style="bold", markup=False)
    for line in doubts.warnings(sampler):
        console.print(line, style="yellow", markup=False)
    for row in missed:
        console.print(f"{row} missed the limit", style="red")


def show_progress(sampler: Sampler) -> None:
    """One line, rewritten every second; where nobody watches, one every ten."""
    tty = sys.stderr.isatty()
    while True:
        gevent.sleep(1 if tty else 10)
        window = sampler.window(WINDOW_S)
        if window and sampler.first:
            what = next(iter(window[1].kinds()), "")
            parts = [f"{window[1].at - sampler.first.at:.0f} s, {window[1].users} users {what}"]
            for row in sampler.options.rows:
                tally = window[1].of(what, row).since(window[0].of(what, row))
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
    for heading in ("per s", "ratio", "p50\nms", "p95\nms", "p99\nms", "errors", "CPU µs\neach", "memory\nMiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in sampler.whole():
        table.add_row(
            f"{line['what']} [bold]{line['row']}",
            f"{line['requests_per_s']:,.1f}",
            f"{line['ratio']:.2f}" if line["ratio"] else "",
            *(shown(ms) if (ms := line[f"p{share}_ms"]) else "" for share in (50, 95, 99)),
            f"{line['failures']:,}",
            f"{line['cpu_us']:,.0f}" if line["cpu_us"] else "unknown",
            f"{line['memory_mib']:,.0f} {line['memory']}" if line["memory_mib"] else "unknown",
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
