"""Results of blocks as lab/blocks.py gives them, made by hand: sound, but for what a test changes."""

import json
from typing import Any

from lab.experiments import Arm, Contrast, Experiment, Load
from lab.judge.evidence import Turn, begin_search, behind, keeps

GUNICORN = {"GUNICORN_CMD_ARGS": "--bind 0.0.0.0:8000 --backlog 2048 --keep-alive 75"}
GRANIAN = {"GRANIAN_BACKLOG": "2048", "GRANIAN_WORKERS": "1"}
UVICORN = {"UVICORN_BACKLOG": "2048", "UVICORN_WS_PER_MESSAGE_DEFLATE": "false", "UVICORN_WS_PING_INTERVAL": "0"}
FAIR = {"POOL_SIZE": "8", "WEB_CONCURRENCY": "1"}
SERVERS = {
    "flask": ("gunicorn 27.0.1", "gunicorn --worker-class gthread --threads 8 flask_service:create_app()", GUNICORN),
    "granian": ("granian 2.8.7", "granian --interface wsgi --blocking-threads 8 protocols.wsgi:application", GRANIAN),
    "fastapi": ("uvicorn 0.54.0", "uvicorn --factory fastapi_service:create_app", UVICORN),
}


def about(row: str = "flask", settings: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """What a row says of itself: GET /about."""
    server, command, own = SERVERS[row]
    facts = {"row": row, "server": server, "command": command, "settings": FAIR | own | (settings or {})}
    return facts | {"python": "3.11.7", "cpus": 1, "cpu_limit": None, "memory_limit": None} | changes


def load(requests: int = 1000, ms: float = 10, seconds: float = 1, **changes: Any) -> dict[str, Any]:
    """So many requests that all took `ms`, as a Window counts them."""
    return {
        "requests": float(requests),
        "started": requests,
        "failures": 0,
        "errors": {},
        "mean_ms": ms if requests else None,
        "in_flight": requests / seconds * ms / 1000,
        "protocols": ["HTTP/1.1"] if requests else [],
        "histogram": {str(ms): requests} if requests else {},
    } | changes


METER = {"at_ns": 5 * 10**9, "cpu_ns": 10**9, "rss_bytes": 64 * 2**20, "threads": 9, "sockets": 16}
MOST = 1e6  # a search ends there


def result(arm: str = "flask", round_: int = 0, level: str = "", **changes: Any) -> dict[str, Any]:
    """One second on a row of the arm's name: 1,000 requests of 10 ms and of 300 µs CPU each."""
    block = {"row": arm, "scenario": "Json", "users": 10, "seconds": 1.0, "options": {}, "rate": 0, "probe_rate": 0}
    return {
        "block": block | {"halves": 1, "about": {"experiment": "toy", "level": level, "arm": arm, "round": round_}},
        "seconds": 1.0,
        "answered": 1000,
        "cpu_ns": {"row": 300_000_000},
        "meter": METER,
        "cpus": {"generator": 0.5},
        "connections": 0,
        "schedule": {"started": 0, "late": 0, "queued": 0},
        "held": 0,
        "after_ms": 2.0,
        "load": load(),
    } | changes


def step(rate: float, kept: bool, limit_ms: float = 100, search_step: float = 2, late: int = 0) -> dict[str, Any]:
    """A step of a search, that kept its limit or did not."""
    made = result(load=load(int(rate), limit_ms / 2 if kept else limit_ms * 2))
    made["block"] |= {"rate": rate}
    made["block"]["about"] |= {"limit_p99_ms": limit_ms, "step": search_step, "most_rate": MOST}
    return made | {"schedule": {"started": int(rate), "late": late, "queued": 0}}


def searched(knee: float, rate: float = 100) -> Turn:
    """A whole search on a row that keeps its limit up to `knee` requests per second."""
    search, steps = begin_search(rate, 2, MOST), []
    while not search.done:
        steps.append(step(search.rate, search.rate <= knee))
        search.judge(keeps(steps[-1]), behind(steps[-1]))
    return steps


def cpu_us(us: float) -> dict[str, Any]:
    """The changes that make a result's CPU per request so much."""
    return {"cpu_ns": {"row": us * 1000 * 1000}}


def halves(made: dict[str, Any], other: dict[str, Any] | None = None) -> Turn:
    """A turn that was taken in slices: its second half is like the first, but for what a test changes."""
    of_two = made | {"block": made["block"] | {"halves": 2}}
    return [of_two, of_two | (other or {})]


SPREAD = (1.001, 0.999, 1.0, 1.002, 0.998, 1.0)  # of honest blocks
NOISE = (1.5, 0.7, 1.3, 0.6, 1.4, 0.9)  # that decides nothing


def toy(*contrasts: Contrast, arms: tuple[Arm, ...] = (Arm("fastapi"), Arm("flask")), **changes: Any) -> Experiment:
    """An experiment that says: FastAPI needs less CPU than Flask."""
    texts: dict[str, Any] = {name: name for name in ("title", "claim", "source", "test", "equal", "refuted")}
    facts: dict[str, Any] = {"says": {}, "load": Load(users=10, seconds=1.0)} | texts | changes
    return Experiment(name="toy", arms=arms, contrasts=contrasts or (Contrast("fastapi", "flask", "cpu_us"),), **facts)


def turns(
    ratio: float, pairs: int, spread: tuple[float, ...] = SPREAD, level: str = "", arm: str = "fastapi"
) -> list[dict[str, Any]]:
    """Pairs of an arm and Flask, whose CPU per request is in this ratio."""
    made = []
    for number in range(pairs):
        made.append(result(arm, number, level, **cpu_us(300 * ratio * spread[number % len(spread)])))
        made.append(result("flask", number, level))
    return made


def header(**changes: Any) -> dict[str, Any]:
    """The first line of a raw file."""
    abouts = {row: about(row) for row in SERVERS}
    return {"looks": 3, "beside_cpus": 0, "seed": 7, "abouts": abouts} | changes


def as_file(value: Any) -> Any:
    """What is read back of a value that was written as JSON."""
    return json.loads(json.dumps(value))
