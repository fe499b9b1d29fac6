"""How a service finds out that PostgreSQL is away, and that it is there again."""

import logging
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

import workloads
from workloads import outage


@pytest.fixture(autouse=True)
def known_to_be_there() -> Iterator[None]:
    outage.away, outage.made = False, 1
    yield
    outage.away = False


def query(looks: int) -> PQGen[str]:
    """As psycopg's: it waits until the socket is ready, `looks` times."""
    for _ in range(looks):
        while (yield Wait.R) == Ready.NONE:
            pass
    return "row"


def test_a_query_that_is_answered_gives_what_psycopg_gives() -> None:
    steps = outage.bounded(query(2))
    assert next(steps) == Wait.R
    assert steps.send(Ready.R) == Wait.R
    with pytest.raises(StopIteration) as end:
        steps.send(Ready.R)
    assert end.value.value == "row"


def test_a_query_without_an_answer_ends_after_so_many_looks() -> None:
    steps = outage.bounded(query(1))
    next(steps)
    for _ in range(workloads.DATABASE_LOOKS - 1):
        assert steps.send(Ready.NONE) == Wait.R
    with pytest.raises(psycopg.OperationalError):
        steps.send(Ready.NONE)


def test_every_sign_of_life_starts_the_count_anew() -> None:
    steps = outage.bounded(query(3))
    next(steps)
    for _ in range(2):
        for _ in range(workloads.DATABASE_LOOKS - 1):
            steps.send(Ready.NONE)
        steps.send(Ready.R)


def test_an_outage_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for is_away in (False, True, True, False, False):
            tell(is_away)
            assert outage.away == is_away
    assert caplog.messages == ["the database does not answer", "the database answers again"]


def test_what_began_before_the_last_connection_was_made_says_nothing_of_the_database() -> None:
    before = outage.made
    outage.found()
    outage.lost(before)
    assert not outage.away
    outage.lost(outage.made)
    assert outage.away


def test_a_service_that_starts_before_the_database_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    outage.made = 0
    for is_away in (True, True, False):
        tell(is_away)
    assert not caplog.messages
    tell(is_away=True)
    assert caplog.messages == ["the database does not answer"]


def tell(is_away: bool) -> None:
    if is_away:
        outage.lost(outage.made)
    else:
        outage.found()
