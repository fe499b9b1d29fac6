"""supervisord's configuration, read back by supervisord's own parser."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from lab import LabError
from lab.stack.supervisor import Program, Supervisor, configuration


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_back(folder: Path, program: Program) -> Any:
    """What supervisord makes of the program."""
    file = folder / "supervisord.conf"
    file.write_text(configuration([program]))
    options = ServerOptions()
    options.realize(["--configuration", str(file)])
    (group,) = options.process_group_configs
    (read,) = group.process_configs
    return read


@pytest.mark.parametrize(
    "text", ["plain", "two words", 'a "quote" inside', "it's", "100%", "%(x)s", "back\\slash", "a,b;c", "x=1", "#1"]
)
def test_a_value_survives_supervisords_configuration(text: str, folder: Path) -> None:
    read = read_back(folder, Program("row", ["serve", "--title", text], {"KEY": text}, folder / text, "TERM"))
    assert read.environment == {"KEY": text}
    assert shlex.split(read.command) == ["serve", "--title", text]
    assert read.directory == str(folder / text)


@pytest.mark.parametrize("text", ["a ;b", "a #b", "two\nlines", '"quoted"', "ends in '", "both \" and '"])
def test_what_supervisord_would_cut_off_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="supervisord cannot take"):
        configuration([Program("row", ["serve"], {"KEY": text}, tmp_path, "TERM")])


def test_a_temporary_folder_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="set TMPDIR to a shorter one"):
        Supervisor(tmp_path / ("x" * 100) / "run")
