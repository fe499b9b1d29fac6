"""One class per kind of request, and the mix of them that a person would cause."""

import json
import random
import time
from functools import cache
from typing import ClassVar

from locust import task

import workloads
from loadtest.users.row import Check, RowUser

GREETING = json.dumps(workloads.GREETING, separators=(",", ":")).encode()
FIRST_RELOAD_S = 1.5  # after the last user has started
JSON_HEADERS = {"Content-Type": "application/json"}
# Of --wait-route
ROUTES = {
    "plain": "/wait",
    "threadpool": "/wait/threadpool",
    "blocking": "/wait/blocking",
    "async": "/wait/async",
}

is_plaintext: Check = workloads.PLAINTEXT.__eq__
is_greeting: Check = GREETING.__eq__


def text(number: int) -> str:
    """What is echoed: another one each time, so that nobody can know it beforehand."""
    return f"The quick brown fox jumps over the lazy dog. {number}"


def message(number: int) -> bytes:
    return f'{{"message":"{text(number)}"}}'.encode()


@cache
def waited(ms: int) -> Check:
    return (b'{"waited_ms":%d}' % ms).__eq__


@cache
def items(queries: int) -> Check:
    """As many rows as asked for, each with its value, and not one row over and over."""

    def right(body: bytes) -> bool:
        found = json.loads(body)
        ids = {item["id"] for item in found}
        return (
            len(found) == queries
            and all(item == {"id": item["id"], "value": workloads.item_value(item["id"])} for item in found)
            and min(ids) >= 1
            and max(ids) <= workloads.ITEMS
            and (queries < 4 or len(ids) > 1)  # of so many random ids all are the same once in 10¹²
        )

    return right


def entry(value: int) -> Check:
    def right(body: bytes) -> bool:
        found = json.loads(body)
        return bool(found == {"id": found["id"], "value": value} and found["id"] >= 1)

    return right


@cache
def work(rounds: int) -> Check:
    """The result by another formula than the service's."""
    answer = {"rounds": rounds, "result": pow(48_271, rounds, 2_147_483_647)}
    return lambda body: bool(json.loads(body) == answer)


# What users do, alone or in the mix


def get_plaintext(user: RowUser) -> None:
    user.ask("/plaintext", is_plaintext)


def get_greeting(user: RowUser) -> None:
    user.ask("/json", is_greeting)


def wait(user: RowUser) -> None:
    ms = user.options.wait_ms
    user.ask(f"{ROUTES[user.options.wait_route]}?ms={ms}", waited(ms), least_ms=ms)


def read(user: RowUser) -> None:
    queries, ms = user.options.queries, user.options.delay_ms
    delay = f"&delay_ms={ms}" if ms else ""
    user.ask(f"/db?queries={queries}{delay}", items(queries), least_ms=queries * ms)


def write(user: RowUser) -> None:
    value = random.randint(workloads.VALUE.low, workloads.VALUE.high)
    user.ask(f"/db?value={value}", entry(value), method="POST", what="/db write")


def compute(user: RowUser) -> None:
    rounds = user.options.rounds
    user.ask(f"/cpu?rounds={rounds}", work(rounds))


def echo(user: RowUser) -> None:
    body = message(next(user.numbers))
    user.ask("/echo", body.__eq__, method="POST", data=body, headers=JSON_HEADERS)


class Plaintext(RowUser):
    """The least a server can do: 13 bytes of text."""

    @task
    def plaintext(self) -> None:
        get_plaintext(self)


class Json(RowUser):
    """The basic request: a small JSON answer."""

    @task
    def greeting(self) -> None:
        get_greeting(self)


class Wait(RowUser):
    """Waiting without work, like a call to a slow service."""

    uses: ClassVar[tuple[str, ...]] = ("path", "wait_ms", "wait_route")

    @task
    def wait_for_it(self) -> None:
        wait(self)


class DbRead(RowUser):
    """Single-row reads by random id from PostgreSQL."""

    uses: ClassVar[tuple[str, ...]] = ("path", "queries", "delay_ms")

    @task
    def read_items(self) -> None:
        read(self)


class DbWrite(RowUser):
    """A write, committed and read back."""

    @task
    def write_entry(self) -> None:
        write(self)


class Cpu(RowUser):
    """Pure Python work in the service."""

    uses: ClassVar[tuple[str, ...]] = ("path", "rounds")

    @task
    def work_for_it(self) -> None:
        compute(self)


class Echo(RowUser):
    """A JSON body that the service validates and returns."""

    @task
    def send_message(self) -> None:
        echo(self)


class Reload(RowUser):
    """The basic request, while the server is told every {reload_s} to replace its workers."""

    uses: ClassVar[tuple[str, ...]] = ("path", "reload_s")
    due: ClassVar[float] = 0  # when the next reload is (time.monotonic): one user of all asks for it

    def on_start(self) -> None:
        Reload.due = time.monotonic() + FIRST_RELOAD_S
        super().on_start()

    @task
    def greeting(self) -> None:
        now = time.monotonic()
        if self.options.reload_s and now >= Reload.due:
            Reload.due = now + self.options.reload_s
            self.ask("/reload", b"".__eq__, method="POST")
        get_greeting(self)


class Mix(RowUser):
    """What a visitor causes: mostly reads, some writes, a slow call now and then, with time to think between."""

    uses: ClassVar[tuple[str, ...]] = ("path", "wait_ms", "wait_route", "queries", "delay_ms", "rounds")

    def wait_time(self) -> float:
        return super().wait_time() or (0 if self.schedule else random.uniform(0.5, 2))

    @task(50)
    def greeting(self) -> None:
        get_greeting(self)

    @task(30)
    def read_items(self) -> None:
        read(self)

    @task(8)
    def write_entry(self) -> None:
        write(self)

    @task(6)
    def send_message(self) -> None:
        echo(self)

    @task(4)
    def wait_for_it(self) -> None:
        wait(self)

    @task(2)
    def work_for_it(self) -> None:
        compute(self)
