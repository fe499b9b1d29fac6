"""What people argue about: event loops, validation, middleware, reloads, and a comparison that was published."""

from dataclasses import replace

from lab.experiments.model import (
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
        not_so_if="with either parser it needs as much CPU on asyncio's own loop",
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
        not_so_if="one of the two that validate needs less CPU per request",
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
        not_so_if="with them a request needs more CPU",
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
                "One function of FastAPI's `@app.middleware` already cost more CPU, and five did. Five bare pieces "
                "around either app made no difference that matters.",
                worse("fastapi-hooked-1", "fastapi-plain"),
                worse("fastapi-hooked-5", "fastapi-plain"),
                alike("flask-wrapped-5", "flask-plain"),
                alike("fastapi-wrapped-5", "fastapi-plain"),
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
        name="reload",
        title="A reload under load",
        claim="A graceful reload loses no request.",
        source=OURS,
        method="100 requests a second for GET /json (open loop, Poisson) while the server is told once to replace its "
        "workers (SIGHUP). The share of requests that were answered, beside that without a reload; one of a thousand "
        "matters. Beside it p99.",
        held_equal="the same app, two workers, five seconds to end in peace; a client whose idle connection was closed "
        "opens another, as browsers do",
        not_so_if="requests are lost",
        arms=(
            *(
                Arm(f"{row}-workers-2", row, {"reload_s": 0, "seconds": 2.0, "least_s": 2.0}, True, True)
                for row in KEPT
            ),
            *(Arm(f"{row}-workers-2", f"reloaded {row}", reconnects=True, restarts=True) for row in KEPT),
        ),
        contrasts=(
            *(Contrast(each, row, "kept_pct", Outcome.NO_DIFFERENCE) for each, row in zip(LEFT, KEPT, strict=True)),
            *(Contrast(each, row, "p99_ms", decides=False) for each, row in zip(LEFT, KEPT, strict=True)),
        ),
        sentences=(
            sentence(
                "Told to replace their workers, gunicorn and uvicorn answered as many of their requests as without; "
                "some took longer meanwhile.",
                *(alike(each, row) for each, row in zip(LEFT, KEPT, strict=True)),
                *(worse(each, row, figure="p99_ms") for each, row in zip(LEFT, KEPT, strict=True)),
                because=because("How much longer", measured("p99_ms", *KEPT, *LEFT)),
            ),
            sentence(
                "Told to replace their workers, gunicorn and uvicorn answered as many of their requests as without; "
                "some of gunicorn's took longer meanwhile.",
                *(alike(each, row) for each, row in zip(LEFT, KEPT, strict=True)),
                worse("reloaded flask", "flask", figure="p99_ms"),
                because=because("How much longer", measured("p99_ms", "flask", "reloaded flask")),
            ),
            sentence(
                "Told to replace their workers, gunicorn and uvicorn answered as many of their requests as without.",
                *(alike(each, row) for each, row in zip(LEFT, KEPT, strict=True)),
            ),
            sentence(
                "Told to replace its workers, gunicorn answered as many of its requests as without; uvicorn lost more "
                "than one of a thousand.",
                alike("reloaded flask", "flask"),
                worse("reloaded fastapi", "fastapi"),
            ),
            sentence(
                "Told to replace its workers, uvicorn answered as many of its requests as without; gunicorn lost more "
                "than one of a thousand.",
                worse("reloaded flask", "flask"),
                alike("reloaded fastapi", "fastapi"),
            ),
            sentence(
                "Told to replace their workers, gunicorn and uvicorn each lost more than one request of a thousand.",
                *(worse(each, row) for each, row in zip(LEFT, KEPT, strict=True)),
            ),
        ),
        load=Load("Reload", 400, seconds=6.5, least_s=6.5, rate=100, warm_up=1.0, options={"reload_s": 60}),
    ),
    Experiment(
        name="published",
        title="A published comparison: “3X faster”",
        claim="FastAPI is faster than Flask.",
        source=PUBLISHED,
        method="The settings of the comparison: Flask on 4 workers of 32 threads, FastAPI on 4 workers of uvicorn, one "
        "CPU. CPU time of the service per GET /json, from one client and from 64; three times as fast would be a third "
        "of it; from one client a row is idle most of the time, and what its idle workers use counts. FastAPI is "
        "there twice: with the parser and the loop that a plain `pip install uvicorn` brings, as in "
        "the comparison (h11, asyncio), and with those of `uvicorn[standard]`.",
        held_equal="the same bytes (the comparison's were not), versions of today",
        not_so_if="FastAPI needs as much CPU per request, or more",
        arms=rows("flask-4x32", "fastapi-4-h11", "fastapi-4"),
        contrasts=(
            Contrast("fastapi-4-h11", "flask-4x32", "cpu_us"),
            Contrast("fastapi-4", "flask-4x32", "cpu_us"),
            Contrast("fastapi-4", "fastapi-4-h11", "cpu_us", decides=False),
            Contrast("fastapi-4-h11", "flask-4x32", "p50_ms", decides=False),
            Contrast("fastapi-4", "flask-4x32", "p50_ms", decides=False),
        ),
        sentences=(
            # uvicorn makes the socket that several workers share without naming a protocol, and asyncio turns Nagle's
            # algorithm off on TCP that is named only. uvloop always does, and with one worker asyncio makes the socket.
            sentence(
                "With uvicorn's parser and loop in C FastAPI needed less CPU per request than Flask, from one client "
                "and from 64. As the comparison had installed it, it took longer than Flask to answer a single client.",
                better("fastapi-4", "flask-4x32"),
                worse("fastapi-4-h11", "flask-4x32", at=("1",), figure="p50_ms"),
                because=because("How long", measured("p50_ms", "flask-4x32", "fastapi-4-h11", "fastapi-4", at=("1",))),
                guess="On asyncio several workers of uvicorn leave Nagle's algorithm on, so an answer waits until its "
                "client has acknowledged the first half, which takes 40 ms on Linux.",
            ),
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
