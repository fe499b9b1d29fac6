"""The basic request at saturation, by a faster generator than Locust: lab/generator/saturate.py."""

from lab.experiments.basic import (
    BARE,
    BARE_ON_GRANIAN,
    BARE_ON_GUNICORN,
    EVERYWHERE,
    FRAMEWORKS,
    ON_GRANIAN,
    ON_GUNICORN,
    everywhere,
)
from lab.experiments.model import ARTICLE, Contrast, Experiment, Load, rows
from lab.experiments.outcomes import Rule
from lab.experiments.sentences import because, better, measured, not_better, sentence, worse

# wrk, too, is at its end against the bare rows on granian and uWSGI: there only the CPU per request is compared.
SLOWER = (("flask", "fastapi"), ("flask-uwsgi", "fastapi"), ON_GRANIAN, ON_GUNICORN, BARE_ON_GUNICORN)

SATURATED_CLAIMS = (
    Experiment(
        name="basic-saturated",
        title="The basic request: what it costs when asked as fast as wrk can",
        claim="WSGI may be faster for basic request-response cycles.",
        source=ARTICLE,
        rule=Rule.ONE_CASE,
        method="The rows and the requests of what it costs, but from wrk, which uses up their CPU, or nearly, where "
        "Locust keeps the fast ones at two fifths of it at most: CPU time of the service per GET /json, 16 clients in "
        "closed loop. Beside it the throughput, where wrk has room to spare.",
        held_equal="the same bytes, the same number of connections",
        not_so_if="in no case WSGI needs less CPU per request",
        arms=rows(*FRAMEWORKS, *BARE),
        contrasts=(*everywhere("cpu_us"), *(Contrast(*pair, "throughput", decides=False) for pair in SLOWER)),
        sentences=(
            sentence(
                "Asked by wrk, too, it depends on the server: on granian bare WSGI needed less CPU per "
                "request than bare ASGI, on gunicorn it needed more.",
                better(*BARE_ON_GRANIAN),
                worse(*BARE_ON_GUNICORN),
                because=because("So busy they were", measured("utilisation", *BARE_ON_GRANIAN, *BARE_ON_GUNICORN)),
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
        load=Load("Saturated", seconds=1.0, least_s=1.0, warm_up=1.0),
    ),
)
