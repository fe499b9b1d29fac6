"""Rows that are wrong on purpose: bare ASGI, but for one fault. For tests/e2e/test_judge.py."""

import asyncio
from functools import partial

from protocols.asgi import Receive, Scope, Send, application

MUTE_S = 8
ASKED_ABOUT = ("/health", "/ready", "/about")  # so that the stack starts, and the audit has something to read


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """503 at once: less work than any right answer."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    elif scope["type"] == "lifespan" or scope["path"] in ASKED_ABOUT:
        await application(scope, receive, send)
    else:
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


async def mute(scope: Scope, receive: Receive, send: Send) -> None:
    """Opens every WebSocket, never answers on it, and lets it go in the end, so that clients need not time out."""
    if scope["type"] != "websocket":
        await application(scope, receive, send)
        return
    await send({"type": "websocket.accept"})
    await asyncio.sleep(MUTE_S)
    await send({"type": "websocket.close"})


async def talkative(scope: Scope, receive: Receive, send: Send) -> None:
    """2 KB more headers with every answer."""
    await application(scope, receive, partial(with_more_headers, send))


async def with_more_headers(send: Send, event: dict[str, object]) -> None:
    if event["type"] == "http.response.start":
        event = event | {"headers": [*event["headers"], (b"x-more", b"." * 2048)]}  # type: ignore[misc]  # a list, always
    await send(event)
