"""Flask with a slowdown of known size: PLANTED_US of CPU time in every request. For lab/calibration.py."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

import flask_service


def create_app() -> Flask:
    app = flask_service.create_app()
    answer: Callable[..., Iterable[bytes]] = app.wsgi_app
    planted_ns = int(float(os.environ["PLANTED_US"]) * 1000)

    def slower(*call: Any) -> Iterable[bytes]:
        ends = time.thread_time_ns() + planted_ns  # CPU time of this thread: what others use does not count
        while time.thread_time_ns() < ends:
            pass
        return answer(*call)

    app.wsgi_app = slower  # type: ignore[assignment,method-assign]  # as Flask's documentation wraps it
    return app
