"""A web UI of Locust, fitted by the suite, for the tests of its parts."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import locust.argument_parser
import locust.env
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loadtest import targets

ROWS = [
    {
        "name": name,
        "interface": "WSGI",
        "framework": "none",
        "server": "granian",
        "model": "m",
        "address": "127.0.0.1:1",
    }
    | {"meter": "http://127.0.0.1:1/"}
    for name in ("flask", "fastapi")
]
OWN_PAGE = {"Origin": "http://localhost"}  # where Flask's test client is
FORM = {
    "user_count": "4",
    "spawn_rate": "10",
    "host": "",
    "run_time": "",
    "profile": "",
    "scenario": "Wait",
    "rows": ["fastapi"],
    "shape": "steady",
    "arrivals": "closed",
    "limit_p9_9ms": "150",  # as Locust's page spells it
}


class WebUI:
    """A web UI that does not listen, in front of a runner that starts no users."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
        from loadtest import locustfile  # reads the rows

        options = locust.argument_parser.parse_options(args=list(arguments))
        self.environment: Any = locust.env.Environment(parsed_options=options)
        self.runner = self.environment.create_local_runner()
        self.started: list[tuple[int, float]] = []
        monkeypatch.setattr(self.runner, "start", lambda *load: self.started.append(load))
        web_ui: Any = self.environment.create_web_ui(
            options.web_host, 8089, web_login=options.web_login, delayed_start=True
        )
        locustfile.control(self.environment, self.runner)
        self.client: FlaskClient = web_ui.app.test_client()

    def swarm(self, **changes: object) -> TestResponse:
        form = {name: value for name, value in (FORM | changes).items() if value is not None}
        response = self.client.post("/swarm", data=form, headers=OWN_PAGE)
        gevent.sleep(0)  # Locust starts a test in a greenlet
        return response

    def figures(self, query: str = "") -> Any:
        return self.client.get(f"/compare/figures{query}").json

    def measure(self, *times_ms: float) -> None:
        for row in ("flask", "fastapi"):
            for ms in times_ms:
                self.environment.stats.log_request("GET", f"/json {row}", ms, 10)

    def close(self) -> None:
        self.environment.sampler.end()
        self.runner.quit()


@contextmanager
def written_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (folder / "rows.json").write_text(json.dumps(ROWS))
    monkeypatch.setenv("ROWS_FILE", str(folder / "rows.json"))
    monkeypatch.setattr(sys, "argv", ["locust"])  # Locust reads the form's defaults from there
    targets.rows.cache_clear()
    yield
    targets.rows.cache_clear()
