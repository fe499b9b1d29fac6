"""The fairness audit: what two rows must have alike, read from what each says of itself (GET /about).

A new server is one entry of SERVERS. What differs by the nature of a server is shown, and refuses nothing: SHOWN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

About = dict[str, Any]

OFF = ("", "0", "false", "f", "no", "n", "off", "none")
LONG_S = 60  # idle connections that live so long outlive every pause between two requests of a client
# Variables of Python's that say where things are, and not how fast it runs.
PLACES = ("PYTHONPATH", "PYTHONHOME", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHON_VERSION", "PYTHON_SHA256")


@dataclass(frozen=True)
class Setting:
    """Where a server takes a setting from: the command first, then the environment, then its default."""

    default: str
    variables: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # each followed by its value
    on: tuple[str, ...] = ()  # options without a value
    off: tuple[str, ...] = ()

    def read(self, about: About) -> str:
        for words in (about["command"], about["settings"].get("GUNICORN_CMD_ARGS", "")):
            said = [said for pair in pairwise([*words.replace("=", " ").split(), ""]) if (said := self.said(*pair))]
            if said:
                return said[-1]
        given = about["settings"]
        return next((str(given[name]) for name in self.variables if name in given), self.default)

    def said(self, word: str, following: str) -> str:
        """What a word of the command says of it, if anything."""
        return following if word in self.options else "true" if word in self.on else "false" if word in self.off else ""


UNKNOWN = Setting("unknown")


@dataclass(frozen=True)
class Server:
    workers: Setting = Setting("1", ("WEB_CONCURRENCY",), ("--workers", "-w"))
    backlog: Setting = UNKNOWN
    keep_alive: Setting = UNKNOWN
    keep_alive_unit_s: float = 1
    access_log: Setting = UNKNOWN
    log_level: Setting = UNKNOWN
    reload: Setting = UNKNOWN
    compression: Setting = Setting("false")  # of WebSocket messages
    pings: Setting = Setting("0")  # over WebSockets
    parser: Setting = Setting("auto")
    own_parser: str = "unknown"  # what it takes where nobody says
    loop: Setting = Setting("auto")
    own_loop: str = "unknown"


def named(prefix: str, name: str, default: str) -> Setting:
    """A setting that has one name in the environment and on the command line."""
    return Setting(default, (f"{prefix}_{name.upper().replace('-', '_')}",), (f"--{name}",))


SERVERS = {
    "gunicorn": Server(
        backlog=Setting("2048", options=("--backlog",)),
        keep_alive=Setting("2", options=("--keep-alive",)),
        access_log=Setting("off", options=("--access-logfile",)),
        log_level=Setting("info", options=("--log-level",)),
        reload=Setting("off", on=("--reload",)),
        parser=Setting("auto", options=("--http-parser",)),
        own_parser="python",
        loop=Setting("auto", options=("--asgi-loop",)),
        own_loop="uvloop",
    ),
    "uvicorn": Server(
        workers=Setting("1", ("UVICORN_WORKERS", "WEB_CONCURRENCY"), ("--workers",)),
        backlog=named("UVICORN", "backlog", "2048"),
        keep_alive=named("UVICORN", "timeout-keep-alive", "5"),
        access_log=Setting("on", ("UVICORN_ACCESS_LOG",), on=("--access-log",), off=("--no-access-log",)),
        log_level=named("UVICORN", "log-level", "info"),
        reload=Setting("off", ("UVICORN_RELOAD",), on=("--reload",)),
        compression=named("UVICORN", "ws-per-message-deflate", "true"),
        pings=named("UVICORN", "ws-ping-interval", "20"),
        parser=named("UVICORN", "http", "auto"),
        own_parser="httptools",
        loop=named("UVICORN", "loop", "auto"),
        own_loop="uvloop",
    ),
    "granian": Server(
        workers=named("GRANIAN", "workers", "1"),
        backlog=named("GRANIAN", "backlog", "1024"),
        keep_alive=named("GRANIAN", "http1-header-read-timeout", "30000"),
        keep_alive_unit_s=0.001,
        access_log=Setting("off", ("GRANIAN_LOG_ACCESS_ENABLED",), on=("--access-log",), off=("--no-access-log",)),
        log_level=named("GRANIAN", "log-level", "info"),
        reload=Setting("off", ("GRANIAN_RELOAD",), on=("--reload",), off=("--no-reload",)),
        own_parser="hyper",
        loop=named("GRANIAN", "loop", "auto"),
        own_loop="uvloop",
    ),
}


def server(about: About) -> Server:
    return SERVERS.get(str(about["server"]).partition(" ")[0], Server())


def read(name: str) -> Callable[[About], str]:
    """A setting of the server as it took effect."""
    return lambda about: str(getattr(server(about), name).read(about))


def switch(name: str) -> Callable[[About], str]:
    def on_or_off(about: About) -> str:
        value = read(name)(about)
        return value if value == "unknown" else "off" if value.lower() in OFF else "on"

    return on_or_off


def backlog(about: About) -> str:
    if WORKER_CLASS.read(about) == "asgi":
        return "100"  # gunicorn's ASGI worker hands asyncio no backlog, whatever --backlog says
    return read("backlog")(about)


def keep_alive(about: About) -> str:
    """How long an idle connection lives. What outlives every pause of a client is alike."""
    value = read("keep_alive")(about)
    if value == "unknown":
        return value
    seconds = float(value) * server(about).keep_alive_unit_s
    return f"{LONG_S} s or more" if seconds >= LONG_S else f"{seconds:g} s"


def websocket_extras(about: About) -> str:
    """What a server adds to WebSockets by itself."""
    extras = {"compression": switch("compression")(about) == "on", "pings": float(read("pings")(about)) > 0}
    return " and ".join(name for name, on in extras.items() if on) or "neither compression nor pings"


def python_mode(about: About) -> str:
    """What makes the interpreter itself slower or faster."""
    variables = {name: value for name, value in about["settings"].items() if name.startswith("PYTHON")}
    said = [about.get("python_mode", ""), *(f"{k}={v}" for k, v in variables.items() if k not in PLACES)]
    return ", ".join(filter(None, said)) or "usual"


def parser(about: About) -> str:
    value = read("parser")(about)
    return server(about).own_parser if value == "auto" else value


def loop(about: About) -> str:
    if about["interface"] == "WSGI":
        return "none"
    value = read("loop")(about)
    return server(about).own_loop if value == "auto" else value


def swapped(about: About) -> str:
    """A parser or an event loop that is not the server's own, and that the row does not name in its MODEL."""
    own = ("unknown", "none", server(about).own_parser, server(about).own_loop)
    return ", ".join(each for each in (parser(about), loop(about)) if each not in own and each not in about["model"])


