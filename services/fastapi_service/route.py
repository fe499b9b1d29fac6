"""What Flask's routes do by themselves and FastAPI's do not: HEAD beside GET, a body checked before it is parsed."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

import workloads

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
JSON_TYPE = re.compile(rb"\s*application/([^;]*\+)?json\s*(;|$)", re.IGNORECASE)  # as Flask takes it


class Route(APIRoute):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.methods and "GET" in self.methods:
            self.methods.add("HEAD")

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        return with_json_body(handle) if self.body_field else handle


def with_json_body(handle: Handler) -> Handler:
    """415, 413 or 400 for a body that cannot be read. FastAPI's own `max_body_size` answers in plain text."""

    async def checked(request: Request) -> Response:
        sent = dict(request.scope["headers"])
        if not JSON_TYPE.match(sent.get(b"content-type", b"")):
            raise workloads.Problem(415)
        length = sent.get(b"content-length", b"")
        if not length.isdigit() or not 0 < int(length) <= workloads.MAX_BODY or b"transfer-encoding" in sent:
            request = Request(request.scope, bounded(request.receive))
            try:
                body = await request.body()
            except ClientDisconnect as error:  # granian's word for a body that is broken, too
                raise workloads.Problem(400) from error
            if not body:
                raise workloads.Problem(400)
        return await handle(request)

    return checked


def bounded(receive: Receive) -> Receive:
    size = 0

    async def read() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > workloads.MAX_BODY:
            raise workloads.Problem(413)
        return message

    return read
