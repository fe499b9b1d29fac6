"""The small apps on FastAPI, and on Starlette without it. Read it beside flask_apps.py."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

import workloads
from variations import MIDDLEWARES, Message, Stopwatch, compact, reload_server


def as_json(body: bytes | str, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


async def health(request: Request) -> Response:
    return as_json(compact({"status": "ok"}))


async def about(request: Request) -> Response:
    framework = "fastapi" if isinstance(request.app, FastAPI) else "starlette"
    protocol = f"HTTP/{request.scope['http_version']}"
    return as_json(compact(workloads.about("ASGI", framework, protocol, request.app.state.json_library)))


async def greeting(request: Request) -> Response:
    return as_json(compact(workloads.GREETING))


def greeting_in_def(request: Request) -> Response:
    return as_json(compact(workloads.GREETING))


async def reload(request: Request) -> Response:
    reload_server()
    return Response()


async def echo(request: Request) -> Response:
    return as_json(compact(await request.json()))


async def echo_validated(message: Message) -> Message:
    return message


async def echo_validated_by_hand(request: Request) -> Response:
    message = Message.model_validate_json(await request.body())
    return as_json(message.model_dump_json())


def starlette(answer: Callable[..., Any] = echo, json_library: str = "json") -> Starlette:
    """The same functions without FastAPI: a body is parsed, and not looked at."""
    gets = [Route(path, handler) for path, handler in (("/health", health), ("/about", about), ("/json", greeting))]
    app = Starlette(routes=[*gets, Route("/echo", answer, methods=["POST"])])
    app.state.json_library = json_library
    return app


def starlette_validated() -> Starlette:
    """A body is validated by Pydantic, which writes the answer, too."""
    return starlette(echo_validated_by_hand, "pydantic-core")


def base(answer: Callable[..., Any] = greeting, json_library: str = "json") -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.json_library = json_library
    app.get("/health")(health)
    app.get("/about")(about)
    app.get("/json")(answer)
    app.post("/reload")(reload)
    return app


def plain() -> FastAPI:
    """A body is parsed, and not looked at."""
    app = base()
    app.post("/echo")(echo)
    return app


def validated() -> FastAPI:
    """A body is validated by Pydantic, and so is the answer: FastAPI's model, and its response model."""
    app = base(json_library="pydantic-core")
    app.post("/echo")(echo_validated)
    return app


def validated_once() -> FastAPI:
    """A body is validated by Pydantic, and the answer is not: FastAPI has no response model."""
    app = base()
    app.post("/echo", response_model=None)(echo_validated)
    return app


def in_def() -> FastAPI:
    """GET /json in `def`: FastAPI runs it in its pool of threads."""
    return base(greeting_in_def)


def hooked() -> FastAPI:
    """MIDDLEWARES functions around every request, as FastAPI's tutorial writes them."""
    app = base()
    for _ in range(MIDDLEWARES):
        add_middleware(app, Stopwatch())
    return app


def add_middleware(app: FastAPI, stopwatch: Stopwatch) -> None:
    @app.middleware("http")
    async def take_time(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        stopwatch.add(began)
        return response


def wrapped() -> FastAPI:
    """MIDDLEWARES pieces of ASGI middleware around the app."""
    app = base()
    for _ in range(MIDDLEWARES):
        app.add_middleware(Timed)
    return app


class Timed:
    def __init__(self, app: ASGIApp) -> None:
        self.app, self.stopwatch = app, Stopwatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        await self.app(scope, receive, send)
        self.stopwatch.add(began)
