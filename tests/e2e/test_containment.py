"""Nothing listens to the network, and no container may more than it needs."""

import psutil

import meter
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


def test_the_rows_have_equal_cpus_and_memory(compose: ComposeDoor) -> None:
    rows = {row.name for row in compose.rows}
    limits = {
        (host["CpusetCpus"], host["NanoCpus"], host["Memory"], host["PidsLimit"])
        for container in compose.containers()
        if container["Config"]["Labels"]["com.docker.compose.service"] in rows
        for host in [container["HostConfig"]]
    }
    assert len(limits) == 1
