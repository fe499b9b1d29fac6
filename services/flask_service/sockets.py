"""WebSocket on WSGI: flask-sock takes the socket from the server and keeps the request's thread for its life."""

import re
from queue import Queue
from threading import Lock, Thread
from typing import Any

import psycopg
from flask import Blueprint, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

import workloads
from flask_service import database

sockets = Blueprint("sockets", __name__)
sock = Sock()
GOODBYE_S = 1  # for simple-websocket's own thread to answer a client's close, before gunicorn closes the socket


def receiver(target: Any) -> Thread:
    """simple-websocket wakes a handler before it notes that the client is gone, which may hold its thread for ever."""

    def receive() -> None:
        target()
        ws = target.__self__
        ws.connected = False
        ws.event.set()

    return Thread(target=receive)


@sockets.before_request
def upgrade_only() -> None:
    if (
        request.headers.get("Upgrade", "").lower() != "websocket"
        or "upgrade" not in request.headers.get("Connection", "").lower()
    ):
        raise workloads.Problem(400, workloads.WEBSOCKET_ONLY)
    version, key = request.headers.get("Sec-WebSocket-Version"), request.headers.get("Sec-WebSocket-Key")
    if not re.fullmatch(workloads.HANDSHAKE, f"{version} {key}"):
        raise workloads.Problem(400, workloads.BAD_HANDSHAKE)
    if "gunicorn.socket" not in request.environ:  # WSGI has no word for it: the server must hand the socket out
        raise workloads.Problem(501)
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)  # no compression, as on the other rows


@sockets.get("/ws/echo")
@sockets.get("/ws/broadcast")
def plain_request() -> str:
    return ""  # never reached: upgrade_only answers


@sock.route("/ws/echo", bp=sockets)
def echo(ws: Server) -> None:
    try:
        while True:
            message = ws.receive()
            if workloads.is_too_big(message):
                ws.close(workloads.CLOSE_TOO_BIG)
                return
            ws.send(message)
    finally:
        ws.thread.join(GOODBYE_S)


@sock.route("/ws/broadcast", bp=sockets)
def broadcast(ws: Server) -> None:
    try:
        client = room.join()
    except workloads.Problem:
        ws.close(workloads.CLOSE_TRY_LATER)
        return
    # Only this thread ever sends on the socket: simple-websocket has no lock of its own.
    Thread(target=deliver, args=(ws, client), daemon=True).start()
    try:
        while True:
            message = ws.receive()
            if refusal := workloads.broadcast_refusal(message):
                client.put(refusal)
            else:
                database.notify(message)
    except workloads.Problem:
        client.put(workloads.CLOSE_TRY_LATER)
    finally:
        room.leave(client)
        client.put(workloads.CLOSE_NORMAL)
        ws.thread.join(GOODBYE_S)


def deliver(ws: Server, client: "Client") -> None:
    try:
        while isinstance(item := client.get(), str):
            ws.send(item)
        ws.close(item)
    except (ConnectionClosed, OSError):
        return  # the client has left; its receiving thread tidies up


Client = Queue[str | int]  # what to send: messages, then a close code


class Room:
    """The broadcast clients of this worker. PostgreSQL carries a message to the rooms of all workers."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.clients: set[Client] = set()
        self.listening = False

    def join(self) -> Client:
        """A new client, listening from now on; Problem 503 where the database is away."""
        client: Client = Queue()
        with self.lock:
            if not self.listening:
                Thread(target=self.listen, args=(database.listen(),), daemon=True).start()
                self.listening = True
            self.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self.clients.discard(client)

    def listen(self, connection: database.Connection) -> None:
        try:
            while True:
                for notice in connection.notifies(timeout=workloads.LISTEN_CHECK_S):
                    self.hand_out(notice.payload)
                connection.execute("")  # only this fails where the server is frozen: it is silent then, too
        except psycopg.OperationalError:
            with self.lock:
                self.listening = False
                lost, self.clients = self.clients, set()
            for client in lost:
                client.put(workloads.CLOSE_TRY_LATER)
        finally:
            connection.close()

    def hand_out(self, message: str) -> None:
        for client in tuple(self.clients):
            if client.qsize() < workloads.BROADCAST_QUEUE:
                client.put(message)
            else:
                self.leave(client)
                client.put(workloads.CLOSE_TRY_LATER)


room = Room()
