"""Arms that take turns: how long their slices are, whose they are, and whose CPU time was used in them."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lab.generator import client
from lab.generator.client import LONGEST_S, SLICE_S, CpuWatch, GeneratorClient, Interleaving
from lab.generator.record import OBSERVATIONS, Block, Observation, Result, Schedule
from tests.unit.records import load

SEEN = Observation(
    seconds=1.0,
    answered=7,
    generator_cpus=0.5,
    connections=0,
    schedule=Schedule(0, 0, 0),
    meter=None,
    held=0,
    load=load(500),
    probe=None,
)


class Remembering(GeneratorClient):
    """Answers as the process would, without a load. The row's meter, which nobody else can read, goes with time."""

    def __init__(self, means: Sequence[float] = (), meter: bool = True) -> None:
        self.means, self.meter, self.now_ns = means, meter, 0
        self.door = SimpleNamespace(processes=lambda name: [])  # type: ignore[assignment]  # all of a door that is asked
        self.asked: list[dict[str, Any]] = []
        self.kept: list[Result] = []
        self.keep = self.kept.append

    def ask(self, command: str, **arguments: Any) -> Any:
        if command == "meter":
            return {"cpu_ns": self.now_ns // 2} if self.meter else None
        if command == "slice":
            self.asked.append(arguments)
            self.now_ns += round(arguments["seconds"] * 1e9)
            return None
        assert command == "collect"
        return OBSERVATIONS.dump_python([[SEEN, SEEN] for _ in self.means], mode="json")

    def interleaving(self, seconds: float) -> Interleaving:
        blocks = [Block(f"row {n}", "Json", 8, seconds, splits=2) for n in range(len(self.means))]
        return Interleaving(self, blocks, self.means)


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
    interleaving = generator.interleaving(seconds)
    assert interleaving.count == count
    list(interleaving.round(0, [range(len(means))] * interleaving.count))
    for arm, length in enumerate(lengths):
        asked = [each for each in generator.asked if each["arm"] == arm]
        assert [each["seconds"] for each in asked] == pytest.approx([length] * count)
        assert {each["margin_s"] for each in asked} == {means[arm]}


def test_neighbouring_cycles_are_of_different_splits_and_each_comes_first_as_often() -> None:
    generator = Remembering((0.001,))
    list(generator.interleaving(0.2).round(0, [[0]] * 8))
    assert [each["split"] for each in generator.asked] == [0, 1, 1, 0, 0, 1, 1, 0]


def test_a_round_follows_its_orders_and_gives_each_split_of_each_arm() -> None:
    generator = Remembering((0.001, 0.001))
    results = list(generator.interleaving(0.1).round(7, [[1, 0], [0, 1]]))
    assert [each["arm"] for each in generator.asked] == [1, 0, 0, 1]
    assert len(results) == 4 and generator.kept == results
    assert {result.block.purpose.round for result in results} == {7}


def test_cpu_time_is_counted_while_it_is_ones_turn_and_not_between(clock: SimpleNamespace) -> None:
    generator = clock.generator = Remembering((0.001,))
    block = Block("flask", "Json", 8, 1, splits=2)
    watch = CpuWatch(generator, 0, block)
    for split in (0, 1, 0):
        generator.now_ns += 10**9  # somebody else's
        with watch.reading(split):
            generator.now_ns += 100 * (split + 1)
    results = [watch.result(block, split, SEEN) for split in (0, 1)]
    assert [result.cpu_ns for result in results] == [{"row": 100}, {"row": 100}]
    assert all(result.answered == SEEN.answered for result in results)  # the generator has counted them


def test_of_a_block_in_one_go_the_cpu_time_is_that_of_its_window(clock: SimpleNamespace) -> None:
    generator = clock.generator = Remembering((0.001,))
    block = Block("flask", "Json", 8, 1)
    watch = CpuWatch(generator, 0, block)
    with watch.reading(0):
        generator.now_ns += 1_250_000_000  # the window has a second of them
    result = watch.result(block, 0, SEEN)
    assert (result.cpu_ns, result.answered) == ({"row": 500_000_000}, 500)


def test_where_nobody_can_read_a_rows_meter_its_cpu_time_is_missing_and_it_is_asked_once(
    clock: SimpleNamespace,
) -> None:
    generator = clock.generator = Remembering((0.001,), meter=False)
    block = Block("flask", "Json", 8, 1)
    watch = CpuWatch(generator, 0, block)
    generator.meter = True  # too late
    with watch.reading(0):
        generator.now_ns += 10**9
    assert watch.result(block, 0, SEEN).cpu_ns == {}
