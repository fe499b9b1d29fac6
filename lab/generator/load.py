"""The load on one row: users of one kind, who ask while it is their turn. Part of the generator's own process."""

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from locust import FastHttpUser, HttpUser, User, task
from locust.env import Environment

from lab.generator.window import Window
from loadtest import targets, users

DRAIN_S = 60  # requests in flight when a slice or block ends may take so long before they are cut off
MOMENT_S = 0.05  # of the warm-up, at least: where answers take longer, so does a moment
WARM_UP_S = 10  # at most


class OnFirstRow(User):
    """What Locust itself offers, without the suite's checks."""

    abstract = True
    client: Any

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options
        self.host = targets.url(environment.parsed_options.rows[0], environment.parsed_options.path)
        super().__init__(environment)

    @task
    def get(self) -> None:
        self.client.get("/json")


class Bare(OnFirstRow, FastHttpUser):
    """The yardstick for the suite's own users (make bench-generator)."""


class Slow(OnFirstRow, HttpUser):
    """Locust's default user, a quarter as fast: a run with it measures Locust."""


OWN: dict[str, type[User]] = {"Bare": Bare, "Slow": Slow}


class RunningLoad:
    """Users of one kind on one row. They ask while it is their turn; what they see goes to `window`."""

    def __init__(self, scenario: str, options: argparse.Namespace, count: int) -> None:
        self.window = Window()
        self.in_flight: dict[Any, float] = {}  # when the request of each greenlet began
        self.failed: set[Any] = set()  # greenlets whose task has reported a failure
        self.well: set[User] = set()  # whose last task went well
        self.busy = 0  # users within a task: one may make several requests
        self.answered, self.answered_s = 0, 0.0
        self.their_turn = Event()
        kind = users.SCENARIOS.get(scenario) or OWN[scenario]
        self.members: list[User] = []
        members = self.members

        class Observed(kind):  # type: ignore[misc,valid-type]  # chosen as it runs
            def __init__(self, environment: Environment) -> None:
                super().__init__(environment)
                members.append(self)

        Observed.tasks = [self.watch(run) for run in kind.tasks]  # type: ignore[arg-type]  # functions, here
        environment = Environment(user_classes=[Observed], parsed_options=options, stop_timeout=DRAIN_S)
        environment.events.request.add_listener(self.seen)
        self.runner = environment.create_local_runner()
        self.count = count

    def watch(self, run: Callable[[Any], None]) -> Callable[[Any], None]:
        """A task that waits for its turn and notes when it begins; in open loop, when it should have begun."""

        def watched(user: Any) -> None:
            self.their_turn.wait()
            mine = gevent.getcurrent()
            self.in_flight[mine] = getattr(user, "intended", 0) or time.perf_counter()
            self.failed.discard(mine)
            self.busy += 1
            try:
                run(user)
            finally:
                self.busy -= 1
                if entered := self.in_flight.pop(mine, None):  # the task has not said that its request ended
                    self.window.unreported(entered, time.perf_counter())
            if mine in self.failed:
                self.well.discard(user)
            else:
                self.well.add(user)

        return watched

    def seen(self, request_type: str, response_time: float, exception: Exception | None, **_: Any) -> None:
        """Locust's request event; one task may report several requests."""
        now, seconds = time.perf_counter(), response_time / 1000
        self.answered += 1
        self.answered_s += seconds
        entered = self.in_flight.pop(gevent.getcurrent(), now)
        if exception is not None:
            self.failed.add(gevent.getcurrent())
        self.window.add(request_type, now - seconds, now, exception, entered)

    def start(self) -> None:
        self.their_turn.set()
        self.runner.start(self.count, spawn_rate=self.count)

    def warm_up(self) -> None:
        """Waits until every user has had two answers on average, and two moments in a row brought as many."""
        began, counts = time.perf_counter(), [self.answered]
        while time.perf_counter() - began < WARM_UP_S:
            gevent.sleep(MOMENT_S)
            counts.append(self.answered)
            if len(counts) > 2 and counts[-1] - counts[0] >= 2 * self.count:
                last, before = counts[-1] - counts[-2], counts[-2] - counts[-3]
                if abs(last - before) <= max(0.1 * last, 2 * math.sqrt(last), self.count):
                    break

    def settle(self, seconds: float) -> None:
        """Waits so long at most: when every user holds a WebSocket, nothing more will open."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0 and self.held() < self.count:
            gevent.sleep(min(max(MOMENT_S, seconds / 40), left))  # seldom: to look at thousands takes a while

    def drain(self) -> None:
        """Stops the users, and waits until every request that has started has its answer."""
        self.their_turn.clear()
        latest = time.perf_counter() + DRAIN_S
        while self.busy and time.perf_counter() < latest:
            gevent.sleep(0.0005)
        for entered in self.in_flight.values():
            self.window.unreported(entered)
        self.in_flight.clear()

    def quit(self) -> None:
        """Call after drain(): the remaining users are idle, and Locust would wait for them."""
        self.runner.environment.stop_timeout = 0
        self.runner.quit()

    def least(self) -> str:
        """The path of the least that these users ask for."""
        return str(getattr(self.members[0], "least", lambda: "/health")()) if self.members else "/health"

    def held(self) -> int:
        """Open WebSockets that work: one that was opened and never answered is none."""
        return sum(getattr(member, "ws", None) is not None and member in self.well for member in self.members)
