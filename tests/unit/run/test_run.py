"""A run: balanced orders, a plan that fits its budget, and no more looks than the question needs."""

import io
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lab import LabError
from lab.experiments import Arm, Contrast, Experiment, find
from lab.experiments.outcomes import Outcome, Verdict
from lab.generator.client import GeneratorClient
from lab.generator.record import Block, Result, Schedule
from lab.judge.judge import judge
from lab.judge.search import FIRST_STEP, NEXT_STEP
from lab.judge.statistics import LOOKS, QUICK_LOOKS
from lab.run import run as running
from lab.run.plan import BUDGETED, FIRST_SHARE, LONGEST, QUICK, SHORTEST, Plan, estimate, make_plan
from lab.run.results import Run
from lab.run.run import Runner
from tests.unit.records import NOISE, SPREAD, about, cpu_us, header, load, result, toy

Measure = Callable[[Block], dict[str, Any]]  # what of a block's result is not as usual
WHOLE = Plan(looks=LOOKS, scale=1.0, budget_s=None)


class Fake(GeneratorClient):
    """Answers at once, and remembers what it was asked; every block takes a second of `clock`."""

    def __init__(self, measure: Measure, clock: SimpleNamespace) -> None:
        self.measure, self.clock = measure, clock
        self.asked: list[Block] = []
        self.restarted: list[list[str]] = []
        self.opened = 0  # how often clients were connected, to take turns
        self.door: Any = SimpleNamespace(restart=self.restarted.append)

    def run(self, block: Block) -> Result:
        self.asked.append(block)
        self.clock.now += 1
        return result(block=block, **self.measure(block))

    @contextmanager
    def taking_turns(self, blocks: Sequence[Block]) -> Iterator[Any]:
        self.opened += 1
        yield FakeInterleaving(self, blocks)


class FakeInterleaving:
    """Two slices for each arm of a round, all alike."""

    count = 2

    def __init__(self, fake: Fake, blocks: Sequence[Block]) -> None:
        self.fake, self.blocks = fake, blocks

    def round(self, number: int, orders: Sequence[Sequence[int]]) -> Iterator[Result]:
        assert len(orders) == self.count
        for arm in orders[0]:
            block = self.blocks[arm]
            made = self.fake.run(replace(block, splits=2, purpose=replace(block.purpose, round=number)))
            yield from (made, made)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(now=1000.0)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(running, "time", made)
    return made


def runner(fake: Fake, plan: Plan = WHOLE, **changes: Any) -> Runner:
    abouts = {row: about("flask") | {"row": row} for row in ("flask", "fastapi", "wsgi")}
    facts = header(looks=plan.looks, abouts=abouts, **changes)
    return Runner(fake, Run(Path(), facts), plan, Console(file=io.StringIO()))


def differing(ratio: float, spread: Sequence[float]) -> Measure:
    """FastAPI's CPU per request is in this ratio to Flask's."""

    def measure(block: Block) -> dict[str, Any]:
        return cpu_us(300 if block.row == "flask" else 300 * ratio * spread[block.purpose.round % len(spread)])

    return measure


def rounds(fake: Fake) -> int:
    return len({block.purpose.round for block in fake.asked})


# The order of arms


@pytest.mark.parametrize("count", [2, 3, 6])
def test_each_arm_is_as_often_before_another_as_behind_it(count: int, clock: SimpleNamespace) -> None:
    arms = tuple(map(Arm, "abcdef"[:count]))
    orders = runner(Fake(differing(1, SPREAD), clock)).orders(arms, LOOKS[0])
    assert len(orders) == LOOKS[0]
    assert all(sorted(order, key=arms.index) == list(arms) for order in orders)
    for one, other in permutations(arms, 2):
        assert sum(order.index(one) < order.index(other) for order in orders) == LOOKS[0] / 2


def test_orders_are_those_of_the_runs_seed(clock: SimpleNamespace) -> None:
    arms = tuple(map(Arm, "abcdef"))
    same = [runner(Fake(differing(1, SPREAD), clock)).orders(arms, LOOKS[0]) for _ in range(2)]
    assert same[0] == same[1]


# The plan


