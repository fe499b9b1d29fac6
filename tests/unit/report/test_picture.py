"""The picture of a claim says who is better, whatever the figure counts, and shows no number that was refused."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from lab.experiments.outcomes import Verdict
from lab.judge.statistics import LOOKS
from lab.report import picture, report
from lab.report.picture import Axis, Line
from lab.report.section import Footnotes, sections
from lab.run import results
from tests.unit import runs


def lines(folder: Path, name: str, made: runs.Results, **changes: object) -> list[Line]:
    [section] = sections(results.read(runs.write(folder, {name: made}, **changes)))
    return picture.lines(section, Footnotes())


def cheap_flask(level: str, arm: str, number: int) -> tuple[float, float]:
    return 700, 100 if arm == "flask" else 300


def dear_flask(level: str, arm: str, number: int) -> tuple[float, float]:
    return 700, 300 if arm == "flask" else 100


def fast_fastapi(level: str, arm: str, number: int) -> tuple[float, float]:
    return 1400 if arm.startswith("fastapi") else 700, 300


def by_rows(found: list[Line], left: str, right: str) -> Line:
    return next(each for each in found if (each.left, each.right) == (left, right))


@pytest.mark.parametrize(("speeds", "winner"), [(cheap_flask, "flask"), (dear_flask, "fastapi")])
def test_the_row_that_needs_less_cpu_is_the_better_one_and_asgi_stands_on_the_right(
    tmp_path: Path, speeds: runs.Speeds, winner: str
) -> None:
    line = by_rows(lines(tmp_path, "basic-cost", runs.results("basic-cost", speeds)), "flask", "fastapi")
    [mark] = line.marks
    assert line.what == "CPU per request" and mark.matters and mark.drawn
    assert mark.words.startswith(f"{winner} × 3.0")
    assert (mark.drawn.mid > 1) == (winner == "fastapi")
    assert mark.drawn.low <= mark.drawn.mid <= mark.drawn.high


def test_the_row_that_serves_more_is_the_better_one(tmp_path: Path) -> None:
    line = by_rows(lines(tmp_path, "concurrent", runs.results("concurrent", fast_fastapi)), "flask", "fastapi")
    assert line.what == "requests per second"
    assert [mark.level for mark in line.marks] == ["8", "16", "64"]
    assert all(mark.words.startswith("fastapi × 2.0") and mark.drawn and mark.drawn.mid > 1.9 for mark in line.marks)


def test_rows_of_one_interface_keep_their_order_and_alike_is_said(tmp_path: Path) -> None:
    made = runs.results("one-at-a-time", lambda level, arm, number: (700, 300))
    line = by_rows(lines(tmp_path, "one-at-a-time", made), "flask-sync", "flask")
    assert line.marks[0].words.startswith("alike 1.00") and not line.marks[0].matters


def test_what_was_refused_has_no_mark_but_the_number_of_its_reason(tmp_path: Path) -> None:
    made = [runs.failing(each) for each in runs.results("basic-cost", dear_flask)]
    found = lines(tmp_path, "basic-cost", made)
    assert all(mark.drawn is None and mark.control is None for line in found for mark in line.marks)
    assert all(mark.words.startswith("refused [") for line in found for mark in line.marks)
    assert picture.headline(found, Verdict.REFUSED) is None


def test_beside_a_cpu_ratio_stands_how_busy_the_row_of_each_side_was_and_what_else_differs(tmp_path: Path) -> None:
    made = [
        replace(each, row_cpus=0.25 if each.block.row == "fastapi" else 0.98)
        for each in runs.results("basic-cost", dear_flask)
    ]
    line = by_rows(lines(tmp_path, "basic-cost", made), "flask", "fastapi")
    assert line.marks[0].used == "0.98 / 0.25"
    assert line.differ.startswith("server gunicorn / uvicorn; HTTP parser python / httptools; event loop none / uvloop")


def test_memory_is_named_as_what_it_is(tmp_path: Path) -> None:
    found = lines(tmp_path, "concurrent", runs.results("concurrent", fast_fastapi))
    assert "PSS" in {line.what for line in found} and "memory" not in {line.what for line in found}


def test_the_large_ratio_is_the_first_that_decides_at_the_last_level_that_was_judged(tmp_path: Path) -> None:
    made = [
        runs.failing(each) if each.block.purpose.level == "64" else each
        for each in runs.results("concurrent", fast_fastapi)
    ]
    shown = picture.headline(lines(tmp_path, "concurrent", made), Verdict.DEPENDS)
    assert shown
    line, mark = shown
    assert (line.left, line.right, line.what, mark.level) == ("flask", "fastapi", "requests per second", "16")


def test_over_a_claim_that_was_supported_stands_what_supports_it(tmp_path: Path) -> None:
    speeds = {"flask": 300, "wsgi-granian": 50}
    made = runs.results("basic-cost", lambda level, arm, number: (700, speeds.get(arm, 100)))
    found = lines(tmp_path, "basic-cost", made)
    shown, against = picture.headline(found, Verdict.SUPPORTED), picture.headline(found, Verdict.DEPENDS)
    assert shown and shown[1].words.startswith("wsgi-granian × 2.0")
    assert against and against[1].words.startswith("fastapi × 3.0")


def test_reasons_stand_below_the_picture_and_those_of_tables_are_folded_away_with_them(tmp_path: Path) -> None:
    made = [replace(each, generator_cpus=0.97) for each in runs.results("basic-cost", dear_flask)]
    page = report.write(results.read(runs.write(tmp_path, {"basic-cost": made}))).read_text()
    assert "Refused, so there is no number" not in page  # CPU per request is the row's own, and stands
    folded = page[page.index("Why figures of these tables were refused") :]
    assert "the generator used 97 % of its CPU against flask" in folded[: folded.index("</details>")]


@pytest.mark.parametrize("end", [1.25, 1.4, 2.3, 9, 40, 150, 1300])
def test_an_axis_has_1_in_its_middle_the_same_ticks_on_either_side_and_none_too_close(end: float) -> None:
    ticks = Axis(end).ticks
    places = [float(at.removesuffix("%")) for at, _ in ticks]
    assert places == sorted(places) and len(places) >= 3
    assert ticks[len(ticks) // 2] == ("50.00%", "1")
    assert [label for _, label in ticks] == [label for _, label in reversed(ticks)]
    assert min(after - before for before, after in pairwise(places)) > 9
    assert places[0] > 0 and places[-1] < 100


@pytest.mark.parametrize(
    ("restarts", "said", "otherwise"),
    [
        (True, f"{LOOKS[0]} rounds, each with new starts of both rows", "could not be started"),
        (False, f"{LOOKS[0]} rounds, all of the same processes", "each with new starts"),
    ],
)
def test_the_number_of_starts_stands_beside_the_ratio(
    tmp_path: Path, restarts: bool, said: str, otherwise: str
) -> None:
    made = {"basic-cost": runs.results("basic-cost", dear_flask)}
    page = report.write(results.read(runs.write(tmp_path, made, restarts=restarts))).read_text()
    assert said in page and otherwise not in page


def test_the_first_picture_has_every_claim_with_its_verdict_and_sentence_before_any_table(tmp_path: Path) -> None:
    names = ("basic-cost", "one-at-a-time", "concurrent")
    made = {name: runs.results(name, dear_flask) for name in names}
    page = report.write(results.read(runs.write(tmp_path, made))).read_text()
    first = page[page.index('<ol class="claims">') : page.index("</ol>")]
    assert page.index('<ol class="claims">') < page.index("<table")
    assert all(f'href="#{name}"' in first for name in names)
    assert first.count('class="verdict') == len(names)


def test_charts_have_the_colours_of_the_page_so_they_are_dark_in_the_dark(tmp_path: Path) -> None:
    made = {
        "concurrent": runs.results("concurrent", fast_fastapi),
        "where-from": runs.results("where-from", dear_flask),
    }
    page = report.write(results.read(runs.write(tmp_path, made))).read_text()
    drawn = page[page.index("<figure>") :]
    assert "var(--series-0)" in drawn
    assert not re.search(r"(fill|stroke): (#|white|black)", drawn)
