"""The experiments: each a claim put to the test, as data. `lab list` shows them, lab/run/run.py runs them."""

from lab import LabError
from lab.experiments.arguments import ARGUMENTS
from lab.experiments.article import ARTICLE_CLAIMS
from lab.experiments.basic import BASIC_CLAIMS
from lab.experiments.beyond import FURTHER_CLAIMS
from lab.experiments.coroutines import COROUTINES
from lab.experiments.high_load import HIGH_LOAD
from lab.experiments.model import Arm, Contrast, Experiment, Load
from lab.experiments.protocols import PROTOCOL_CLAIMS
from lab.experiments.saturated import SATURATED_CLAIMS
from lab.experiments.traps import TRAPS

__all__ = ["BY_NAME", "DEMO", "EXPERIMENTS", "Arm", "Contrast", "Experiment", "Load", "find"]

EXPERIMENTS = (
    *ARTICLE_CLAIMS,
    *HIGH_LOAD,
    *BASIC_CLAIMS,
    *SATURATED_CLAIMS,
    *PROTOCOL_CLAIMS,
    *FURTHER_CLAIMS,
    *ARGUMENTS,
    *COROUTINES,
    *TRAPS,
)
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}
# A minute's worth of the article's claims.
DEMO = (
    BY_NAME["one-at-a-time"],
    BY_NAME["concurrent"].only(["flask", "flask-40", "flask-gevent", "fastapi"], ["16"]),
    BY_NAME["basic-cost"].only(["wsgi", "asgi-gunicorn", "wsgi-granian", "asgi-granian"], [""]),
)


def find(name: str) -> Experiment:
    """LabError where there is no such experiment."""
    if name not in BY_NAME:
        raise LabError(f"there is no experiment {name}: lab list shows them ({', '.join(BY_NAME)})")
    return BY_NAME[name]
