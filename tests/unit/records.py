"""Records made by hand (lab/generator/record.py): sound, but for what a test changes."""

from dataclasses import replace
from typing import Any

from lab.experiments import Arm, Contrast, Experiment, Load
from lab.generator.record import (
    HEADER,
    RESULT,
    Block,
    Header,
    Purpose,
    Requests,
    Result,
    RoundResult,
    Schedule,
    SearchStep,
)
from lab.judge.search import begin_search, behind, keeps
from lab.judge.statistics import LOOKS
from meter import Reading

GUNICORN = {"GUNICORN_CMD_ARGS": "--bind 0.0.0.0:8000 --backlog 2048 --keep-alive 60"}
GRANIAN = {"GRANIAN_BACKLOG": "2048", "GRANIAN_WORKERS": "1", "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "60000"}
UVICORN = {
    "UVICORN_ACCESS_LOG": "false",
    "UVICORN_BACKLOG": "2048",
    "UVICORN_TIMEOUT_KEEP_ALIVE": "60",
    "UVICORN_WS_PER_MESSAGE_DEFLATE": "false",
    "UVICORN_WS_PING_INTERVAL": "0",
}
UWSGI = {
    "UWSGI_DISABLE_LOGGING": "true",
    "UWSGI_HTTP11_SOCKET": "0.0.0.0:8000",
    "UWSGI_LISTEN": "2048",
    "UWSGI_SOCKET_TIMEOUT": "60",
    "UWSGI_WORKERS": "1",
}
FAIR = {"POOL_SIZE": "8", "WEB_CONCURRENCY": "1"}
SERVERS = {
    "flask": ("gunicorn 27.0.1", "gunicorn --worker-class gthread --threads 8 flask_service:create_app()", GUNICORN),
    "granian": ("granian 2.8.7", "granian --interface wsgi --blocking-threads 8 protocols.wsgi:application", GRANIAN),
    "uwsgi": ("uwsgi 2.0.30", "uwsgi --threads 128 --module protocols.wsgi:application", UWSGI),
    "fastapi": ("uvicorn 0.54.0", "uvicorn --factory fastapi_service:create_app", UVICORN),
}


def about(row: str = "flask", settings: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """What a row says of itself: GET /about."""
    server, command, own = SERVERS[row]
    facts: dict[str, Any] = {"row": row, "server": server, "command": command}
    facts |= {"settings": FAIR | own | (settings or {})}
    facts |= {
        "interface": "ASGI" if row == "fastapi" else "WSGI",
        "framework": "flask 3.1",
        "model": "8 threads",
        "python_mode": "",
        "json_library": "json",
        "loaded": ["httptools", "uvloop"] if row == "fastapi" else [],
    }
    facts |= {"python": "3.11.7", "cpus": 1, "cpu_limit": None, "memory_limit": None, "header_bytes": 52}
    return facts | changes


def load(requests: int = 1000, ms: float = 10, seconds: float = 1, **changes: Any) -> Requests:
    """So many requests that all took `ms`, as a Window counts them."""
    made = Requests(
        requests=float(requests),
        started=requests,
        failures=0,
        timeouts=0,
        errors={},
        in_flight=requests / seconds * ms / 1000,
        reported_in_flight=requests / seconds * ms / 1000,
        protocols=["HTTP/1.1"] if requests else [],
        histogram={ms: requests} if requests else {},
    )
    return replace(made, **changes)


METER = Reading(
    at_ns=5 * 10**9,
    cpu_ns=10**9,
    memory_bytes=64 * 2**20,
    memory="PSS",
    cgroup_bytes=None,
    threads=9,
    sockets=16,
    processes=2,
)
MOST = 1e6  # a search ends there


def result(arm: str = "flask", round_: int = 0, level: str = "", **changes: Any) -> Result:
    """One second on a row of the arm's name: 1,000 requests of 10 ms and of 300 µs CPU each."""
    made = Result(
        block=Block(arm, "Json", 10, 1.0, purpose=Purpose("toy", level, arm, round_)),
        split=0,
        seconds=1.0,
        answered=1000,
        generator_cpus=0.5,
        generator_waits=0.02,
        generator_stolen=0.0,
        cpu_ns={"row": 300_000_000},
        beside_cpus={"nginx": 0.0},
        row_cpus=0.3,
        row_waits=0.02,
        row_taken=0.02,
        restarts=0,
        connections=0,
        schedule=Schedule(started=0, late=0, queued=0),
        meter=METER,
        held=0,
        after_ms=2.0,
        load=load(),
        probe=None,
    )
    return replace(made, **changes)


def of(made: Result, row: str | None = None, **purpose: Any) -> Result:
    """The same, measured for another purpose, or on another row."""
    block = replace(made.block, row=row or made.block.row, purpose=replace(made.block.purpose, **purpose))
    return replace(made, block=block)


def step(rate: float, kept: bool, limit_ms: float = 100, search_step: float = 2, late: int = 0) -> Result:
    """A step of a search, that kept its limit or did not."""
    made = of(
        result(load=load(int(rate), limit_ms / 2 if kept else limit_ms * 2)),
        search=SearchStep(limit_ms, search_step, MOST),
    )
    return replace(made, block=replace(made.block, rate=rate), schedule=Schedule(int(rate), late, 0))


def searched(knee: float, rate: float = 100) -> RoundResult:
    """A whole search on a row that keeps its limit up to `knee` requests per second."""
    search, steps = begin_search(rate, SearchStep(100, 2, MOST)), []
    while not search.done:
        steps.append(step(search.rate, search.rate <= knee))
        search.judge(keeps(steps[-1]), behind(steps[-1]))
    return steps


def cpu_us(us: float) -> dict[str, Any]:
    """The changes that make a result's CPU per request so much."""
    return {"cpu_ns": {"row": round(us * 1000 * 1000)}}


def splits(made: Result, other: dict[str, Any] | None = None) -> RoundResult:
    """A round that was taken in slices: its second split is like the first, but for what a test changes."""
    first = replace(made, block=replace(made.block, splits=2))
    return [first, replace(first, split=1, **other or {})]


SPREAD = (1.001, 0.999, 1.0, 1.002, 0.998, 1.0)  # of honest rounds
NOISE = (1.5, 0.7, 1.3, 0.6, 1.4, 0.9)  # that decides nothing


def toy(*contrasts: Contrast, arms: tuple[Arm, ...] = (Arm("fastapi"), Arm("flask")), **changes: Any) -> Experiment:
    """An experiment that says: FastAPI needs less CPU than Flask."""
    texts: dict[str, Any] = {name: name for name in ("title", "claim", "source", "method", "held_equal", "not_so_if")}
    facts: dict[str, Any] = {"sentences": (), "load": Load(users=10, seconds=1.0)} | texts | changes
    return Experiment(name="toy", arms=arms, contrasts=contrasts or (Contrast("fastapi", "flask", "cpu_us"),), **facts)


def pairs(
    ratio: float, count: int, spread: tuple[float, ...] = SPREAD, level: str = "", arm: str = "fastapi"
) -> list[Result]:
    """Pairs of an arm and Flask, whose CPU per request is in this ratio."""
    made = []
    for number in range(count):
        made.append(result(arm, number, level, **cpu_us(300 * ratio * spread[number % len(spread)])))
        made.append(result("flask", number, level))
    return made


def header(**changes: Any) -> Header:
    made = Header(
        began="2026-01-02 03:04 UTC",
        door="native",
        machine="Linux, 2 CPUs",
        generator_python="3.11.7",
        versions={"flask": "3.1"},
        placed={"rows": "0", "generator": "1"},
        shared_cpus=0,
        abouts={row: about(row) for row in SERVERS},
        looks=LOOKS,
        restarts=True,
        quick=False,
        scale=1.0,
        seed=7,
        experiments={},
    )
    return replace(made, **changes)


def lines(header: Header, *results: Result) -> str:
    """A raw file."""
    return "".join(f"{line.decode()}\n" for line in (HEADER.dump_json(header), *map(RESULT.dump_json, results)))


def as_file(result: Result) -> Result:
    """What is read back of a result that was written."""
    return RESULT.validate_json(RESULT.dump_json(result))
