"""A results folder gives back what was measured, and says in one line what is wrong with it."""

import errno
import json
import os
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest

from lab import LabError
from lab.experiments import find
from lab.generator.record import FORMAT, HEADER, RESULT, Part, RawFile, Result
from lab.judge.judge import Measurements
from lab.report import report
from lab.run import results
from lab.run.results import Run
from tests.unit import records
from tests.unit.records import about, cpu_us, header, of, pairs, result

FULL = Path("/dev/full")  # every write to it says that the disk is full
EXPERIMENT = find("io-bound")
ABOUTS = {row: about("fastapi" if row.startswith("fastapi") else "flask") for row in EXPERIMENT.rows}
PLANNED = EXPERIMENT.only(["flask", "fastapi"], ["1"])
HEADER_ = header(abouts=ABOUTS, experiments={EXPERIMENT.name: Part(**PLANNED.part())})


def made(count: int = 6) -> list[Result]:
    return [of(each, experiment=EXPERIMENT.name) for each in pairs(0.5, count, level="1")]


def lines(*values: Any) -> str:
    """JSON values, whatever they are, a line each."""
    return "".join(json.dumps(value) + "\n" for value in values)


def as_json(value: Any) -> Any:
    kind = RESULT if isinstance(value, Result) else HEADER
    return kind.dump_python(value, mode="json")


RAW_HEADER = as_json(HEADER_)


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
    measured = Run(tmp_path, HEADER_, {EXPERIMENT.name: PLANNED}, {EXPERIMENT.name: Measurements(made())})
    read = results.read(folder(tmp_path, records.lines(HEADER_, *made())))
    assert (read.folder, read.header, read.torn) == (tmp_path, HEADER_, False)
    assert read.experiments == {EXPERIMENT.name: PLANNED}
    assert read.measured[EXPERIMENT.name].rounds == measured.measured[EXPERIMENT.name].rounds
    assert [each.findings for each in read.judgements()] == [each.findings for each in measured.judgements()]
    assert read.judgements()[0].findings[0].comparison


def test_experiments_come_in_the_order_in_which_they_ran(tmp_path: Path) -> None:
    second = of(result("flask"), experiment="basic-cost")
    both = {"basic-cost": Part(**find("basic-cost").part()), **HEADER_.experiments}
    text = records.lines(header(abouts=ABOUTS, experiments=both), *made(1), second)
    assert list(results.read(folder(tmp_path, text)).measured) == ["io-bound", "basic-cost"]


def test_a_run_that_was_stopped_before_its_first_block_has_nothing_to_judge(tmp_path: Path) -> None:
    assert results.read(folder(tmp_path, records.lines(HEADER_))).judgements() == []


def test_a_last_line_that_was_cut_off_is_left_out_and_told(tmp_path: Path) -> None:
    whole = records.lines(HEADER_, *made())
    for kept in (len(whole) - 1, len(whole) - 200):
        read = results.read(folder(tmp_path, whole[:kept]))
        assert read.torn
        (judgement,) = read.judgements()
        assert judgement.findings[0].pairs == 5


@pytest.mark.parametrize(("found", "said"), [({}, "format 1"), ({"format": FORMAT + 1}, f"format {FORMAT + 1}")])
def test_a_file_of_another_format_is_told_apart(tmp_path: Path, found: dict[str, int], said: str) -> None:
    other = {key: value for key, value in RAW_HEADER.items() if key != "format"} | found
    told = refused(folder(tmp_path, lines(other) + "whatever its results look like\n"))
    assert f"has {said}, and this lab reads format {FORMAT}" in told and "run it again" in told


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
    text = records.lines(HEADER_, *made(1)) + garbage + "\n" + lines(*map(as_json, made(1)))
    said = refused(folder(tmp_path, text))
    assert "raw.jsonl, line 4, is not a result of this version of the lab" in said
    assert "run it again" in said


@pytest.mark.parametrize("first", ["nonsense", "[]", "{}", json.dumps(as_json(result()))])
def test_a_first_line_that_is_no_header_is_told(tmp_path: Path, first: str) -> None:
    assert "line 1, is not" in refused(folder(tmp_path, first + "\n" + lines(*map(as_json, made()))))


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
    stranger = of(result("flask", 0, "1", **cpu_us(300)), **{"experiment": EXPERIMENT.name} | changes)
    said = refused(folder(tmp_path, records.lines(HEADER_, *made(1), stranger)))
    assert "line 4" in said and named in said


@pytest.mark.parametrize(
    "part", [{"nosuch": find("control").part()}, {"io-bound": {"arms": ["django"], "levels": ["1"]}}, ["io-bound"]]
)
def test_a_header_that_names_what_this_version_does_not_know_is_told(tmp_path: Path, part: Any) -> None:
    assert "line 1, is not" in refused(folder(tmp_path, lines(RAW_HEADER | {"experiments": part})))


