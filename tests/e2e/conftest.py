"""One stack per door for the whole session, one door after the other."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e import stacks
from tests.e2e.client import Client
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack


@pytest.fixture(scope="session", params=["native", "compose"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if request.param == "native":
        with stacks.native() as native:
            yield native
        return
    if not stacks.docker_runs():
        assert not os.environ.get("CI"), "CI must run the Docker tests, and `docker info` fails"
        pytest.skip("`docker info` fails: no Docker here, or its engine does not run")
    with stacks.compose(tmp_path_factory.mktemp("compose")) as compose:
        yield compose


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Client]:
    client = Client(stack)
    yield client
    client.close()


@pytest.fixture
def native(stack: Stack) -> NativeDoor:
    """For what can be seen of processes only."""
    if not isinstance(stack, NativeDoor):
        pytest.skip("about processes: the native door has them")
    return stack


@pytest.fixture
def compose(stack: Stack) -> ComposeDoor:
    """For what can be seen of containers only."""
    if not isinstance(stack, ComposeDoor):
        pytest.skip("about containers: Compose has them")
    return stack
