"""What people argue about: event loops, validation, middleware, reloads, and a comparison that was published."""

from dataclasses import replace

from lab.experiments.model import (
    FASTAPI_BENCHMARKS,
    Arm,
    Contrast,
    Experiment,
    Load,
    Source,
    rows,
)
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import Need, Sentence, alike, because, better, measured, not_better, sentence, worse

UVLOOP = Source("README", "uvloop", reference="https://github.com/MagicStack/uvloop")
MIDDLEWARE_ISSUE = Source(
    "“the middleware is so slow”",
    "fastapi/fastapi, issue 2696",
    reference="https://github.com/fastapi/fastapi/issues/2696",
    otherwise=True,
)
SIGNALS = Source("“Signal Handling”", "gunicorn documentation", reference="https://gunicorn.org/signals")
PUBLISHED = Source(
    "“FastAPI vs Flask performance comparison”",
    "ashishb.net",
    reference="https://ashishb.net/programming/flask-vs-fastapi",
)
SHORT = Load(seconds=0.5, least_s=0.3)  # thousands of requests: the CPU time of each needs no more
ECHO = Load("Echo", seconds=0.5, least_s=0.3)
LEFT, KEPT = ("reloaded flask", "reloaded fastapi"), ("flask", "fastapi")
UVICORNS = ("asgi", "asgi-asyncio", "asgi-h11", "asgi-h11-asyncio")
VALIDATED = tuple(f"{one}-{how}" for one in ("starlette", "fastapi", "flask") for how in ("plain", "validated"))
ON_UVICORN = ("fastapi", "fastapi-asyncio", "fastapi-h11")
COMPARED = ("flask-4x32", "fastapi-4x32")  # as the comparison has them
FASTAPI_OVER_FLASK = COMPARED[::-1]
# What became of "3X", by all of the interval.
TIMES = (
    (
        "more requests than Flask, but not three times the number, from one client and from 64",
        better(*FASTAPI_OVER_FLASK, at=("1", "64"), figure="throughput", most=3),
    ),
    (
        "more requests than Flask from 64 clients, but not three times the number, and no more from one",
        better(*FASTAPI_OVER_FLASK, at=("64",), figure="throughput", most=3),
        not_better(*FASTAPI_OVER_FLASK, at=("1",), figure="throughput"),
    ),
    (
        "more than three times the requests of Flask from one client",
        better(*FASTAPI_OVER_FLASK, at=("1",), figure="throughput", least=3),
    ),
    (
        "no more requests than Flask, from one client or from 64",
        not_better(*FASTAPI_OVER_FLASK, at=("1", "64"), figure="throughput"),
    ),
)
FROM_64 = (
    "more requests than Flask from 64 clients, but not three times the number",
    better(*FASTAPI_OVER_FLASK, at=("64",), figure="throughput", most=3),
)


def as_compared(said: str, *needs: Need, nagle: bool) -> Sentence:
    """`nagle`: and how long a single client waits for several workers that uvicorn starts itself."""
    # uvicorn makes the socket that they share without naming a protocol, and asyncio turns Nagle's algorithm off on TCP
    # that is named only. gunicorn turns it off on its own socket, and uvloop always does.
    more = " On them, with the comparison's parser and loop, it took longer to answer a single client."
    why = (
        "On asyncio several workers of uvicorn leave Nagle's algorithm on, so an answer waits until its client has "
        "acknowledged the first half, which takes 40 ms on Linux."
    )
    return sentence(
        f"As the comparison had set them up, FastAPI served {said}. On uvicorn's own workers, with parser and loop in "
        f"C, it needed less CPU per request than in that set-up.{more if nagle else ''}",
        *needs,
        better("fastapi-4", "fastapi-4x32", figure="cpu_us"),
        *([worse("fastapi-4-h11", "fastapi-4x32", at=("1",), figure="p50_ms")] if nagle else []),
        because=because("How many a second", measured("throughput", *COMPARED)),
        guess=why if nagle else "",
    )


