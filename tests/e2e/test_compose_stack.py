"""Compose stacks of other shapes: behind a company's proxy, with settings and files that cannot be."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lab.stack.compose_file import ROOT
from tests.e2e import stacks

PROJECT = "wsgi-asgi-lab-test-shapes"


@pytest.fixture(autouse=True)
def docker() -> None:
    if not stacks.docker_runs():
        assert not os.environ.get("CI"), "CI must run the Docker tests, and `docker info` fails"
        pytest.skip("`docker info` fails: no Docker here, or its engine does not run")


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    with stacks.compose_project(PROJECT) as environ:
        yield environ


def up(environ: dict[str, str], *arguments: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    command = ["docker", "compose", *stacks.UP_BUILT, *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


def what_setup_said(environ: dict[str, str]) -> str:
    return stacks.run(["docker", "compose", "logs", "--no-log-prefix", "setup"], environ).strip()


def test_a_proxy_in_dockers_own_configuration_does_not_come_between(environ: dict[str, str], tmp_path: Path) -> None:
    stacks.run(["docker", "compose", "build", "--quiet"], environ)  # this may need the network, and its proxy
    for file in Path(environ.get("DOCKER_CONFIG", "~/.docker")).expanduser().glob("[!c]*"):  # but config.json
        (tmp_path / file.name).symlink_to(file)
    nowhere = dict.fromkeys(("httpProxy", "httpsProxy"), "http://127.0.0.1:1")
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": nowhere}}))
    behind = environ | {"DOCKER_CONFIG": str(tmp_path)}
    needed = ("flask", "fastapi", "postgres", "nginx", "locust", "locust-worker")
    stacks.run(["docker", "compose", *stacks.UP, *needed], behind)
    assert "http_proxy=" in stacks.run(["docker", "compose", "exec", "-T", "flask", "env"], behind)
    load = ["docker", "compose", "exec", "-T", "locust", "python", "-m", "loadtest", "--run-time", "2s", "--scenario"]
    for scenario in ("DbRead", "PageHttp1", "WebSocketEcho"):
        said = stacks.run([*load, scenario], behind)  # exit code 0: the answers were right
        assert "unknown" not in said, said  # the meters were read


def test_the_gateway_reaches_a_row_as_soon_as_compose_says_that_it_is_up_even_if_the_machines_dns_is_silent(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Seen in CI: nginx looked for the row once in two seconds, and `up --wait` had ended before it looked again."""
    silent = tmp_path / "silent.yml"
    silent.write_text(json.dumps({"services": {"nginx": {"dns": ["192.0.2.1"]}}}))  # RFC 5737: nobody's
    environ = environ | {"COMPOSE_FILE": f"{ROOT / 'docker-compose.yml'}:{silent}"}
    up = ["docker", "compose", *stacks.UP_BUILT]
    stacks.run([*up, "nginx"], environ)
    for _ in range(3):
        stacks.run([*up, "fastapi"], environ)
        assert httpx.get(f"http://localhost:{environ['HTTP_PORT']}/fastapi/json", trust_env=False).status_code == 200
        stacks.run(["docker", "compose", "rm", "--stop", "--force", "fastapi"], environ)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WORKERS", "abc", "WORKERS=abc must be a whole number"),
        ("POOL_SIZE", "0", "POOL_SIZE=0 must be a whole number"),
        ("HTTP_PORT", "HTTPS_PORT", "is published twice"),
    ],
)
def test_a_setting_that_cannot_be_is_one_clear_line(environ: dict[str, str], name: str, value: str, said: str) -> None:
    wrong = environ | {name: environ.get(value, value)}
    assert up(wrong, "flask").returncode != 0
    line = what_setup_said(wrong)
    assert line.startswith("lab: ") and said in line and "\n" not in line


def test_a_checkout_that_nobody_else_may_read_is_one_clear_line(environ: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    files = stacks.run(["git", "ls-files"]).split()
    for name in files:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, clone / name)
    for path in (clone, *clone.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    tmp_path.chmod(0o755)
    assert up(environ, "flask", folder=clone).returncode != 0
    line = what_setup_said(environ)
    assert (
        "docker-compose.yml may not be read by user 10001: chmod -R o+rX docker-compose.yml docs nginx services" in line
    )
    assert "\n" not in line
    stacks.run(
        ["chmod", "-R", "o+rX", *(str(clone / name) for name in ("docker-compose.yml", "docs", "nginx", "services"))]
    )
    clone.chmod(0o711)
    again = up(environ, "flask", "postgres", folder=clone)
    assert again.returncode == 0, again.stderr + what_setup_said(environ)
