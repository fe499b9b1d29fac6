"""FastAPI with a slowdown of known size: PLANTED_US of CPU time in every request. For lab/calibration/calibrate.py.

On an event loop, for there it costs no more than itself: a thread that burns CPU makes others wait for the interpreter.
"""

import os
import time

from starlette.types import ASGIApp, Receive, Scope, Send

import fastapi_service


def create_app() -> ASGIApp:
    app = fastapi_service.create_app()
    planted_ns = int(float(os.environ["PLANTED_US"]) * 1000)

    async def slower(scope: Scope, receive: Receive, send: Send) -> None:
        ends = time.thread_time_ns() + planted_ns
        while time.thread_time_ns() < ends:
            pass
        await app(scope, receive, send)

    return slower
