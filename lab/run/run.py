"""Runs experiments: arms take turns in balanced random order, until the question is answered or the plan ends."""

import json
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lab import LabError
from lab.experiments import Arm, Experiment, Load
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.client import GeneratorClient
from lab.generator.record import SATURATED, Block, Part, Purpose, RawFile, RoundResult, SearchStep, writing
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Measurements, judge
from lab.judge.search import FIRST_STEP, NEXT_STEP, begin_search, behind, first_rate, keeps
from lab.judge.statistics import intervals, log_ratios
from lab.judge.words import how_many, how_varied, outcome, ratio, times, verdict_sentence
from lab.run import environment, results
from lab.run.plan import CHECKED_S, Plan, block_seconds, counted, estimate, make_plan, minutes, round_seconds, upper
from lab.stack import doors

T = TypeVar("T")


@dataclass(eq=False)
class Course:
    """How far an experiment has come in a run."""

    experiment: Experiment
    measured: Measurements = field(default_factory=Measurements)
    done: int = 0  # rounds
    answered: bool = False  # whether its last look had a verdict
    slowness: float = 1.0  # how long its last look took, in terms of its estimate
    arms: dict[str, tuple[Arm, ...]] = field(default_factory=dict)  # by level: those that are still measured
    rates: dict[tuple[str, str], float] = field(default_factory=dict)  # where each arm's last search ended, by level

    def __post_init__(self) -> None:
        self.arms = dict.fromkeys(self.experiment.levels, self.experiment.arms)

    def in_slices(self, level: str) -> bool:
        return all(self.experiment.load_of(level, arm).takes_turns for arm in self.experiment.arms)

    def settle(self, findings: Sequence[Finding]) -> None:
        """Leaves only those arms that an open question needs."""
        for level in list(self.arms):
            still = {
                name
                for each in findings
                if each.level == level and self.experiment.asks(each.contrast) and not settled(each)
                for name in (each.contrast.subject, each.contrast.baseline)
            }
            self.arms[level] = tuple(arm for arm in self.experiment.arms if arm.name in still)
            if not still:
                del self.arms[level]


