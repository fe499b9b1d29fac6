"""A results folder gives back what was measured, and says in one line what is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab import LabError
from lab.experiments import find
from lab.judge.judge import Blocks
from lab.run import results
from lab.run.results import Run
from tests.unit.blocks import about, as_file, cpu_us, header, result, turns

EXPERIMENT = find("io-bound")
ABOUTS = {row: about("fastapi" if row.startswith("fastapi") else "flask") for row in EXPERIMENT.rows}
HEADER = header(abouts=ABOUTS, experiments={EXPERIMENT.name: EXPERIMENT.only(["flask", "fastapi"], ["1"]).part()})


def blocks(pairs: int = 6, **about_: Any) -> list[dict[str, Any]]:
    made = turns(0.5, pairs, level="1")
    for each in made:
        each["block"]["about"] |= {"experiment": EXPERIMENT.name} | about_
    return made


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def folder(path: Path, text: str) -> Path:
    (path / "raw.jsonl").write_text(text)
    return path


def refused(path: Path) -> str:
    """What reading says."""
    with pytest.raises(LabError) as caught:
        results.read(path)
    said = str(caught.value)
    assert str(path) in said and "\n" not in said
    return said


def test_reading_gives_what_was_written_and_the_same_verdict(tmp_path: Path) -> None:
    part = EXPERIMENT.only(["flask", "fastapi"], ["1"])
    measured = Run(tmp_path, HEADER, {EXPERIMENT.name: part}, {EXPERIMENT.name: Blocks(blocks())})
    read = results.read(folder(tmp_path, lines(HEADER, *blocks())))
    assert (read.folder, read.header, read.torn) == (tmp_path, as_file(HEADER), False)
    assert read.experiments == {EXPERIMENT.name: part}
    assert read.blocks[EXPERIMENT.name].turns == as_file_turns(measured.blocks[EXPERIMENT.name])
    assert read.judgements() == measured.judgements()
    assert read.judgements()[0].findings[0].comparison


def as_file_turns(made: Blocks) -> dict[tuple[str, str], dict[int, Any]]:
    return {key: {number: as_file(turn) for number, turn in found.items()} for key, found in made.turns.items()}


def test_experiments_come_in_the_order_in_which_they_ran(tmp_path: Path) -> None:
    second = result("flask")
    second["block"]["about"] |= {"experiment": "basic-cost"}
    both = HEADER | {"experiments": {"basic-cost": find("basic-cost").part(), **HEADER["experiments"]}}
    assert list(results.read(folder(tmp_path, lines(both, *blocks(1), second))).blocks) == ["io-bound", "basic-cost"]


def test_a_run_that_was_stopped_before_its_first_block_has_nothing_to_judge(tmp_path: Path) -> None:
    assert results.read(folder(tmp_path, lines(HEADER))).judgements() == []


def test_a_last_line_that_was_cut_off_is_left_out_and_told(tmp_path: Path) -> None:
    whole = lines(HEADER, *blocks())
    for kept in (len(whole) - 1, len(whole) - 200):
        read = results.read(folder(tmp_path, whole[:kept]))
        assert read.torn
        (judgement,) = read.judgements()
        assert judgement.findings[0].pairs == 5


def test_a_folder_without_results_says_where_they_would_be(tmp_path: Path) -> None:
    assert "a folder below results/ has a raw.jsonl" in refused(tmp_path)
    assert "a folder below results/" in refused(tmp_path / "nowhere")
    (tmp_path / "raw.jsonl").write_bytes(b"\xff\xfe\x00")
    assert "a folder below results/" in refused(tmp_path)


@pytest.mark.parametrize("text", ["", '{"looks": 3, "abou'])
def test_a_file_that_is_empty_or_holds_but_part_of_a_line_says_to_measure_again(tmp_path: Path, text: str) -> None:
    assert "nothing was measured, run it again" in refused(folder(tmp_path, text))


@pytest.mark.parametrize("garbage", ["nonsense", "[]", "null", "{}", '{"block": {"about": {}}}', "", '{"block": 3}'])
def test_garbage_in_the_middle_is_told_by_its_line(tmp_path: Path, garbage: str) -> None:
    text = lines(HEADER, *blocks(1)) + garbage + "\n" + lines(*blocks(1))
    said = refused(folder(tmp_path, text))
    assert "raw.jsonl, line 4, is not a result of this version of the lab" in said
    assert "run it again" in said


@pytest.mark.parametrize("first", ["nonsense", "[]", "{}", json.dumps(result())])
def test_a_first_line_that_is_no_header_is_told(tmp_path: Path, first: str) -> None:
    assert "line 1, is not" in refused(folder(tmp_path, first + "\n" + lines(*blocks())))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"experiment": "nosuch"}, "nosuch"),
        ({"experiment": "control"}, "control"),  # which this run did not plan
        ({"arm": "django"}, "io-bound has no such part: django, 1"),
        ({"arm": "flask-gevent"}, "io-bound has no such part: flask-gevent, 1"),
        ({"level": "10"}, "io-bound has no such part: flask, 10"),
    ],
)
def test_what_this_version_does_not_know_is_named(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    stranger = result("flask", 0, "1", **cpu_us(300))
    stranger["block"]["about"] |= {"experiment": EXPERIMENT.name} | changes
    said = refused(folder(tmp_path, lines(HEADER, *blocks(1), stranger)))
    assert "line 4" in said and named in said


@pytest.mark.parametrize(
    "part", [{"nosuch": find("control").part()}, {"io-bound": {"arms": ["django"], "levels": ["1"]}}, ["io-bound"]]
)
def test_a_header_that_names_what_this_version_does_not_know_is_told(tmp_path: Path, part: Any) -> None:
    assert "line 1, is not" in refused(folder(tmp_path, lines(HEADER | {"experiments": part})))


def test_a_row_of_which_the_header_says_nothing_is_told(tmp_path: Path) -> None:
    without = HEADER | {"abouts": {"fastapi": about("fastapi")}}
    assert "line 3" in refused(folder(tmp_path, lines(without, *blocks())))


@pytest.mark.parametrize("part", ["load", "cpu_ns", "answered", "meter", "schedule", "block"])
def test_a_result_that_lacks_a_part_is_told(tmp_path: Path, part: str) -> None:
    (one, other) = blocks(1)
    del other[part]
    assert "line 3" in refused(folder(tmp_path, lines(HEADER, one, other)))


def test_a_result_as_older_versions_wrote_it_is_told(tmp_path: Path) -> None:
    (one, other) = blocks(1)
    other["meter"] = [other["meter"], other["meter"]]
    assert "line 3" in refused(folder(tmp_path, lines(HEADER, one, other)))
