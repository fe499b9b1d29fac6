"""The judge's commands: `lab list`, `run`, `demo`, `calibrate`, `bench-generator`, `report`, `compare`, `findings`."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from lab import COMMAND, LabError
from lab.calibration import bench_agreement, bench_generator, bench_services, calibrate
from lab.experiments import BY_NAME, DEMO, EXPERIMENTS, Experiment, find
from lab.experiments.outcomes import Verdict
from lab.generator.record import histogram, writing
from lab.judge.figures import unseen
from lab.judge.judge import Judgement
from lab.judge.search import is_search
from lab.judge.statistics import percentile
from lab.judge.words import verdict_of, verdict_sentence
from lab.report import compare, findings, output, report
from lab.report.section import sections
from lab.report.tables import shortfalls
from lab.run import results, run

EXIT_LIMIT, EXIT_CHANGED, EXIT_REFUSED, EXIT_INTERRUPTED = 3, 4, 5, 130
COLOURS = {
    Verdict.SUPPORTED: "green",
    Verdict.REFUTED: "red",
    Verdict.DEPENDS: "yellow",
    Verdict.NO_DIFFERENCE: "cyan",
    Verdict.INCONCLUSIVE: "dim",
    Verdict.REFUSED: "magenta",
    Verdict.TOO_SHORT: "dim",
}

console = Console(highlight=False)


def show(options: argparse.Namespace) -> None:
    for experiment in EXPERIMENTS:
        console.print(f"[bold]{experiment.name}[/]  {experiment.title}")
        levels = f"{experiment.varied}: {', '.join(experiment.levels)}" if experiment.varied else ""
        lines = {
            "claim": f"“{experiment.claim}” ({experiment.source})",
            "test": experiment.method,
            "rows": ", ".join(experiment.rows),
            "levels": levels,
            "equal": experiment.held_equal,
            "not so if": experiment.not_so_if,
            "rule": str(experiment.rule),
        }
        grid = Table.grid(padding=(0, 2))
        for name, text in lines.items():
            if text:
                grid.add_row(f"  {name}", text)
        console.print(grid)
        console.print()


def measure(options: argparse.Namespace) -> int:
    chosen = choose(options.names, options.all)
    # Standard output is for the JSON alone.
    progress = Console(stderr=True, highlight=False) if options.json else console
    name = "all" if options.all else "-".join(options.names)
    if len(options.names) > 3:
        name = f"{options.names[0]}-and-{len(options.names) - 1}-more"
    budget_s = options.budget * 60 if options.budget else None
    found, early = run.run(chosen, options.on, options.quick, budget_s, name, progress)
    missed = missed_limit(found, options.limit_p99_ms) if options.limit_p99_ms else []
    judgements = found.judgements()
    verdicts = output.text(found, judgements, complete=not early, missed=missed)
    if options.json:
        print(verdicts)
    else:
        tell(found, judgements)
    keep(found, verdicts, progress)
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
        raise LabError(f"name the experiments to run, or --all: {COMMAND} list shows them")
    return list(EXPERIMENTS) if everything else [find(name) for name in dict.fromkeys(names)]


def tell(found: results.Run, judgements: Sequence[Judgement]) -> None:
    """The table of claims with their verdicts."""
    grid = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for heading in ("claim", "verdict", ""):
        grid.add_column(heading, overflow="fold")
    for judgement in judgements:
        colour = COLOURS[judgement.verdict]
        asked = f"[bold]{judgement.experiment.title}[/]\n{judgement.experiment.claim}"
        grid.add_row(asked, f"[{colour}]{verdict_of(judgement)}[/]", verdict_sentence(judgement))
    console.print()
    console.print(grid)
    if warning := unseen(found.header, [name for each in judgements for name in each.experiment.figures]):
        console.print(f"[yellow]{warning}")


def keep(found: results.Run, verdicts: str, console: Console) -> None:
    """Writes verdicts and report, and says where they are: last, because a full disk must not hide the verdicts."""
    path = found.folder / "verdicts.json"  # the page shows it
    with writing(path):
        path.write_text(verdicts)
    console.print(f"Report: {report.write(found).resolve().as_uri()}\nResults: {found.folder}", soft_wrap=True)


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


def rewrite(options: argparse.Namespace) -> None:
    found = results.read(options.folder)
    tell(found, found.judgements())
    keep(found, as_read(found), console)


def as_read(found: results.Run) -> str:
    """The verdicts as `lab run --json` prints them, of a run that was read back: of a limit it knows nothing."""
    shown = [section for section in sections(found) if section.size]
    return output.text(found, found.judgements(), complete=not shortfalls(found, shown), missed=[])


def compare_folders(options: argparse.Namespace) -> int:
    first, second = results.read(options.before), results.read(options.after)
    found = compare.compare_runs(first, second)
    if options.json:
        print(output.comparison_text(first, second, found))
    else:
        compare.show(console, first, second, found)
    return EXIT_CHANGED if found.changed else 0


def print_findings(options: argparse.Namespace) -> None:
    runs = [results.read(folder) for folder in options.folders]
    if options.json:
        lines = (json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in shipped(runs))
        print("[" + ",\n".join(lines) + "]")
    else:
        print(findings.write(runs), end="")


def shipped(runs: Sequence[results.Run]) -> list[dict[str, Any]]:
    """What the page shows, door by door: of each claim the run that counts, and the comparisons that decide it."""
    counts = findings.that_count(runs)
    doors: dict[str, dict[str, Any]] = {}
    for one in runs:
        read = json.loads(as_read(one))
        door = doors.setdefault(one.header.door, {"version": read["version"], "door": read["door"], "verdicts": []})
        for verdict in read["verdicts"]:
            if counts[one.header.door, verdict["experiment"]] is one:
                deciding = [finding for finding in verdict["findings"] if finding["decides"]]
                door["verdicts"].append(verdict | {"results": f"results/{one.folder.name}", "findings": deciding})
    for door in doors.values():
        door["verdicts"].sort(key=lambda verdict: list(BY_NAME).index(verdict["experiment"]))
    return list(doors.values())


def demonstrate(options: argparse.Namespace) -> int:
    console.print("Claims about WSGI and ASGI, put to the test on this machine.")
    found, early = run.run(DEMO, "native", quick=True, budget_s=None, name="demo", console=console)
    tell(found, found.judgements())
    keep(found, as_read(found), console)
    console.print(f"All experiments, with time to decide: {COMMAND} run --all")
    return EXIT_INTERRUPTED if early else 0


def run_calibration(options: argparse.Namespace) -> None:
    console.print(f"Results: {calibrate.run(console)}")


def run_bench_generator(options: argparse.Namespace) -> int:
    return bench_generator.run(console)


def run_bench_agreement(options: argparse.Namespace) -> int:
    return bench_agreement.run(console)


def run_bench_services(options: argparse.Namespace) -> int:
    return bench_services.run(console)
