"""Arms that take turns: how long their slices are, whose they are, and whose CPU time was used in them."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lab.generator import client
from lab.generator.client import LONGEST_S, SLICE_S, Block, Generator, Turns, Watch


class Remembering(Generator):
    """Answers as lab/blocks.py would, without a load. The row's meter, which nobody else can read, goes with time."""

    def __init__(self, means: Sequence[float] = (), meter: bool = True) -> None:
        self.means, self.meter, self.now_ns = means, meter, 0
        self.door = SimpleNamespace(processes=lambda name: [])  # type: ignore[assignment]  # all of a door that is asked
        self.asked: list[dict[str, Any]] = []
        self.written: list[dict[str, Any]] = []

    def ask(self, command: str, **arguments: Any) -> Any:
        if command == "meter":
            return {"cpu_ns": self.now_ns // 2} if self.meter else None
        if command == "slice":
            self.asked.append(arguments)
            self.now_ns += round(arguments["seconds"] * 1e9)
            return None
        assert command == "collect"
        return [[self.half(), self.half()] for _ in self.means]

    def half(self) -> dict[str, Any]:
        return {"block": {"about": {}}, "cpus": {}, "seconds": 1.0, "load": {"requests": 500.0}}

    def write(self, line: dict[str, Any]) -> None:
        self.written.append(line)

    def turns(self, seconds: float) -> Turns:
        return Turns(
            self, [Block(f"row {n}", "Json", 8, seconds, halves=2) for n in range(len(self.means))], self.means
        )


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The generator's own: it goes on while a slice runs."""
    made = SimpleNamespace(generator=None)
    made.monotonic_ns = lambda: made.generator.now_ns if made.generator else 0
    monkeypatch.setattr(client, "time", made)
    return made


@pytest.mark.parametrize(
    ("means", "seconds", "count", "lengths"),
    [
        ((0.001, 0.002), 1.5, 60, [SLICE_S, SLICE_S]),  # fast answers: as short as slices get
        ((0.001, 0.02), 1.5, 24, [1.5 / 24, 1.5 / 24]),  # the slowest arm says how often there are turns
        ((0.05, 0.4), 1.5, 2, [0.75, 1.2]),  # three response times at least, so longer than was asked for
        ((60.0,), 1.0, 2, [LONGEST_S]),
    ],
)
def test_slices_are_long_against_the_answers_and_short_against_the_noise(
    means: tuple[float, ...], seconds: float, count: int, lengths: list[float]
) -> None:
    generator = Remembering(means)
    turns = generator.turns(seconds)
    assert turns.count == count
    list(turns.round(0, [range(len(means))] * turns.count))
    for lane, length in enumerate(lengths):
        asked = [each for each in generator.asked if each["lane"] == lane]
        assert [each["seconds"] for each in asked] == pytest.approx([length] * count)
        assert {each["margin_s"] for each in asked} == {means[lane]}


def test_neighbouring_cycles_are_of_different_halves_and_each_comes_first_as_often() -> None:
    generator = Remembering((0.001,))
    list(generator.turns(0.2).round(0, [[0]] * 8))
    assert [each["half"] for each in generator.asked] == [0, 1, 1, 0, 0, 1, 1, 0]


def test_a_round_follows_its_orders_and_gives_each_half_of_each_arm() -> None:
    generator = Remembering((0.001, 0.001))
    results = list(generator.turns(0.1).round(7, [[1, 0], [0, 1]]))
    assert [each["lane"] for each in generator.asked] == [1, 0, 0, 1]
    assert len(results) == 4 and generator.written == results
    assert {result["block"]["about"]["round"] for result in results} == {7}


def test_cpu_time_is_counted_while_it_is_ones_turn_and_not_between(clock: SimpleNamespace) -> None:
    generator = clock.generator = Remembering((0.001,))
    watch = Watch(generator, 0, Block("flask", "Json", 8, 1, halves=2))
    for half in (0, 1, 0):
        generator.now_ns += 10**9  # somebody else's
        with watch.reading(half):
            generator.now_ns += 100 * (half + 1)
    halves = [generator.half(), generator.half()]
    for half, result in enumerate(halves):
        watch.add_to(result, half)
    assert [result["cpu_ns"] for result in halves] == [{"row": 100}, {"row": 100}]
    assert all("answered" not in result for result in halves)  # the generator has counted them


def test_of_a_block_in_one_go_the_cpu_time_is_that_of_its_window(clock: SimpleNamespace) -> None:
    generator = clock.generator = Remembering((0.001,))
    watch = Watch(generator, 0, Block("flask", "Json", 8, 1))
    with watch.reading(0):
        generator.now_ns += 1_250_000_000  # the window has a second of them
    result = generator.half()
    watch.add_to(result, 0)
    assert (result["cpu_ns"], result["answered"]) == ({"row": 500_000_000}, 500)


def test_where_nobody_can_read_a_rows_meter_its_cpu_time_is_missing_and_it_is_asked_once(
    clock: SimpleNamespace,
) -> None:
    generator = clock.generator = Remembering((0.001,), meter=False)
    watch = Watch(generator, 0, Block("flask", "Json", 8, 1))
    generator.meter = True  # too late
    with watch.reading(0):
        generator.now_ns += 10**9
    result = generator.half()
    watch.add_to(result, 0)
    assert result["cpu_ns"] == {}
