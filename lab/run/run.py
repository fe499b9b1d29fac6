"""Runs experiments: arms take turns in balanced random order, until the question is answered or the plan ends."""

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from scipy.optimize import brentq

from lab import LabError
from lab.experiments import Arm, Experiment, Load
from lab.experiments.outcomes import Outcome
from lab.generator.client import Block, Generator
from lab.judge.evidence import FIGURES, Turn, begin_search, behind, keeps
from lab.judge.judge import Blocks, Setting, find, judge, paired
from lab.judge.statistics import LOOKS, MIN_PAIRS, intervals, log_ratios
from lab.judge.words import outcome, ratio, times, verdict_sentence
from lab.run import results
from lab.stack import doors

T = TypeVar("T")
QUICK = 0.3  # of a block's usual seconds
SHORTEST, LONGEST = 0.3, 3.0  # what --budget may make of them
OVERHEAD_S = 0.9  # of a block: warm-up, draining, reading the meters
PROBE_S = 1.5  # of a block with a neighbour: it starts anew, and drains what waits behind streams and WebSockets
SLICED, SLICED_S = 1.4, 0.15  # where a round is made of slices: their margins and drains; its share of the warm-up
SEARCH_STEPS = 4
NEXT_STEP = 1.25  # a search begins where the one before it ended, with smaller steps


@dataclass(frozen=True)
class Plan:
    """How long to measure. `scale` is that of every block's seconds, `budget_s` that of the whole run."""

    looks: int
    scale: float
    budget_s: float | None


def make_plan(experiments: Sequence[Experiment], quick: bool, budget_s: float | None) -> Plan:
    """LabError where the budget is too small for even the shortest blocks."""
    plan = Plan(1 if quick else len(LOOKS), QUICK if quick else 1.0, budget_s)
    if budget_s is None:
        return plan

    def over(scale: float) -> float:
        return sum(estimate(each, scale) for each in experiments) - budget_s

    if over(SHORTEST) > 0:
        least = (over(SHORTEST) + budget_s) / 60
        hint = "name fewer experiments" + ("" if quick else ", or add --quick")
        raise LabError(f"that takes {least:.1f} minutes at least: {hint}, or raise --budget")
    scale = LONGEST if over(LONGEST) < 0 else brentq(over, SHORTEST, LONGEST)
    return Plan(plan.looks, scale, budget_s)


def estimate(experiment: Experiment, scale: float, levels: Sequence[str] | None = None) -> float:
    """Seconds until the first look at these levels; at every level where none are named."""
    levels = list(experiment.levels) if levels is None else levels
    loads = [experiment.load_of(level, arm) for level in levels for arm in experiment.arms]
    return MIN_PAIRS * sum(block_seconds(load, scale) for load in loads)


def counted(load: Load, scale: float) -> float:
    """How long a block counts, in s."""
    return max(load.seconds * scale, load.least_s)


def block_seconds(load: Load, scale: float) -> float:
    if load.takes_turns:
        return counted(load, scale) * SLICED + SLICED_S
    one = counted(load, scale) + (load.warm_up or 0) + OVERHEAD_S + (PROBE_S if load.probe_rate else 0)
    return one * SEARCH_STEPS if load.limit_p99_ms else one


