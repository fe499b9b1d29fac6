"""The command line: `lab up`, `lab demo`."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid

from lab import LabError
from lab.native import NativeStack
from lab.table import Table

console = Console(highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="lab", description="See, measure and settle WSGI versus ASGI.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the stack without Docker and keep it until Ctrl-C")
    up.add_argument("--profile", action="append", default=[], metavar="NAME", help="further rows, as in Compose")
    up.set_defaults(run=lambda options: keep_up(tuple(options.profile)))
    demo = commands.add_parser("demo", help="compare Flask and FastAPI under five loads, in about a minute")
    demo.set_defaults(run=lambda options: compare())
    options = parser.parse_args(arguments)
    for name in (signal.SIGTERM, signal.SIGHUP):  # stop as on Ctrl-C: nothing is left running
        signal.signal(name, lambda number, frame: sys.exit(128 + number))
    try:
        return int(options.run(options) or 0)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def keep_up(profiles: tuple[str, ...]) -> None:
    with (
        console.status("starting") as status,
        NativeStack(Table(), profiles, fixed_ports=True, progress=status.update) as stack,
    ):
        status.stop()
        console.print(places(stack))
        console.print(f"Logs in {stack.run}/logs. Ctrl-C stops everything.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            status.update("stopping")
            status.start()


def compare() -> None:
    from lab import demo  # Locust takes half a second to load, and only this command needs it

    demo.run(console)


def places(stack: NativeStack) -> Grid:
    """Where each thing of the running stack is."""
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_row("the page", f"{stack.https}/", f"or {stack.http}/ without TLS")
    grid.add_row("Locust", f"{stack.locust}/", "load, from a web UI")
    grid.add_row()
    grid.add_row("[bold]rows", "direct", f"or {stack.https}/ROW/")
    for row in stack.rows:
        app = "bare" if row.framework == "none" else row.framework
        grid.add_row(row.name, stack.url(row), f"{row.interface}: {app} on {row.server}, {row.model}")
    return grid
