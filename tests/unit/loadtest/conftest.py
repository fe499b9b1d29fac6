"""Locust's web UI as the suite fits it, without a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.loadtest.web_ui import WebUI, written_rows


@pytest.fixture
def ui_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with written_rows(tmp_path, monkeypatch):
        yield


@pytest.fixture
def ui(ui_rows: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebUI]:
    made = WebUI(monkeypatch, "--web-host", "127.0.0.1")
    yield made
    made.close()
