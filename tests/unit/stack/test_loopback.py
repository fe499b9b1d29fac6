"""The compose file's terms, translated to addresses on loopback."""

from pathlib import Path

import pytest

from lab import LabError
from lab.stack.compose_file import ComposeFile
from lab.stack.loopback import Loopback
from lab.stack.machine import Ports, bind

RUN = Path("/tmp/run of a stack")  # noqa: S108  (nothing is written there)
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.fixture
def loopback() -> Loopback:
    return Loopback(ComposeFile(environ={}).services, fixed_ports=False)


def environment(loopback: Loopback, service: str) -> dict[str, str]:
    return loopback.environment(ComposeFile(environ={}).services[service], RUN)


def test_every_server_is_told_its_own_loopback_port(loopback: Loopback) -> None:
    port = loopback.port("flask", 8000)
    settings = environment(loopback, "flask")
    assert f"--bind 127.0.0.1:{port} " in settings["GUNICORN_CMD_ARGS"]
    assert (settings["UVICORN_HOST"], settings["UVICORN_PORT"]) == ("127.0.0.1", str(port))


def test_a_services_name_becomes_its_loopback_address(loopback: Loopback) -> None:
    database = f"postgresql://lab@127.0.0.1:{loopback.port('postgres', 5432)}/lab"
    assert environment(loopback, "flask")["DATABASE_URL"] == database
    worker = environment(loopback, "locust-worker")
    assert worker["LOCUST_MASTER_NODE_HOST"] == "127.0.0.1"
    assert worker["LOCUST_MASTER_NODE_PORT"] == str(loopback.port("locust", 5557))


def test_what_is_mounted_in_containers_lies_in_the_stacks_folder(loopback: Loopback) -> None:
    assert environment(loopback, "flask")["PGPASSFILE"] == f"{RUN}/secrets/pgpass"


def test_published_ports_are_fixed_only_where_they_are_asked_for(loopback: Loopback) -> None:
    fixed = Loopback(ComposeFile(environ={}).services, fixed_ports=True)
    assert fixed.port("nginx", 8443) == 8443
    assert loopback.port("nginx", 8443) != 8443


def test_no_start_of_thousands_gives_a_port_twice_or_one_that_a_connection_could_take() -> None:
    low, high = map(int, EPHEMERAL.read_text().split()) if EPHEMERAL.exists() else (49_152, 65_535)
    services = ComposeFile(environ={}).services
    for _ in range(2_000):
        loopback = Loopback(services, fixed_ports=False)
        ports = [loopback.port(name, port) for name in services for port in (8000, 9100)]
        assert len(set(ports)) == len(ports)
        assert not any(low <= port <= high for port in ports)


def test_stacks_that_run_at_the_same_time_have_no_port_in_common() -> None:
    services = ComposeFile(environ={}).services
    stacks = [Loopback(services, fixed_ports=False) for _ in range(5)]
    ports = [stack.port(name, 8000) for name in services for stack in stacks]
    assert len(set(ports)) == len(ports)


def test_a_port_that_is_published_is_given_to_nobody_else() -> None:
    ports = Ports()
    first, second = ports.take(), ports.take()
    del ports  # the next one has the same
    services = ComposeFile(environ={"HTTPS_PORT": str(first), "LOCUST_PORT": str(second)}).services
    loopback = Loopback(services, fixed_ports=True)
    others = [loopback.port(name, 8000) for name in services]
    assert not {first, second} & set(others)


def test_a_port_on_which_a_server_listens_is_passed_over() -> None:
    ports = Ports()
    taken = ports.take()
    del ports  # the next one has the same
    server = bind(taken, shared=True)
    assert server
    with server:
        server.listen()
        assert Ports().take() != taken


def test_a_published_port_that_somebody_has_is_named_before_anything_starts() -> None:
    ports = Ports()
    names = ("HTTPS_PORT", "HTTP_PORT", "WORKER_PORT", "LOCUST_PORT")
    settings = {name: str(ports.take()) for name in names}
    loopback = Loopback(ComposeFile(environ=settings).services, fixed_ports=True)
    loopback.refuse_taken_ports()
    server = bind(int(settings["LOCUST_PORT"]), shared=True)
    assert server
    with server, pytest.raises(LabError, match=f"port {settings['LOCUST_PORT']} for locust cannot be had"):
        server.listen()
        loopback.refuse_taken_ports()
