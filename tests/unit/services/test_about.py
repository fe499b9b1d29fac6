"""A service says of itself what makes its Python slower or faster: the fairness audit reads it."""

import json
import os
import subprocess
import sys

import pytest

ASK = "import json, workloads; print(json.dumps(workloads.about('WSGI', '', 'HTTP/1.1', 'json')))"


@pytest.mark.parametrize(
    ("options", "variables", "mode"),
    [
        ([], {}, ""),
        ([], {"PYTHONDEVMODE": "1"}, "dev_mode"),
        (["-X", "dev"], {}, "dev_mode"),
        (["-OO"], {"PYTHONASYNCIODEBUG": "1"}, "optimize"),
    ],
)
def test_about_tells_pythons_mode_and_variables(options: list[str], variables: dict[str, str], mode: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | variables
    done = subprocess.run(
        [sys.executable, *options, "-c", ASK], env=environ, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert said["python_mode"] == mode
    assert {name: value for name, value in said["settings"].items() if name.startswith("PYTHON")} == variables
