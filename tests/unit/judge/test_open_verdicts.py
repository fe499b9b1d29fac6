"""What a run says that draws no conclusion: why it is open, what is open, and what is still possible."""

import re
from dataclasses import replace

import pytest

from lab.experiments import BY_NAME
from lab.experiments.outcomes import Outcome, Verdict
from lab.judge.judge import Finding, Judgement
from lab.judge.words import PLAIN, PLANTED, outcome, verdict_sentence
from tests.unit.judgements import ALIKE, BETTER, OPEN, REFUSED, Came, cells, judgement


def test_an_open_or_refused_run_draws_no_conclusion() -> None:
    part = BY_NAME["one-at-a-time"]
    came: Came = dict.fromkeys(cells(part), BETTER)
    first = cells(part)[0]
    assert verdict_sentence(judgement(part, came | {first: OPEN})).startswith(PLAIN[Verdict.INCONCLUSIVE])
    assert verdict_sentence(judgement(part, dict.fromkeys(came, REFUSED))) == PLAIN[Verdict.REFUSED]


def test_a_longer_run_is_not_promised_at_the_end_of_the_plan() -> None:
    one = BY_NAME["one-at-a-time"]
    opened = judgement(one, dict.fromkeys(cells(one), OPEN))
    measured_on = [replace(each, pairs=32) for each in opened.findings]
    said = verdict_sentence(replace(opened, findings=tuple(measured_on)))
    assert said.startswith("What was measured does not decide it, in 32 rounds, where the plan ends.")
    some = [replace(measured_on[0], pairs=31), *measured_on[1:]]
    assert "a longer run may" in verdict_sentence(replace(opened, findings=tuple(some)))


def test_an_open_verdict_says_which_comparison_is_open_with_its_figures_and_what_is_still_possible() -> None:
    part = BY_NAME["streams"]
    came: Came = dict.fromkeys(cells(part), BETTER)
    said = verdict_sentence(judgement(part, came | {cells(part)[0]: OPEN}))
    assert re.fullmatch(
        re.escape(PLAIN[Verdict.INCONCLUSIVE])
        + r" Open: fastapi has 1\.00 times the neighbour's p95 of flask \(95 % interval [^)]*\): inconclusive[^.]*\."
        r" Still possible: supported or depends\."
        r" \(fastapi / flask-200, fastapi / flask-gevent, fastapi / flask-uwsgi, fastapi-gunicorn / flask, "
        r"fastapi-granian / flask-granian, fastapi-granian / flask-granian-40 agreed with the claim\)"
        r" Rule: all\.",
        said,
    )


def test_an_open_verdict_of_which_anything_may_become_says_only_that_it_is_open() -> None:
    said = verdict_sentence(judgement(BY_NAME["streams"], dict.fromkeys(cells(BY_NAME["streams"]), OPEN)))
    assert said == f"{PLAIN[Verdict.INCONCLUSIVE]} Rule: all."


@pytest.mark.parametrize("pairs", [8, 32])
def test_an_open_verdict_says_that_a_part_of_it_was_refused(pairs: int) -> None:
    one = BY_NAME["one-at-a-time"]
    first, *others = cells(one)
    for came, said in (({first: REFUSED}, True), ({}, False)):
        opened = judgement(one, dict.fromkeys(others, OPEN) | {first: OPEN} | came)
        opened = replace(opened, findings=tuple(replace(each, pairs=pairs) for each in opened.findings))
        assert opened.verdict == Verdict.INCONCLUSIVE
        assert ("the gates refused some" in verdict_sentence(opened)) == said


def test_a_longer_run_is_not_promised_to_decide_what_the_gates_have_refused() -> None:
    part = BY_NAME["high-load"].only(["flask", "fastapi", "flask-40-pool-32", "fastapi-pool-32"], [""])
    one, other = cells(part)
    said = verdict_sentence(judgement(part, {one: ALIKE, other: REFUSED}))
    assert said == (
        "The gates refused what could decide it. Still possible: refuted or depends or no difference that matters. "
        "(fastapi / flask made no difference) Rule: all."
    )
    assert "longer" in verdict_sentence(judgement(part, {one: OPEN, other: REFUSED}))


@pytest.mark.parametrize("came_out", [BETTER, OPEN, ALIKE])
def test_one_server_is_said_to_be_too_few_for_an_interface(came_out: Outcome) -> None:
    part = BY_NAME["cpu-bound"].only(["flask-granian", "fastapi-granian"], [""])
    said = verdict_sentence(judgement(part, dict.fromkeys(cells(part), came_out)))
    assert said.startswith("One server says nothing of the interface")


def test_a_planted_fault_that_was_refused_is_said_to_be_planted() -> None:
    assert verdict_sentence(judgement(BY_NAME["trap-generator"], {})) == PLANTED


def test_a_run_that_was_stopped_before_its_first_look_has_no_verdict() -> None:
    part = BY_NAME["basic-cost"]
    stopped = Judgement(part, tuple(Finding(each, "", 3) for each in part.contrasts), {})
    assert (stopped.verdict, outcome(stopped.findings[0])) == (Verdict.TOO_SHORT, "too few pairs")
    assert "too short to say anything" in verdict_sentence(stopped)
