"""Arms that take turns: how long their slices are, whose they are, and whose CPU time was used in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

import meter
from lab.generator import client, contention
from lab.generator.client import LONGEST_S, SLICE_S, CpuWatch, GeneratorClient, Interleaving
from lab.generator.record import OBSERVATIONS, Block, Observation, Result, Schedule
from tests.unit.records import load

SEEN = Observation(
    seconds=1.0,
    answered=7,
    generator_cpus=0.5,
    generator_waits=0.1,
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
        self.running: dict[str, list[Any]] = {}
        facts = {"placed": {"rows": "0", "generator": "1"}, "processes": lambda name: self.running.get(name, [])}
        self.door = SimpleNamespace(**facts)  # type: ignore[assignment]  # all of a door that is asked
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


# Who else had the CPUs


@dataclass(frozen=True)
class Process:
    """One that the kernel shows: told apart by its number and its beginning, as psutil's are."""

    pid: int
    began: int

    def cpu_affinity(self) -> list[int]:
        return [0]


@pytest.fixture
def watched(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A watch on a row of two processes; the kernel's readings are those of `kernel`, which the test moves on."""
    generator = clock.generator = Remembering((0.001,))
    generator.running = {"flask": [Process(7, 1), Process(8, 1)], "nginx": [Process(9, 1)]}
    kernel = SimpleNamespace(cpu_ns={"row": 0}, gateway={}, waits={}, idle_s=0.0, stolen_s=0.0, generator=generator)
    monkeypatch.setattr(contention, "KNOWN", True)
    monkeypatch.setattr(contention, "waits", lambda pids: dict(kernel.waits))
    monkeypatch.setattr(contention, "idle_and_stolen_s", lambda idle, stolen: (kernel.idle_s, kernel.stolen_s))
    monkeypatch.setattr(
        meter, "cpu_ns", lambda found: kernel.gateway if found[0].pid > 8 else {found[0].pid: kernel.cpu_ns["row"]}
    )
    monkeypatch.setattr(meter, "tree", lambda pid: list(generator.running["flask"]))

    def watch(block: Block) -> tuple[CpuWatch, SimpleNamespace]:
        return CpuWatch(generator, 0, block), kernel

    return watch


def test_what_neither_the_row_nor_idleness_took_of_the_rows_cpu_strangers_had(watched: Callable[..., Any]) -> None:
    block = Block("flask", "Json", 8, 1, splits=2)
    watch, kernel = watched(block)
    kernel.waits = {"7": 10**9}
    for _ in range(2):
        with watch.reading(0):
            kernel.generator.now_ns += 10**9
            kernel.cpu_ns["row"] += 500_000_000
            kernel.idle_s += 0.2
            kernel.stolen_s += 0.05
            kernel.waits = {"7": kernel.waits["7"] + 100_000_000, "8": 10**8}  # the second thread begins meanwhile
    made = watch.result(block, 0, SEEN)
    assert (made.row_taken, made.generator_stolen) == pytest.approx((0.3, 0.05))
    assert made.row_waits == pytest.approx((0.1 + 0.1 + 0.1) / 2)
    assert (made.generator_waits, made.restarts) == (0.1, 0)
    with watch.reading(0):
        kernel.generator.now_ns += 10**9
        kernel.idle_s += 1
    made = watch.result(block, 0, SEEN)  # counted anew
    assert (made.row_taken, made.row_waits, made.generator_stolen) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize("placed", [{}, {"rows": "any", "generator": "any"}])
def test_of_rows_that_are_kept_on_no_cpu_nobody_knows_what_strangers_had(
    watched: Callable[..., Any], clock: SimpleNamespace, placed: dict[str, str]
) -> None:
    clock.generator.door.placed = placed
    block = Block("flask", "Json", 8, 1)
    watch, kernel = watched(block)
    with watch.reading(0):
        kernel.generator.now_ns += 10**9
    made = watch.result(block, 0, SEEN)
    assert (made.row_taken, made.generator_stolen, made.row_waits) == (None, None, 0)


def test_a_worker_that_was_replaced_is_seen_once_and_its_successor_watched(watched: Callable[..., Any]) -> None:
    """What it used went with it. Seen: less than nothing, in a file that could not be read again."""
    block = Block("flask", "Json", 8, 1, splits=2)
    watch, kernel = watched(block)
    successor = Process(8, 2)  # of the same number
    kernel.generator.running["flask"] = [Process(7, 1), successor]
    seen = []
    for split in (0, 1):
        kernel.cpu_ns["row"] = 10**9
        with watch.reading(split):
            kernel.generator.now_ns += 10**9
            kernel.cpu_ns["row"] = 10**6
        made = watch.result(block, split, SEEN)
        seen.append((made.restarts, "row" in made.cpu_ns, made.row_cpus is None))
    assert (seen, watch.processes["row"][1]) == ([(2, False, True), (0, True, False)], successor)


def test_of_a_process_beside_the_rows_that_has_ended_nothing_is_counted_and_of_the_others_all(
    watched: Callable[..., Any],
) -> None:
    """Seen in Compose, where the gateway's script waits by `sleep`: less than nothing, and a file nobody could read."""
    block = Block("flask", "Json", 8, 1)
    watch, kernel = watched(block)
    kernel.gateway = {9: 5_000, 10: 10**9}
    with watch.reading(0):
        kernel.generator.now_ns += 10**9
        kernel.gateway = {9: 7_000}
    assert watch.result(block, 0, SEEN).beside_cpus == {"nginx": 2_000 / 10**9}


def test_of_a_row_whose_processes_are_elsewhere_nobody_knows_whether_they_were_restarted(
    clock: SimpleNamespace,
) -> None:
    generator = clock.generator = Remembering((0.001,))
    block = Block("flask", "Json", 8, 1)
    watch = CpuWatch(generator, 0, block)
    with watch.reading(0):
        generator.now_ns += 10**9
    made = watch.result(block, 0, SEEN)
    assert (made.restarts, made.row_waits, made.row_taken) == (None, None, None)
