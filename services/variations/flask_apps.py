"""The small apps on Flask. Read it beside fastapi_apps.py."""

import time
from typing import Any

from flask import Flask, Response, g, request

import workloads
from variations import MIDDLEWARES, Message, Stopwatch, compact, reload_server


def as_json(body: bytes | str, status: int = 200) -> Response:
    return Response(body, status, mimetype="application/json")


def base(json_library: str = "json") -> Flask:
    app = Flask(__name__, static_folder=None)

    @app.get("/health")
    def health() -> Response:
        return as_json(compact({"status": "ok"}))

    @app.get("/about")
    def about() -> Response:
        return as_json(compact(workloads.about("WSGI", "flask", request.environ["SERVER_PROTOCOL"], json_library)))

    @app.get("/json")
    def greeting() -> Response:
        return as_json(compact(workloads.GREETING))

    @app.post("/reload")
    def reload() -> str:
        reload_server()
        return ""

    return app


def plain() -> Flask:
    """A body is parsed, and not looked at."""
    app = base()

    @app.post("/echo")
    def echo() -> Response:
        return as_json(compact(request.get_json()))

    return app


def validated() -> Flask:
    """A body is validated by Pydantic, which writes the answer, too."""
    app = base("pydantic-core")

    @app.post("/echo")
    def echo() -> Response:
        message = Message.model_validate_json(request.get_data())
        return as_json(message.model_dump_json())

    return app


def hooked() -> Flask:
    """MIDDLEWARES pairs of Flask's hooks around every request."""
    app = base()
    for number in range(MIDDLEWARES):
        add_hooks(app, f"began_{number}", Stopwatch())
    return app


def add_hooks(app: Flask, name: str, stopwatch: Stopwatch) -> None:
    @app.before_request
    def begin() -> None:
        setattr(g, name, time.perf_counter())

    @app.after_request
    def end(response: Response) -> Response:
        stopwatch.add(getattr(g, name))
        return response


def wrapped() -> Flask:
    """MIDDLEWARES pieces of WSGI middleware around the app."""
    app = base()
    for _ in range(MIDDLEWARES):
        app.wsgi_app = Timed(app.wsgi_app)  # type: ignore[method-assign]  # as Flask's documentation has it
    return app


class Timed:
    def __init__(self, application: Any) -> None:
        self.application, self.stopwatch = application, Stopwatch()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        began = time.perf_counter()
        answer = self.application(environ, start_response)
        self.stopwatch.add(began)
        return answer
