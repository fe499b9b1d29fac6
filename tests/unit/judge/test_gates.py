"""Gates are silent on sound evidence; each sees its planted fault, and names the row and the figure."""

from dataclasses import replace
from typing import Any

import pytest

import workloads
from lab.judge import gates
from lab.judge.evidence import Evidence, evidence
from lab.judge.figures import FIGURES
from lab.judge.gates import (
    CROWDED_LIMIT,
    LITTLE_LIMIT,
    MEANINGS,
    REMADE_LIMIT,
    SEARCH_ENDED,
    STARVED_LIMIT,
    UNEQUAL_ROWS,
    Gate,
    check,
)
from loadtest.limits import GENERATOR_LIMIT, LATE_LIMIT
from tests.unit.records import about, load, result

OF_ANSWERS = (gates.wrong_answers, gates.answers_that_came_wrong, gates.refused_wrongly)  # each allows for another
EVERY_GATE = tuple(each for each in vars(gates).values() if isinstance(each, Gate))


def refusals(subject: Evidence, baseline: Evidence, asked: tuple[Gate, ...]) -> list[str]:
    """Why these gates refuse to compare the two."""
    return list(gates.reasons(check(asked, subject, baseline)))


def sound(row: str = "flask", **changes: Any) -> Evidence:
    """1,000 requests of 10 ms, 1,000 of them a second: 10 in flight."""
    probed = result(row, probe=load(20, 2))
    return replace(evidence([[probed]], "HTTP/1.1", about(row), shared_cpus=2), **changes)


def test_every_gate_is_silent_on_sound_evidence() -> None:
    assert [reason for gate in EVERY_GATE if (reason := gate.reason(sound()))] == []
    assert refusals(sound("fastapi"), sound("flask"), EVERY_GATE) == []


@pytest.mark.parametrize(
    ("gate", "fault", "said"),
    [
        (gates.nothing_measured, {"results": 0}, "flask answered nothing"),
        (gates.nothing_measured, {"started": 0}, "flask answered nothing"),
        (
            gates.wrong_answers,
            {"failures": 3, "timeouts": 3, "errors": {"timed out": 3}},
            "3 of 1,000 answers of flask were wrong or missing: timed out",
        ),
        (
            gates.wrong_answers,
            {"failures": 1, "timeouts": 1},
            "1 of 1,000 answers of flask were wrong or missing: no error text",
        ),
        (
            gates.refused_wrongly,
            {"failures": 3, "errors": {"status 500: it failed": 1, f"status 503: {workloads.POOL_BUSY}": 2}},
            "1 of 1,000 answers of flask were wrong or missing: status 500: it failed",
        ),
        (gates.wrong_probe, {"probe_failures": 2}, "2 of 20 probes of flask were wrong or missing"),
        (
            gates.wrong_protocol,
            {"asked": "HTTP/2", "protocols": frozenset({"HTTP/1.1", "HTTP/2"})},
            "asked for HTTP/2, but spoke HTTP/1.1 with flask",
        ),
        (
            gates.generator_was_busy,
            {"generator": 0.93, "starved": None},
            "the generator used 93 % of its CPU against flask (limit 85 %)",
        ),
        (
            gates.generator_was_busy,
            {"generator": 0.78, "starved": 0.09},
            "the generator used 78 % of its CPU against flask and waited for 9 % more (limit 85 %)",
        ),
        (
            gates.generator_was_starved,
            {"starved": 0.31},
            "the generator waited for a CPU 31 % of the time against flask (limit 10 %)",
        ),
        (
            gates.row_was_crowded,
            {"crowded": 0.4},
            "strangers had 40 % of the CPU of flask while it waited for it (limit 25 %)",
        ),
        (gates.row_was_restarted, {"restarts": 2}, "2 processes of flask came or went while it was measured"),
        (
            gates.generator_was_busy,
            {"beside": 1.8},
            "generator, nginx and PostgreSQL used 90 % of the CPUs that they share against flask",
        ),
        (gates.littles_law, {"in_flight": 12.0}, "for flask: 12.00 requests in flight, but the figures say 10.00"),
        (gates.littles_law, {"in_flight": 8.5}, "for flask: 8.50 requests in flight, but the figures say 10.00"),
        (gates.littles_law, {"in_flight": 0.0}, "for flask: 0.00 requests in flight, but the figures say 10.00"),
        (gates.connections_remade, {"connections": 11}, "11 connections to flask were opened for 1,000 requests"),
        (
            gates.schedule_fell_behind,
            {"starts": 1000, "late": 30},
            "3.0 % of the starts against flask were late (limit 1 %)",
        ),
    ],
)
def test_a_gate_sees_its_fault_and_says_where_and_how_much(gate: Gate, fault: dict[str, Any], said: str) -> None:
    reason = gate.reason(sound(**fault))
    assert reason and said in reason
    alike = OF_ANSWERS if gate in OF_ANSWERS else (gate,)
    others = [other for other in EVERY_GATE if other not in alike and other.reason(sound(**fault))]
    assert others == []


