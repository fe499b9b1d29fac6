"""Whatever a results folder holds, `lab report` writes a report or says in one line why not."""

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lab import LabError
from lab.experiments.outcomes import Outcome
from lab.judge.statistics import MIN_PAIRS, compare, log_ratios, percentile
from lab.report import output, report
from lab.run import results
from tests.unit.records import lines
from tests.unit.run.test_results import HEADER_, made

WHOLE = lines(HEADER_, *made())
JSON: list[Any] = [json.loads(line) for line in WHOLE.splitlines()]
NUMBERS = [0, -1, -0.0, 1e-320, 1e308, 10**30, -(10**30), 2**63, math.nan, math.inf, -math.inf]
TEXTS = ["", "x", "\0", "\ud800", "../../etc/passwd", "<script>", "9" * 400, "nan"]
OTHERS: list[Any] = [None, True, False, [], {}, [[]], {"": {}}, ["x"], {"1e999": 1}]
ODD = st.sampled_from([*NUMBERS, *TEXTS, *OTHERS]) | st.floats() | st.text(max_size=5)
once = hypothesis.settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def reported(raw: bytes) -> str | None:
    """Reads and reports a folder with this raw.jsonl; what was said where that cannot be."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "raw.jsonl").write_bytes(raw)
        try:
            found = results.read(Path(folder))
            output.text(found, found.judgements(), complete=True, missed=[])
            report.write(found)
        except LabError as error:
            return str(error)
    return None


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, each in inner for path in places(each, (*here, key)))]


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = with_other(value[path[0]], path[1:], other)
    return copy


@once
@given(st.data())
def test_a_field_with_anything_in_it_is_taken_or_named_in_a_line(data: st.DataObject) -> None:
    documents = list(JSON)
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(documents) - 1))
        path = data.draw(st.sampled_from(places(documents[number])))
        documents[number] = with_other(documents[number], path, data.draw(ODD))
    said = reported("".join(json.dumps(each) + "\n" for each in documents).encode("utf-8", "surrogatepass"))
    assert said is None or "\n" not in said


@once
@given(st.data())
def test_a_line_that_lacks_a_field_or_comes_twice_is_taken_or_named(data: st.DataObject) -> None:
    documents = list(JSON)
    number = data.draw(st.integers(0, len(documents) - 1))
    documents[number] = {key: each for key, each in documents[number].items() if data.draw(st.integers(0, 9))}
    documents.insert(
        data.draw(st.integers(0, len(documents))), documents[data.draw(st.integers(0, len(documents) - 1))]
    )
    said = reported("".join(json.dumps(each) + "\n" for each in documents).encode())
    assert said is None or "\n" not in said


@once
@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=4))
def test_a_file_that_was_cut_or_overwritten_is_taken_or_named_in_a_line(cut: int, at: int, put: bytes) -> None:
    raw = WHOLE.encode()[:cut]
    said = reported(raw[:at] + put + raw[at + len(put) :])
    assert said is None or "\n" not in said


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@once
@given(st.lists(st.tuples(st.floats() | positive, st.floats() | positive), max_size=12))
def test_any_measurements_are_compared_or_refused(measured: list[tuple[float, float]]) -> None:
    try:
        found = compare(log_ratios(*map(list, zip(*measured, strict=True))) if measured else [], look=1)
    except ValueError as error:
        assert len(measured) < MIN_PAIRS or not all(0 < value < math.inf for pair in measured for value in pair), error
        return
    assert found.low <= found.ratio * (1 + 1e-9) and found.ratio <= found.high * (1 + 1e-9)
    assert (
        found.detected is not (found.low <= 1 <= found.high)
        or math.isclose(1, found.low)
        or math.isclose(1, found.high)
    )
    assert found.outcome in Outcome


@once
@given(st.dictionaries(st.floats(0, 1e9), st.integers(1, 1_000), max_size=20), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_so_many_are_not_above_it(
    histogram: dict[float, int], share: float
) -> None:
    found = percentile(histogram, share)
    if not histogram:
        assert math.isnan(found)
        return
    below = sum(count for value, count in histogram.items() if value <= found)
    assert found in histogram
    assert below >= share * sum(histogram.values()) * (1 - 1e-9)
