"""Gates are silent on sound evidence; each sees its planted fault, and names the row and the figure."""

from dataclasses import replace
from typing import Any

import pytest

from lab.judge import gates
from lab.judge.audit import unequal_rows
from lab.judge.evidence import Evidence, evidence
from lab.judge.figures import FIGURES
from lab.judge.gates import LITTLE_LIMIT, MEANINGS, REMADE_LIMIT, UNEQUAL_ROWS, Gate, check
from loadtest.limits import GENERATOR_LIMIT, LATE_LIMIT
from tests.unit.records import about, load, result

EVERY_GATE = tuple(each for each in vars(gates).values() if isinstance(each, Gate))


def refusals(subject: Evidence, baseline: Evidence, asked: tuple[Gate, ...]) -> list[str]:
    """Why these gates refuse to compare the two."""
    return list(gates.reasons(check(asked, subject, baseline)))


def unequal(one: Evidence, other: Evidence) -> str | None:
    return unequal_rows(one.about, other.about)


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
        (gates.nothing_measured, {"started": 0, "probe_started": 0}, "flask answered nothing"),
        (
            gates.wrong_answers,
            {"failures": 3, "errors": {"wrong body": 3}},
            "3 of 1,000 answers of flask were wrong or missing: wrong body",
        ),
        (gates.wrong_answers, {"failures": 1}, "1 of 1,000 answers of flask were wrong or missing: no error text"),
        (gates.wrong_probe, {"probe_failures": 2}, "2 of 20 probes of flask were wrong or missing"),
        (
            gates.wrong_protocol,
            {"asked": "HTTP/2", "protocols": frozenset({"HTTP/1.1", "HTTP/2"})},
            "asked for HTTP/2, but spoke HTTP/1.1 with flask",
        ),
        (
            gates.generator_was_busy,
            {"generator": 0.93},
            "the generator used 93 % of its CPU against flask (limit 85 %)",
        ),
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
    others = [other for other in EVERY_GATE if other is not gate and other.reason(sound(**fault))]
    assert others == []


@pytest.mark.parametrize(
    ("gate", "edge"),
    [
        (gates.generator_was_busy, {"generator": GENERATOR_LIMIT}),
        (gates.generator_was_busy, {"beside": GENERATOR_LIMIT * 2}),
        (gates.littles_law, {"requests_per_s": 1000 * (1 + LITTLE_LIMIT)}),
        (gates.littles_law, {"requests_per_s": 1000 * (1 - LITTLE_LIMIT)}),
        (gates.connections_remade, {"connections": int(1000 * REMADE_LIMIT)}),
        (gates.schedule_fell_behind, {"starts": 100, "late": int(100 * LATE_LIMIT)}),
    ],
)
def test_a_gate_is_silent_at_its_limit(gate: Gate, edge: dict[str, Any]) -> None:
    assert gate.reason(sound(**edge)) is None


def test_what_runs_beside_the_generator_does_not_count_where_it_has_other_cpus() -> None:
    assert gates.generator_was_busy.reason(sound(beside=1.8, shared_cpus=0)) is None


def test_a_row_whose_clients_only_listen_is_measured_by_its_probe() -> None:
    assert gates.nothing_measured.reason(sound(started=0)) is None


def test_a_search_that_ended_with_the_generator_has_not_found_the_rows_limit() -> None:
    reason = gates.generator_ended_the_search.reason(sound(outrun=2))
    assert reason and "2 of the searches on flask ended because the generator fell behind" in reason
    assert refusals(sound(), sound(outrun=1), FIGURES["capacity"].gates)


# Two rows together


@pytest.mark.parametrize("row", ["flask", "granian", "fastapi"])
def test_the_three_servers_as_compose_starts_them_run_alike(row: str) -> None:
    assert unequal(sound(row), sound("flask")) is None


