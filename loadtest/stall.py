"""A stall on purpose: the same stop of the server, seen by closed-loop and by open-loop clients."""

import logging
import urllib.error
import urllib.request
from typing import Any

import gevent

from loadtest import targets

EVERY_S = 5


def run(options: Any) -> None:
    """Every EVERY_S seconds blocks the event loop of the FastAPI rows under load for --stall-ms."""
    rows = [row for row in options.rows if targets.rows()[row]["framework"] == "FastAPI"]
    if options.stall_ms and not rows:
        logging.warning("--stall-ms blocks an event loop: no row under load has FastAPI's route for that")
    while options.stall_ms and rows:
        gevent.sleep(EVERY_S)
        gevent.joinall([gevent.spawn(block, row, options.stall_ms) for row in rows])


def block(row: str, ms: int) -> None:
    try:
        urllib.request.urlopen(f"{targets.url(row, 'direct')}/wait/blocking?ms={ms}", timeout=60).close()  # noqa: S310  (from rows.json)
    except (urllib.error.URLError, OSError) as error:
        logging.warning("%s could not be stalled: %s", row, error)
