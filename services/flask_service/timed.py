"""Some of the routes once more, below /timed: the answer with when the service began and ended it. For the page."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint

import workloads
from flask_service.routes import cpu, db_read, wait

timed = Blueprint("timed", __name__, url_prefix="/timed")


def with_times(view: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    @wraps(view)
    def measured() -> dict[str, Any]:
        began = time.time()
        return workloads.timed(began, view())

    return measured


for rule, view in {"/wait": wait, "/db": db_read, "/cpu": cpu}.items():
    timed.get(rule)(with_times(view))