@pytest.mark.parametrize(
    ("row", "fault", "said"),
    [
        ("flask", {"settings": {"WEB_CONCURRENCY": "4"}}, "workers 4 against 1"),
        ("granian", {"settings": {"GRANIAN_WORKERS": "4"}}, "workers 4 against 1"),
        ("fastapi", {"settings": {"UVICORN_WORKERS": "4"}}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn --workers 4 app"}, "workers 4 against 1"),
        ("fastapi", {"command": "uvicorn --workers=4 app"}, "workers 4 against 1"),
        ("flask", {"settings": {"GUNICORN_CMD_ARGS": "--backlog 2048 --workers 4"}}, "workers 4 against 1"),
        ("flask", {"python": "3.13.1"}, "Python 3.13.1 against 3.11.7"),
        ("flask", {"cpus": 2}, "CPUs 2 against 1"),
        ("flask", {"cpu_limit": "100000 100000"}, "CPU limit 100000 100000 against none"),
        ("flask", {"memory_limit": "536870912"}, "memory limit 536870912 against none"),
        ("flask", {"settings": {"GUNICORN_CMD_ARGS": "--backlog 64"}}, "backlog 64 against 2048"),
        ("fastapi", {"settings": {"UVICORN_BACKLOG": "64"}}, "backlog 64 against 2048"),
        ("granian", {"settings": {}, "command": "granian --backlog 256 app"}, "backlog 256 against 2048"),
        ("flask", {"command": "gunicorn --worker-class asgi app"}, "backlog 100 against 2048"),
        ("flask", {"command": "gunicorn --worker-class=asgi --backlog 2048 app"}, "backlog 100 against 2048"),
        ("fastapi", {"settings": {"UVICORN_WS_PING_INTERVAL": "20"}}, "pings against neither"),
        ("fastapi", {"settings": {"UVICORN_WS_PER_MESSAGE_DEFLATE": "true"}}, "compression against neither"),
        ("flask", {"settings": {"POOL_SIZE": "32"}}, "database pool 32 against 8"),
    ],
)
def test_the_fairness_audit_names_what_is_not_equal(row: str, fault: dict[str, Any], said: str) -> None:
    reason = unequal(sound(row, about=about(row, **fault)), sound("flask"))
    assert reason and reason.startswith(f"{row} and flask did not run alike: ") and said in reason
    assert reason.count(" against ") == 1  # and nothing else


def test_a_server_without_settings_has_its_own_defaults() -> None:
    bare = {row: about(row) | {"settings": {}} for row in ("granian", "fastapi")}
    reason = unequal(sound("fastapi", about=bare["fastapi"]), sound("granian", about=bare["granian"]))
    assert reason and "backlog 2048 against 1024" in reason
    assert "compression and pings against neither" in reason


def test_a_setting_of_another_server_changes_nothing() -> None:
    one_worker = about("granian", {"WEB_CONCURRENCY": "4"})  # granian does not read it
    assert unequal(sound("granian", about=one_worker), sound("flask")) is None


# Which gates a figure must pass


@pytest.mark.parametrize(
    ("figure", "refused"),
    [("throughput", True), ("p50_ms", True), ("p99_ms", True), ("probe_p95_ms", True), ("cpu_us", False)],
)
def test_a_busy_generator_refuses_what_the_clients_clock_says_and_not_what_the_rows_meter_says(
    figure: str, refused: bool
) -> None:
    reasons = refusals(sound("fastapi"), sound(generator=0.99), FIGURES[figure].gates)
    assert bool(reasons) is refused


@pytest.mark.parametrize("figure", FIGURES)
def test_no_figure_is_taken_from_rows_that_answered_nothing_or_did_not_run_alike(figure: str) -> None:
    gates_ = FIGURES[figure].gates
    assert refusals(sound("fastapi", results=0), sound(), gates_) == ["fastapi answered nothing"]
    assert refusals(sound("fastapi"), sound(about=about(cpus=2)), gates_)


def test_every_gate_has_a_title_of_its_own_that_the_report_lists() -> None:
    assert MEANINGS.keys() == {UNEQUAL_ROWS, *(gate.title for gate in EVERY_GATE)}


def test_connections_that_are_not_meant_to_live_may_be_remade() -> None:
    remade = sound(connections=1000)
    assert refusals(sound("fastapi"), replace(remade, reconnects=True), FIGURES["throughput"].gates) == []
    assert len(refusals(sound("fastapi"), remade, FIGURES["throughput"].gates)) == 1


def test_both_rows_faults_are_told() -> None:
    reasons = refusals(sound("fastapi", failures=1), sound(failures=2), EVERY_GATE)
    assert ["of flask" in reason for reason in reasons] == [False, True]


def test_a_row_against_itself_gives_no_reason_twice() -> None:
    seen = sound(failures=1)
    assert len(refusals(seen, seen, EVERY_GATE)) == 1
    assert len(refusals(seen, replace(seen), EVERY_GATE)) == 1
