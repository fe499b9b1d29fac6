"""Some of the routes once more, below /timed: the answer with when the service began and ended it. For the page."""

import time
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi import APIRouter

import workloads
from fastapi_service.route import Route
from fastapi_service.routes import cpu, db_read, wait, wait_blocking

timed = APIRouter(prefix="/timed", route_class=Route)


def with_times(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """As it is: `async def` stays on the event loop, `def` goes to the thread pool."""

    @wraps(endpoint)
    async def awaited(**parameters: Any) -> dict[str, Any]:
        began = time.time()
        return workloads.timed(began, await endpoint(**parameters))

    @wraps(endpoint)
    def called(**parameters: Any) -> dict[str, Any]:
        began = time.time()
        return workloads.timed(began, endpoint(**parameters))

    return awaited if iscoroutinefunction(endpoint) else called


TIMED: dict[str, Callable[..., Any]] = {"/wait": wait, "/wait/blocking": wait_blocking, "/db": db_read, "/cpu": cpu}
for path, endpoint in TIMED.items():
    # No response model: that of the route itself would refuse the times around its answer.
    timed.get(path, response_model=None)(with_times(endpoint))
