"""docker-compose.yml as the lab reads it."""

from pathlib import Path

import pytest
import yaml

from lab import LabError
from lab.stack.compose_file import ROOT, WHOLE_NUMBERS, ComposeFile

ROW = """
services:
  flask:
    command: gunicorn --threads 8 'flask_service:create_app()'
    cpuset: ${CPUS:-0}
    environment: { ROW: flask, MODEL: 8 threads, UVICORN_PORT: 9000 }
    expose: ["8000"]
    x-row: { interface: WSGI, framework: Flask }
    ports: ["127.0.0.1:${PORT:-8443}:443"]
"""


def compose_file(folder: Path, text: str = ROW, environ: dict[str, str] | None = None) -> ComposeFile:
    path = folder / "docker-compose.yml"
    path.write_text(text)
    return ComposeFile(path, environ or {})


def test_a_row_is_read_with_its_command_as_a_shell_would_split_it(tmp_path: Path) -> None:
    (row,) = compose_file(tmp_path).rows
    assert row.command == ["gunicorn", "--threads", "8", "flask_service:create_app()"]
    assert (row.server, row.interface, row.model, row.port) == ("gunicorn", "WSGI", "8 threads", 8000)


def test_variables_come_from_the_shell_then_from_dotenv_then_from_their_default(tmp_path: Path) -> None:
    (row,) = compose_file(tmp_path).rows
    assert (row.cpuset, row.published) == ("0", {443: 8443})
    (tmp_path / ".env").write_text("CPUS=3\nPORT=1111\n")
    (row,) = compose_file(tmp_path, environ={"PORT": "2222"}).rows
    assert (row.cpuset, row.published) == ("3", {443: 2222})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ROW: flask", "ROW: fastapi"), "the row flask must have ROW: flask"),
        (("127.0.0.1:", ""), "a published port must be"),
        (("MODEL: 8 threads, ", ""), "and a MODEL"),
        (('expose: ["8000"]', ""), "expose one port"),
        (('expose: ["8000"]', 'expose: ["8000", "8001"]'), "expose one port"),
        (("${CPUS:-0}", "first"), "are written like 0 or 0,2-3, not first"),
        (("services:", "services: ]"), "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(LabError, match=said):
        compose_file(tmp_path, ROW.replace(*change))


@pytest.mark.parametrize("name", ["HTTPS_PORT", "HTTP_PORT", "LOCUST_PORT", "WORKER_PORT", "WORKERS", "POOL_SIZE"])
@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", "99999", "٣", "1 "])
def test_a_number_that_cannot_be_is_named_with_its_setting(name: str, value: str) -> None:
    with pytest.raises(LabError, match=f"^{name}={value} must be a whole number from 1 to "):
        ComposeFile(environ={name: value})


@pytest.mark.parametrize("name", ["HTTPS_PORT", "WORKERS", "ROW_CPUS", "DATABASE_URL"])
def test_an_empty_setting_means_its_default(name: str) -> None:
    assert ComposeFile(environ={name: ""}).services == ComposeFile(environ={}).services


def test_two_services_on_one_port_are_refused() -> None:
    with pytest.raises(LabError, match="port 8089 is published twice"):
        ComposeFile(environ={"HTTP_PORT": "8089"})


def test_the_set_up_in_a_container_is_told_of_every_setting_that_it_refuses() -> None:
    told = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["setup"]["environment"]
    assert {*WHOLE_NUMBERS, "ROW_CPUS", "OTHER_CPUS"} <= set(told)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"docker-compose\.yml cannot be read"):
        ComposeFile(tmp_path / "docker-compose.yml", {})


def test_the_projects_own_file_has_both_services_and_their_protocols_in_every_run() -> None:
    rows = {row.name: row for row in ComposeFile(environ={}).rows}
    always = [name for name, row in rows.items() if not row.profiles]
    assert always == ["flask", "fastapi", "wsgi", "asgi"]
    assert {row.interface for row in rows.values()} == {"WSGI", "ASGI"}
    assert len(rows) == (ROOT / "docker-compose.yml").read_text().count("environment: { <<: *fair, ROW: ")


def test_every_row_of_the_project_runs_under_the_same_settings() -> None:
    rows = ComposeFile(environ={}).rows
    of_its_own = {"ROW", "MODEL", "POOL_SIZE", "MIDDLEWARES"}
    settings = [{key: value for key, value in row.environment.items() if key not in of_its_own} for row in rows]
    assert all(one == settings[0] for one in settings)
    assert len({row.cpuset for row in rows}) == 1


def test_a_row_with_a_pool_of_another_size_says_so_in_its_model() -> None:
    sizes = {row.name: (row.environment["POOL_SIZE"], row.model) for row in ComposeFile(environ={}).rows}
    others = {name: size for name, (size, _) in sizes.items() if size != "8"}
    assert others == {"flask-40-pool-4": "4", "flask-40-pool-32": "32", "fastapi-pool-4": "4", "fastapi-pool-32": "32"}
    assert all(sizes[name][1].endswith(f", pool of {size}") for name, size in others.items())


def test_a_profile_adds_its_rows_and_no_other_profiles() -> None:
    profiles = {row.name: row.profiles for row in ComposeFile(environ={}).rows}
    assert profiles["flask-gevent"] == ["variants"]
    assert profiles["flask-uwsgi"] == profiles["asgi-gunicorn"] == profiles["flask-1000"] == ["apart"]
    assert profiles["flask-plain"] == profiles["fastapi-workers-2"] == profiles["asgi-http2"] == ["variations"]
