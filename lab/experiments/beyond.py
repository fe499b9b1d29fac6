"""Claims beyond the article: pages, long-lived connections, the gateway, and where the difference comes from."""

from lab.experiments.model import (
    ASGI_INTRODUCTION,
    FASTAPI_BENCHMARKS,
    HTTP2_RFC,
    OURS,
    VICTIM_PROBE,
    Arm,
    Contrast,
    Experiment,
    Load,
    Setup,
    Source,
    rows,
)
from lab.experiments.outcomes import Outcome, Rule
from lab.experiments.sentences import alike, because, better, measured, not_better, sentence, worse

GUNICORN_DEPLOY = Source("“Deploying Gunicorn”", "gunicorn documentation", reference="https://gunicorn.org/deploy")
SERVERS = ("gunicorn", "granian")  # that speak both interfaces
GUNICORN = ("wsgi", "asgi-gunicorn", "flask", "fastapi-gunicorn")
GRANIAN = ("wsgi-granian", "asgi-granian", "flask-granian", "fastapi-granian")
# A framework, and the same server without one.
FLASK_OUT = {"flask": "wsgi", "flask-granian": "wsgi-granian", "flask-uwsgi": "wsgi-uwsgi"}
FASTAPI_ON = {"fastapi-gunicorn": "asgi-gunicorn", "fastapi-granian": "asgi-granian", "fastapi": "asgi"}
WHAT_THE_INTERFACE_DOES = (
    "Which interface needs less CPU per request depends on the server: on gunicorn bare ASGI (an event loop) needed "
    "less than bare WSGI (threads), on granian more."
)
WHAT_KEPT_ITS_SIGN = (
    "On every server that speaks its interface, a request cost more with either framework than without. Granian needed "
    "less than gunicorn,"
)
ON_ONE_LESS_ON_ONE_MORE = (better("asgi-gunicorn", "wsgi"), worse("asgi-granian", "wsgi-granian"))
GRANIAN_FOR_LESS = {
    "with either interface": tuple(better(*pair, figure="cpu_us") for pair in zip(GRANIAN, GUNICORN, strict=True)),
    "on WSGI": tuple(better(f"{one}-granian", one, figure="cpu_us") for one in ("wsgi", "flask")),
}
FRAMEWORKS_COST = tuple(worse(*pair, figure="cpu_us") for pair in (FLASK_OUT | FASTAPI_ON).items())
ON_BOTH = because(
    "What it came to on every server that speaks both", measured("cpu_us", "wsgi", "asgi-gunicorn", *GRANIAN[:2])
)
HOPS = {"direct": {}, "behind nginx": {"path": "plain"}, "over TLS": {"path": "gateway"}}


# By the round trip in ms: long enough for the slowest page, once to warm its connections and once to count.
PAGE_S = {5: 0.7, 20: 1.0, 100: 2.4}
STREAM_KEEPS = "A stream keeps its thread until it ends, and who comes when all are kept waits for that."


def over(row: str, version: int) -> Arm:
    changes = {"scenario": f"PageHttp{version}", "protocol": "HTTP/2" if version == 2 else "HTTP/1.1"}
    return Arm(row, f"{row} HTTP/{'2' if version == 2 else '1.1'}", changes)


def hops(figure: str, claimed: Outcome) -> tuple[Contrast, ...]:
    """What each hop adds, for either row; TLS is shown beside the verdict."""
    return tuple(
        contrast
        for row in ("flask", "fastapi")
        for contrast in (
            Contrast(f"{row} behind nginx", f"{row} direct", figure, claimed),
            Contrast(f"{row} over TLS", f"{row} behind nginx", figure, decides=False),
        )
    )


