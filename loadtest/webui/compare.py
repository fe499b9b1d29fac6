"""The Compare tab: the rows side by side while a test runs, and after it. Its page is static/compare.html."""

import socket
from bisect import bisect_right
from typing import Any

import gevent
from flask import Blueprint, Response, jsonify, request
from locust.env import Environment

from loadtest import doubts, targets
from loadtest.figures import SAMPLE_S, WINDOW_S, Sample, Sampler


def serve(environment: Environment, lab: Blueprint) -> None:
    web_ui = environment.web_ui
    assert web_ui and web_ui.app
    sampler: Sampler = environment.sampler  # type: ignore[attr-defined]  # see locustfile.py
    points = Points(sampler)
    reset_stats: Any = web_ui.app.view_functions["locust.reset_stats"]

    def reset() -> str:
        """Locust's button Reset: the figures begin anew with its statistics."""
        answer = reset_stats()
        if sampler.running():
            sampler.begin()
        else:
            sampler.first = None
            sampler.samples.clear()
        return str(answer)

    web_ui.app.view_functions["locust.reset_stats"] = web_ui.auth_required_if_enabled(reset)

    @lab.get("/compare")
    @web_ui.auth_required_if_enabled
    def compare() -> Response:
        return lab.send_static_file("compare.html")

    @lab.get("/compare/figures")
    @web_ui.auth_required_if_enabled
    def figures() -> Response:
        known_run, since = request.args.get("run", type=float), request.args.get("since", 0.0, type=float)
        run = sampler.first.at if sampler.first else None
        return jsonify(
            run=run,  # another one: forget the points of the last
            points=points.after(since if run == known_run else 0),
            lines=sampler.whole(),
            warnings=doubts.warnings(sampler),
            window_s=WINDOW_S,
            **test(environment),
        )

    @lab.get("/compare/rows")
    @web_ui.auth_required_if_enabled
    def rows() -> Response:
        """Which rows have a server that listens."""
        addresses = {name: row["address"] for name, row in targets.rows().items()}
        asked = {name: gevent.spawn(listens, address) for name, address in addresses.items()}
        gevent.joinall(list(asked.values()))
        return jsonify({name: greenlet.value for name, greenlet in asked.items()})


def test(environment: Environment) -> dict[str, Any]:
    runner, options = environment.runner, environment.parsed_options
    assert runner and options
    kind = "closed loop" if options.arrivals == "closed" else f"{options.arrivals} arrivals"
    return {
        "state": runner.state,
        "users": runner.user_count,
        "rows": options.rows,
        "title": f"{options.scenario} · {kind} · path {options.path}",
    }


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


class Points:
    """The points of the charts, each over the last WINDOW_S seconds and computed once, when somebody looks."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.begin: Sample | None = None
        self.known: dict[float, dict[str, Any]] = {}

    def after(self, since: float) -> list[dict[str, Any]]:
        """Those later than `since`, in seconds since the test began."""
        first, samples = self.sampler.first, list(self.sampler.samples)
        if not first:
            return []
        if first is not self.begin:
            self.begin, self.known = first, {}
        times = [sample.at for sample in samples]
        result = []
        for number, last in enumerate(samples[1:], 1):
            if last.at - first.at <= since:
                continue
            if last.at not in self.known:
                gevent.sleep(0)  # the test goes on while these are computed
                before = bisect_right(times, last.at - WINDOW_S + SAMPLE_S / 2, hi=number) - 1
                self.known[last.at] = self.point(samples[max(before, 0)], last) | {"at": last.at - first.at}
            result.append(self.known[last.at])
        return result

    def point(self, before: Sample, last: Sample) -> dict[str, Any]:
        return {"rows": {row: self.now(before, last, row) for row in self.sampler.options.rows}}

    def now(self, before: Sample, last: Sample, row: str) -> dict[str, Any]:
        """What the row does now, over requests of any kind; None where there were none."""
        tally = last.of_row(row).since(before.of_row(row))
        times = {name: tally.percentile(share) for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))}
        return {
            "requests_per_s": tally.requests / (last.at - before.at),
            "errors": tally.failures / tally.requests * 100 if tally.requests else None,
            **(times if tally.requests else dict.fromkeys(times)),
            **self.sampler.cost(before, last, row),
        }
