"""The fields of the web UI, which are options of the command line, too."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from locust.argument_parser import LocustArgumentParser

from loadtest import shapes, targets
from loadtest.arrivals import KINDS
from loadtest.users import SCENARIOS
from loadtest.users.requests import ROUTES
from loadtest.users.slow import WORK

MEANINGS: dict[str, dict[str, str]] = {
    "scenario": {name: (user.__doc__ or "").strip().rstrip(".") for name, user in SCENARIOS.items()},
    "path": targets.PATHS,
    "arrivals": KINDS,
    "shape": shapes.HELP,
    "work": WORK,
}


@dataclass(frozen=True)
class Option:
    """`help` and meanings write another option's name as {name}; `more` is argparse's."""

    help: str
    more: dict[str, Any]
    only_if: dict[str, list[str]]  # what must be chosen elsewhere for it to matter: options and their values


def matter(chosen: Any, option: str) -> bool:
    """Whether the option matters, as the others are chosen."""

    def among(value: Any, values: list[str]) -> bool:
        return not set(value if isinstance(value, list) else [value]).isdisjoint(values)

    options = table()
    rules = options[option].only_if if option in options else {}  # Locust's own always matter
    return all(among(getattr(chosen, other), values) for other, values in rules.items())


def fields() -> dict[str, argparse.Action]:
    """The options that the form shows, by name."""
    parser = LocustArgumentParser(add_help=False)
    add_to(parser)
    return dict(parser.args_included_in_web_ui)


def refusal(chosen: dict[str, Any]) -> str | None:
    """Why options that are right one by one make no sense together."""
    if chosen["shape"] == "search" and chosen["arrivals"] == "closed":
        return "The shape search looks for the highest arrival rate: choose constant or poisson arrivals."
    return None


def number(low: float, high: float, kind: type = int) -> Any:
    """An argparse type: a number within bounds."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}")
        return float(value) if kind is float else int(value)

    read.__name__ = "number"
    return read


def table() -> dict[str, Option]:
    """All options by name, in the form's order."""
    found: dict[str, Option] = {}

    def add(name: str, help: str, only_if: dict[str, list[str]] | None = None, **more: Any) -> None:
        users = [scenario for scenario, user in SCENARIOS.items() if name in getattr(user, "uses", ())]
        found[name] = Option(help, more, (only_if or {}) | ({"scenario": users} if users else {}))

    of_the_load(add)
    of_scenarios(add)
    return found


def of_the_load(add: Callable[..., None]) -> None:
    def choose(name: str, default: str) -> None:
        add(name, "", choices=list(MEANINGS[name]), default=default)

    choose("scenario", "Json")
    add(
        "rows",
        "Rows under load. Every row has the same number of users; with several rows, they share a CPU.",
        nargs="+",
        is_multiple=True,
        choices=list(targets.rows()),
        default=["flask", "fastapi"],
    )
    choose("path", "gateway")
    choose("arrivals", "closed")
    open_loop = {"arrivals": [kind for kind in KINDS if kind != "closed"]}
    add(
        "rate",
        "Open loop: requests per second and row.",
        open_loop,
        type=number(0.1, 100_000, float),
        default=100.0,
    )
    choose("shape", "steady")
    add(
        "limit_p99_ms",
        "The p99 that every row must keep; 0 for none (search: 200). A test that misses it exits with 3.",
        type=number(0, 60_000, float),
        default=0.0,
    )
    add("limit_errors", "With a p99 to keep: percent of errors allowed.", type=number(0, 100, float), default=0.1)
    add("results", "A folder for the results, where there is no web UI.", default="", include_in_web_ui=False)


def of_scenarios(add: Callable[..., None]) -> None:
    """What one has and another has not: its class names them in `uses`."""
    asyncio_rows = [name for name, row in targets.rows().items() if row["framework"] == "FastAPI"]
    add("wait_ms", "how long the service waits", type=number(0, 10_000), default=100)
    add(
        "wait_route",
        "threadpool: FastAPI on its pool of 40 threads; blocking: FastAPI, a call that blocks the event loop; "
        "async: Flask, an `async def` view",
        {"rows": [name for name, row in targets.rows().items() if row["framework"] != "none"]},
        choices=list(ROUTES),
        default="plain",
    )
    add(
        "asset_ms",
        "how long the service waits for each asset; without it a page measures the client alone",
        type=number(0, 10_000),
        default=20,
    )
    add("queries", "queries per request", type=number(1, 100), default=1)
    add("delay_ms", "how long PostgreSQL takes over each query", type=number(0, 500), default=0)
    add("rounds", "rounds of work per request", type=number(1, 1_000_000), default=10_000)
    add("heartbeat_s", "seconds between heartbeats", type=number(1, 500), default=10)  # the gateway waits for 600
    add("open_s", "seconds that opening a WebSocket may take", type=number(1, 60), default=60)
    add("listeners", "receivers per user; Flask has 8 threads", type=number(1, 1_000), default=6)
    add("events", "events per stream", type=number(1, 1_000), default=20)
    add("gap_ms", "milliseconds between events", type=number(0, 10_000), default=100)
    add(
        "stall_ms",
        "FastAPI rows: every 5 s something blocks the event loop for this long. Compare closed with open loop.",
        {"rows": asyncio_rows},
        type=number(0, 10_000),
        default=0,
    )
    add(
        "round_trip_ms",
        "milliseconds that a round trip to the gateway takes longer, by a relay that keeps every byte back",
        type=number(0, 1_000),
        default=0,
    )
    add("reload_s", "seconds between two reloads; 0: none", type=number(0, 3_600), default=2)
    add("slow_s", "seconds it takes", type=number(0, 60), default=2)
    add("work", "what it asks for", choices=list(WORK), default="wait")
    add("patience_ms", "leaves when it has waited so long", type=number(1, 10_000), default=50)


def add_to(parser: Any) -> None:
    """`parser` is Locust's: what is added here appears in the form of its web UI."""
    # The users of a worker that is lost go to the others, so that every row keeps its share.
    parser.set_defaults(num_users=16, spawn_rate=100.0, enable_rebalancing=True)
    for name, option in table().items():
        parser.add_argument(flag(name), help=for_command_line(name, option), **option.more)


def for_command_line(name: str, option: Option) -> str:
    """The help, or what each choice means; where few scenarios use it, they are named."""
    meanings = "; ".join(f"{choice}: {meaning}" for choice, meaning in MEANINGS.get(name, {}).items())
    users = option.only_if.get("scenario", [])
    few = f"{', '.join(users)}: " if 0 < len(users) < len(SCENARIOS) / 2 else ""
    return few + naming(": ".join(filter(None, (option.help, meanings))), flag)


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def naming(text: str, how: Callable[[str], str]) -> str:
    """The text with each {option} named as the reader knows it."""
    return re.sub(r"\{(\w+)\}", lambda option: how(option[1]), text)
