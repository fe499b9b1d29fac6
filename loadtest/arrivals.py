"""Open loop: requests start on a schedule, whatever the server does, and latency counts from the intended start.

A closed-loop user waits for its answer before it asks again, so a server that stalls is asked less, and its
stall shows up in a handful of slow requests: coordinated omission (Gil Tene, "How NOT to Measure Latency").
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import AsyncResult

KINDS = {
    "closed": "each user asks again as soon as it has its answer",
    "constant": "requests start at equal distances, {rate} per second and row",
    "poisson": "requests start at random, {rate} per second and row on average, as independent clients do",
}
# The event loop's timer has a grain of a millisecond. A start that late is the generator's own, not the
# server's: it is not counted into the latency. Anything later is.
GRAIN_S = 0.002
LATE_S = 0.005  # a start later than this is reported: the generator did not keep its schedule


@dataclass
class Kept:
    """How well a schedule was kept since the test began."""

    started: int = 0
    late: int = 0
    worst_ms: float = 0
    queued: int = 0  # starts that found no user free, and so wait for one


class Schedule:
    """The starts of one row in this process. Users take them from `next`; `rate` may change as it goes."""

    def __init__(self, kind: str) -> None:
        self.gap: Callable[[float], float] = random.expovariate if kind == "poisson" else lambda rate: 1 / rate
        self.rate = 0.0
        self.kept = Kept()
        self.starts: deque[float] = deque()  # that no user has taken yet
        self.free: list[AsyncResult[float]] = []  # users that wait for a start
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        self._greenlet.kill()

    def next(self) -> float:
        """Waits for a start of this user's own; when it was to be (time.perf_counter)."""
        if self.starts:
            return self.starts.popleft()
        turn: AsyncResult[float] = AsyncResult()
        self.free.append(turn)
        try:
            return turn.get() or 0.0
        finally:
            if turn in self.free:  # the user was stopped while it waited
                self.free.remove(turn)

    def forget(self) -> None:
        """Drops the starts that no user has taken yet."""
        self.starts.clear()

    def _run(self) -> None:
        due = time.perf_counter()
        while True:
            if self.rate <= 0:
                gevent.sleep(0.05)
                due = time.perf_counter()
                continue
            now = time.perf_counter()
            if due > now:
                gevent.sleep(min(due - now, 0.1))  # wakes now and then: the rate may have changed
                continue
            self._release(due, now)
            due += self.gap(self.rate)
            if self.kept.started % 64 == 0:
                gevent.sleep(0)  # far behind there is no pause: others must run, too

    def _release(self, due: float, now: float) -> None:
        lag = now - due
        self.kept.started += 1
        self.kept.worst_ms = max(self.kept.worst_ms, lag * 1000)
        self.kept.late += lag > LATE_S
        start = now if lag < GRAIN_S else due
        if self.free:
            self.free.pop().set(start)  # the user that asked last: its connection is warm
        else:
            self.kept.queued += 1
            self.starts.append(start)


class Arrivals:
    """The schedules of this process, one per row; the master says at which rate each runs."""

    def __init__(self) -> None:
        self.schedules: dict[str, Schedule] = {}
        self.rates: dict[str, float] = {}

    def begin(self, kind: str, rows: list[str]) -> None:
        self.end()
        if kind != "closed":
            self.schedules = {row: Schedule(kind) for row in rows}
            self.set_rates(self.rates)

    def end(self) -> None:
        for schedule in self.schedules.values():
            schedule.stop()
        self.schedules = {}

    def set_rates(self, rates: dict[str, float]) -> None:
        """Requests per second of each row in this process, for the test that runs or is about to begin."""
        self.rates = rates
        for row, schedule in self.schedules.items():
            schedule.rate = rates.get(row, 0)
            if not schedule.rate:
                schedule.forget()

    def report(self) -> dict[str, dict[str, Any]]:
        return {row: vars(schedule.kept) for row, schedule in self.schedules.items()}


arrivals = Arrivals()
