"""Workers that die, and rows and gateways that are told to begin anew."""

import signal
import time

import pytest

from tests.e2e.client import Client
from tests.e2e.stacks import Stack
from tests.faults.conftest import Tell
from tests.faults.prober import Ask, probing, total
from tests.helpers import until


def worker(stack: Stack, row: str) -> int:
    import httpx

    return int(httpx.get(f"{stack.http}/{row}/about", trust_env=False).json()["pid"])


ROWS = ["flask","fastapi","wsgi","asgi","flask-sync","flask-40","flask-gevent","flask-granian","flask-http2","fastapi-granian","fastapi-gunicorn","wsgi-granian","asgi-granian"]

@pytest.mark.parametrize("row", ROWS)
def test_one(stack: Stack, row: str, tell: Tell) -> None:
    with probing(stack.http, {row: Ask(f"/{row}/json")}, rate=50) as counts:
        stack.signal(row, signal.SIGKILL, worker(stack, row))
        time.sleep(2)
    print(row, total(counts), max(total(counts).times_s), counts[row].lost[:1])

@pytest.mark.parametrize("row", ROWS)
def test_two(two_workers: Stack, row: str, tell: Tell) -> None:
    stack = two_workers
    with probing(stack.http, {row: Ask(f"/{row}/json")}, rate=50) as counts:
        stack.signal(row, signal.SIGKILL, worker(stack, row))
        time.sleep(2)
    print(row, "kill", total(counts), max(total(counts).times_s), counts[row].lost[:1])
    with probing(stack.http, {row: Ask(f"/{row}/json")}, rate=50) as counts:
        stack.signal(row, signal.SIGHUP)
        time.sleep(4)
    print(row, "hup", total(counts), max(total(counts).times_s), counts[row].lost[:1])
