"""ASGI 3.0, bare: server and application exchange events, so one call may wait without holding anything.

The same routes as wsgi.py, in the same order. WebSocket is one more scope type: here its echo, too.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import workloads
from protocols import Answer, as_json, as_problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await http(scope, receive, send)


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        status, content_type, body = await answer(scope)
    except workloads.Problem as error:
        status, content_type, body = as_problem(error.status, error.detail)
    if workloads.announces_body(scope["headers"]):
        await discard(receive)
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def discard(receive: Receive) -> None:
    more, left = True, workloads.MAX_DISCARDED
    while more and left > 0:
        message = await receive()
        more, left = message.get("more_body", False), left - len(message.get("body", b""))


async def answer(scope: Scope) -> Answer:
    route = ROUTES.get(scope["path"])
    if route is None:
        return as_problem(404)
    if scope["method"] not in ("GET", "HEAD"):
        return as_problem(405)
    return await route(scope)


async def plaintext(scope: Scope) -> Answer:
    return 200, "text/plain; charset=utf-8", workloads.PLAINTEXT


async def greeting(scope: Scope) -> Answer:
    return as_json(workloads.GREETING)


async def wait(scope: Scope) -> Answer:
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    ms = workloads.WAIT_MS.read(query.get("ms", []))
    await asyncio.sleep(ms / 1000)  # the event loop is free: it serves others meanwhile
    return as_json({"waited_ms": ms})


async def health(scope: Scope) -> Answer:
    return as_json({"status": "ok"})


async def about(scope: Scope) -> Answer:
    return as_json(workloads.about("ASGI", "", f"HTTP/{scope['http_version']}", "json"))


ROUTES: dict[str, Callable[[Scope], Awaitable[Answer]]] = {
    "/plaintext": plaintext,
    "/json": greeting,
    "/wait": wait,
    "/health": health,
    "/ready": health,
    "/about": about,
}


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    if scope["path"] != "/ws/echo":
        await send({"type": "websocket.close"})  # before the handshake: the client sees 403
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        kind = "bytes" if message.get("text") is None else "text"
        if workloads.is_too_big(message[kind]):
            await send({"type": "websocket.close", "code": workloads.CLOSE_TOO_BIG})
            return
        await send({"type": "websocket.send", kind: message[kind]})


async def lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