FURTHER_CLAIMS = (
    Experiment(
        name="page-speed",
        title="A page of a hundred assets, near and far",
        claim="A page comes faster over HTTP/2.",
        source=HTTP2_RFC,
        method="A page of a hundred assets, each with a wait of 20 ms in the service: over one HTTP/2 connection, and "
        "over the six of HTTP/1.1 that a browser would open; with a round trip to the gateway that a relay makes "
        "longer. Connections are warm.",
        held_equal="the same page, the same nginx, TLS; the relay delays, and nothing else",
        not_so_if="over HTTP/1.1 it comes as fast",
        arms=(
            *(over(row, version) for row in ("flask", "fastapi") for version in (2, 1)),
            over("flask-200", 2),
        ),
        contrasts=(
            *(Contrast(f"{row} HTTP/2", f"{row} HTTP/1.1", "p50_ms") for row in ("flask", "fastapi")),
            Contrast("fastapi HTTP/2", "flask HTTP/2", "p50_ms", setup=Setup.AS_IT_COMES, decides=False),
            Contrast("flask-200 HTTP/2", "fastapi HTTP/2", "p50_ms", setup=Setup.TUNED, decides=False),
        ),
        sentences=(
            sentence(
                "Over HTTP/2 the page came faster than over HTTP/1.1, from either service and at every distance. From "
                "FastAPI it came faster than from Flask on 8 threads, and near by as fast from Flask on 200 threads.",
                better("flask HTTP/2", "flask HTTP/1.1"),
                better("fastapi HTTP/2", "fastapi HTTP/1.1"),
                better("fastapi HTTP/2", "flask HTTP/2", figure="p50_ms"),
                alike("flask-200 HTTP/2", "fastapi HTTP/2", at=("5",), figure="p50_ms"),
            ),
            sentence(
                "Over HTTP/2 the page came faster than over HTTP/1.1, from either service and at every distance. Near "
                "by it came faster from FastAPI than from Flask.",
                better("flask HTTP/2", "flask HTTP/1.1"),
                better("fastapi HTTP/2", "fastapi HTTP/1.1"),
                better("fastapi HTTP/2", "flask HTTP/2", at=("5",), figure="p50_ms"),
            ),
            sentence(
                "Over HTTP/2 the page came faster than over HTTP/1.1, from either service.",
                better("flask HTTP/2", "flask HTTP/1.1"),
                better("fastapi HTTP/2", "fastapi HTTP/1.1"),
            ),
            sentence(
                "From FastAPI the page came faster over HTTP/2. From Flask it came no faster near by.",
                not_better("flask HTTP/2", "flask HTTP/1.1", at=("5",)),
                better("fastapi HTTP/2", "fastapi HTTP/1.1"),
            ),
        ),
        load=Load("PageHttp2", 1, options={"path": "gateway", "asset_ms": 20}, protocol="HTTP/2"),
        varied="ms round trip",
        levels={str(ms): {"round_trip_ms": ms, "seconds": s, "least_s": s, "warm_up": s} for ms, s in PAGE_S.items()},
        quick=("20",),
    ),
    Experiment(
        name="streams",
        title="Streams that stay open",
        claim="ASGI is better for long-lived connections.",
        source=ASGI_INTRODUCTION,
        method="32 clients follow event streams of two seconds; a neighbour asks for GET /json 50 times a second. "
        + VICTIM_PROBE,
        held_equal="the same streams, one worker each",
        not_so_if="Flask's neighbours suffer no more",
        arms=rows("flask", "flask-200", "flask-gevent", "flask-uwsgi", "flask-granian", "flask-granian-40")
        + rows("fastapi", "fastapi-gunicorn", "fastapi-granian"),
        contrasts=(
            Contrast("fastapi", "flask", "probe_p95_ms", setup=Setup.AS_IT_COMES),
            Contrast("fastapi", "flask-200", "probe_p95_ms", setup=Setup.TUNED),
            *(Contrast("fastapi", row, "probe_p95_ms") for row in ("flask-gevent", "flask-uwsgi")),
            Contrast("fastapi-gunicorn", "flask", "probe_p95_ms"),
            *(Contrast("fastapi-granian", row, "probe_p95_ms") for row in ("flask-granian", "flask-granian-40")),
        ),
        sentences=(
            sentence(
                "With more streams than threads FastAPI's neighbour waited less than Flask's, on one and the same "
                "server (gunicorn, granian), too. Where Flask had a thread for every stream (on gunicorn, granian or "
                "uWSGI), or greenlets, its neighbour was kept waiting no more than FastAPI's.",
                better("fastapi", "flask"),
                better("fastapi-gunicorn", "flask"),
                better("fastapi-granian", "flask-granian"),
                alike("fastapi", "flask-200", "flask-gevent", "flask-uwsgi"),
                alike("fastapi-granian", "flask-granian-40"),
                guess=STREAM_KEEPS,
            ),
            sentence(
                "With more streams than threads FastAPI's neighbour waited less than Flask's. On 200 threads, or on "
                "greenlets, Flask's was kept waiting no more than FastAPI's.",
                better("fastapi", "flask"),
                alike("fastapi", "flask-200", "flask-gevent"),
                guess=STREAM_KEEPS,
            ),
            sentence(
                "With more streams than threads FastAPI's neighbour waited less than that of Flask on 8 threads. "
                "Against Flask on greenlets it made no difference.",
                better("fastapi", "flask"),
                alike("fastapi", "flask-gevent"),
            ),
            sentence(
                "With more streams than threads FastAPI's neighbour waited less than that of Flask on 8 threads.",
                better("fastapi", "flask"),
            ),
        ),
        load=Load(
            "EventStream",
            32,
            seconds=2.4,
            least_s=2.4,
            probe_rate=50,
            warm_up=0.8,
            options={"events": 11, "gap_ms": 200},
        ),
    ),
    Experiment(
        name="where-from",
        title="Where the difference comes from",
        claim="The difference between Flask on gunicorn and FastAPI on uvicorn is that between WSGI and ASGI.",
        source=FASTAPI_BENCHMARKS,
        method="CPU time of the service per GET /json, 16 clients, crossed: either interface, with its framework and "
        "bare, on every server that speaks it. a2wsgi brings WSGI onto uvicorn, which costs an adapter and threads.",
        held_equal="between two cells that are compared one thing changes",
        not_so_if="on a server that speaks both, ASGI does not need less CPU per request than WSGI",
        arms=rows("flask", "wsgi", "wsgi-granian", "wsgi-uwsgi", "wsgi-a2wsgi")
        + rows("flask-granian", "flask-uwsgi", "flask-a2wsgi")
        + rows("asgi-gunicorn", "asgi-granian", "asgi", "fastapi-gunicorn", "fastapi-granian", "fastapi"),
        contrasts=(
            Contrast("asgi-gunicorn", "wsgi", "cpu_us", server="gunicorn"),
            Contrast("asgi-granian", "wsgi-granian", "cpu_us", server="granian"),
            Contrast("fastapi-gunicorn", "flask", "cpu_us", decides=False),
            Contrast("fastapi-granian", "flask-granian", "cpu_us", decides=False),
            *(Contrast(one, other, "cpu_us", decides=False) for one, other in zip(GRANIAN, GUNICORN, strict=True)),
            *(Contrast(*pair, "cpu_us", decides=False) for pair in (FLASK_OUT | FASTAPI_ON).items()),
            Contrast("wsgi-uwsgi", "wsgi-granian", "cpu_us", decides=False),
            Contrast("flask-uwsgi", "flask-granian", "cpu_us", decides=False),
            Contrast("asgi", "asgi-granian", "cpu_us", decides=False),
            Contrast("fastapi", "fastapi-granian", "cpu_us", decides=False),
            Contrast("asgi", "wsgi-a2wsgi", "cpu_us", decides=False),
            Contrast("fastapi", "flask-a2wsgi", "cpu_us", decides=False),
            Contrast("fastapi", "flask", "cpu_us", decides=False),
        ),
        sentences=(
            *(
                sentence(
                    f"{WHAT_THE_INTERFACE_DOES} {WHAT_KEPT_ITS_SIGN} {with_what}.",
                    *ON_ONE_LESS_ON_ONE_MORE,
                    *FRAMEWORKS_COST,
                    *granian_for_less,
                    because=ON_BOTH,
                )
                for with_what, granian_for_less in GRANIAN_FOR_LESS.items()
            ),
            sentence(WHAT_THE_INTERFACE_DOES, *ON_ONE_LESS_ON_ONE_MORE, because=ON_BOTH),
            sentence(
                "On every server that speaks both (gunicorn, granian) bare ASGI needed less CPU per request than bare "
                "WSGI.",
                better("asgi-gunicorn", "wsgi"),
                better("asgi-granian", "wsgi-granian"),
            ),
            sentence(
                "Bare ASGI needed no less CPU per request than bare WSGI, on either server that speaks both "
                "(gunicorn, granian).",
                not_better("asgi-gunicorn", "wsgi"),
                not_better("asgi-granian", "wsgi-granian"),
            ),
        ),
        load=Load(seconds=0.5, least_s=0.3),
        rule=Rule.EVERY_SERVER,
        in_units=True,
        changes={
            "Flask left out": (("flask", "wsgi"), ("flask-a2wsgi", "wsgi-a2wsgi")),
            "ASGI, not WSGI (on uvicorn: not a2wsgi)": (("wsgi", "asgi-gunicorn"), ("wsgi-a2wsgi", "asgi")),
            "uvicorn, not gunicorn (WSGI: through a2wsgi)": (
                ("flask", "flask-a2wsgi"),
                ("wsgi", "wsgi-a2wsgi"),
                ("asgi-gunicorn", "asgi"),
                ("fastapi-gunicorn", "fastapi"),
            ),
            "FastAPI put on": (("asgi-gunicorn", "fastapi-gunicorn"), ("asgi", "fastapi")),
        },
    ),
    Experiment(
        name="gateway-hop",
        title="What nginx costs",
        claim="A reverse proxy in front costs next to nothing.",
        source=OURS,
        method="CPU time per GET /json of the service and nginx together, 16 clients: straight, through nginx, and "
        "through nginx over TLS.",
        held_equal="the same row, the same clients, connections that live",
        not_so_if="both together need more CPU per request than the service alone",
        arms=tuple(Arm(row, f"{row} {hop}", how) for row in ("flask", "fastapi") for hop, how in HOPS.items()),
        contrasts=hops("whole_cpu_us", Outcome.NO_DIFFERENCE),
        sentences=(
            sentence(
                "The hop through nginx cost CPU, for Flask and for FastAPI.",
                *(worse(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
                because=because(
                    "Service and nginx together",
                    measured("whole_cpu_us", *(f"{row} {hop}" for row in ("flask", "fastapi") for hop in HOPS)),
                ),
            ),
            sentence(
                "The hop through nginx made no difference that matters, for Flask or for FastAPI.",
                *(alike(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
            ),
        ),
        load=Load(seconds=0.6, least_s=0.4),
        in_units=True,
    ),
    Experiment(
        name="gateway-latency",
        title="How much later an answer comes through nginx",
        claim="Behind a reverse proxy an answer comes as soon.",
        source=OURS,
        method="The median response time of GET /json for a single client: straight, through nginx, and through nginx "
        "over TLS. The client's own time is in every figure, and not in a difference.",
        held_equal="the same row, one connection that lives",
        not_so_if="it comes later",
        arms=tuple(Arm(row, f"{row} {hop}", how) for row in ("flask", "fastapi") for hop, how in HOPS.items()),
        contrasts=hops("p50_ms", Outcome.NO_DIFFERENCE),
        sentences=(
            sentence(
                "Behind nginx the answer took longer, from Flask and from FastAPI.",
                *(worse(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
            ),
            sentence(
                "Behind nginx the answer came as soon, from Flask and from FastAPI.",
                *(alike(f"{row} behind nginx", f"{row} direct") for row in ("flask", "fastapi")),
            ),
        ),
        load=Load(users=1, seconds=0.6, least_s=0.4),
        in_units=True,
    ),
    Experiment(
        name="gateway-slow",
        title="What nginx saves",
        claim="A reverse proxy keeps slow clients away from the workers.",
        source=GUNICORN_DEPLOY,
        method="16 clients each take a second to send a small body; a neighbour asks for GET /json 50 times a second: "
        "straight, and through nginx, which collects a body before it hands it on. " + VICTIM_PROBE,
        held_equal="the same clients, the same neighbour, the same way for both",
        not_so_if="behind nginx the neighbour waits as long",
        arms=tuple(
            Arm(row, f"{row} {hop}", HOPS[hop]) for row in ("flask", "fastapi") for hop in ("direct", "behind nginx")
        ),
        contrasts=tuple(
            Contrast(f"{row} behind nginx", f"{row} direct", "probe_p95_ms") for row in ("flask", "fastapi")
        ),
        sentences=(
            sentence(
                "With Flask the neighbour of slow clients waited less behind nginx. With FastAPI it waited no less.",
                better("flask behind nginx", "flask direct"),
                not_better("fastapi behind nginx", "fastapi direct"),
                guess="Straight, a body that takes a second holds one of Flask's threads for as long.",
            ),
            sentence(
                "Behind nginx the neighbour waited less, with Flask and with FastAPI.",
                better("flask behind nginx", "flask direct"),
                better("fastapi behind nginx", "fastapi direct"),
            ),
        ),
        load=Load("SlowUpload", 16, seconds=1.2, least_s=1.2, probe_rate=50, warm_up=0.8, options={"slow_s": 1}),
    ),
)
