"""What comparisons say together of a claim, by its rule."""

import random
from collections.abc import Iterator
from itertools import product

import pytest

from lab.experiments.outcomes import Outcome, Rule, Verdict
from lab.judge.verdicts import Case, still_possible, verdict

BETTER, WORSE, ALIKE, OPEN = Outcome.BETTER, Outcome.WORSE, Outcome.NO_DIFFERENCE, Outcome.INCONCLUSIVE
REFUSED = None
NOT_BETTER, NOT_WORSE = (OPEN, BETTER), (OPEN, WORSE)  # open, and what it cannot become
Came = list[Outcome | tuple[Outcome, Outcome] | None]


def cases(came: Came, claimed: Outcome = BETTER) -> list[Case]:
    """Each on a server of its own."""
    both = [each if isinstance(each, tuple) else (each, None) for each in came]
    return [Case(outcome, claimed, f"server {place}", never) for place, (outcome, never) in enumerate(both)]


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([BETTER], Verdict.SUPPORTED),
        ([BETTER, BETTER], Verdict.SUPPORTED),
        ([BETTER, REFUSED], Verdict.INCONCLUSIVE),
        ([BETTER, WORSE], Verdict.DEPENDS),
        ([BETTER, ALIKE], Verdict.DEPENDS),
        ([BETTER, WORSE, OPEN], Verdict.DEPENDS),
        ([BETTER, OPEN], Verdict.INCONCLUSIVE),
        ([BETTER, NOT_BETTER], Verdict.DEPENDS),
        ([BETTER, NOT_WORSE], Verdict.INCONCLUSIVE),
        ([BETTER, NOT_BETTER, OPEN], Verdict.DEPENDS),
        ([OPEN], Verdict.INCONCLUSIVE),
        ([NOT_BETTER], Verdict.INCONCLUSIVE),  # worse, or no difference
        ([WORSE, NOT_BETTER], Verdict.REFUTED),
        ([ALIKE, NOT_BETTER], Verdict.INCONCLUSIVE),
        ([WORSE, NOT_BETTER, OPEN], Verdict.INCONCLUSIVE),
        ([OPEN, REFUSED], Verdict.INCONCLUSIVE),
        ([WORSE], Verdict.REFUTED),
        ([WORSE, OPEN], Verdict.INCONCLUSIVE),
        ([WORSE, ALIKE], Verdict.REFUTED),
        ([ALIKE, OPEN], Verdict.INCONCLUSIVE),
        ([ALIKE], Verdict.NO_DIFFERENCE),
        ([ALIKE, ALIKE], Verdict.NO_DIFFERENCE),
        ([REFUSED], Verdict.REFUSED),
        ([REFUSED, REFUSED], Verdict.REFUSED),
        ([], Verdict.REFUSED),
    ],
)
def test_a_claim_that_something_is_so_must_hold_in_every_comparison(outcomes: Came, said: Verdict) -> None:
    assert verdict(Rule.ALL, cases(outcomes)) == said
    assert verdict(Rule.ALL, cases(outcomes[::-1])) == said
    if len(outcomes) > 1:
        assert verdict(Rule.EVERY_SERVER, cases(outcomes)) == said


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([BETTER], Verdict.SUPPORTED),
        ([BETTER, WORSE], Verdict.SUPPORTED),
        ([BETTER, ALIKE, OPEN, REFUSED], Verdict.SUPPORTED),
        ([WORSE, OPEN], Verdict.INCONCLUSIVE),  # the open one may be the case
        ([WORSE, REFUSED], Verdict.INCONCLUSIVE),
        ([WORSE, ALIKE], Verdict.REFUTED),
        ([ALIKE, ALIKE], Verdict.NO_DIFFERENCE),
        ([REFUSED, REFUSED], Verdict.REFUSED),
    ],
)
def test_a_claim_that_something_may_be_so_is_met_by_one_case(outcomes: Came, said: Verdict) -> None:
    assert verdict(Rule.ONE_CASE, cases(outcomes)) == said
    assert verdict(Rule.ONE_CASE, cases(outcomes[::-1])) == said


