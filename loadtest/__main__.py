"""`python -m loadtest --scenario Wait --rows flask fastapi`: one test without the web UI, its results in a folder.

Takes Locust's options and those of loadtest/options.py; runs for 10 s unless --run-time or --shape says otherwise.
"""

import os
import random
import secrets
import socket
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

LOCUSTFILE = Path(__file__).parent / "locustfile.py"


def main() -> None:
    arguments = sys.argv[1:]
    if {"-h", "--help"}.intersection(arguments):
        show_help()  # Locust would show its own, before it reads of ours
        return
    now = datetime.now().isoformat(timespec="milliseconds").replace(":", "-")  # several may start within a second
    if not any(argument.startswith(("-t", "--run-time", "--shape")) for argument in arguments):
        arguments += ["--run-time", "10s"]
    if any(argument.startswith("--processes") for argument in arguments):  # the web UI's master may have the usual port
        port = str(free_port())
        os.environ |= {"LOCUST_MASTER_BIND_HOST": "127.0.0.1", "LOCUST_MASTER_BIND_PORT": port}
        os.environ |= {"LOCUST_MASTER_NODE_HOST": "127.0.0.1", "LOCUST_MASTER_NODE_PORT": port}
        os.environ["WORKER_SECRET"] = secrets.token_urlsafe(24)
    locust = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--only-summary"]
    locust += [f"--results=results/{now}-load", *arguments]
    os.execv(sys.executable, locust)  # noqa: S606  (becomes Locust: its signals, its exit code)


def free_port() -> int:
    """Below the range from which connections take theirs: nobody gets it by chance before Locust has it."""
    for port in random.sample(range(20_000, 32_000), 1_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    sys.exit("no port is free between 20000 and 32000 for Locust's workers: end what listens there")


def show_help() -> None:
    from locust.argument_parser import LocustArgumentParser

    from loadtest import options

    parser = LocustArgumentParser(
        prog="python -m loadtest",
        usage="%(prog)s [options]",
        epilog="Locust's own options may be given, too, as --users, --run-time and --processes: see locust --help.",
        add_env_var_help=False,
    )
    options.add_to(parser)
    parser.print_help()


if __name__ == "__main__":
    main()
