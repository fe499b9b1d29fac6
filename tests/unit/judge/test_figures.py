"""Figures that are read from what was spoken, lost, or left behind."""

import math
from dataclasses import replace

import pytest

from lab.experiments import Arm, Contrast
from lab.experiments.outcomes import Outcome
from lab.generator.record import Result
from lab.judge.evidence import evidence
from lab.judge.figures import AT_ONCE_MS, FIGURES
from lab.judge.gates import wrong_protocol
from lab.judge.judge import Measurements, judge
from tests.unit.records import about, header, load, result, toy


def spoken(*protocols: str) -> Result:
    return result(load=load(protocols=list(protocols)))


@pytest.mark.parametrize(
    ("protocols", "version"),
    [(("HTTP/2", "app HTTP/1.1"), 1.1), (("HTTP/2", "app HTTP/2"), 2), (("HTTP/2", "app HTTP/2", "app HTTP/1.1"), 1.1)],
)
def test_the_version_at_the_application_is_the_least_that_it_has_said(
    protocols: tuple[str, ...], version: float
) -> None:
    assert FIGURES["app_http"].of([spoken(*protocols)]) == version


def test_an_application_that_has_not_said_its_version_has_none() -> None:
    assert math.isnan(FIGURES["app_http"].of([spoken("HTTP/2")]))


def test_a_protocol_counts_once_however_many_splits_have_seen_it() -> None:
    assert FIGURES["protocols"].of([spoken("HTTP/1.1", "WS"), spoken("HTTP/1.1")]) == 2
    assert FIGURES["protocols"].of([spoken("HTTP/1.1"), spoken("HTTP/1.1")]) == 1


@pytest.mark.parametrize(
    ("asked", "protocols", "refused"),
    [
        ("HTTP/2", ("HTTP/2", "app HTTP/1.1"), False),  # nginx stands between the two
        ("HTTP/2", ("HTTP/1.1", "app HTTP/1.1"), True),
        ("HTTP/1.1, WS", ("HTTP/1.1",), False),
        ("HTTP/1.1, WS", ("HTTP/1.1", "WS"), False),
        ("HTTP/1.1, WS", ("HTTP/2", "WS"), True),
    ],
)
def test_the_clients_hop_has_the_protocols_that_were_asked_for_and_the_applications_its_own(
    asked: str, protocols: tuple[str, ...], refused: bool
) -> None:
    seen = evidence([[spoken(*protocols)]], asked, about(), 0)
    assert bool(wrong_protocol.reason(seen)) == refused


def lost(share: float, arm: str = "fastapi", round_: int = 0) -> Result:
    return result(arm, round_, load=load(10_000, failures=round(10_000 * share)), restarts=4)


@pytest.mark.parametrize(
    ("share", "outcome"), [(0, Outcome.NO_DIFFERENCE), (0.0001, Outcome.NO_DIFFERENCE), (0.01, Outcome.WORSE)]
)
def test_requests_that_a_reload_loses_are_a_figure_and_its_restarts_are_meant(share: float, outcome: Outcome) -> None:
    arms = (Arm("fastapi", restarts=True), Arm("flask", restarts=True))
    experiment = toy(Contrast("fastapi", "flask", "kept_pct"), arms=arms)
    measured = Measurements(
        each for number in range(6) for each in (lost(share, "fastapi", number), lost(0, "flask", number))
    )
    (finding,) = judge(experiment, measured, header()).findings
    assert (finding.reasons, finding.outcome) == ((), outcome)


def test_a_restart_that_was_not_meant_is_refused_all_the_same() -> None:
    experiment = toy(Contrast("fastapi", "flask", "kept_pct"))
    measured = Measurements(
        each for number in range(6) for each in (lost(0, "fastapi", number), lost(0, "flask", number))
    )
    (finding,) = judge(experiment, measured, header()).findings
    assert any("came or went" in reason for reason in finding.reasons)


@pytest.mark.parametrize(("after", "figure"), [(0.7, AT_ONCE_MS), (2_000.0, 2_000.0)])
def test_what_answers_within_milliseconds_answers_at_once(after: float, figure: float) -> None:
    assert FIGURES["after_ms"].of([replace(result(), after_ms=after)]) == figure
    assert math.isnan(FIGURES["after_ms"].of([replace(result(), after_ms=None)]))


@pytest.mark.parametrize(("waited", "figure"), [(1.3, AT_ONCE_MS), (2.1, AT_ONCE_MS), (4_000.0, 4_000.0)])
def test_a_neighbour_who_is_answered_within_milliseconds_was_not_kept_waiting(waited: float, figure: float) -> None:
    """Seen: 1.6 ms against 2.2 ms, which is what a request costs, called a pool's exhaustion a difference."""
    assert FIGURES["probe_p95_ms"].of([result(probe=load(100, histogram={waited: 100}))]) == figure
