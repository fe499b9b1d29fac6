"""What a server's settings are, by what a row says of itself (GET /about). A new server is an entry of SERVERS."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

About = dict[str, Any]

OFF = ("", "0", "false", "f", "no", "n", "off", "none")
CANNOT = "cannot"  # begins what is said of a setting that a server or a worker class does not have


@dataclass(frozen=True)
class Setting:
    """Where a server takes a setting from: the command first, then the environment, then its default."""

    default: str
    variables: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # each followed by its value
    on: tuple[str, ...] = ()  # options without a value
    off: tuple[str, ...] = ()
    off_variables: tuple[str, ...] = ()  # that are on where it is off

    def read(self, about: About) -> str:
        for words in (about["command"], about["settings"].get("GUNICORN_CMD_ARGS", "")):
            said = [said for pair in pairwise([*words.replace("=", " ").split(), ""]) if (said := self.said(*pair))]
            if said:
                return said[-1]
        given = about["settings"]
        if any(str(given.get(name, "")).lower() not in OFF for name in self.off_variables):
            return "false"
        return next((str(given[name]) for name in self.variables if name in given), self.default)

    def said(self, word: str, following: str) -> str:
        """What a word of the command says of it, if anything."""
        if word[:1] == "-" and word[1:2] != "-" and word[:2] in self.options:  # -w4
            return word[2:] or following
        return following if word in self.options else "true" if word in self.on else "false" if word in self.off else ""


UNKNOWN = Setting("unknown")


@dataclass(frozen=True)
class Server:
    workers: Setting = Setting("1", ("WEB_CONCURRENCY",), ("--workers", "-w"))
    backlog: Setting = UNKNOWN
    keep_alive: Setting = UNKNOWN
    keep_alive_unit_s: float = 1
    keeps: Setting = Setting("on")  # connections at all
    threads: Setting = UNKNOWN
    access_log: Setting = UNKNOWN
    log_level: Setting = UNKNOWN
    reload: Setting = UNKNOWN
    config: Setting = Setting("none")  # a file with settings that nobody sees here
    compression: Setting = Setting("false")  # of WebSocket messages
    pings: Setting = Setting("0")  # over WebSockets
    parser: Setting = Setting("auto")
    parsers: tuple[str, ...] = ()  # "auto" is the first of these that is installed
    own_parser: str = "unknown"  # which one it comes with
    loop: Setting = Setting("auto")


def named(prefix: str, name: str, default: str) -> Setting:
    """A setting that has one name in the environment and on the command line."""
    return Setting(default, (f"{prefix}_{name.upper().replace('-', '_')}",), (f"--{name}",))


SERVERS = {
    "gunicorn": Server(
        backlog=Setting("2048", options=("--backlog",)),
        keep_alive=Setting("2", options=("--keep-alive",)),
        threads=Setting("1", options=("--threads",)),
        access_log=Setting("off", options=("--access-logfile", "--log-config"), on=("--log-syslog",)),
        log_level=Setting("info", options=("--log-level",)),
        reload=Setting("off", on=("--reload",)),
        config=Setting("none", options=("--config", "-c")),
        parser=Setting("auto", options=("--http-parser",)),
        parsers=("gunicorn_h1c", "python"),
        own_parser="python",
        loop=Setting("auto", options=("--asgi-loop",)),
    ),
    "uvicorn": Server(
        workers=Setting("1", ("UVICORN_WORKERS", "WEB_CONCURRENCY"), ("--workers",)),
        backlog=named("UVICORN", "backlog", "2048"),
        keep_alive=named("UVICORN", "timeout-keep-alive", "5"),
        access_log=Setting("on", ("UVICORN_ACCESS_LOG",), on=("--access-log",), off=("--no-access-log",)),
        log_level=named("UVICORN", "log-level", "info"),
        config=named("UVICORN", "env-file", "none"),
        reload=Setting("off", ("UVICORN_RELOAD",), on=("--reload",)),
        compression=named("UVICORN", "ws-per-message-deflate", "true"),
        pings=named("UVICORN", "ws-ping-interval", "20"),
        parser=named("UVICORN", "http", "auto"),
        parsers=("httptools", "h11"),
        own_parser="httptools",
        loop=named("UVICORN", "loop", "auto"),
    ),
    "granian": Server(
        workers=named("GRANIAN", "workers", "1"),
        backlog=named("GRANIAN", "backlog", "1024"),
        keep_alive=named("GRANIAN", "http1-header-read-timeout", "30000"),
        keep_alive_unit_s=0.001,
        keeps=Setting("on", ("GRANIAN_HTTP1_KEEP_ALIVE",), on=("--http1-keep-alive",), off=("--no-http1-keep-alive",)),
        threads=named("GRANIAN", "blocking-threads", "1"),
        access_log=Setting("off", ("GRANIAN_LOG_ACCESS_ENABLED",), on=("--access-log",), off=("--no-access-log",)),
        log_level=named("GRANIAN", "log-level", "info"),
        reload=Setting("off", ("GRANIAN_RELOAD",), on=("--reload",), off=("--no-reload",)),
        own_parser="hyper",
        loop=named("GRANIAN", "loop", "auto"),
    ),
    "uwsgi": Server(
        workers=Setting("1", ("UWSGI_WORKERS", "UWSGI_PROCESSES"), options=("--workers", "--processes", "-p")),
        backlog=Setting("100", ("UWSGI_LISTEN",), options=("--listen", "-l")),
        keep_alive=Setting("4", ("UWSGI_SOCKET_TIMEOUT",), options=("--socket-timeout", "-z")),
        keeps=Setting("off", ("UWSGI_HTTP11_SOCKET",), options=("--http11-socket",)),
        threads=named("UWSGI", "threads", "1"),
        access_log=Setting("on", off_variables=("UWSGI_DISABLE_LOGGING",), off=("--disable-logging", "-L")),
        reload=Setting("off", ("UWSGI_PY_AUTORELOAD",), options=("--py-autoreload", "--py-auto-reload")),
        config=Setting("none", ("UWSGI_INI", "UWSGI_YAML"), options=("--ini", "--yaml")),
        own_parser="uwsgi",
    ),
}


WORKER_CLASS = Setting("sync", options=("--worker-class", "-k"))
POOL = Setting("8", ("POOL_SIZE",))


def name(about: About) -> str:
    return str(about["server"]).partition(" ")[0]


def server(about: About) -> Server:
    return SERVERS.get(name(about), Server())


def read(setting: str) -> Callable[[About], str]:
    """A setting of the server as it took effect."""
    return lambda about: str(getattr(server(about), setting).read(about))


def switch(setting: str) -> Callable[[About], str]:
    def on_or_off(about: About) -> str:
        value = read(setting)(about)
        return value if value == "unknown" else "off" if value.lower() in OFF else "on"

    return on_or_off


def keep_alive(about: About) -> str:
    """How long an idle connection lives."""
    if worker_class(about) == "sync":
        return f"{CANNOT}: one request a connection"
    value = read("keep_alive")(about)
    if value == "unknown":
        return value
    kept = switch("keeps")(about) == "on"
    return f"{float(value) * server(about).keep_alive_unit_s * kept:g} s"


def worker_class(about: About) -> str:
    """Of gunicorn; "" of the others."""
    if name(about) != "gunicorn":
        return ""
    said = WORKER_CLASS.read(about)
    return "gthread" if said == "sync" and read("threads")(about) != "1" else said


def waits(about: About) -> str:
    """What waits for clients: "event loop", "greenlets", so many "threads", "one request at a time"."""
    kind = worker_class(about)
    if kind in ("sync", "gevent"):
        return {"sync": "one request at a time", "gevent": "greenlets"}[kind]
    if kind == "asgi" or name(about) == "uvicorn" or about["interface"] == "ASGI":
        return "event loop"
    threads = read("threads")(about)
    return threads if threads == "unknown" else f"{threads} threads"


def parser(about: About) -> str:
    """What parses HTTP; where a server takes what is installed, by what it has loaded."""
    by_itself = (SERVERS["uvicorn"] if "uvicorn" in worker_class(about) else server(about)).parsers
    value = read("parser")(about)
    if value != "auto":
        return "gunicorn_h1c" if value == "fast" else value
    if not by_itself:
        return server(about).own_parser
    return next((each for each in by_itself[:-1] if each in about["loaded"]), by_itself[-1])


def loop(about: About) -> str:
    if waits(about) != "event loop":
        return "gevent" if waits(about) == "greenlets" else "none"
    value = read("loop")(about)
    return value if value != "auto" else "uvloop" if "uvloop" in about["loaded"] else "asyncio"


# What may make one row faster than another, by the nature of its server or on purpose: it stands beside every ratio.
SHOWN: dict[str, Callable[[About], str]] = {
    "HTTP parser": parser,
    "event loop": loop,
    "workers": read("workers"),
    "waits on": waits,
    "access log": switch("access_log"),
    "keep-alive": keep_alive,
    "JSON library": lambda about: str(about["json_library"]),
    "database pool": POOL.read,
}
