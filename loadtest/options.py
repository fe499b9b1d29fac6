"""The fields of the web UI, which are options of the command line, too."""

import argparse
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


def explain(option: str) -> str:
    return "; ".join(f"{name}: {what}" for name, what in MEANINGS[option].items())


def users_of(option: str) -> list[str]:
    """The scenarios to which the option matters; none where it is no scenario's own."""
    return [name for name, user in SCENARIOS.items() if option in getattr(user, "uses", ())]


def matters() -> dict[str, dict[str, list[str]]]:
    """What must be chosen elsewhere for an option to matter: by its name, the other options and their values."""
    of = {name: row["framework"] for name, row in targets.rows().items()}
    asyncio_rows = [name for name, framework in of.items() if framework == "FastAPI"]
    rules: dict[str, dict[str, list[str]]] = {
        "rate": {"arrivals": [kind for kind in KINDS if kind != "closed"]},
        "wait_route": {"rows": [name for name, framework in of.items() if framework != "none"]},
        "stall_ms": {"rows": asyncio_rows},
    }
    for option in {option for user in SCENARIOS.values() for option in getattr(user, "uses", ())}:
        rules.setdefault(option, {})["scenario"] = users_of(option)
    return rules


def matter(chosen: Any, option: str) -> bool:
    """Whether the option matters, as the others are chosen."""

    def among(value: Any, values: list[str]) -> bool:
        return not set(value if isinstance(value, list) else [value]).isdisjoint(values)

    return all(among(getattr(chosen, other), values) for other, values in matters().get(option, {}).items())


def help_of(field: argparse.Action) -> str:
    """What the option is, without who uses it."""
    text = field.help or ""
    return text.removeprefix(f"{', '.join(users_of(field.dest))}: ")


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


def add_to(parser: Any) -> None:
    """`parser` is Locust's: what is added here appears in the form of its web UI."""
    # The users of a worker that is lost go to the others, so that every row keeps its share.
    parser.set_defaults(num_users=16, spawn_rate=100.0, enable_rebalancing=True)

    def add(flag: str, help: str, **more: Any) -> None:
        users = users_of(flag.removeprefix("--").replace("-", "_"))
        few = 0 < len(users) < len(SCENARIOS) / 2  # then they are named
        parser.add_argument(flag, help=f"{', '.join(users)}: {help}" if few else help, **more)

    add("--scenario", explain("scenario"), choices=list(SCENARIOS), default="Json")
    add(
        "--rows",
        "Rows under load. Every row has the same number of users; with several rows, they share a CPU.",
        nargs="+",
        is_multiple=True,
        choices=list(targets.rows()),
        default=["flask", "fastapi"],
    )
    add("--path", explain("path"), choices=list(targets.PATHS), default="gateway")
    add("--arrivals", explain("arrivals"), choices=list(KINDS), default="closed")
    add("--rate", "Open loop: requests per second and row.", type=number(0.1, 100_000, float), default=100.0)
    add("--shape", explain("shape"), choices=list(shapes.HELP), default="steady")
    add(
        "--limit-p99-ms",
        "The p99 that every row must keep; 0 for none (search: 200). A test that misses it exits with 3.",
        type=number(0, 60_000, float),
        default=0.0,
    )
    add("--limit-errors", "With a p99 to keep: percent of errors allowed.", type=number(0, 100, float), default=0.1)
    add("--wait-ms", "how long the service waits", type=number(0, 10_000), default=100)
    add(
        "--wait-route",
        "threadpool: FastAPI on its pool of 40 threads; blocking: FastAPI, a call that blocks the event loop; "
        "async: Flask, an `async def` view",
        choices=list(ROUTES),
        default="plain",
    )
    add(
        "--asset-ms",
        "how long the service waits for each asset; without it a page measures the client alone",
        type=number(0, 10_000),
        default=20,
    )
    add("--queries", "queries per request", type=number(1, 100), default=1)
    add("--delay-ms", "how long PostgreSQL takes over each query", type=number(0, 500), default=0)
    add("--rounds", "rounds of work per request", type=number(1, 1_000_000), default=10_000)
    add("--heartbeat-s", "seconds between heartbeats", type=number(1, 500), default=10)  # the gateway waits for 600
    add("--open-s", "seconds that opening a WebSocket may take", type=number(1, 60), default=60)
    add("--listeners", "receivers per user; Flask has 8 threads", type=number(1, 1_000), default=6)
    add("--events", "events per stream", type=number(1, 1_000), default=20)
    add("--gap-ms", "milliseconds between events", type=number(0, 10_000), default=100)
    add(
        "--stall-ms",
        "FastAPI rows: every 5 s something blocks the event loop for this long. Compare closed with open loop.",
        type=number(0, 10_000),
        default=0,
    )
    add(
        "--round-trip-ms",
        "milliseconds that a round trip to the gateway takes longer, by a relay that keeps every byte back",
        type=number(0, 1_000),
        default=0,
    )
    add("--reload-s", "seconds between two reloads; 0: none", type=number(0, 3_600), default=2)
    add("--results", "A folder for the results, where there is no web UI.", default="", include_in_web_ui=False)
    add("--slow-s", "seconds it takes", type=number(0, 60), default=2)
    add("--work", "what it asks for: " + explain("work"), choices=list(WORK), default="wait")
    add("--patience-ms", "leaves when it has waited so long", type=number(1, 10_000), default=50)
