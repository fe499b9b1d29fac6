"""Traps: what a load test, or an endpoint, gets wrong; and the control that must find nothing."""

from typing import Any

from lab.experiments.model import FASTAPI_ASYNC, OURS, WRK2, Arm, Contrast, Experiment, Load
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import alike, because, better, measured, sentence, worse

STAYED: dict[str, Any] = {"users": 4, "wait_ms": 25, "patience_ms": 2_000}
MODELS = ("flask", "flask-gevent", "fastapi")  # threads, greenlets, an event loop
LEFT: dict[str, dict[str, Any]] = {
    "wait": {"work": "wait", "wait_ms": 50, "patience_ms": 25},
    "cpu": {"work": "cpu", "rounds": 60_000, "patience_ms": 25},
    "db": {"work": "db", "queries": 50, "patience_ms": 25},
}
TRAPS = (
    Experiment(
        name="trap-blocking",
        title="Trap: a blocking call in async def",
        claim="`async def` makes a handler concurrent.",
        source=FASTAPI_ASYNC,
        method="16 clients ask FastAPI for a wait of 20 ms: awaited, in `def` (a pool of 40 threads), and as a "
        "blocking call inside `async def`.",
        held_equal="the same row; only the handler differs",
        not_so_if="the handler that blocks serves less than the one that awaits",
        arms=(
            Arm("fastapi", "await"),
            Arm("fastapi", "def", {"wait_route": "threadpool"}),
            Arm("fastapi", "blocking", {"wait_route": "blocking"}),
        ),
        contrasts=(
            Contrast("blocking", "await", "throughput", Outcome.NO_DIFFERENCE),
            Contrast("def", "await", "throughput", Outcome.NO_DIFFERENCE, decides=False),
        ),
        sentences=(
            sentence(
                "With a blocking call in every request inside `async def` FastAPI served less than with one that "
                "awaits. With the "
                "same call in `def` it served as much.",
                worse("blocking", "await"),
                alike("def", "await", figure="throughput"),
            ),
            sentence(
                "With a blocking call in every request inside `async def` FastAPI served less than with one that "
                "awaits.",
                worse("blocking", "await"),
            ),
            sentence(
                "With a blocking call inside `async def` FastAPI served as much as with one that awaits.",
                alike("blocking", "await"),
            ),
        ),
        load=Load("Wait", 16, options={"wait_ms": 20}),
    ),
    Experiment(
        name="trap-generator",
        title="Trap: a generator that is the bottleneck",
        claim="Flask and FastAPI are equally fast.",
        source=OURS,
        method="GET /json with Locust's default client, HttpUser, 16 clients: throughput.",
        held_equal="everything; that is the trap",
        not_so_if="(the gates must refuse this run)",
        arms=(Arm("flask", changes={"scenario": "Slow"}), Arm("fastapi", changes={"scenario": "Slow"})),
        contrasts=(Contrast("fastapi", "flask", "throughput", Outcome.NO_DIFFERENCE),),
        sentences=(),  # no run of it may say anything
        must_be_refused=True,
    ),
    Experiment(
        name="trap-closed-loop",
        title="Trap: a load test that waits",
        claim="A closed-loop test sees a server stall.",
        source=WRK2,
        method="FastAPI's event loop stalls for one second; p99 as eight clients see it that each wait for their "
        "answer, and as 200 independent arrivals a second see it.",
        held_equal="the same row, the same stall",
        not_so_if="the open loop's p99 is higher: the closed loop lacks the requests that would have come meanwhile",
        arms=(
            Arm("fastapi", "closed loop", {"users": 8}),
            Arm("fastapi", "open loop", {"users": 300, "rate": 200}),
        ),
        contrasts=(Contrast("closed loop", "open loop", "p99_ms", Outcome.NO_DIFFERENCE),),
        sentences=(
            sentence(
                "The closed loop's p99 was less than a tenth of that of independent arrivals: a closed-loop test hid "
                "the stall (coordinated omission).",
                better("closed loop", "open loop", most=0.1),
            ),
            sentence(
                "The closed loop's p99 was as high as that of independent arrivals.",
                alike("closed loop", "open loop"),
            ),
        ),
        load=Load("Wait", seconds=6.0, least_s=6.0, warm_up=0.5, options={"wait_ms": 5, "stall_ms": 1000}),
    ),
    Experiment(
        name="trap-leavers",
        title="Trap: work for clients who have left",
        claim="A client that leaves costs nothing more.",
        source=OURS,
        method="Eight clients ask for work (a wait, CPU, database reads) faster than a row can do it, and leave before "
        "it is done. When all have left, how long until the row answers the least request of that kind again (10 ms "
        "at least), beside that after four clients who waited 25 ms and stayed?",
        held_equal="the same row",
        not_so_if="the row takes longer to answer again",
        arms=(
            *(Arm(row, f"{row} stayed", STAYED) for row in MODELS),
            *(Arm(row, f"{row} {work}", LEFT[work]) for work in ("wait", "cpu", "db") for row in MODELS),
            Arm("fastapi", "fastapi def wait", LEFT["wait"] | {"wait_route": "threadpool"}),
        ),
        contrasts=tuple(
            Contrast(f"{model} {work}", f"{model.partition(' ')[0]} stayed", "after_ms", Outcome.NO_DIFFERENCE)
            for work in ("wait", "cpu", "db")
            for model in (*MODELS, *(["fastapi def"] if work == "wait" else []))
        ),
        sentences=(
            sentence(
                "A wait that nobody waited for any more kept Flask longer on 8 threads; on Flask's greenlets and on "
                "FastAPI's event loop it made no difference. Work for the CPU kept every one of them longer.",
                worse("flask wait", "flask stayed"),
                alike("flask-gevent wait", "flask-gevent stayed"),
                alike("fastapi wait", "fastapi stayed"),
                *(worse(f"{row} cpu", f"{row} stayed") for row in MODELS),
                because=because("How long", measured("after_ms", "flask wait", *(f"{row} cpu" for row in MODELS))),
            ),
            sentence(
                "Work for the CPU kept every row longer after its clients had left: Flask on 8 threads and on "
                "greenlets, and FastAPI.",
                *(worse(f"{row} cpu", f"{row} stayed") for row in MODELS),
            ),
            sentence(
                "After its clients had left Flask on 8 threads took longer to answer again, whatever they had asked "
                "for.",
                *(worse(f"flask {work}", "flask stayed") for work in ("wait", "cpu", "db")),
            ),
        ),
        load=Load("Impatient", 8, seconds=0.4, least_s=0.4, warm_up=0.2),
    ),
    Experiment(
        name="control",
        title="Control: a row against itself",
        claim="The lab finds no difference where there is none.",
        source=OURS,
        method="Flask against Flask and FastAPI against FastAPI, as if they were two rows: CPU time per GET /json.",
        held_equal="everything",
        not_so_if="a difference that matters, or no certainty that there is none",
        arms=tuple(Arm(row, f"{row} {letter}") for row in ("flask", "fastapi") for letter in "AB"),
        contrasts=tuple(
            Contrast(f"{row} A", f"{row} B", "cpu_us", Outcome.NO_DIFFERENCE) for row in ("flask", "fastapi")
        ),
        sentences=(
            sentence(
                "A row against itself came out as no difference that matters, for Flask and for FastAPI.",
                *(alike(f"{row} A", f"{row} B") for row in ("flask", "fastapi")),
            ),
        ),
    ),
)