class Runner:
    """One run over several experiments; what it has measured so far is in `run`."""

    def __init__(self, generator: Generator, run: results.Run, plan: Plan, console: Console) -> None:
        self.generator, self.run, self.plan, self.console = generator, run, plan, console
        self.setting = Setting.of(run.header)
        self.random = random.Random(run.header["seed"])
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
        blocks = self.run.blocks.setdefault(experiment.name, Blocks([]))
        self.say(f"{number} {experiment.name}: {experiment.claim}")
        levels = list(experiment.levels)
        for place, level in enumerate(levels):
            left = estimate(experiment, self.plan.scale, levels[place + 1 :])
            self.level(experiment, level, blocks, deadline - left if deadline else None)
        judgement = judge(experiment, blocks, self.setting)
        self.say(f"     {judgement.verdict}: {verdict_sentence(judgement)}")

    def level(self, experiment: Experiment, level: str, blocks: Blocks, deadline: float | None) -> None:
        """Looks as planned, and goes on while a question is open and there is time."""
        rates: dict[str, float] = {}  # where each arm's search begins
        for look in range(self.plan.looks):
            began = time.monotonic()
            done = LOOKS[look - 1] if look else 0
            rounds = range(done, LOOKS[look])
            if all(experiment.load_of(level, arm).takes_turns for arm in experiment.arms):
                self.in_slices(experiment, level, blocks, rounds)
            else:
                self.in_blocks(experiment, level, blocks, rounds, rates)
            here = [find(experiment, contrast, level, blocks, self.setting) for contrast in experiment.contrasts]
            took = time.monotonic() - began
            if look + 1 == self.plan.looks or all(settled(finding.outcome) for finding in here):
                break
            next_s = took / (LOOKS[look] - done) * (LOOKS[look + 1] - LOOKS[look])
            if deadline and time.monotonic() + next_s > deadline:
                break
        for finding in here:
            contrast, what = finding.contrast, FIGURES[finding.contrast.figure].metric.what
            said = "; ".join(finding.reasons) or ratio(finding.comparison)
            self.say(f"     {level:>5} {contrast.subject} / {contrast.baseline}, {what}: {said}: {outcome(finding)}")

    def in_slices(self, experiment: Experiment, level: str, blocks: Blocks, rounds: Sequence[int]) -> None:
        """Rounds in which the arms take turns many times."""
        arms = experiment.arms
        loads = [experiment.load_of(level, arm) for arm in arms]
        told = [self.block(load, arm, about_of(experiment, level, arm)) for load, arm in zip(loads, arms, strict=True)]
        self.note(experiment, level, blocks)
        with self.generator.taking_turns(told) as turns:
            for number in rounds:
                for result in turns.round(number, self.orders(range(len(arms)), turns.count)):
                    blocks.add(result)
                self.note(experiment, level, blocks)
                self.progress.advance(self.bar, sum(block_seconds(load, self.plan.scale) for load in loads))

    def in_blocks(
        self, experiment: Experiment, level: str, blocks: Blocks, rounds: Sequence[int], rates: dict[str, float]
    ) -> None:
        """Rounds in which each arm has one turn."""
        for number, arms in zip(rounds, self.orders(experiment.arms, len(rounds)), strict=True):
            for arm in arms:
                load = experiment.load_of(level, arm)
                self.note(experiment, level, blocks, arm)
                for result in self.turn(load, arm, about_of(experiment, level, arm) | {"round": number}, rates):
                    blocks.add(result)
                self.progress.advance(self.bar, block_seconds(load, self.plan.scale))

    def orders(self, arms: Sequence[T], rounds: int) -> list[list[T]]:
        """Random orders for an even number of rounds, in which each arm is as often before another as behind it."""
        forward = [self.random.sample(arms, len(arms)) for _ in range(rounds // 2)]
        both = [*forward, *(order[::-1] for order in forward)]
        return self.random.sample(both, len(both))

    def turn(self, load: Load, arm: Arm, about: dict[str, Any], rates: dict[str, float]) -> Turn:
        """One block; of a search its steps. A search begins where the arm's last one ended."""
        if not load.limit_p99_ms:
            return [self.generator.run(self.block(load, arm, about))]
        step = NEXT_STEP if arm.name in rates else 2
        about = about | {"limit_p99_ms": load.limit_p99_ms, "step": step, "most_rate": load.most_rate}
        search, steps = begin_search(rates.get(arm.name, load.rate), step, load.most_rate), []
        while not search.done:
            result = self.generator.run(self.block(load.but({"rate": search.rate}), arm, about))
            search.judge(keeps(result), behind(result))
            steps.append(result)
        rates[arm.name] = search.best or load.rate
        return steps

    def block(self, load: Load, arm: Arm, about: dict[str, Any]) -> Block:
        return Block(
            row=arm.row,
            scenario=load.scenario,
            users=load.users,
            seconds=counted(load, self.plan.scale),
            options=dict(load.options),
            rate=load.rate,
            probe_rate=load.probe_rate,
            warm_up=load.warm_up,
            about=about,
        )

    def note(self, experiment: Experiment, level: str, blocks: Blocks, arm: Arm | None = None) -> None:
        """What runs, and the ratio and its interval as they form."""
        where = f" {level} {experiment.vary}" if level else ""
        now = arm.name if arm else f"{len(experiment.arms)} arms in turn"
        self.progress.update(
            self.bar, description=f"{experiment.name}{where}: {now}", note=forming(experiment, level, blocks)
        )
        if not self.console.is_terminal and time.monotonic() - self.spoken > 10:
            self.say(f"     {where} {forming(experiment, level, blocks)}")

    def say(self, text: str) -> None:
        self.spoken = time.monotonic()
        self.console.print(text)


def about_of(experiment: Experiment, level: str, arm: Arm) -> dict[str, Any]:
    """What a block is for."""
    return {"experiment": experiment.name, "level": level, "arm": arm.name}


def settled(outcome: Outcome | None) -> bool:
    """Whether more pairs would not help: it is decided, or refused."""
    return outcome != Outcome.INCONCLUSIVE


def forming(experiment: Experiment, level: str, blocks: Blocks) -> str:
    """The first contrast so far. It is shown, not judged: that is for the planned looks."""
    contrast = experiment.contrasts[0]
    figure = FIGURES[contrast.figure]
    try:
        ratios = log_ratios(*(list(map(figure.of, turns)) for turns in paired(contrast, level, blocks)))
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
    numbers = f"{count(len(experiments), 'experiment')} on {count(len(rows), 'row')}"
    console.print(f"{numbers}: {minutes(expected)}" + upper(plan, expected))
    with console.status("looking for the rows") as status, doors.enter(where, rows, status.update) as door:
        status.update("asking the rows what they are")
        facts = {"looks": plan.looks, "quick": quick, "scale": plan.scale, "seed": random.randrange(2**32)}
        header = results.header(door, rows, facts | {"experiments": {each.name: each.part() for each in experiments}})
        status.stop()
        found = results.Run(results.new_folder(name), header, {each.name: each for each in experiments})
        # For people: raw.jsonl has it, too.
        (found.folder / "environment.json").write_text(json.dumps(header, indent=2))
        with Generator(door, found.folder / "raw.jsonl", header) as generator:
            try:
                Runner(generator, found, plan, console).all(experiments)
                early = False
            except KeyboardInterrupt:
                early = True
        status.update("finishing")  # the door says what it has to stop, if anything
        status.start()
    return found, early


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def minutes(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} minutes"


def upper(plan: Plan, expected: float) -> str:
    """What comes on top where questions stay open."""
    if plan.looks == 1 or plan.budget_s:
        return ""
    return f", and up to {minutes(expected * LOOKS[-1] / LOOKS[0]).removeprefix('about ')} where questions stay open"
