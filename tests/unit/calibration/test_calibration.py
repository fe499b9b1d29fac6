"""The calibration: what it says of rounds whose truth is known."""

import random
from statistics import fmean

import pytest

from lab.calibration import calibrate as calibration
from lab.calibration.calibrate import (
    MINUTE,
    PLANTED,
    ROWS,
    STARTS,
    Calibration,
    calibrate,
    planted_name,
    planted_row,
    render,
)
from lab.judge.judge import Measurements
from lab.judge.statistics import MIN_PAIRS
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


def calibrated(noise: float, percents: dict[int, float] | None = None) -> Calibration:
    alike = {
        f"{row} {n}": rounds({"A": 300, "B": 300}, MIN_PAIRS, noise, n)
        for n in range(6 * len(ROWS))
        for row in [ROWS[n % len(ROWS)]]
    }
    truth = percents or {percent: float(percent) for percent in PLANTED}
    arms = {planted_name(p): PLAIN_US * (1 + of / 100) for p, of in {0: 0.0, **truth}.items()}
    starts = [rounds(arms, MINUTE + 5, noise, 100 + start) for start in range(STARTS)]
    return calibrate(header(abouts={row: runs.about("flask") for row in ROWS}), alike, starts, PLAIN_US)


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "REPAIRED", 200)
    monkeypatch.setattr(calibration, "STEPS", [0.01, 0.02, 0.05, 0.15])


def test_a_quiet_machine_finds_what_was_planted_and_nothing_else() -> None:
    found = calibrated(noise=0.01)
    assert {percent: each.found for percent, each in found.planted.items()} == dict.fromkeys(PLANTED, 1.0)
    assert [each.ratio for each in found.planted.values()] == pytest.approx([1.03, 1.1], rel=0.005)
    assert [each.us for each in found.planted.values()] == pytest.approx([3, 10])
    assert found.smallest is not None and found.smallest <= 0.02
    assert found.spread == pytest.approx(0.01 * 2**0.5, rel=0.2)


def test_a_noisy_machine_says_so() -> None:
    found = calibrated(noise=0.3)
    assert found.smallest is None
    assert max(each.found for each in found.planted.values()) < 0.9


def test_false_alarms_are_no_more_than_the_level_allows() -> None:
    assert fmean(calibrated(noise=noise).false_alarms for noise in (0.02, 0.1)) <= 0.06


def test_what_was_planted_and_is_not_there_is_not_found() -> None:
    found = calibrated(noise=0.02, percents={3: 0.0, 10: 0.0})
    assert all(each.found < 0.6 for each in found.planted.values())


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
    assert "at least 90 % are asked for" in said and "the aim is 3 %" in said and "started anew 6 times" in said
