"""WebSocket on WSGI: flask-sock takes the socket from the server and keeps the request's thread for its life."""

import re
import socket
from contextlib import suppress
from queue import Queue
from threading import Event, Lock, Thread
from typing import Any

import psycopg
from flask import Blueprint, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

import workloads
from flask_service import database

sockets = Blueprint("sockets", __name__)
sock = Sock()
GOODBYE_S = 1


class Inbox(list[str | bytes]):
    """Messages that the handler has yet to take: simple-websocket would gather them without end."""

    def __init__(self) -> None:
        super().__init__()
        self.room, self.handled = Event(), True

    def append(self, message: str | bytes) -> None:
        if self.handled:
            super().append(message)

    def pop(self, index: Any = -1) -> str | bytes:
        message = super().pop(index)
        if len(self) < workloads.UNREAD_MESSAGES:
            self.room.set()
        return message

    def wait_for_room(self) -> None:
        while self.handled and len(self) >= workloads.UNREAD_MESSAGES:
            self.room.clear()
            if len(self) >= workloads.UNREAD_MESSAGES:
                self.room.wait(workloads.SEND_TIMEOUT_S)

    def end(self) -> None:
        """Nobody takes any more: the client's goodbye may be behind what is there, and is read."""
        self.handled = False
        self.room.set()


class Lost(ConnectionClosed, OSError):  # type: ignore[misc]  # simple-websocket ships no types
    """What a handler takes for the end of its connection, and simple-websocket's own thread, too."""


class Wire:
    """A server's socket as simple-websocket takes it to be: it sends whole messages, each by itself.

    It reads no further ahead than the handler can follow, and lets a client go that does not read what it asked for.
    """

    def __init__(self, sock: socket.socket, inbox: Inbox) -> None:
        self.sock, self.inbox, self.sending = sock, inbox, Lock()
        self.close = sock.close
        sock.settimeout(workloads.SEND_TIMEOUT_S)

    def send(self, data: bytes) -> None:
        try:
            with self.sending:
                self.sock.sendall(data)
        except OSError as error:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
            raise Lost(workloads.CLOSE_ABNORMAL) from error

    def recv(self, size: int) -> bytes:
        self.inbox.wait_for_room()
        while True:
            with suppress(TimeoutError):  # of the sender: there is none for a client that says nothing
                return self.sock.recv(size)


def receiver(target: Any) -> Thread:
    """Where simple-websocket makes its thread: what it reads from and writes to becomes ours."""
    ws = target.__self__
    ws.input_buffer = Inbox()
    ws.sock = Wire(ws.sock, ws.input_buffer)

    def receive() -> None:
        target()
        # It wakes a handler before it notes that the client is gone, which may hold the handler's thread for ever.
        ws.connected = False
        ws.event.set()

    return Thread(target=receive)


def end(ws: Server) -> None:
    """Gives simple-websocket's own thread time to answer a client's close, before gunicorn closes the socket."""
    ws.input_buffer.end()
    ws.thread.join(GOODBYE_S)


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
        end(ws)


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
        end(ws)


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
