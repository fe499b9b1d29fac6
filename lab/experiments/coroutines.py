"""What people argue about: `def` or `async def`, on either side."""

from dataclasses import replace

from lab.experiments.model import FASTAPI_ASYNC, Arm, Contrast, Experiment, Load, Source, rows
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import alike, better, not_better, sentence, worse

FLASK_ASYNC = Source(
    "“Using async and await”",
    "Flask documentation",
    reference="https://flask.palletsprojects.com/en/stable/async-await/",
    otherwise=True,
)

COROUTINES = (
    Experiment(
        name="def-or-async",
        title="FastAPI: def or async def",
        claim="FastAPI does the right thing with `def` and with `async def`: they serve as much.",
        source=replace(FASTAPI_ASYNC, otherwise=False),
        method="Throughput of a 50 ms wait against the number of clients: in `async def`, and in `def`, which FastAPI "
        "runs on its own pool of threads.",
        held_equal="the same row; only the handler differs",
        not_so_if="`def` serves less",
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
                "FastAPI served as much in `def` as in `async def`, with 16, 64 and 200 clients.",
                alike("fastapi def", "fastapi async def", at=("16", "64", "200")),
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
        source=FASTAPI_ASYNC,
        method="CPU time of the service per GET /json, 16 clients: answered in `async def`, and in `def`.",
        held_equal="the same app; only the handler differs",
        not_so_if="`def` needs more CPU per request",
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
        load=Load(seconds=0.5, least_s=0.3),
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
        not_so_if="it serves no more",
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
)
