"""The article's claims on the basic request and on work for the CPU: crossed, interface by server by framework."""

from lab.experiments.model import ARTICLE, VICTIM_PROBE, Contrast, Experiment, Load, Setup, rows
from lab.experiments.outcomes import Rule
from lab.experiments.sentences import Cause, Sentence, alike, because, better, measured, not_better, sentence, worse

FRAMEWORKS = ("flask", "flask-uwsgi", "flask-granian", "fastapi", "fastapi-gunicorn", "fastapi-granian")
BARE = ("wsgi", "wsgi-uwsgi", "wsgi-granian", "asgi", "asgi-gunicorn", "asgi-granian")
ON_GRANIAN = ("flask-granian", "fastapi-granian")
ON_GUNICORN = ("flask", "fastapi-gunicorn")
BARE_ON_GRANIAN = ("wsgi-granian", "asgi-granian")
BARE_ON_GUNICORN = ("wsgi", "asgi-gunicorn")
EVERYWHERE = (
    ("flask", "fastapi"),
    ("flask-uwsgi", "fastapi"),
    ON_GRANIAN,
    ON_GUNICORN,
    ("wsgi-uwsgi", "asgi"),
    BARE_ON_GRANIAN,
    BARE_ON_GUNICORN,
)


def everywhere(figure: str) -> tuple[Contrast, ...]:
    """WSGI against ASGI: usual servers, the cheapest for each, one and the same; with a framework and without."""
    return (
        Contrast("flask", "fastapi", figure, setup=Setup.AS_IT_COMES),
        Contrast("flask-uwsgi", "fastapi", figure, setup=Setup.TUNED),
        Contrast(*ON_GRANIAN, figure, server="granian"),
        Contrast(*ON_GUNICORN, figure, server="gunicorn"),
        Contrast("wsgi-uwsgi", "asgi", figure),
        Contrast(*BARE_ON_GRANIAN, figure, server="granian"),
        Contrast(*BARE_ON_GUNICORN, figure, server="gunicorn"),
    )


def on_each_server(figure: str) -> tuple[Contrast, ...]:
    """The interface alone decides; beside it the usual servers, and the cheapest for each."""
    return (
        Contrast(*ON_GRANIAN, figure, server="granian"),
        Contrast(*ON_GUNICORN, figure, server="gunicorn"),
        Contrast("flask", "fastapi", figure, setup=Setup.AS_IT_COMES, decides=False),
        Contrast("flask-uwsgi", "fastapi", figure, setup=Setup.TUNED, decides=False),
    )


def by_server(did: str, did_not: str, why: Cause | None = None) -> tuple[Sentence, ...]:
    """`did` and `did_not` go on from "Flask …", and compare it with FastAPI."""
    return (
        sentence(f"On granian and on gunicorn Flask {did}.", better(*ON_GRANIAN), better(*ON_GUNICORN), because=why),
        sentence(
            f"On granian Flask {did}. On gunicorn it {did_not}.",
            better(*ON_GRANIAN),
            not_better(*ON_GUNICORN),
            because=why,
        ),
        sentence(
            f"On gunicorn Flask {did}. On granian it {did_not}.",
            better(*ON_GUNICORN),
            not_better(*ON_GRANIAN),
            because=why,
        ),
    )


BUSY = because(
    "On granian and on gunicorn each row was at work nearly all the time",
    measured("utilisation", *ON_GRANIAN, *ON_GUNICORN, least=0.9),
    measured("cpu_us", *ON_GRANIAN, *ON_GUNICORN),
)

