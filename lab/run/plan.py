"""How long a run takes: how many looks, how long every block, and what fits into a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq

from lab import LabError
from lab.experiments import Experiment, Load
from lab.judge.statistics import LOOKS, MIN_PAIRS

QUICK = 0.3  # of a block's usual seconds
SHORTEST, LONGEST = 0.3, 3.0  # what --budget may make of them
OVERHEAD_S = 0.9  # of a block: warm-up, draining, reading the meters
PROBE_S = 1.5  # of a block with a neighbour: it starts anew, and drains what waits behind streams and WebSockets
SLICED, SLICED_S = 1.4, 0.15  # of a round in slices: their margins and drains, and its share of the warm-up
SEARCH_STEPS = 4


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
    """How long an arm's part of a round takes, with all that goes with it, in s."""
    if load.takes_turns:
        return counted(load, scale) * SLICED + SLICED_S
    one = counted(load, scale) + (load.warm_up or 0) + OVERHEAD_S + (PROBE_S if load.probe_rate else 0)
    return one * SEARCH_STEPS if load.limit_p99_ms else one


def minutes(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} minutes"


def upper(plan: Plan, expected: float) -> str:
    """What comes on top where questions stay open."""
    if plan.looks == 1 or plan.budget_s:
        return ""
    return f", and up to {minutes(expected * LOOKS[-1] / LOOKS[0]).removeprefix('about ')} where questions stay open"
