"""Every command of the workshop works as it stands there."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.stack.compose_file import ROOT
from tests.e2e.stacks import NativeDoor

TEXT = (ROOT / "docs" / "workshop.md").read_text()
COMMANDS = [
    line.partition(" # ")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]
ELSEWHERE = {"make demo", ".venv/bin/lab up --profile variants"}  # the doors themselves


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in ELSEWHERE and "lab run" not in each])
def test_a_command_of_the_workshop_works(native: NativeDoor, command: str) -> None:
    words = shlex.split(command.replace("https://localhost:8443", native.https))
    assert words[0] == "curl"
    done = subprocess.run([*words, "--fail", "--noproxy", "*"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr


@pytest.mark.parametrize("command", [each for each in COMMANDS if "lab run" in each])
def test_an_experiment_of_the_workshop_ends_with_a_verdict(native: NativeDoor, command: str) -> None:
    words = shlex.split(command.replace(".venv/bin/lab", str(Path(sys.executable).parent / "lab")))
    done = subprocess.run([*words, "--on", native.https], cwd=ROOT, capture_output=True, text=True, timeout=250)
    for folder in re.findall(r"^Results: (\S+)$", done.stdout, re.MULTILINE):
        shutil.rmtree(folder)
    assert done.returncode in (0, 5), done.stderr  # 5: the gates refused, as they should on a busy machine
    assert "claim" in done.stdout and "Report:" in done.stdout


def test_the_workshop_names_every_episode_in_its_plan() -> None:
    plan = TEXT.partition("\n## ")[0]
    planned = re.findall(r"^\| \d+ \| \[([^\]]+)\]\(#(\d)", plan, re.MULTILINE)
    assert [(number, title) for title, number in planned] == re.findall(r"^## (\d)\. (.+)$", TEXT, re.MULTILINE)
    minutes = [int(number) for number in re.findall(r"^\| (\d+) \|", plan, re.MULTILINE)]
    assert sum(minutes) == 45
