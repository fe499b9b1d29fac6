"""The article's claim on high load: the highest rate that keeps a limit."""

from typing import Any

from lab.experiments.model import ARTICLE, Arm, Contrast, Experiment, Load, Setup
from lab.experiments.sentences import alike, better, not_better, sentence

CONNECTIONS = {"flask": 8, "fastapi": 8, "flask-40-pool-32": 32, "fastapi-pool-32": 32}
DELAY_MS = 5  # of a query
READ_QUERIES = 10
MIX: dict[str, Any] = {"scenario": "Mix", "queries": 30}
MIX_READS = 0.3  # of its requests


def mixed(row: str) -> str:
    return f"{row} mix"


def most(row: str, queries: float) -> float:
    """Requests per second that its connections can serve if the database does nothing but wait: a search begins there.

    `queries` is how many a request makes on average.
    """
    return CONNECTIONS[row] * 1000 / (queries * DELAY_MS)


PAIRS = (
    ("fastapi", "flask"),
    ("fastapi-pool-32", "flask-40-pool-32"),
    (mixed("fastapi"), mixed("flask")),
    (mixed("fastapi-pool-32"), mixed("flask-40-pool-32")),
)

HIGH_LOAD = (
    Experiment(
        name="high-load",
        title="How much load is too much",
        claim="ASGI performs better under high load.",
        source=ARTICLE,
        method="The highest rate of independent arrivals (open loop, Poisson) that keeps p99 within 250 ms, so that "
        "connections or CPU end it long before the generator: of requests that make ten queries of 5 ms each, and of "
        "a visitor's mix (half of them small answers, a third reads of thirty such queries, and writes, messages, "
        "waits and work for the CPU). By bisection to 6 %, anew in every round and from another start, so that the "
        "steps average out.",
        held_equal="the same requests, one worker each, in each comparison pools of one size, latency from the "
        "intended start",
        not_so_if="Flask keeps the limit up to the same rate, or a higher one",
        arms=(
            *(Arm(row, changes={"rate": most(row, READ_QUERIES)}) for row in CONNECTIONS),
            *(Arm(row, mixed(row), MIX | {"rate": most(row, MIX_READS * MIX["queries"])}) for row in CONNECTIONS),
        ),
        contrasts=tuple(
            Contrast(*pair, "capacity", setup=setup)
            for pair, setup in zip(PAIRS, (Setup.AS_IT_COMES, Setup.TUNED, None, None), strict=True)
        ),
        sentences=(
            sentence(
                "FastAPI kept the limit up to a higher rate than Flask, of the reads and of the mix, with 8 "
                "connections and with 32.",
                *(better(*pair) for pair in PAIRS),
            ),
            sentence(
                "Of the reads Flask kept the limit up to the same rate as FastAPI, with 8 connections and with 32. Of "
                "the mix FastAPI kept it up to a higher rate, with either.",
                *(alike(*pair) for pair in PAIRS[:2]),
                *(better(*pair) for pair in PAIRS[2:]),
            ),
            sentence(
                "Of the reads Flask kept the limit up to the same rate as FastAPI, with 8 connections and with 32.",
                *(alike(*pair) for pair in PAIRS[:2]),
            ),
            sentence(
                "FastAPI kept the limit up to no higher rate than Flask, of the reads or of the mix, with 8 "
                "connections or with 32.",
                *(not_better(*pair) for pair in PAIRS),
            ),
        ),
        load=Load(
            "DbRead",
            400,
            seconds=1.2,
            least_s=1.0,
            limit_p99_ms=250,
            warm_up=0.7,
            options={"queries": READ_QUERIES, "delay_ms": DELAY_MS},
        ),
    ),
)
