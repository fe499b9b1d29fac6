"""What is asked of a row when all clients have gone."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab.generator import process


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
