"""The command line: the stack and the load here, the judge in judge_cli.py."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid

from lab import LabError, judge_cli
from lab.stack.compose_file import ROOT, Table
from lab.stack.doors import remote
from lab.stack.machine import pin
from lab.stack.native import NativeStack

console = Console(highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="lab", description="See, measure and settle WSGI versus ASGI.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the stack without Docker and keep it until Ctrl-C")
    up.add_argument("--profile", action="append", default=[], metavar="NAME", help="further rows, as in Compose")
    up.set_defaults(run=lambda options: keep_up(tuple(options.profile)))
    join = commands.add_parser("join", help="run a Locust worker here for the stack of another machine")
    join.add_argument("host", help="where that stack's gateway and Locust master are published")
    join.set_defaults(run=lambda options: join_stack(options.host))
    judge_cli.add_to(commands, console)
    calibrate = commands.add_parser("calibrate", help="how often the judge is wrong, measured in about half an hour")
    calibrate.set_defaults(run=lambda options: run_calibration())
    bench = commands.add_parser("bench-generator", help="our users against Locust's bare FastHttpUser")
    bench.set_defaults(run=lambda options: bench_generator())
    load = commands.add_parser(
        "load",
        help="one load test without the web UI; further options are Locust's: lab load --scenario Wait --users 64",
        add_help=False,
        allow_abbrev=False,
    )
    load.add_argument("--profile", action="append", default=[], metavar="NAME")
    load.set_defaults(run=lambda options: load_rows(tuple(options.profile), options.further))
    options, further = parser.parse_known_args(arguments)
    options.further = further
    if options.further and options.run is not load.get_default("run"):
        parser.error(f"unknown: {' '.join(options.further)}")
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


def load_rows(profiles: tuple[str, ...], arguments: list[str]) -> int:
    others = ("locust", "locust-worker")
    with (
        console.status("starting the stack") as status,
        NativeStack(Table(), profiles, leave_out=others, progress=status.update) as stack,
    ):
        status.stop()
        generator = [*pin(stack.table.services["locust-worker"].cpuset), sys.executable, "-m", "loadtest"]
        process = subprocess.Popen([*generator, *arguments], cwd=ROOT, env=os.environ | stack.targets)
        try:
            return process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)  # Locust drains, and writes what it has
            process.wait()
            raise


def join_stack(host: str) -> int:
    """A worker on this machine. LabError where the other machine's gateway does not say which rows it has."""
    published = Table().services["nginx"].published | Table().services["locust"].published
    with remote(f"https://{host}:{published[8443]}", f"http://{host}:{published[8080]}") as (_, targets):
        locust = [sys.executable, "-m", "locust", "--locustfile", "loadtest/locustfile.py", "--worker"]
        master = ["--master-host", host, "--master-port", str(published[5557])]
        return subprocess.call([*locust, *master], cwd=ROOT, env=os.environ | targets)


def bench_generator() -> int:
    from lab.calibration import bench_generator

    return bench_generator.run(console)


def run_calibration() -> None:
    from lab.calibration import calibrate

    console.print(f"Results: {calibrate.run(console)}")


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
