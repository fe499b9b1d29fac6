"""`--reliability` runs every fault on every row, and writes docs/reliability.md from what was counted."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest

from tests.e2e import stacks
from tests.e2e.stacks import Stack

Tell = Callable[[object], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """What a test has counted, for the table."""
    return lambda counted: record_property("counted", str(counted))


@pytest.fixture(scope="session")
def two_workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stacks.native(WORKERS="2") as native:
        yield native
