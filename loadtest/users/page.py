"""Clients that speak HTTP/2: a page of many small assets, beside six connections of HTTP/1.1, and who hears it."""

import json
import logging
import time
from typing import Any, ClassVar

import httpx
from gevent.pool import Pool
from locust import task

from loadtest import relay, targets
from loadtest.users.requests import waited
from loadtest.users.row import OnRow, WrongAnswer, check_answer, check_time

ASSETS = 100
TIMEOUT_S = 60
KEEP_ALIVE_S = 75  # as a browser keeps idle connections, and nginx; httpx alone would drop them after 5 s

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request


class Page(OnRow):
    """Loads the page again and again on warm connections; a page is one request in the statistics."""

    abstract = True
    uses: ClassVar[tuple[str, ...]] = ("asset_ms", "round_trip_ms")
    client_options: ClassVar[dict[str, Any]]
    protocol: str
    at_once: int
    connections: int

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        # HTTP/2 is spoken there, whatever --path says
        base = relay.through(targets.url(self.row, "gateway"), self.options.round_trip_ms)
        limits = httpx.Limits(max_connections=self.connections, keepalive_expiry=KEEP_ALIVE_S)
        self.http = httpx.Client(base_url=base, verify=False, timeout=TIMEOUT_S, limits=limits, **self.client_options)  # noqa: S501  (the lab's own certificate)

    @task
    def load(self) -> None:
        began, pool = time.perf_counter(), Pool(self.at_once)
        try:
            errors = [error for error in pool.imap_unordered(self.fetch, range(ASSETS)) if error]
        finally:
            pool.kill()  # where the user is stopped in the middle
        self.report(self.protocol, f"page of {ASSETS}", time.perf_counter() - began, errors[0] if errors else None)

    def fetch(self, number: int) -> Exception | None:
        ms, began = self.options.asset_ms, time.perf_counter()
        try:
            response = self.http.get(f"/wait?ms={ms}&asset={number}")
            if response.http_version != self.protocol:
                raise WrongAnswer(f"asked for {self.protocol}, got {response.http_version}")
            check_answer(response.status_code, response.content, waited(ms))
            check_time(began, ms)
        except (httpx.HTTPError, OSError) as error:
            return error
        return None

    def on_stop(self) -> None:
        self.http.close()


class PageHttp2(Page):
    """The page of 100 assets over one HTTP/2 connection: all requests at once."""

    protocol = "HTTP/2"
    at_once = ASSETS
    connections = 1
    client_options: ClassVar = {"http2": True, "http1": False}


class PageHttp1(Page):
    """The page of 100 assets over six HTTP/1.1 connections, as a browser would open."""

    protocol = "HTTP/1.1"
    at_once = connections = 6
    client_options: ClassVar[dict[str, Any]] = {}


class Hops(OnRow):
    """Asks over HTTP/2 which protocol the application was asked in: nginx stands between the two."""

    uses: ClassVar[tuple[str, ...]] = ()

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.http = httpx.Client(base_url=targets.url(self.row, "gateway"), verify=False, timeout=TIMEOUT_S, http2=True)  # noqa: S501  (the lab's own certificate)

    @task
    def ask(self) -> None:
        began, error, seen = time.perf_counter(), None, ("", "")
        try:
            seen = self.protocols()
        except (httpx.HTTPError, OSError) as failure:
            error = failure
        took = time.perf_counter() - began
        self.report(seen[0], "/about", took, error)
        if not error:
            self.report(f"app {seen[1]}", "/about, as the application saw it", took, part=True)

    def protocols(self) -> tuple[str, str]:
        """What was spoken on the client's hop, and on the application's."""
        response = self.http.get("/about")
        check_answer(response.status_code, response.content, lambda body: bool(json.loads(body)["protocol"]))
        return response.http_version, str(response.json()["protocol"])

    def on_stop(self) -> None:
        self.http.close()
