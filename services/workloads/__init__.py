"""What both services do: payloads, limits, CPU work, SQL and error texts. How they do it is theirs.

Standard library only. Nothing here knows Flask, FastAPI, WSGI or ASGI; settings come from the environment.
"""

import os
import random
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from sys import argv
from typing import TYPE_CHECKING, Any

from workloads import servers

if TYPE_CHECKING:
    from _typeshed import SupportsRead

PLAINTEXT = b"Hello, World!"
GREETING = {"message": "Hello, World!"}


# Parameters and errors


class Problem(Exception):
    """A request that cannot be served: becomes an `application/problem+json` answer (RFC 9457)."""

    def __init__(self, status: int, detail: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Parameter:
    """A whole number in the query string, `low` to `high`, taken as `default` where it is absent."""

    name: str
    low: int
    high: int
    default: int

    @property
    def rule(self) -> str:
        return f"{self.name} must be a whole number from {self.low} to {self.high}"

    def read(self, given: Sequence[str]) -> int:
        """The last of what the query string gives, as FastAPI takes it; Problem 422 where that is no such number."""
        if not given:
            return self.default
        text = given[-1].strip()
        if NUMBER.fullmatch(text) and self.low <= int(text.partition(".")[0]) <= self.high:
            return int(text.partition(".")[0])
        raise Problem(422, self.rule)


# A whole number as Pydantic reads it from text: like int(), but in ASCII digits only, and 5.0 is one. The bounds keep
# short what int() is given.
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(_[0-9]{1,20}){0,20}(\.0+)?")
WAIT_MS = Parameter("ms", low=0, high=10_000, default=100)
QUERIES = Parameter("queries", low=1, high=100, default=1)
DELAY_MS = Parameter("delay_ms", low=0, high=500, default=0)  # of each query: less than DATABASE_TIMEOUT_S
VALUE = Parameter("value", low=0, high=1_000_000, default=1)
ROUNDS = Parameter("rounds", low=1, high=1_000_000, default=10_000)
EVENTS = Parameter("events", low=1, high=1_000, default=10)
INTERVAL_MS = Parameter("interval_ms", low=0, high=10_000, default=100)
KIB = Parameter("kib", low=1, high=4096, default=64)
PARAMETERS = {each.name: each for each in (WAIT_MS, QUERIES, DELAY_MS, VALUE, ROUNDS, EVENTS, INTERVAL_MS, KIB)}

MAX_BODY = 64 * 1024  # bytes of a request body, and of a WebSocket message
MAX_DISCARDED = 1024 * 1024  # bytes of a body that are read although nobody wants them: the next request is behind
MAX_TEXT = 10_000  # characters of an echoed message
BODY_RULE = f'the body must be {{"message": text}} with 1 to {MAX_TEXT} characters of text and nothing else'

DETAILS = {
    400: "the body is not valid JSON",
    404: "there is no such route",
    405: "this route does not take this method",
    413: f"the body is larger than {MAX_BODY} bytes",
    415: "the body must be sent as application/json",
    500: "the service failed: its log says why",
    501: "this server cannot do that: ask another row",
    503: "the database does not answer: routes that need none still work",
}
# As RFC 9110 names them; Python does since 3.13.
TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
POOL_BUSY = "every database connection is in use: this worker has no more than its pool"
PROBLEM_JSON = "application/problem+json"


def problem(status: int, detail: str | None = None) -> dict[str, Any]:
    """The body of an error answer (RFC 9457)."""
    detail = detail or DETAILS.get(status, HTTPStatus(status).description)
    title = TITLES.get(status, HTTPStatus(status).phrase)
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def discard(body: "SupportsRead[bytes]") -> None:
    """Read what nobody has read of a body, up to a bound: some servers drop the connection otherwise."""
    left = MAX_DISCARDED
    with suppress(Exception):  # each server has its own for a body that is broken; there is no next request, then
        while left > 0 and (chunk := body.read(MAX_BODY)):
            left -= len(chunk)


def announces_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these ASGI headers has a body."""
    for name, _ in headers:  # noqa: SIM110  (on the path of every request, where any() takes twice as long)
        if name in (b"content-length", b"transfer-encoding"):
            return True
    return False


def is_message(body: object) -> bool:
    """Whether a decoded JSON body is what /echo takes: BODY_RULE as code, for frameworks without models."""
    if not isinstance(body, dict) or body.keys() != {"message"}:
        return False
    text = body["message"]
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_TEXT:
        return False
    return text.isascii() or not re.search("[\ud800-\udfff]", text)


# CPU work


def cpu_work(rounds: int) -> int:
    """A number that takes `rounds` steps of pure Python to find (the generator of Park and Miller, 1988)."""
    x = 1
    for _ in range(rounds):
        x = x * 48_271 % 2_147_483_647
    return x


# Large bodies, and server-sent events

BLOCK_KIB = 64
BLOCK = b"x" * 1024 * BLOCK_KIB


def blocks(kib: int) -> Iterator[bytes]:
    """A body of so many KiB, bit by bit: a client that reads slowly costs no memory."""
    while kib > 0:
        yield BLOCK[: 1024 * kib]
        kib -= BLOCK_KIB


def event_data(number: int) -> str:
    return f'{{"event":{number}}}'


# The database

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///")
POOL_SIZE = int(os.environ.get("POOL_SIZE", "8"))  # connections per worker, the same for both services
# How long a query waits for its answer before the request answers 503. Measured here and not by PostgreSQL, which may
# be frozen; less than a second, so that a client hears 503 within one.
DATABASE_LOOK_S, DATABASE_LOOKS = 0.1, 8
DATABASE_TIMEOUT_S = DATABASE_LOOK_S * DATABASE_LOOKS
POOL_WAITS = 4  # how often as long a request waits for a connection while the database is there and the pool busy
# Give up an attempt quickly: the pool then starts the next one, and is back a second after the database.
POOL: dict[str, Any] = {
    "min_size": POOL_SIZE,
    "max_size": POOL_SIZE,
    "timeout": DATABASE_TIMEOUT_S,
    "reconnect_timeout": 1,
}
CONNECTION: dict[str, Any] = {"autocommit": True, "connect_timeout": 2, "prepare_threshold": 0}

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()
ITEMS = 10_000  # rows of the seeded table; schema.sql fills them
SELECT_ITEM = "SELECT id, value FROM items WHERE id = %s"
SELECT_ITEM_SLOWLY = "SELECT id, value FROM items, pg_sleep(%s) WHERE id = %s"
INSERT_ENTRY = """
    INSERT INTO entries (value) VALUES (%s)
    ON CONFLICT (id) DO UPDATE SET value = excluded.value
    RETURNING id
"""
SELECT_ENTRY = "SELECT id, value FROM entries WHERE id = %s"


def random_id() -> int:
    return random.randint(1, ITEMS)


def select_item(delay_ms: int) -> tuple[str, list[float]]:
    """The query for a row by random id, and its values; PostgreSQL itself takes `delay_ms` over it."""
    if delay_ms:
        return SELECT_ITEM_SLOWLY, [delay_ms / 1000, random_id()]
    return SELECT_ITEM, [random_id()]


def item_value(item_id: int) -> int:
    """The value that schema.sql gave the item, so that a client can check what it was sent."""
    return item_id * 7_919 % 10_007


# WebSocket and broadcast

WEBSOCKET_ONLY = "this route speaks WebSocket: connect with an upgrade"
HTTP_ONLY = "this route does not speak WebSocket: ask without an upgrade"
BAD_HANDSHAKE = "the WebSocket handshake must have Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key of 16 bytes"
HANDSHAKE = "13 [A-Za-z0-9+/]{22}=="  # a good one's two headers, as a regular expression: nginx knows it, too
CHANNEL = "broadcast_" + os.environ.get("ROW", "local").replace("-", "_")
LISTEN = f"LISTEN {CHANNEL}"
NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)"
MAX_BROADCAST = 7_900  # bytes: PostgreSQL carries notifications of up to 7,999
BROADCAST_QUEUE = 1_000  # messages kept for a client that reads slowly, before it is let go
LISTEN_CHECK_S = 1  # how often a worker that listens asks whether PostgreSQL is still there
UNREAD_MESSAGES = 32  # of a client that sends faster than it is answered, before nothing more is read from it
SEND_TIMEOUT_S = 20  # how long a thread waits for a client that reads nothing, before it is let go
CLOSE_NORMAL = 1000  # close codes: RFC 6455, 7.4.1 and the registry of 11.7
CLOSE_ABNORMAL = 1006  # never sent: the connection was lost
CLOSE_TOO_BIG = 1009
CLOSE_TRY_LATER = 1013


def is_too_big(message: str | bytes) -> bool:
    """Whether a WebSocket message has more than MAX_BODY bytes; not every server asks, and some count characters."""
    if len(message) <= MAX_BODY // 4:  # a character has four bytes at most
        return False
    return len(message if isinstance(message, bytes) else message.encode()) > MAX_BODY


def broadcast_refusal(message: str | bytes) -> int | None:
    """The close code for a message that PostgreSQL cannot carry; None where it can."""
    if isinstance(message, bytes):
        return 1003
    if "\0" in message:
        return 1007
    return CLOSE_TOO_BIG if len(message.encode()) > MAX_BROADCAST else None


# When, and where


def timed(began: float, answer: Any) -> dict[str, Any]:
    """An answer with when the service began it and ended it (ms since 1970, by its own clock), and on which thread.

    The thread is the kernel's: greenlets share one.
    """
    return {
        "began_ms": began * 1000,
        "ended_ms": time.time() * 1000,
        "worker": os.getpid(),
        "thread": threading.get_native_id(),
        "answer": answer,
    }


# Who answers

DISTRIBUTIONS = {"uwsgi": "pyuwsgi"}  # of servers whose command has another name
# What parses, loops and waits in the place of Python's own: a server that says "auto" takes what is installed.
FAST_PATHS = ("gunicorn_h1c", "httptools", "uvloop", "gevent")
CGROUPS = Path("/sys/fs/cgroup")
AS_NAME = str.maketrans(" -", "__")
UNLIMITED = 2**62  # bytes: cgroup v1 has a number for no limit, too, the largest of whole pages


def about(interface: str, framework: str, protocol: str, json_library: str) -> dict[str, Any]:
    """What serves this request, and under which settings; `framework` is a distribution's name or ""."""
    command = argv if len(argv) > 1 else sys.orig_argv[1:]  # uWSGI keeps its arguments from sys.argv
    server = Path(argv[0]).name
    said = {
        "row": os.environ.get("ROW", "local"),
        "interface": interface,
        "framework": f"{framework} {version(framework)}" if framework else "none",
        "server": _with_version(server),
        "model": os.environ.get("MODEL", "unknown"),
        "protocol": protocol,
        "json_library": json_library,
        "loaded": [name for name in FAST_PATHS if name in sys.modules],
        "python": python_version(),
        "python_mode": ", ".join(name for name in ("dev_mode", "debug", "optimize") if getattr(sys.flags, name)),
        "pid": os.getpid(),
        "command": " ".join([server, *command[1:]]),
        "settings": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith((server.upper() + "_", "PYTHON")) or name in ("WEB_CONCURRENCY", "POOL_SIZE")
        },
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        # cgroup v2, or v1 in the same words
        "cpu_limit": _limit("cpu.max") or _limit("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
        "memory_limit": _limit("memory.max") or _limit("memory/memory.limit_in_bytes"),
    }
    return said | {what.lower().translate(AS_NAME): read(said) for what, read in servers.SHOWN.items()}


def _with_version(server: str) -> str:
    try:
        return f"{server} {version(DISTRIBUTIONS.get(server, server))}"
    except PackageNotFoundError:  # something else runs it, as a test does
        return server


def _limit(*names: str) -> str | None:
    """A limit of the container as the kernel's files word it; None where there are none, or they set none."""
    try:
        words = " ".join((CGROUPS / name).read_text().strip() for name in names)
    except OSError:
        return None
    first = words.split()[0]
    return None if first in ("max", "-1") or int(first) >= UNLIMITED else words
