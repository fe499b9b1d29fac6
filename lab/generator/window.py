"""What counts of the requests of a block: the part of each that lies within the measured seconds."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from loadtest import precision


class Window:
    """The requests of a block, or of one half of its slices, of which only what lies within measured seconds counts.

    A request that crosses an edge counts in part, as much as of its time lies within: users in step would else make
    every count jump by as many as they are. Percentiles are of the requests that start within, however late they end.
    Times are time.perf_counter's, in s.
    """

    def __init__(self) -> None:
        self.began, self.ends = math.inf, math.inf  # of the slice that is measured now
        self.seconds = 0.0  # of all slices
        self.generator_s = 0.0  # CPU time of the generator in them
        self.connections = 0  # opened in them
        self.answered = 0  # from the start of each slice until it was drained: what the row's CPU time went into
        self.requests = 0.0  # within the seconds
        self.started, self.started_s, self.failures = 0, 0.0, 0  # of those that started within, s: their response times
        self.histogram: Counter[float] = Counter()  # ms: count
        self.errors: Counter[str] = Counter()
        self.protocols: set[str] = set()
        self.in_flight_s = 0.0  # the integral of requests in flight, by a clock of our own

    def open(self, began: float, seconds: float) -> None:
        self.began, self.ends = began, began + seconds
        self.seconds += seconds

    def add(self, request_type: str, start: float, end: float, exception: Exception | None, entered: float) -> None:
        """A request with its answer. `entered`: when its user began it, `start`: when the load engine says it did."""
        self.in_flight_s += self.within(entered, end)
        if end > start:
            self.requests += self.within(start, end) / (end - start)
        if self.began <= start < self.ends:
            self.started += 1
            self.started_s += end - start
            self.histogram[precision.three_digits((end - start) * 1000)] += 1
            self.protocols.add(request_type if "/" in request_type or request_type == "WS" else "HTTP/1.1")
            if exception is not None:
                self.failures += 1
                self.errors[str(exception)[:200]] += 1

    def unanswered(self, entered: Mapping[Any, float]) -> None:
        """Requests that never got their answer: in flight, and nothing else."""
        self.in_flight_s += sum(self.within(start, math.inf) for start in entered.values())

    def within(self, start: float, end: float) -> float:
        """How much of a time lies within the measured seconds, in s."""
        return max(min(end, self.ends) - max(start, self.began), 0)

    def result(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "started": self.started,
            "failures": self.failures,
            "errors": dict(self.errors.most_common(5)),
            "mean_ms": self.started_s / self.started * 1000 if self.started else None,
            "in_flight": self.in_flight_s / self.seconds if self.seconds else 0,
            "protocols": sorted(self.protocols),
            "histogram": self.histogram,
        }
