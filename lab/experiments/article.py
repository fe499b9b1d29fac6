"""The article's claims on waiting: one request at a time, many clients, the database."""

from lab.experiments.model import ARTICLE, OURS, VICTIM_PROBE, Arm, Contrast, Experiment, Load, Setup, rows
from lab.experiments.outcomes import Outcome, Rule
from lab.experiments.sentences import Sentence, alike, because, better, measured, not_better, sentence, worse

EFFICIENT = ("throughput", "p99_ms", "cpu_us", "memory_mib")
ON_EACH = (("fastapi-granian", "flask-granian"), ("fastapi-gunicorn", "flask"), ("fastapi", "flask-uwsgi"))
COST_AT_0_MS = because(
    "What a request cost at 0 ms",
    measured("cpu_us", "fastapi-gunicorn", "flask", "fastapi-granian", "flask-granian", at=("0",)),
)
DB_READ = Load("DbRead", 36, seconds=0.6)
POOLS = {"fastapi-pool-4": "flask-40-pool-4", "fastapi": "flask", "fastapi-pool-32": "flask-40-pool-32"}


def setup_of(row: str, tuned: str) -> Setup | None:
    return {"flask": Setup.AS_IT_COMES, tuned: Setup.TUNED}.get(row)


def against_fastapi(*flasks: str, tuned: str) -> tuple[Contrast, ...]:
    """By every figure that efficiency may mean."""
    return tuple(Contrast("fastapi", row, figure, setup=setup_of(row, tuned)) for figure in EFFICIENT for row in flasks)


def kept_up(clients: str, threads: str, *, dearer: bool) -> Sentence:
    """Flask on enough threads; `dearer`: and what that cost."""
    cost = f", on {threads} threads with more CPU per request" if dearer else ""
    return sentence(
        f"With {clients} clients FastAPI served more than Flask on 8 threads. On {threads} threads, and on greenlets, "
        f"Flask served as much{cost}.",
        better("fastapi", "flask", at=(clients,), figure="throughput"),
        alike("fastapi", f"flask-{threads}", "flask-gevent", at=(clients,), figure="throughput"),
        *([better("fastapi", f"flask-{threads}", at=(clients,), figure="cpu_us")] if dearer else []),
        because=because(
            "Of those who wait 50 ms, 8 threads serve 160 a second at most",
            measured("throughput", "flask", most=160, at=(clients,)),
        ),
    )


