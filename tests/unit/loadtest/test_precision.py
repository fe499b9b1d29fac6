"""Times in Locust's statistics, tables and files: three digits everywhere, merged exactly."""

import csv
import io
import random

import pytest
from locust.env import Environment
from locust.stats import RequestStats, StatsCSV, StatsEntry

from loadtest import precision

precision.install()


def entry_of(times: list[float]) -> StatsEntry:
    stats = RequestStats()
    for ms in times:
        stats.log_request("GET", "/json flask", ms, 0)  # type: ignore[arg-type]  # Locust declares int
    return stats.get("/json flask", "GET")


@pytest.mark.parametrize("scale", [0.1, 1, 10, 100, 1_000, 10_000])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99, 0.999])
def test_percentiles_hold_to_one_percent_from_a_tenth_of_a_millisecond_to_a_minute(scale: float, share: float) -> None:
    generator = random.Random(4711)
    times = sorted(scale * generator.uniform(1, 6) for _ in range(20_000))
    exact = times[int(len(times) * share)]
    assert entry_of(times).get_response_time_percentile(share) == pytest.approx(exact, rel=0.01)


def test_statistics_of_several_workers_merge_to_those_of_one() -> None:
    generator = random.Random(1)
    times = [generator.lognormvariate(1, 2) for _ in range(9_000)]
    merged = RequestStats()
    for worker in range(3):
        merged.get("/json flask", "GET").extend(entry_of(times[worker::3]))
    assert merged.get("/json flask", "GET").response_times == entry_of(times).response_times


def test_the_console_shows_times_below_a_millisecond() -> None:
    entry = entry_of([0.123, 0.125, 12.34])
    assert " 0.125 " in entry.to_string(current=False)
    assert " 0.125 " in entry.percentile()
    assert " 12.3" in entry.percentile()


def test_the_csv_has_the_figures_of_the_web_ui() -> None:
    environment = Environment()
    for ms in (0.123, 0.456, 78.9):
        environment.stats.log_request("GET", "/json flask", ms, 0)  # type: ignore[arg-type]  # Locust declares int
    written = io.StringIO()
    StatsCSV(environment, [0.5, 0.99]).requests_csv(csv.writer(written))
    line = next(csv.DictReader(io.StringIO(written.getvalue())))
    shown = environment.stats.get("/json flask", "GET").to_dict()
    assert float(line["50%"]) == shown["median_response_time"] == 0.456
    assert float(line["99%"]) == shown["response_time_percentile_0.99"] == 78.9
    assert shown["min_response_time"] == 0.123


@pytest.mark.parametrize(("ms", "text"), [(0.1234, "0.123"), (4.567, "4.57"), (45.67, "45.7"), (45_678, "45700")])
def test_a_time_is_shown_with_three_digits_and_no_exponent(ms: float, text: str) -> None:
    assert precision.shown(ms) == text
