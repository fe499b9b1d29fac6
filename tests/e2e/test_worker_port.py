"""The port of Locust's master, which anybody on its network reaches: a stranger there, and a worker gone mad."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgpack
import pytest
import zmq

from loadtest import workers
from tests.e2e.stacks import ComposeDoor, NativeDoor, Stack
from tests.helpers import until

STRANGER = "stranger_0123"
SILENCE_S = 5  # a worker that is not heard for 3 s is missing


class Master:
    def __init__(self, door: Stack) -> None:
        if isinstance(door, NativeDoor):
            self.port, self.web = door.native.port("locust", 5557), door.native.locust
            self.secret = (door.native.run / "workers" / "secret").read_text()
        else:
            assert isinstance(door, ComposeDoor)
            self.port, self.web = int(door.environ["WORKER_PORT"]), f"http://localhost:{door.environ['LOCUST_PORT']}"
            self.secret = door.compose("exec", "-T", "locust", "cat", "/run/lab/workers/secret")

    def workers(self) -> dict[str, str]:
        """The state of each worker that it hears, by name."""
        answer = httpx.get(f"{self.web}/stats/requests", trust_env=False, timeout=10).json()
        return {worker["id"]: worker["state"] for worker in answer["workers"]}

    def peer(self, name: str, lock: Callable[[zmq.Socket[bytes]], object]) -> zmq.Socket[bytes]:
        peer: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        peer.linger = 0
        peer.setsockopt(zmq.IDENTITY, name.encode())
        lock(peer)
        peer.connect(f"tcp://127.0.0.1:{self.port}")
        return peer


@pytest.fixture(scope="module")
def master(stack: Stack) -> Iterator[Master]:
    master = Master(stack)
    until(lambda: list(master.workers().values()) == ["ready"], what="the stack's own worker")
    yield master
    workers_now = master.workers()
    assert list(workers_now.values()) == ["ready"], workers_now


def key(monkeypatch: pytest.MonkeyPatch, secret: str) -> Callable[[zmq.Socket[bytes]], object]:
    monkeypatch.setenv("WORKER_SECRET", secret)

    def lock(peer: zmq.Socket[bytes]) -> None:
        peer.curve_serverkey = workers.master_keys()[0]
        peer.curve_publickey, peer.curve_secretkey = zmq.curve_keypair()

    return lock


def pack(*fields: Any) -> bytes:
    packed: bytes = msgpack.dumps(fields)
    return packed


def orders(worker: str, me: str) -> list[bytes]:
    """What would register a peer, read the locustfile, remove a real worker, or end the test."""
    return [
        pack("client_ready", -1, me),
        pack("locustfile", {"version": "2.47.0"}, me),
        *(pack(kind, None, worker) for kind in ("client_stopped", "quit", "spawning")),
        pack("heartbeat", {"state": "stopped", "current_cpu_usage": 99}, worker),
    ]


NO_MESSAGES = [
    b"",
    b"\xc1",
    b"\xff" * 100,
    os.urandom(1000),
    b"\x91" * 5000,
    b"\xdd\xff\xff\xff\xff",
    pack("client_ready"),
    pack(1, 2, 3),
    pack([], {}, "x"),
    pack("a", "b", "c", "d"),
    msgpack.dumps(None),
    msgpack.dumps(["client_ready", {"__datetime__": True, "as_str": "never"}, "x"]),
    *(pack(kind, None, STRANGER) for kind in ("client_ready", "stats", "exception", "logs")),
    *(pack(kind, "x", STRANGER) for kind in ("client_ready", "stats", "exception", "logs")),
    *(pack(kind, None, STRANGER) for kind in ("heartbeat", "locustfile", "spawning_complete", "nothing of the kind")),
]


@pytest.mark.parametrize("knows", ["nothing", "another secret"])
def test_a_stranger_is_not_heard(master: Master, knows: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = key(monkeypatch, "a guess, sixteen long") if knows == "another secret" else lambda peer: None
    before = master.workers()
    with master.peer(STRANGER, lock) as peer:
        for content in [*orders(next(iter(before)), STRANGER), *NO_MESSAGES]:
            peer.send(content)
        assert not peer.poll(SILENCE_S * 1000), "the master answers"
    assert master.workers() == before


def test_a_worker_that_says_nonsense_is_not_heeded_and_disturbs_nobody(
    master: Master, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = master.workers()
    with master.peer(STRANGER, key(monkeypatch, master.secret)) as peer:
        for content in [*orders(next(iter(before)), "another"), *NO_MESSAGES]:
            peer.send(content)
        peer.send_multipart([b"", b""])
        time.sleep(SILENCE_S)
        assert before.items() <= master.workers().items()
        peer.send(pack("client_ready", -1, STRANGER))
        until(lambda: STRANGER in master.workers(), what="the master to hear, who knows the secret")
        peer.send(pack("client_stopped", None, STRANGER))
        until(lambda: master.workers() == before)
