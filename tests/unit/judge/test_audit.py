"""The fairness audit passes rows that run alike, and names what makes one of two slower or faster."""

from typing import Any

import pytest

from lab.judge.audit import AUDIT, differences, unequal_rows
from tests.unit.records import UVICORN, about
from workloads.servers import SHOWN

UVICORN_WORKER: dict[str, Any] = {
    "command": "gunicorn --worker-class variations.uvicorn_worker.PlainWorker --threads 32 app"
}
ASGI_WORKER: dict[str, Any] = {"command": "gunicorn --worker-class asgi app", "interface": "ASGI", "loaded": ["uvloop"]}


@pytest.mark.parametrize("row", ["flask", "granian", "fastapi", "uwsgi"])
def test_the_four_servers_as_compose_starts_them_run_alike(row: str) -> None:
    assert unequal_rows(about(row), about("flask")) is None


@pytest.mark.parametrize(
    ("row", "fault", "said"),
    [
        ("flask", {"settings": {"WEB_CONCURRENCY": "4"}}, "workers 4 against 1"),
        ("granian", {"settings": {"GRANIAN_WORKERS": "4"}}, "workers 4 against 1"),
        ("fastapi", {"settings": {"UVICORN_WORKERS": "4"}}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn --workers 4 app"}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn -w 4 app"}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn -w4 app"}, "workers 4 against 1"),
        ("flask", {"command": "gunicorn --workers 2 --workers 4 app"}, "workers 4 against 1"),
        ("fastapi", {"command": "uvicorn --workers=4 app"}, "workers 4 against 1"),
        (
            "flask",
            {"settings": {"GUNICORN_CMD_ARGS": "--backlog 2048 --keep-alive 60 --workers 4"}},
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
        ("flask", ASGI_WORKER | {"command": "gunicorn -kasgi app"}, "backlog 100 against 2048"),
        ("uwsgi", {"command": "uwsgi --listen 100 app"}, "backlog 100 against 2048"),
        ("fastapi", {"settings": {"UVICORN_WS_PING_INTERVAL": "20"}}, "pings against neither"),
        ("fastapi", {"settings": {"UVICORN_WS_PER_MESSAGE_DEFLATE": "True"}}, "compression against neither"),
        ("flask", {"settings": {"POOL_SIZE": "32"}}, "database pool 32 against 8"),
        # What every request costs more, or less
        ("fastapi", {"settings": {"UVICORN_ACCESS_LOG": "true"}}, "access log on against off"),
        ("fastapi", {"command": "uvicorn --access-log app"}, "access log on against off"),
        ("flask", {"command": "gunicorn --access-logfile - app"}, "access log on against off"),
        ("granian", {"command": "granian --access-log app"}, "access log on against off"),
        ("granian", {"settings": {"GRANIAN_LOG_ACCESS_ENABLED": "1"}}, "access log on against off"),
        ("flask", {"command": "gunicorn --log-syslog app"}, "access log on against off"),
        ("flask", {"command": "gunicorn --log-config log.conf app"}, "access log on against off"),
        ("uwsgi", {"settings": {"UWSGI_DISABLE_LOGGING": "false"}}, "access log on against off"),
        ("flask", {"command": "gunicorn -c elsewhere.py app"}, "settings in a file elsewhere.py against none"),
        ("fastapi", {"settings": {"UVICORN_ENV_FILE": "more.env"}}, "settings in a file more.env against none"),
        ("flask", {"command": "gunicorn --log-level debug app"}, "log level debug against info"),
        ("fastapi", {"settings": {"UVICORN_LOG_LEVEL": "trace"}}, "log level trace against info"),
        ("granian", {"settings": {"GRANIAN_LOG_LEVEL": "debug"}}, "log level debug against info"),
        ("flask", {"command": "gunicorn --threads 8 --keep-alive 2 app"}, "keep-alive 2 s against 60 s"),
        ("flask", {"command": "gunicorn --threads 8 --keep-alive 0 app"}, "keep-alive 0 s against 60 s"),
        ("flask", {"command": "gunicorn --threads 8 --keep-alive 75 app"}, "keep-alive 75 s against 60 s"),
        ("granian", {"command": "granian --no-http1-keep-alive app"}, "keep-alive 0 s against 60 s"),
        ("granian", {"settings": {"GRANIAN_HTTP1_KEEP_ALIVE": "false"}}, "keep-alive 0 s against 60 s"),
        ("uwsgi", {"settings": {"UWSGI_SOCKET_TIMEOUT": "4"}}, "keep-alive 4 s against 60 s"),
        ("fastapi", {"settings": {"UVICORN_TIMEOUT_KEEP_ALIVE": "5"}}, "keep-alive 5 s against 60 s"),
        ("granian", {"settings": {"GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "3000"}}, "keep-alive 3 s against 60 s"),
        ("flask", {"python_mode": "dev_mode"}, "Python mode dev_mode against usual"),
        ("flask", {"settings": {"PYTHONASYNCIODEBUG": "1"}}, "Python mode PYTHONASYNCIODEBUG=1 against usual"),
        ("fastapi", {"settings": {"PYTHONOPTIMIZE": "2"}}, "Python mode PYTHONOPTIMIZE=2 against usual"),
        ("fastapi", {"command": "uvicorn --reload app"}, "reload on against off"),
        ("flask", {"header_bytes": 2100}, "response headers 2100 bytes against 52 bytes"),
        ("fastapi", {"command": "uvicorn --http h11 --loop asyncio app"}, "parser and loop h11, asyncio against"),
        ("fastapi", {"settings": {"UVICORN_HTTP": "h11"}}, "parser and loop h11 against"),
        ("granian", {"command": "granian --loop asyncio app", "interface": "ASGI"}, "parser and loop asyncio against"),
        ("flask", {"command": "gunicorn --http-parser fast app"}, "parser and loop gunicorn_h1c against"),
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


def test_a_worker_that_keeps_no_connection_is_told_apart_and_not_refused() -> None:
    """Nobody can tell gunicorn's sync worker to; an experiment may say that its clients connect anew."""
    sync = about("flask", command="gunicorn --worker-class sync app")
    assert AUDIT["keep-alive"](sync) == "cannot: one request a connection"
    assert unequal_rows(sync, about("flask")) is None
    assert "keep-alive cannot: one request a connection / 60 s" in differences(sync, about("flask"))
    assert AUDIT["keep-alive"](about("flask", command="gunicorn app")) == "cannot: one request a connection"
    assert AUDIT["keep-alive"](about("flask", command="gunicorn --threads 4 app")) == "60 s"  # makes it gthread


def test_uwsgi_keeps_connections_on_a_socket_of_http_1_1_only() -> None:
    settings = about("uwsgi")["settings"]
    other = {name: value for name, value in settings.items() if name != "UWSGI_HTTP11_SOCKET"}
    assert AUDIT["keep-alive"](about("uwsgi") | {"settings": other | {"UWSGI_HTTP_SOCKET": ":8000"}}) == "0 s"


def test_a_backlog_that_so_many_clients_never_fill_is_alike() -> None:
    short = about("flask", **ASGI_WORKER)
    assert unequal_rows(short, about("flask"), clients=100) is None
    assert "backlog 100 against 2048" in str(unequal_rows(short, about("flask"), clients=101))


def test_a_pool_of_another_size_is_refused_unless_the_model_says_so() -> None:
    small = about("flask", {"POOL_SIZE": "4"}, model="40 threads, pool of 4")
    assert unequal_rows(small, about("flask")) is None
    assert "database pool 4 / 8" in differences(small, about("flask"))
    assert unequal_rows(small | {"model": "40 threads"}, about("flask"))
    assert unequal_rows(small | {"model": "40 threads, pool of 40"}, about("flask"))


def test_what_may_explain_a_ratio_stands_beside_it() -> None:
    assert differences(about("flask"), about("flask")) == ""
    assert differences(about("flask"), about("fastapi", json_library="pydantic-core")) == (
        "server gunicorn / uvicorn; HTTP parser python / httptools; event loop none / uvloop; "
        "waits on 8 threads / event loop; JSON library json / pydantic-core"
    )


@pytest.mark.parametrize(
    ("row", "changes", "waits"),
    [
        ("flask", {}, "8 threads"),
        ("flask", {"command": "gunicorn app"}, "one request at a time"),
        ("flask", {"command": "gunicorn --worker-class gevent app"}, "greenlets"),
        ("flask", ASGI_WORKER, "event loop"),
        ("granian", {}, "8 threads"),
        ("granian", {"interface": "ASGI"}, "event loop"),
        ("uwsgi", {}, "128 threads"),
        ("fastapi", {}, "event loop"),
        ("fastapi", {"interface": "WSGI"}, "event loop"),  # through a2wsgi
        ("fastapi", {"server": "hypercorn 0.18", "interface": "WSGI"}, "unknown"),
    ],
)
def test_what_waits_for_clients_is_read_from_the_command(row: str, changes: dict[str, Any], waits: str) -> None:
    assert SHOWN["waits on"](about(row, **changes)) == waits


@pytest.mark.parametrize(
    ("loaded", "parser", "loop"), [([], "h11", "asyncio"), (["httptools", "uvloop"], "httptools", "uvloop")]
)
def test_gunicorn_with_workers_of_uvicorn_parses_and_loops_as_uvicorn(
    loaded: list[str], parser: str, loop: str
) -> None:
    row = about("flask", **UVICORN_WORKER, interface="ASGI", loaded=loaded)
    assert (SHOWN["HTTP parser"](row), SHOWN["event loop"](row), SHOWN["waits on"](row)) == (parser, loop, "event loop")


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


def test_a_parser_or_loop_that_is_not_installed_is_not_taken_for_the_one_that_is() -> None:
    plain = about("fastapi", loaded=[])  # uvicorn without its extra packages: "auto" takes what there is
    assert "parser and loop h11, asyncio against" in str(unequal_rows(plain, about("fastapi")))
    fast = about("flask", loaded=["gunicorn_h1c"])
    assert "parser and loop gunicorn_h1c against" in str(unequal_rows(fast, about("flask")))


@pytest.mark.parametrize(
    ("row", "changes", "parser", "loop"),
    [
        ("flask", {}, "python", "none"),
        ("granian", {}, "hyper", "none"),
        ("fastapi", {}, "httptools", "uvloop"),
        ("fastapi", {"command": "uvicorn --http httptools --loop uvloop app"}, "httptools", "uvloop"),
        ("fastapi", {"command": "uvicorn --http h11 --loop asyncio app"}, "h11", "asyncio"),
        ("flask", ASGI_WORKER, "python", "uvloop"),
        ("uwsgi", {}, "uwsgi", "none"),
        ("flask", {"command": "gunicorn --worker-class gevent app", "loaded": ["gevent"]}, "python", "gevent"),
    ],
)
def test_what_differs_by_nature_is_shown(row: str, changes: dict[str, Any], parser: str, loop: str) -> None:
    shown = about(row, **changes)
    assert (SHOWN["HTTP parser"](shown), SHOWN["event loop"](shown)) == (parser, loop)
