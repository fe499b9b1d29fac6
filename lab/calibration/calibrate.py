"""`lab calibrate`: how often the judge is wrong, measured. Does it find what is not there, and what was planted?

42 runs of a row against itself are judged as any experiment is. Then their rounds, in the order in which they were
recorded, are taken as longer runs: a lasting difference, and noise that comes in stretches, count in full. FastAPI is
compared with itself, with a known number of CPU µs added to every request (lab/calibration/planted.py), and with µs
that every start of a row draws for itself. Every round has new starts, as in any run. How often whole verdicts are
wrong is simulated, with the noise that was measured (lab/calibration/verdicts.py).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, pstdev, stdev

from rich.console import Console
from scipy.stats import binom

from lab.calibration import verdicts
from lab.calibration.verdicts import Noise, Wrong, covered, wrong_verdicts
from lab.experiments import Arm, Contrast, Experiment, Load
from lab.experiments.model import OURS
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.client import GeneratorClient
from lab.generator.record import Header, RawFile, writing
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Measurements, judge, typical
from lab.judge.statistics import LOOKS, Comparison, compare, log_ratios
from lab.report import report
from lab.run import environment, results
from lab.run.plan import Plan
from lab.run.run import Course, Runner
from lab.stack import doors
from lab.stack.compose_file import ComposeFile, Row

RUNS = 42
ROWS = ("flask", "fastapi", "wsgi", "asgi")
PLANTED = (3, 10)  # percent
FLOOR_US = 3.0  # planted everywhere, in the baseline, too: more than it takes to read the clock by which it is burnt
PLAIN = "fastapi"  # what is slowed down
APART = 3  # percent of its CPU time by which starts of a row are made to differ (standard deviation)
APART_NAMES = (f"{PLAIN}-apart-a", f"{PLAIN}-apart-b")
ROUNDS = 48  # of all planted rows in turn, each after new starts
PLAN = Plan(looks=LOOKS[:1], scale=0.65, budget_s=None)
MINUTE = LOOKS[-1]  # pairs: they take about a minute
FIGURE = FIGURES["cpu_us"]
NOISY = Noise(rounds=0.05, starts=0.02)  # verdicts are simulated with what was measured, and with this much
STARTS_APART = (0.005, 0.01, 0.02)  # by which starts differ where coverage is simulated
STEPS = [number / 1000 for number in range(5, 151, 5)]  # slowdowns to look for the smallest among


@dataclass(frozen=True)
class Planted:
    """A slowdown that was planted, and what was measured of it."""

    us: float
    ratio: float
    found: float  # share of one-minute runs that find it


@dataclass(frozen=True)
class Calibration:
    """What came out; shares are of all runs of their kind."""

    judged: list[Finding]  # of the runs of a row against itself
    lasting: dict[str, Comparison]  # of each row with itself, over all its rounds
    false_alarms: float  # of a row's recorded minutes
    minutes: int  # how many those are; they overlap
    apart: int  # how many of them do not
    planted: dict[int, Planted]  # by percent
    rounds: int  # of the planted rows, each of new starts
    apart_covered: tuple[int, int]  # of how many first looks at rows whose starts differ how many covered the truth
    smallest: float | None  # the smallest slowdown that 90 % of one-minute runs find
    noise: Noise  # of the log ratio of a row to itself within a round, and what starts add to it
    wrong: dict[Verdict, Wrong]  # by simulation
    coverage: dict[float, list[tuple[float, float]]]  # by how starts differ: at each look, of one start and of many


def against_itself(row: str, number: int) -> Experiment:
    return experiment(f"{row} {number}", (Arm(row, "A"), Arm(row, "B")), (Contrast("A", "B", "cpu_us"),))


def experiment(name: str, arms: tuple[Arm, ...], contrasts: tuple[Contrast, ...]) -> Experiment:
    """GET /json, 16 clients, as the experiments on the basic request have it."""
    return Experiment(name, name, name, OURS, "", "", "", arms, contrasts, (), Load())


def run(console: Console) -> Path:
    """Runs it all, about 25 minutes; the folder of its results. LabError where it cannot be done."""
    folder = results.new_folder("calibration")
    header, alike = measure_alike(folder, console)
    plain_us = FLOOR_US + fmean(
        [
            typical(measured.whole_rounds("", arm).values(), "cpu_us")
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


def measure_planted(folder: Path, plain_us: float, console: Console) -> Measurements:
    """Every round with new starts. The baseline runs the same code, with nothing but the floor planted."""
    compose_file = ComposeFile()
    wanted_us = {planted_name(percent): plain_us * percent / 100 for percent in (0, *PLANTED)}
    for name, us in wanted_us.items():
        compose_file.services[name] = planted_row(compose_file, name, FLOOR_US + us)
    apart_us = plain_us * APART / 100
    for name in APART_NAMES:  # deep in, so that hardly any start draws less than nothing
        compose_file.services[name] = planted_row(compose_file, name, FLOOR_US + 3 * apart_us, apart_us)
    names = [*wanted_us, *APART_NAMES]
    contrasts = tuple(Contrast(name, names[0], "cpu_us") for name in names[1:])
    course = Course(experiment("planted", tuple(Arm(name) for name in names), contrasts))
    with doors.native(names, console.print, compose_file) as door:
        header = header_of(door, names)
        with RawFile(folder / "planted.jsonl", header) as raw, GeneratorClient(door, raw.add) as generator:
            Runner(generator, results.Run(folder, header), PLAN, console).rounds(course, range(ROUNDS))
    return course.measured


def header_of(door: doors.Door, rows: list[str]) -> Header:
    return environment.header(door, rows, looks=PLAN.looks, seed=random.randrange(2**32), scale=PLAN.scale)


def planted_name(percent: int) -> str:
    return f"{PLAIN}-planted-{percent}"


def planted_row(compose_file: ComposeFile, name: str, us: float, apart_us: float = 0) -> Row:
    app, planted = "lab.calibration.planted:create_app", {"PLANTED_US": f"{us}"}
    if apart_us:
        planted["PLANTED_APART"] = f"{apart_us}"
    return with_app(compose_file, PLAIN, app, name, **planted)


def with_app(compose_file: ComposeFile, of: str, app: str, name: str, **environment: str) -> Row:
    """A row like `of`, on the same server under the same settings, with another app."""
    row = next(row for row in compose_file.rows if row.name == of)
    command = [word.replace(f"{of}_service:create_app", app) for word in row.command]
    return replace(row, name=name, command=command, environment=row.environment | {"ROW": name} | environment)


def calibrate(header: Header, alike: dict[str, Measurements], planted: Measurements, plain_us: float) -> Calibration:
    by_row: dict[str, list[float]] = {row: [] for row in ROWS}
    judged: list[Finding] = []
    for number, (name, measured) in enumerate(alike.items()):
        row = name.partition(" ")[0]
        judged.extend(judge(against_itself(row, number), measured, header).findings)
        by_row[row] += log_ratios(values(measured, "A"), values(measured, "B"))
    nothing = [minute for ratios in by_row.values() for minute in minutes_of(ratios)]
    against = {
        percent: log_ratios(*values_of_both(planted, planted_name(percent), planted_name(0))) for percent in PLANTED
    }
    apart = log_ratios(*values_of_both(planted, *APART_NAMES))
    first_looks = [apart[start : start + LOOKS[0]] for start in range(0, len(apart) - LOOKS[0] + 1, LOOKS[0])]
    power = {step: found_in([[ratio + math.log1p(step) for ratio in run] for run in nothing]) for step in STEPS}
    rounds = pstdev(ratio for ratios in by_row.values() for ratio in ratios)
    with_starts = fmean(stdev(ratios) for ratios in against.values())
    noise = Noise(rounds, math.sqrt(max(with_starts**2 - rounds**2, 0)))
    return Calibration(
        judged=judged,
        lasting={row: compare(ratios, 1, 1) for row, ratios in by_row.items()},
        false_alarms=fmean(any(each.detected for each in looks(run)) for run in nothing),
        minutes=len(nothing),
        apart=sum(len(ratios) // MINUTE for ratios in by_row.values()),
        planted={
            percent: Planted(plain_us * percent / 100, math.exp(fmean(ratios)), found_in(minutes_of(ratios)))
            for percent, ratios in against.items()
        },
        rounds=len(apart),
        apart_covered=(len(first_looks), sum(not compare(look, 1, 1).detected for look in first_looks)),
        smallest=next((step for step, share in power.items() if share >= 0.9), None),
        noise=noise,
        wrong=wrong_verdicts([noise, NOISY]),
        coverage={starts: coverage(Noise(rounds, starts)) for starts in STARTS_APART},
    )


def coverage(noise: Noise) -> list[tuple[float, float]]:
    """At each look: of rounds of one start, and of rounds with a start each."""
    return [(covered(noise, pairs, starts_anew=False), covered(noise, pairs, starts_anew=True)) for pairs in LOOKS]


def values_of_both(measured: Measurements, *arms: str) -> list[list[float]]:
    return [values(measured, arm) for arm in arms]


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
    detected = sum(each.comparison.detected for each in found.judged if each.comparison)
    facts = {
        "found": found,
        "header": header,
        "apart": APART,
        "looks": LOOKS,
        "noisy": NOISY,
        "runs": verdicts.RUNS,
        "detected": detected,
        "expected": verdicts.LEVEL * len(found.judged),
        "by_chance": float(binom.sf(detected - 1, len(found.judged), verdicts.LEVEL)),
        "matters": sum(each.outcome in (Outcome.BETTER, Outcome.WORSE) for each in found.judged),
        "refused": sum(bool(each.reasons) for each in found.judged),
        "undecided": sum(each.outcome == Outcome.INCONCLUSIVE for each in found.judged),
    }
    return report.render("calibration.md.j2", facts)
