"""docker-compose.yml as the lab reads it."""

from pathlib import Path

import pytest

from lab import LabError
from lab.stack.compose_file import Table

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


def table(folder: Path, text: str = ROW, environ: dict[str, str] | None = None) -> Table:
    path = folder / "docker-compose.yml"
    path.write_text(text)
    return Table(path, environ or {})


def test_a_row_is_read_with_its_command_as_a_shell_would_split_it(tmp_path: Path) -> None:
    (row,) = table(tmp_path).rows
    assert row.command == ["gunicorn", "--threads", "8", "flask_service:create_app()"]
    assert (row.server, row.interface, row.model, row.port) == ("gunicorn", "WSGI", "8 threads", 8000)


def test_variables_come_from_the_shell_then_from_dotenv_then_from_their_default(tmp_path: Path) -> None:
    (row,) = table(tmp_path).rows
    assert (row.cpuset, row.published) == ("0", {443: 8443})
    (tmp_path / ".env").write_text("CPUS=3\nPORT=1111\n")
    (row,) = table(tmp_path, environ={"PORT": "2222"}).rows
    assert (row.cpuset, row.published) == ("3", {443: 2222})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ROW: flask", "ROW: fastapi"), "the row flask must have ROW: flask"),
        (("127.0.0.1:", ""), "a published port must be"),
        (("MODEL: 8 threads, ", ""), "MODEL"),
        (("services:", "services: ]"), "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(LabError, match=said):
        table(tmp_path, ROW.replace(*change))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"docker-compose\.yml cannot be read"):
        Table(tmp_path / "docker-compose.yml", {})


def test_the_projects_own_table_has_both_services_and_their_protocols_in_every_run() -> None:
    rows = {row.name: row for row in Table(environ={}).rows}
    always = [name for name, row in rows.items() if not row.profiles]
    assert always == ["flask", "fastapi", "wsgi", "asgi"]
    assert {row.interface for row in rows.values()} == {"WSGI", "ASGI"}
    assert len(rows) == 14


def test_every_row_of_the_projects_table_runs_under_the_same_settings() -> None:
    settings = [
        {key: value for key, value in row.environment.items() if key not in ("ROW", "MODEL")}
        for row in Table(environ={}).rows
    ]
    assert all(one == settings[0] for one in settings)
    assert len({row.cpuset for row in Table(environ={}).rows}) == 1
