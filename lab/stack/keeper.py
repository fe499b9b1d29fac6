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
from typing import Any, NamedTuple

import psutil

PATIENCE_S = 20  # supervisord gives its programs 10 s
SAME_START_S = 5  # two readings of one start differ by less


class Session(NamedTuple):
    """The processes that a process and its descendants have started: its number is the leader's."""

    leader: int
    began: float  # when the leader did, in seconds since the machine's start: a clock may be set meanwhile


class Keeper:
    """The lab's end of the pipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[Session, subprocess.Popen[Any]] = {}
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
        session = Session(process.pid, began(process.pid))
        self._kept[session] = process
        with suppress(BrokenPipeError):  # somebody has ended the keeper: `end` sees to it
            self._pipe.write(f"{session.leader} {session.began}\n".encode())

    def end(self) -> None:
        """Ends them all and waits for it; where this is interrupted, the keeper goes on alone."""
        self._pipe.close()
        if self._process.wait():  # the keeper itself was ended
            end(list(self._kept), self.folder)
        for process in self._kept.values():
            process.wait()

    @property
    def _pipe(self) -> Any:
        assert self._process.stdin
        return self._process.stdin


def began(pid: int) -> float:
    return psutil.Process(pid).create_time() - psutil.boot_time()


def end(sessions: Sequence[Session], folder: Path) -> None:
    """Stops these sessions, by force where they take longer than they should, and removes the folder."""
    deadline, told = time.monotonic() + PATIENCE_S, set[int]()
    while alive := {session: pids for session in sessions if (pids := members(session))}:
        for session, pids in alive.items():
            # Who has lost his leader hears it himself.
            for pid in {session.leader} & pids or pids:
                if pid not in told or time.monotonic() > deadline:
                    kill(pid, signal.SIGKILL if pid in told else signal.SIGTERM)
                    told.add(pid)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def members(session: Session) -> set[int]:
    """Its processes, wherever their parents are, without those that only wait to be reaped."""
    with suppress(psutil.NoSuchProcess):
        if abs(began(session.leader) - session.began) > SAME_START_S:
            return set()  # a stranger has the number, so the session has no members any more
    found = set()
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getsid(pid) == session.leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
    return found


def kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # only the end of the pipe counts
        signal.signal(number, signal.SIG_IGN)
    told = [Session(int(leader), float(began)) for leader, began in map(str.split, sys.stdin)]
    end(told, Path(sys.argv[1]))