def test_a_quick_run_takes_one_look_at_short_blocks() -> None:
    assert make_plan([find("concurrent")], True, None) == Plan(QUICK_LOOKS, QUICK, None)
    assert make_plan([find("concurrent")], False, None) == WHOLE


def first_looks(chosen: Sequence[Experiment], looks: tuple[int, ...], scale: float) -> float:
    return sum(estimate(each, Plan(looks, scale, None)) for each in chosen)


def test_a_budget_that_is_too_small_says_the_minimum() -> None:
    chosen = [find("basic-cost"), find("control")]
    least = first_looks(chosen, QUICK_LOOKS, SHORTEST)
    with pytest.raises(LabError, match=f"{least / 60:.1f} minutes at least") as caught:
        make_plan(chosen, False, least - 1)
    assert "--budget" in str(caught.value) and "--quick" in str(caught.value)
    with pytest.raises(LabError) as caught:
        make_plan(chosen, True, 1)
    assert "--quick" not in str(caught.value)


def test_a_budget_plans_two_looks_where_the_first_fits_and_else_a_single_one_of_fewer_starts() -> None:
    chosen = [find("basic-cost"), find("high-load")]
    enough = first_looks(chosen, BUDGETED[0], SHORTEST)
    assert make_plan(chosen, False, enough).looks == LOOKS[:2]
    assert make_plan(chosen, False, enough - 1).looks == QUICK_LOOKS


def test_a_larger_budget_makes_longer_blocks_within_bounds() -> None:
    chosen = [find("cpu-bound"), find("high-load")]
    least = first_looks(chosen, BUDGETED[0], SHORTEST)
    scales = [make_plan(chosen, False, least * factor).scale for factor in (1, 2.5, 3, 4, 100)]
    assert scales == sorted(scales)
    assert scales[0] == SHORTEST < scales[1] and scales[-1] == LONGEST


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("quick", "looks", "share"), [(False, BUDGETED[0], FIRST_SHARE), (True, QUICK_LOOKS, 1.0)])
def test_the_first_looks_fill_their_share_of_the_budget(
    scale: float, quick: bool, looks: tuple[int, ...], share: float
) -> None:
    chosen = [find("basic-cost"), find("websocket")]
    assert make_plan(chosen, quick, first_looks(chosen, looks, scale) / share).scale == pytest.approx(scale)


# The run


def run_one(fake: Fake, plan: Plan, *experiments: Experiment) -> Runner:
    made = runner(fake, plan)
    made.all(experiments or [toy()])
    return made


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.5, Verdict.SUPPORTED), (2, Verdict.REFUTED), (1, Verdict.NO_DIFFERENCE)]
)
def test_a_run_stops_after_the_first_look_that_decides(ratio: float, verdict: Verdict, clock: SimpleNamespace) -> None:
    fake = Fake(differing(ratio, SPREAD), clock)
    made = run_one(fake, WHOLE)
    assert (rounds(fake), len(fake.asked)) == (LOOKS[0], 2 * LOOKS[0])
    measured = made.run.measured["toy"].rounds
    assert sorted(measured["", "fastapi"]) == sorted(measured["", "flask"]) == list(range(LOOKS[0]))
    assert f"     {verdict}: " in said(made)


def said(made: Runner) -> str:
    assert isinstance(made.console.file, io.StringIO)
    return made.console.file.getvalue()


@pytest.mark.parametrize("looks", [1, len(LOOKS)])
def test_a_run_that_is_undecided_goes_on_to_the_last_planned_look(looks: int, clock: SimpleNamespace) -> None:
    fake = Fake(differing(1, NOISE), clock)
    made = run_one(fake, Plan(LOOKS[:looks], 1.0, None))
    assert rounds(fake) == LOOKS[looks - 1]
    assert "inconclusive" in said(made)


def test_a_run_goes_on_to_the_second_look_and_stops_there_where_that_decides(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.3, (4.0, 0.3, 1.5, 0.5, 1.2, 0.8, *[1.0] * 10)), clock)
    run_one(fake, WHOLE)
    assert rounds(fake) == LOOKS[1]


