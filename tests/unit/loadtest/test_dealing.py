"""Users are dealt out so that every row has the same number, over all workers and at every moment."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.runners import WorkerNode

from loadtest.dealing import Dispatcher, class_on, deal, even, shares

ROWS = ["flask", "fastapi", "asgi"]


def classes(rows: int) -> list[Any]:
    return [class_on(row, "Wait") for row in ROWS[:rows]]


def per_row(dealt: dict[str, dict[str, int]]) -> set[int]:
    counts: Counter[str] = Counter()
    for hand in dealt.values():
        counts.update(hand)
    return set(counts.values())


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("each", [0, 1, 2, 6, 100])
def test_every_row_has_the_same_number_of_users_and_every_worker_its_share(rows: int, workers: int, each: int) -> None:
    names = [str(worker) for worker in range(workers)]
    dealt = deal(each * rows, ROWS[:rows], names)
    assert per_row(dealt) == {each}
    loads = [sum(hand.values()) for hand in dealt.values()]
    assert max(loads) - min(loads) <= 1


@pytest.mark.parametrize(("rows", "workers"), [(2, 2), (2, 4), (3, 3)])
def test_a_worker_does_not_serve_one_row_only(rows: int, workers: int) -> None:
    """A slow worker would make that row slow."""
    dealt = deal(60 * rows, ROWS[:rows], [str(worker) for worker in range(workers)])
    assert all(max(hand.values()) - min(hand.values()) <= 1 for hand in dealt.values())


@pytest.mark.parametrize(("users", "rows", "rounded"), [(12, 2, 12), (5, 2, 6), (1, 3, 3), (16, 3, 18), (0, 2, 0)])
def test_a_number_of_users_that_rows_cannot_share_is_rounded_up(users: int, rows: int, rounded: int) -> None:
    assert even(users, rows) == rounded


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(gevent, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("spawn_rate", [0.5, 1, 5, 100])
def test_rows_are_equal_in_every_step_up_and_down(no_waiting: list[float], spawn_rate: float) -> None:
    dispatcher = Dispatcher([WorkerNode("a"), WorkerNode("b")], classes(3))
    for target in (30, 6, 12, 0):
        dispatcher.new_dispatch(target, spawn_rate)
        for dealt in dispatcher:
            (each,) = per_row(dealt)
        assert each * 3 == target


def test_users_come_at_the_rate_that_was_asked_for(no_waiting: list[float]) -> None:
    dispatcher = Dispatcher([WorkerNode("a")], classes(2))
    dispatcher.new_dispatch(20, 2)
    assert len(list(dispatcher)) == 10
    assert sum(no_waiting) == 9  # two at once, and two more every second


def test_when_workers_come_and_go_rows_stay_equal(no_waiting: list[float]) -> None:
    dispatcher = Dispatcher([WorkerNode("a"), WorkerNode("b")], classes(2))
    dispatcher.new_dispatch(12, 100)
    list(dispatcher)
    changes = ((dispatcher.add_worker, "c"), (dispatcher.remove_worker, "a"), (dispatcher.remove_worker, "b"))
    for change, name in changes:
        change(WorkerNode(name))
        dispatcher.new_dispatch(12, 100)
        (dealt,) = dispatcher
        assert per_row(dealt) == {6}
    assert set(dealt) == {"c"}


def test_a_worker_that_reports_twice_gets_no_double_share(no_waiting: list[float]) -> None:
    dispatcher = Dispatcher([WorkerNode("a"), WorkerNode("b")], classes(2))
    dispatcher.add_worker(WorkerNode("b"))
    dispatcher.new_dispatch(8, 100)
    (dealt,) = dispatcher
    assert [sum(hand.values()) for hand in dealt.values()] == [4, 4]


def test_arrivals_go_where_the_users_of_their_row_are() -> None:
    flask, fastapi = classes(2)
    nodes = {"a": {flask.__name__: 3, fastapi.__name__: 0}, "b": {flask.__name__: 1, fastapi.__name__: 4}, "lost": {}}
    workers = [SimpleNamespace(id=name, user_classes_count=counts) for name, counts in nodes.items()]
    runner = SimpleNamespace(user_classes=[flask, fastapi], clients=SimpleNamespace(all=workers))
    assert shares({"flask": 40, "fastapi": 40}, runner) == {
        "a": {"flask": 30, "fastapi": 0},
        "b": {"flask": 10, "fastapi": 40},
        "lost": {"flask": 0, "fastapi": 0},
    }
