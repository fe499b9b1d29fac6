"""The contract on FastAPI: ASGI, one event loop for all requests of a worker."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import workloads
from fastapi_service import database
from fastapi_service.routes import routes
from fastapi_service.sockets import room, sockets
from fastapi_service.timed import timed


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await database.pool.open()
    yield
    room.close()
    await database.pool.close()


def create_app() -> FastAPI:
    # No generated pages and no redirects: the same routes as Flask, and nothing else.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.add_middleware(OnTheWire)
    # The app's own, as in a small app: include_router would make a small request a sixth dearer (make bench-services).
    app.router.routes += [*routes.routes, *sockets.routes, *timed.routes]
    app.add_exception_handler(workloads.Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(Exception, on_failure)
    return app


class OnTheWire:
    """What a WSGI service does as well: a path is taken as it is, and a body to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope.get("path", "").endswith("\n"):  # Starlette ends a route's path with $, which leaves room for it
            scope["path"] = "/"  # no route has it
        if scope["type"] == "http" and workloads.announces_body(scope["headers"]):
            return self.with_body(scope, receive, send)
        return self.app(scope, receive, send)

    def with_body(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        more, left = True, workloads.MAX_DISCARDED

        async def read() -> Message:
            nonlocal more
            message = await receive()
            more = message.get("more_body", False)
            return message

        def answer(message: Message) -> Awaitable[None]:
            return discard_and_answer(message) if more else send(message)

        async def discard_and_answer(message: Message) -> None:
            nonlocal left
            while more and left > 0:
                left -= len((await read()).get("body", b""))
            await send(message)

        return self.app(scope, read, answer)


async def on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, workloads.Problem)
    return problem(error.status, error.detail)


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = problem(error.status_code)
    if error.status_code == 405:  # Starlette names the methods of one route; a path may have several
        same_path = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
        response.headers["Allow"] = ", ".join(sorted({name for r in same_path for name in getattr(r, "methods", ())}))
    return response


async def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["loc"][0] == "query":
        return problem(422, workloads.PARAMETERS[first["loc"][1]].rule)
    if first["type"] == "json_invalid":
        return problem(400)
    return problem(422, workloads.BODY_RULE)


async def on_failure(request: Request, error: Exception) -> JSONResponse:
    return problem(500)


def problem(status: int, detail: str | None = None) -> JSONResponse:
    return JSONResponse(workloads.problem(status, detail), status, media_type=workloads.PROBLEM_JSON)
