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
        content = message["bytes"] if message.get("text") is None else message["text"]
        if workloads.is_too_big(content):
            await ws.close(workloads.CLOSE_TOO_BIG)
            return
        await (ws.send_text(content) if isinstance(content, str) else ws.send_bytes(content))


@sockets.websocket("/ws/broadcast")
async def broadcast(ws: WebSocket) -> None:
    await ws.accept()
    try:
        client = await room.join()
    except workloads.Problem:
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
        """A new client, listening from now on; Problem 503 where the database is away."""
        client: Client = asyncio.Queue()
        async with self.lock:
            if self.listener is None:
                self.listener = asyncio.create_task(self.listen(await database.listen()))
            self.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self.clients.discard(client)

    async def listen(self, connection: database.Connection) -> None:
        try:
            while True:
                async for notice in connection.notifies(timeout=workloads.LISTEN_CHECK_S):
                    self.hand_out(notice.payload)
                await connection.execute("")  # only this fails where the server is frozen: it is silent then, too
        except psycopg.OperationalError:
            self.listener = None
            lost, self.clients = self.clients, set()
            for client in lost:
                client.put_nowait(workloads.CLOSE_TRY_LATER)
        finally:
            await connection.close()

    def hand_out(self, message: str) -> None:
        for client in tuple(self.clients):
            if client.qsize() < workloads.BROADCAST_QUEUE:
                client.put_nowait(message)
            else:
                self.leave(client)
                client.put_nowait(workloads.CLOSE_TRY_LATER)

    def close(self) -> None:
        if self.listener:
            self.listener.cancel()


room = Room()