ARTICLE_CLAIMS = (
    Experiment(
        name="one-at-a-time",
        title="One request at a time?",
        claim="WSGI handles one request at a time.",
        source=ARTICLE,
        method="Four clients ask for a wait of 20 ms. A server that handles one request at a time serves 50 a second.",
        held_equal="the same Flask on the same gunicorn; only the worker class differs",
        not_so_if="Flask on threads or greenlets serves more than Flask on the sync worker, which does handle one "
        "request at a time",
        arms=(Arm("flask-sync", reconnects=True), *rows("flask", "flask-gevent")),
        contrasts=(
            Contrast("flask", "flask-sync", "throughput", Outcome.NO_DIFFERENCE),
            Contrast("flask-gevent", "flask-sync", "throughput", Outcome.NO_DIFFERENCE),
        ),
        sentences=(
            sentence(
                "On threads, and on greenlets, Flask served more than on the sync worker: WSGI does not limit a "
                "server to one request at a time.",
                better("flask", "flask-sync"),
                better("flask-gevent", "flask-sync"),
                because=because(
                    "One request at a time makes 50 a second at most",
                    measured("throughput", "flask-sync", most=50),
                    measured("throughput", "flask", "flask-gevent", least=55),
                ),
            ),
            sentence(
                "On threads and on greenlets Flask served no more than on the sync worker, which handles one request "
                "at a time.",
                not_better("flask", "flask-sync"),
                not_better("flask-gevent", "flask-sync"),
            ),
        ),
        load=Load("Wait", 4, seconds=0.9, least_s=0.25, options={"wait_ms": 20}),
    ),
    Experiment(
        name="concurrent",
        title="Many clients that wait",
        claim="ASGI handles concurrent connections more efficiently.",
        source=ARTICLE,
        method="A wait of 50 ms, for an event loop, thread pools and greenlets: throughput, p99, CPU per request and "
        "memory.",
        held_equal="one worker each, the same clients",
        not_so_if="Flask on as many threads as there are clients, or on greenlets, serves as much, as soon, with as "
        "little CPU and memory",
        arms=rows("flask", "flask-40", "flask-200", "flask-gevent", "fastapi"),
        contrasts=against_fastapi("flask", "flask-40", "flask-200", "flask-gevent", tuned="flask-200"),
        sentences=(
            sentence(
                "With more clients than threads FastAPI served more. On 200 threads, or on greenlets, Flask served as "
                "much, but needed more CPU per request.",
                alike("fastapi", "flask", at=("8",), figure="throughput"),
                better("fastapi", "flask", at=("16", "64"), figure="throughput"),
                better("fastapi", "flask-40", at=("64",), figure="throughput"),
                alike("fastapi", "flask-200", "flask-gevent", figure="throughput"),
                better("fastapi", "flask-200", "flask-gevent", figure="cpu_us"),
                because=because(
                    "Of those who wait 50 ms, 8 threads serve 160 a second at most",
                    measured("throughput", "flask", most=160),
                ),
            ),
            *(kept_up(*at, dearer=dearer) for dearer in (True, False) for at in (("64", "200"), ("16", "40"))),
            *(
                sentence(
                    f"With {clients} clients FastAPI served more than Flask on 8 threads.",
                    better("fastapi", "flask", at=(clients,), figure="throughput"),
                )
                for clients in ("64", "16")
            ),
        ),
        load=Load("Wait", seconds=0.9, options={"wait_ms": 50}),
        varied="clients",
        levels={str(count): {"users": count} for count in (8, 16, 64)},
        quick=("64",),
        thread_ceiling=8,
    ),
    Experiment(
        name="concurrent-many",
        title="Up to a thousand clients that wait",
        claim="ASGI handles concurrent connections more efficiently.",
        source=ARTICLE,
        method="A wait of 250 ms, for an event loop, large thread pools and greenlets: throughput, p99, CPU per "
        "request and memory. (A small pool serves no more than it did for fewer clients: they only wait longer.)",
        held_equal="one worker each, the same clients",
        not_so_if="Flask on as many threads as there are clients, or on greenlets, serves as much, as soon, with as "
        "little CPU and memory",
        arms=rows("flask-200", "flask-1000", "flask-gevent", "fastapi"),
        contrasts=against_fastapi("flask-200", "flask-1000", "flask-gevent", tuned="flask-1000"),
        sentences=(
            sentence(
                "With 1,000 clients FastAPI served more than Flask on 1,000 threads, with less CPU per request and "
                "less memory.",
                better("fastapi", "flask-1000", at=("1000",), figure="throughput"),
                better("fastapi", "flask-1000", at=("1000",), figure="cpu_us"),
                better("fastapi", "flask-1000", at=("1000",), figure="memory_mib"),
                because=because(
                    "On 1,000 threads Flask was at work nearly all the time",
                    measured("utilisation", "flask-1000", least=0.9, at=("1000",)),
                ),
            ),
            sentence(
                "With 1,000 clients Flask on 1,000 threads served as much as FastAPI, but needed more CPU per request "
                "and more memory.",
                alike("fastapi", "flask-1000", at=("1000",), figure="throughput"),
                better("fastapi", "flask-1000", at=("1000",), figure="cpu_us"),
                better("fastapi", "flask-1000", at=("1000",), figure="memory_mib"),
            ),
            sentence(
                "With 1,000 clients FastAPI needed less CPU per request and less memory than Flask on 1,000 threads.",
                better("fastapi", "flask-1000", at=("1000",), figure="cpu_us"),
                better("fastapi", "flask-1000", at=("1000",), figure="memory_mib"),
            ),
            sentence(
                "With 1,000 clients FastAPI served more than Flask on 200 threads, with more memory. On 1,000 threads, "
                "and on greenlets, Flask needed more memory than FastAPI.",
                better("fastapi", "flask-200", at=("1000",), figure="throughput"),
                worse("fastapi", "flask-200", at=("1000",), figure="memory_mib"),
                better("fastapi", "flask-1000", "flask-gevent", at=("1000",), figure="memory_mib"),
            ),
        ),
        load=Load("Wait", seconds=0.9, options={"wait_ms": 250}),
        varied="clients",
        levels={str(count): {"users": count} for count in (200, 500, 1000)},
        quick=("1000",),
    ),
    Experiment(
        name="io-bound",
        title="Waiting for the database",
        claim="ASGI serves more work that waits for the database than WSGI.",
        source=ARTICLE,
        method="GET /db while PostgreSQL itself takes so many ms over the query, 36 clients: throughput, with pools of "
        "several sizes. Beside it CPU per request and p99.",
        held_equal="psycopg 3, and in each comparison pools of one size; a single refused request makes it invalid",
        not_so_if="Flask serves as much",
        arms=rows(*POOLS.values(), *POOLS),
        contrasts=(
            Contrast("fastapi", "flask", "throughput", setup=Setup.AS_IT_COMES),
            Contrast("fastapi-pool-32", "flask-40-pool-32", "throughput", setup=Setup.TUNED),
            Contrast("fastapi-pool-4", "flask-40-pool-4", "throughput"),
            *(Contrast(*pair, figure, decides=False) for figure in ("cpu_us", "p99_ms") for pair in POOLS.items()),
        ),
        sentences=(
            sentence(
                "While PostgreSQL took 20 ms, Flask served as much as FastAPI, with pools of 4, 8 and 32 connections.",
                *(alike(*pair, at=("20",)) for pair in POOLS.items()),
                because=because(
                    "A connection serves 50 such requests a second at most, so the pool decides",
                    measured("throughput", "fastapi-pool-4", "flask-40-pool-4", least=150, most=200, at=("20",)),
                    measured("throughput", "fastapi", "flask", least=300, most=400, at=("20",)),
                    measured("throughput", "fastapi-pool-32", "flask-40-pool-32", least=1200, most=1600, at=("20",)),
                ),
            ),
            sentence(
                "While PostgreSQL took no time of its own, FastAPI served more than Flask on their usual settings. "
                "While it took 20 ms, Flask served as much with pools of 4 and 8 connections.",
                better("fastapi", "flask", at=("0",)),
                *(alike(*pair, at=("20",)) for pair in list(POOLS.items())[:2]),
            ),
            sentence(
                "While PostgreSQL took 20 ms, Flask served as much as FastAPI, with pools of 4 and 8 connections. With "
                "32, and as many threads as that needs, FastAPI served more.",
                *(alike(*pair, at=("20",)) for pair in list(POOLS.items())[:2]),
                better("fastapi-pool-32", "flask-40-pool-32", at=("20",)),
            ),
            sentence(
                "While PostgreSQL took no time of its own, FastAPI served more than Flask on their usual settings. "
                "While it took 20 ms, Flask served as much with a pool of 4 connections.",
                better("fastapi", "flask", at=("0",)),
                alike("fastapi-pool-4", "flask-40-pool-4", at=("20",)),
            ),
            sentence(
                "While PostgreSQL took 20 ms, Flask served as much as FastAPI on their usual settings.",
                alike("fastapi", "flask", at=("20",)),
            ),
        ),
        load=DB_READ,
        varied="ms in PostgreSQL",
        varied_one="ms in PostgreSQL",
        levels={str(ms): {"delay_ms": ms} for ms in (0, 1, 5, 20)},
        quick=("20",),
    ),
    Experiment(
        name="io-bound-servers",
        title="Waiting for the database, on every server",
        claim="ASGI serves more work that waits for the database than WSGI.",
        source=ARTICLE,
        rule=Rule.EVERY_SERVER,
        method="GET /db while PostgreSQL itself takes so many ms over the query, 36 clients, pools of 8: throughput, "
        "on the two servers that speak both interfaces (gunicorn, granian). Beside it the usual servers, Flask on its "
        "cheapest (uWSGI), and CPU per request.",
        held_equal="psycopg 3, pools of one size; a single refused request makes it invalid",
        not_so_if="on a server that speaks both, Flask serves as much",
        arms=rows("flask", "flask-granian", "flask-uwsgi", "fastapi", "fastapi-gunicorn", "fastapi-granian"),
        contrasts=(
            Contrast("fastapi-granian", "flask-granian", "throughput", server="granian"),
            Contrast("fastapi-gunicorn", "flask", "throughput", server="gunicorn"),
            Contrast("fastapi", "flask", "throughput", setup=Setup.AS_IT_COMES, decides=False),
            Contrast("fastapi", "flask-uwsgi", "throughput", setup=Setup.TUNED, decides=False),
            *(Contrast(*pair, "cpu_us", decides=False) for pair in ON_EACH),
        ),
        sentences=(
            sentence(
                "While PostgreSQL took no time of its own, FastAPI served more than Flask on gunicorn, and less on "
                "granian. While it took 20 ms, it served as much on either.",
                better("fastapi-gunicorn", "flask", at=("0",)),
                worse("fastapi-granian", "flask-granian", at=("0",)),
                *(alike(*pair, at=("20",)) for pair in ON_EACH[:2]),
                because=COST_AT_0_MS,
            ),
            sentence(
                "While PostgreSQL took no time of its own, FastAPI served more than Flask on gunicorn. On granian it "
                "did not.",
                better("fastapi-gunicorn", "flask", at=("0",)),
                not_better("fastapi-granian", "flask-granian", at=("0",)),
                because=COST_AT_0_MS,
            ),
            sentence(
                "While PostgreSQL took 20 ms, FastAPI served as much as Flask, on gunicorn and on granian.",
                *(alike(*pair, at=("20",)) for pair in ON_EACH[:2]),
            ),
        ),
        load=DB_READ,
        varied="ms in PostgreSQL",
        levels={str(ms): {"delay_ms": ms} for ms in (0, 20)},
        quick=("20",),
    ),
    Experiment(
        name="pool-exhausted",
        title="When a pool is exhausted",
        claim="When a pool is exhausted, of connections or of threads, ASGI still serves what needs none of it, and "
        "WSGI does not.",
        source=OURS,
        method="128 clients read from the database, which takes 250 ms, over 8 connections; a neighbour asks for GET "
        f"/json, which needs none, 20 times a second. {VICTIM_PROBE} Beside it stands the share of the reads "
        "that were served and not refused. FastAPI's own pool of threads (`def`) is exhausted by 128 clients that wait "
        "250 ms. On 8 threads Flask cannot exhaust 8 connections: it exhausts its threads.",
        held_equal="8 connections, and the same patience with the pool",
        not_so_if="FastAPI's neighbours wait as long as Flask's",
        arms=(
            *rows("flask", "flask-200", "flask-gevent", "fastapi"),
            Arm("fastapi", "def", {"scenario": "Wait", "wait_ms": 250, "wait_route": "threadpool", "warm_up": 1.0}),
            Arm("fastapi", "await", {"scenario": "Wait", "wait_ms": 250, "warm_up": 1.0}),
        ),
        contrasts=(
            Contrast("fastapi", "flask", "probe_p95_ms", setup=Setup.AS_IT_COMES),
            Contrast("fastapi", "flask-200", "probe_p95_ms", setup=Setup.TUNED),
            Contrast("fastapi", "flask-gevent", "probe_p95_ms"),
            *(Contrast("fastapi", row, "served_pct", decides=False) for row in ("flask", "flask-200", "flask-gevent")),
            Contrast("def", "await", "throughput", Outcome.NO_DIFFERENCE, decides=False),
            Contrast("def", "await", "probe_p95_ms", Outcome.NO_DIFFERENCE, decides=False),
        ),
        sentences=(
            sentence(
                "Flask on 200 threads or on greenlets kept its neighbour waiting no more than FastAPI did. On 8 "
                "threads it kept it waiting longer, and served a larger share of the reads.",
                better("fastapi", "flask", figure="probe_p95_ms"),
                worse("fastapi", "flask", figure="served_pct"),
                not_better("fastapi", "flask-200", "flask-gevent", figure="probe_p95_ms"),
                because=because(
                    "Who finds no connection within 3.2 s is refused; each of Flask's 8 threads finds one, so only its "
                    "threads were exhausted",
                    measured("served_pct", "fastapi", "flask-200", "flask-gevent", most=99),
                    measured("served_pct", "flask", least=99.9),
                ),
            ),
            sentence(
                "FastAPI's neighbour waited less than that of Flask on 8 threads. With Flask on 200 threads, or on "
                "greenlets, it waited no longer.",
                better("fastapi", "flask"),
                not_better("fastapi", "flask-200", "flask-gevent"),
                guess="Flask has a thread for each connection of its pool and no more, and all wait for the database.",
            ),
            sentence(
                "Flask on greenlets kept its neighbour waiting no more than FastAPI did. On threads, 8 or 200, it kept "
                "it waiting longer.",
                better("fastapi", "flask", "flask-200"),
                not_better("fastapi", "flask-gevent"),
            ),
            sentence(
                "FastAPI's neighbour waited less than Flask's, on 8 threads, on 200 and on greenlets.",
                better("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
            sentence(
                "FastAPI's neighbour waited no less than Flask's, on 8 threads, on 200 and on greenlets.",
                not_better("fastapi", "flask", "flask-200", "flask-gevent"),
            ),
        ),
        # Refusals come in waves, for all who come at once are refused at once: 3.2 s later, so each client counts once.
        load=Load("DbRead", 128, seconds=3.3, least_s=3.3, probe_rate=20, warm_up=4.0, options={"delay_ms": 250}),
    ),
)
