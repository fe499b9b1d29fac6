"""Ends what the lab has started, whatever ends the lab: Ctrl-C pressed twice, a crash, `kill -9`.

A process of its own (`python -m lab.stack.keeper FOLDER`) reads from a pipe that the lab alone holds: a line for each
process that must not outlive it. When the pipe ends, they are ended, and the folder goes.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 20  # supervisord gives its programs 10 s


class Keeper:
    """The lab's end of the pipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: list[subprocess.Popen[Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.stack.keeper", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # a line is written at once and in one piece
            start_new_session=True,  # Ctrl-C is not for it
        )

    def keep(self, process: subprocess.Popen[Any]) -> None:
        """`process` has a session of its own, and so whatever it starts belongs to it, even when it has died."""
        self._kept.append(process)
        with suppress(BrokenPipeError):  # somebody has ended the keeper: `end` sees to it
            self._pipe.write(f"{process.pid}\n".encode())

    def end(self) -> None:
        """Ends them all and waits for it; where this is interrupted, the keeper goes on alone."""
        self._pipe.close()
        if self._process.wait():  # the keeper itself was ended
            end([process.pid for process in self._kept], self.folder)
        for process in self._kept:
            process.wait()

    @property
    def _pipe(self) -> Any:
        assert self._process.stdin
        return self._process.stdin


def end(leaders: Sequence[int], folder: Path) -> None:
    """Stops these sessions, by force where they take longer than they should, and removes the folder."""
    deadline = time.monotonic() + PATIENCE_S
    for leader in leaders:
        alive = members([leader])
        for pid in [leader] if leader in alive else alive:  # who has lost his leader hears it himself
            kill(pid, signal.SIGTERM)
    while alive := members(leaders):
        if time.monotonic() > deadline:
            for pid in alive:
                kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def members(leaders: Sequence[int]) -> list[int]:
    """The processes of these sessions, wherever their parents are, without those that only wait to be reaped."""
    found = []
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getsid(pid) in leaders and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # only the end of the pipe counts
        signal.signal(number, signal.SIG_IGN)
    end([int(line) for line in sys.stdin], Path(sys.argv[1]))
