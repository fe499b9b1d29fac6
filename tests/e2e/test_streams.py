"""Server-sent events arrive as they happen, not when the last one is there."""

import time

import pytest

from tests.e2e.client import Client

ROWS = ["flask", "flask-sync", "flask-gevent", "flask-granian", "fastapi", "fastapi-granian", "fastapi-gunicorn"]


@pytest.mark.parametrize(("protocol", "row"), [*(("h2", row) for row in ROWS), ("h1", "flask"), ("h1", "fastapi")])
def test_events_arrive_one_by_one(client: Client, protocol: str, row: str) -> None:
    speaks = client.h2 if protocol == "h2" else client.h1
    arrived = []
    with speaks.stream("GET", f"/{row}/stream?events=4&interval_ms=300") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        for line in answer.iter_lines():
            if line:
                arrived.append((line, time.monotonic()))
    assert [line for line, _ in arrived] == [f'data: {{"event":{number}}}' for number in range(4)]
    assert arrived[-1][1] - arrived[0][1] >= 0.7
