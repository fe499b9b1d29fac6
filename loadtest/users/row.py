"""A user belongs to one row; where several rows are under load, users are dealt out to them in turn."""

from collections import Counter
from typing import Any, ClassVar

from locust import FastHttpUser, User
from locust.contrib.fasthttp import FastResponse

from loadtest import targets


class WrongAnswer(OSError):
    """A response that came in time and is not what was asked for."""


class OnRow(User):
    abstract = True
    _dealt: ClassVar[Counter[str]] = Counter()

    def __init__(self, environment: Any) -> None:
        self.options = environment.parsed_options
        kind = type(self).__name__
        self.row = self.options.rows[self._dealt[kind] % len(self.options.rows)]
        self._dealt[kind] += 1
        self.host = targets.url(self.row, self.options.path)
        super().__init__(environment)

    def named(self, what: str) -> str:
        """The name in the statistics: the rows of one request stand next to each other."""
        return f"{what} {self.row}"


class RowUser(OnRow, FastHttpUser):
    """Requests over HTTP/1.1, one at a time, as fast as the answers come; every body is checked."""

    abstract = True
    response_type: type[FastResponse]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check = cls.check

        class Checked(FastResponse):
            # Locust asks here whether a response is an error, so a check costs no event of its own.
            def raise_for_status(self) -> None:
                super().raise_for_status()  # type: ignore[no-untyped-call]  # Locust leaves it untyped
                if not check(self.content):
                    raise WrongAnswer(f"wrong body: {self.content[:80]!r}")

        cls.response_type = Checked

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        vars(self.client.client)["response_type"] = self.response_type

    @staticmethod
    def check(body: bytes) -> bool:
        raise NotImplementedError
