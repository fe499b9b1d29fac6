"""The judge's commands: `lab list`, `run`, `report`, `compare`, `findings`, `demo`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from lab import LabError
from lab.experiments import DEMO, EXPERIMENTS, Experiment, find
from lab.experiments.outcomes import Verdict
from lab.generator.record import histogram
from lab.judge.figures import unseen
from lab.judge.judge import Judgement
from lab.judge.search import is_search
from lab.judge.statistics import percentile
from lab.judge.words import as_json, verdict_sentence
from lab.report import compare, findings, report
from lab.run import results, run

EXIT_LIMIT, EXIT_REFUSED, EXIT_INTERRUPTED = 3, 5, 130
COLOURS = {
    Verdict.SUPPORTED: "green",
    Verdict.REFUTED: "red",
    Verdict.DEPENDS: "yellow",
    Verdict.NO_DIFFERENCE: "cyan",
    Verdict.INCONCLUSIVE: "dim",
    Verdict.REFUSED: "magenta",
}
EXIT_CODES = """exit code: 0 all went well, 2 something was wrong with the command or the stack, 3 a limit was missed,
5 the gates refused a run (or let a planted fault pass), 130 Ctrl-C; what was measured is kept"""


def add_to(commands: Any, console: Console) -> None:
    """Adds the judge's commands to the command line."""
    shown = commands.add_parser("list", help="the experiments: claims, and how they are tested")
    shown.set_defaults(run=lambda options: show(console))
    measured = commands.add_parser(
        "run", help="run experiments and judge them", epilog=EXIT_CODES, formatter_class=argparse.RawTextHelpFormatter
    )
    measured.add_argument("names", nargs="*", metavar="NAME", help="experiments, as lab list shows them")
    measured.add_argument("--all", action="store_true", help="every experiment")
    measured.add_argument("--on", default="native", metavar="WHERE", help="native (started for it), compose, or a URL")
    measured.add_argument("--quick", action="store_true", help="a first answer, in about a minute each")
    measured.add_argument("--budget", type=above_zero, metavar="MINUTES", help="how long it may take, all in all")
    measured.add_argument("--limit-p99-ms", type=above_zero, metavar="MS", help="the p99 that every row must keep")
    measured.add_argument("--json", action="store_true", help="the verdicts as JSON on standard output")
    measured.set_defaults(run=lambda options: measure(options, console))
    again = commands.add_parser("report", help="write the report of a results folder again, from its raw file")
    again.add_argument("folder", type=Path, metavar="DIR")
    again.set_defaults(run=lambda options: rewrite(options.folder, console))
    changed = commands.add_parser("compare", help="what changed between two runs")
    changed.add_argument("before", type=Path, metavar="DIR")
    changed.add_argument("after", type=Path, metavar="DIR")
    changed.set_defaults(run=lambda options: compare_folders(options.before, options.after, console))
    found = commands.add_parser("findings", help="the verdicts of results folders as Markdown, on standard output")
    found.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    found.set_defaults(run=lambda options: print_findings(options.folders))
    demo = commands.add_parser("demo", help="the quick run: the article's main claims, in about a minute")
    demo.set_defaults(run=lambda options: demonstrate(console))


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def show(console: Console) -> None:
    for experiment in EXPERIMENTS:
        console.print(f"[bold]{experiment.name}[/]  {experiment.title}")
        levels = f"{experiment.varied}: {', '.join(experiment.levels)}" if experiment.varied else ""
        lines = {
            "claim": f"“{experiment.claim}” ({experiment.source})",
            "test": experiment.method,
            "rows": ", ".join(experiment.rows),
            "levels": levels,
            "equal": experiment.held_equal,
            "refuted if": experiment.refuted_if,
        }
        grid = Grid.grid(padding=(0, 2))
        for name, text in lines.items():
            if text:
                grid.add_row(f"  {name}", text)
        console.print(grid)
        console.print()