BASIC_CLAIMS = (
    Experiment(
        name="basic-cost",
        title="The basic request: what it costs",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        rule=Rule.ONE_CASE,
        method="CPU time of the service per GET /json, 16 clients in closed loop: on the usual servers, on the "
        "cheapest server for each interface (uWSGI, uvicorn), and on the two that speak both (gunicorn, granian), with "
        "a framework and without.",
        held_equal="the same bytes, the same number of connections",
        not_so_if="in no case WSGI needs less CPU per request",
        arms=rows(*FRAMEWORKS, *BARE),
        contrasts=everywhere("cpu_us"),
        sentences=(
            sentence(
                "Which interface needs less CPU per request depends on the server: on granian WSGI needed less, on "
                "gunicorn it needed more, with a framework and without.",
                better(*ON_GRANIAN),
                better(*BARE_ON_GRANIAN),
                worse(*ON_GUNICORN),
                worse(*BARE_ON_GUNICORN),
            ),
            sentence(
                "Which interface needs less CPU per request depends on the server: on granian bare WSGI needed less "
                "than bare ASGI, on gunicorn it needed more.",
                better(*BARE_ON_GRANIAN),
                worse(*BARE_ON_GUNICORN),
            ),
            sentence(
                "WSGI needed less CPU per request wherever the two were compared.",
                *(better(*pair) for pair in EVERYWHERE),
            ),
            sentence(
                "WSGI needed no less CPU per request, wherever the two were compared.",
                *(not_better(*pair) for pair in EVERYWHERE),
            ),
        ),
        load=Load("Json", seconds=0.9),
    ),
    Experiment(
        name="basic-latency",
        title="The basic request: how long it takes",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        rule=Rule.ONE_CASE,
        method="The median response time of GET /json for a single client, on the same rows as what it costs. The "
        "client's own time is in every figure, so true ratios are further from 1.",
        held_equal="the same bytes, one connection",
        not_so_if="in no case WSGI answers sooner",
        arms=rows(*FRAMEWORKS, *BARE),
        contrasts=everywhere("p50_ms"),
        sentences=(
            sentence(
                "Which interface is faster for a single client depends on the server: on granian bare WSGI was faster "
                "than bare ASGI, on gunicorn it was slower.",
                better(*BARE_ON_GRANIAN),
                worse(*BARE_ON_GUNICORN),
            ),
            sentence(
                "Which interface is faster for a single client depends on the server: on granian Flask was faster "
                "than FastAPI, on gunicorn it was slower.",
                better(*ON_GRANIAN),
                worse(*ON_GUNICORN),
            ),
            sentence(
                "For a single client WSGI was faster wherever the two were compared.",
                *(better(*pair) for pair in EVERYWHERE),
            ),
            sentence(
                "For a single client WSGI was no faster, wherever the two were compared.",
                *(not_better(*pair) for pair in EVERYWHERE),
            ),
        ),
        load=Load("Json", 1, seconds=0.9),
    ),
    Experiment(
        name="cpu-bound",
        title="Work for the CPU",
        claim="WSGI serves CPU-bound work faster than ASGI.",
        source=ARTICLE,
        rule=Rule.EVERY_SERVER,
        method="Four clients ask for 10,000 rounds of pure Python, which FastAPI does in `def`, on its threads: "
        "throughput, on the two servers that speak both "
        "interfaces; beside them the usual servers, and uWSGI.",
        held_equal="the same work, one worker each; FastAPI runs it in its thread pool (`def`), as its guide says",
        not_so_if="on no server Flask serves more",
        arms=rows(*FRAMEWORKS),
        contrasts=(
            *on_each_server("throughput"),
            *(Contrast(*pair, "cpu_us", decides=False) for pair in (ON_GRANIAN, ON_GUNICORN)),
        ),
        sentences=(
            *by_server(
                "did more of the work in the same time than FastAPI", "did no more of it in the same time", BUSY
            ),
            sentence(
                "On granian and on gunicorn Flask and FastAPI did as much of the work in the same time.",
                alike(*ON_GRANIAN),
                alike(*ON_GUNICORN),
                because=BUSY,
            ),
            sentence(
                "On granian and on gunicorn Flask did no more of the work in the same time than FastAPI.",
                not_better(*ON_GRANIAN),
                not_better(*ON_GUNICORN),
                because=BUSY,
            ),
        ),
        load=Load("Cpu", 4, seconds=0.9),
    ),
    Experiment(
        name="cpu-neighbour",
        title="Work for the CPU: the neighbours",
        claim="Beside CPU-bound work, WSGI serves others faster than ASGI.",
        source=ARTICLE,
        rule=Rule.EVERY_SERVER,
        method="Four clients ask for 100,000 rounds of pure Python (some 15 ms), which FastAPI does in `def`, on its "
        "threads; meanwhile a neighbour asks for GET /json 25 times a second, on the servers of the experiment before. "
        + VICTIM_PROBE,
        held_equal="the same work, one worker each; FastAPI runs it in its thread pool (`def`), as its guide says",
        not_so_if="on no server Flask's neighbours wait less",
        arms=rows(*FRAMEWORKS),
        contrasts=on_each_server("probe_p95_ms"),
        sentences=(
            *by_server("let its neighbour wait less than FastAPI", "did not"),
            sentence(
                "On granian and on gunicorn Flask's neighbour waited longer than FastAPI's.",
                worse(*ON_GRANIAN),
                worse(*ON_GUNICORN),
            ),
            sentence(
                "On granian Flask's neighbour waited longer than FastAPI's; on gunicorn it waited no less.",
                worse(*ON_GRANIAN),
                not_better(*ON_GUNICORN),
            ),
            sentence(
                "On granian and on gunicorn Flask let its neighbour wait no less than FastAPI.",
                not_better(*ON_GRANIAN),
                not_better(*ON_GUNICORN),
            ),
        ),
        load=Load("Cpu", 4, seconds=3.0, least_s=2.0, probe_rate=25, options={"rounds": 100_000}),
    ),
)
