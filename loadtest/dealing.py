"""Who asks which row: users are dealt out so that every row has the same number, over all workers and at every moment.

Locust deals out user classes, so every row under load has a class of its own, and the master decides for all workers.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from operator import methodcaller
from types import new_class
from typing import Any

import gevent
from locust import User
from locust.runners import Runner, WorkerNode
from locust.user.task import LOCUST_STATE_STOPPING

from loadtest.users import SCENARIOS


@cache
def class_on(row: str, scenario: str) -> type[User]:
    """The scenario's users, bound to a row."""
    return new_class(f"{scenario} on {row}", (SCENARIOS[scenario],), exec_body=methodcaller("update", on=row))


def even(users: int, rows: int) -> int:
    """The least number that is no less and gives every row the same share."""
    return math.ceil(users / rows) * rows


def deal(users: int, classes: Sequence[str], workers: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many users of each class each worker has. No worker serves one row only while others can share it."""
    hands = {worker: dict.fromkeys(classes, 0) for worker in workers}
    turn = math.lcm(len(classes), len(workers))  # after so many the same worker would get the same class again
    for number in range(users):
        hands[workers[(number + number // turn) % len(workers)]][classes[number % len(classes)]] += 1
    return hands


class Dispatcher(Iterator[dict[str, dict[str, int]]]):
    """Stands in for Locust's UsersDispatcher, which counts single users: this one adds and takes one of every row."""

    def __init__(self, worker_nodes: list[WorkerNode], user_classes: list[type[User]]) -> None:
        self.workers = [node.id for node in worker_nodes]
        self.classes = [user.__name__ for user in user_classes]
        self.users = 0
        self.dispatch_in_progress = False

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
    ) -> None:
        self.ramp = self.steps(target_user_count, spawn_rate)

    def steps(self, target: int, spawn_rate: float) -> Iterator[dict[str, dict[str, int]]]:
        step = even(max(int(spawn_rate), 1), len(self.classes))
        self.dispatch_in_progress = True
        while True:
            self.users += max(-step, min(step, target - self.users))
            yield deal(self.users, self.classes, self.workers)
            if self.users == target:
                break
            gevent.sleep(step / spawn_rate)
        self.dispatch_in_progress = False

    def __next__(self) -> dict[str, dict[str, int]]:
        return next(self.ramp)

    def add_worker(self, worker_node: WorkerNode) -> None:
        if worker_node.id not in self.workers:  # one that has only lost its connection says again that it is ready
            self.workers.append(worker_node.id)

    def remove_worker(self, worker_node: WorkerNode) -> None:
        # The last one stays: without a worker Locust ends the test.
        self.workers = [worker for worker in self.workers if worker != worker_node.id] or self.workers


def clients(runner: Runner) -> dict[str, dict[str, int]]:
    """What this process has on each row: users, and of WebSockets those that are open and those that should be."""
    found: dict[str, dict[str, int]] = {}
    for greenlet in list(runner.user_greenlets):  # there may be ten thousand
        user: Any = greenlet.args[0] if greenlet.args else None  # none: it has just ended
        if user and user._state != LOCUST_STATE_STOPPING:
            counts = found.get(user.row) or found.setdefault(user.row, {"users": 0, "open": 0, "wanted": 0})
            is_open, wanted = user.sockets()
            counts["users"] += 1
            counts["open"] += is_open
            counts["wanted"] += wanted
    return found


def shares(rates: dict[str, float], runner: Any) -> dict[str, dict[str, float]]:
    """The rates of each of a master's workers: a row's requests go where the row's users are."""
    rows = {user.__name__: user.on for user in runner.user_classes}
    users = {
        node.id: {rows[name]: count for name, count in node.user_classes_count.items() if name in rows}
        for node in runner.clients.all
    }
    return {
        worker: {row: rate * have.get(row, 0) / max(total(users, row), 1) for row, rate in rates.items()}
        for worker, have in users.items()
    }


def total(users: dict[str, dict[str, int]], row: str) -> int:
    return sum(have.get(row, 0) for have in users.values())