@pytest.mark.parametrize(
    ("gate", "edge"),
    [
        (gates.generator_was_busy, {"generator": GENERATOR_LIMIT, "starved": 0.0}),
        (gates.generator_was_busy, {"beside": GENERATOR_LIMIT * 2}),
        (gates.generator_was_starved, {"starved": STARVED_LIMIT}),
        (gates.row_was_crowded, {"crowded": CROWDED_LIMIT}),
        (gates.littles_law, {"reported_in_flight": 10 * (1 + LITTLE_LIMIT)}),
        (gates.littles_law, {"reported_in_flight": 10 * (1 - LITTLE_LIMIT)}),
        (gates.connections_remade, {"connections": int(1000 * REMADE_LIMIT)}),
        (gates.schedule_fell_behind, {"starts": 100, "late": int(100 * LATE_LIMIT)}),
    ],
)
def test_a_gate_is_silent_at_its_limit(gate: Gate, edge: dict[str, Any]) -> None:
    assert gate.reason(sound(**edge)) is None


def test_what_runs_beside_the_generator_does_not_count_where_it_has_other_cpus() -> None:
    assert gates.generator_was_busy.reason(sound(beside=1.8, shared_cpus=0)) is None


@pytest.mark.parametrize("gate", [gates.generator_was_starved, gates.row_was_crowded])
def test_what_nobody_can_know_refuses_nothing(gate: Gate) -> None:
    assert gate.reason(sound(starved=None, crowded=None)) is None


def test_a_row_whose_clients_only_listen_shows_by_its_open_websockets_that_it_works() -> None:
    assert gates.nothing_measured.reason(sound(started=0, held=8)) is None


def test_a_row_that_lets_every_client_wait_in_vain_has_answered_nothing_however_well_its_probes_fare() -> None:
    assert gates.nothing_measured.reason(sound(failures=1000, timeouts=1000))


def test_an_answer_that_came_and_was_wrong_is_told_from_one_that_never_came() -> None:
    seen = sound(failures=7, timeouts=4, errors={"timed out": 4, "status 503": 3})
    reason = gates.answers_that_came_wrong.reason(seen)
    assert reason == "3 answers of flask came and were wrong, or broke off: timed out; status 503"
    assert gates.answers_that_came_wrong.reason(replace(seen, failures=4)) is None


@pytest.mark.parametrize("figure", ["served_pct", "threads", "probe_p95_ms"])
def test_a_row_that_says_its_pool_is_in_use_is_no_wrong_answer_where_that_is_what_is_measured(figure: str) -> None:
    said = sound("fastapi", failures=7, errors={f"status 503: {workloads.POOL_BUSY}": 7})
    assert refusals(said, sound(), FIGURES[figure].gates) == []
    assert refusals(replace(said, failures=8), sound(), FIGURES[figure].gates)


def test_a_search_that_ended_with_the_generator_has_not_found_the_rows_limit() -> None:
    reason = gates.generator_ended_the_search.reason(sound(outrun=2))
    assert reason and "2 of the searches on flask ended because the generator fell behind" in reason
    assert refusals(sound(), sound(outrun=1), FIGURES["capacity"].gates)


