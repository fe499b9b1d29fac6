"""docker-compose.yml as the lab reads it: the one list of what runs."""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from expandvars import expand

from lab import LabError
from lab.stack import publishing
from lab.stack.machine import cpus

ROOT = Path(__file__).parents[2]
# What users set in numbers. Compose itself looks at the rest.
WHOLE_NUMBERS = {
    **dict.fromkeys(("HTTPS_PORT", "HTTP_PORT", "LOCUST_PORT", "WORKER_PORT"), range(1, 65_536)),
    **dict.fromkeys(("WORKERS", "POOL_SIZE"), range(1, 1_000)),
}


@dataclass(frozen=True)
class Service:
    """One service of the compose file; `published` maps a container's port to the host's."""

    name: str
    command: list[str]
    environment: dict[str, str]
    profiles: list[str]
    cpuset: str
    stop_signal: str
    published: dict[int, int]


@dataclass(frozen=True)
class Row(Service):
    """A service that is compared: one with an `x-row` block. It listens on the one port that it exposes."""

    interface: str
    framework: str
    server: str
    model: str
    port: int
    upstream_http: str = "1.1"  # what the gateway speaks with it


class ComposeFile:
    """All services by name. LabError where the file or a variable in it is wrong."""

    def __init__(self, path: Path = ROOT / "docker-compose.yml", environ: Mapping[str, str] = os.environ) -> None:
        # As Compose does: the shell's variables first, then those of .env.
        self.variables = {k: v for k, v in dotenv_values(path.parent / ".env").items() if v} | dict(environ)
        refuse_wrong_numbers(self.variables)
        self.publishing = publishing.read(self.variables)
        try:
            document = expand_all(yaml.safe_load(path.read_text()), self.variables)
            self.services = {name: read_service(name, block) for name, block in document["services"].items()}
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise LabError(f"{path.name} cannot be read: {error!r}") from error
        refuse_twice_published(self.services.values())

    @property
    def rows(self) -> list[Row]:
        return [service for service in self.services.values() if isinstance(service, Row)]


def refuse_wrong_numbers(variables: Mapping[str, str]) -> None:
    """LabError where no service could take one; what is empty has its default, as in Compose."""
    for name, allowed in WHOLE_NUMBERS.items():
        value = variables.get(name)
        if value and not (re.fullmatch("[0-9]{1,9}", value) and int(value) in allowed):
            raise LabError(f"{name}={value} must be a whole number from {allowed[0]} to {allowed[-1]}")


def refuse_twice_published(services: Iterable[Service]) -> None:
    ports = [port for service in services for port in service.published.values()]
    if twice := {port for port in ports if ports.count(port) > 1}:
        raise LabError(f"port {min(twice)} is published twice: give every one of HTTPS_PORT, HTTP_PORT, … its own")


def expand_all(node: Any, variables: Mapping[str, str]) -> Any:
    """The document with `${NAME:-default}` filled in, in its strings only."""
    if isinstance(node, dict):
        return {key: expand_all(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [expand_all(value, variables) for value in node]
    return expand(node, environ=dict(variables)) if isinstance(node, str) and "${" in node else node


def read_service(name: str, block: dict[str, Any]) -> Service:
    environment = block.get("environment", {})
    if isinstance(environment, list):  # names only: passed on from the host
        environment = {}
    environment = {key: str(value) for key, value in environment.items()}
    cpuset = str(block.get("cpuset", ""))
    cpus(cpuset)  # refuses what is none
    fields = {
        "name": name,
        "command": shlex.split(block.get("command", "")),
        "environment": environment,
        "profiles": block.get("profiles", []),
        "cpuset": cpuset,
        "stop_signal": block.get("stop_signal", "SIGTERM").removeprefix("SIG"),
        "published": dict(published(entry) for entry in block.get("ports", [])),
    }
    if "x-row" not in block:
        return Service(**fields)
    ports = block.get("expose", [])
    if environment.get("ROW") != name or "MODEL" not in environment or len(ports) != 1:
        needs = f"ROW: {name} and a MODEL in its environment, and expose one port"
        raise LabError(f"docker-compose.yml: the row {name} must have {needs}")
    return Row(**fields, **block["x-row"], server=fields["command"][0], model=environment["MODEL"], port=int(ports[0]))


def published(entry: str) -> tuple[int, int]:
    match = re.fullmatch(r"[\d.]+:(\d+):(\d+)(/udp)?", entry)
    if not match:
        raise LabError(f"docker-compose.yml: a published port must be ADDRESS:HOST:CONTAINER, not {entry!r}")
    return int(match[2]), int(match[1])
