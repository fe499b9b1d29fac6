"""What must exist before the stack starts: the gateway's configuration, its certificate, the database password.

In Compose the service `setup` runs this once (`python -m lab.stack.setup /run/lab`); natively native.py calls it.
"""

import json
import os
import re
import secrets
import shutil
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import segno
import trustme
from cryptography import x509
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import meter
import workloads
from lab import LabError
from lab.stack import guide, publishing
from lab.stack.compose_file import ROOT, ComposeFile, Row
from lab.stack.machine import cpus
from lab.stack.publishing import Publishing

FINDINGS = ROOT / "docs" / "findings.json"  # for the page, where nothing has been measured yet
HOSTS = ("localhost", "127.0.0.1", "::1", "nginx")
VALID, RENEW = timedelta(days=300), timedelta(days=60)  # how long a certificate is, and what is little left of it
TEMPLATES = (
    "gateway.conf.j2",
    "gateway.sh.j2",
    "snippets/clients.conf.j2",
    "snippets/policy.conf.j2",
    "snippets/websocket.conf.j2",
    "html/index.html.j2",
)
FOREIGN = "only pages of this gateway may open a WebSocket: TRUSTED_HOST in .env names a further host"
MOST = (
    "one client may ask a row 1,000 times a second, 80 times at once, and hold 4 WebSockets on WSGI: "
    "LOAD_FROM in .env names machines that may more"
)


@dataclass(frozen=True)
class Door:
    """Where things are, seen from the gateway and from the user's browser."""

    https: tuple[str, ...]  # what nginx listens on: a port, or address:port
    http: tuple[str, ...]
    https_port: int  # what the user types
    http_port: int
    locust_port: int
    http3: bool
    neighbours: bool  # whoever comes from the gateway's own network belongs to the stack, as in Compose
    publishing: Publishing
    addresses: tuple[str, ...]  # of this machine, as others type them; none where it is not published
    results: str  # the folder of all runs
    address: Callable[[Row], str]  # where a row listens
    meter: Callable[[Row], str]  # the URL of its meter


def compose_door(compose_file: ComposeFile) -> Door:
    nginx, locust = compose_file.services["nginx"].published, compose_file.services["locust"].published
    return Door(
        https=("8443",),
        http=("8080",),
        https_port=nginx[8443],
        http_port=nginx[8080],
        locust_port=locust[8089],
        http3=True,  # nginx.org's image has it
        neighbours=True,
        publishing=compose_file.publishing,
        addresses=compose_file.publishing.addresses(here=False),
        results="/results",
        address=lambda row: f"{row.name}:{row.port}",
        meter=lambda row: f"http://{row.name}:{meter.PORT}/",
    )


def write_all(out: Path, compose_file: ComposeFile, door: Door) -> None:
    """Everything below `out`: `gateway/` for nginx and the clients, what only the rows or Locust's workers may know."""
    write_gateway(out / "gateway", compose_file, door)
    write_certificate(out / "gateway" / "tls", (*HOSTS, *door.publishing.trusted, *door.addresses))
    write_password(out / "secrets")
    write_worker_secret(out / "workers", compose_file.variables.get("WORKER_SECRET"))


def refusals() -> dict[int, tuple[int, str]]:
    """What the gateway answers by itself: for nginx's code, the status, and the problem as the services word it."""
    absent = "$row does not answer: is it running?$needs"
    details = {
        400: (400, "the request is not valid HTTP"),
        403: (404, None),
        404: (404, "no such page or row: / lists what there is"),
        405: (405, None),
        413: (413, None),
        414: (414, "the URL is longer than 8 KiB"),
        429: (429, MOST),
        494: (431, "there are more than 96 headers, or one is longer than 8 KiB, or all are longer than 32 KiB"),
        497: (400, "this port speaks TLS: ask for https"),
        500: (500, "the gateway failed: its log says why"),
        501: (501, "the gateway does not know this transfer encoding"),
        502: (502, absent),
        503: (502, absent),
        504: (504, "$row took longer than a minute."),
        505: (505, "the gateway speaks HTTP/1.0, 1.1 and newer"),
    }
    return {code: (status, as_json(workloads.problem(status, detail))) for code, (status, detail) in details.items()}


def as_json(content: object) -> str:
    return json.dumps(content, separators=(",", ":"))


