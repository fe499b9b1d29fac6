"""The clock of runs that are made up."""

from types import SimpleNamespace

import pytest

from tests.unit import running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return running.clock(monkeypatch)
