"""The Makefile's own work: the set-up, where it cannot be done."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.stack.compose_file import ROOT

NOWHERE = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:1/simple"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_a_set_up_without_the_network_is_one_clear_line_and_leaves_what_was_there(clone: Path) -> None:
    old = clone / ".venv" / "old"
    old.parent.mkdir()
    old.touch()
    done = subprocess.run(["make", "up"], cwd=clone, env=os.environ | NOWHERE, capture_output=True, text=True)
    assert done.returncode == 2
    assert "The set-up needs pip, and PyPI once" in done.stdout
    assert "Retrying" not in done.stdout + done.stderr
    assert old.exists()
