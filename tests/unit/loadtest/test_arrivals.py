"""Open-loop schedules: starts come when they are due, whatever the users do."""

import time
from collections.abc import Iterator

import gevent
import pytest

from loadtest.arrivals import Arrivals, Schedule


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    made = Schedule("constant")
    yield made
    made.stop()


def test_starts_come_at_the_asked_rate(schedule: Schedule) -> None:
    schedule.rate = 200
    gevent.sleep(0.5)
    assert 80 <= schedule.kept.started <= 120


def test_no_start_comes_while_the_rate_is_zero(schedule: Schedule) -> None:
    gevent.sleep(0.1)
    assert schedule.kept.started == 0


def test_a_user_that_comes_late_gets_the_start_that_was_due_long_ago(schedule: Schedule) -> None:
    began = time.perf_counter()
    schedule.rate = 100
    gevent.sleep(0.3)
    assert schedule.next() < began + 0.2  # not now: the wait for a user counts into the latency
    assert schedule.kept.queued > 10


def test_starts_go_to_the_user_that_asked_last(schedule: Schedule) -> None:
    order: list[str] = []

    def user(name: str) -> None:
        schedule.next()
        order.append(name)

    users = [gevent.spawn(user, name) for name in ("first", "second")]
    gevent.sleep(0)
    schedule.rate = 50
    gevent.joinall(users, timeout=2)
    assert order == ["second", "first"]


def test_a_user_that_is_stopped_while_it_waits_takes_no_start_with_it(schedule: Schedule) -> None:
    stopped = gevent.spawn(schedule.next)
    gevent.sleep(0)
    stopped.kill()
    assert schedule.free == []


def test_poisson_gaps_vary_around_the_mean() -> None:
    schedule = Schedule("poisson")
    gaps = [schedule.gap(1000) for _ in range(20_000)]
    schedule.stop()
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(0.001, rel=0.05)
    assert variance**0.5 == pytest.approx(mean, rel=0.05)  # as of an exponential distribution


def test_rates_sent_before_a_test_begins_are_kept_for_it() -> None:
    arrivals = Arrivals()
    arrivals.set_rates({"flask": 7.0})
    arrivals.begin("constant", ["flask", "fastapi"])
    try:
        assert {row: schedule.rate for row, schedule in arrivals.schedules.items()} == {"flask": 7.0, "fastapi": 0}
    finally:
        arrivals.end()


def test_closed_loop_has_no_schedules() -> None:
    arrivals = Arrivals()
    arrivals.begin("closed", ["flask"])
    assert arrivals.schedules == {}


def test_a_rate_of_zero_drops_the_starts_nobody_has_taken(schedule: Schedule) -> None:
    arrivals = Arrivals()
    arrivals.schedules = {"flask": schedule}
    arrivals.set_rates({"flask": 500.0})
    gevent.sleep(0.1)
    assert schedule.starts
    arrivals.set_rates({"flask": 0.0})
    assert not schedule.starts
