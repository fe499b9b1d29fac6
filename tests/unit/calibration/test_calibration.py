"""The calibration: what it says of rounds whose truth is known."""

import random
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lab.calibration import calibrate as calibration
from lab.calibration import planted
from lab.calibration.calibrate import (
    APART_NAMES,
    MINUTE,
    PLANTED,
    ROWS,
    Calibration,
    calibrate,
    planted_name,
    planted_row,
    render,
)
from lab.calibration.verdicts import Wrong
from lab.experiments.outcomes import Verdict
from lab.judge.judge import Measurements
from lab.judge.statistics import LOOKS
from lab.stack.compose_file import ComposeFile
from tests.unit import runs
from tests.unit.records import cpu_us, header, of, result

PLAIN_US = 100.0


def rounds(arms: dict[str, float], count: int, noise: float, seed: int) -> Measurements:
    """Of arms that need so many µs, each off by `noise` (standard deviation of the log) in every round."""
    chance = random.Random(seed)
    return Measurements(
        of(result("flask", number, **cpu_us(us * chance.lognormvariate(0, noise))), arm=arm)
        for number in range(count)
        for arm, us in arms.items()
    )


def calibrated(
    noise: float,
    percents: dict[int, float] | None = None,
    off: Callable[[int], float] = lambda number: 1.0,
    runs_of_a_row: int = 9,
) -> Calibration:
    """`off` is what arm A of a row's n-th run is off by."""
    alike = {
        f"{row} {n}": rounds({"A": 300 * off(n // len(ROWS)), "B": 300}, LOOKS[0], noise, n)
        for n in range(runs_of_a_row * len(ROWS))
        for row in [ROWS[n % len(ROWS)]]
    }
    truth = percents or {percent: float(percent) for percent in PLANTED}
    arms = {planted_name(p): PLAIN_US * (1 + of / 100) for p, of in {0: 0.0, **truth}.items()}
    planted = rounds(arms | dict.fromkeys(APART_NAMES, PLAIN_US), 2 * MINUTE, noise, 100)
    return calibrate(header(abouts={row: runs.about("flask") for row in ROWS}), alike, planted, PLAIN_US)


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "STEPS", [0.01, 0.02, 0.05, 0.15])
    # The simulation has tests of its own: test_verdicts.py.
    monkeypatch.setattr(calibration, "wrong_verdicts", lambda noises: {Verdict.DEPENDS: Wrong(0.031, "io-bound")})


def test_a_quiet_machine_finds_what_was_planted_and_nothing_else() -> None:
    found = calibrated(noise=0.01)
    assert {percent: each.found for percent, each in found.planted.items()} == dict.fromkeys(PLANTED, 1.0)
    assert [each.ratio for each in found.planted.values()] == pytest.approx([1.03, 1.1], rel=0.005)
    assert [each.us for each in found.planted.values()] == pytest.approx([3, 10])
    assert found.smallest is not None and found.smallest <= 0.02
    assert found.noise.rounds == pytest.approx(0.01 * 2**0.5, rel=0.2)
    assert found.noise.starts < 0.005


def test_a_noisy_machine_says_so() -> None:
    found = calibrated(noise=0.3)
    assert found.smallest is None
    assert max(each.found for each in found.planted.values()) < 0.9


def test_false_alarms_are_no_more_than_the_level_allows() -> None:
    assert 0 < calibrated(noise=0.02, runs_of_a_row=60).false_alarms <= 0.06


def test_a_lasting_difference_between_two_arms_of_one_row_is_not_hidden() -> None:
    assert calibrated(noise=0.01, off=lambda number: 1.02).false_alarms == 1


def test_noise_that_comes_in_stretches_raises_the_false_alarms() -> None:
    """Arm A is slower in three runs, and faster in the next three: on average it is not off."""
    found = calibrated(noise=0.01, off=lambda number: 1.02 if number // 3 % 2 else 1 / 1.02, runs_of_a_row=30)
    assert found.false_alarms > 0.2


def test_it_says_how_many_of_its_runs_do_not_overlap() -> None:
    found = calibrated(noise=0.01, runs_of_a_row=16)
    assert (found.minutes, found.apart) == (len(ROWS) * (16 * LOOKS[0] - MINUTE + 1), len(ROWS) * 2)
    said = render(found, header())
    assert "132 one-minute runs" in said and "8 of these runs do not overlap" in said


def test_what_was_planted_and_is_not_there_is_not_found() -> None:
    found = calibrated(noise=0.02, percents={3: 0.0, 10: 0.0})
    assert all(each.found < 0.6 for each in found.planted.values())


def test_what_starts_add_to_the_spread_is_told_apart_from_what_rounds_do() -> None:
    chance = random.Random(5)
    made = rounds({planted_name(percent): PLAIN_US for percent in (0, *PLANTED)}, 200, 0.01, 6)
    for by_number in made.rounds.values():  # every round has a start of its own
        for number, (each,) in by_number.items():
            used = round(each.cpu_ns["row"] * chance.lognormvariate(0, 0.02))
            by_number[number] = [replace(each, cpu_ns={"row": used})]
    made.rounds |= rounds(dict.fromkeys(APART_NAMES, PLAIN_US), 10 * LOOKS[0], 0.01, 7).rounds
    alike = {row: rounds({"A": 300, "B": 300}, 40, 0.01, number) for number, row in enumerate(ROWS)}
    found = calibrate(header(abouts={row: runs.about("flask") for row in ROWS}), alike, made, PLAIN_US)
    assert found.noise.starts == pytest.approx(0.02 * 2**0.5, rel=0.15)
    looks, covered = found.apart_covered
    assert looks == 10 and covered >= 8


def test_a_planted_row_is_the_plain_one_with_its_slowdown_alone() -> None:
    table = ComposeFile(environ={})
    plain = next(row for row in table.rows if row.name == calibration.PLAIN)
    row = planted_row(table, "fastapi-planted-3", 3.5)
    differing = {name for name in row.environment if row.environment[name] != plain.environment.get(name)}
    assert differing == {"ROW", "PLANTED_US"}
    assert row.environment["PLANTED_US"] == "3.5"
    assert [word for word in row.command if word not in plain.command] == ["lab.calibration.planted:create_app"]


def test_the_page_says_what_was_asked_for_beside_what_came_out() -> None:
    said = render(calibrated(noise=0.01), header())
    assert "at least 90 % are asked for" in said and "the aim is 3 %" in said
    assert "| depends | 3.1 % | io-bound |" in said and "| 1.0 % |" in said


@pytest.mark.parametrize("us", [0.0, 1.0, 4.2, 14.0])
@pytest.mark.parametrize("call_us", [0.05, 0.4, 1.2, 2.5])
def test_what_is_planted_is_what_was_asked_for_however_long_a_clock_takes(
    us: float, call_us: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a baseline in which nothing is planted: a clock of a test's own, which takes time to be read."""
    clock = SimpleNamespace(now=0.0, chance=random.Random(7))

    def thread_time_ns() -> int:
        clock.now += call_us * 1000 * clock.chance.uniform(0.9, 1.1)
        return int(clock.now)

    monkeypatch.setattr(planted, "time", SimpleNamespace(thread_time_ns=thread_time_ns))

    def per_call(burnt_us: float) -> float:
        burn, began = planted.burner(calibration.FLOOR_US + burnt_us), clock.now
        for _ in range(4_000):
            burn()
        return float(clock.now - began) / 4_000_000

    assert per_call(us) - per_call(0) == pytest.approx(us, abs=0.02)
