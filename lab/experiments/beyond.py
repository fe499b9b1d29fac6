"""Claims beyond the article: long-lived connections, HTTP/1.1, and where the difference comes from."""

from lab.experiments.model import LORE, Arm, Contrast, Experiment, Load, rows
from lab.experiments.outcomes import Outcome, Verdict

FURTHER_CLAIMS = (
    Experiment(
        name="http1",
        title="The same page over HTTP/1.1",
        claim="HTTP/2 is what makes the page fast.",
        source=LORE,
        method="The page of 100 assets from FastAPI: over one HTTP/2 connection, and over the six HTTP/1.1 connections "
        "that a browser would open.",
        held_equal="the same row, the same nginx, TLS",
        refuted_if="HTTP/1.1 is as fast",
        arms=(Arm("fastapi", "HTTP/2"), Arm("fastapi", "HTTP/1.1", {"scenario": "PageHttp1", "protocol": "HTTP/1.1"})),
        contrasts=(Contrast("HTTP/2", "HTTP/1.1", "p50_ms"),),
        sentences={
            Verdict.SUPPORTED: "Where the service can wait for all assets at once, one HTTP/2 connection beats six of "
            "HTTP/1.1.",
        },
        load=Load("PageHttp2", 1, options={"path": "gateway", "asset_ms": 60}, protocol="HTTP/2"),
    ),
    Experiment(
        name="streams",
        title="Streams that stay open",
        claim="ASGI is better for long-lived connections.",
        source=LORE,
        method="Clients follow event streams of two seconds; a neighbour asks for GET /json 50 times a second. Its p95 "
        "is what is compared (the victim probe).",
        held_equal="the same streams, one worker each",
        refuted_if="Flask's neighbours suffer no more",
        arms=rows("flask", "flask-gevent", "fastapi"),
        contrasts=(
            Contrast("fastapi", "flask", "probe_p95_ms"),
            Contrast("fastapi", "flask-gevent", "probe_p95_ms"),
        ),
        sentences={
            Verdict.DEPENDS: "A stream keeps a thread: with as many streams as threads Flask answers nobody else. "
            "Below that, or on greenlets, the neighbour fares much alike.",
            Verdict.SUPPORTED: "FastAPI's neighbours waited less at every level, against threads and greenlets.",
        },
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
        source=LORE,
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
        sentences={
            Verdict.REFUTED: "On one and the same server, bare ASGI needs more CPU per request than bare WSGI: the "
            "difference comes from the server and the framework.",
            Verdict.SUPPORTED: "On one and the same server, bare ASGI needs less CPU per request than bare WSGI.",
            Verdict.NO_DIFFERENCE: "On one and the same server, the bare interfaces cost the same.",
        },
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
        source=LORE,
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
        sentences={Verdict.REFUTED: "The hop through nginx costs CPU that can be measured, for either row."},
    ),
)
