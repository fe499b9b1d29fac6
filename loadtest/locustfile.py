"""What `locust --locustfile loadtest/locustfile.py` reads: the user classes, and the fields of the web UI."""

from typing import Any

from locust import events

from loadtest import precision, targets
from loadtest.users import USERS

precision.install()
globals().update({user.__name__: user for user in USERS})  # Locust takes the classes that it finds here


@events.init_command_line_parser.add_listener
def add_fields(parser: Any) -> None:
    parser.add_argument(
        "--rows",
        nargs="+",
        is_multiple=True,
        choices=list(targets.rows()),
        default=["flask", "fastapi"],
        help="Rows under load. With several, users are dealt out to them in turn.",
    )
    parser.add_argument(
        "--path",
        choices=list(targets.PATHS),
        default="gateway",
        help="; ".join(f"{name}: {what}" for name, what in targets.PATHS.items()),
    )
    parser.add_argument("--wait-ms", type=int, default=100, help="Wait: milliseconds the service waits, 0 to 10000.")
    parser.add_argument("--queries", type=int, default=1, help="DbRead: queries per request, 1 to 100.")
    parser.add_argument("--rounds", type=int, default=10_000, help="Cpu: rounds of work per request, 1 to 1000000.")
