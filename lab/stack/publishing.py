"""Opening the stack to a network: the settings of .env that say to whom, and under which names."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab import LabError
from lab.stack.machine import lan_addresses

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Publishing:
    on: str  # the address on which the gateway and Locust's web UI are published
    trusted: tuple[str, ...]  # further names under which browsers may come
    load_from: tuple[str, ...]  # machines that make load: the gateway does not limit them
    has_login: bool

    @property
    def is_open(self) -> bool:
        """Whether other machines reach it."""
        return not ipaddress.ip_address(self.on).is_loopback

    @property
    def is_everywhere(self) -> bool:
        return ipaddress.ip_address(self.on).is_unspecified

    @property
    def here(self) -> str:
        """The name under which this machine itself reaches it."""
        return self.on if self.is_open and not self.is_everywhere else "localhost"

    def refuse_without_login(self) -> None:
        if self.is_open and not self.has_login:
            raise LabError(f"PUBLISH_ON={self.on} opens Locust's web UI, too: set LAB_UI_PASSWORD, and it asks for it")

    def only_here(self) -> "Publishing":
        """The same for a stack that nobody else is to reach."""
        return replace(self, on=LOOPBACK)

    def listens(self, port: int) -> tuple[str, ...]:
        """Where a server listens that is to be reached there, and from this machine in any case."""
        hosts = (self.on,) if self.is_everywhere or not self.is_open else (LOOPBACK, self.on)
        return tuple(f"{host}:{port}" for host in hosts)

    def addresses(self, here: bool) -> tuple[str, ...]:
        """Under which others come, the best first. Only `here`, outside of containers, does one see the machine's."""
        if not self.is_open:
            return ()
        own = (lan_addresses() if here else ()) if self.is_everywhere else (self.on,)
        return (*self.trusted, *own)


def room(addresses: Sequence[str], port: int) -> str:
    """The page that phones open; empty where no address is known."""
    return f"http://{addresses[0]}:{port}/room.html" if addresses else ""


def read(variables: Mapping[str, str]) -> Publishing:
    """LabError where a setting is none."""
    return Publishing(
        on=address("PUBLISH_ON", variables.get("PUBLISH_ON") or LOOPBACK),
        trusted=tuple(map(name, listed(variables, "TRUSTED_HOST"))),
        load_from=tuple(address("LOAD_FROM", one) for one in listed(variables, "LOAD_FROM")),
        has_login=bool(variables.get("LAB_UI_PASSWORD")),
    )


def listed(variables: Mapping[str, str], setting: str) -> list[str]:
    return [one.strip() for one in variables.get(setting, "").split(",") if one.strip()]


def address(setting: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise LabError(f"{setting}={text} must be an IPv4 address, such as 192.168.1.7") from error


def name(text: str) -> str:
    """A host's name, which goes into the gateway's configuration and its certificate."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text):
        raise LabError(f"TRUSTED_HOST={text} must be a name such as lab.example, in small letters and without a port")
    return text