def measure(options: argparse.Namespace, console: Console) -> int:
    chosen = choose(options.names, options.all)
    # Standard output is for the JSON alone.
    progress = Console(stderr=True, highlight=False) if options.json else console
    name = "all" if options.all else "-".join(options.names)[:60]
    budget_s = options.budget * 60 if options.budget else None
    found, early = run.run(chosen, options.on, options.quick, budget_s, name, progress)
    judgements = found.judgements()
    page = report.write(found)
    missed = missed_limit(found, options.limit_p99_ms) if options.limit_p99_ms else []
    if options.json:
        verdicts = [
            as_json(each) | {"unseen": unseen(found.header, each.experiment.figures) or None} for each in judgements
        ]
        summary = {"door": found.header.door, "complete": not early, "missed_limit": missed, "verdicts": verdicts}
        json.dump(summary | {"results": str(found.folder)}, sys.stdout, indent=2)
        print()
    else:
        tell(found, judgements, page, console)
    for line in missed:
        progress.print(f"[red]{line}")
    if early:
        progress.print(f"Ended early: what was measured is in {found.folder}")
        return EXIT_INTERRUPTED
    if not all(judgement.as_planned for judgement in judgements):
        return EXIT_REFUSED
    return EXIT_LIMIT if missed else 0


def choose(names: Sequence[str], everything: bool) -> list[Experiment]:
    """LabError where it is not clear what to run."""
    if everything == bool(names):
        raise LabError("name the experiments to run, or --all: lab list shows them")
    return list(EXPERIMENTS) if everything else [find(name) for name in dict.fromkeys(names)]


def tell(found: results.Run, judgements: Sequence[Judgement], page: Path, console: Console) -> None:
    """The table of claims with their verdicts."""
    grid = Grid(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for heading in ("claim", "verdict", ""):
        grid.add_column(heading, overflow="fold")
    for judgement in judgements:
        colour = COLOURS[judgement.verdict]
        grid.add_row(judgement.experiment.claim, f"[{colour}]{judgement.verdict}[/]", verdict_sentence(judgement))
    console.print()
    console.print(grid)
    if warning := unseen(found.header, [name for each in judgements for name in each.experiment.figures]):
        console.print(f"[yellow]{warning}")
    console.print(f"Report: {page.resolve().as_uri()}\nResults: {found.folder}", soft_wrap=True)


def missed_limit(found: results.Run, limit_ms: float) -> list[str]:
    """The arms whose p99 over all their blocks is above the limit; planted faults do not count, nor do searches."""
    missed = []
    for name, measured in found.measured.items():
        if find(name).must_be_refused:
            continue
        for level, arm in measured.rounds:
            rounds = [each for each in measured.whole_rounds(level, arm).values() if not is_search(each[0])]
            if (p99 := percentile(histogram([result for each in rounds for result in each]), 0.99)) > limit_ms:
                where = f"{name} {level}".strip()
                missed.append(f"{arm} missed the limit in {where}: p99 {p99:,.1f} ms, limit {limit_ms:g} ms")
    return missed


def rewrite(folder: Path, console: Console) -> None:
    found = results.read(folder)
    tell(found, found.judgements(), report.write(found), console)


def compare_folders(before: Path, after: Path, console: Console) -> None:
    first, second = results.read(before), results.read(after)
    compare.show(console, first, second, compare.compare_runs(first, second))


def print_findings(folders: Sequence[Path]) -> None:
    print(findings.write([results.read(folder) for folder in folders]), end="")


def demonstrate(console: Console) -> int:
    console.print("Claims about WSGI and ASGI, put to the test on this machine.")
    found, early = run.run(DEMO, "native", quick=True, budget_s=None, name="demo", console=console)
    tell(found, found.judgements(), report.write(found), console)
    console.print("All experiments, with time to decide: .venv/bin/lab run --all")
    return EXIT_INTERRUPTED if early else 0