# Which gates a figure must pass


@pytest.mark.parametrize(
    ("figure", "refused"),
    [
        ("throughput", True),
        ("p50_ms", True),
        ("p99_ms", True),
        ("probe_p95_ms", True),
        ("capacity", True),
        ("after_ms", True),
        ("cpu_us", False),
        ("memory_mib", False),
        ("held", False),
    ],
)
@pytest.mark.parametrize("fault", [{"generator": 0.99}, {"starved": 0.4}, {"crowded": 0.4}])
def test_a_busy_or_starved_generator_and_a_shared_cpu_refuse_what_a_clock_says_and_not_what_the_rows_meter_says(
    figure: str, refused: bool, fault: dict[str, Any]
) -> None:
    reasons = refusals(sound("fastapi"), sound(**fault), FIGURES[figure].gates)
    assert bool(reasons) is refused


# What is measured by letting clients wait in vain, and what counts those that did.
WAITED_FOR = ("held", "probe_p95_ms", "kept_pct")


@pytest.mark.parametrize("figure", FIGURES)
def test_no_figure_is_taken_from_a_row_whose_answers_came_wrong_or_that_was_restarted(figure: str) -> None:
    wrong: dict[str, Any] = {"failures": 1, "errors": {"wrong body: b'other'": 1}}
    for fault in (wrong, {"restarts": 1}):
        assert refusals(sound("fastapi", **fault), sound(), FIGURES[figure].gates), fault


@pytest.mark.parametrize("figure", FIGURES)
def test_clients_that_wait_in_vain_refuse_all_but_what_is_measured_by_letting_them_wait(figure: str) -> None:
    """A thread pool holds as many WebSockets as it has threads: who waits for another is what `websocket` shows."""
    waiting = sound("fastapi", failures=92, timeouts=92, held=8)
    assert bool(refusals(waiting, sound(), FIGURES[figure].gates)) is (figure not in WAITED_FOR)


@pytest.mark.parametrize("figure", FIGURES)
def test_no_figure_is_taken_from_rows_that_answered_nothing_or_did_not_run_alike(figure: str) -> None:
    gates_ = FIGURES[figure].gates
    assert refusals(sound("fastapi", results=0), sound(), gates_) == ["fastapi answered nothing as it should"]
    assert refusals(sound("fastapi"), sound(about=about(cpus=2)), gates_)


def test_every_gate_has_a_title_of_its_own_that_the_report_lists() -> None:
    assert MEANINGS.keys() == {UNEQUAL_ROWS, SEARCH_ENDED, *(gate.title for gate in EVERY_GATE)}


def test_connections_that_are_not_meant_to_live_may_be_remade() -> None:
    remade = sound(connections=1000)
    assert refusals(sound("fastapi"), replace(remade, reconnects=True), FIGURES["throughput"].gates) == []
    assert len(refusals(sound("fastapi"), remade, FIGURES["throughput"].gates)) == 1


def test_both_rows_faults_are_told() -> None:
    reasons = refusals(sound("fastapi", failures=1), sound(failures=2), (gates.wrong_answers,))
    assert ["of flask" in reason for reason in reasons] == [False, True]


def test_a_row_against_itself_gives_no_reason_twice() -> None:
    seen = sound(failures=1, timeouts=1)
    asked = (gates.wrong_answers,)
    assert len(refusals(seen, seen, asked)) == 1
    assert len(refusals(seen, replace(seen), asked)) == 1


@pytest.mark.parametrize("figure", ["cpu_us", "whole_cpu_us", "throughput", "p50_ms"])
def test_a_figure_that_divides_by_the_requests_is_refused_where_littles_law_says_that_some_are_missing(
    figure: str,
) -> None:
    missing = sound("flask", in_flight=15.0)
    assert any("Little's law" in reason for reason in refusals(sound("fastapi"), missing, FIGURES[figure].gates))
