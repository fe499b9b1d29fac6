"""The claims of the article that the lab began with."""

from lab.experiments.model import ARTICLE, Arm, Contrast, Experiment, Load, rows
from lab.experiments.outcomes import Outcome, Verdict

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
        sentences={
            Verdict.REFUTED: "A WSGI thread handles one request at a time; a WSGI server handles as many as its "
            "worker has threads or greenlets.",
            Verdict.SUPPORTED: "Whatever the worker class, Flask handled one request at a time.",
        },
        load=Load("Wait", 8, options={"wait_ms": 20}),
    ),
    Experiment(
        name="concurrent",
        title="Many clients that wait",
        claim="ASGI handles concurrent connections more efficiently.",
        source=ARTICLE,
        method="Throughput of a 50 ms wait against the number of clients, for one event loop, for thread pools of 8, "
        "40 and 200, and for greenlets. Memory stands in the table.",
        held_equal="one worker each, the same clients",
        refuted_if="Flask on as many threads as there are clients, or on greenlets, serves as much",
        arms=rows("flask", "flask-40", "flask-200", "flask-gevent", "fastapi"),
        contrasts=(
            *(Contrast("fastapi", row, "throughput") for row in ("flask", "flask-40", "flask-200", "flask-gevent")),
            *(Contrast("fastapi", row, "rss_mib", decides=False) for row in ("flask", "flask-200")),
        ),
        sentences={
            Verdict.DEPENDS: "With more clients than threads FastAPI serves more, for a thread pool ends at threads ÷ "
            "wait; with threads enough, or greenlets, WSGI keeps up: the concurrency model decides, not the interface.",
            Verdict.SUPPORTED: "FastAPI served more at every level, against every kind of WSGI worker.",
        },
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
        sentences={
            Verdict.DEPENDS: "It depends on what stands around the interface: the server and the framework.",
            Verdict.REFUTED: "WSGI was nowhere cheaper per request.",
            Verdict.SUPPORTED: "WSGI was cheaper per request in every pair.",
        },
    ),
    Experiment(
        name="basic-latency",
        title="The basic request: how long it takes",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        method="The median response time of GET /json for a single client, on the usual servers and on one and the "
        "same server. The client's own time is in every figure, so true ratios are further from 1.",
        held_equal="the same bytes, one connection",
        refuted_if="the WSGI side answers as late, or later",
        arms=rows("flask", "fastapi", "flask-granian", "fastapi-granian"),
        contrasts=(
            Contrast("flask", "fastapi", "p50_ms"),
            Contrast("flask-granian", "fastapi-granian", "p50_ms"),
        ),
        sentences={
            Verdict.DEPENDS: "It depends on the server, for a single client, too.",
            Verdict.REFUTED: "For a single client WSGI was nowhere faster.",
            Verdict.SUPPORTED: "For a single client WSGI was faster on either server.",
        },
        load=Load("Json", 1),
    ),
    Experiment(
        name="high-load",
        title="How much load is too much",
        claim="ASGI performs better under high load.",
        source=ARTICLE,
        method="The highest rate of independent arrivals (open loop, Poisson) of a 50 ms wait that keeps p99 within "
        f"250 ms, by bisection to 12 %, anew in every round; no more than {Load.most_rate:,} a second are asked for, "
        "which one generator can be trusted with.",
        held_equal="the same requests, one worker each, latency from the intended start",
        refuted_if="Flask keeps the limit up to the same rate, or a higher one",
        arms=rows("flask", "flask-200", "flask-gevent", "fastapi"),
        contrasts=tuple(Contrast("fastapi", row, "capacity") for row in ("flask", "flask-200", "flask-gevent")),
        sentences={
            Verdict.DEPENDS: "Flask on 8 threads falls behind before threads ÷ wait; with threads enough, or on "
            "greenlets, it keeps its response times up to the same rate as FastAPI: the concurrency model decides, not "
            "the interface.",
            Verdict.SUPPORTED: "FastAPI kept its response times up to a higher rate than Flask, however that waits.",
            Verdict.NO_DIFFERENCE: "Both kept their response times up to the same rate.",
            Verdict.REFUTED: "FastAPI did not keep its response times up to a higher rate.",
        },
        load=Load("Wait", 400, seconds=2.0, least_s=1.5, rate=100, limit_p99_ms=250, options={"wait_ms": 50}),
    ),
    Experiment(
        name="cpu-bound",
        title="Work for the CPU",
        claim="WSGI for CPU-bound work.",
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
        sentences={
            Verdict.DEPENDS: "It depends on the server.",
            Verdict.NO_DIFFERENCE: "It makes no difference that matters: the interpreter's lock decides, not the "
            "interface.",
            Verdict.SUPPORTED: "Flask did more of the work in the same time, on either server.",
            Verdict.REFUTED: "Flask was nowhere better at it.",
        },
        load=Load("Cpu", 4),
    ),
    Experiment(
        name="cpu-neighbour",
        title="Work for the CPU: the neighbours",
        claim="WSGI for CPU-bound work.",
        source=ARTICLE,
        method="Four clients ask for 10,000 rounds of pure Python; meanwhile a neighbour asks for GET /json 50 times a "
        "second. Its p95 is what is compared (the victim probe).",
        held_equal="the same work, one worker each; FastAPI runs it in its thread pool (`def`), as its guide says",
        refuted_if="FastAPI's neighbours suffer no more",
        arms=rows("flask", "fastapi"),
        contrasts=(Contrast("flask", "fastapi", "probe_p95_ms"),),
        sentences={
            Verdict.NO_DIFFERENCE: "The neighbours suffer alike.",
            Verdict.SUPPORTED: "Flask's neighbours suffered less than FastAPI's.",
            Verdict.REFUTED: "Flask's neighbours suffered more: they wait for the interpreter's lock in a queue of "
            "threads, FastAPI's for one event loop.",
        },
        load=Load("Cpu", 4, seconds=3.0, least_s=2.0, probe_rate=50),
    ),
    Experiment(
        name="io-bound",
        title="Waiting for the database",
        claim="ASGI for I/O-bound work.",
        source=ARTICLE,
        method="CPU time of the service per GET /db with 1 and 10 queries, 16 clients: usual servers, one and the same "
        "server, and greenlets.",
        held_equal="psycopg 3 and a pool of 8 connections on every row",
        refuted_if="Flask needs as little CPU per request, or less",
        arms=rows("flask", "flask-gevent", "fastapi", "flask-granian", "fastapi-granian"),
        contrasts=(
            Contrast("fastapi", "flask", "cpu_us"),
            Contrast("fastapi", "flask-gevent", "cpu_us"),
            Contrast("fastapi-granian", "flask-granian", "cpu_us"),
            Contrast("fastapi", "flask", "throughput", decides=False),
        ),
        sentences={
            Verdict.SUPPORTED: "FastAPI needed less CPU per database request in every pair.",
            Verdict.DEPENDS: "It depends on the server and on how many queries a request makes.",
            Verdict.REFUTED: "FastAPI was nowhere cheaper per database request.",
            Verdict.NO_DIFFERENCE: "It makes no difference that matters.",
        },
        load=Load("DbRead"),
        varied="queries per request",
        levels={str(count): {"queries": count} for count in (1, 10)},
        quick=("1",),
    ),
    Experiment(
        name="websocket",
        title="Open WebSockets",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="Clients open WebSockets and keep them. How many does a row hold, with how much memory, and what does a "
        "neighbour's GET /json suffer meanwhile?",
        held_equal="the same clients; a second to open",
        refuted_if="a WSGI row holds as many",
        arms=rows("flask", "flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask", "held"),
            Contrast("fastapi", "flask-gevent", "held"),
            Contrast("fastapi", "flask-gevent", "rss_mib", decides=False),
            Contrast("fastapi", "flask", "probe_p95_ms", decides=False),
        ),
        sentences={
            Verdict.DEPENDS: "On threads a WebSocket takes a thread: Flask holds as many as it has threads, then "
            "answers nobody. On greenlets Flask holds as many as FastAPI was asked to.",
            Verdict.SUPPORTED: "FastAPI held more WebSockets than either kind of WSGI worker.",
        },
        load=Load("WebSocketIdle", probe_rate=20, options={"open_s": 1, "heartbeat_s": 5}, protocol="WS"),
        varied="clients",
        levels={str(n): {"users": n, "warm_up": 1.5 + n / 500} for n in (10, 100, 1000)},
        quick=("100",),
    ),
    Experiment(
        name="websocket-many",
        title="Ten thousand WebSockets",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="10,000 clients open a WebSocket within 20 s and keep it, on greenlets and on an event loop. (A pool of "
        "8 threads holds 8, however many come.) How many does a row hold, and with how much memory?",
        held_equal="the same clients, one worker each",
        refuted_if="the WSGI row holds as many",
        arms=rows("flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask-gevent", "held"),
            Contrast("fastapi", "flask-gevent", "rss_mib", decides=False),
            Contrast("fastapi", "flask-gevent", "probe_p95_ms", decides=False),
        ),
        sentences={
            Verdict.NO_DIFFERENCE: "Flask on greenlets holds ten thousand WebSockets, as FastAPI does.",
            Verdict.SUPPORTED: "FastAPI held more of ten thousand WebSockets than Flask on greenlets.",
            Verdict.REFUTED: "FastAPI held fewer of ten thousand WebSockets than Flask on greenlets.",
        },
        load=Load(
            "WebSocketIdle",
            10_000,
            seconds=3.0,
            least_s=3.0,
            probe_rate=20,
            warm_up=20.0,
            options={"open_s": 40, "heartbeat_s": 60},
            protocol="WS",
        ),
    ),
    Experiment(
        name="http2",
        title="HTTP/2",
        claim="ASGI supports HTTP/2; WSGI does not.",
        source=ARTICLE,
        method="A page of 100 assets of 60 ms each over one HTTP/2 connection through nginx. nginx speaks HTTP/1.1 "
        "with both services, and HTTP/2 with one WSGI row.",
        held_equal="the browser's hop is nginx's and the same for all; TLS",
        refuted_if="a page from a WSGI row comes as fast over HTTP/2",
        arms=rows("flask", "flask-http2", "flask-gevent", "fastapi"),
        contrasts=tuple(Contrast("fastapi", row, "p50_ms") for row in ("flask", "flask-http2", "flask-gevent")),
        sentences={
            Verdict.DEPENDS: "nginx speaks HTTP/2 for both, and to a WSGI server, too. Whether the page profits is "
            "decided by how many requests the service can wait for at once, not by the interface.",
            Verdict.SUPPORTED: "The page came faster from FastAPI than from every WSGI row.",
        },
        load=Load("PageHttp2", 1, options={"path": "gateway", "asset_ms": 60}, protocol="HTTP/2"),
    ),
)
