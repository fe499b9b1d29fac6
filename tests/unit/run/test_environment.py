"""The header of a run: what was measured on, with whatever decides a ratio."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from lab import LabError
from lab.generator.record import NEEDED
from lab.run import environment
from tests.unit.records import about

MORE = [("X-Request-Id", "abc"), ("Content-Type", "application/json")]


class Gateway(BaseHTTPRequestHandler):
    """Answers for rows; its own headers differ from answer to answer."""

    answers = 0

    def do_GET(self) -> None:
        row = self.path.split("/")[1]
        if row == "lost":
            self.send_error(502)
            return
        Gateway.answers += 1
        self.send_response(200)  # with Server and Date
        self.send_header("Server-Timing", f"upstream;dur={10**Gateway.answers}")
        for name, value in MORE if row == "talkative" else MORE[1:]:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_bytes_of_a_rows_own_headers_are_counted_and_not_the_gateways(gateway: str) -> None:
    plain = len("Content-Type: application/json\r\n")
    assert [environment.header_bytes(f"{gateway}/plain/json") for _ in range(2)] == [plain, plain]
    assert environment.header_bytes(f"{gateway}/talkative/json") == plain + len("X-Request-Id: abc\r\n")


def test_where_there_is_no_answer_the_bytes_of_its_headers_are_unknown(gateway: str) -> None:
    assert environment.header_bytes(f"{gateway}/lost/json") is None


def test_the_header_names_parsers_loops_drivers_and_clients_and_what_each_row_says_of_itself(gateway: str) -> None:
    door: Any = SimpleNamespace(
        name="native",
        placed={"generator": "1", "nginx": "1"},
        gateway=gateway,
        about=lambda row: about() | {"row": row},
        restart=None,
    )
    made = environment.header(door, ["plain", "talkative"], looks=(4,), seed=7, scale=1.0)
    assert {"uvloop", "httptools", "h11", "pydantic", "werkzeug", "psycopg-pool", "locust"} <= made.versions.keys()
    assert made.abouts["talkative"]["header_bytes"] > made.abouts["plain"]["header_bytes"]
    assert made.abouts["plain"]["row"] == "plain"
    assert made.shared_cpus == 1


def door_of(gateway: str, **said: Any) -> Any:
    return SimpleNamespace(gateway=gateway, about=lambda row: said)


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_a_row_that_says_too_little_of_itself_is_one_clear_line_before_anything_is_measured(
    gateway: str, missing: str
) -> None:
    """As a lab of another version may, behind its URL."""
    said = about()
    del said[missing]
    with pytest.raises(LabError, match=f"what plain says of itself at .*/plain/about lacks {missing}: start it"):
        environment.about(door_of(gateway, **said), "plain")


def test_settings_that_are_no_table_are_one_clear_line_too(gateway: str) -> None:
    with pytest.raises(LabError, match="has another kind of value for settings"):
        environment.about(door_of(gateway, **about() | {"settings": []}), "plain")