def test_a_run_does_not_measure_on_what_the_gates_have_refused_for_a_fault(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(failures=1)}, clock)
    made = run_one(fake, WHOLE)
    assert rounds(fake) == LOOKS[0]
    assert "refused" in said(made)


def test_what_noise_has_made_the_gates_refuse_is_looked_at_again_and_may_be_sound_then(clock: SimpleNamespace) -> None:
    def noisy_at_first(block: Block) -> dict[str, Any]:
        early = block.purpose.round < LOOKS[0]
        return cpu_us(300 if block.row == "flask" else 150) | {"load": load(in_flight=12.0 if early else 10.0)}

    fake = Fake(noisy_at_first, clock)
    made = run_one(fake, WHOLE)
    assert rounds(fake) == LOOKS[1]
    assert f"     {Verdict.SUPPORTED}: " in said(made)


def test_a_fault_beside_the_noise_ends_the_looks_all_the_same(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(failures=1, in_flight=20.0)}, clock)
    run_one(fake, WHOLE)
    assert rounds(fake) == LOOKS[0]


@pytest.mark.parametrize(("budget_s", "looks"), [(30, 1), (40, 2), (70, 3), (1000, 3)])
def test_another_look_is_taken_only_where_it_ends_within_the_budget(
    budget_s: float, looks: int, clock: SimpleNamespace
) -> None:
    fake = Fake(differing(1, NOISE), clock)  # the looks are 12, 20 and 28 blocks of a second
    run_one(fake, Plan(LOOKS, 1.0, budget_s))
    assert rounds(fake) == LOOKS[looks - 1]


def named(name: str, *contrasts: Contrast, **changes: Any) -> Experiment:
    return replace(toy(*contrasts, **changes), name=name)


def test_every_claim_has_its_first_verdict_before_any_has_its_second_look(clock: SimpleNamespace) -> None:
    fake = Fake(differing(1, NOISE), clock)
    made = run_one(fake, WHOLE, named("one"), named("two"))
    order = [(block.purpose.experiment, block.purpose.round) for block in fake.asked]
    looks = [(0, LOOKS[0]), *pairwise(LOOKS)]
    wanted = [(name, number) for look in looks for name in ("one", "two") for number in range(*look)]
    assert list(dict.fromkeys(order)) == wanted
    lines = [line.split(":")[0].strip() for line in said(made).splitlines()]
    assert lines.index("1/2 one") < lines.index("inconclusive") < lines.index("2/2 two")


def test_a_question_that_does_not_fit_leaves_its_time_to_one_that_does(clock: SimpleNamespace) -> None:
    fake = Fake(differing(1, NOISE), clock)  # the second looks take 60 blocks of a second and 20
    levels: dict[str, Any] = {"4": {}, "8": {}, "16": {}}
    run_one(fake, Plan(LOOKS, 1.0, 36 + 12 + 30), named("long", levels=levels), named("short"))
    assert {block.purpose.experiment for block in fake.asked if block.purpose.round >= LOOKS[0]} == {"short"}


THREE = (Arm("fastapi"), Arm("flask"), Arm("wsgi"))


def test_an_arm_whose_questions_are_answered_is_measured_no_more(clock: SimpleNamespace) -> None:
    def measure(block: Block) -> dict[str, Any]:
        noise = NOISE[block.purpose.round % len(NOISE)] if block.row == "wsgi" else 1
        return cpu_us({"fastapi": 100, "flask": 300, "wsgi": 100 * noise}[block.row])

    fake = Fake(measure, clock)
    contrasts = Contrast("fastapi", "flask", "cpu_us"), Contrast("fastapi", "wsgi", "cpu_us")
    run_one(fake, Plan(LOOKS[:2], 1.0, None), toy(*contrasts, arms=THREE))
    measured = {row: sum(block.row == row for block in fake.asked) for row in ("fastapi", "flask", "wsgi")}
    assert measured == {"fastapi": LOOKS[1], "flask": LOOKS[0], "wsgi": LOOKS[1]}
    assert fake.restarted[-1] == ["fastapi", "wsgi"]


