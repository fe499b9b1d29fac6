"""The fairness audit: what two rows must have alike, read from what each says of itself (GET /about).

What differs by the nature of a server is shown, and refuses nothing: SHOWN. The servers are in workloads.servers.
"""

import math
from collections.abc import Callable

from workloads.servers import (
    CANNOT,
    POOL,
    SHOWN,
    About,
    keep_alive,
    loop,
    name,
    parser,
    read,
    server,
    switch,
    worker_class,
)

# What begins so, or with CANNOT, is shown and refuses nothing.
ON_PURPOSE = "as its model says"
# Variables of Python's that say where things are, and not how fast it runs.
PLACES = ("PYTHONPATH", "PYTHONHOME", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHON_VERSION", "PYTHON_SHA256")


def backlog(about: About) -> str:
    if worker_class(about) == "asgi":
        return "100"  # gunicorn's ASGI worker hands asyncio no backlog, whatever --backlog says
    return read("backlog")(about)


def log_level(about: About) -> str:
    return f"{CANNOT}: it has none" if name(about) == "uwsgi" else read("log_level")(about)


def websocket_extras(about: About) -> str:
    """What a server adds to WebSockets by itself."""
    extras = {"compression": switch("compression")(about) == "on", "pings": float(read("pings")(about)) > 0}
    return " and ".join(name for name, on in extras.items() if on) or "neither compression nor pings"


def python_mode(about: About) -> str:
    """What makes the interpreter itself slower or faster."""
    variables = {name: value for name, value in about["settings"].items() if name.startswith("PYTHON")}
    said = [str(about.get("python_mode", "")), *(f"{k}={v}" for k, v in variables.items() if k not in PLACES)]
    return ", ".join(filter(None, said)) or "usual"


def swapped(about: About) -> str:
    """A parser or an event loop that is not what the server comes with, and that the row does not name in its MODEL."""
    own = ("unknown", "none", "gevent", "uvloop", server(about).own_parser)
    return ", ".join(each for each in (parser(about), loop(about)) if each not in own and each not in about["model"])


def pool(about: About) -> str:
    """Of another size on purpose where the row's MODEL says so."""
    size = POOL.read(about)
    return ON_PURPOSE if f"pool of {size}" in about["model"].split(", ") else size


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
    "log level": log_level,
    "settings in a file": read("config"),
    "reload": switch("reload"),
    "response headers": lambda about: f"{about.get('header_bytes') or 'unknown'} bytes",
    "parser and loop": lambda about: swapped(about) or "the server's own, or as its model says",
    "WebSocket extras": websocket_extras,
    "database pool": pool,
}


def unequal_rows(one: About, other: About, clients: float = math.inf) -> str | None:
    """What must be equal and is not, in a sentence. No difference is what cannot be known of a row or told to its
    server, or a backlog that so many clients never fill."""
    found = {what: (read(one), read(other)) for what, read in AUDIT.items()}
    unequal = [
        f"{what} {first} against {second}"
        for what, (first, second) in found.items()
        if first != second
        and not any("unknown" in each or each.startswith((CANNOT, ON_PURPOSE)) for each in (first, second))
        and not (what == "backlog" and clients <= min(int(first), int(second)))
    ]
    return f"{one['row']} and {other['row']} did not run alike: {', '.join(unequal)}" if unequal else None


def differences(one: About, other: About) -> str:
    """What may explain a ratio of these rows, beside interface and framework: "server gunicorn / uvicorn; …"."""
    told = {"server": name, **SHOWN}  # SHOWN lacks it: where that is listed, the server stands with its version
    found = {what: (read(one), read(other)) for what, read in told.items()}
    return "; ".join(f"{what} {first} / {second}" for what, (first, second) in found.items() if first != second)
