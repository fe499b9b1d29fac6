"""Rows are started anew within a run: those that were asked for, at either door; the gates take it as meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from lab.experiments import find
from lab.generator.client import GeneratorClient
from lab.generator.record import Part, Result
from lab.run import environment
from lab.run.plan import Plan
from lab.run.results import Run
from lab.run.run import Runner
from lab.stack import doors
from lab.stack.compose_file import ComposeFile
from tests.e2e.stacks import ComposeDoor, Stack, plain_environ, run

ROWS = ("flask", "flask-gevent", "fastapi", "asgi")


@pytest.fixture
def in_its_project(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the lab asks of docker compose is asked of the stack under test."""
    if isinstance(stack, ComposeDoor):
        for name, value in stack.environ.items():
            monkeypatch.setenv(name, value)


@pytest.fixture
def door(stack: Stack, in_its_project: None) -> Iterator[doors.Door]:
    if not isinstance(stack, ComposeDoor):
        with doors.native(ROWS, lambda text: None, ComposeFile(environ=plain_environ())) as native:
            yield native
        return
    with doors.compose() as compose:
        yield compose


def life(door: doors.Door, stack: Stack, row: str) -> str:
    """What no two starts of a row have alike."""
    if not isinstance(stack, ComposeDoor):
        return str(door.pid(row))
    return run(["docker", "inspect", "--format", "{{.State.StartedAt}}", stack.compose("ps", "-q", row).strip()])


def test_rows_that_are_started_anew_answer_as_themselves_at_once_and_no_other_row_notices(
    door: doors.Door, stack: Stack
) -> None:
    assert door.restart
    lives = {row: {life(door, stack, row)} for row in ROWS}
    for _ in range(3):
        door.restart(ROWS[:3])
        for row in ROWS:
            assert door.about(row)["row"] == row
            lives[row].add(life(door, stack, row))
        assert not checked_later(stack)
    assert {row: len(each) for row, each in lives.items()} == {"flask": 4, "flask-gevent": 4, "fastapi": 4, "asgi": 1}


def checked_later(stack: Stack) -> list[str]:
    """Containers whose start Docker has still to check: it would, on a CPU of those that measure or are measured."""
    if not isinstance(stack, ComposeDoor):
        return []
    states = stack.compose("ps", "--format", "{{.Service}} {{.Health}}").splitlines()
    return [each for each in states if each.endswith(" starting")]


@pytest.mark.usefixtures("in_its_project")
def test_a_door_to_containers_that_were_just_started_opens_when_their_checks_are_over(compose: ComposeDoor) -> None:
    compose.compose("restart", "--timeout", "0", "asgi")
    assert checked_later(compose) == ["asgi starting"]
    with doors.compose():
        assert not checked_later(compose)


def test_every_round_of_a_run_is_of_another_start_and_none_is_taken_for_an_accident(
    door: doors.Door, stack: Stack
) -> None:
    control = find("control")
    lives: dict[str, set[str]] = {"flask": set(), "fastapi": set()}
    seen: list[Result] = []

    def keep(result: Result) -> None:
        seen.append(result)
        lives[result.block.row].add(life(door, stack, result.block.row))

    plan = Plan(looks=(4,), scale=0.3, budget_s=None)
    parts = {control.name: Part(**control.part())}
    header = environment.header(door, list(lives), looks=plan.looks, seed=1, scale=plan.scale, experiments=parts)
    with GeneratorClient(door, keep) as generator, Path("/dev/null").open("w") as nowhere:
        Runner(generator, Run(Path(), header), plan, Console(file=nowhere)).all([control])
    assert {row: len(each) for row, each in lives.items()} == {"flask": 4, "fastapi": 4}
    assert not any(result.restarts or result.load.failures for result in seen)
