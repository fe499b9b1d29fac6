"""Puts load on rows, one block after the other, with Locust as a library; a process of its own.

    python -m lab.blocks < blocks.jsonl > raw.jsonl

Reads a block a line, runs it, and writes what came out as a line of JSON. The parent pins it to the generator's
CPUs. Locust patches the standard library for gevent, so nothing else may live in this process.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import gevent
from locust import FastHttpUser, User, task  # first: it patches sockets and threads before anything else takes them
from locust.env import Environment

import meter
from loadtest import precision, targets, users

DRAIN_S = 60  # how long requests in flight may take when a block ends, before they are cut off


class Bare(FastHttpUser):
    """What Locust itself can do: the yardstick for the suite's own users (lab/bench.py)."""

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options
        self.host = targets.url(environment.parsed_options.rows[0], "direct")
        super().__init__(environment)

    @task
    def get(self) -> None:
        self.client.get("/json")


def main() -> None:
    precision.install()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


def run(block: dict[str, Any]) -> dict[str, Any]:
    """One row under one load. Times in the histogram are in ms; `cpu_ns` is the row's, over `seconds`.

    The first `warm_up` seconds are not counted. Throughput and CPU are those of the window; the histogram
    also has the requests that were in flight at its end, or the slowest would be missing.
    """
    user: type[User] = users.SCENARIOS.get(block["user"], Bare)
    environment = Environment(
        user_classes=[user],
        parsed_options=argparse.Namespace(**block["options"], rows=[block["row"]]),
        stop_timeout=DRAIN_S,
    )
    runner = environment.create_local_runner()
    runner.start(block["users"], spawn_rate=block["users"])
    gevent.sleep(block["warm_up"])
    environment.stats.reset_all()
    before, generator, began = meter.read(meter.tree(block["pid"])), time.process_time_ns(), time.perf_counter()
    gevent.sleep(block["seconds"])
    after, seconds = meter.read(meter.tree(block["pid"])), time.perf_counter() - began
    generator = time.process_time_ns() - generator
    counted, failed = environment.stats.total.num_requests, environment.stats.total.num_failures
    runner.quit()
    gc.collect()  # between blocks, not in the next one
    return {
        "workload": block["workload"],
        "row": block["row"],
        "users": block["users"],
        "seconds": seconds,
        "requests": counted,
        "failures": failed,
        "errors": sorted({error.error for error in environment.stats.errors.values()}),
        "histogram": merged(environment),
        "cpu_ns": after.cpu_ns - before.cpu_ns,
        "generator_cpu_ns": generator,
        "meter": asdict(after),
    }


def merged(environment: Environment) -> dict[float, int]:
    histogram: dict[float, int] = {}
    for ms, count in times(environment):
        histogram[ms] = histogram.get(ms, 0) + count
    return histogram


def times(environment: Environment) -> Iterator[tuple[float, int]]:
    for entry in environment.stats.entries.values():
        yield from entry.response_times.items()


if __name__ == "__main__":
    main()
