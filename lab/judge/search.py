"""The search for the highest rate that keeps a limit: what its steps, which are results, say of it."""

import math
from collections.abc import Sequence

from lab.generator.record import Result, RoundResult, SearchStep
from lab.judge.statistics import percentile
from loadtest.bisection import Bisection
from loadtest.limits import LATE_LIMIT

# Half the practical margin, or rows that differ by the margin would end at the same rate.
PRECISION, PATIENCE = 0.06, 5
# From the rate that the load names, and near where the last search ended: there one step is as fine as the search has
# to be.
FIRST_STEP, NEXT_STEP = 1.5, 1 + PRECISION
ERRORS_ALLOWED = 0.001  # of the requests of a step


def begin_search(rate: float, step: SearchStep) -> Bisection:
    """A search that asks for `rate` requests per second first."""
    return Bisection(rate, PRECISION, step.step, step.most_rate, PATIENCE)


def first_rate(last: float, step: SearchStep, share: float) -> float:
    """Where a search begins: by `share` of a step below the rate at which the arm's last one ended.

    A share drawn anew in every round makes the rates that are tried differ from round to round. So what the steps are
    too coarse to show averages out, and the interval covers it. Where all that may be asked for was kept, ask again.
    """
    return last if last >= step.most_rate else last / step.step**share


def keeps(result: Result) -> bool:
    """Whether this step kept its limit: p99 within it, nearly no errors, on its own schedule."""
    load, search = result.load, result.block.purpose.search
    if not search or not load.started or behind(result):
        return False
    return load.failures <= ERRORS_ALLOWED * load.started and percentile(load.histogram, 0.99) <= search.limit_p99_ms


def behind(result: Result) -> bool:
    """Whether the generator did not keep its own schedule."""
    return result.schedule.late > LATE_LIMIT * result.schedule.started


def search(steps: RoundResult) -> Bisection:
    """How far a search has come with these steps. ValueError where they are none of a search."""
    first = steps[0].block
    if not first.purpose.search:
        raise ValueError(f"the block on {first.row} is no step of a search")
    so_far = begin_search(first.rate, first.purpose.search)
    for step in steps:
        so_far.judge(keeps(step), behind(step))
    return so_far


def is_search(result: Result) -> bool:
    return result.block.purpose.search is not None


def complete(of_round: RoundResult) -> bool:
    """Whether nothing is missing: a search may have been cut off, or the file between two splits."""
    return search(of_round).done if is_search(of_round[0]) else len(of_round) == of_round[0].block.splits


def at_least(rounds: Sequence[RoundResult]) -> bool:
    """Whether a search kept the most that may be asked for: the row may have far more than was found."""
    found = [search(each) for each in rounds if is_search(each[0])]
    return any(each.best >= each.most for each in found)


def capacity(of_round: RoundResult) -> float:
    """Requests per second: midway (as a ratio) between the highest rate that was kept and the lowest that was not.

    The highest itself where no higher was asked for; nan where none was kept.
    """
    found = search(of_round)
    if not found.best:
        return math.nan
    return found.best if math.isinf(found.broken) else math.sqrt(found.best * found.broken)