def write_gateway(out: Path, compose_file: ComposeFile, door: Door) -> None:
    rows = [
        {
            "name": row.name,
            "interface": row.interface,
            "framework": row.framework,
            "server": row.server,
            "model": row.model,
            "upstream_http": row.upstream_http,
            "profiles": row.profiles,
            "address": door.address(row),
            "meter": door.meter(row),
            "cpus": len(cpus(row.cpuset)),
        }
        for row in compose_file.rows
    ]
    shutil.copytree(
        ROOT / "nginx", out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tls", "*.j2"), copy_function=shutil.copy
    )
    jinja = Environment(
        loader=FileSystemLoader(ROOT / "nginx"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(["html.j2"]),
    )
    jinja.filters["regex"] = re.escape
    room = publishing.room(door.addresses, door.http_port)
    for template in TEMPLATES:
        text = jinja.get_template(template).render(
            **vars(door),
            rows=rows,
            html=out / "html",
            room=room,
            own_certificate=any(path.exists() for path in own_pair()),
            episodes=guide.episodes(),
            refusals=refusals(),
            foreign=as_json(workloads.problem(403, FOREIGN)),
            handshake=workloads.HANDSHAKE,
            bad_handshake=as_json(workloads.problem(400, workloads.BAD_HANDSHAKE)),
        )
        (out / template.removesuffix(".j2")).write_text(text)
    if room:
        segno.make(room).save(str(out / "html" / "room.svg"), scale=8, light="white", svgclass=None, lineclass=None)
    (out / "html" / "rows.json").write_text(json.dumps(rows, indent=2))
    shutil.copyfile(FINDINGS, out / "html" / "findings.json")


def write_certificate(out: Path, hosts: Sequence[str]) -> None:
    """The user's own pair from nginx/tls where there is one, else one made here and kept while it is good."""
    out.mkdir(exist_ok=True)
    own = own_pair()
    if any(path.exists() for path in own):
        check_pair(*own)
        for path in own:
            shutil.copyfile(path, out / path.name)
        (out / "ca.pem").unlink(missing_ok=True)
    elif not (out / "ca.pem").exists() or not is_good(out / "cert.pem", hosts):
        now = datetime.now(UTC)
        authority = trustme.CA(organization_name="wsgi-asgi-lab")
        # Phones take no certificate that is valid for more than a year or so, counted from its beginning.
        pair = authority.issue_cert(*hosts, not_before=now - timedelta(days=1), not_after=now + VALID)
        (out / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
        (out / "key.pem").write_bytes(pair.private_key_pem.bytes())
        authority.cert_pem.write_to_path(out / "ca.pem")
    (out / "key.pem").chmod(0o600)


def own_pair() -> tuple[Path, Path]:
    return ROOT / "nginx" / "tls" / "cert.pem", ROOT / "nginx" / "tls" / "key.pem"


def is_good(cert: Path, hosts: Sequence[str]) -> bool:
    """Whether it names all of the hosts, and will for a while."""
    made = x509.load_pem_x509_certificate(cert.read_bytes())
    named = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = {str(name.value) for name in named}
    return names >= set(hosts) and made.not_valid_after_utc > datetime.now(UTC) + RENEW


def check_pair(cert: Path, key: Path) -> None:
    """LabError where nginx could not use them."""

    def refuse_passphrase() -> str:
        raise LabError("nginx/tls/key.pem has a passphrase: take it off, with openssl pkey -in key.pem -out plain.pem")

    for path in (cert, key):
        if path.exists() and not os.access(path, os.R_OK):
            user = os.getuid()
            raise LabError(f"nginx/tls/{path.name} may not be read by user {user}: give it that user, or chmod o+r it")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, refuse_passphrase)
    except OSError as error:
        raise LabError(f"nginx/tls must hold a cert.pem and the key.pem that belongs to it ({error})") from error


def write_password(out: Path) -> None:
    """A random password, twice: as PostgreSQL's image reads it, and as every libpq client does (PGPASSFILE)."""
    out.mkdir(exist_ok=True)
    password = out / "password"
    if not password.exists():
        password.write_text(secrets.token_urlsafe(24))
    passfile = out / "pgpass"
    passfile.write_text(f"*:*:*:lab:{password.read_text()}\n")
    passfile.chmod(0o600)


def write_worker_secret(out: Path, given: str | None) -> None:
    """What makes a Locust worker one of ours: the user's WORKER_SECRET, else a random one, kept for the next start."""
    if given and len(given) < 16:
        raise LabError("WORKER_SECRET must have 16 characters or more: `openssl rand -hex 16` makes some")
    out.mkdir(exist_ok=True)
    file = out / "secret"
    if given or not file.exists():
        file.touch(0o600)
        file.write_text(given or secrets.token_urlsafe(24))


def refuse_unreadable() -> None:
    """LabError where the checkout was made under umask 077: containers have another user."""
    for path in (ROOT / "docker-compose.yml", guide.WORKSHOP, FINDINGS, ROOT / "nginx", *(ROOT / "nginx").rglob("*")):
        if path.suffix != ".pem" and not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            name = path.relative_to(ROOT)
            raise LabError(
                f"{name} may not be read by user {os.getuid()}: chmod -R o+rX docker-compose.yml docs nginx services"
            )


if __name__ == "__main__":
    try:
        refuse_unreadable()
        compose_file = ComposeFile()
        compose_file.publishing.refuse_without_login()
        write_all(Path(sys.argv[1]), compose_file, compose_door(compose_file))
    except LabError as error:
        sys.exit(f"lab: {error}")
