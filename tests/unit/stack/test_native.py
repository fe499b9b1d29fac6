"""The compose file's terms, translated to processes on loopback."""

import configparser
import os

import pytest

from lab.stack.compose_file import Table
from lab.stack.machine import pin
from lab.stack.native import NativeStack, quote


@pytest.fixture
def stack() -> NativeStack:
    return NativeStack(Table(environ={}))


def environment(stack: NativeStack, service: str) -> dict[str, str]:
    return stack._environment(stack.services[service])


def test_every_server_is_told_its_own_loopback_port(stack: NativeStack) -> None:
    port = stack.port("flask", 8000)
    settings = environment(stack, "flask")
    assert f"--bind 127.0.0.1:{port} " in settings["GUNICORN_CMD_ARGS"]
    assert (settings["UVICORN_HOST"], settings["UVICORN_PORT"]) == ("127.0.0.1", str(port))


def test_a_services_name_becomes_its_loopback_address(stack: NativeStack) -> None:
    assert (
        environment(stack, "flask")["DATABASE_URL"] == f"postgresql://lab@127.0.0.1:{stack.port('postgres', 5432)}/lab"
    )
    worker = environment(stack, "locust-worker")
    assert worker["LOCUST_MASTER_NODE_HOST"] == "127.0.0.1"
    assert worker["LOCUST_MASTER_NODE_PORT"] == str(stack.port("locust", 5557))


def test_no_two_services_share_a_port(stack: NativeStack) -> None:
    ports = [stack.port(row.name, row.port) for row in stack.rows]
    assert len(set(ports)) == len(ports)


def test_published_ports_are_fixed_only_where_they_are_asked_for() -> None:
    assert NativeStack(Table(environ={}), fixed_ports=True).port("nginx", 8443) == 8443
    assert NativeStack(Table(environ={})).port("nginx", 8443) != 8443


def test_further_rows_come_with_their_profile_only(stack: NativeStack) -> None:
    assert "flask-gevent" not in stack.services
    assert "flask-gevent" in NativeStack(Table(environ={}), ("variants",)).services


def test_an_own_database_leaves_the_wheels_out() -> None:
    assert "postgres" not in NativeStack(Table(environ={"DATABASE_URL": "postgresql://elsewhere/lab"})).services


@pytest.mark.parametrize("text", ["plain", "two words", 'a "quote" inside', "100%", "back\\slash", "a,b;c"])
def test_a_quoted_value_survives_supervisords_configuration(text: str) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(f"[program:x]\nenvironment=KEY={quote(text)}")
    from supervisor.datatypes import dict_of_key_value_pairs

    read = dict_of_key_value_pairs(parser["program:x"]["environment"] % {})
    assert read == {"KEY": text}


def test_a_command_is_kept_on_its_cpus_where_the_machine_has_them() -> None:
    mine = min(os.sched_getaffinity(0))
    assert pin(str(mine)) == ["taskset", "--cpu-list", str(mine)]
    assert pin("100000") == []
    assert pin("") == []
