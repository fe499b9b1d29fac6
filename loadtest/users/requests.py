"""One class per kind of request."""

import json
from typing import Any

from locust import task

import workloads
from loadtest.users.row import RowUser

GREETING = json.dumps(workloads.GREETING, separators=(",", ":")).encode()
MESSAGE = json.dumps({"message": "The quick brown fox jumps over the lazy dog."}, separators=(",", ":"))
JSON_HEADERS = {"Content-Type": "application/json"}


class Plaintext(RowUser):
    """The least a server can do: 13 bytes of text."""

    @task
    def plaintext(self) -> None:
        self.client.get("/plaintext", name=self.named("/plaintext"))

    @staticmethod
    def check(body: bytes) -> bool:
        return body == workloads.PLAINTEXT


class Json(RowUser):
    """The basic request: a small JSON answer."""

    @task
    def greeting(self) -> None:
        self.client.get("/json", name=self.named("/json"))

    @staticmethod
    def check(body: bytes) -> bool:
        return body == GREETING


class Wait(RowUser):
    """Waiting without work, like a call to a slow service."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.path = f"/wait?ms={self.options.wait_ms}"

    @task
    def wait_for_it(self) -> None:
        self.client.get(self.path, name=self.named("/wait"))

    @staticmethod
    def check(body: bytes) -> bool:
        return body.startswith(b'{"waited_ms":')


class DbRead(RowUser):
    """Single-row reads by random id from PostgreSQL."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.path = f"/db?queries={self.options.queries}"

    @task
    def read(self) -> None:
        self.client.get(self.path, name=self.named("/db"))

    @staticmethod
    def check(body: bytes) -> bool:
        items = json.loads(body)
        return len(items) > 0 and all(item["value"] == workloads.item_value(item["id"]) for item in items)


class DbWrite(RowUser):
    """A write, committed and read back."""

    value = 4711

    @task
    def write(self) -> None:
        self.client.post(f"/db?value={self.value}", name=self.named("/db"))

    @staticmethod
    def check(body: bytes) -> bool:
        return bool(json.loads(body)["value"] == DbWrite.value)


class Cpu(RowUser):
    """Pure Python work in the service."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.path = f"/cpu?rounds={self.options.rounds}"

    @task
    def compute(self) -> None:
        self.client.get(self.path, name=self.named("/cpu"))

    @staticmethod
    def check(body: bytes) -> bool:
        answer = json.loads(body)
        return bool(answer["result"] == pow(48_271, answer["rounds"], 2_147_483_647))


class Echo(RowUser):
    """A JSON body that the service validates and returns."""

    @task
    def echo(self) -> None:
        self.client.post("/echo", data=MESSAGE, headers=JSON_HEADERS, name=self.named("/echo"))

    @staticmethod
    def check(body: bytes) -> bool:
        return body == MESSAGE.encode()
