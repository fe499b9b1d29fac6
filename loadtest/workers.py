"""Who may be a worker: whoever knows the secret. Locust's own port takes anybody, and one message can make it deaf.

The secret gives the master its key of CURVE, ZeroMQ's encryption, whose greeting nobody can write who does not know
the key. So a stranger sends nothing that the master reads, nor does a strange master reach a worker.
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import zmq
from locust.exception import RPCError
from locust.rpc import zmqrpc
from locust.rpc.protocol import Message
from locust.runners import MasterRunner
from zmq.utils import z85

logger = logging.getLogger(__name__)


def secret() -> str:
    """SystemExit where there is none."""
    if given := os.environ.get("WORKER_SECRET"):
        return given
    if file := os.environ.get("WORKER_SECRET_FILE"):
        return Path(file).read_text()
    raise SystemExit("Locust's master and its workers need the same secret: set WORKER_SECRET for all of them")


def master_keys() -> tuple[bytes, bytes]:
    """Public and secret, the same wherever the secret is known; scrypt makes guessing it slow."""
    private = z85.encode(hashlib.scrypt(secret().encode(), salt=b"wsgi-asgi-lab workers", n=2**14, r=8, p=1, dklen=32))
    return zmq.curve_public(private), private


def locked(make: Any) -> Any:
    """`make`, Locust's own constructor of its sockets, with the lock put on before the socket is bound or connected."""

    def make_locked(self: zmqrpc.BaseSocket, kind: int, ipv4_only: bool) -> None:
        make(self, kind, ipv4_only)
        public, private = master_keys()
        if kind == zmq.ROUTER:  # the master's
            self.socket.curve_server = True
            self.socket.curve_publickey, self.socket.curve_secretkey = public, private
        else:
            self.socket.curve_serverkey = public
            self.socket.curve_publickey, self.socket.curve_secretkey = zmq.curve_keypair()

    return make_locked


class Server(zmqrpc.Server):
    """The master's socket: what is no message, or comes in another worker's name, is logged and dropped."""

    def recv_from_client(self) -> tuple[str, Message]:
        while True:
            try:
                parts = self.socket.recv_multipart()
            except zmq.ZMQError as error:
                raise RPCError("ZMQ network broken") from error  # Locust makes itself another socket
            try:
                sender, content = parts[0].decode(), parts[1]
                message = Message.unserialize(content)
                if message.node_id == sender and isinstance(message.type, str):
                    return sender, message
                logger.error(f"Dropped a message of {sender} in the name of {message.node_id!r}")
            except Exception as error:  # msgpack and Locust raise a dozen kinds
                logger.error(f"Dropped what was no message: {error!r}")


def handle(handler: Any) -> Any:
    """Locust's handler, which ends the listening for good when a message has not the fields that it expects."""

    def handle_any(self: MasterRunner, client_id: str, message: Message) -> None:
        try:
            handler(self, client_id, message)
        except Exception:
            logger.exception(f"Dropped a message {message.type!r} of {client_id}")

    return handle_any


def install() -> None:
    zmqrpc.BaseSocket.__init__ = locked(zmqrpc.BaseSocket.__init__)  # type: ignore[method-assign]  # there is no hook
    MasterRunner.handle_message = handle(MasterRunner.handle_message)  # type: ignore[method-assign]  # …
    zmqrpc.Server = Server  # type: ignore[misc]  # nor here
