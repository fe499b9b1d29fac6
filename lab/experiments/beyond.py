"""Claims beyond the article: long-lived connections, HTTP/1.1, and where the difference comes from."""

from lab.experiments.model import (
    ASGI_INTRODUCTION,
    FASTAPI_BENCHMARKS,
    HTTP2_RFC,
    OURS,
    Arm,
    Contrast,
    Experiment,
    Load,
    rows,
)
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import alike, better, not_better, sentence, worse

FURTHER_CLAIMS = (
    Experiment(
        name="http1",
        title="The same page over HTTP/1.1",
        claim="HTTP/2 is what makes the page fast.",
        source=HTTP2_RFC,
        method="The page of 100 assets from FastAPI: over one HTTP/2 connection, and over the six HTTP/1.1 connections "
        "that a browser would open.",
        held_equal="the same row, the same nginx, TLS",
        refuted_if="HTTP/1.1 is as fast",
        arms=(Arm("fastapi", "HTTP/2"), Arm("fastapi", "HTTP/1.1", {"scenario": "PageHttp1", "protocol": "HTTP/1.1"})),
        contrasts=(Contrast("HTTP/2", "HTTP/1.1", "p50_ms"),),
        sentences=(
            sentence(
                "The page came faster over one HTTP/2 connection than over six of HTTP/1.1.",
                better("HTTP/2", "HTTP/1.1"),
            ),
            sentence(
                "The page came no faster over one HTTP/2 connection than over six of HTTP/1.1.",
                not_better("HTTP/2", "HTTP/1.1"),
            ),
        ),
        load=Load("PageHttp2", 1, options={"path": "gateway", "asset_ms": 60}, protocol="HTTP/2"),
    ),
    Experiment(
        name="streams",
        title="Streams that stay open",
        claim="ASGI is better for long-lived connections.",
        source=ASGI_INTRODUCTION,
        method="Clients follow event streams of two seconds; a neighbour asks for GET /json 50 times a second. Its p95 "
        "is what is compared (the victim probe).",
        held_equal="the same streams, one worker each",
        refuted_if="Flask's neighbours suffer no more",
        arms=rows("flask", "flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask", "probe_p95_ms"),
            Contrast("fastapi", "flask-gevent", "probe_p95_ms"),
        ),
        sentences=(
            sentence(
                "With as many streams as threads, or more, FastAPI's neighbour waited less than Flask's. With four "
                "streams on 8 threads, or on greenlets, it made no difference.",
                alike("fastapi", "flask", at=("4",)),
                better("fastapi", "flask", at=("8", "16")),
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "With 8 streams FastAPI's neighbour waited less than that of Flask on 8 threads. Against Flask on "
                "greenlets it made no difference.",
                better("fastapi", "flask", at=("8",)),
                alike("fastapi", "flask-gevent", at=("8",)),
            ),
            sentence(
                "FastAPI's neighbour waited less than Flask's, on threads and on greenlets.",
                better("fastapi", "flask", "flask-gevent"),
            ),
        ),
        load=Load(
            "EventStream", seconds=2.0, least_s=1.5, probe_rate=50, warm_up=1.0, options={"events": 11, "gap_ms": 200}
        ),
        varied="streams",
        levels={str(count): {"users": count} for count in (4, 8, 16)},
        quick=("8",),
    ),
    Experiment(
        name="where-from",
        title="Where the difference comes from",
        claim="The difference between Flask on gunicorn and FastAPI on uvicorn is that between WSGI and ASGI.",
        source=FASTAPI_BENCHMARKS,
        method="CPU time of the service per GET /json, 16 clients: from one to the other by one change at a time. The "
        "interface is one of five.",
        held_equal="every step changes one thing only",
        refuted_if="other steps are larger than that of the interface, or it goes the other way",
        arms=rows("flask", "wsgi", "wsgi-granian", "asgi-granian", "asgi", "fastapi"),
        contrasts=(
            Contrast("wsgi", "flask", "cpu_us", decides=False),
            Contrast("wsgi-granian", "wsgi", "cpu_us", decides=False),
            Contrast("asgi-granian", "wsgi-granian", "cpu_us"),
            Contrast("asgi", "asgi-granian", "cpu_us", decides=False),
            Contrast("fastapi", "asgi", "cpu_us", decides=False),
        ),
        sentences=(
            sentence(
                "On one and the same server (granian) bare ASGI needed more CPU per request than bare WSGI. "
                "Granian in gunicorn's place saved CPU, and so did leaving Flask out.",
                worse("asgi-granian", "wsgi-granian"),
                better("wsgi-granian", "wsgi", figure="cpu_us"),
                better("wsgi", "flask", figure="cpu_us"),
            ),
            sentence(
                "On one and the same server (granian) bare ASGI needed more CPU per request than bare WSGI.",
                worse("asgi-granian", "wsgi-granian"),
            ),
            sentence(
                "On one and the same server (granian) bare ASGI needed less CPU per request than bare WSGI.",
                better("asgi-granian", "wsgi-granian"),
            ),
            sentence(
                "On one and the same server (granian) bare ASGI needed as much CPU per request as bare WSGI.",
                alike("asgi-granian", "wsgi-granian"),
            ),
        ),
        waterfall=(
            "without Flask",
            "granian, not gunicorn",
            "ASGI, an event loop, not WSGI, threads",
            "uvicorn, not granian",
            "with FastAPI",
        ),
    ),
    Experiment(
        name="gateway-hop",
        title="What nginx costs",
        claim="A reverse proxy in front costs next to nothing.",
        source=OURS,
        method="CPU time per GET /json of the service and nginx together, 16 clients: straight, and through nginx "
        "without TLS.",
        held_equal="the same row, the same clients",
        refuted_if="both together need more CPU per request than the service alone",
        arms=(
            Arm("flask", "flask direct"),
            Arm("flask", "flask behind nginx", {"path": "plain"}),
            Arm("fastapi", "fastapi direct"),
            Arm("fastapi", "fastapi behind nginx", {"path": "plain"}),
        ),
        contrasts=tuple(
            Contrast(f"{row} behind nginx", f"{row} direct", "whole_cpu_us", Outcome.NO_DIFFERENCE)
            for row in ("flask", "fastapi")
        ),
        sentences=(
            sentence(
                "The hop through nginx cost CPU, for Flask and for FastAPI.",
                *(worse(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
            ),
            sentence(
                "The hop through nginx made no difference that matters, for Flask or for FastAPI.",
                *(alike(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
            ),
        ),
    ),
)