def test_a_row_of_which_the_header_says_nothing_is_told(tmp_path: Path) -> None:
    without = header(abouts={"fastapi": about("fastapi")}, experiments=HEADER_.experiments)
    assert "line 3" in refused(folder(tmp_path, records.lines(without, *made())))


@pytest.mark.parametrize("part", ["load", "cpu_ns", "answered", "meter", "schedule", "block"])
def test_a_result_that_lacks_a_part_is_told(tmp_path: Path, part: str) -> None:
    (one, other) = map(as_json, made(1))
    del other[part]
    said = refused(folder(tmp_path, lines(RAW_HEADER, one, other)))
    assert "line 3" in said and part in said


def test_a_result_as_older_versions_wrote_it_is_told(tmp_path: Path) -> None:
    (one, other) = map(as_json, made(1))
    other["meter"] = [other["meter"], other["meter"]]
    assert "line 3" in refused(folder(tmp_path, lines(RAW_HEADER, one, other)))


# Where a file cannot be read, or written


def without(value: Any, path: tuple[str, ...]) -> Any:
    """The value, less what stands there."""
    first, *rest = path
    if not rest:
        return {key: each for key, each in value.items() if key != first}
    return value | {first: without(value[first], tuple(rest))}


def paths(value: Any) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [path for key, each in value.items() for path in [(key,), *((key, *rest) for rest in paths(each))]]


@pytest.mark.parametrize("place", ["header", "result"])
def test_whatever_field_is_missing_there_is_a_report_or_one_line(place: str, tmp_path: Path) -> None:
    first, *others = RAW_HEADER, *map(as_json, made())
    told = 0
    for path in paths(first if place == "header" else others[0]):
        lines_ = (
            [without(first, path), *others] if place == "header" else [first, without(others[0], path), *others[1:]]
        )
        try:
            report.write(results.read(folder(tmp_path, lines(*lines_))))
        except LabError as error:
            told += 1
            assert "\n" not in str(error) and "raw.jsonl" in str(error)
    assert told > 20


def test_a_full_disk_is_told_in_one_line_that_says_what_is_kept(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"cannot write /dev/full: No space left on device$"), RawFile(FULL, HEADER_):
        pass
    raw = RawFile(tmp_path / "raw.jsonl", HEADER_)
    with pytest.raises(LabError, match=f"No space left on device; what was .* kept: lab report {tmp_path}"), raw:
        raw.add(made()[0])
        raw.file.close()
        raw.file = FULL.open("wb", buffering=0)
        raw.add(made()[1])
    assert results.read(tmp_path).measured[EXPERIMENT.name].rounds.keys() == {("1", "fastapi")}


def test_a_line_that_the_disk_had_no_room_for_is_left_out(tmp_path: Path) -> None:
    """A file may take a part of a line before it is full."""
    raw = RawFile(tmp_path / "raw.jsonl", HEADER_)
    with raw:
        raw.add(made()[0])
        whole = raw.file
        raw.file = Short(whole)  # type: ignore[assignment]  # a disk that fills
        with pytest.raises(LabError, match="No space left"):
            raw.add(made()[1])
        raw.file = whole
    read = results.read(tmp_path)
    assert read.torn and read.measured[EXPERIMENT.name].rounds.keys() == {("1", "fastapi")}


class Short:
    """Takes ten bytes at once, and no more than a hundred in all."""

    def __init__(self, file: RawIOBase) -> None:
        self.file, self.room = file, 100

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= 10
        return self.file.write(data[:10]) or 0


@pytest.mark.parametrize("name", ["report.html", "report.md"])
@pytest.mark.parametrize("said", ["No space left on device", "Is a directory"])
def test_a_report_that_cannot_be_written_is_told_in_one_line_and_no_half_of_it_is_left(
    name: str, said: str, tmp_path: Path
) -> None:
    read = results.read(folder(tmp_path, records.lines(HEADER_, *made())))
    if said == "Is a directory":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("that of an earlier day")
        (tmp_path / f"{name}.part").symlink_to(FULL)
    with pytest.raises(LabError, match=f"cannot write {tmp_path}/{name}: {said}; raw.jsonl has all") as caught:
        report.write(read)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.part"))
    assert said == "Is a directory" or (tmp_path / name).read_text() == "that of an earlier day"


def test_two_runs_that_begin_within_a_second_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    made = [results.new_folder("control") for _ in range(20)]
    assert len(set(made)) == 20 and all(path.is_dir() and path.name.count("control") == 1 for path in made)


@pytest.mark.parametrize("obstacle", ["file", "broken link"])
def test_a_place_that_takes_no_results_is_told_in_one_line(
    obstacle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    place = tmp_path / "results"
    place.touch() if obstacle == "file" else place.symlink_to(tmp_path / "nowhere" / "else")
    with pytest.raises(LabError, match=f"cannot write {tmp_path}/results/.*: (Not a directory|File exists)"):
        results.new_folder("control")
