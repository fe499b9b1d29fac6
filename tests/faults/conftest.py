"""`--reliability` runs the long ones, too, and writes docs/reliability.md from what was counted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.stack.compose_file import ComposeFile
from tests.e2e import stacks
from tests.e2e.stacks import Stack
from tests.faults import table

Tell = Callable[[object], None]
WITH_A_MASTER = ["flask-sync", "flask-gevent", "fastapi-gunicorn", "flask-uwsgi"]
KINDS = [
    "flask",
    "fastapi",
    *WITH_A_MASTER,
    "flask-granian",
    "fastapi-granian",
    "flask-http2",
]  # each kind of worker once


def thoroughly(*values: object) -> list[Any]:
    """Parameters of a test that `make reliability` alone takes."""
    return [pytest.param(value, marks=pytest.mark.thorough) for value in values]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", action="store_true", help="every fault, and the table in docs/reliability.md")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--reliability", False):  # pytest knows it only where these tests are named
        for item in items:
            if item.get_closest_marker("thorough") or item.get_closest_marker("finding"):
                item.add_marker(pytest.mark.skip(reason="takes long: make reliability runs it"))


@pytest.fixture
def tell(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Tell:
    """What a test has counted, for the table."""
    promise, _, how = str(request.function.__doc__).partition("\n\n")
    record_property("promise", promise)
    record_property("how", how)
    record_property("finding", request.node.get_closest_marker("finding") is not None)
    record_property("case", request.node.name.partition("[")[2].rstrip("]"))
    record_property("door", "compose" if "compose" in request.node.name else "native")
    return lambda counted: record_property("counted", str(counted))


@pytest.fixture
def soon_s(request: pytest.FixtureRequest) -> float:
    """What is promised within a second; where the machine may be busy with other tests, what is surely not for ever."""
    return 1 if request.config.getoption("--reliability", False) else 10


rows: list[table.Row] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    told = dict(report.user_properties)
    if report.when == "call" and "promise" in told:
        counted = [str(value) for name, value in report.user_properties if name == "counted"]
        rows.append(
            table.Row(
                promise=str(told["promise"]),
                how=str(told["how"]),
                finding=bool(told["finding"]),
                door=str(told["door"]),
                counted="; ".join(counted) if report.passed else f"**not kept**: {told['case']}",
            )
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--reliability", False) and rows:
        table.write(rows)


@pytest.fixture(scope="session")
def two_workers() -> Iterator[Stack]:
    """A native stack whose rows have two workers each: one row of each kind of worker."""
    others = {row.name for row in ComposeFile().rows} - set(KINDS)
    with stacks.native(WORKERS="2", leave_out=("locust", "locust-worker", *others)) as native:
        yield native
