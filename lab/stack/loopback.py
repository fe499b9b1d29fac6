"""The compose file's terms, translated: every container's address becomes a port of its own on 127.0.0.1."""

import re
from collections.abc import Mapping
from pathlib import Path

from lab import LabError
from lab.stack.compose_file import Service
from lab.stack.machine import Ports, is_free

HOST = "127.0.0.1"
ANY = "0.0.0.0"  # noqa: S104  (what servers bind in containers: replaced here)


class Loopback:
    """Addresses of these services; with `fixed_ports` what Compose publishes is at the port where it publishes it."""

    def __init__(self, services: Mapping[str, Service], fixed_ports: bool) -> None:
        self._services = services
        published = {
            (name, inside): outside
            for name, service in services.items()
            for inside, outside in service.published.items()
        }
        self._ports = published if fixed_ports else {}
        self._free = Ports(never=published.values())

    def port(self, service: str, container_port: int) -> int:
        """The loopback port that stands for a container's port."""
        key = (service, container_port)
        if key not in self._ports:
            self._ports[key] = self._free.take()
        return self._ports[key]

    def refuse_taken_ports(self) -> None:
        """LabError where somebody else has a port that is published."""
        for (service, _), port in self._ports.items():
            if not is_free(port):
                settings = "HTTPS_PORT, HTTP_PORT, LOCUST_PORT or WORKER_PORT"
                raise LabError(f"port {port} for {service} cannot be had: stop what listens there, or set {settings}")

    def environment(self, service: Service, run: Path) -> dict[str, str]:
        """The service's environment, with what Compose mounts at /run/lab in `run`."""
        result = {}
        for key, value in service.environment.items():
            prefix, _, kind = key.rpartition("_")
            host = service.environment.get(f"{prefix}_HOST")
            if kind == "HOST":
                result[key] = HOST
            elif kind == "PORT" and host:
                result[key] = str(self.port(service.name if host == ANY else host, int(value)))
            else:
                result[key] = self._local(service, value).replace("/run/lab", str(run))
        return result

    def command(self, service: Service) -> list[str]:
        """The service's command: a server may take its address from there only."""
        return [self._local(service, word) for word in service.command]

    def _local(self, service: Service, text: str) -> str:
        """Every HOST:PORT in the text."""

        def address(match: re.Match[str]) -> str:
            owner = service.name if match[1] == ANY else match[1]
            return f"{HOST}:{self.port(owner, int(match[2]))}"

        names = "|".join(map(re.escape, (ANY, *self._services)))
        return re.sub(rf"\b({names}):(\d+)\b", address, text)
