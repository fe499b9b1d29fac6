"""What is made of Locust's statistics: rows side by side, and what to doubt."""

from argparse import Namespace
from collections import Counter
from typing import Any

import pytest
from locust.env import Environment

from loadtest import targets
from loadtest.figures import Sample, Sampler, Tally, keeps_limit
from loadtest.limits import GENERATOR_LIMIT


def tally(requests: int, ms: float = 10, failures: int = 0) -> Tally:
    return Tally(requests, failures, Counter({ms: requests}))


def sampler(*samples: Sample) -> Sampler:
    environment = Environment(parsed_options=Namespace(rows=["flask", "fastapi"], limit_p99_ms=0.0, limit_errors=0.1))
    made = Sampler(environment)
    made.samples.extend(samples)
    made.first = samples[0] if samples else None
    return made


def sample(at: float, flask: Tally, fastapi: Tally, cpu_ns: int = 0) -> Sample:
    meters = {"flask": {"cpu_ns": cpu_ns, "rss_bytes": 2**21, "sockets": 3, "threads": 9}, "fastapi": {}}
    return Sample(at, {("/json", "flask"): flask, ("/json", "fastapi"): fastapi}, meters, 4)


def test_rows_stand_side_by_side_with_their_ratio_to_the_first() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(100), tally(250), cpu_ns=2_000_000)
    flask, fastapi = sampler(before, last).lines(before, last, seconds=10)
    assert (flask["requests_per_s"], fastapi["requests_per_s"]) == (10, 25)
    assert (flask["ratio"], fastapi["ratio"]) == (1, 2.5)


def test_cpu_per_request_comes_from_the_rows_meter_and_is_unknown_without_one() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(100), tally(250), cpu_ns=2_000_000)
    flask, fastapi = sampler(before, last).lines(before, last, seconds=10)
    assert (flask["cpu_us"], flask["rss_mib"]) == (20, 2)
    assert fastapi["cpu_us"] is None


def test_figures_of_a_window_leave_out_what_came_before_it() -> None:
    before, last = sample(0, tally(100, ms=900), tally(0)), sample(3, tally(100, ms=900), tally(30, ms=5))
    last.tallies["/json", "flask"].requests += 6
    last.tallies["/json", "flask"].histogram[7] += 6
    flask, _ = sampler(before, last).lines(before, last, seconds=3)
    assert (flask["requests"], flask["p99_ms"]) == (6, 7)


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (tally(1000, ms=199), True),
        (tally(1000, ms=201), False),
        (tally(1000, ms=10, failures=1), True),  # 0.1 %
        (tally(1000, ms=10, failures=2), False),
        (tally(0), False),
    ],
)
def test_a_limit_is_kept_by_fast_and_right_answers_only(made: Tally, kept: bool) -> None:
    assert keeps_limit(made, Namespace(limit_p99_ms=200, limit_errors=0.1)) is kept


def schedule(**changes: Any) -> dict[str, Any]:
    return {"started": 1000, "late": 0, "worst_ms": 1, "queued": 0} | changes


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ({"generators": {"a": 0.99, "b": 0.5}}, "1 of 2 Locust processes"),
        ({"arrivals": {"a": {"flask": schedule(late=30, worst_ms=80)}}}, "the schedule was not kept: 3.0%"),
        ({"arrivals": {"a": {"flask": schedule(queued=5)}}}, "5 of 1,000 starts had to wait for a free user"),
        ({"lost": ["worker-7"]}, "worker-7 was lost"),
    ],
)
def test_what_makes_figures_doubtful_is_said(fault: dict[str, Any], warning: str) -> None:
    made = sampler()
    vars(made).update(fault)
    (said,) = made.warnings()
    assert warning in said


def test_rows_that_use_up_the_cpu_they_share_are_not_to_be_compared_by_throughput(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "rows", lambda: {"flask": {"cpus": 1}, "fastapi": {"cpus": 1}})
    before, idle = sample(0, tally(0), tally(0)), sample(3, tally(9), tally(9), cpu_ns=1_000_000_000)
    assert not sampler(before, idle).rows_are_crowded()
    busy = sampler(before, sample(3, tally(9), tally(9), cpu_ns=2_900_000_000))
    assert busy.rows_are_crowded()
    busy.crowded = True
    assert "load one row at a time" in busy.warnings()[0]


def test_nothing_is_said_where_nothing_is_doubtful() -> None:
    made = sampler()
    made.generators = {"a": GENERATOR_LIMIT - 0.01}
    made.arrivals = {"a": {"flask": schedule()}}
    assert made.warnings() == []
