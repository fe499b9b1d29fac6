"""WSGI (PEP 3333), bare: the server calls the application, which returns the body. One call is one request."""

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import workloads
from protocols import Answer, as_json, as_problem

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    try:
        status, content_type, body = answer(environ)
    except workloads.Problem as error:
        status, content_type, body = as_problem(error.status, error.detail)
    if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
        workloads.discard(environ["wsgi.input"])
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    if status == 405:
        headers.append(("Allow", "GET, HEAD"))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def answer(environ: "WSGIEnvironment") -> Answer:
    route = ROUTES.get(environ["PATH_INFO"])
    if route is None:
        return as_problem(404)
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return as_problem(405)
    return route(environ)


def plaintext(environ: "WSGIEnvironment") -> Answer:
    return 200, "text/plain; charset=utf-8", workloads.PLAINTEXT


def greeting(environ: "WSGIEnvironment") -> Answer:
    return as_json(workloads.GREETING)


def wait(environ: "WSGIEnvironment") -> Answer:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    ms = workloads.WAIT_MS.read(query.get("ms", []))
    time.sleep(ms / 1000)  # the worker's thread is held: it can serve nobody else meanwhile
    return as_json({"waited_ms": ms})


def health(environ: "WSGIEnvironment") -> Answer:
    return as_json({"status": "ok"})


def about(environ: "WSGIEnvironment") -> Answer:
    return as_json(workloads.about("WSGI", "", environ["SERVER_PROTOCOL"], "json"))


ROUTES: dict[str, Callable[["WSGIEnvironment"], Answer]] = {
    "/plaintext": plaintext,
    "/json": greeting,
    "/wait": wait,
    "/health": health,
    "/ready": health,
    "/about": about,
}
