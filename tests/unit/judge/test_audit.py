"""The fairness audit passes rows that run alike, and names what makes one of two slower or faster."""

from typing import Any

import pytest

from lab.judge.audit import AUDIT, SHOWN, unequal_rows
from tests.unit.records import UVICORN, about

ASGI_WORKER = {"command": "gunicorn --worker-class asgi app", "interface": "ASGI"}


@pytest.mark.parametrize("row", ["flask", "granian", "fastapi"])
def test_the_three_servers_as_compose_starts_them_run_alike(row: str) -> None:
    assert unequal_rows(about(row), about("flask")) is None


@pytest.mark.parametrize(
    ("row", "fault", "said"),
    [
        ("flask", {"settings": {"WEB_CONCURRENCY": "4"}}, "workers 4 against 1"),
        ("granian", {"settings": {"GRANIAN_WORKERS": "4"}}, "workers 4 against 1"),
        ("fastapi", {"settings": {"UVICORN_WORKERS": "4"}}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn --workers 4 app"}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn -w 4 app"}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn --workers 2 --workers 4 app"}, "workers 4 against 1"),
        ("fastapi", {"command": "uvicorn --workers=4 app"}, "workers 4 against 1"),
        (
            "flask",
            {"settings": {"GUNICORN_CMD_ARGS": "--backlog 2048 --keep-alive 75 --workers 4"}},
            "workers 4 against 1",
        ),
        ("flask", {"python": "3.13.1"}, "Python 3.13.1 against 3.11.7"),
        ("flask", {"cpus": 2}, "CPUs 2 against 1"),
        ("flask", {"cpu_limit": "100000 100000"}, "CPU limit 100000 100000 against none known"),
        ("flask", {"memory_limit": "536870912"}, "memory limit 536870912 against none known"),
        ("flask", {"command": "gunicorn --backlog 64 app"}, "backlog 64 against 2048"),
        ("fastapi", {"settings": {"UVICORN_BACKLOG": "64"}}, "backlog 64 against 2048"),
        ("granian", {"command": "granian --backlog 256 app"}, "backlog 256 against 2048"),
        ("flask", ASGI_WORKER, "backlog 100 against 2048"),
        ("flask", ASGI_WORKER | {"command": "gunicorn -k asgi --backlog 2048 app"}, "backlog 100 against 2048"),
        ("fastapi", {"settings": {"UVICORN_WS_PING_INTERVAL": "20"}}, "pings against neither"),
        ("fastapi", {"settings": {"UVICORN_WS_PER_MESSAGE_DEFLATE": "True"}}, "compression against neither"),
        ("flask", {"settings": {"POOL_SIZE": "32"}}, "database pool 32 against 8"),
        # What every request costs more, or less
        ("fastapi", {"settings": {"UVICORN_ACCESS_LOG": "true"}}, "access log on against off"),
        ("fastapi", {"command": "uvicorn --access-log app"}, "access log on against off"),
        ("flask", {"command": "gunicorn --access-logfile - app"}, "access log on against off"),
        ("granian", {"command": "granian --access-log app"}, "access log on against off"),
        ("granian", {"settings": {"GRANIAN_LOG_ACCESS_ENABLED": "1"}}, "access log on against off"),
        ("flask", {"command": "gunicorn --log-level debug app"}, "log level debug against info"),
        ("fastapi", {"settings": {"UVICORN_LOG_LEVEL": "trace"}}, "log level trace against info"),
        ("granian", {"settings": {"GRANIAN_LOG_LEVEL": "debug"}}, "log level debug against info"),
        ("flask", {"command": "gunicorn --keep-alive 2 app"}, "keep-alive 2 s against 60 s or more"),
        ("fastapi", {"settings": {"UVICORN_TIMEOUT_KEEP_ALIVE": "5"}}, "keep-alive 5 s against 60 s or more"),
        ("granian", {"settings": {"GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "3000"}}, "keep-alive 3 s against 60 s or more"),
        ("flask", {"python_mode": "dev_mode"}, "Python mode dev_mode against usual"),
        ("flask", {"settings": {"PYTHONASYNCIODEBUG": "1"}}, "Python mode PYTHONASYNCIODEBUG=1 against usual"),
        ("fastapi", {"settings": {"PYTHONOPTIMIZE": "2"}}, "Python mode PYTHONOPTIMIZE=2 against usual"),
        ("fastapi", {"command": "uvicorn --reload app"}, "reload on against off"),
        ("flask", {"header_bytes": 2100}, "response headers 2100 bytes against 52 bytes"),
        ("fastapi", {"command": "uvicorn --http h11 --loop asyncio app"}, "parser and loop h11, asyncio against"),
        ("fastapi", {"settings": {"UVICORN_HTTP": "h11"}}, "parser and loop h11 against"),
        ("granian", {"command": "granian --loop asyncio app", "interface": "ASGI"}, "parser and loop asyncio against"),
        ("flask", {"command": "gunicorn --http-parser fast app"}, "parser and loop fast against"),
    ],
)
def test_the_fairness_audit_names_what_is_not_equal(row: str, fault: dict[str, Any], said: str) -> None:
    reason = unequal_rows(about(row, **fault), about("flask"))
    assert reason and reason.startswith(f"{row} and flask did not run alike: ") and said in reason
    assert reason.count(" against ") == 1  # and nothing else


def test_the_command_beats_the_environment() -> None:
    quiet = about("fastapi", UVICORN | {"UVICORN_ACCESS_LOG": "true"}, command="uvicorn --no-access-log app")
    assert unequal_rows(quiet, about("flask")) is None


def test_a_server_without_settings_has_its_own_defaults() -> None:
    bare = {row: about(row) | {"settings": {}} for row in ("granian", "fastapi")}
    reason = unequal_rows(bare["fastapi"], bare["granian"])
    assert reason and "backlog 2048 against 1024" in reason
    assert "compression and pings against neither" in reason
    assert "access log on against off" in reason
    assert "keep-alive 5 s against 30 s" in reason


def test_a_setting_of_another_server_changes_nothing() -> None:
    one_worker = about("granian", {"WEB_CONCURRENCY": "4"})  # granian does not read it
    assert unequal_rows(one_worker, about("flask")) is None


def test_where_python_lies_and_how_it_writes_makes_no_row_faster() -> None:
    elsewhere = about("flask", {"PYTHONPATH": "/app", "PYTHONUNBUFFERED": "1"})
    assert unequal_rows(elsewhere, about("fastapi")) is None


def test_connections_that_outlive_every_pause_live_alike() -> None:
    """granian knows no more than 60 s, the others are told 75."""
    assert AUDIT["keep-alive"](about("granian")) == AUDIT["keep-alive"](about("flask")) == "60 s or more"


def test_what_cannot_be_known_of_a_server_is_shown_as_unknown_and_refuses_nothing() -> None:
    other = about("fastapi", server="hypercorn 0.18", command="hypercorn app", settings={"POOL_SIZE": "8"})
    other |= {"header_bytes": None}
    assert {name: take(other) for name, take in AUDIT.items() if "unknown" in take(other)}.keys() == {
        "backlog",
        "keep-alive",
        "access log",
        "log level",
        "reload",
        "response headers",
    }
    assert unequal_rows(other, about("flask")) is None


def test_a_row_may_leave_its_servers_own_parser_and_loop_where_its_model_says_so() -> None:
    """So that parsers and loops can be compared on purpose, and never by accident."""
    command = "uvicorn --http h11 --loop asyncio app"
    assert unequal_rows(about("fastapi", command=command, model="event loop: asyncio, h11"), about("fastapi")) is None
    assert unequal_rows(about("fastapi", command=command, model="event loop: asyncio"), about("fastapi"))


@pytest.mark.parametrize(
    ("row", "changes", "parser", "loop"),
    [
        ("flask", {}, "python", "none"),
        ("granian", {}, "hyper", "none"),
        ("fastapi", {}, "httptools", "uvloop"),
        ("fastapi", {"command": "uvicorn --http httptools --loop uvloop app"}, "httptools", "uvloop"),
        ("fastapi", {"command": "uvicorn --http h11 --loop asyncio app"}, "h11", "asyncio"),
        ("flask", ASGI_WORKER, "python", "uvloop"),
    ],
)
def test_what_differs_by_nature_is_shown(row: str, changes: dict[str, Any], parser: str, loop: str) -> None:
    assert [take(about(row, **changes)) for take in SHOWN.values()] == [parser, loop]
