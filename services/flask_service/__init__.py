"""The contract on Flask: WSGI, one thread per request."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import flask
from flask import Flask, Response, jsonify
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

import workloads
from flask_service import database
from flask_service.routes import routes
from flask_service.sockets import receiver, sockets
from flask_service.timed import timed

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


READ = "flask_service.read"  # in the environ of a request whose body was read to its end


class CompactJSON(DefaultJSONProvider):
    """The same bytes as FastAPI: no line feed at the end, no sorting, UTF-8 as it is."""

    compact = True
    ensure_ascii = False
    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = self.dumps(self._prepare_response_obj(args, kwargs), separators=(",", ":"))
        return Response(body, mimetype=self.mimetype)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        if len(s) > workloads.MAX_BODY:
            raise workloads.Problem(413)
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:  # Flask answers 400 to a ValueError only
            raise ValueError("nested too deeply") from error


class Request(flask.Request):
    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        length = self.content_length
        if length is None or length > workloads.MAX_BODY:
            # Not for all, in the config: a stream with a limit is read a second time, which makes an echo 5 % dearer.
            # One more than is taken: a body sent without a length is cut here in silence, and `loads` must notice.
            self.max_content_length = workloads.MAX_BODY + 1
        try:
            data = super().get_data(*args, **kwargs)
        except HTTPException:
            raise
        except Exception as error:  # each server has its own for a body that is broken
            raise workloads.Problem(400) from error
        if len(data) <= workloads.MAX_BODY:
            self.environ[READ] = True
        return data


def create_app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.request_class = Request
    app.json = CompactJSON(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # as FastAPI: 405
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": workloads.MAX_BODY, "thread_class": receiver}
    app.url_map.merge_slashes = False  # no redirects
    app.wsgi_app = on_the_wire(app.wsgi_app)  # type: ignore  # as Flask's documentation has it
    app.register_blueprint(routes)
    app.register_blueprint(timed)
    app.register_blueprint(sockets)
    if has_greenlets():  # their event loops would meet in one thread, and all but the first fail
        app.view_functions["routes.wait_async"] = refuse
    app.register_error_handler(workloads.Problem, on_problem)
    app.register_error_handler(HTTPException, on_http_error)
    database.pool.open()
    return app


def on_the_wire(application: "WSGIApplication") -> "WSGIApplication":
    """What an ASGI service does as well: a path is taken as it is, and a body to its end."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("//"):  # Werkzeug would strip a slash
            environ["PATH_INFO"] = "/"  # no route has it
        answer = application(environ, start_response)
        if READ not in environ and (environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ):
            workloads.discard(environ["wsgi.input"])
        return answer

    return serve


def has_greenlets() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")


def refuse() -> Response:
    raise workloads.Problem(501)


def on_problem(error: workloads.Problem) -> Response:
    return problem(error.status, error.detail)


def on_http_error(error: HTTPException) -> Response:
    response = problem(error.code or 500, workloads.HTTP_ONLY if isinstance(error, WebsocketMismatch) else None)
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def problem(status: int, detail: str | None = None) -> Response:
    response = jsonify(workloads.problem(status, detail))
    response.status_code = status
    response.content_type = workloads.PROBLEM_JSON
    return response
