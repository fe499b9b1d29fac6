"""The stack's commands: `lab up`, `join`, `load`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from lab import LabError
from lab.stack import publishing
from lab.stack.compose_file import ROOT, ComposeFile
from lab.stack.doors import remote
from lab.stack.machine import pin
from lab.stack.native import NativeStack

console = Console(highlight=False)


def keep_up(options: argparse.Namespace) -> None:
    with (
        console.status("starting") as status,
        NativeStack(ComposeFile(), tuple(options.profile), fixed_ports=True, progress=status.update) as stack,
    ):
        status.stop()
        console.print(places(stack))
        warn(stack)
        console.print(f"Logs in {stack.run}/logs. Ctrl-C stops everything.", soft_wrap=True)
        try:
            stack.wait()
        except KeyboardInterrupt:
            status.update("stopping")
            status.start()


def load(options: argparse.Namespace) -> int:
    """One load test without the web UI, on a stack of its own; its exit code."""
    others = ("locust", "locust-worker")
    with (
        console.status("starting the stack") as status,
        NativeStack(ComposeFile(), tuple(options.profile), leave_out=others, progress=status.update) as stack,
    ):
        status.stop()
        warn(stack)
        pinned = pin(stack.compose_file.services["locust-worker"].cpuset)
        return run([*pinned, sys.executable, "-m", "loadtest", *options.further], stack.targets, stack.keep)


def join(options: argparse.Namespace) -> int:
    """A worker on this machine. LabError without the stack's secret, or where it does not say which rows it has."""
    host, compose_file = options.host, ComposeFile()
    secret = compose_file.variables.get("WORKER_SECRET")
    if not secret:
        raise LabError("set WORKER_SECRET here to that stack's: docker compose exec locust cat /run/lab/workers/secret")
    published = compose_file.services["nginx"].published | compose_file.services["locust"].published
    with remote(f"https://{host}:{published[8443]}", f"http://{host}:{published[8080]}") as (_, targets, keeper):
        locust = [sys.executable, "-m", "locust", "--locustfile", "loadtest/locustfile.py", "--worker"]
        master = ["--master-host", host, "--master-port", str(published[5557])]
        return run([*locust, *master], targets | {"WORKER_SECRET": secret}, keeper.keep)


def run(command: list[str], targets: dict[str, str], keep: Callable[[subprocess.Popen[bytes]], object]) -> int:
    """Locust, until it ends; its exit code."""
    # A session of its own: Ctrl-C is for the lab, which hands it on.
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | targets, start_new_session=True)
    keep(process)
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)  # Locust drains, and writes what it has
        process.wait()
        raise


def places(stack: NativeStack) -> Table:
    """Where each thing of the running stack is."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row("the page", f"{stack.https}/", f"or {stack.http}/ without TLS")
    if room := publishing.room(stack.published.addresses(here=True), stack.port("nginx", 8080)):
        grid.add_row("the room", room, "for phones")
    grid.add_row("Locust", f"{stack.locust}/", "load, from a web UI")
    grid.add_row()
    grid.add_row("[bold]rows", "direct", f"or {stack.https}/ROW/")
    for row in stack.rows:
        app = "bare" if row.framework == "none" else row.framework
        grid.add_row(row.name, stack.url(row), f"{row.interface}: {app} on {row.server}, {row.model}")
    return grid


def warn(stack: NativeStack) -> None:
    for line in stack.warnings:
        console.print(line, style="yellow", soft_wrap=True)
