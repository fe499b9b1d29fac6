"""Which requests count: the part of each that lies within the measured seconds."""

import math
from collections import Counter

from websocket import WebSocketTimeoutException

from lab.generator.record import Requests
from loadtest import precision

TIMEOUTS = (TimeoutError, WebSocketTimeoutException)


class Window:
    """The requests of one split of a block.

    A request that crosses an edge of the measured seconds counts in part, by the share of its time that lies within.
    Otherwise clients that move in step would make every count jump by as many as they are. Percentiles are of the
    requests that start within, however late they end. Times are those of time.perf_counter, in s.
    """

    def __init__(self) -> None:
        self.began, self.ends = math.inf, math.inf  # of the slice that is being measured
        self.seconds = 0.0  # of all slices
        self.generator_s = 0.0  # CPU time of the generator in them
        self.waited_s = 0.0  # that the generator was ready to run in them, and others ran
        self.connections = 0  # opened in them
        self.answered = 0  # from the start of each slice until it was drained: the row's CPU time went into these
        self.requests = 0.0  # within the seconds
        self.started, self.failures, self.timeouts = 0, 0, 0  # of those that started within
        self.histogram: Counter[float] = Counter()  # ms: count
        self.errors: Counter[str] = Counter()
        self.protocols: set[str] = set()
        self.in_flight_s = 0.0  # the integral of requests in flight, by a clock of our own
        self.reported_s = 0.0  # the same by what the clients report

    def start_slice(self, began: float, seconds: float) -> None:
        self.began, self.ends = began, began + seconds
        self.seconds += seconds

    def add(self, request_type: str, start: float, end: float, exception: Exception | None, entered: float) -> None:
        """Counts a request that was answered. `entered`: when its user began it; `start`: when Locust says it did."""
        self.in_flight_s += self.overlap_s(entered, end)
        self.reported_s += self.overlap_s(start, end)
        if end > start:
            self.requests += self.overlap_s(start, end) / (end - start)
        if self.began <= start < self.ends:
            self.started += 1
            self.histogram[precision.three_digits((end - start) * 1000)] += 1
            self.protocols.add(request_type if "/" in request_type or request_type == "WS" else "HTTP/1.1")
            if exception is not None:
                self.failures += 1
                self.timeouts += isinstance(exception, TIMEOUTS)
                self.errors[str(exception)[:200]] += 1

    def unreported(self, entered: float, until: float = math.inf) -> None:
        """Counts a request of which no client has reported the end as in flight, and as nothing else."""
        self.in_flight_s += self.overlap_s(entered, until)

    def overlap_s(self, start: float, end: float) -> float:
        """How much of a time lies within the measured seconds, in s."""
        return max(min(end, self.ends) - max(start, self.began), 0)

    def result(self) -> Requests:
        return Requests(
            requests=self.requests,
            started=self.started,
            failures=self.failures,
            timeouts=self.timeouts,
            errors=dict(self.errors.most_common(5)),
            in_flight=self.in_flight_s / self.seconds if self.seconds else 0,
            reported_in_flight=self.reported_s / self.seconds if self.seconds else 0,
            protocols=sorted(self.protocols),
            histogram=dict(self.histogram),
        )
