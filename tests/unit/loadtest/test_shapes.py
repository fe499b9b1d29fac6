"""Load shapes: data that becomes users or rates, and the search for the highest rate that keeps a limit."""

import math
from argparse import Namespace

import pytest

from loadtest import shapes
from loadtest.bisection import Bisection
from loadtest.shapes import SHAPES, Stages, share_at


def test_every_shape_is_explained_and_every_explanation_has_its_shape() -> None:
    assert set(shapes.HELP) == {"steady", "search", *SHAPES}


@pytest.mark.parametrize(
    ("name", "seconds", "share"),
    [("steps", 0, 0.25), ("steps", 35, 1), ("spike", 5, 0.2), ("spike", 12, 1), ("spike", 20, 0.2), ("ramp", 30, 0.51)],
)
def test_a_shape_has_its_share_of_the_load_at_every_moment(name: str, seconds: float, share: float) -> None:
    assert share_at(SHAPES[name], seconds) == pytest.approx(share)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_ends(name: str) -> None:
    assert share_at(SHAPES[name], sum(stage.seconds for stage in SHAPES[name])) is None


def options(**changes: object) -> Namespace:
    given: dict[str, object] = {"shape": "steps", "arrivals": "closed", "rows": ["flask"], "rate": 100, "num_users": 40}
    return Namespace(**given | changes)


def test_in_closed_loop_a_share_is_of_the_users() -> None:
    assert Stages(options()).tick() == (10, 10)


def test_in_open_loop_a_share_is_of_the_rate_and_the_users_stay() -> None:
    stages = Stages(options(arrivals="poisson"))
    assert stages.tick() == (40, 40)
    assert stages.rates == {"flask": 25}


@pytest.mark.parametrize("capacity", [2.5, 33, 100, 101, 4_711, 60_000])
def test_a_search_finds_the_capacity_within_five_percent(capacity: float) -> None:
    search = Bisection(100)
    for _ in range(60):
        if search.done:
            break
        search.judge(search.rate <= capacity)
    assert search.done
    assert search.best <= capacity < search.broken
    assert search.broken <= search.best * 1.05


def test_a_search_forgives_one_hiccup() -> None:
    search = Bisection(100)
    search.judge(False)
    assert search.rate == 100
    search.judge(True)
    assert search.best == 100
    assert math.isinf(search.broken)


def test_a_search_knows_a_rate_that_the_generator_itself_could_not_keep() -> None:
    search = Bisection(100)
    while not search.done:
        search.judge(True, behind=search.rate > 1000)
    assert search.best <= 1000 < search.broken
    assert search.behind


def test_a_rate_at_which_the_generator_fell_behind_is_asked_for_again() -> None:
    search = Bisection(100, patience=3)
    for behind in (True, True, False):
        assert search.rate == 100
        search.judge(True, behind=behind)
    assert (search.best, search.behind) == (100, False)


def test_a_search_asks_for_no_more_than_the_most() -> None:
    search, asked = Bisection(100, most=700), []
    while not search.done:
        asked.append(search.rate)
        search.judge(True)
    assert asked == [100, 200, 400, 700]
    assert (search.best, search.behind) == (700, False)


def test_a_search_gives_up_below_one_request_per_second() -> None:
    search = Bisection(4)
    while not search.done:
        search.judge(False)
    assert search.best == 0
