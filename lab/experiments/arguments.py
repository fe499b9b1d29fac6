"""What people argue about: event loops, validation, middleware, `def`, reloads, and a comparison that was published."""

from dataclasses import replace

from lab.experiments.model import (
    FASTAPI_ASYNC,
    FASTAPI_BENCHMARKS,
    OURS,
    Arm,
    Contrast,
    Experiment,
    Load,
    Source,
    rows,
)
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import alike, because, better, measured, not_better, sentence, worse

UVLOOP = Source("README", "uvloop", reference="https://github.com/MagicStack/uvloop")
FLASK_ASYNC = Source(
    "“Using async and await”",
    "Flask documentation",
    reference="https://flask.palletsprojects.com/en/stable/async-await/",
    otherwise=True,
)
PUBLISHED = Source(
    "“FastAPI vs Flask performance comparison”",
    "ashishb.net",
    reference="https://ashishb.net/programming/flask-vs-fastapi",
)
SHORT = Load(seconds=0.5, least_s=0.3)  # thousands of requests: the CPU time of each needs no more
ECHO = Load("Echo", seconds=0.5, least_s=0.3)
LEFT, KEPT = ("reloaded flask", "reloaded fastapi"), ("flask", "fastapi")
UVICORNS = ("asgi", "asgi-asyncio", "asgi-h11", "asgi-h11-asyncio")

