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


SYSTEMS_OWN = Path("/usr/bin/python3")


def test_a_python_that_the_system_manages_sets_up_an_environment_of_its_own(clone: Path) -> None:
    """As Debian's and Ubuntu's: pip refuses to install beside it (PEP 668)."""
    asked = "import sysconfig, sys; print(sys.version_info >= (3, 11), sysconfig.get_path('stdlib'))"
    said = subprocess.run([SYSTEMS_OWN, "-c", asked], capture_output=True, text=True).stdout.split()
    if said[:1] != ["True"] or not (Path(said[1]) / "EXTERNALLY-MANAGED").exists():
        pytest.skip("this system does not manage its Python, or it is too old")
    for name in ("lab", "loadtest", "services"):
        shutil.copytree(ROOT / name, clone / name)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("VIRTUAL_ENV")}
    done = subprocess.run(["make", f"PYTHON={SYSTEMS_OWN}", ".venv/ready"], cwd=clone, env=environ, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / ".venv" / "bin" / "lab").exists()


def test_a_set_up_without_the_network_is_one_clear_line_and_leaves_what_was_there(clone: Path) -> None:
    old = clone / ".venv" / "old"
    old.parent.mkdir()
    old.touch()
    done = subprocess.run(["make", "up"], cwd=clone, env=os.environ | NOWHERE, capture_output=True, text=True)
    assert done.returncode == 2
    assert "The set-up needs pip, and PyPI once" in done.stdout
    assert "Retrying" not in done.stdout + done.stderr
    assert old.exists()
