"""Runs experiments: arms take turns in balanced random order, until the question is answered or the plan ends."""

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lab.experiments import Arm, Experiment, Load
from lab.experiments.outcomes import Outcome
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, Part, Purpose, RawFile, RoundResult, SearchStep, writing
from lab.judge.figures import FIGURES
from lab.judge.judge import Finding, Measurements, compare_arms, judge
from lab.judge.search import FIRST_STEP, NEXT_STEP, begin_search, behind, first_rate, keeps
from lab.judge.statistics import LOOKS, intervals, log_ratios
from lab.judge.words import how_many, how_varied, outcome, ratio, times, verdict_sentence
from lab.run import environment, results
from lab.run.plan import Plan, block_seconds, counted, estimate, make_plan, minutes, upper
from lab.stack import doors

T = TypeVar("T")


class Runner:
    """One run over several experiments; what it has measured so far is in `run`."""

    def __init__(self, generator: GeneratorClient, run: results.Run, plan: Plan, console: Console) -> None:
        self.generator, self.run, self.plan, self.console = generator, run, plan, console
        self.random = random.Random(run.header.seed)
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
        deadline = time.monotonic() + self.plan.budget_s if self.plan.budget_s else None
        seconds = {each.name: estimate(each, self.plan.scale) for each in experiments}
        total = sum(seconds.values())
        with self.progress:
            self.progress.update(self.bar, total=total)
            for number, experiment in enumerate(experiments, 1):
                left = sum(seconds[each.name] for each in experiments[number:])
                self.one(experiment, f"{number}/{len(experiments)}", deadline - left if deadline else None)
                self.progress.update(self.bar, completed=total - left)

    def one(self, experiment: Experiment, number: str, deadline: float | None) -> None:
        measured = self.run.measured.setdefault(experiment.name, Measurements())
        self.say(f"{number} {experiment.name}: {experiment.claim}")
        levels = list(experiment.levels)
        for place, level in enumerate(levels):
            left = estimate(experiment, self.plan.scale, levels[place + 1 :])
            self.level(experiment, level, measured, deadline - left if deadline else None)
        judgement = judge(experiment, measured, self.run.header)
        self.say(f"     {judgement.verdict}: {verdict_sentence(judgement)}")

    def level(self, experiment: Experiment, level: str, measured: Measurements, deadline: float | None) -> None:
        """Looks as planned, and goes on while a question is open and there is time."""
        rates: dict[str, float] = {}  # where each arm's last search ended
        findings: list[Finding] = []
        for look in range(self.plan.looks):
            began = time.monotonic()
            done = LOOKS[look - 1] if look else 0
            rounds = range(done, LOOKS[look])
            if all(experiment.load_of(level, arm).takes_turns for arm in experiment.arms):
                self.in_slices(experiment, level, measured, rounds)
            else:
                self.in_blocks(experiment, level, measured, rounds, rates)
            findings = [
                compare_arms(experiment, contrast, level, measured, self.run.header)
                for contrast in experiment.contrasts
            ]
            took = time.monotonic() - began
            if look + 1 == self.plan.looks or all(map(settled, findings)):
                break
            next_s = took / (LOOKS[look] - done) * (LOOKS[look + 1] - LOOKS[look])
            if deadline and time.monotonic() + next_s > deadline:
                break
        for finding in findings:
            contrast, what = finding.contrast, FIGURES[finding.contrast.figure].metric.what
            said = "; ".join(finding.reasons) or ratio(finding.comparison)
            self.say(f"     {level:>5} {contrast.subject} / {contrast.baseline}, {what}: {said}: {outcome(finding)}")

    def in_slices(self, experiment: Experiment, level: str, measured: Measurements, rounds: Sequence[int]) -> None:
        """Rounds in which the arms take turns, slice by slice."""
        arms = experiment.arms
        loads = [experiment.load_of(level, arm) for arm in arms]
        blocks = [
            self.block(load, arm, purpose_of(experiment, level, arm)) for load, arm in zip(loads, arms, strict=True)
        ]
        self.note(experiment, level, measured)
        with self.generator.taking_turns(blocks) as interleaving:
            for number in rounds:
                for result in interleaving.round(number, self.orders(range(len(arms)), interleaving.count)):
                    measured.add(result)
                self.note(experiment, level, measured)
                self.progress.advance(self.bar, sum(block_seconds(load, self.plan.scale) for load in loads))

    def in_blocks(
        self,
        experiment: Experiment,
        level: str,
        measured: Measurements,
        rounds: Sequence[int],
        rates: dict[str, float],
    ) -> None:
        """Rounds in which each arm is measured in one block."""
        for number, arms in zip(rounds, self.orders(experiment.arms, len(rounds)), strict=True):
            for arm in arms:
                load = experiment.load_of(level, arm)
                self.note(experiment, level, measured, arm)
                purpose = replace(purpose_of(experiment, level, arm), round=number)
                for result in self.turn(load, arm, purpose, rates):
                    measured.add(result)
                self.progress.advance(self.bar, block_seconds(load, self.plan.scale))

    def orders(self, arms: Sequence[T], rounds: int) -> list[list[T]]:
        """Random orders for an even number of rounds, in which each arm is as often before another as after it."""
        forward = [self.random.sample(arms, len(arms)) for _ in range(rounds // 2)]
        both = [*forward, *(order[::-1] for order in forward)]
        return self.random.sample(both, len(both))

    def turn(self, load: Load, arm: Arm, purpose: Purpose, rates: dict[str, float]) -> RoundResult:
        """One block; of a search its steps. A search begins near where the arm's last one ended."""
        if not load.limit_p99_ms:
            return [self.generator.run(self.block(load, arm, purpose))]
        step = SearchStep(load.limit_p99_ms, NEXT_STEP if arm.name in rates else FIRST_STEP, load.most_rate)
        purpose = replace(purpose, search=step)
        first = first_rate(rates.get(arm.name, load.rate), step, self.random.random())
        search, steps = begin_search(first, step), []
        while not search.done:
            result = self.generator.run(self.block(load.but({"rate": search.rate}), arm, purpose))
            search.judge(keeps(result), behind(result))
            steps.append(result)
        if search.best and not search.behind:  # where the generator ended it, it says nothing of the row
            rates[arm.name] = search.best
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

    def note(self, experiment: Experiment, level: str, measured: Measurements, arm: Arm | None = None) -> None:
        """Shows what runs, and the ratio and its interval as they form."""
        where = f" {how_varied(experiment, [level])}" if level else ""
        now = arm.name if arm else f"{len(experiment.arms)} arms in turn"
        forming = ratio_so_far(experiment, level, measured)
        self.progress.update(self.bar, description=f"{experiment.name}{where}: {now}", note=forming)
        if not self.console.is_terminal and time.monotonic() - self.spoken > 10:
            self.say(f"     {where} {forming}")

    def say(self, text: str) -> None:
        self.spoken = time.monotonic()
        self.console.print(text)


def purpose_of(experiment: Experiment, level: str, arm: Arm) -> Purpose:
    return Purpose(experiment.name, level, arm.name)


def settled(finding: Finding) -> bool:
    """Whether more pairs would not help: it is decided, or refused for a fault that does not go by."""
    if finding.reasons:
        return any(checked.reasons and not checked.by_noise for checked in finding.checked)
    return finding.outcome != Outcome.INCONCLUSIVE


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
    plan = make_plan(experiments, quick, budget_s)
    rows = list(dict.fromkeys(row for experiment in experiments for row in experiment.rows))
    expected = sum(estimate(experiment, plan.scale) for experiment in experiments)
    what = f"{how_many(len(experiments), 'experiment')} on {how_many(len(rows), 'row')}"
    console.print(f"{what}: {minutes(expected)}" + upper(plan, expected))
    with console.status("looking for the rows") as status, doors.enter(where, rows, status.update) as door:
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
