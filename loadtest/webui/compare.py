"""The Compare tab: the rows side by side while a test runs, and after it. Its page is static/compare.html."""

import socket
from bisect import bisect_right
from typing import Any

import gevent
from flask import Blueprint, Response, jsonify, request
from locust.env import Environment
from locust.runners import STATE_STOPPED, STATE_STOPPING

from loadtest import doubts, results, targets
from loadtest.figures import SAMPLE_S, WINDOW_S, Sample, Sampler, percentiles


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
        known = request.args.get("run", type=float), request.args.get("what")
        since = request.args.get("since", 0.0, type=float)
        run = sampler.first.at if sampler.first else None
        kinds = sampler.samples[-1].kinds() if sampler.samples else []
        wanted = request.args.get("wanted")
        what = wanted if wanted in kinds else next(iter(kinds), "")
        return jsonify(
            run=run,  # another one, or another kind of request: forget the points of the last
            what=what,
            kinds=kinds,
            points=points.after(since if (run, what) == known else 0, what),
            lines=sampler.whole(),
            warnings=doubts.warnings(sampler),
            window_s=WINDOW_S,
            **test(environment, sampler),
        )

    @lab.get("/compare/rows")
    @web_ui.auth_required_if_enabled
    def rows() -> Response:
        """Which rows have a server that listens."""
        addresses = {name: row["address"] for name, row in targets.rows().items()}
        asked = {name: gevent.spawn(listens, address) for name, address in addresses.items()}
        gevent.joinall(list(asked.values()))
        return jsonify({name: greenlet.value for name, greenlet in asked.items()})


def test(environment: Environment, sampler: Sampler) -> dict[str, Any]:
    runner, options = environment.runner, environment.parsed_options
    assert runner and options
    complete = runner.state != STATE_STOPPED or sampler.ended  # Locust says so before the last figures are there
    return {
        "state": runner.state if complete else STATE_STOPPING,
        "users": runner.user_count,
        "rows": options.rows,
        "title": results.title(options),
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
        self.known: dict[tuple[str, float], dict[str, Any]] = {}

    def after(self, since: float, what: str) -> list[dict[str, Any]]:
        """Those of a kind of request, later than `since`, in seconds since the test began."""
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
            if (what, last.at) not in self.known:
                gevent.sleep(0)  # the test goes on while these are computed
                before = samples[max(bisect_right(times, last.at - WINDOW_S + SAMPLE_S / 2, hi=number) - 1, 0)]
                rows = {row: self.now(before, last, what, row) for row in self.sampler.options.rows}
                self.known[what, last.at] = {"rows": rows, "at": last.at - first.at}
            result.append(self.known[what, last.at])
        return result

    def now(self, before: Sample, last: Sample, what: str, row: str) -> dict[str, Any]:
        """What the row does now; None where there were no such requests."""
        tally = last.of(what, row).since(before.of(what, row))
        return {
            "requests_per_s": tally.requests / (last.at - before.at),
            "errors": tally.failures / tally.requests * 100 if tally.requests else None,
            **percentiles(tally),
            **self.sampler.cost(before, last, row),
        }