ARGUMENTS = (
    Experiment(
        name="uvloop",
        title="uvloop or asyncio, and which parser",
        claim="uvloop makes uvicorn faster.",
        source=UVLOOP,
        method="CPU time of a bare ASGI application on uvicorn per GET /json, 16 clients: either event loop with "
        "either HTTP parser.",
        held_equal="the same application on the same server; the loop is exchanged, or the parser",
        refuted_if="with either parser it needs as much CPU on asyncio's own loop",
        arms=rows(*UVICORNS),
        contrasts=(
            Contrast("asgi", "asgi-asyncio", "cpu_us"),
            Contrast("asgi-h11", "asgi-h11-asyncio", "cpu_us"),
            Contrast("asgi", "asgi-h11", "cpu_us", decides=False),
            Contrast("asgi-asyncio", "asgi-h11-asyncio", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "On uvloop uvicorn needed less CPU per request, with either parser. So it did with the parser in C "
                "(httptools) in place of the one in Python (h11), on either loop.",
                better("asgi", "asgi-asyncio"),
                better("asgi-h11", "asgi-h11-asyncio"),
                better("asgi", "asgi-h11", figure="cpu_us"),
                better("asgi-asyncio", "asgi-h11-asyncio", figure="cpu_us"),
                because=because("What each was worth", measured("cpu_us", *UVICORNS)),
            ),
            sentence(
                "On uvloop uvicorn needed less CPU per request, with either parser.",
                better("asgi", "asgi-asyncio"),
                better("asgi-h11", "asgi-h11-asyncio"),
            ),
            sentence(
                "On uvloop uvicorn needed no less CPU per request, with either parser.",
                not_better("asgi", "asgi-asyncio"),
                not_better("asgi-h11", "asgi-h11-asyncio"),
            ),
        ),
        load=SHORT,
        in_units=True,
    ),
    Experiment(
        name="validation",
        title="What validation costs",
        claim="On Starlette an app that validates by hand costs as much as on FastAPI.",
        source=replace(FASTAPI_BENCHMARKS, otherwise=False),
        method="CPU time of the service per POST /echo, 16 clients: a body that is parsed only, or validated by a "
        "model of Pydantic, which FastAPI asks for the answer, too; on Starlette, FastAPI and Flask.",
        held_equal="the same body, model and bytes of the answer; ASGI on uvicorn, Flask on gunicorn",
        refuted_if="one of the two that validate needs less CPU per request",
        arms=rows(
            "starlette-plain",
            "starlette-validated",
            "fastapi-plain",
            "fastapi-validated",
            "flask-plain",
            "flask-validated",
        ),
        contrasts=(
            Contrast("starlette-validated", "fastapi-validated", "cpu_us", Outcome.NO_DIFFERENCE),
            Contrast("starlette-plain", "fastapi-plain", "cpu_us", decides=False),
            Contrast("fastapi-plain", "fastapi-validated", "cpu_us", decides=False),
            Contrast("starlette-plain", "starlette-validated", "cpu_us", decides=False),
            Contrast("flask-plain", "flask-validated", "cpu_us", decides=False),
            Contrast("fastapi-validated", "flask-validated", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "Validated by hand on Starlette, a body cost less CPU than as FastAPI validates it. Without validation "
                "FastAPI cost more than Starlette, too.",
                better("starlette-validated", "fastapi-validated"),
                better("starlette-plain", "fastapi-plain", figure="cpu_us"),
                because=because(
                    "Model and framework apart",
                    measured("cpu_us", "starlette-plain", "starlette-validated", "fastapi-plain", "fastapi-validated"),
                ),
            ),
            sentence(
                "Validated by hand on Starlette, a body cost less CPU than as FastAPI validates it.",
                better("starlette-validated", "fastapi-validated"),
            ),
            sentence(
                "Validated by hand on Starlette, a body cost as much CPU as FastAPI takes for it.",
                alike("starlette-validated", "fastapi-validated"),
            ),
            sentence(
                "Validated by hand on Starlette, a body cost more CPU than as FastAPI validates it.",
                worse("starlette-validated", "fastapi-validated"),
            ),
        ),
        load=ECHO,
        in_units=True,
    ),
    Experiment(
        name="middleware",
        title="What middleware costs",
        claim="A few pieces of middleware cost next to nothing.",
        source=OURS,
        method="CPU time of the service per GET /json, 16 clients, with none, one and five pieces of middleware that "
        "take the time of a request: as the guides write it (Flask's pairs of hooks, FastAPI's "
        "`@app.middleware`), and bare around the app.",
        held_equal="the same app, the same work in every piece",
        refuted_if="with them a request needs more CPU",
        arms=rows(
            *("flask-plain", "flask-hooked-1", "flask-hooked-5", "flask-wrapped-5"),
            *("fastapi-plain", "fastapi-hooked-1", "fastapi-hooked-5", "fastapi-wrapped-5"),
        ),
        contrasts=tuple(
            Contrast(f"{row}-{kind}", f"{row}-plain", "cpu_us", Outcome.NO_DIFFERENCE)
            for row in ("flask", "fastapi")
            for kind in ("hooked-1", "hooked-5", "wrapped-5")
        ),
        sentences=(
            sentence(
                "One function of FastAPI's `@app.middleware` already cost more CPU, and five did. One of Flask's pairs "
                "of hooks made no difference that matters, and neither did five bare pieces around either app.",
                worse("fastapi-hooked-1", "fastapi-plain"),
                worse("fastapi-hooked-5", "fastapi-plain"),
                alike("flask-hooked-1", "flask-plain"),
                alike("flask-wrapped-5", "flask-plain"),
                alike("fastapi-wrapped-5", "fastapi-plain"),
            ),
            sentence(
                "One function of FastAPI's `@app.middleware` already cost more CPU, and five did. One of Flask's pairs "
                "of hooks made no difference that matters.",
                worse("fastapi-hooked-1", "fastapi-plain"),
                worse("fastapi-hooked-5", "fastapi-plain"),
                alike("flask-hooked-1", "flask-plain"),
            ),
            sentence(
                "Five pieces cost more CPU on either side, as the guides write them.",
                worse("fastapi-hooked-5", "fastapi-plain"),
                worse("flask-hooked-5", "flask-plain"),
            ),
        ),
        load=SHORT,
        in_units=True,
    ),
    Experiment(
        name="def-or-async",
        title="FastAPI: def or async def",
        claim="In FastAPI a plain `def` serves as much as `async def`.",
        source=replace(FASTAPI_ASYNC, otherwise=False),
        method="Throughput of a 50 ms wait against the number of clients: in `async def`, and in `def`, which FastAPI "
        "runs on its own pool of threads.",
        held_equal="the same row; only the handler differs",
        refuted_if="`def` serves less",
        arms=(Arm("fastapi", "fastapi async def"), Arm("fastapi", "fastapi def", {"wait_route": "threadpool"})),
        contrasts=(Contrast("fastapi def", "fastapi async def", "throughput", Outcome.NO_DIFFERENCE),),
        sentences=(
            sentence(
                "While FastAPI's pool had threads to spare `def` served as much as `async def`. With more clients than "
                "the pool has threads it served less.",
                alike("fastapi def", "fastapi async def", at=("16",)),
                worse("fastapi def", "fastapi async def", at=("64", "200")),
            ),
            sentence(
                "With more clients than FastAPI's pool has threads `def` served less than `async def`.",
                worse("fastapi def", "fastapi async def", at=("64",)),
            ),
            sentence(
                "FastAPI served as much in `def` as in `async def`, whatever the number of clients.",
                alike("fastapi def", "fastapi async def"),
            ),
        ),
        load=Load("Wait", seconds=0.6, options={"wait_ms": 50}),
        varied="clients",
        levels={str(count): {"users": count} for count in (16, 64, 200)},
        quick=("64",),
        thread_ceiling=40,
    ),
    Experiment(
        name="def-cost",
        title="What def costs a request that waits for nothing",
        claim="In FastAPI `def` costs no more than `async def`.",
        source=replace(FASTAPI_ASYNC, otherwise=False),
        method="CPU time of the service per GET /json, 16 clients: answered in `async def`, and in `def`.",
        held_equal="the same app; only the handler differs",
        refuted_if="`def` needs more CPU per request",
        arms=rows("fastapi-plain", "fastapi-def"),
        contrasts=(Contrast("fastapi-def", "fastapi-plain", "cpu_us", Outcome.NO_DIFFERENCE),),
        sentences=(
            sentence(
                "A request that waits for nothing cost FastAPI more CPU in `def` than in `async def`.",
                worse("fastapi-def", "fastapi-plain"),
                guess="It is handed to a thread and back.",
            ),
            sentence(
                "A request that waits for nothing cost FastAPI as much CPU in `def` as in `async def`.",
                alike("fastapi-def", "fastapi-plain"),
            ),
        ),
        load=SHORT,
        in_units=True,
    ),
    Experiment(
        name="flask-async",
        title="Flask: async def in a view",
        claim="`async def` makes a view of Flask concurrent.",
        source=FLASK_ASYNC,
        method="Throughput of a 50 ms wait with twice as many clients as Flask has threads: in `def`, and awaited in "
        "`async def`. Beside it the CPU time per request.",
        held_equal="the same row; only the view differs",
        refuted_if="it serves no more",
        arms=(Arm("flask", "flask def"), Arm("flask", "flask async def", {"wait_route": "async"})),
        contrasts=(
            Contrast("flask async def", "flask def", "throughput"),
            Contrast("flask async def", "flask def", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "Flask did not serve more in `async def`, and each request cost more CPU.",
                not_better("flask async def", "flask def"),
                worse("flask async def", "flask def", figure="cpu_us"),
                guess="A view holds its thread all the same, and starts an event loop for itself.",
            ),
            sentence("Flask did not serve more in `async def`.", not_better("flask async def", "flask def")),
            sentence("Flask served more in `async def`.", better("flask async def", "flask def")),
        ),
        load=Load("Wait", seconds=1.0, options={"wait_ms": 50}),
    ),
    Experiment(
        name="reload",
        title="A reload under load",
        claim="A graceful reload loses no request.",
        source=OURS,
        method="16 clients ask for GET /json while the server is told every two seconds to replace its workers "
        "(SIGHUP). The share of requests that were answered, beside that without reloads; one of a thousand "
        "matters.",
        held_equal="the same app, two workers; a client whose idle connection was closed opens another, as browsers do",
        refuted_if="requests are lost",
        arms=(
            *(Arm(f"{row}-workers-2", row, {"reload_s": 0, "seconds": 1.0}, restarts=True) for row in KEPT),
            *(Arm(f"{row}-workers-2", f"reloaded {row}", reconnects=True, restarts=True) for row in KEPT),
        ),
        contrasts=tuple(
            Contrast(one, other, "kept_pct", Outcome.NO_DIFFERENCE) for one, other in zip(LEFT, KEPT, strict=True)
        ),
        sentences=(
            sentence(
                "Reloaded again and again, gunicorn and uvicorn answered as many of their requests as without.",
                *(alike(one, other) for one, other in zip(LEFT, KEPT, strict=True)),
            ),
            sentence(
                "Reloaded again and again, gunicorn answered as many of its requests as without; uvicorn lost more "
                "than one of a thousand.",
                alike("reloaded flask", "flask"),
                worse("reloaded fastapi", "fastapi"),
            ),
            sentence(
                "Reloaded again and again, uvicorn answered as many of its requests as without; gunicorn lost more "
                "than one of a thousand.",
                worse("reloaded flask", "flask"),
                alike("reloaded fastapi", "fastapi"),
            ),
            sentence(
                "Reloaded again and again, gunicorn and uvicorn each lost more than one request of a thousand.",
                *(worse(one, other) for one, other in zip(LEFT, KEPT, strict=True)),
            ),
        ),
        load=Load("Reload", 16, seconds=4.0, least_s=4.0, warm_up=0.3, options={"reload_s": 2}),
    ),
    Experiment(
        name="published",
        title="A published comparison: “3X faster”",
        claim="FastAPI is faster than Flask.",
        source=PUBLISHED,
        method="The settings of the comparison: Flask on 4 workers of 32 threads, FastAPI on 4 workers of uvicorn, one "
        "CPU. CPU time of the service per GET /json, from one client and from 64; three times as fast would be a third "
        "of it. FastAPI is there twice: with the parser and the loop that a plain `pip install uvicorn` brings, as in "
        "the comparison (h11, asyncio), and with those of `uvicorn[standard]`.",
        held_equal="the same bytes (the comparison's were not), versions of today",
        refuted_if="FastAPI needs as much CPU per request, or more",
        arms=rows("flask-4x32", "fastapi-4-h11", "fastapi-4"),
        contrasts=(
            Contrast("fastapi-4-h11", "flask-4x32", "cpu_us"),
            Contrast("fastapi-4", "flask-4x32", "cpu_us"),
            Contrast("fastapi-4", "fastapi-4-h11", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "FastAPI needed less CPU per request than Flask, with either parser; with the parser and the loop in C "
                "less than without.",
                better("fastapi-4-h11", "flask-4x32"),
                better("fastapi-4", "flask-4x32"),
                better("fastapi-4", "fastapi-4-h11", figure="cpu_us"),
                because=because("How much less", measured("cpu_us", "flask-4x32", "fastapi-4-h11", "fastapi-4")),
            ),
            sentence(
                "FastAPI needed less CPU per request than Flask with uvicorn's parser and loop in C. With those that "
                "the comparison had installed it did not.",
                not_better("fastapi-4-h11", "flask-4x32"),
                better("fastapi-4", "flask-4x32"),
                because=because("How much less", measured("cpu_us", "flask-4x32", "fastapi-4-h11", "fastapi-4")),
            ),
            sentence(
                "FastAPI needed no less CPU per request than Flask.",
                not_better("fastapi-4-h11", "flask-4x32"),
                not_better("fastapi-4", "flask-4x32"),
            ),
        ),
        load=SHORT,
        varied="clients",
        varied_one="client",
        levels={str(count): {"users": count} for count in (1, 64)},
        quick=("64",),
    ),
)
