"""One class per kind of request, and the mix of them that a person would cause."""

import json
import random
from typing import Any

from locust import task

import workloads
from loadtest.users.row import RowUser

GREETING = json.dumps(workloads.GREETING, separators=(",", ":")).encode()
MESSAGE = json.dumps({"message": "The quick brown fox jumps over the lazy dog."}, separators=(",", ":"))
JSON_HEADERS = {"Content-Type": "application/json"}
VALUE = 4711
ROUTES = {"plain": "/wait", "threadpool": "/wait/threadpool", "blocking": "/wait/blocking"}  # of --wait-route


def is_plaintext(body: bytes) -> bool:
    return body == workloads.PLAINTEXT


def is_greeting(body: bytes) -> bool:
    return body == GREETING


def is_wait(body: bytes) -> bool:
    return body.startswith(b'{"waited_ms":')


def is_items(body: bytes) -> bool:
    items = json.loads(body)
    return len(items) > 0 and all(item["value"] == workloads.item_value(item["id"]) for item in items)


def is_entry(body: bytes) -> bool:
    return bool(json.loads(body)["value"] == VALUE)


def is_work(body: bytes) -> bool:
    answer = json.loads(body)
    return bool(answer["result"] == pow(48_271, answer["rounds"], 2_147_483_647))


def is_message(body: bytes) -> bool:
    return body == MESSAGE.encode()


class Plaintext(RowUser):
    """The least a server can do: 13 bytes of text."""

    check = staticmethod(is_plaintext)

    @task
    def plaintext(self) -> None:
        self.client.get("/plaintext", name=self.named("/plaintext"))


class Json(RowUser):
    """The basic request: a small JSON answer."""

    check = staticmethod(is_greeting)

    @task
    def greeting(self) -> None:
        self.client.get("/json", name=self.named("/json"))


class Wait(RowUser):
    """Waiting without work, like a call to a slow service."""

    check = staticmethod(is_wait)

    @task
    def wait_for_it(self) -> None:
        route = ROUTES[self.options.wait_route]
        self.client.get(f"{route}?ms={self.options.wait_ms}", name=self.named(route))


class DbRead(RowUser):
    """Single-row reads by random id from PostgreSQL."""

    check = staticmethod(is_items)

    @task
    def read(self) -> None:
        self.client.get(f"/db?queries={self.options.queries}", name=self.named("/db"))


class DbWrite(RowUser):
    """A write, committed and read back."""

    check = staticmethod(is_entry)

    @task
    def write(self) -> None:
        self.client.post(f"/db?value={VALUE}", name=self.named("/db"))


class Cpu(RowUser):
    """Pure Python work in the service."""

    check = staticmethod(is_work)

    @task
    def compute(self) -> None:
        self.client.get(f"/cpu?rounds={self.options.rounds}", name=self.named("/cpu"))


class Echo(RowUser):
    """A JSON body that the service validates and returns."""

    check = staticmethod(is_message)

    @task
    def echo(self) -> None:
        self.client.post("/echo", data=MESSAGE, headers=JSON_HEADERS, name=self.named("/echo"))


class Mix(RowUser):
    """What a visitor causes: mostly reads, some writes, a slow call now and then, with time to think between."""

    @staticmethod
    def check(body: bytes) -> bool:
        return len(body) > 0 and any(is_right(body) for is_right in (is_greeting, is_message, is_wait, is_data))

    def wait_time(self) -> float:
        return super().wait_time() or (0 if self.schedule else random.uniform(0.5, 2))

    @task(50)
    def greeting(self) -> None:
        self.client.get("/json", name=self.named("/json"))

    @task(30)
    def read(self) -> None:
        self.client.get(f"/db?queries={self.options.queries}", name=self.named("/db"))

    @task(8)
    def write(self) -> None:
        self.client.post(f"/db?value={VALUE}", name=self.named("/db write"))

    @task(6)
    def echo(self) -> None:
        self.client.post("/echo", data=MESSAGE, headers=JSON_HEADERS, name=self.named("/echo"))

    @task(4)
    def wait_for_it(self) -> None:
        self.client.get(f"/wait?ms={self.options.wait_ms}", name=self.named("/wait"))

    @task(2)
    def compute(self) -> None:
        self.client.get(f"/cpu?rounds={self.options.rounds}", name=self.named("/cpu"))


def is_data(body: bytes) -> bool:
    """Any of the JSON answers that carry data."""
    answer: Any = json.loads(body)
    if isinstance(answer, list):
        return is_items(body)
    return is_work(body) if "rounds" in answer else is_entry(body)
