"""/timed: a route's own answer, with when the service began and ended it and on which thread; alike from both."""

import time

import pytest

from tests.contract.apps import Ask, detail


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/wait?ms=30", {"waited_ms": 30}), ("/cpu?rounds=2", {"rounds": 2, "result": 48_271 * 48_271 % 2_147_483_647})],
)
def test_an_answer_comes_with_the_services_own_times(service: Ask, path: str, answer: dict[str, int]) -> None:
    before = time.time() * 1000
    said = service("GET", f"/timed{path}").json()
    after = time.time() * 1000
    assert said.keys() == {"began_ms", "ended_ms", "worker", "thread", "answer"}
    assert said["answer"] == answer
    assert before <= said["began_ms"] <= said["ended_ms"] <= after
    assert said["ended_ms"] - said["began_ms"] >= answer.get("waited_ms", 0)


def test_database_rows_come_with_times_too(service: Ask) -> None:
    assert len(service("GET", "/timed/db?queries=3").json()["answer"]) == 3


def test_a_parameter_out_of_bounds_is_refused_as_by_the_route_itself(service: Ask) -> None:
    assert detail(service("GET", "/timed/wait?ms=-1"), 422) == detail(service("GET", "/wait?ms=-1"), 422)


def test_threads_that_wait_side_by_side_are_told_apart_and_an_event_loop_is_one(flask: Ask, fastapi: Ask) -> None:
    loops = {fastapi("GET", "/timed/wait?ms=1").json()["thread"] for _ in range(3)}
    assert len(loops) == 1
    assert fastapi("GET", "/timed/cpu?rounds=1").json()["thread"] not in loops  # `def` runs in the thread pool
    assert flask("GET", "/timed/wait?ms=1").json()["worker"] == fastapi("GET", "/timed/wait?ms=1").json()["worker"]