@pytest.mark.parametrize("outcome", [BETTER, WORSE, ALIKE])
def test_one_server_decides_nothing_of_an_interface_whichever_way_it_came_out(outcome: Outcome) -> None:
    alone = [Case(outcome, BETTER, "granian"), Case(outcome, BETTER, "granian")]
    assert verdict(Rule.EVERY_SERVER, alone) == Verdict.INCONCLUSIVE
    assert verdict(Rule.EVERY_SERVER, [*alone, Case(outcome, BETTER, "gunicorn")]) != Verdict.INCONCLUSIVE


def test_servers_that_differ_are_the_finding() -> None:
    """Seen: from bare WSGI to bare ASGI the CPU per request rose on granian and fell on gunicorn."""
    differ = [Case(BETTER, BETTER, "granian"), Case(WORSE, BETTER, "gunicorn")]
    assert verdict(Rule.EVERY_SERVER, differ) == Verdict.DEPENDS


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([ALIKE, ALIKE], Verdict.SUPPORTED),
        ([ALIKE, WORSE], Verdict.DEPENDS),
        ([ALIKE, OPEN], Verdict.INCONCLUSIVE),
        ([ALIKE, NOT_BETTER], Verdict.INCONCLUSIVE),
        ([BETTER], Verdict.REFUTED),
        ([WORSE, OPEN], Verdict.INCONCLUSIVE),
        ([OPEN, OPEN], Verdict.INCONCLUSIVE),
        ([REFUSED], Verdict.REFUSED),
    ],
)
def test_the_verdict_on_a_claim_to_be_alike(outcomes: Came, said: Verdict) -> None:
    assert verdict(Rule.ALL, cases(outcomes, ALIKE)) == said


def test_every_comparison_is_held_against_its_own_claim() -> None:
    assert verdict(Rule.ALL, [Case(BETTER, BETTER), Case(ALIKE, ALIKE)]) == Verdict.SUPPORTED
    assert verdict(Rule.ALL, [Case(ALIKE, BETTER), Case(ALIKE, ALIKE)]) == Verdict.DEPENDS


BECOMES: dict[object, Came] = {
    OPEN: [BETTER, WORSE, ALIKE],
    NOT_BETTER: [WORSE, ALIKE],
    NOT_WORSE: [BETTER, ALIKE],
}


def by_chance(seed: int, count: int) -> Iterator[Came]:
    """Outcomes, decided and open, of two to five comparisons."""
    chance = random.Random(seed)
    for _ in range(count):
        yield [chance.choice((BETTER, WORSE, ALIKE, OPEN, NOT_BETTER, NOT_WORSE)) for _ in range(chance.randint(2, 5))]


@pytest.mark.parametrize("rule", Rule)
def test_what_is_open_can_only_become_what_was_not_excluded(rule: Rule) -> None:
    """A conclusion stands, however the open comparisons come out in the end."""
    chance = random.Random(3)
    for came in by_chance(3, 300):
        said = verdict(rule, cases(came))
        if said != Verdict.INCONCLUSIVE:
            decided: Came = [chance.choice(BECOMES.get(each, [each])) for each in came]
            assert verdict(rule, cases(decided)) == said, (came, decided)


@pytest.mark.parametrize("rule", Rule)
def test_the_verdicts_still_possible_are_those_to_which_what_is_open_may_lead(rule: Rule) -> None:
    for came in by_chance(4, 200):
        endings = product(*(BECOMES.get(each, [each]) for each in came))
        ways = {verdict(rule, cases(list(each))) for each in endings}
        assert set(still_possible(rule, cases(came))) == ways, came
        assert verdict(rule, cases(came)) in ways or len(ways) > 1


def test_of_many_comparisons_that_are_alike_what_is_possible_is_told_at_once() -> None:
    many = [Case(OPEN, BETTER, ruled_out=WORSE)] * 100 + [Case(ALIKE, BETTER)] * 100
    assert still_possible(Rule.ALL, many) == [Verdict.DEPENDS, Verdict.NO_DIFFERENCE]


def test_of_what_the_gates_refused_everything_is_possible() -> None:
    assert still_possible(Rule.ALL, cases([BETTER, REFUSED])) == [Verdict.SUPPORTED, Verdict.DEPENDS]
