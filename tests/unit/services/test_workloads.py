"""What both services share: rules that are code."""

import pytest

import workloads
from workloads import Parameter, Problem

NUMBER = Parameter("n", low=5, high=50, default=10)


@pytest.mark.parametrize(("given", "value"), [([], 10), (["5"], 5), (["50"], 50), (["007"], 7)])
def test_a_parameter_is_its_default_or_a_whole_number_within_its_bounds(given: list[str], value: int) -> None:
    assert NUMBER.read(given) == value


@pytest.mark.parametrize(
    "given",
    [["4"], ["51"], ["5", "5"], [""], ["5.0"], ["٣٣"], ["+9"], [" 9"], ["9\n"], ["1_0"], ["-9"], ["0" * 9 + "9"]],
    ids=ascii,
)
def test_anything_else_is_a_422_that_states_the_bounds(given: list[str]) -> None:
    with pytest.raises(Problem, match="n must be given once, as a whole number from 5 to 50") as refused:
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
