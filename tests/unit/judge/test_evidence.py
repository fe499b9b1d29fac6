"""Figures are read from results as they were measured; what was not measured is no number."""

import math
from dataclasses import replace
from typing import Any

import pytest

from lab.generator.record import Result, Schedule, SearchStep
from lab.judge import figures, search
from lab.judge.evidence import Evidence, evidence
from lab.judge.figures import FIGURES
from lab.judge.statistics import percentile
from tests.unit.records import METER, about, as_file, load, result, searched, splits, step


@pytest.mark.parametrize(
    ("histogram", "share", "found"),
    [
        ({5: 1}, 0.5, 5),
        ({1: 98, 7: 1, 900: 1}, 0.5, 1),
        ({1: 98, 7: 1, 900: 1}, 0.99, 7),
        ({1: 98, 7: 1, 900: 1}, 1, 900),
        ({10.0: 1, 9.5: 1, 2: 2}, 0.5, 2),
        ({10.0: 1, 9.5: 1, 2: 1}, 0.9, 10),
    ],
)
def test_a_percentile_is_the_smallest_time_that_so_many_kept(
    histogram: dict[float, int], share: float, found: float
) -> None:
    assert percentile(histogram, share) == found


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(percentile({}, 0.5))


def test_throughput_is_requests_by_the_seconds_of_the_window() -> None:
    assert figures.throughput([result(load=load(900), seconds=1.5)]) == 600


def test_cpu_per_request_is_the_time_used_over_the_requests_that_it_went_into() -> None:
    assert FIGURES["cpu_us"].of([result(cpu_ns={"row": 400_000_000}, answered=1000)]) == pytest.approx(400)


@pytest.mark.parametrize("changes", [{"cpu_ns": {"nginx": 1}}, {"answered": 0}])
def test_cpu_per_request_is_no_number_where_nobody_can_watch_or_nothing_was_served(changes: dict[str, Any]) -> None:
    assert math.isnan(FIGURES["cpu_us"].of([result(**changes)]))
    assert math.isnan(FIGURES["cpu_us"].of(splits(result(), {"cpu_ns": {}})))


def test_memory_is_no_number_where_nobody_can_read_the_meter() -> None:
    assert math.isnan(FIGURES["memory_mib"].of([result(meter=None)]))


def test_the_memory_of_a_container_is_no_number_without_one() -> None:
    assert math.isnan(FIGURES["cgroup_mib"].of([result()]))
    assert FIGURES["cgroup_mib"].of([result(meter=replace(METER, cgroup_bytes=96 * 2**20))]) == 96


def test_utilisation_is_weighed_by_the_time_and_no_number_where_a_part_is_unknown() -> None:
    assert FIGURES["utilisation"].of(splits(result(), {"row_cpus": 0.9, "seconds": 2.0})) == pytest.approx(0.7)
    assert math.isnan(FIGURES["utilisation"].of(splits(result(), {"row_cpus": None})))


def test_nginx_is_counted_per_request_and_added_to_the_row() -> None:
    made = result(cpu_ns={"row": 300_000_000, "nginx": 100_000_000})
    assert FIGURES["whole_cpu_us"].of([made]) == pytest.approx(400)
    assert math.isnan(FIGURES["whole_cpu_us"].of([result()]))  # nobody watched nginx


def test_the_splits_of_a_round_are_measured_together() -> None:
    both = splits(
        result(load=load(300, 10), answered=300, cpu_ns={"row": 30_000_000}),
        {"load": load(900, 20, seconds=2), "seconds": 2.0, "answered": 900, "cpu_ns": {"row": 330_000_000}},
    )
    assert FIGURES["throughput"].of(both) == 400
    assert FIGURES["cpu_us"].of(both) == pytest.approx(300)
    assert (FIGURES["p50_ms"].of(both[:1]), FIGURES["p50_ms"].of(both)) == (10, 20)


