"""How a run searches for a capacity: from where, in which steps, and how far."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lab.experiments import Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome
from lab.generator.record import Block, Schedule
from lab.judge.search import FIRST_STEP, NEXT_STEP
from lab.judge.statistics import LOOKS
from tests.unit.records import load, toy
from tests.unit.running import WHOLE, Fake, run_one


@pytest.fixture
def searching(clock: SimpleNamespace) -> Iterator[Fake]:
    """Flask keeps 300 requests a second, FastAPI 900."""

    def measure(block: Block) -> dict[str, Any]:
        kept = block.rate <= {"flask": 300, "fastapi": 900}[block.row]
        schedule = Schedule(started=int(block.rate), late=0, queued=0)
        return {"load": load(int(block.rate), 50 if kept else 500), "schedule": schedule}

    fake = Fake(measure, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 100, "limit_p99_ms": 100})})
    )
    yield fake


def steps(fake: Fake, row: str, number: int) -> list[Block]:
    return [block for block in fake.asked if block.row == row and block.purpose.round == number]


def test_a_search_begins_by_a_part_of_a_step_below_where_the_arms_last_one_ended(searching: Fake) -> None:
    for row, knee in (("flask", 300), ("fastapi", 900)):
        assert 100 / FIRST_STEP < steps(searching, row, 0)[0].rate <= 100
        below = []
        for number in range(1, LOOKS[0]):
            first = steps(searching, row, number)[0]
            below.append(max(b.rate for b in steps(searching, row, number - 1) if b.rate <= knee) / first.rate)
        assert all(1 <= each <= NEXT_STEP for each in below)
        assert len(set(below)) == len(below)  # another part in every round


def test_a_search_that_begins_near_its_end_takes_smaller_and_fewer_steps(searching: Fake) -> None:
    first, second = steps(searching, "fastapi", 0), steps(searching, "fastapi", 1)
    assert {block.purpose.search.step for block in first if block.purpose.search} == {FIRST_STEP}
    assert {block.purpose.search.step for block in second if block.purpose.search} == {NEXT_STEP}
    assert len(second) < len(first)


def test_a_row_that_keeps_nothing_is_searched_from_the_beginning_again(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(100, 500)}, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    low = Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 4, "limit_p99_ms": 100})})
    run_one(fake, WHOLE, low)
    firsts = [steps(fake, "flask", number)[0] for number in range(LOOKS[0])]
    assert all(4 / FIRST_STEP < first.rate <= 4 for first in firsts)
    assert {first.purpose.search.step for first in firsts if first.purpose.search} == {FIRST_STEP}


def test_a_search_that_the_generator_ended_is_begun_from_the_beginning_again(clock: SimpleNamespace) -> None:
    """Small steps up from there would take long: the row may keep far more."""

    def measure(block: Block) -> dict[str, Any]:
        overslept = block.purpose.round == 0 and block.rate > 120
        return {"load": load(100, 50), "schedule": Schedule(started=100, late=50 if overslept else 0, queued=0)}

    fake = Fake(measure, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 100, "limit_p99_ms": 100})})
    )
    first, second = steps(fake, "flask", 0), steps(fake, "flask", 1)
    assert first[0].rate < 120 < max(block.rate for block in first) and second[-1].rate == 1000 and len(second) < 9
    assert {block.purpose.search.step for block in second if block.purpose.search} == {FIRST_STEP}


def test_a_row_that_keeps_all_that_may_be_asked_for_is_asked_for_it_at_once(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(100, 50)}, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 90, "limit_p99_ms": 100})})
    )
    assert [[block.rate for block in steps(fake, "flask", number)] for number in range(1, LOOKS[0])] == [[1000]] * (
        LOOKS[0] - 1
    )


def test_arms_of_one_row_are_kept_apart(clock: SimpleNamespace) -> None:
    arms = (Arm("flask", "A"), Arm("flask", "B", {"users": 99}))
    fake = Fake(lambda block: {}, clock)
    run_one(fake, WHOLE, toy(Contrast("A", "B", "cpu_us", Outcome.NO_DIFFERENCE), arms=arms))
    assert {(block.purpose.arm, block.users) for block in fake.asked} == {("A", 10), ("B", 99)}
