"""Clients that ask at a steady rate while something goes wrong, whatever comes back, and what they count."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

PATIENCE_S = 20


@dataclass(frozen=True)
class Ask:
    """One address: what is sent, and whether an answer that is no failure is right."""

    path: str
    method: str = "GET"
    right: Callable[[httpx.Response], bool] = lambda answer: answer.status_code == 200


@dataclass
class Count:
    """What came back; times are from when a request was due, so that none hides the wait of another."""

    slow_s: float
    lost: list[str] = field(default_factory=list)  # no answer, or a 5xx that was not awaited
    wrong: list[str] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    @property
    def slow(self) -> int:
        return sum(seconds > self.slow_s for seconds in self.times_s)

    @property
    def prompt(self) -> bool:
        """99 of 100 in time; of fewer, all but one."""
        return self.slow <= max(1, len(self.times_s) // 100)

    def __str__(self) -> str:
        slow = f", {self.slow} later than {self.slow_s:g} s" if self.slow else ""
        return f"{len(self.times_s)} asked, {len(self.lost)} lost, {len(self.wrong)} wrong{slow}"


def total(counts: Mapping[str, Count]) -> Count:
    together = Count(max(count.slow_s for count in counts.values()))
    for count in counts.values():
        together.lost += count.lost
        together.wrong += count.wrong
        together.times_s += count.times_s
    return together


@contextmanager
def probing(
    base: str, asked: Mapping[str, Ask], rate: float = 20, slow_s: float = 1, before_s: float = 1
) -> Iterator[dict[str, Count]]:
    """Asks every address of `asked`, `rate` times a second each, from `before_s` before the block until after it."""
    counts = {name: Count(slow_s) for name in asked}
    over = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=[ask_all(base, asked, counts, rate, over)])
    thread.start()
    try:
        time.sleep(before_s)
        yield counts
        time.sleep(1)
    finally:
        over.set()
        thread.join()


async def ask_all(
    base: str, asked: Mapping[str, Ask], counts: dict[str, Count], rate: float, over: threading.Event
) -> None:
    due = time.monotonic()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx.AsyncClient(base_url=base, timeout=PATIENCE_S, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        while not over.is_set():
            for number, (name, ask) in enumerate(asked.items()):
                at = due + number / len(asked) / rate
                await asyncio.sleep(at - time.monotonic())
                group.create_task(ask_once(client, ask, counts[name], at))
            due += 1 / rate


async def ask_once(client: httpx.AsyncClient, ask: Ask, count: Count, due: float) -> None:
    try:
        answer = await client.request(ask.method, ask.path)
    except httpx.TransportError as error:
        count.lost.append(repr(error))
    else:
        if not ask.right(answer):
            (count.lost if answer.status_code >= 500 else count.wrong).append(f"{answer.status_code} {answer.text}")
    count.times_s.append(time.monotonic() - due)