WORKER_CLASS = Setting("", options=("--worker-class", "-k"))
POOL = Setting("8", ("POOL_SIZE",))
# What must be equal.
AUDIT: dict[str, Callable[[About], str]] = {
    "Python": lambda about: str(about["python"]),
    "Python mode": python_mode,
    "CPUs": lambda about: str(about["cpus"]),
    "CPU limit": lambda about: str(about["cpu_limit"] or "none known"),
    "memory limit": lambda about: str(about["memory_limit"] or "none known"),
    "workers": read("workers"),
    "backlog": backlog,
    "keep-alive": keep_alive,
    "access log": switch("access_log"),
    "log level": read("log_level"),
    "reload": switch("reload"),
    "response headers": lambda about: f"{about.get('header_bytes') or 'unknown'} bytes",
    "parser and loop": lambda about: swapped(about) or "the server's own, or as its model says",
    "WebSocket extras": websocket_extras,
    "database pool": POOL.read,
}
# What differs from server to server by nature, and explains ratios.
SHOWN: dict[str, Callable[[About], str]] = {"HTTP parser": parser, "event loop": loop}


def unequal_rows(one: About, other: About) -> str | None:
    """What must be equal and is not, in a sentence. What cannot be known of a row is no difference."""
    found = {what: (read(one), read(other)) for what, read in AUDIT.items()}
    unequal = [
        f"{what} {first} against {second}"
        for what, (first, second) in found.items()
        if first != second and not any("unknown" in each for each in (first, second))
    ]
    return f"{one['row']} and {other['row']} did not run alike: {', '.join(unequal)}" if unequal else None
