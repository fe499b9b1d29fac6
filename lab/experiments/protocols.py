"""The claims of the article that the lab began with, on WebSocket and HTTP/2."""

from lab.experiments.model import ARTICLE, Contrast, Experiment, Load, rows
from lab.experiments.sentences import alike, better, sentence, worse

PROTOCOL_CLAIMS = (
    Experiment(
        name="websocket",
        title="Open WebSockets",
        claim="ASGI supports WebSocket; WSGI does not.",
        source=ARTICLE,
        method="Clients open WebSockets and keep them; on threads, each keeps one. How many does a row hold, with how "
        "much memory, and what does a neighbour's GET /json suffer meanwhile?",
        held_equal="the same clients; a second to open",
        refuted_if="a WSGI row holds as many",
        arms=rows("flask", "flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask", "held"),
            Contrast("fastapi", "flask-gevent", "held"),
            Contrast("fastapi", "flask-gevent", "memory_mib", decides=False),
            Contrast("fastapi", "flask", "probe_p95_ms", decides=False),
        ),
        sentences=(
            sentence(
                "FastAPI held more WebSockets than Flask on 8 threads, and its neighbour waited less. On greenlets "
                "Flask held as many.",
                better("fastapi", "flask"),
                better("fastapi", "flask", figure="probe_p95_ms"),
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "FastAPI held more WebSockets than Flask on 8 threads. On greenlets Flask held as many.",
                better("fastapi", "flask"),
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "FastAPI held more WebSockets than Flask, on 8 threads and on greenlets.",
                better("fastapi", "flask", "flask-gevent"),
            ),
        ),
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
            Contrast("fastapi", "flask-gevent", "memory_mib", decides=False),
            Contrast("fastapi", "flask-gevent", "probe_p95_ms", decides=False),
        ),
        sentences=(
            sentence(
                "Of ten thousand WebSockets Flask on greenlets held as many as FastAPI.",
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "Of ten thousand WebSockets FastAPI held more than Flask on greenlets.",
                better("fastapi", "flask-gevent"),
            ),
            sentence(
                "Of ten thousand WebSockets FastAPI held fewer than Flask on greenlets.",
                worse("fastapi", "flask-gevent"),
            ),
        ),
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
        sentences=(
            sentence(
                "From FastAPI the page came faster than from Flask on threads, also where nginx speaks HTTP/2 with "
                "Flask. From Flask on greenlets it came as fast.",
                better("fastapi", "flask", "flask-http2"),
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "From FastAPI the page came faster than from Flask, on threads (also where nginx speaks HTTP/2 with "
                "it) and on greenlets.",
                better("fastapi", "flask", "flask-http2", "flask-gevent"),
            ),
        ),
        load=Load("PageHttp2", 1, options={"path": "gateway", "asset_ms": 60}, protocol="HTTP/2"),
    ),
)
