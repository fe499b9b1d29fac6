"""How the load changes over a test, as data; and the search for the highest rate that keeps a limit.

A share is one of --users in closed loop, of --rate in open loop.
"""

from dataclasses import dataclass
from typing import Any

from locust import LoadTestShape

from loadtest.bisection import Bisection
from loadtest.figures import Sampler
from loadtest.limits import LATE_LIMIT


@dataclass(frozen=True)
class Stage:
    """A straight line from one share of the load to another."""

    seconds: float
    begin: float
    end: float


def hold(seconds: float, share: float) -> Stage:
    return Stage(seconds, share, share)


SHAPES = {
    "steps": (hold(10, 0.25), hold(10, 0.5), hold(10, 0.75), hold(10, 1)),
    "ramp": (Stage(60, 0.02, 1),),
    "spike": (hold(10, 0.2), hold(5, 1), hold(15, 0.2)),
    "soak": (hold(1800, 1),),
}
HELP = {
    "steady": "the whole load for {run_time}",
    "steps": "a quarter, a half, three quarters, all of it, 10 s each",
    "ramp": "from next to nothing to all of it in a minute: where is the knee?",
    "spike": "a fifth for 10 s, all of it for 5 s, a fifth for 15 s",
    "soak": "all of it for half an hour: does anything grow?",
    "search": "row after row, the highest rate that keeps {limit_p99_ms} and {limit_errors} (needs open loop)",
}


def share_at(stages: tuple[Stage, ...], seconds: float) -> float | None:
    """The share at this time of the test; None after its end."""
    for stage in stages:
        if seconds < stage.seconds:
            return stage.begin + (stage.end - stage.begin) * seconds / stage.seconds
        seconds -= stage.seconds
    return None


class Shape(LoadTestShape):
    """What Locust asks once a second: how many users now? In open loop users stay and `rates` changes."""

    abstract = True
    use_common_options = True  # of --users: the form keeps that field

    def __init__(self, options: Any) -> None:
        super().__init__()
        self.options = options  # read at every tick: the web UI fills in the form after this
        self.rates: dict[str, float] = {}

    @property
    def users(self) -> int:
        return self.options.num_users or 1


class Stages(Shape):
    def tick(self) -> tuple[int, float] | None:
        share = share_at(SHAPES[self.options.shape], self.get_run_time())
        if share is None:
            return None
        if self.options.arrivals != "closed":
            self.rates = dict.fromkeys(self.options.rows, self.options.rate * share)
            return self.users, self.users
        users = max(1, round(self.users * share))
        return users, users


SETTLE_S, HOLD_S, PAUSE_S = 2, 5, 2


class Search(Shape):
    """One row after the other; each level settles, holds and is judged, then the row gets a pause."""

    def __init__(self, options: Any, sampler: Sampler) -> None:
        super().__init__(options)
        self.sampler = sampler
        self.left: list[str] | None = None  # rows still to be searched
        self.found: dict[str, Bisection] = {}
        self.phase_ends = 0.0
        self.phase = "pause"
        self.held = (0, 0)  # starts, and late ones, when the hold began

    def tick(self) -> tuple[int, float] | None:
        now = self.get_run_time()
        if self.left is None:
            self.left = list(self.options.rows)
        if now >= self.phase_ends:
            self._next_phase(now)
        if not self.left:
            return None
        return self.users, self.users

    def _next_phase(self, now: float) -> None:
        assert self.left
        row = self.left[0]
        search = self.found.setdefault(row, Bisection(self.options.rate))
        if self.phase == "hold":
            started, late = (now - then for now, then in zip(self.sampler.starts(), self.held, strict=True))
            search.judge(self.sampler.kept_limit(row, HOLD_S), behind=late > started * LATE_LIMIT)
            self.phase, length = "pause", PAUSE_S
            if search.done:
                self.left.pop(0)
        elif self.phase == "pause":
            self.phase, length = "settle", SETTLE_S
        else:
            self.phase, length = "hold", HOLD_S
            self.held = self.sampler.starts()
        self.rates = dict.fromkeys(self.options.rows, 0.0)
        if self.phase != "pause":
            self.rates[row] = search.rate
        self.phase_ends = now + length


def make(options: Any, sampler: Sampler) -> Shape | None:
    """The shape that --shape names; None for steady load."""
    if options.shape == "steady":
        return None
    return Search(options, sampler) if options.shape == "search" else Stages(options)
