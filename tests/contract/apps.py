"""How a test asks an application, and what it means that two answers are alike."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal

Ask = Callable[..., httpx.Response]  # (method, path, content=, headers=); a list as content is sent in chunks

BASE = "http://lab"
OWN = {"server", "date", "connection"}  # headers that are the server's, not the service's


def ask_wsgi(app: Any) -> Ask:
    def with_terminated_input(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "wsgi.input_terminated": True}, start_response)  # as gunicorn and granian say

    client = httpx.Client(transport=httpx.WSGITransport(with_terminated_input, raise_app_exceptions=False))
    thread = ThreadPoolExecutor(1)  # as a server's: no event loop runs in it

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        return thread.submit(client.request, method, BASE + path, **options).result()

    return ask


def ask_asgi(app: Any, portal: BlockingPortal) -> Ask:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False))

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        if isinstance(chunks := options.get("content"), list):
            options["content"] = one_by_one(chunks)
        return portal.call(partial(client.request, method, BASE + path, **options))

    return ask


async def one_by_one(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


class Both:
    """Asks two applications the same and checks that they answer alike, to the byte."""

    def __init__(self, first: Ask, second: Ask) -> None:
        self.first, self.second = first, second

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        one, other = self.first(method, path, **options), self.second(method, path, **options)
        assert shape(one) == shape(other)
        assert one.content == other.content
        return one


def shape(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in OWN}


def detail(answer: httpx.Response, status: int) -> str:
    """What a problem says, after checking that it is one with this status."""
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    return str(problem["detail"])
