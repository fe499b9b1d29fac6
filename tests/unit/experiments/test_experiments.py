"""The experiments are data: what they name exists, so that a wrong name is not found after minutes of measuring."""

import re
from argparse import ArgumentParser
from typing import Any

import pytest
from locust.argument_parser import LocustArgumentParser

from lab import LabError
from lab.experiments import BY_NAME, DEMO, EXPERIMENTS, Arm, Experiment, Load, find
from lab.experiments.model import ARTICLE, OURS
from lab.experiments.outcomes import Rule
from lab.generator.record import SATURATED
from lab.judge.figures import FIGURES
from lab.stack.compose_file import ComposeFile
from loadtest import options, targets
from loadtest.users import SCENARIOS

ROW = {row.name: row for row in ComposeFile(environ={}).rows}
ROWS = set(ROW)
# What a2wsgi serves is a WSGI app behind an adapter: uvicorn itself speaks ASGI.
SPEAK = {
    interface: {row.server for row in ROW.values() if row.interface == interface and "a2wsgi" not in row.name}
    for interface in ("WSGI", "ASGI")
}
BOTH = SPEAK["WSGI"] & SPEAK["ASGI"]
OWN = {"Slow", SATURATED}  # scenarios of lab/generator alone
SPEAKS = {
    "Hops": "HTTP/2",
    "WebSocketOffer": "HTTP/1.1, WS",
    "PageHttp2": "HTTP/2",
    "WebSocketIdle": "WS",
    "WebSocketEcho": "WS",
    "Broadcast": "WS",
}

each_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
PARTS = [*DEMO, *(experiment.in_short() for experiment in EXPERIMENTS)]
each_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)


def loads(experiment: Experiment) -> list[Load]:
    return [experiment.load_of(level, arm) for level in experiment.levels for arm in experiment.arms]


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> ArgumentParser:
    """The options of the load suite, as the generator has them."""
    monkeypatch.setattr(targets, "rows", lambda: {name: {"framework": row.framework} for name, row in ROW.items()})
    made = LocustArgumentParser()
    options.add_to(made)
    return made


def test_names_are_unique_and_the_demo_is_made_of_them() -> None:
    assert len(BY_NAME) == len(EXPERIMENTS)
    assert {experiment.name for experiment in DEMO} <= BY_NAME.keys()


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    assert find("control") is BY_NAME["control"]
    with pytest.raises(LabError, match="no experiment contrl") as caught:
        find("contrl")
    assert all(name in str(caught.value) for name in BY_NAME)
    assert "\n" not in str(caught.value)


@each_experiment
def test_every_experiment_says_its_claim_its_source_and_when_it_is_not_so(experiment: Experiment) -> None:
    texts = (experiment.title, experiment.claim, experiment.source.title, experiment.method, experiment.held_equal)
    assert all(texts) and experiment.not_so_if
    assert bool(experiment.sentences) != experiment.must_be_refused  # of what must be refused there is nothing to say


def test_no_claim_is_a_phrase_without_a_verb() -> None:
    """Seen: “WSGI for CPU-bound work.” says nothing that a measurement could refute."""
    assert not [each.claim for each in EXPERIMENTS if re.match(r"(WSGI|ASGI) for ", each.claim)]
    assert all(each.claim.endswith(".") for each in EXPERIMENTS)


@each_experiment
def test_a_source_is_the_article_with_its_date_or_a_page_with_its_address_or_the_lab_itself(
    experiment: Experiment,
) -> None:
    source = experiment.source
    if source == ARTICLE:
        assert str(source) == "“WSGI vs ASGI Protocols”, 28 January 2025"
    elif source != OURS:
        assert source.where and re.fullmatch(r"https://\S+", source.reference)


def test_claims_that_read_alike_are_told_apart_by_their_titles() -> None:
    assert len({experiment.title for experiment in EXPERIMENTS}) == len(EXPERIMENTS)


@each_experiment
def test_a_may_is_met_by_one_case_and_nothing_else_is(experiment: Experiment) -> None:
    assert (experiment.rule == Rule.ONE_CASE) == bool(re.search(r"\b(may|can|might)\b", experiment.claim))


@each_experiment
def test_a_claim_about_the_interface_is_decided_on_every_server_that_speaks_both_and_nowhere_else(
    experiment: Experiment,
) -> None:
    deciding = {each.server for each in experiment.contrasts if each.decides}
    if experiment.rule == Rule.EVERY_SERVER:
        assert deciding == BOTH
    for contrast in experiment.contrasts:
        if contrast.server:
            arms = [ROW[experiment.arm(name).row] for name in (contrast.subject, contrast.baseline)]
            assert {row.server for row in arms} == {contrast.server}
            assert {row.interface for row in arms} == {"WSGI", "ASGI"}
            assert len({row.framework == "none" for row in arms}) == 1


@each_part
def test_how_a_part_was_tested_names_no_level_and_no_pool_that_it_leaves_out(part: Experiment) -> None:
    """Levels stand in the tables: the text is that of the whole experiment."""
    whole = BY_NAME[part.name]
    left_out = {*whole.levels} - {*part.levels} | {arm.name for arm in whole.arms} - {arm.name for arm in part.arms}
    numbers = set(re.findall(r"\d+", " ".join(left_out)))
    assert not numbers & set(re.findall(r"\d+", part.method))


@each_experiment
def test_every_arm_has_a_name_of_its_own_and_a_row_of_the_compose_file(experiment: Experiment) -> None:
    assert len({arm.name for arm in experiment.arms}) == len(experiment.arms)
    assert set(experiment.rows) <= ROWS


