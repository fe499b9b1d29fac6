"""`lab calibrate`: how often the judge is wrong, measured. Does it find what is not there, and what was planted?

40 runs of a row against itself are judged as any experiment is. Then their rounds, in the order in which they were
recorded, are taken as longer runs: a lasting difference, and noise that comes in stretches, count in full. FastAPI is
compared with itself, with a known number of CPU µs added to every request (lab/calibration/planted.py). Its
processes are started anew several times, because two processes of one program differ a little, too.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, pstdev, stdev

from rich.console import Console

from lab.experiments import Arm, Contrast, Experiment, Load
from lab.experiments.model import OURS
from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import Header, RawFile, writing
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Measurements, judge
from lab.judge.statistics import LOOKS, Comparison, compare, log_ratios
from lab.report import report
from lab.run import environment, results
from lab.run.plan import Plan
from lab.run.run import Course, Runner
from lab.stack import doors
from lab.stack.compose_file import ComposeFile, Row

RUNS = 40
ROWS = ("flask", "fastapi", "wsgi", "asgi")
PLANTED = (3, 10)  # percent
FLOOR_US = 3.0  # planted everywhere, in the baseline, too: more than it takes to read the clock by which it is burnt
PLAIN = "fastapi"  # what is slowed down
STARTS = 6  # of the planted rows' processes
ROUNDS = 40  # of all planted rows in turn, after each start
PLAN = Plan(looks=LOOKS[:1], scale=0.65, budget_s=None)
MINUTE = LOOKS[-1]  # pairs: they take about a minute
FIGURE = FIGURES["cpu_us"]
STEPS = [number / 1000 for number in range(5, 151, 5)]  # slowdowns to look for the smallest among


@dataclass(frozen=True)
class Planted:
    """A slowdown that was planted, and what was measured of it."""

    us: float
    ratio: float
    apart: float  # spread of its log ratio from start to start: what two processes of one program differ by
    found: float  # share of one-minute runs that find it


@dataclass(frozen=True)
class Calibration:
    """What came out; shares are of all runs of their kind."""

    judged: list[Finding]  # of the runs of a row against itself
    false_alarms: float  # of a row's recorded minutes
    minutes: int  # how many those are; they overlap
    apart: int  # how many of them do not
    planted: dict[int, Planted]  # by percent
    starts: int  # of the planted rows' processes
    smallest: float | None  # the smallest slowdown that 90 % of one-minute runs find
    spread: float  # of the log ratio of a row to itself within a round


def against_itself(row: str, number: int) -> Experiment:
    return experiment(f"{row} {number}", (Arm(row, "A"), Arm(row, "B")), (Contrast("A", "B", "cpu_us"),))


def experiment(name: str, arms: tuple[Arm, ...], contrasts: tuple[Contrast, ...]) -> Experiment:
    """GET /json, 16 clients, as the experiments on the basic request have it."""
    return Experiment(name, name, name, OURS, "", "", "", arms, contrasts, (), Load())


def run(console: Console) -> Path:
    """Runs it all, about half an hour; the folder of its results. LabError where it cannot be done."""
    folder = results.new_folder("calibration")
    header, alike = measure_alike(folder, console)
    plain_us = FLOOR_US + fmean(
        [
            measured.typical("", arm, "cpu_us")
            for name, measured in alike.items()
            if name.partition(" ")[0] == PLAIN
            for arm in "AB"
        ]
    )
    planted = measure_planted(folder, plain_us, console)
    text = render(calibrate(header, alike, planted, plain_us), header)
    console.print(text, markup=False)
    page = folder / "calibration.md"
    with writing(page):
        page.write_text(text)
    return folder


def measure_alike(folder: Path, console: Console) -> tuple[Header, dict[str, Measurements]]:
    experiments = [against_itself(ROWS[number % len(ROWS)], number) for number in range(RUNS)]
    with doors.native(ROWS, console.print) as door:
        header = header_of(door, list(ROWS))
        found = results.Run(folder, header)
        with RawFile(folder / "alike.jsonl", header) as raw, GeneratorClient(door, raw.add) as generator:
            Runner(generator, found, PLAN, console).all(experiments)
    return header, found.measured


def measure_planted(folder: Path, plain_us: float, console: Console) -> list[Measurements]:
    """The rounds of each start. The baseline runs the same code, with nothing but the floor planted."""
    compose_file = ComposeFile()
    arms = [Arm(planted_name(percent)) for percent in (0, *PLANTED)]
    for percent, arm in zip((0, *PLANTED), arms, strict=True):
        compose_file.services[arm.row] = planted_row(compose_file, arm.row, FLOOR_US + plain_us * percent / 100)
    contrasts = tuple(Contrast(arm.name, arms[0].name, "cpu_us") for arm in arms[1:])
    planted = experiment("planted", tuple(arms), contrasts)
    starts = []
    for start in range(STARTS):
        console.print(f"planted slowdowns: start {start + 1} of {STARTS}")
        with doors.native([arm.row for arm in arms], lambda text: None, compose_file) as door:
            header = header_of(door, [arm.row for arm in arms])
            with (
                RawFile(folder / f"planted-{start}.jsonl", header) as raw,
                GeneratorClient(door, raw.add) as generator,
            ):
                runner = Runner(generator, results.Run(folder, header), PLAN, console)
                starts.append(Measurements())
                runner.in_slices(Course(planted, starts[-1]), "", range(ROUNDS))
    return starts


def header_of(door: doors.Door, rows: list[str]) -> Header:
    return environment.header(door, rows, looks=PLAN.looks, seed=random.randrange(2**32), scale=PLAN.scale)


def planted_name(percent: int) -> str:
    return f"{PLAIN}-planted-{percent}"


def planted_row(compose_file: ComposeFile, name: str, us: float) -> Row:
    return with_app(compose_file, PLAIN, "lab.calibration.planted:create_app", name, PLANTED_US=f"{us}")


def with_app(compose_file: ComposeFile, of: str, app: str, name: str, **environment: str) -> Row:
    """A row like `of`, on the same server under the same settings, with another app."""
    row = next(row for row in compose_file.rows if row.name == of)
    command = [word.replace(f"{of}_service:create_app", app) for word in row.command]
    return replace(row, name=name, command=command, environment=row.environment | {"ROW": name} | environment)


def calibrate(
    header: Header, alike: dict[str, Measurements], starts: list[Measurements], plain_us: float
) -> Calibration:
    by_row: dict[str, list[float]] = {row: [] for row in ROWS}
    judged: list[Finding] = []
    for number, (name, measured) in enumerate(alike.items()):
        row = name.partition(" ")[0]
        judged.extend(judge(against_itself(row, number), measured, header).findings)
        by_row[row] += log_ratios(values(measured, "A"), values(measured, "B"))
    nothing = [minute for ratios in by_row.values() for minute in minutes_of(ratios)]
    found = {}
    for percent in PLANTED:
        ratios = [log_ratios(values(each, planted_name(percent)), values(each, planted_name(0))) for each in starts]
        means = [fmean(each) for each in ratios]
        share = found_in([minute for each in ratios for minute in minutes_of(each)])
        found[percent] = Planted(plain_us * percent / 100, math.exp(fmean(means)), stdev(means), share)
    power = {step: found_in([[ratio + math.log1p(step) for ratio in run] for run in nothing]) for step in STEPS}
    return Calibration(
        judged=judged,
        false_alarms=fmean(any(each.detected for each in looks(run)) for run in nothing),
        minutes=len(nothing),
        apart=sum(len(ratios) // MINUTE for ratios in by_row.values()),
        planted=found,
        starts=len(starts),
        smallest=next((step for step, share in power.items() if share >= 0.9), None),
        spread=pstdev(ratio for ratios in by_row.values() for ratio in ratios),
    )


def values(measured: Measurements, arm: str) -> list[float]:
    rounds = measured.whole_rounds("", arm)
    return [FIGURE.of(rounds[number]) for number in sorted(rounds)]


def minutes_of(ratios: Sequence[float]) -> list[Sequence[float]]:
    """Every run of a minute that a longer series has, as it was recorded: neighbours, and signs, stay as they are."""
    return [ratios[start : start + MINUTE] for start in range(len(ratios) - MINUTE + 1)]


def looks(ratios: Sequence[float]) -> list[Comparison]:
    return [compare(ratios[:pairs], look, len(LOOKS)) for look, pairs in enumerate(LOOKS, 1)]


def found_in(runs: Sequence[Sequence[float]]) -> float:
    """The share of runs in which some look detects that the first row is slower."""
    return fmean(any(each.detected and each.ratio > 1 for each in looks(run)) for run in runs)


def render(found: Calibration, header: Header) -> str:
    """The result as docs/calibration.md has it."""
    facts = {
        "found": found,
        "header": header,
        "detected": sum(each.comparison.detected for each in found.judged if each.comparison),
        "matters": sum(each.outcome in (Outcome.BETTER, Outcome.WORSE) for each in found.judged),
        "refused": sum(bool(each.reasons) for each in found.judged),
        "undecided": sum(each.outcome == Outcome.INCONCLUSIVE for each in found.judged),
    }
    return report.render("calibration.md.j2", facts)