def test_a_level_that_is_decided_is_measured_no_more(clock: SimpleNamespace) -> None:
    def measure(block: Block) -> dict[str, Any]:
        noise = NOISE if block.purpose.level == "16" else SPREAD
        return cpu_us(300 if block.row == "flask" else 300 * noise[block.purpose.round % len(noise)])

    fake = Fake(measure, clock)
    run_one(fake, Plan(LOOKS[:2], 1.0, None), toy(levels={"4": {}, "16": {}}))
    rounds_of = {level: {b.purpose.round for b in fake.asked if b.purpose.level == level} for level in ("4", "16")}
    assert {level: len(each) for level, each in rounds_of.items()} == {"4": LOOKS[0], "16": LOOKS[1]}


# Starts


def test_every_round_has_new_starts_of_its_rows_all_at_once(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.5, SPREAD), clock)
    run_one(fake, WHOLE, toy(levels={"4": {}, "16": {}}))
    # The first round has those with which the native stack began.
    assert fake.restarted == [["fastapi", "flask"]] * (LOOKS[0] - 1)
    order = [(block.purpose.round, block.purpose.level) for block in fake.asked]
    assert list(dict.fromkeys(order)) == [(number, level) for number in range(LOOKS[0]) for level in ("4", "16")]


def test_a_row_that_an_earlier_experiment_has_loaded_is_started_anew_and_no_other_is(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.5, SPREAD), clock)
    further = named("two", Contrast("wsgi", "flask", "cpu_us"), arms=THREE[1:])
    run_one(fake, Plan(LOOKS[:1], 1.0, None), toy(), further)
    first, second = fake.restarted[: LOOKS[0] - 1], fake.restarted[LOOKS[0] - 1 :]
    assert set(map(tuple, first)) == {("fastapi", "flask")}
    assert second == [["flask"], *[["flask", "wsgi"]] * (LOOKS[0] - 1)]


def test_rows_that_ran_before_the_run_began_are_started_anew_for_its_first_round_too(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.5, SPREAD), clock)
    runner(fake, door="compose").all([toy()])
    assert fake.restarted == [["fastapi", "flask"]] * LOOKS[0]


def test_rows_that_cannot_be_started_from_here_keep_their_clients_from_round_to_round(clock: SimpleNamespace) -> None:
    fake = Fake(differing(1, NOISE), clock)
    fake.door.restart = None
    runner(fake, door="https://elsewhere", restarts=False).all([toy()])
    assert (fake.restarted, rounds(fake), fake.opened) == ([], LOOKS[-1], len(LOOKS))


def test_every_level_is_measured_with_its_own_load(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.5, SPREAD), clock)
    run_one(fake, Plan(LOOKS[:1], 0.5, None), toy(levels={"4": {"users": 4}, "16": {"users": 16, "wait_ms": 5}}))
    assert {(block.purpose.level, block.users, block.options.get("wait_ms")) for block in fake.asked} == {
        ("4", 4, None),
        ("16", 16, 5),
    }
    assert {block.seconds for block in fake.asked} == {0.5}


def judged_right(seed: int, restarts: bool) -> bool:
    """Two rows that are truly alike; every start of one shifts its CPU per request, by 3 % (standard deviation)."""
    chance = random.Random(seed)
    shift = {"fastapi": chance.gauss(0, 0.03)}

    def measure(block: Block) -> dict[str, Any]:
        return cpu_us(300 * math.exp(shift.get(block.row, 0) + chance.gauss(0, 0.005)))

    fake = Fake(measure, SimpleNamespace(now=0.0))
    fake.door.restart = lambda rows: shift.update(fastapi=chance.gauss(0, 0.03))
    made = runner(fake, Plan(LOOKS, 1.0, None), restarts=restarts)
    made.all([toy()])
    (finding,) = judge(toy(), made.run.measured["toy"], made.run.header).findings
    assert finding.comparison
    return not finding.comparison.detected and finding.outcome in (Outcome.NO_DIFFERENCE, Outcome.INCONCLUSIVE)


def test_a_planted_effect_of_starts_is_no_difference_between_the_rows() -> None:
    """As lab/calibration/planted.py can plant it in a real row."""
    assert sum(judged_right(seed, restarts=True) for seed in range(60)) >= 57
    assert sum(judged_right(seed, restarts=False) for seed in range(60)) < 40