@each_experiment
def test_every_contrast_names_two_arms_a_figure_and_levels(experiment: Experiment) -> None:
    names = {arm.name for arm in experiment.arms}
    for contrast in experiment.contrasts:
        assert {contrast.subject, contrast.baseline} <= names
        assert contrast.subject != contrast.baseline
        assert contrast.figure in FIGURES
    assert any(contrast.decides for contrast in experiment.contrasts)


@each_experiment
def test_every_arm_is_compared(experiment: Experiment) -> None:
    compared = {name for contrast in experiment.contrasts for name in (contrast.subject, contrast.baseline)}
    assert compared == {arm.name for arm in experiment.arms}


@each_part
def test_the_demo_and_a_quick_run_measure_only_what_is_compared_and_something_that_decides(part: Experiment) -> None:
    made = part.contrasts
    assert any(contrast.decides for contrast in made)
    assert {name for each in made for name in (each.subject, each.baseline)} == {arm.name for arm in part.arms}


@each_experiment
def test_a_quick_run_has_all_arms_at_the_quick_levels(experiment: Experiment) -> None:
    assert set(experiment.quick) <= experiment.levels.keys()
    short = experiment.in_short()
    assert short.arms == experiment.arms
    assert tuple(short.levels) == (experiment.quick or tuple(experiment.levels))


@each_part
def test_a_part_may_be_had_again_from_what_the_header_keeps_of_it(part: Experiment) -> None:
    assert BY_NAME[part.name].only(**part.part()) == part


def test_a_part_has_the_contrasts_between_its_arms_and_no_changes_with_an_arm_missing() -> None:
    part = find("where-from").only(["asgi-granian", "wsgi-granian"], [""])
    assert [(each.subject, each.baseline) for each in part.contrasts] == [("asgi-granian", "wsgi-granian")]
    assert part.changes == {}


@pytest.mark.parametrize(
    ("arms", "levels"), [(["flask", "django"], ["1"]), (["flask"], ["7"]), ([], ["1"]), (["flask"], [])]
)
def test_a_part_that_there_is_not_is_refused(arms: list[str], levels: list[str]) -> None:
    with pytest.raises(KeyError, match="io-bound has no such part"):
        find("io-bound").only(arms, levels)


@each_experiment
def test_levels_are_numbers_that_rise_and_say_what_they_count(experiment: Experiment) -> None:
    if len(experiment.levels) > 1:
        assert experiment.varied
        numbers = [float(level) for level in experiment.levels]
        assert numbers == sorted(numbers)


@each_experiment
def test_every_scenario_exists_and_its_protocol_is_the_one_that_is_asked_for(experiment: Experiment) -> None:
    for load in loads(experiment):
        assert load.scenario in SCENARIOS.keys() | OWN
        assert load.protocol == SPEAKS.get(load.scenario, "HTTP/1.1")


@each_experiment
def test_every_load_option_exists_and_may_have_its_value(experiment: Experiment, parser: ArgumentParser) -> None:
    for load in loads(experiment):
        words = [word for name, value in load.options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        taken = vars(parser.parse_args(words))
        assert {name: taken[name] for name in load.options} == load.options


@each_experiment
def test_a_figure_is_asked_only_of_a_load_that_yields_it(experiment: Experiment) -> None:
    for load in loads(experiment):
        assert load.probe_rate or "probe_p95_ms" not in experiment.figures
        assert bool(load.limit_p99_ms) == ("capacity" in experiment.figures)
        assert load.rate or not load.limit_p99_ms


@each_experiment
def test_every_order_of_the_changes_leads_from_the_first_arm_to_the_last(experiment: Experiment) -> None:
    """So the pairs of a change are those of all orders, and each way adds up to the whole."""
    if experiment.changes:
        names = [arm.name for arm in experiment.arms]
        ways: list[list[tuple[str, tuple[str, str]]]] = [[]]
        for _ in experiment.changes:
            ways = [
                [*way, (label, pair)]
                for way in ways
                for label, pairs in experiment.changes.items()
                for pair in pairs
                if label not in dict(way) and pair[0] == (way[-1][1][1] if way else names[0])
            ]
        assert ways and all(way[-1][1][1] == names[-1] for way in ways)
        used = {step for way in ways for step in way}
        assert used == {(label, pair) for label, pairs in experiment.changes.items() for pair in pairs}


@each_experiment
def test_the_ceiling_of_a_thread_pool_is_drawn_only_where_clients_wait(experiment: Experiment) -> None:
    if experiment.thread_ceiling:
        assert all("wait_ms" in load.options for load in loads(experiment))


@pytest.mark.parametrize(
    ("changes", "users", "options_"),
    [
        ({}, 16, {"wait_ms": 50}),
        ({"users": 4}, 4, {"wait_ms": 50}),
        ({"wait_ms": 9, "path": "plain"}, 16, {"wait_ms": 9, "path": "plain"}),
    ],
)
def test_changes_are_fields_of_the_load_or_options_of_the_suite(
    changes: dict[str, Any], users: int, options_: dict[str, Any]
) -> None:
    load = Load("Wait", options={"wait_ms": 50}).but(changes)
    assert (load.users, load.options) == (users, options_)


def test_an_arm_goes_by_its_label_and_may_change_the_levels_load() -> None:
    experiment = find("trap-blocking")
    assert [experiment.arm(name).row for name in ("await", "def", "blocking")] == ["fastapi"] * 3
    changed = experiment.load_of("", experiment.arm("def"))
    assert changed == experiment.load.but({"wait_route": "threadpool"}) != experiment.load
    assert Arm("flask").name == "flask"
