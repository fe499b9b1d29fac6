"""Nothing listens to the network, and no container may more than it needs."""

import re
import subprocess

import psutil
import psycopg
import pytest

import meter
from lab.stack.compose_file import ROOT
from tests.e2e.stacks import ComposeDoor, NativeDoor


def test_natively_everything_listens_on_loopback_only(native: NativeDoor) -> None:
    for service in native.native.services:
        listening = {
            connection.laddr.ip
            for process in meter.tree(native.native.pid(service))
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening <= {"127.0.0.1"}, service
        assert listening or service == "locust-worker", f"{service} listens nowhere"


def test_in_containers_everything_is_published_on_loopback_only(compose: ComposeDoor) -> None:
    published = {
        (container["Config"]["Labels"]["com.docker.compose.service"], address["HostIp"])
        for container in compose.containers()
        for addresses in container["NetworkSettings"]["Ports"].values()
        for address in addresses or ()
    }
    assert published == {("nginx", "127.0.0.1"), ("locust", "127.0.0.1")}


def test_no_container_has_root_or_capabilities_or_a_writable_system(compose: ComposeDoor) -> None:
    containers = compose.containers()
    assert len(containers) == len(compose.rows) + 4  # the rows, nginx, PostgreSQL, Locust, its worker
    for container in containers:
        name, host = container["Name"], container["HostConfig"]
        assert container["Config"]["User"].partition(":")[0] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert not host["Privileged"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0 and 0 < host["PidsLimit"] <= 2048, name


CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def reaches(compose: ComposeDoor, service: str, host: str, port: int) -> bool:
    """Whether a process in the service's container can connect to that address."""
    command = ["docker", "compose", "exec", "-T", service, "python", "-c", CONNECT, host, str(port)]
    done = subprocess.run(command, env=compose.environ, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 or re.search(r"gaierror|TimeoutError|OSError: \[Errno", done.stderr), done.stderr
    return done.returncode == 0


def test_the_database_is_reachable_by_the_rows_alone(compose: ComposeDoor) -> None:
    address = compose.address("postgres")
    assert reaches(compose, "flask", "postgres", 5432)
    assert reaches(compose, "flask", address, 5432)
    for service in ("locust", "locust-worker"):
        assert not reaches(compose, service, "postgres", 5432), service
        assert not reaches(compose, service, address, 5432), service


def test_a_worker_of_locust_has_no_way_outside(compose: ComposeDoor) -> None:
    def has_default_route(service: str) -> bool:
        routes = compose.compose("exec", "-T", service, "cat", "/proc/net/route").splitlines()[1:]
        return any(route.split()[1] == "00000000" for route in routes)

    assert has_default_route("locust")
    assert not has_default_route("locust-worker")


def test_natively_the_database_asks_everybody_for_its_password(native: NativeDoor) -> None:
    """Processes share one network: there is no way to keep others from the port."""
    url = native.native.database_url
    with pytest.raises(psycopg.OperationalError, match=r"no password supplied|authentication failed"):
        psycopg.connect(url, passfile="/dev/null")


def test_the_rows_have_equal_cpus_and_memory(compose: ComposeDoor) -> None:
    rows = {row.name for row in compose.rows}
    limits = {
        (host["CpusetCpus"], host["NanoCpus"], host["Memory"])
        for container in compose.containers()
        if container["Config"]["Labels"]["com.docker.compose.service"] in rows
        for host in [container["HostConfig"]]
    }
    assert len(limits) == 1
