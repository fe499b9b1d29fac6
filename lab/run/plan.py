"""How long a run takes: how many looks, how long every block, and what fits into a budget."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.optimize import brentq

from lab import LabError
from lab.experiments import Arm, Experiment, Load
from lab.judge.statistics import LOOKS, QUICK_LOOKS

QUICK = 0.3  # of a block's usual seconds
SHORTEST, LONGEST = 0.3, 3.0  # what --budget may make of them
# The looks that a budget may plan: two leave each more of the level than four; else one.
BUDGETED = (LOOKS[:2], QUICK_LOOKS)
FIRST_SHARE = 0.7  # of a budget: the first looks; the rest is for questions that stay open
OVERHEAD_S = 0.9  # of a block: warm-up, draining, reading the meters
PROBE_S = 1.5  # of a block with a neighbour: it starts anew, and drains what waits behind streams and WebSockets
SLICED, SLICED_S = 1.4, 0.25  # of a round in slices: their margins and drains, and its warm-up
START_S = 0.3  # of each row that is started anew
CHECKED_S = 3.0  # more of a round in Compose, which waits for the check of each start: a row's start_interval
SEARCH_STEPS = 6  # seen: 5.8 on average
ALL_HOLD = 0.45  # of the warm-up of idle WebSockets, which ends when every client holds its own: seen
ROUNDING_S = 1e-6  # what sums of floats may miss a budget by


@dataclass(frozen=True)
class Plan:
    """How long to measure. `scale` is that of every block's seconds, `budget_s` that of the whole run."""

    looks: tuple[int, ...]  # rounds at each
    scale: float
    budget_s: float | None
    starts_s: float = 0  # what a door adds to each round's starts

    def restart_s(self, rows: Collection[str]) -> float:
        """How long it takes to start these rows anew."""
        return self.starts_s + START_S * len(rows)


def make_plan(experiments: Sequence[Experiment], quick: bool, budget_s: float | None, starts_s: float = 0) -> Plan:
    """LabError where the budget is too small for even the shortest blocks."""
    if budget_s is None:
        return Plan(QUICK_LOOKS if quick else LOOKS, QUICK if quick else 1.0, None, starts_s)
    for looks in (QUICK_LOOKS,) if quick else BUDGETED:
        shortest = Plan(looks, SHORTEST, budget_s, starts_s)
        least = sum(estimate(each, shortest) for each in experiments)
        first_s = budget_s * (FIRST_SHARE if len(looks) > 1 else 1)
        if least <= first_s + ROUNDING_S:
            return replace(shortest, scale=fitting_scale(experiments, shortest, first_s))
    hint = "name fewer experiments" + ("" if quick else ", or add --quick")
    raise LabError(f"that takes {least / 60:.1f} minutes at least: {hint}, or raise --budget")


def fitting_scale(experiments: Sequence[Experiment], plan: Plan, first_s: float) -> float:
    """The scale at which the first looks take so long, within bounds."""

    def over(scale: float) -> float:
        return sum(estimate(each, replace(plan, scale=scale)) for each in experiments) - first_s

    if over(SHORTEST) > -ROUNDING_S:
        return SHORTEST
    return LONGEST if over(LONGEST) < 0 else float(brentq(over, SHORTEST, LONGEST))


def estimate(experiment: Experiment, plan: Plan) -> float:
    """Seconds until the first look."""
    return plan.looks[0] * round_seconds(experiment, plan, dict.fromkeys(experiment.levels, experiment.arms))


def round_seconds(experiment: Experiment, plan: Plan, arms: Mapping[str, Sequence[Arm]]) -> float:
    """How long a round of these arms takes, by level, with the starts of their rows, in s."""
    rows = {arm.row for those in arms.values() for arm in those}
    loads = [experiment.load_of(level, arm) for level, those in arms.items() for arm in those]
    return plan.restart_s(rows) + sum(block_seconds(load, plan.scale) for load in loads)


def counted(load: Load, scale: float) -> float:
    """How long a block counts, in s."""
    return max(load.seconds * scale, load.least_s)


def block_seconds(load: Load, scale: float) -> float:
    """How long an arm's part of a round takes, with all that goes with it, in s."""
    if load.takes_turns:
        return counted(load, scale) * SLICED + SLICED_S
    warm_up = (load.warm_up or 0) * (ALL_HOLD if load.scenario == "WebSocketIdle" else 1)
    one = counted(load, scale) + warm_up + OVERHEAD_S + (PROBE_S if load.probe_rate else 0)
    return one * SEARCH_STEPS if load.limit_p99_ms else one


def minutes(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} minutes"


def upper(plan: Plan, expected: float) -> str:
    """What comes on top where questions stay open."""
    if len(plan.looks) == 1:
        return ""
    most = plan.budget_s or expected * plan.looks[-1] / plan.looks[0]
    return f", and up to {minutes(most).removeprefix('about ')} where questions stay open"
