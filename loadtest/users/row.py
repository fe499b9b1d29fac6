"""A user belongs to one row; where several rows are under load, users are dealt out to them in turn."""

import time
from collections import Counter
from typing import Any, ClassVar

from locust import FastHttpUser, User
from locust.contrib.fasthttp import FastResponse

from loadtest import targets
from loadtest.arrivals import arrivals


class WrongAnswer(OSError):
    """A response that came in time and is not what was asked for."""


class OnRow(User):
    """Closed loop, or open loop where its row has a schedule: then it starts when the schedule says."""

    abstract = True
    _dealt: ClassVar[Counter[str]] = Counter()

    def __init__(self, environment: Any) -> None:
        self.options = environment.parsed_options
        kind = type(self).__name__
        self.row = self.options.rows[self._dealt[kind] % len(self.options.rows)]
        self._dealt[kind] += 1
        self.host = targets.url(self.row, self.options.path)
        self.schedule = arrivals.schedules.get(self.row)
        self.intended = 0.0  # the start that the schedule wants, in time.perf_counter's seconds
        super().__init__(environment)
        self.request_event: Any = FromIntendedStart(self) if self.schedule else environment.events.request

    def on_start(self) -> None:
        if self.schedule:
            self.intended = self.schedule.next()

    def wait_time(self) -> float:
        if self.schedule:  # Locust calls this between two tasks, where a user may be stopped
            self.intended = self.schedule.next()
        return 0

    def report(self, kind: str, what: str, seconds: float, error: Exception | None = None) -> None:
        """Puts a request into the statistics that Locust's own client did not make."""
        self.request_event.fire(
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
    """Requests over HTTP/1.1, one at a time, every body checked."""

    abstract = True
    response_type: type[FastResponse]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check = cls.check

        class Checked(FastResponse):
            # Locust asks here whether a response is an error, so a check costs no event of its own.
            def raise_for_status(self) -> None:
                super().raise_for_status()
                try:
                    right = check(self.content)
                except (ValueError, KeyError, TypeError):  # not even of the right form
                    right = False
                if not right:
                    raise WrongAnswer(f"wrong body: {self.content[:80]!r}")

        cls.response_type = Checked

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        vars(self.client.client)["response_type"] = self.response_type
        self.client.request_event = self.request_event

    @staticmethod
    def check(body: bytes) -> bool:
        raise NotImplementedError
