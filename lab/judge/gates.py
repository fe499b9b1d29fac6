"""What makes a run invalid. A gate is one small function: evidence in, a reason or nothing out."""

from collections.abc import Callable
from typing import Any

from lab.judge.evidence import Evidence
from loadtest.limits import GENERATOR_LIMIT, LATE_LIMIT

LITTLE_LIMIT = 0.10
REMADE_LIMIT = 0.01  # connections per request


def nothing_measured(seen: Evidence) -> str | None:
    return None if seen.blocks and seen.started + seen.probe_started else f"{seen.row} answered nothing"


def wrong_protocol(seen: Evidence) -> str | None:
    other = seen.protocols - {seen.asked}
    return f"asked for {seen.asked}, but spoke {', '.join(sorted(other))} with {seen.row}" if other else None


def wrong_answers(seen: Evidence) -> str | None:
    if not seen.failures:
        return None
    example = next(iter(seen.errors), "no error text")
    return f"{seen.failures:,} of {seen.started:,} answers of {seen.row} were wrong or missing: {example}"


def wrong_probe(seen: Evidence) -> str | None:
    if not seen.probe_failures:
        return None
    return f"{seen.probe_failures:,} of {seen.probe_started:,} probes of {seen.row} were wrong or missing"


def generator_was_busy(seen: Evidence) -> str | None:
    """Throughput and latency are then the generator's as much as the row's."""
    if seen.generator > GENERATOR_LIMIT:
        limit = f"limit {100 * GENERATOR_LIMIT:.0f} %"
        return f"the generator used {100 * seen.generator:.0f} % of its CPU against {seen.row} ({limit})"
    if seen.beside_cpus and seen.beside > GENERATOR_LIMIT * seen.beside_cpus:
        share = seen.beside / seen.beside_cpus
        return (
            f"generator, nginx and PostgreSQL used {100 * share:.0f} % of the CPUs that they share against {seen.row}"
        )
    return None


def littles_law(seen: Evidence) -> str | None:
    """Requests in flight = throughput x response time (Little 1961, Operations Research 9:383).

    The left side is the integral over every request by a clock of its own, the right what the load engine reports:
    where they differ, requests are missing from the figures, or their times are wrong.
    """
    law = seen.requests_per_s * seen.mean_ms / 1000
    if abs(law - seen.in_flight) <= LITTLE_LIMIT * seen.in_flight:
        return None
    return (
        f"Little's law is broken for {seen.row}: {seen.in_flight:.2f} requests in flight, but the figures say {law:.2f}"
    )


def connections_remade(seen: Evidence) -> str | None:
    if seen.connections <= REMADE_LIMIT * seen.started:
        return None
    return f"{seen.connections:,} connections to {seen.row} were opened for {seen.started:,} requests: they should live"


def schedule_fell_behind(seen: Evidence) -> str | None:
    if seen.late <= LATE_LIMIT * seen.starts:
        return None
    late = 100 * seen.late / seen.starts
    return f"{late:.1f} % of the starts against {seen.row} were late (limit {100 * LATE_LIMIT:.0f} %)"


def generator_ended_the_search(seen: Evidence) -> str | None:
    """What was found is then the generator's limit: the row's may be higher."""
    if not seen.outrun:
        return None
    return f"{seen.outrun} of the searches on {seen.row} ended because the generator fell behind its schedule"


ALWAYS = (nothing_measured, wrong_protocol)
SOMETIMES = (
    wrong_answers,
    wrong_probe,
    generator_was_busy,
    littles_law,
    connections_remade,
    schedule_fell_behind,
    generator_ended_the_search,
)
GATES: dict[str, Callable[[Evidence], str | None]] = {gate.__name__: gate for gate in (*ALWAYS, *SOMETIMES)}


# Two rows together


def setting(about: dict[str, Any], *names: str, option: str = "", default: str = "") -> str:
    """A setting as it took effect: an option of the command, else the environment, else the server's default."""
    words = about["command"].replace("=", " ").split()
    words += about["settings"].get("GUNICORN_CMD_ARGS", "").split()
    if option and option in words:
        return str(words[words.index(option) + 1])
    return next((str(about["settings"][name]) for name in names if name in about["settings"]), default)


def workers(about: dict[str, Any]) -> str:
    names = {"granian": ("GRANIAN_WORKERS",), "uvicorn": ("UVICORN_WORKERS", "WEB_CONCURRENCY")}
    server = about["server"].partition(" ")[0]
    return setting(about, *names.get(server, ("WEB_CONCURRENCY",)), option="--workers", default="1")


def backlog(about: dict[str, Any]) -> str:
    if setting(about, option="--worker-class") == "asgi":
        return "100"  # gunicorn's ASGI worker hands asyncio no backlog, whatever --backlog says
    names = ("UVICORN_BACKLOG", "GRANIAN_BACKLOG")
    return setting(about, *names, option="--backlog", default="1024" if "granian" in about["server"] else "2048")


def extras(about: dict[str, Any]) -> str:
    """What a server adds to WebSockets by itself."""
    if not about["server"].startswith("uvicorn"):
        return "neither compression nor pings"
    compresses = setting(about, "UVICORN_WS_PER_MESSAGE_DEFLATE", default="true") != "false"
    pings = setting(about, "UVICORN_WS_PING_INTERVAL", default="20") not in ("0", "0.0")
    found = [name for name, on in (("compression", compresses), ("pings", pings)) if on]
    return " and ".join(found) or "neither compression nor pings"


AUDIT: dict[str, Callable[[dict[str, Any]], str]] = {
    "Python": lambda about: str(about["python"]),
    "CPUs": lambda about: str(about["cpus"]),
    "CPU limit": lambda about: str(about["cpu_limit"] or "none"),
    "memory limit": lambda about: str(about["memory_limit"] or "none"),
    "workers": workers,
    "backlog": backlog,
    "WebSocket extras": extras,
    "database pool": lambda about: setting(about, "POOL_SIZE", default="8"),
}


def unequal_rows(one: Evidence, other: Evidence) -> str | None:
    """The fairness audit: what must be equal and is not."""
    unequal = [
        f"{what} {take(one.about)} against {take(other.about)}"
        for what, take in AUDIT.items()
        if take(one.about) != take(other.about)
    ]
    return f"{one.row} and {other.row} did not run alike: {', '.join(unequal)}" if unequal else None


def refusals(subject: Evidence, baseline: Evidence, names: frozenset[str], lives: bool) -> list[str]:
    """Why a comparison of these two may not be believed: nothing where it may. `lives`: connections should."""
    gates = [*ALWAYS, *(gate for gate in SOMETIMES if gate.__name__ in names)]
    reasons = [gate(seen) for gate in gates if lives or gate is not connections_remade for seen in (baseline, subject)]
    return [reason for reason in dict.fromkeys([unequal_rows(subject, baseline), *reasons]) if reason]