def test_the_probe_is_the_neighbours_p95() -> None:
    made = result(probe=load(100, histogram={2.0: 94, 30.0: 6}))
    assert FIGURES["probe_p95_ms"].of([made]) == 30
    assert math.isnan(FIGURES["probe_p95_ms"].of([result()]))


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("p50_ms", 10),
        ("p99_ms", 10),
        ("throughput", 1000),
        ("cpu_us", 300),
        ("memory_mib", 64),
        ("after_ms", 10),
        ("utilisation", 0.3),
    ],
)
def test_figures_are_the_same_from_the_file(figure: str, value: float) -> None:
    assert FIGURES[figure].of([result()]) == pytest.approx(value)
    assert FIGURES[figure].of([as_file(result())]) == pytest.approx(value)


def test_a_row_that_never_answered_again_has_no_time_for_it() -> None:
    assert math.isnan(FIGURES["after_ms"].of([result(after_ms=None)]))


# The search for a capacity


def test_a_step_keeps_its_limit_up_to_the_limit() -> None:
    assert search.keeps(replace(step(100, kept=True), load=load(100, 100.0)))
    assert not search.keeps(replace(step(100, kept=True), load=load(100, 101.0)))


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"load": load(1000, failures=1)}, True),  # 0.1 %
        ({"load": load(1000, failures=2)}, False),
        ({"load": load(0)}, False),
        ({"schedule": Schedule(started=1000, late=10, queued=0)}, True),  # 1 %
        ({"schedule": Schedule(started=1000, late=11, queued=0)}, False),
    ],
)
def test_a_step_is_kept_by_right_answers_on_schedule(changes: dict[str, Any], kept: bool) -> None:
    assert search.keeps(replace(step(1000, kept=True), **changes)) is kept


@pytest.mark.parametrize("knee", [30, 100, 450, 3000])
def test_a_search_finds_the_rate_up_to_which_the_limit_is_kept(knee: float) -> None:
    steps = searched(knee)
    assert search.complete(steps)
    assert search.capacity(steps) == pytest.approx(knee, rel=search.PRECISION / 2)


def test_a_search_that_was_cut_off_is_not_complete_and_a_single_block_is() -> None:
    steps = searched(450)
    assert not any(search.complete(steps[:count]) for count in range(1, len(steps)))
    assert search.complete([result()])


def test_a_round_of_which_a_split_is_missing_is_not_complete() -> None:
    both = splits(result())
    assert search.complete(both)
    assert not search.complete(both[:1])


def test_a_search_ends_where_it_keeps_the_most_that_is_asked_for() -> None:
    bisection = search.begin_search(100, SearchStep(limit_p99_ms=100, step=2, most_rate=300))
    while not bisection.done:
        bisection.judge(True)
    assert (bisection.best, bisection.behind) == (300, False)


def test_a_row_that_keeps_no_rate_has_no_capacity() -> None:
    assert math.isnan(search.capacity(searched(0)))


def test_one_hiccup_does_not_end_a_search() -> None:
    so_far = search.search([step(100, kept=True), step(200, kept=False), step(200, kept=True)])
    assert (so_far.best, so_far.rate) == (200, 400)


# What the gates look at


def gathered(*results: Result) -> Evidence:
    return evidence([[each] for each in results], "HTTP/1.1", about(), shared_cpus=1)


def test_evidence_adds_up_what_was_counted() -> None:
    seen = gathered(
        result(load=load(1000, failures=2, errors={"a": 2}), connections=1, probe=load(20, failures=1)),
        result(load=load(500, failures=1, errors={"a": 1}, protocols=["HTTP/2"]), connections=2, probe=load(10)),
    )
    assert (seen.results, seen.started, seen.failures, seen.errors) == (2, 1500, 3, {"a": 3})
    assert (seen.connections, seen.probe_started, seen.probe_failures) == (3, 30, 1)
    assert seen.protocols == {"HTTP/1.1", "HTTP/2"}


def test_evidence_weighs_results_by_their_seconds_and_requests() -> None:
    short = result(load=load(1000, 10))
    long = result(load=load(1000, 40, seconds=4), seconds=4.0)
    seen = gathered(short, long)
    assert seen.in_flight == pytest.approx(400 * 0.025)
    assert seen.reported_in_flight == pytest.approx(seen.in_flight)  # sound results keep Little's law together, too


def test_evidence_tells_the_generator_from_all_that_shares_its_cpus() -> None:
    seen = gathered(
        result(generator_cpus=0.4, beside_cpus={"nginx": 0.2}),
        result(generator_cpus=0.6, beside_cpus={"postgres": 0.4}),
    )
    assert [seen.generator, seen.beside] == pytest.approx([0.5, 0.8])


