"""A run: balanced orders, and no more looks and starts than the question needs."""

import math
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise, permutations
from types import SimpleNamespace
from typing import Any

import pytest

from lab.experiments import Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome, Verdict
from lab.experiments.sentences import Need, better, sentence
from lab.generator.record import Block
from lab.judge.judge import judge
from lab.judge.statistics import LOOKS
from lab.run.plan import Plan
from tests.unit.records import NOISE, SPREAD, cpu_us, load, toy
from tests.unit.running import WHOLE, Fake, differing, rounds, run_one, runner, said

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


# The run


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


@pytest.mark.parametrize("looks", [1, len(LOOKS)])
def test_a_run_that_is_undecided_goes_on_to_the_last_planned_look(looks: int, clock: SimpleNamespace) -> None:
    fake = Fake(differing(1, NOISE), clock)
    made = run_one(fake, Plan(LOOKS[:looks], 1.0, None))
    assert rounds(fake) == LOOKS[looks - 1]
    assert "inconclusive" in said(made)


def test_a_run_goes_on_to_the_second_look_and_stops_there_where_that_decides(clock: SimpleNamespace) -> None:
    fake = Fake(differing(0.3, (4.0, 0.3, 1.5, 0.5, *[1.0] * 4)), clock)
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


@pytest.mark.parametrize(("budget_s", "looks"), [(15, 1), (31, 2), (63, 3), (65, 4), (1000, 4)])
def test_another_look_is_taken_only_where_it_ends_within_the_budget(
    budget_s: float, looks: int, clock: SimpleNamespace
) -> None:
    fake = Fake(differing(1, NOISE), clock)  # the looks are 8, 8, 16 and 32 blocks of a second
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
    fake = Fake(differing(1, NOISE), clock)  # the second looks take 24 blocks of a second and 8
    levels: dict[str, Any] = {"4": {}, "8": {}, "16": {}}
    run_one(fake, Plan(LOOKS, 1.0, 24 + 8 + 12), named("long", levels=levels), named("short"))
    assert {block.purpose.experiment for block in fake.asked if block.purpose.round >= LOOKS[0]} == {"short"}


THREE = (Arm("fastapi"), Arm("flask"), Arm("wsgi"))


def test_a_second_look_goes_to_claims_without_a_verdict_first_and_of_those_to_what_takes_least(
    clock: SimpleNamespace,
) -> None:
    def measure(block: Block) -> dict[str, Any]:
        noise = NOISE[block.purpose.round % len(NOISE)]
        return cpu_us({"fastapi": 100 * noise, "flask": 100, "wsgi": 300 * noise}[block.row])

    fake = Fake(measure, clock)
    shown_only = Contrast("fastapi", "flask", "cpu_us", decides=False)
    answered = named(
        "answered",
        *(Contrast("fastapi", "wsgi", "cpu_us"), shown_only),
        arms=THREE,
        sentences=(sentence("FastAPI needed less.", better("fastapi", "flask", figure="cpu_us")),),
    )
    long = named("long", levels={"4": {}, "8": {}, "16": {}})
    run_one(fake, Plan(LOOKS[:2], 1.0, None), answered, long, named("short"))
    again = [block.purpose.experiment for block in fake.asked if block.purpose.round >= LOOKS[0]]
    assert list(dict.fromkeys(again)) == ["short", "long", "answered"]


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


@pytest.mark.parametrize(("sentences", "looks"), [((), 1), ((better("fastapi", "wsgi", figure="cpu_us"),), 2)])
def test_what_is_shown_only_is_measured_on_where_a_sentence_speaks_of_it(
    sentences: tuple[Need, ...], looks: int, clock: SimpleNamespace
) -> None:
    def measure(block: Block) -> dict[str, Any]:
        noise = NOISE[block.purpose.round % len(NOISE)] if block.row == "wsgi" else 1
        return cpu_us({"fastapi": 100, "flask": 300, "wsgi": 100 * noise}[block.row])

    fake = Fake(measure, clock)
    shown_only = Contrast("fastapi", "wsgi", "cpu_us", decides=False)
    contrasts = Contrast("fastapi", "flask", "cpu_us"), shown_only
    spoken_of = tuple(sentence("It needed less.", need) for need in sentences)
    run_one(fake, Plan(LOOKS[:2], 1.0, None), toy(*contrasts, arms=THREE, sentences=spoken_of))
    measured = {row: sum(block.row == row for block in fake.asked) for row in ("fastapi", "flask", "wsgi")}
    assert measured == {"fastapi": LOOKS[looks - 1], "flask": LOOKS[0], "wsgi": LOOKS[looks - 1]}


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
    assert (fake.restarted, rounds(fake), len(fake.connected)) == ([], LOOKS[-1], len(LOOKS))


def test_each_arm_is_as_often_the_first_to_connect_as_another(clock: SimpleNamespace) -> None:
    """Who came first to a new process was measured to cost 0.2 % more, for as long as it lived."""
    fake = Fake(differing(1, NOISE), clock)
    run_one(fake, WHOLE)
    assert Counter(map(tuple, fake.connected)) == {
        ("fastapi", "flask"): LOOKS[-1] / 2,
        ("flask", "fastapi"): LOOKS[-1] / 2,
    }


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
