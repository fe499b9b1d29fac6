"""A load that uses up a row's CPU: wrk, a client in C, where Locust leaves a fast row mostly idle.

Part of the generator's own process, and behind the same record. wrk is a package of the system, and never needed: an
experiment that asks for it is left out where it is not.
"""

import argparse
import json
import resource
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import gevent
from geventhttpclient import HTTPClient

from lab.generator import contention
from lab.generator.record import Block, Histogram, Observation, Requests, Schedule
from loadtest import precision, targets
from loadtest.figures import read_meter
from loadtest.users.requests import GREETING
from meter import Reading

SCRIPT = Path(__file__).with_suffix(".lua")
# What Locust's clients send beside Host: one request, whichever generator sends it.
HEADERS = dict(HTTPClient.DEFAULT_HEADERS.items()) | {"Accept-Encoding": "gzip, deflate, br"}
LEAST_S = 1  # wrk counts in whole seconds
LOOKED_AT = 0.9  # of a run: by then it has waited for a CPU as often as it will, and its process can still be read


def lacking() -> str:
    """What to install where wrk is not; empty where it is."""
    if shutil.which("wrk"):
        return ""
    return "it needs wrk, a load generator in C, where the generator runs: apt-get install wrk"


@dataclass(frozen=True)
class Seen:
    """What wrk says of one run."""

    us: int
    requests: int
    bytes: int
    wrong: int  # of an answer that is no copy of the right one; 0 where that was not looked at
    status: int  # above 399
    connect: int
    broken: int  # connections that ended in the middle
    late: int
    times: list[tuple[int, int]]  # response times in µs, and how many

    def errors(self) -> dict[str, int]:
        said = {
            "an answer was not the right one": self.wrong,
            "a status was above 399": self.status,
            "a connection was refused": self.connect,
            "a connection broke off": self.broken,
            "no answer came in time": self.late,
        }
        return {text: count for text, count in said.items() if count}


NOT_THERE = Seen(0, 0, 0, 0, 0, 1, 0, 0, [])  # wrk ends at once where nobody listens


class ArmSaturated:
    """A block under way, as lab/generator/process.py has it, with wrk for its clients.

    First every answer is held against the right one. That takes wrk half as long again, so while it is measured an
    answer is held against those by its status, and all together by their length. Where the block has a rate, its
    clients pause between requests, so that together they ask about so often.
    """

    def __init__(self, block: Block, options: argparse.Namespace) -> None:
        self.block, self.row = block, block.row
        self.base = targets.url(self.row, options.path)
        self.held_against, _, _ = self.wrk(LEAST_S, GREETING.decode())
        self.meter: Reading | None = None

    def mean_s(self) -> float:
        return self.held_against.us / 1e6 * self.block.users / max(self.held_against.requests, 1)

    def slice(self, split: int, margin_s: float, seconds: float) -> None:
        """Measures for `seconds`, in whole ones."""
        pause_ms = 1000 * self.block.users / self.block.rate if self.block.rate else 0
        self.seen, self.used_s, self.waited_s = self.wrk(max(round(seconds), LEAST_S), pause_ms=pause_ms)
        reading = read_meter(self.row)
        self.meter = Reading(**reading) if reading else None

    def wrk(self, seconds: int, right: str = "", pause_ms: float = 0) -> tuple[Seen, float, float]:
        """What it saw, and the CPU time that it used and waited for, in s."""
        load = ["--threads", "1", "--connections", str(self.block.users), "--duration", f"{seconds}s"]
        headers = [word for name, value in HEADERS.items() for word in ("--header", f"{name}: {value}")]
        command = ["wrk", *load, *headers, "--script", str(SCRIPT), f"{self.base}/json", "--", right, f"{pause_ms:f}"]
        used_s = children_s()
        # Its standard input is none of ours: gevent would make that block, and no command be heard any more.
        none = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=none, stdout=none, stderr=subprocess.PIPE, text=True)
        before = contention.waits([process.pid])
        gevent.sleep(LOOKED_AT * seconds)
        waited_s = contention.waited_s(before, contention.waits([process.pid])) / LOOKED_AT
        _, said = process.communicate()
        seen = Seen(**json.loads(said)) if process.returncode == 0 else NOT_THERE
        return seen, children_s() - used_s, waited_s

    def collect(self) -> list[Observation]:
        seen, clients = self.seen, self.block.users
        seconds = seen.us / 1e6 or LEAST_S
        errors = Counter(self.held_against.errors()) + Counter(seen.errors())
        if others := of_another_length(self.held_against, seen, clients):
            errors[others] += 1
        times = as_measured(seen, clients)
        reported = sum(us * count for us, count in times.items()) / seen.us if seen.us else 0
        observation = Observation(
            seconds=seconds,
            answered=seen.requests,
            generator_cpus=self.used_s / seconds,
            generator_waits=self.waited_s / seconds if contention.KNOWN else None,
            connections=clients,
            schedule=Schedule(started=0, late=0, queued=0),
            meter=self.meter,
            held=0,
            load=Requests(
                requests=seen.requests,
                started=seen.requests,
                failures=sum(errors.values()),
                timeouts=self.held_against.late + seen.late,
                errors=dict(errors),
                in_flight=reported if self.block.rate else clients,  # without a rate, who has an answer asks at once
                reported_in_flight=reported,
                protocols=["HTTP/1.1"],  # it speaks no other
                histogram=in_ms(times),
            ),
            probe=None,
        )
        return [observation]

    def after_ms(self) -> float | None:
        return None


def children_s() -> float:
    """CPU time of the processes that this one has started, and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_another_length(right: Seen, seen: Seen, clients: int) -> str:
    """Whether answers were longer or shorter than the right ones; the last of each client may be cut."""
    if not right.requests or not seen.requests:
        return "no answer came"
    each = right.bytes / right.requests
    if abs(seen.bytes - seen.requests * each) <= 2 * clients * each:
        return ""
    return f"answers had {seen.bytes / seen.requests:.0f} bytes, and the right ones {each:.0f}"


def as_measured(seen: Seen, clients: int) -> Counter[int]:
    """The response times that were measured: wrk adds those of requests that an open loop would have sent meanwhile.

    For each time from twice the usual one on it has added that time less one usual time, less two, and so on; from the
    longest down, what was added to a time is known before it is its turn.
    """
    times = Counter(dict(seen.times))
    each = seen.requests // clients
    usual = seen.us // each if each else 0
    for longest in sorted(times, reverse=True):
        if usual and longest >= 2 * usual and (count := times[longest]) > 0:
            for added in range(longest - usual, usual, -usual):
                times[added] -= count
    return +times


def in_ms(times: Counter[int]) -> Histogram:
    histogram: Counter[float] = Counter()
    for us, count in times.items():
        histogram[precision.three_digits(us / 1000)] += count
    return dict(histogram)