def test_a_result_without_an_answer_does_not_hide_the_others() -> None:
    seen = gathered(result(), result(load=load(0)))
    assert (seen.started, seen.in_flight, seen.reported_in_flight) == (1000, 5, 5)


def test_the_steps_of_a_search_that_were_too_slow_are_no_evidence() -> None:
    steps = searched(450)
    failed = load(9999, 200, failures=5000)
    made = [each if search.keeps(each) else replace(each, load=failed) for each in steps]
    seen = evidence([made], "HTTP/1.1", about(), 0)
    assert (seen.results, seen.failures, seen.late) == (sum(map(search.keeps, steps)), 0, 0)


def test_a_step_of_a_search_that_came_in_time_and_was_wrong_is_evidence_of_wrong_answers() -> None:
    right = step(100, kept=True)
    allowed = replace(right, load=load(2000, 50, failures=1))  # 0.05 %: the search keeps that rate
    wrong = replace(right, load=load(2000, 50, failures=40, errors={"status 503": 40}))
    assert evidence([[right, allowed]], "HTTP/1.1", about(), 0).failures == 0
    seen = evidence([[right, allowed, wrong]], "HTTP/1.1", about(), 0)
    assert (seen.results, seen.failures, seen.errors) == (3, 40, {"status 503": 40})


def test_a_search_that_kept_nothing_is_no_evidence() -> None:
    seen = evidence([searched(0)], "HTTP/1.1", about(), 0)
    assert (seen.results, seen.in_flight, seen.generator) == (0, 0, 0)


def test_what_nginx_and_postgresql_use_beside_the_generator_it_may_wait_for() -> None:
    seen = gathered(
        result(generator_waits=0.4, beside_cpus={"nginx": 0.2, "postgres": 0.1}),
        result(generator_waits=0.1, beside_cpus={"nginx": 0.2, "postgres": 0.1}, generator_stolen=0.04),
    )
    assert seen.starved == pytest.approx((0.1 + 0.04) / 2)


@pytest.mark.parametrize(
    ("changes", "shared_cpus", "starved"),
    [
        ({"generator_waits": None}, 1, None),
        ({"generator_waits": 0.3, "beside_cpus": {}}, 1, None),  # nginx is beside it, and nobody can say what it used
        ({"generator_waits": 0.3, "beside_cpus": {}}, 0, 0.3),
        ({"generator_waits": 0.3, "beside_cpus": {}, "generator_stolen": None}, 0, 0.3),
    ],
)
def test_how_long_the_generator_waited_for_strangers_is_unknown_where_nobody_can_say(
    changes: dict[str, Any], shared_cpus: int, starved: float | None
) -> None:
    assert evidence([[result(**changes)]], "HTTP/1.1", about(), shared_cpus).starved == starved


@pytest.mark.parametrize(
    ("waits", "taken", "crowded"),
    [
        (3.0, 0.01, 0.01),  # eight threads wait for each other, and nobody else is there
        (0.01, 0.6, 0.01),  # strangers run while the row sleeps
        (0.4, 0.5, 0.4),
        (None, 0.5, None),
        (0.4, None, None),
    ],
)
def test_a_row_is_crowded_by_what_strangers_have_while_it_waits(
    waits: float | None, taken: float | None, crowded: float | None
) -> None:
    assert gathered(result(row_waits=waits, row_taken=taken)).crowded == crowded


def test_evidence_counts_the_restarts_that_could_be_seen() -> None:
    assert gathered(result(restarts=2), result(restarts=None), result(restarts=1)).restarts == 3


def test_the_most_websockets_that_were_open_at_once_are_evidence() -> None:
    assert gathered(result(held=8), result(held=7)).held == 8


def test_a_search_that_the_generator_ended_is_counted() -> None:
    kept, late = step(100, kept=True), step(200, kept=True, late=100)
    lapses = [late] * search.PATIENCE
    assert evidence([[kept, *lapses], searched(450)], "HTTP/1.1", about(), 0).outrun == 1
    assert evidence([[kept, *lapses[1:]], searched(450)], "HTTP/1.1", about(), 0).outrun == 0