ARGUMENTS = (
    Experiment(
        name="uvloop",
        title="uvloop or asyncio, and which parser",
        claim="uvloop makes uvicorn faster.",
        source=UVLOOP,
        method="CPU time on uvicorn per GET /json, 16 clients: a bare ASGI application on either event loop with "
        "either HTTP parser, and FastAPI.",
        held_equal="the same application on the same server; the loop is exchanged, or the parser",
        not_so_if="with either parser, or with FastAPI, it needs as much CPU on asyncio's own loop",
        arms=rows(*UVICORNS, *ON_UVICORN),
        contrasts=(
            Contrast("asgi", "asgi-asyncio", "cpu_us"),
            Contrast("asgi-h11", "asgi-h11-asyncio", "cpu_us"),
            Contrast("fastapi", "fastapi-asyncio", "cpu_us"),
            Contrast("fastapi", "fastapi-h11", "cpu_us", decides=False),
            Contrast("asgi", "asgi-h11", "cpu_us", decides=False),
            Contrast("asgi-asyncio", "asgi-h11-asyncio", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "On uvloop uvicorn needed less CPU per request, with either parser, and with FastAPI, too. So it did "
                "with the parser in C (httptools) in place of the one in Python (h11).",
                better("asgi", "asgi-asyncio"),
                better("asgi-h11", "asgi-h11-asyncio"),
                better("fastapi", "fastapi-asyncio"),
                better("fastapi", "fastapi-h11", figure="cpu_us"),
                better("asgi", "asgi-h11", figure="cpu_us"),
                better("asgi-asyncio", "asgi-h11-asyncio", figure="cpu_us"),
                because=because("What each was worth", measured("cpu_us", *UVICORNS, *ON_UVICORN)),
            ),
            sentence(
                "On uvloop uvicorn needed less CPU per request, with either parser, and with FastAPI, too.",
                better("asgi", "asgi-asyncio"),
                better("asgi-h11", "asgi-h11-asyncio"),
                better("fastapi", "fastapi-asyncio"),
            ),
            sentence(
                "On uvloop uvicorn needed less CPU per request of a bare application, with either parser.",
                better("asgi", "asgi-asyncio"),
                better("asgi-h11", "asgi-h11-asyncio"),
            ),
            sentence(
                "On uvloop uvicorn needed no less CPU per request of a bare application, with either parser.",
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
        "model of Pydantic, which FastAPI asks for the answer, too, unless it is told to have no response model; on "
        "Starlette, FastAPI and Flask.",
        held_equal="the same body, model and bytes of the answer; ASGI on uvicorn, Flask on gunicorn",
        not_so_if="one of the two that validate needs less CPU per request",
        arms=rows(*VALIDATED, "fastapi-no-response-model"),
        contrasts=(
            Contrast("starlette-validated", "fastapi-validated", "cpu_us", Outcome.NO_DIFFERENCE),
            Contrast("starlette-plain", "fastapi-plain", "cpu_us", decides=False),
            Contrast("fastapi-plain", "fastapi-validated", "cpu_us", decides=False),
            Contrast("fastapi-no-response-model", "fastapi-validated", "cpu_us", decides=False),
            Contrast("starlette-plain", "starlette-validated", "cpu_us", decides=False),
            Contrast("flask-plain", "flask-validated", "cpu_us", decides=False),
            Contrast("fastapi-validated", "flask-validated", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "Validated by hand on Starlette, a body cost less CPU than as FastAPI validates it; without validation "
                "FastAPI cost more than Starlette, too. Validated by hand on Flask it cost more than as "
                "FastAPI validates it.",
                better("starlette-validated", "fastapi-validated"),
                better("starlette-plain", "fastapi-plain", figure="cpu_us"),
                better("fastapi-validated", "flask-validated", figure="cpu_us"),
                because=because("Model and framework apart", measured("cpu_us", *VALIDATED)),
            ),
            sentence(
                "Validated by hand on Starlette, a body cost less CPU than as FastAPI validates it. Without validation "
                "FastAPI cost more than Starlette, too.",
                better("starlette-validated", "fastapi-validated"),
                better("starlette-plain", "fastapi-plain", figure="cpu_us"),
                because=because("Model and framework apart", measured("cpu_us", *VALIDATED)),
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
        source=MIDDLEWARE_ISSUE,
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
        source=SIGNALS,
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
        method="Its settings: Flask on gunicorn with 4 workers of 32 threads, FastAPI on gunicorn with 4 of uvicorn's "
        "workers, from a plain `pip install uvicorn` (h11, asyncio), one CPU. GET /json from one client, whose "
        "requests a second were what it compared, and from 64: throughput and CPU per request. Beside it uvicorn with "
        "4 workers of its own, with the same parser and loop, and with those of `uvicorn[standard]`.",
        held_equal="the same bytes (the comparison's were not); versions of today, and without its limit of 100 MB of "
        "memory",
        not_so_if="FastAPI serves no more, or not with less CPU",
        arms=rows(*COMPARED, "fastapi-4-h11", "fastapi-4"),
        contrasts=(
            Contrast(*FASTAPI_OVER_FLASK, "throughput"),
            Contrast(*FASTAPI_OVER_FLASK, "cpu_us"),
            *(Contrast("fastapi-4", row, "cpu_us", decides=False) for row in COMPARED),
            Contrast("fastapi-4", "fastapi-4x32", "throughput", decides=False),
            Contrast("fastapi-4-h11", "fastapi-4x32", "p50_ms", decides=False),
        ),
        sentences=(
            *(as_compared(*said, nagle=nagle) for nagle in (True, False) for said in TIMES),
            as_compared(*FROM_64, nagle=False),
        ),
        load=SHORT,
        varied="clients",
        varied_one="client",
        levels={str(count): {"users": count} for count in (1, 64)},
        quick=("64",),
    ),
)
