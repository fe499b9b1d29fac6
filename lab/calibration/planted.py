"""FastAPI with a slowdown of known size: PLANTED_US of CPU time in every request. For lab/calibration/calibrate.py.

Where there is a PLANTED_APART, every start of the row draws a slowdown of its own: so much apart from PLANTED_US
(standard deviation, in µs).

On an event loop, because there it costs no more than itself: a thread that burns CPU makes others wait for the
interpreter.
"""

import os
import random
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


def create_app() -> ASGIApp:
    from fastapi_service import (
        create_app,  # here, not above: the service takes the database's address as it is imported
    )

    app = create_app()
    apart = random.gauss(0, float(os.environ.get("PLANTED_APART", 0)))  # seeded anew in every process
    burn = burner(max(float(os.environ["PLANTED_US"]) + apart, 0))

    async def slower(scope: Scope, receive: Receive, send: Send) -> None:
        burn()
        await app(scope, receive, send)

    return slower


def burner(us: float) -> Callable[[], None]:
    """Burns so much CPU time at each call, on average: what one call burns too much, the next burns less.

    Reading the clock takes about as long as what is to be planted, so no single call could be exact. `us` must be more
    than one reading takes.
    """
    wanted_ns = us * 1000
    due_ns = 0.0

    def burn() -> None:
        nonlocal due_ns
        due_ns += wanted_ns
        began = time.thread_time_ns()
        while (burnt := time.thread_time_ns() - began) < due_ns:
            pass
        due_ns -= burnt

    return burn
