"""The fields of the web UI, which are options of the command line, too."""

import argparse
from typing import Any

from loadtest import shapes, targets
from loadtest.arrivals import KINDS
from loadtest.users import SCENARIOS
from loadtest.users.requests import ROUTES


def explain(choices: dict[str, str]) -> str:
    return "; ".join(f"{name}: {what}" for name, what in choices.items())


def number(low: float, high: float, kind: type = int) -> Any:
    """An argparse type: a number within bounds."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}")
        return float(value) if kind is float else int(value)

    read.__name__ = "number"
    return read


def add_to(parser: Any) -> None:
    """`parser` is Locust's: what is added here appears in the form of its web UI."""
    parser.set_defaults(num_users=16, spawn_rate=100.0)
    add = parser.add_argument
    add(
        "--scenario",
        choices=list(SCENARIOS),
        default="Json",
        help=explain({name: (user.__doc__ or "").strip().rstrip(".") for name, user in SCENARIOS.items()}),
    )
    add(
        "--rows",
        nargs="+",
        is_multiple=True,
        choices=list(targets.rows()),
        default=["flask", "fastapi"],
        help="Rows under load. With several, users are dealt out to them in turn; they then share a CPU.",
    )
    add("--path", choices=list(targets.PATHS), default="gateway", help=explain(targets.PATHS))
    add("--arrivals", choices=list(KINDS), default="closed", help=explain(KINDS))
    add("--rate", type=number(0.1, 100_000, float), default=100.0, help="Open loop: requests per second and row.")
    add("--shape", choices=list(shapes.HELP), default="steady", help=explain(shapes.HELP))
    add(
        "--limit-p99-ms",
        type=number(0, 60_000, float),
        default=0.0,
        help="The p99 that every row must keep; 0 for none (search: 200). A test that misses it exits with 3.",
    )
    add(
        "--limit-errors", type=number(0, 100, float), default=0.1, help="With a p99 to keep: percent of errors allowed."
    )
    add("--wait-ms", type=number(0, 10_000), default=100, help="Wait, Mix: how long the service waits.")
    add(
        "--wait-route",
        choices=list(ROUTES),
        default="plain",
        help="Wait, FastAPI only: on a pool of 40 threads, or the trap: a call that blocks the event loop.",
    )
    add(
        "--asset-ms",
        type=number(0, 10_000),
        default=20,
        help="PageHttp…: how long the service waits for each asset; without it a page measures the client alone.",
    )
    add("--queries", type=number(1, 100), default=1, help="DbRead, Mix: queries per request.")
    add("--rounds", type=number(1, 1_000_000), default=10_000, help="Cpu, Mix: rounds of work per request.")
    add("--heartbeat-s", type=number(1, 3_600), default=10, help="WebSocketIdle: seconds between heartbeats.")
    add("--open-s", type=number(1, 60), default=60, help="WebSockets: seconds that opening one may take.")
    add("--listeners", type=number(1, 1_000), default=6, help="Broadcast: receivers per user. Flask has 8 threads.")
    add("--events", type=number(1, 1_000), default=20, help="EventStream: events per stream.")
    add("--gap-ms", type=number(0, 10_000), default=100, help="EventStream: milliseconds between events.")
    add(
        "--stall-ms",
        type=number(0, 10_000),
        default=0,
        help="FastAPI rows: every 5 s something blocks the event loop for this long. Compare closed with open loop.",
    )
    add("--results", default="", include_in_web_ui=False, help="A folder for figures.json, where there is no web UI.")
    add("--slow-s", type=number(0, 60), default=2, help="SlowUpload, SlowReader: seconds they take.")
    add("--patience-ms", type=number(1, 10_000), default=50, help="Impatient: leaves when it has waited so long.")
