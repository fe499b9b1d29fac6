"""What every service of docker-compose.yml must have, so that a broken one harms nothing beside it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from lab.stack.compose_file import ROOT, ComposeFile, expand_all

DOCUMENT = expand_all(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), {})
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
ROWS = {row.name for row in ComposeFile(environ={}).rows}
PUBLISHED = {"nginx", "locust"}
PROTECTION: dict[str, Callable[[dict[str, Any]], object]] = {
    "a system that it cannot write": lambda block: block["read_only"] is True,
    "no capabilities": lambda block: block["cap_drop"] == ["ALL"] and "cap_add" not in block,
    "no way to more": lambda block: block["security_opt"] == ["no-new-privileges:true"] and "privileged" not in block,
    "a limit of memory": lambda block: re.fullmatch(r"\d+[mg]", block["mem_limit"]),
    "a limit of processes": lambda block: 0 < block["pids_limit"] <= 2048,
    "an init that reaps": lambda block: block["init"] is True,
    "networks of its own": lambda block: block.get("network_mode") == "none" or block["networks"],
    "a user that is not root": lambda block: "build" in block or re.fullmatch(r"[1-9]\d*:[1-9]\d*", block["user"]),
    "an image of a version": lambda block: "build" in block or re.search(r":\d", block["image"]),
    "no socket of Docker's": lambda block: "docker.sock" not in str(block.get("volumes")),
    "no place of the host's": lambda block: not {"pid", "ipc", "devices"} & set(block),
}


@pytest.mark.parametrize("what", PROTECTION)
def test_every_service_has(what: str) -> None:
    def has(block: dict[str, Any]) -> bool:
        try:
            return bool(PROTECTION[what](block))
        except KeyError:
            return False

    assert not [name for name, block in SERVICES.items() if not has(block)]


def test_the_images_that_are_built_here_run_as_nobody() -> None:
    users = re.findall(r"^USER (.*)$", (ROOT / "services" / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def test_only_the_gateway_and_locust_are_published_and_on_loopback() -> None:
    published = {name: block["ports"] for name, block in SERVICES.items() if "ports" in block}
    assert set(published) == PUBLISHED
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_only_what_is_published_has_a_way_outside() -> None:
    assert members("outside") == PUBLISHED


def test_only_the_rows_reach_the_database() -> None:
    assert members("database") == ROWS | {"postgres"}
    assert [name for name, block in SERVICES.items() if "secrets:/run" in str(block["volumes"])] == [
        *(name for name in SERVICES if name in ROWS),
        "setup",
        "postgres",
    ]


WRITABLE = {"locust": ["results:/app/results"], "postgres": ["database:/var/lib/postgresql"]}


def test_what_a_container_is_given_it_may_read_only() -> None:
    for name in {*SERVICES} - {"setup"}:
        writable = [volume for volume in SERVICES[name]["volumes"] if not volume.endswith(":ro")]
        assert writable == WRITABLE.get(name, []), name


def members(network: str) -> set[str]:
    return {name for name, block in SERVICES.items() if network in block.get("networks", ())}


def test_the_health_of_a_container_is_checked_at_its_start_and_no_more() -> None:
    """Seen: some twenty checks within ten seconds, on the CPU on which a row was measured, and so every half minute."""
    checks = [each["healthcheck"] for each in SERVICES.values() if "healthcheck" in each]
    assert checks and {each["interval"] for each in checks} == {"8760h"}
