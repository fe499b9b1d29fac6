"""What the generator asks of a row beside its clients: how it is, and whether it answers again when they have gone."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from lab.generator import process
from lab.generator.window import Window


@pytest.mark.parametrize("refusals", [0, 3])
def test_a_row_answers_again_when_it_answers_well_and_not_when_it_refuses(refusals: int) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(503 if len(asked) <= refusals else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        began = time.perf_counter()
        after_ms = process.answered_again(f"http://127.0.0.1:{server.server_port}/db?queries=1")
        took_ms = (time.perf_counter() - began) * 1000
        server.shutdown()
    assert after_ms is not None and refusals * process.AGAIN_S * 1000 <= after_ms <= took_ms
    assert asked == ["/db?queries=1"] * (refusals + 1)


def test_a_row_that_is_gone_never_answers_again() -> None:
    assert process.answered_again("http://127.0.0.1:9/health") is None


def test_the_look_at_the_meter_is_no_connection_of_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: two pages on one warm connection were refused, because the look counted as a connection remade."""

    def look(row: str) -> None:
        process.Connections.opened += 1

    monkeypatch.setattr(process, "meter_of", look)
    arm: Any = object.__new__(process.ArmUnderLoad)
    vars(arm).update(
        row="flask",
        windows=[Window()],
        load=SimpleNamespace(answered=0, window=None, held=lambda: 0),
        loads={},
        takes_turns=False,
    )
    arm.slice(split=0, margin_s=0, seconds=0.01)
    assert arm.windows[0].connections == 0
