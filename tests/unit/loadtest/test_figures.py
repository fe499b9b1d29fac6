"""What is made of Locust's statistics: rows side by side, and what to doubt."""

from argparse import Namespace
from collections import Counter
from typing import Any

import pytest
from locust.env import Environment

from loadtest import targets
from loadtest.doubts import warnings
from loadtest.figures import NO_ANSWER, SETTLED, Sample, Sampler, Tally, keeps_limit
from loadtest.limits import ERRORS_LIMIT, GENERATOR_LIMIT
from loadtest.users.row import WrongAnswer


def tally(requests: int, ms: float = 10, failures: int = 0) -> Tally:
    return Tally(requests, failures, Counter({ms: requests}))


def sampler(*samples: Sample) -> Sampler:
    options = Namespace(rows=["flask", "fastapi"], num_users=4, limit_p99_ms=0.0, limit_errors=0.1)
    made = Sampler(Environment(parsed_options=options))
    made.samples.extend(samples)
    made.first = samples[0] if samples else None
    return made


def sample(at: float, flask: Tally, fastapi: Tally, cpu_ns: int = 0) -> Sample:
    memory = {"memory_bytes": 2**21, "memory": "PSS", "cgroup_bytes": None}
    meters = {"flask": {"cpu_ns": cpu_ns, "sockets": 3, "threads": 9, **memory}, "fastapi": {}}
    return Sample(at, {("/json", "flask"): flask, ("/json", "fastapi"): fastapi}, meters, 4)


def test_rows_stand_side_by_side_with_their_ratio_to_the_first() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(100), tally(250), cpu_ns=2_000_000)
    flask, fastapi = sampler(before, last).lines(before, last, seconds=10)
    assert (flask["requests_per_s"], fastapi["requests_per_s"]) == (10, 25)
    assert (flask["ratio"], fastapi["ratio"]) == (1, 2.5)


def test_cpu_per_request_comes_from_the_rows_meter_and_is_unknown_without_one() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(100), tally(250), cpu_ns=2_000_000)
    flask, fastapi = sampler(before, last).lines(before, last, seconds=10)
    assert (flask["cpu_us"], flask["memory_mib"], flask["memory"]) == (20, 2, "PSS")
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
        ({"uneven": {"flask": 2, "fastapi": 1}}, "did not have the same number of users (flask 2, fastapi 1)"),
    ],
)
def test_what_makes_figures_doubtful_is_said(fault: dict[str, Any], warning: str) -> None:
    made = sampler()
    vars(made).update(fault)
    (said,) = warnings(made)
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
    assert "load one row at a time" in warnings(busy)[0]


def test_nothing_is_said_where_nothing_is_doubtful() -> None:
    made = sampler()
    made.generators = {"a": GENERATOR_LIMIT - 0.01}
    made.arrivals = {"a": {"flask": schedule()}}
    assert warnings(made) == []


@pytest.mark.parametrize("wrong", ["flask", "fastapi"])
def test_a_row_whose_answers_are_wrong_has_no_ratio_and_is_none_for_others(wrong: str) -> None:
    answers = {"flask": tally(250), "fastapi": tally(100)} | {wrong: tally(5000, failures=5000)}
    before, last = sample(0, tally(0), tally(0)), sample(10, answers["flask"], answers["fastapi"])
    ratios = {line["row"]: line["ratio"] for line in sampler(before, last).lines(before, last, seconds=10)}
    assert ratios == {"flask": 1, "fastapi": 1} | {wrong: None}


def test_a_few_wrong_answers_leave_a_row_its_ratio() -> None:
    few = int(10_000 * ERRORS_LIMIT)
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(10_000), tally(10_000, failures=few))
    assert [line["ratio"] for line in sampler(before, last).lines(before, last, seconds=10)] == [1, 1]


def test_why_a_rows_answers_were_wrong_is_said_and_that_it_is_not_compared() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(9, failures=9), tally(9))
    made = sampler(before, last)
    for reason in ["status 404: there is no such route"] * 8 + ["status 503: away"]:
        made.environment.stats.log_error("GET", "/json flask", WrongAnswer(reason))
    (said,) = warnings(made)
    assert said == (
        "flask: 9 of 9 requests for /json failed, 8 times with “status 404: there is no such route”; it is not compared"
    )


def clients(made: Sampler, **open_sockets: int) -> None:
    """Ten users on each row want a WebSocket."""
    made.clients = {"w": {row: {"users": 10, "open": count, "wanted": 10} for row, count in open_sockets.items()}}


def test_rows_that_hold_unlike_numbers_of_sockets_have_no_ratio_and_it_is_said_who_waits() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(80), tally(100))
    made = sampler(before, last)
    clients(made, flask=8, fastapi=10)
    lines = made.lines(before, last, seconds=10)
    assert [(line["open"], line["wanted"], line["ratio"]) for line in lines] == [(8, 10, 1), (10, 10, None)]
    assert warnings(made)[0].startswith("flask: 8 of 10 WebSockets open, 2 waiting")
    clients(made, flask=10, fastapi=10)
    assert [line["ratio"] for line in made.lines(before, last, seconds=10)] == [1, 1.25]
    assert warnings(made) == []


def test_a_row_that_has_not_answered_yet_stands_in_the_table() -> None:
    before, last = sample(0, tally(0), tally(0)), sample(10, tally(80), tally(0))
    for one in (before, last):
        del one.tallies["/json", "fastapi"]
    lines = sampler(before, last).lines(before, last, seconds=10)
    assert [(line["what"], line["row"], line["requests"], line["ratio"]) for line in lines] == [
        ("/json", "flask", 80, 1),
        (NO_ANSWER, "fastapi", 0, None),
    ]


def test_users_that_stay_unlike_are_noticed_and_those_on_their_way_are_not() -> None:
    made = sampler()
    for on_the_way in range(2 * SETTLED):  # a worker tells a little later than another
        made.clients = {"w": {"flask": {"users": on_the_way + 1}, "fastapi": {"users": on_the_way}}}
        made.note_users()
    assert made.uneven == {}
    for _ in range(SETTLED):
        made.note_users()
    assert made.uneven == {"flask": 2 * SETTLED, "fastapi": 2 * SETTLED - 1}


def test_throughput_counts_from_the_first_user_and_not_from_when_locust_was_asked() -> None:
    made = sampler(sample(0, tally(0), tally(0)), sample(9, tally(40), tally(40)))
    stats = made.environment.stats
    stats.total.start_time, stats.total.last_request_timestamp = 100, 106
    made.began = {"a": 102.0, "b": 102.5, "idle": 0.0}
    assert [line["requests_per_s"] for line in made.whole()] == [10, 10]


def test_the_users_of_a_lost_worker_do_not_count() -> None:
    made = sampler()
    made.clients = {"w": {"flask": {"users": 1}}, "lost": {"flask": {"users": 5}}}
    made.lost = ["lost"]
    assert made.of_clients("flask")["users"] == 1


def test_users_that_cannot_be_dealt_out_evenly_are_rounded_up_and_it_is_said() -> None:
    made = sampler()
    made.options.num_users = 5
    assert warnings(made) == ["5 users cannot be dealt out evenly to 2 rows: 6 run, 3 on each"]


def test_kinds_of_requests_stay_apart_and_the_most_frequent_comes_first() -> None:
    tallies = {("/stream whole", "flask"): tally(1, ms=2000), ("/stream gap", "flask"): tally(20, ms=100)}
    taken = Sample(1, tallies, {}, 1)
    assert taken.kinds() == ["/stream gap", "/stream whole"]
    assert taken.of("/stream gap", "flask").percentile(0.99) == 100
