"""WebSocket on ASGI: a part of the interface; a connection costs a task and its memory, no thread."""

import asyncio

import psycopg
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

import workloads
from fastapi_service import database

sockets = APIRouter()


@sockets.api_route("/ws/echo", methods=["GET", "HEAD"])
@sockets.api_route("/ws/broadcast", methods=["GET", "HEAD"])
async def plain_request() -> None:
    raise workloads.Problem(400, workloads.WEBSOCKET_ONLY)


@sockets.websocket("/ws/echo")
async def echo(ws: WebSocket) -> None:
    await ws.accept()
    while (message := await ws.receive())["type"] == "websocket.receive":
        if (text := message.get("text")) is not None:
            await ws.send_text(text)
        else:
            await ws.send_bytes(message["bytes"])


@sockets.websocket("/ws/broadcast")
async def broadcast(ws: WebSocket) -> None:
    await ws.accept()
    try:
        client = await room.join()
    except psycopg.OperationalError:
        await ws.close(workloads.CLOSE_TRY_LATER)
        return
    receiver = asyncio.create_task(receive(ws, client))
    try:
        while isinstance(item := await client.get(), str):
            await ws.send_text(item)
        receiver.cancel()  # granian sends no close while a task receives
        await ws.close(item)
    except (WebSocketDisconnect, RuntimeError):
        return  # the client has left
    finally:
        receiver.cancel()
        room.leave(client)


async def receive(ws: WebSocket, client: "Client") -> None:
    try:
        while (message := await ws.receive())["type"] == "websocket.receive":
            content = message["bytes"] if message.get("text") is None else message["text"]
            if refusal := workloads.broadcast_refusal(content):
                client.put_nowait(refusal)
            else:
                await database.notify(content)
    except workloads.Problem:
        client.put_nowait(workloads.CLOSE_TRY_LATER)
    finally:
        client.put_nowait(workloads.CLOSE_NORMAL)


Client = asyncio.Queue[str | int]  # what to send: messages, then a close code


class Room:
    """The broadcast clients of this worker. PostgreSQL carries a message to the rooms of all workers."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.clients: set[Client] = set()
        self.listener: asyncio.Task[None] | None = None

    async def join(self) -> Client:
        """A new client, listening from now on; psycopg.OperationalError where the database is away."""
        client: Client = asyncio.Queue()
        async with self.lock:
            if self.listener is None:
                self.listener = asyncio.create_task(self.listen(await database.listen()))
            self.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self.clients.discard(client)

    async def listen(self, connection: psycopg.AsyncConnection) -> None:
        try:
            async for notice in connection.notifies():
                for client in tuple(self.clients):
                    if client.qsize() < workloads.BROADCAST_QUEUE:
                        client.put_nowait(notice.payload)
                    else:
                        self.leave(client)
                        client.put_nowait(workloads.CLOSE_TRY_LATER)
        except psycopg.OperationalError:
            self.listener = None
            lost, self.clients = self.clients, set()
            for client in lost:
                client.put_nowait(workloads.CLOSE_TRY_LATER)

    def close(self) -> None:
        if self.listener:
            self.listener.cancel()


room = Room()