class Runner:
    """One run over several experiments; what it has measured so far is in `run`."""

    def __init__(self, generator: GeneratorClient, run: results.Run, plan: Plan, console: Console) -> None:
        self.generator, self.run, self.plan, self.console = generator, run, plan, console
        self.random = random.Random(run.header.seed)
        # Rows that have been under load since they were started. A native stack has been started for this run.
        self.used = set() if run.header.door == "native" else set(run.header.abouts)
        self.spoken = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(20),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self.progress = Progress(*columns, console=console, transient=True)
        self.bar = self.progress.add_task("", note="")

    def all(self, experiments: Sequence[Experiment]) -> None:
        """The first look at every experiment; then the next at those that have open questions, while there is time."""
        deadline = time.monotonic() + self.plan.budget_s if self.plan.budget_s else math.inf
        courses = [Course(each, self.run.measured.setdefault(each.name, Measurements())) for each in experiments]
        total = sum(self.expected(each, self.plan.looks[0]) for each in courses)
        with self.progress:
            for until in self.plan.looks:
                for course in self.in_order(courses, until):
                    expected = self.expected(course, until)
                    if course.done and (not course.arms or time.monotonic() + expected > deadline):
                        continue
                    total += expected if course.done else 0
                    self.progress.update(self.bar, total=total)
                    self.say(f"{courses.index(course) + 1}/{len(courses)} {heading(course, until)}")
                    self.look(course, until)

    def in_order(self, courses: Sequence[Course], until: int) -> Sequence[Course]:
        """After the first look those without a verdict come first, then what is measured soonest."""
        if until == self.plan.looks[0]:
            return courses
        return sorted(courses, key=lambda each: (each.answered, self.expected(each, until)))

    def expected(self, course: Course, until: int) -> float:
        """How long the look after so many rounds will take, in s."""
        seconds = round_seconds(course.experiment, self.plan, course.arms)
        return (until - course.done) * seconds * course.slowness

    def look(self, course: Course, until: int) -> None:
        """Measures up to so many rounds, judges, and says what has come out."""
        planned, began = self.expected(course, until) / course.slowness, time.monotonic()
        self.rounds(course, range(course.done, until))
        course.done, course.slowness = until, (time.monotonic() - began) / planned
        judgement = judge(course.experiment, course.measured, self.run.header)
        for finding in judgement.findings:
            if finding.level in course.arms:
                contrast, what = finding.contrast, FIGURES[finding.contrast.figure].metric.what
                said = "; ".join(finding.reasons) or ratio(finding.comparison)
                where = f"{finding.level:>5} {contrast.subject} / {contrast.baseline}, {what}"
                self.say(f"     {where}: {said}: {outcome(finding)}")
        course.settle(judgement.findings)
        open_still = judgement.verdict in (Verdict.INCONCLUSIVE, Verdict.REFUSED)
        course.answered = course.experiment.must_be_refused or not open_still
        self.say(f"     {judgement.verdict}: {verdict_sentence(judgement)}")

    def rounds(self, course: Course, rounds: Sequence[int]) -> None:
        """Every round with new starts of its rows; where rows cannot be started from here, all rounds in one go."""
        orders = {
            level: dict(zip(rounds, self.orders(arms, len(rounds)), strict=True)) for level, arms in course.arms.items()
        }
        for together in [[number] for number in rounds] if self.run.header.restarts else [rounds]:
            self.start_anew([arm.row for arms in course.arms.values() for arm in arms])
            for level in course.arms:
                theirs = {number: orders[level][number] for number in together}
                if course.in_slices(level):
                    self.in_slices(course, level, theirs)
                else:
                    self.in_blocks(course, level, theirs)

    def start_anew(self, rows: Sequence[str]) -> None:
        """Those of these rows that have been under load, all at once."""
        stale = self.used.intersection(rows)
        if stale and self.generator.door.restart:
            self.progress.update(self.bar, description=f"starting {how_many(len(stale), 'row')} anew")
            self.generator.door.restart(sorted(stale))
        self.used.update(rows)
        self.progress.advance(self.bar, self.plan.restart_s(set(rows)))

    def in_slices(self, course: Course, level: str, orders: Mapping[int, Sequence[Arm]]) -> None:
        """Rounds, by their numbers, in which the arms take turns, slice by slice.

        They connect in the order of the first: a process is another one for those who come to it first.
        """
        arms = next(iter(orders.values()))
        loads = [course.experiment.load_of(level, arm) for arm in arms]
        blocks = [self.block(load, arm, purpose_of(course, level, arm)) for load, arm in zip(loads, arms, strict=True)]
        self.note(course, level)
        with self.generator.taking_turns(blocks) as interleaving:
            for number in orders:
                for result in interleaving.round(number, self.orders(range(len(arms)), interleaving.count)):
                    course.measured.add(result)
                self.note(course, level)
                self.progress.advance(self.bar, sum(block_seconds(load, self.plan.scale) for load in loads))

    def in_blocks(self, course: Course, level: str, orders: Mapping[int, Sequence[Arm]]) -> None:
        """Rounds, by their numbers, in which each arm is measured in one block."""
        for number, arms in orders.items():
            for arm in arms:
                load = course.experiment.load_of(level, arm)
                self.note(course, level, arm)
                purpose = replace(purpose_of(course, level, arm), round=number)
                for result in self.turn(load, arm, purpose, course.rates):
                    course.measured.add(result)
                self.progress.advance(self.bar, block_seconds(load, self.plan.scale))

    def orders(self, arms: Sequence[T], rounds: int) -> list[list[T]]:
        """Random orders for an even number of rounds, in which each arm is as often before another as after it."""
        forward = [self.random.sample(arms, len(arms)) for _ in range(rounds // 2)]
        both = [*forward, *(order[::-1] for order in forward)]
        return self.random.sample(both, len(both))

    def turn(self, load: Load, arm: Arm, purpose: Purpose, rates: dict[tuple[str, str], float]) -> RoundResult:
        """One block; of a search its steps. A search begins near where the arm's last one ended."""
        if not load.limit_p99_ms:
            return [self.generator.run(self.block(load, arm, purpose))]
        mine = purpose.level, purpose.arm
        step = SearchStep(load.limit_p99_ms, NEXT_STEP if mine in rates else FIRST_STEP, load.most_rate)
        purpose = replace(purpose, search=step)
        first = first_rate(rates.get(mine, load.rate), step, self.random.random())
        search, steps = begin_search(first, step), []
        while not search.done:
            result = self.generator.run(self.block(load.but({"rate": search.rate}), arm, purpose))
            search.judge(keeps(result), behind(result))
            steps.append(result)
        if search.best and not search.behind:  # where the generator ended it, it says nothing of the row
            rates[mine] = search.best
        return steps

    def block(self, load: Load, arm: Arm, purpose: Purpose) -> Block:
        return Block(
            row=arm.row,
            scenario=load.scenario,
            users=load.users,
            seconds=counted(load, self.plan.scale),
            options=dict(load.options),
            rate=load.rate,
            probe_rate=load.probe_rate,
            warm_up=load.warm_up,
            purpose=purpose,
        )

    def note(self, course: Course, level: str, arm: Arm | None = None) -> None:
        """Shows what runs, and the ratio and its interval as they form."""
        experiment = course.experiment
        where = f" {how_varied(experiment, [level])}" if level else ""
        now = arm.name if arm else f"{len(course.arms[level])} arms in turn"
        forming = ratio_so_far(experiment, level, course.measured)
        self.progress.update(self.bar, description=f"{experiment.name}{where}: {now}", note=forming)
        if not self.console.is_terminal and time.monotonic() - self.spoken > 10:
            self.say(f"     {where} {forming}")

    def say(self, text: str) -> None:
        self.spoken = time.monotonic()
        self.console.print(text)


def purpose_of(course: Course, level: str, arm: Arm) -> Purpose:
    return Purpose(course.experiment.name, level, arm.name)


def heading(course: Course, until: int) -> str:
    experiment = course.experiment
    if not course.done:
        return f"{experiment.name}: {experiment.claim}"
    return f"{experiment.name}, rounds {course.done + 1} to {until}: {how_many(len(course.arms), 'level')} open"


def settled(finding: Finding) -> bool:
    """Whether more pairs would not help: it is decided, or refused for a fault that does not go by."""
    if finding.reasons:
        return any(checked.reasons and not checked.by_noise for checked in finding.checked)
    return finding.outcome != Outcome.INCONCLUSIVE


def possible(experiments: Sequence[Experiment], door: doors.Door, console: Console) -> list[Experiment]:
    """Those that the generator at this door has everything for; of the others a line says what is missing.

    LabError where none is left.
    """
    saturating = [each for each in experiments if each.load.scenario == SATURATED]
    if not saturating:
        return list(experiments)
    with GeneratorClient(door, keep=lambda result: None) as generator:
        lacks = generator.ask("lacks")
    if not lacks:
        return list(experiments)
    left = [each for each in experiments if each not in saturating]
    said = "; ".join(f"{each.name} is not measured: {lacks}" for each in saturating)
    if not left:
        raise LabError(said)
    console.print(f"[yellow]{said}")
    return left


def ratio_so_far(experiment: Experiment, level: str, measured: Measurements) -> str:
    """The first contrast, for people to watch. It is not judged: that is for the planned looks."""
    contrast = experiment.contrasts[0]
    figure = FIGURES[contrast.figure]
    subject, baseline = measured.paired(contrast, level)
    try:
        ratios = log_ratios([figure.of(each) for each in subject], [figure.of(each) for each in baseline])
    except ValueError:
        return ""
    if not ratios:
        return ""
    said = f"{contrast.subject} / {contrast.baseline} so far × {times(math.exp(fmean(ratios)))}"
    if len(ratios) > 2:
        ((low, high),) = intervals(ratios, 0.95)
        said += f" ({times(math.exp(low))}–{times(math.exp(high))})"
    return said


def run(
    experiments: Sequence[Experiment], where: str, quick: bool, budget_s: float | None, name: str, console: Console
) -> tuple[results.Run, bool]:
    """The run, and whether Ctrl-C ended it early; what was measured by then is kept.

    LabError where it cannot be done.
    """
    if quick:
        experiments = [experiment.in_short() for experiment in experiments]
    plan = make_plan(experiments, quick, budget_s, CHECKED_S if where == "compose" else 0)
    rows = list(dict.fromkeys(row for experiment in experiments for row in experiment.rows))
    expected = sum(estimate(experiment, plan) for experiment in experiments)
    what = f"{how_many(len(experiments), 'experiment')} on {how_many(len(rows), 'row')}"
    console.print(f"{what}: {minutes(expected)}" + upper(plan, expected))
    with console.status("looking for the rows") as status, doors.enter(where, rows, status.update) as door:
        experiments = possible(experiments, door, console)
        status.update("asking the rows what they are")
        header = environment.header(
            door,
            rows,
            looks=plan.looks,
            seed=random.randrange(2**32),
            scale=plan.scale,
            quick=quick,
            experiments={each.name: Part(**each.part()) for each in experiments},
        )
        status.stop()
        made = results.Run(results.new_folder(name), header, {each.name: each for each in experiments})
        environ = made.folder / "environment.json"  # for people: raw.jsonl has it, too
        with writing(environ):
            environ.write_text(json.dumps(asdict(header), indent=2))
        with (
            RawFile(made.folder / "raw.jsonl", header) as raw,
            GeneratorClient(door, raw.add) as generator,
        ):
            try:
                Runner(generator, made, plan, console).all(experiments)
                early = False
            except KeyboardInterrupt:
                early = True
        status.update("finishing")  # the door says what it has to stop, if anything
        status.start()
    return made, early