# Searches


@pytest.fixture
def searching(clock: SimpleNamespace) -> Iterator[Fake]:
    """Flask keeps 300 requests a second, FastAPI 900."""

    def measure(block: Block) -> dict[str, Any]:
        kept = block.rate <= {"flask": 300, "fastapi": 900}[block.row]
        schedule = Schedule(started=int(block.rate), late=0, queued=0)
        return {"load": load(int(block.rate), 50 if kept else 500), "schedule": schedule}

    fake = Fake(measure, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 100, "limit_p99_ms": 100})})
    )
    yield fake


def steps(fake: Fake, row: str, number: int) -> list[Block]:
    return [block for block in fake.asked if block.row == row and block.purpose.round == number]


def test_a_search_begins_by_a_part_of_a_step_below_where_the_arms_last_one_ended(searching: Fake) -> None:
    for row, knee in (("flask", 300), ("fastapi", 900)):
        assert 50 < steps(searching, row, 0)[0].rate <= 100
        below = []
        for number in range(1, LOOKS[0]):
            first = steps(searching, row, number)[0]
            below.append(max(b.rate for b in steps(searching, row, number - 1) if b.rate <= knee) / first.rate)
        assert all(1 <= each <= NEXT_STEP for each in below)
        assert len(set(below)) == len(below)  # another part in every round


def test_a_search_that_begins_near_its_end_takes_smaller_and_fewer_steps(searching: Fake) -> None:
    first, second = steps(searching, "fastapi", 0), steps(searching, "fastapi", 1)
    assert {block.purpose.search.step for block in first if block.purpose.search} == {2}
    assert {block.purpose.search.step for block in second if block.purpose.search} == {NEXT_STEP}
    assert len(second) < len(first)


def test_a_row_that_keeps_nothing_is_searched_from_the_beginning_again(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(100, 500)}, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    low = Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 4, "limit_p99_ms": 100})})
    run_one(fake, WHOLE, low)
    firsts = [steps(fake, "flask", number)[0] for number in range(LOOKS[0])]
    assert all(2 < first.rate <= 4 for first in firsts)
    assert {first.purpose.search.step for first in firsts if first.purpose.search} == {FIRST_STEP}


def test_a_search_that_the_generator_ended_is_begun_from_the_beginning_again(clock: SimpleNamespace) -> None:
    """Small steps up from there would take long: the row may keep far more."""

    def measure(block: Block) -> dict[str, Any]:
        overslept = block.purpose.round == 0 and block.rate > 120
        return {"load": load(100, 50), "schedule": Schedule(started=100, late=50 if overslept else 0, queued=0)}

    fake = Fake(measure, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 100, "limit_p99_ms": 100})})
    )
    first, second = steps(fake, "flask", 0), steps(fake, "flask", 1)
    assert first[0].rate < 120 < first[-1].rate and second[-1].rate == 1000 and len(second) < 7
    assert {block.purpose.search.step for block in second if block.purpose.search} == {FIRST_STEP}


def test_a_row_that_keeps_all_that_may_be_asked_for_is_asked_for_it_at_once(clock: SimpleNamespace) -> None:
    fake = Fake(lambda block: {"load": load(100, 50)}, clock)
    experiment = toy(Contrast("fastapi", "flask", "capacity"))
    run_one(
        fake, WHOLE, Experiment(**vars(experiment) | {"load": experiment.load.but({"rate": 90, "limit_p99_ms": 100})})
    )
    assert [[block.rate for block in steps(fake, "flask", number)] for number in range(1, LOOKS[0])] == [[1000]] * 5


def test_arms_of_one_row_are_kept_apart(clock: SimpleNamespace) -> None:
    arms = (Arm("flask", "A"), Arm("flask", "B", {"users": 99}))
    fake = Fake(lambda block: {}, clock)
    run_one(fake, WHOLE, toy(Contrast("A", "B", "cpu_us", Outcome.NO_DIFFERENCE), arms=arms))
    assert {(block.purpose.arm, block.users) for block in fake.asked} == {("A", 10), ("B", 99)}
