"""The fairness audit: what two rows must have alike, read from what each says of itself (GET /about).

A new server is one entry of SERVERS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

About = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """Where a server's settings come from, beside its command line: names of environment variables and defaults."""

    workers: tuple[str, ...]
    backlog: tuple[str, ...] = ()
    default_backlog: str = "2048"
    websocket_extras: bool = False  # it compresses and pings WebSockets unless told not to


SERVERS = {
    "gunicorn": Server(workers=("WEB_CONCURRENCY",)),
    "uvicorn": Server(
        workers=("UVICORN_WORKERS", "WEB_CONCURRENCY"), backlog=("UVICORN_BACKLOG",), websocket_extras=True
    ),
    "granian": Server(workers=("GRANIAN_WORKERS",), backlog=("GRANIAN_BACKLOG",), default_backlog="1024"),
}
UNKNOWN = Server(workers=("WEB_CONCURRENCY",))


def server(about: About) -> Server:
    return SERVERS.get(str(about["server"]).partition(" ")[0], UNKNOWN)


def setting(about: About, *names: str, option: str = "", default: str = "") -> str:
    """A setting as it took effect: an option of the command, else the environment, else the server's default."""
    words = about["command"].replace("=", " ").split()
    words += about["settings"].get("GUNICORN_CMD_ARGS", "").split()
    if option and option in words:
        return str(words[words.index(option) + 1])
    return next((str(about["settings"][name]) for name in names if name in about["settings"]), default)


def workers(about: About) -> str:
    return setting(about, *server(about).workers, option="--workers", default="1")


def backlog(about: About) -> str:
    if setting(about, option="--worker-class") == "asgi":
        return "100"  # gunicorn's ASGI worker hands asyncio no backlog, whatever --backlog says
    return setting(about, *server(about).backlog, option="--backlog", default=server(about).default_backlog)


def websocket_extras(about: About) -> str:
    """What a server adds to WebSockets by itself."""
    if not server(about).websocket_extras:
        return "neither compression nor pings"
    compresses = setting(about, "UVICORN_WS_PER_MESSAGE_DEFLATE", default="true") != "false"
    pings = setting(about, "UVICORN_WS_PING_INTERVAL", default="20") not in ("0", "0.0")
    extras = [name for name, on in (("compression", compresses), ("pings", pings)) if on]
    return " and ".join(extras) or "neither compression nor pings"


AUDIT: dict[str, Callable[[About], str]] = {
    "Python": lambda about: str(about["python"]),
    "CPUs": lambda about: str(about["cpus"]),
    "CPU limit": lambda about: str(about["cpu_limit"] or "none"),
    "memory limit": lambda about: str(about["memory_limit"] or "none"),
    "workers": workers,
    "backlog": backlog,
    "WebSocket extras": websocket_extras,
    "database pool": lambda about: setting(about, "POOL_SIZE", default="8"),
}


def unequal_rows(one: About, other: About) -> str | None:
    """What must be equal and is not, in a sentence."""
    unequal = [f"{what} {read(one)} against {read(other)}" for what, read in AUDIT.items() if read(one) != read(other)]
    return f"{one['row']} and {other['row']} did not run alike: {', '.join(unequal)}" if unequal else None
