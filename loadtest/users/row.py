"""A user belongs to one row, and takes for a success only what it asked for."""

import itertools
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from locust import FastHttpUser, User
from locust.contrib.fasthttp import FastResponse

from loadtest import targets
from loadtest.arrivals import arrivals

EARLY_S = 0.002  # event loops count in milliseconds: a timer may fire that much too early
EXAMPLES = 5  # wrong bodies that are quoted; Locust keeps every text apart, and there may be thousands

Check = Callable[[bytes], bool]
quoted: set[bytes] = set()


class WrongAnswer(OSError):
    """A response that came in time and is not what was asked for."""

    def __repr__(self) -> str:  # what Locust shows
        return str(self)


def check_answer(status: int, body: bytes, right: Check) -> None:
    """WrongAnswer, with the reason, unless the status is 200 and the body right."""
    if status != 200:
        raise WrongAnswer(f"status {status}: {detail(body)}")
    try:
        good = right(body)
    except (ValueError, KeyError, TypeError):  # not even of the right form
        good = False
    if not good:
        raise WrongAnswer(f"wrong body: {quote(body)}")


def check_time(began: float, least_ms: float) -> None:
    """WrongAnswer where not even the asked for milliseconds have passed."""
    if least_ms and time.perf_counter() - began < least_ms / 1000 - EARLY_S:
        raise WrongAnswer(f"answered too soon: it was to take {least_ms:g} ms")


def detail(body: bytes) -> str:
    """What a problem+json says; the body's beginning where it is none."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return quote(body)


def quote(body: bytes) -> str:
    start = body[:80]
    if len(quoted) < EXAMPLES:
        quoted.add(start)
    return repr(start) if start in quoted else "another one"


class OnRow(User):
    """Closed loop, or open loop where its row has a schedule: then it starts when the schedule says."""

    abstract = True
    on: ClassVar[str] = ""  # the row; set in the classes that dealing.py makes. The judge loads one row at a time.
    uses: ClassVar[tuple[str, ...]] = ("path",)  # which of loadtest/options.py matter to it
    first_start: ClassVar[float] = 0  # when the first user of this process began (time.time)

    def __init__(self, environment: Any) -> None:
        self.options = environment.parsed_options
        self.row = self.on or self.options.rows[0]
        self.host = targets.url(self.row, self.options.path)
        self.schedule = arrivals.schedules.get(self.row)
        self.intended = 0.0  # the start that the schedule wants, in time.perf_counter's seconds
        self.numbers = itertools.count(1)  # no two messages of a user are the same
        super().__init__(environment)
        self.request_event: Any = FromIntendedStart(self) if self.schedule else environment.events.request

    def on_start(self) -> None:
        OnRow.first_start = OnRow.first_start or time.time()
        if self.schedule:
            self.intended = self.schedule.next()

    def wait_time(self) -> float:
        if self.schedule:  # Locust calls this between two tasks, where a user may be stopped
            self.intended = self.schedule.next()
        return 0

    def sockets(self) -> tuple[int, int]:
        """Of the WebSockets that this user wants to hold: how many are open, and how many it wants."""
        return 0, 0

    def report(self, kind: str, what: str, seconds: float, error: Exception | None = None, part: bool = False) -> None:
        """Puts a request into the statistics that Locust's own client did not make; a `part` began when it did."""
        event = self.environment.events.request if part else self.request_event
        event.fire(
            request_type=kind,
            name=self.named(what),
            response_time=seconds * 1000,
            response_length=0,
            exception=error,
            context={},
        )

    def named(self, what: str) -> str:
        """The name in the statistics: the rows of one request stand next to each other."""
        return f"{what} {self.row}"


class FromIntendedStart:
    """Stands in for Locust's request event: a request that started late was slow by that much, too."""

    def __init__(self, user: OnRow) -> None:
        self.user = user
        self.event = user.environment.events.request

    def fire(self, **request: Any) -> None:
        lag = time.perf_counter() - request["response_time"] / 1000 - self.user.intended
        self.event.fire(**request | {"response_time": request["response_time"] + max(lag, 0) * 1000})


class RowUser(OnRow, FastHttpUser):
    """Requests over HTTP/1.1, one at a time, every answer checked against what was asked."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        vars(self.client.client)["response_type"] = partial(Checked, self)
        self.client.request_event = self.request_event
        self.right: Check = bool
        self.least_ms, self.began = 0.0, 0.0

    def ask(
        self, path: str, right: Check, least_ms: float = 0, method: str = "GET", what: str = "", **body: Any
    ) -> None:
        """A request whose answer must be `right`, and take at least `least_ms`."""
        self.right, self.least_ms, self.began = right, least_ms, time.perf_counter()
        self.client.request(method, path, name=self.named(what or path.partition("?")[0]), **body)


class Checked(FastResponse):
    """Locust asks here whether a response is an error, so a check costs no event of its own."""

    def __init__(self, user: RowUser, *response: Any, **more: Any) -> None:
        super().__init__(*response, **more)
        self.user = user

    def raise_for_status(self) -> None:
        check_answer(self.status_code, self.content, self.user.right)
        check_time(self.user.began, self.user.least_ms)
