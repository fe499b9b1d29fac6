"""The claims of the article that the lab began with, on how requests are served; protocols.py has the others."""

from lab.experiments.model import ARTICLE, Arm, Contrast, Experiment, Load, rows
from lab.experiments.outcomes import Outcome, Rule
from lab.experiments.sentences import alike, better, not_better, sentence, worse

KEPT_UP_TO = f"no more than {Load.most_rate:,} a second were asked for"
ARTICLE_CLAIMS = (
    Experiment(
        name="one-at-a-time",
        title="One request at a time?",
        claim="WSGI handles one request at a time.",
        source=ARTICLE,
        method="Eight clients ask for a wait of 20 ms. A server that handles one request at a time serves 50 a second.",
        held_equal="the same Flask on the same gunicorn; only the worker class differs",
        refuted_if="Flask on threads or greenlets serves more than Flask on the sync worker, which does handle one "
        "request at a time",
        arms=(Arm("flask-sync", reconnects=True), *rows("flask", "flask-gevent")),
        contrasts=(
            Contrast("flask", "flask-sync", "throughput", Outcome.NO_DIFFERENCE),
            Contrast("flask-gevent", "flask-sync", "throughput", Outcome.NO_DIFFERENCE),
        ),
        sentences=(
            sentence(
                "On threads, and on greenlets, Flask served more than on the sync worker. So WSGI does not limit a "
                "server to one request at a time: the worker class does.",
                better("flask", "flask-sync"),
                better("flask-gevent", "flask-sync"),
            ),
            sentence(
                "On threads and on greenlets Flask served no more than on the sync worker, which handles one request "
                "at a time.",
                alike("flask", "flask-sync"),
                alike("flask-gevent", "flask-sync"),
            ),
        ),
        load=Load("Wait", 8, options={"wait_ms": 20}),
    ),
    Experiment(
        name="concurrent",
        title="Many clients that wait",
        claim="ASGI handles concurrent connections more efficiently.",
        source=ARTICLE,
        method="Throughput of a 50 ms wait against the number of clients, for an event loop, thread pools and "
        "greenlets. Memory and threads stand in the table.",
        held_equal="one worker each, the same clients",
        refuted_if="Flask on as many threads as there are clients, or on greenlets, serves as much",
        arms=rows("flask", "flask-40", "flask-200", "flask-gevent", "fastapi"),
        contrasts=(
            *(Contrast("fastapi", row, "throughput") for row in ("flask", "flask-40", "flask-200", "flask-gevent")),
            *(Contrast("fastapi", row, "memory_mib", decides=False) for row in ("flask", "flask-200")),
        ),
        sentences=(
            sentence(
                "With more clients than threads FastAPI served more. With enough threads, or with greenlets, Flask "
                "kept up: the concurrency model decides, not the interface.",
                alike("fastapi", "flask", at=("4", "8")),
                better("fastapi", "flask", at=("16", "64")),
                alike("fastapi", "flask-40", at=("4", "8", "16")),
                better("fastapi", "flask-40", at=("64",)),
                alike("fastapi", "flask-200", "flask-gevent"),
            ),
            sentence(
                "With 64 clients FastAPI served more than Flask on 8 or on 40 threads. On 200 threads, or on "
                "greenlets, Flask kept up: the concurrency model decides, not the interface.",
                better("fastapi", "flask", "flask-40", at=("64",)),
                alike("fastapi", "flask-200", "flask-gevent", at=("64",)),
            ),
            sentence(
                "With 16 clients FastAPI served more than Flask on 8 threads. On 40 threads, or on greenlets, Flask "
                "kept up: the concurrency model decides, not the interface.",
                better("fastapi", "flask", at=("16",)),
                alike("fastapi", "flask-40", "flask-gevent", at=("16",)),
            ),
            sentence(
                "With 64 clients FastAPI served more than Flask on 8 threads. On greenlets Flask kept up: the "
                "concurrency model decides, not the interface.",
                better("fastapi", "flask", at=("64",)),
                alike("fastapi", "flask-gevent", at=("64",)),
            ),
            sentence(
                "With 16 clients FastAPI served more than Flask on 8 threads. On 40 threads Flask kept up.",
                better("fastapi", "flask", at=("16",)),
                alike("fastapi", "flask-40", at=("16",)),
            ),
            sentence(
                "With 16 clients FastAPI served more than Flask on 8 threads. On greenlets Flask kept up: the "
                "concurrency model decides, not the interface.",
                better("fastapi", "flask", at=("16",)),
                alike("fastapi", "flask-gevent", at=("16",)),
            ),
            sentence(
                "FastAPI served more than Flask, on 8, 40 and 200 threads and on greenlets.",
                better("fastapi", "flask", "flask-40", "flask-200", "flask-gevent"),
            ),
        ),
        load=Load("Wait", options={"wait_ms": 50}),
        varied="clients",
        levels={str(count): {"users": count} for count in (4, 8, 16, 64)},
        quick=("64",),
        thread_ceiling=8,
    ),
    Experiment(
        name="basic-cost",
        title="The basic request: what it costs",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        rule=Rule.ONE_CASE,
        method="CPU time of the service per GET /json, 16 clients in closed loop: on the usual servers, on one and the "
        "same server (granian), and without a framework.",
        held_equal="the same bytes, the same number of connections",
        refuted_if="the WSGI side needs as much CPU per request, or more",
        arms=rows("flask", "fastapi", "flask-granian", "fastapi-granian", "wsgi-granian", "asgi-granian"),
        contrasts=(
            Contrast("flask", "fastapi", "cpu_us"),
            Contrast("flask-granian", "fastapi-granian", "cpu_us"),
            Contrast("wsgi-granian", "asgi-granian", "cpu_us"),
        ),
        sentences=(
            sentence(
                "On their usual servers Flask needed more CPU per request than FastAPI. On one and the same server "
                "(granian) bare WSGI needed less than bare ASGI.",
                worse("flask", "fastapi"),
                better("wsgi-granian", "asgi-granian"),
            ),
            sentence(
                "WSGI needed less CPU per request: on the usual servers, on granian, and there without a framework.",
                better("flask", "fastapi"),
                better("flask-granian", "fastapi-granian"),
                better("wsgi-granian", "asgi-granian"),
            ),
            sentence(
                "WSGI needed no less CPU per request: not on the usual servers, not on granian, and not there without "
                "a framework.",
                not_better("flask", "fastapi"),
                not_better("flask-granian", "fastapi-granian"),
                not_better("wsgi-granian", "asgi-granian"),
            ),
        ),
    ),
    Experiment(
        name="basic-latency",
        title="The basic request: how long it takes",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        rule=Rule.ONE_CASE,
        method="The median response time of GET /json for a single client, on the usual servers and on one and the "
        "same server. The client's own time is in every figure, so true ratios are further from 1.",
        held_equal="the same bytes, one connection",
        refuted_if="the WSGI side answers as late, or later",
        arms=rows("flask", "fastapi", "flask-granian", "fastapi-granian"),
        contrasts=(
            Contrast("flask", "fastapi", "p50_ms"),
            Contrast("flask-granian", "fastapi-granian", "p50_ms"),
        ),
        sentences=(
            sentence(
                "For a single client Flask was slower than FastAPI on their usual servers, and faster on one and the "
                "same server (granian).",
                worse("flask", "fastapi"),
                better("flask-granian", "fastapi-granian"),
            ),
            sentence(
                "For a single client Flask was faster than FastAPI, on the usual servers and on granian.",
                better("flask", "fastapi"),
                better("flask-granian", "fastapi-granian"),
            ),
            sentence(
                "For a single client Flask was no faster than FastAPI, on the usual servers or on granian.",
                not_better("flask", "fastapi"),
                not_better("flask-granian", "fastapi-granian"),
            ),
        ),
        load=Load("Json", 1),
    ),
    Experiment(
        name="high-load",
        title="How much load is too much",
        claim="ASGI performs better under high load.",
        source=ARTICLE,
        method="The highest rate of independent arrivals (open loop, Poisson) of a 50 ms wait that keeps p99 within "
        "250 ms, by bisection to 6 %, anew in every round and from another start, so that the steps average out. "
        f"No more than {Load.most_rate:,} a second are asked for, which one generator can be trusted with.",
        held_equal="the same requests, one worker each, latency from the intended start",
        refuted_if="Flask keeps the limit up to the same rate, or a higher one",
        arms=rows("flask", "flask-200", "flask-gevent", "fastapi"),
        contrasts=tuple(Contrast("fastapi", row, "capacity") for row in ("flask", "flask-200", "flask-gevent")),
        sentences=(
            sentence(
                "FastAPI kept the limit up to a higher rate than Flask on 8 threads. On 200 threads, or on greenlets, "
                f"Flask kept up ({KEPT_UP_TO}): the concurrency model decides, not the interface.",
                better("fastapi", "flask"),
                alike("fastapi", "flask-200", "flask-gevent"),
            ),
            sentence(
                "FastAPI kept the limit up to a higher rate than Flask, on 8 and 200 threads and on greenlets.",
                better("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
            sentence(
                f"FastAPI and Flask kept the limit up to the same rate ({KEPT_UP_TO}), on 8 and 200 threads and on "
                "greenlets.",
                alike("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
            sentence(
                "FastAPI kept the limit up to no higher rate than Flask, on 8 or 200 threads or on greenlets.",
                not_better("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
        ),
        load=Load("Wait", 400, seconds=2.0, least_s=1.5, rate=100, limit_p99_ms=250, options={"wait_ms": 50}),
    ),
    Experiment(
        name="cpu-bound",
        title="Work for the CPU",
        claim="WSGI serves CPU-bound work faster than ASGI.",
        source=ARTICLE,
        method="Four clients ask for 10,000 rounds of pure Python: throughput, on the usual servers and on one and the "
        "same server (granian).",
        held_equal="the same work, one worker each; FastAPI runs it in its thread pool (`def`), as its guide says",
        refuted_if="FastAPI serves as much",
        arms=rows("flask", "fastapi", "flask-granian", "fastapi-granian"),
        contrasts=(
            Contrast("flask", "fastapi", "throughput"),
            Contrast("flask-granian", "fastapi-granian", "throughput"),
            Contrast("flask", "fastapi", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "Flask and FastAPI did as much of the work in the same time, on the usual servers and on granian.",
                alike("flask", "fastapi"),
                alike("flask-granian", "fastapi-granian"),
            ),
            sentence(
                "Flask did more of the work in the same time than FastAPI, on the usual servers and on granian.",
                better("flask", "fastapi"),
                better("flask-granian", "fastapi-granian"),
            ),
            sentence(
                "On one and the same server (granian) Flask did more of the work in the same time than FastAPI. On "
                "the usual servers it did not.",
                not_better("flask", "fastapi"),
                better("flask-granian", "fastapi-granian"),
            ),
            sentence(
                "Flask did no more of the work in the same time than FastAPI, on the usual servers or on granian.",
                not_better("flask", "fastapi"),
                not_better("flask-granian", "fastapi-granian"),
            ),
        ),
        load=Load("Cpu", 4),
    ),
    Experiment(
        name="cpu-neighbour",
        title="Work for the CPU: the neighbours",
        claim="Beside CPU-bound work, WSGI serves others faster than ASGI.",
        source=ARTICLE,
        method="Four clients ask for 10,000 rounds of pure Python; meanwhile a neighbour asks for GET /json 50 times a "
        "second. Its p95 is what is compared (the victim probe).",
        held_equal="the same work, one worker each; FastAPI runs it in its thread pool (`def`), as its guide says",
        refuted_if="FastAPI's neighbours suffer no more",
        arms=rows("flask", "fastapi"),
        contrasts=(Contrast("flask", "fastapi", "probe_p95_ms"),),
        sentences=(
            sentence("The neighbour waited as long for Flask as for FastAPI.", alike("flask", "fastapi")),
            sentence("Flask's neighbour waited less than FastAPI's.", better("flask", "fastapi")),
            sentence(
                "Flask's neighbour waited longer than FastAPI's.",
                worse("flask", "fastapi"),
                guess="More threads compete for the interpreter's lock there.",
            ),
        ),
        load=Load("Cpu", 4, seconds=3.0, least_s=2.0, probe_rate=50),
    ),
    Experiment(
        name="io-bound",
        title="Waiting for the database",
        claim="ASGI needs less CPU than WSGI for work that waits for I/O.",
        source=ARTICLE,
        method="CPU time of the service per GET /db against the number of queries in it, 16 clients: usual servers, "
        "one and the same server, and greenlets.",
        held_equal="psycopg 3 and a pool of 8 connections on every row",
        refuted_if="Flask needs as little CPU per request, or less",
        arms=rows("flask", "flask-gevent", "fastapi", "flask-granian", "fastapi-granian"),
        contrasts=(
            Contrast("fastapi", "flask", "cpu_us"),
            Contrast("fastapi", "flask-gevent", "cpu_us"),
            Contrast("fastapi-granian", "flask-granian", "cpu_us"),
            Contrast("fastapi", "flask", "throughput", decides=False),
        ),
        sentences=(
            sentence(
                "With one query FastAPI needed less CPU per request than Flask on their usual servers, with ten it did "
                "not. On one and the same server (granian) it needed more.",
                better("fastapi", "flask", at=("1",)),
                not_better("fastapi", "flask", at=("10",)),
                worse("fastapi-granian", "flask-granian"),
            ),
            sentence(
                "On their usual servers FastAPI needed less CPU per database request than Flask. On one and the same "
                "server (granian) it needed more.",
                better("fastapi", "flask"),
                worse("fastapi-granian", "flask-granian"),
            ),
            sentence(
                "FastAPI needed less CPU per database request than Flask: on the usual servers, on greenlets and on "
                "granian.",
                better("fastapi", "flask", "flask-gevent"),
                better("fastapi-granian", "flask-granian"),
            ),
            sentence(
                "FastAPI needed no less CPU per database request than Flask: not on the usual servers, not on "
                "greenlets, and not on granian.",
                not_better("fastapi", "flask", "flask-gevent"),
                not_better("fastapi-granian", "flask-granian"),
            ),
        ),
        load=Load("DbRead"),
        varied="queries per request",
        varied_one="query per request",
        levels={str(count): {"queries": count} for count in (1, 10)},
        quick=("1",),
    ),
)
