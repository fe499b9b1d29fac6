"""supervisord, which keeps the programs of the native stack running: its configuration, and what it is asked."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from lab import LabError
from lab.stack.keeper import Keeper

CONFIG, SOCKET = "supervisord.conf", "supervisor.sock"
BIN = Path(sys.executable).parent
LONGEST_SOCKET = 103  # bytes of a Unix socket's path on macOS; Linux takes four more


@dataclass(frozen=True)
class Program:
    name: str
    command: list[str]
    environment: dict[str, str]
    directory: Path
    stop_signal: str
    user: str = ""  # empty where it is ours
    stop_its_children: bool = True  # with it, by the same signal


class Supervisor:
    """Everything it writes lies in `folder`: its configuration, its socket, and a log of each program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = folder / SOCKET
        self._process: subprocess.Popen[bytes] | None = None
        if len(os.fsencode(f"{self._socket}.1234567")) > LONGEST_SOCKET:  # supervisord appends its process id
            raise LabError(f"{folder.parent} is too long a path for a socket: set TMPDIR to a shorter one")

    def start(self, programs: Sequence[Program], keeper: Keeper) -> None:
        (self.folder / CONFIG).write_text(configuration(programs))
        with self.log("supervisord").open("w") as log:
            self._process = subprocess.Popen(
                [BIN / "supervisord", "--nodaemon", "--configuration", CONFIG],
                cwd=self.folder,
                env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the lab, which stops everything in order
            )
        keeper.keep(self._process)

    def log(self, program: str) -> Path:
        return self.folder / "logs" / f"{program}.log"

    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def wait(self) -> None:
        """Until it ends, which it does by itself only where somebody ends it."""
        assert self._process
        self._process.wait()

    def state(self, program: str) -> str:
        try:
            return str(self.ask("getProcessInfo", f"lab:{program}")["statename"])
        except OSError:  # supervisord is still starting
            return "STARTING"

    def pid(self, program: str) -> int:
        """The program's first process; 0 while it does not run."""
        return int(self.ask("getProcessInfo", f"lab:{program}")["pid"])

    def ask(self, method: str, *arguments: Any) -> Any:
        # A connection per call: supervisor's transport keeps a socket that nobody else may use.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def configuration(programs: Sequence[Program]) -> str:
    """The text of supervisord.conf, its own paths relative to the folder in which supervisord is started.

    LabError where something cannot be written in it.
    """
    user = "user=root\n" if os.geteuid() == 0 else ""
    names = ",".join(program.name for program in programs)
    return f"""[supervisord]
logfile=logs/supervisord.log
pidfile=supervisord.pid
childlogdir=logs
{user}[unix_http_server]
file={SOCKET}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[group:lab]
programs={names}
""" + "".join(map(section, programs))


def section(program: Program) -> str:
    user = f"user={program.user}\n" if program.user else ""
    return f"""[program:{program.name}]
command={escaped(shlex.join(program.command))}
environment={",".join(f"{key}={quoted(value)}" for key, value in program.environment.items())}
directory={escaped(str(program.directory))}
{user}stopsignal={program.stop_signal}
stopwaitsecs=10
stopasgroup={str(program.stop_its_children).lower()}
killasgroup=true
autorestart=true
redirect_stderr=true
stdout_logfile=logs/{program.name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=1
"""


def escaped(text: str) -> str:
    """As supervisord.conf wants it, where `%` expands and a blank before `;` or `#` begins a comment."""
    if re.search(r"\s[;#]|[\r\n]", text):
        raise LabError(f"supervisord cannot take {text!r}: it has a blank before ; or #, or a line break")
    return text.replace("%", "%%")


def quoted(text: str) -> str:
    """A value of `environment=`, where quotes group and nothing escapes them."""
    if text.strip("\"'") != text or ('"' in text and "'" in text):
        raise LabError(f"supervisord cannot take {text!r}: it has quotes at its ends, or both kinds of them")
    mark = "'" if '"' in text else '"'
    return mark + escaped(text) + mark
