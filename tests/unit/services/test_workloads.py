"""What both services share: rules that are code."""

import io
from pathlib import Path

import pytest

import workloads
from workloads import Parameter, Problem

NUMBER = Parameter("n", low=5, high=50, default=10)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ([], 10),
        (["5"], 5),
        (["50"], 50),
        (["007"], 7),
        (["4", "x", "5"], 5),
        ([" 9\n"], 9),
        (["+9"], 9),
        (["1_0"], 10),
        (["9.0"], 9),
    ],
)
def test_a_parameter_is_its_default_or_a_whole_number_within_its_bounds(given: list[str], value: int) -> None:
    assert NUMBER.read(given) == value


@pytest.mark.parametrize(
    "given",
    [["4"], ["51"], ["5", "4"], [""], ["5.5"], ["5."], ["٣٣"], ["９"], ["+ 9"], ["1__0"], ["_9"], ["-9"], ["9" * 5000]],
    ids=ascii,
)
def test_anything_else_is_a_422_that_states_the_bounds(given: list[str]) -> None:
    with pytest.raises(Problem, match="n must be a whole number from 5 to 50") as refused:
        NUMBER.read(given)
    assert refused.value.status == 422


@pytest.mark.parametrize("parameter", [value for value in vars(workloads).values() if isinstance(value, Parameter)])
def test_every_default_lies_within_its_bounds_and_the_bounds_can_be_written(parameter: Parameter) -> None:
    assert parameter.low <= parameter.default <= parameter.high
    for value in (parameter.low, parameter.high):
        assert parameter.read([str(value)]) == value


def test_the_cpu_work_is_the_generator_of_park_and_miller() -> None:
    assert [workloads.cpu_work(rounds) for rounds in (1, 2)] == [48_271, 182_605_794]
    assert workloads.cpu_work(12_345) == pow(48_271, 12_345, 2_147_483_647)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x", None),
        ("", None),
        ("x" * 7_900, None),
        ("x" * 7_901, 1009),
        ("é" * 3_951, 1009),
        ("\0", 1007),
        (b"x", 1003),
    ],
    ids=lambda value: ascii(value)[:12],
)
def test_what_postgresql_cannot_carry_is_refused_with_its_close_code(message: str | bytes, code: int | None) -> None:
    assert workloads.broadcast_refusal(message) == code


def test_a_problem_says_what_its_status_means_where_nothing_better_is_said() -> None:
    assert workloads.problem(404)["detail"] == "there is no such route"
    assert workloads.problem(418, "no coffee") == {
        "type": "about:blank",
        "title": "I'm a Teapot",
        "status": 418,
        "detail": "no coffee",
    }
    assert workloads.problem(418)["detail"]


@pytest.mark.parametrize(
    ("message", "too_big"),
    [
        ("x" * 65_536, False),
        ("x" * 65_537, True),
        (b"x" * 65_536, False),
        (b"x" * 65_537, True),
        ("☃" * 21_845, False),
        ("☃" * 21_846, True),
        ("𝄞" * 16_384, False),
        ("𝄞" * 16_385, True),
    ],
    ids=lambda value: ascii(value)[:8],
)
def test_the_limit_of_a_websocket_message_counts_bytes(message: str | bytes, too_big: bool) -> None:
    assert workloads.is_too_big(message) == too_big


def test_a_body_is_discarded_up_to_a_bound() -> None:
    short, long = io.BytesIO(b"x" * 100_000), io.BytesIO(b"x" * 10_000_000)
    workloads.discard(short)
    workloads.discard(long)
    assert short.read() == b""
    assert long.tell() == workloads.MAX_DISCARDED


def test_a_body_that_cannot_be_read_is_left_alone() -> None:
    broken = io.BytesIO()
    broken.close()
    workloads.discard(broken)


@pytest.mark.parametrize(
    ("files", "cpu", "memory"),
    [
        ({"cpu.max": "150000 100000\n", "memory.max": "536870912\n"}, "150000 100000", "536870912"),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n"}, None, None),
        (
            {
                "cpu/cpu.cfs_quota_us": "150000\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "536870912\n",
            },
            "150000 100000",
            "536870912",
        ),
        (
            {
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
            None,
        ),
        ({}, None, None),
    ],
    ids=["v2", "v2 without limits", "v1", "v1 without limits", "no cgroups"],
)
def test_the_limits_of_a_container_read_alike_from_both_versions_of_cgroups(
    files: dict[str, str], cpu: str | None, memory: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(workloads, "CGROUPS", tmp_path)
    about = workloads.about("WSGI", "", "HTTP/1.1", "json")
    assert (about["cpu_limit"], about["memory_limit"]) == (cpu, memory)


@pytest.mark.parametrize(
    ("headers", "has_body"),
    [
        ([], False),
        ([(b"host", b"x"), (b"content-type", b"content-length")], False),
        ([(b"host", b"x"), (b"content-length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_a_body_is_announced_by_a_length_or_an_encoding(headers: list[tuple[bytes, bytes]], has_body: bool) -> None:
    assert workloads.announces_body(headers) == has_body
