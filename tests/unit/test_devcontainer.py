"""The dev container starts the stack and forwards what it publishes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lab.stack import publishing
from lab.stack.compose_file import ROOT, ComposeFile

CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())


def published() -> set[int]:
    services = ComposeFile(environ={}).services
    return set(services["nginx"].published.values()) | {services["locust"].published[8089]}


def test_it_forwards_the_page_and_locust_where_the_compose_file_publishes_them() -> None:
    assert set(CONTAINER["forwardPorts"]) == published()
    assert set(CONTAINER["portsAttributes"]) == {str(port) for port in published()}
    https = [port for port, about in CONTAINER["portsAttributes"].items() if about.get("protocol") == "https"]
    assert https == [str(ComposeFile(environ={}).services["nginx"].published[8443])]


def test_its_python_is_that_of_the_images() -> None:
    assert f"FROM {CONTAINER['image']}-slim\n" in (ROOT / "services" / "Dockerfile").read_text()


@pytest.mark.parametrize("domain", ["app.example", ""], ids=["in a codespace", "on one's own machine"])
def test_its_commands_start_the_stack_and_trust_the_names_of_its_forwarded_ports(domain: str, tmp_path: Path) -> None:
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$* TRUSTED_HOST=$TRUSTED_HOST"\n')
    make.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environ |= {"CODESPACE_NAME": "odd-name", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": domain} if domain else {}
    said = [
        subprocess.run(["sh", "-c", CONTAINER[name]], env=environ, capture_output=True, text=True, check=True).stdout
        for name in ("postCreateCommand", "postAttachCommand")
    ]
    trusted = said[1].strip().removeprefix("up TRUSTED_HOST=")
    assert said[0].startswith(".venv/ready ")
    assert said[1].startswith("up ")
    names = publishing.read({"TRUSTED_HOST": trusted}).trusted
    assert set(names) == ({f"odd-name-{port}.{domain}" for port in published()} if domain else set())
