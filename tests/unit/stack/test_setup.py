"""What is made before the stack starts: certificate, password, the gateway's configuration."""

import json
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from lab import LabError
from lab.stack import setup
from lab.stack.compose_file import ROOT, ComposeFile


@pytest.fixture
def own_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for nginx/tls."""
    monkeypatch.setattr(setup, "ROOT", tmp_path / "project")
    folder = tmp_path / "project" / "nginx" / "tls"
    folder.mkdir(parents=True)
    return folder


def test_the_secret_of_the_workers_is_random_and_kept_unless_one_is_given(tmp_path: Path) -> None:
    def written(given: str | None = None) -> str:
        setup.write_worker_secret(tmp_path / "workers", given)
        assert (tmp_path / "workers" / "secret").stat().st_mode & 0o777 == 0o600
        return (tmp_path / "workers" / "secret").read_text()

    first = written()
    assert (len(first), written()) == (32, first)
    assert written("one of sixteen characters") == "one of sixteen characters"


def test_a_secret_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="16 characters or more"):
        setup.write_worker_secret(tmp_path / "workers", "secret")


def test_a_certificate_is_made_once_and_names_the_hosts(tmp_path: Path, own_pair: Path) -> None:
    setup.write_certificate(tmp_path / "out", setup.HOSTS)
    made = (tmp_path / "out" / "cert.pem").read_bytes()
    setup.write_certificate(tmp_path / "out", setup.HOSTS)
    assert (tmp_path / "out" / "cert.pem").read_bytes() == made
    ssl.create_default_context(cafile=str(tmp_path / "out" / "ca.pem"))
    assert (tmp_path / "out" / "key.pem").stat().st_mode & 0o777 == 0o600


def made(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())


def test_a_certificate_is_for_less_than_a_year_as_phones_want_it(tmp_path: Path, own_pair: Path) -> None:
    setup.write_certificate(tmp_path, setup.HOSTS)
    cert = made(tmp_path)
    assert timedelta(days=200) < cert.not_valid_after_utc - cert.not_valid_before_utc < timedelta(days=365)
    assert cert.not_valid_before_utc < datetime.now(UTC) - timedelta(hours=12)  # a phone's clock may be late


@pytest.mark.parametrize(("days_left", "is_kept"), [(61, True), (59, False), (-1, False)])
def test_a_certificate_with_little_left_is_made_anew_at_the_start(
    days_left: int, is_kept: bool, tmp_path: Path, own_pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "VALID", timedelta(days=days_left))
    setup.write_certificate(tmp_path, setup.HOSTS)
    before, authority = made(tmp_path), (tmp_path / "ca.pem").read_bytes()
    monkeypatch.undo()
    monkeypatch.setattr(setup, "ROOT", own_pair.parents[1])
    setup.write_certificate(tmp_path, setup.HOSTS)
    assert (made(tmp_path) == before) is is_kept
    assert ((tmp_path / "ca.pem").read_bytes() == authority) is is_kept


def test_a_certificate_that_does_not_name_the_address_is_made_anew(tmp_path: Path, own_pair: Path) -> None:
    hosts = (*setup.HOSTS, "192.168.1.7", "lab.example")
    setup.write_certificate(tmp_path, setup.HOSTS)
    setup.write_certificate(tmp_path, hosts)
    names = made(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == set(hosts)
    before = made(tmp_path)
    setup.write_certificate(tmp_path, setup.HOSTS)  # fewer: it still does
    assert made(tmp_path) == before


def test_ones_own_certificate_is_taken(tmp_path: Path, own_pair: Path) -> None:
    pair = trustme.CA().issue_cert("lab.example")
    pair.cert_chain_pems[0].write_to_path(str(own_pair / "cert.pem"))
    pair.private_key_pem.write_to_path(str(own_pair / "key.pem"))
    setup.write_certificate(tmp_path / "out", setup.HOSTS)
    assert (tmp_path / "out" / "cert.pem").read_bytes() == pair.cert_chain_pems[0].bytes()
    assert not (tmp_path / "out" / "ca.pem").exists()


@pytest.mark.parametrize("left_out", ["cert.pem", "key.pem"])
def test_half_a_pair_is_refused(tmp_path: Path, own_pair: Path, left_out: str) -> None:
    pair = trustme.CA().issue_cert("lab.example")
    pair.cert_chain_pems[0].write_to_path(str(own_pair / "cert.pem"))
    pair.private_key_pem.write_to_path(str(own_pair / "key.pem"))
    (own_pair / left_out).unlink()
    with pytest.raises(LabError, match=r"nginx/tls must hold a cert\.pem and the key\.pem"):
        setup.write_certificate(tmp_path / "out", setup.HOSTS)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, own_pair: Path) -> None:
    trustme.CA().issue_cert("a.example").cert_chain_pems[0].write_to_path(str(own_pair / "cert.pem"))
    trustme.CA().issue_cert("b.example").private_key_pem.write_to_path(str(own_pair / "key.pem"))
    with pytest.raises(LabError, match="belongs to it"):
        setup.write_certificate(tmp_path / "out", setup.HOSTS)


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_for_it(tmp_path: Path, own_pair: Path) -> None:
    pair = trustme.CA().issue_cert("lab.example")
    pair.cert_chain_pems[0].write_to_path(str(own_pair / "cert.pem"))
    key = load_pem_private_key(pair.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (own_pair / "key.pem").write_bytes(locked)
    with pytest.raises(LabError, match=r"key\.pem has a passphrase: .*openssl pkey"):
        setup.write_certificate(tmp_path / "out", setup.HOSTS)


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_pair_of_somebody_else_is_named(
    name: str, tmp_path: Path, own_pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = trustme.CA().issue_cert("lab.example")
    pair.cert_chain_pems[0].write_to_path(str(own_pair / "cert.pem"))
    pair.private_key_pem.write_to_path(str(own_pair / "key.pem"))
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != name)  # root may read everything
    with pytest.raises(LabError, match=rf"nginx/tls/{name} may not be read by user {os.getuid()}"):
        setup.write_certificate(tmp_path / "out", setup.HOSTS)


@pytest.mark.parametrize(
    "name", ["docker-compose.yml", "docs/workshop.md", "docs/findings.json", "nginx", "nginx/nginx.conf"]
)
def test_a_checkout_that_containers_may_not_read_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.refuse_unreadable()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != ROOT / name)
    with pytest.raises(LabError, match=rf"^{name} may not be read by user .* chmod -R o\+rX"):
        setup.refuse_unreadable()


def test_the_password_is_random_and_kept(tmp_path: Path) -> None:
    setup.write_password(tmp_path / "one")
    setup.write_password(tmp_path / "two")
    first, second = ((tmp_path / name / "password").read_text() for name in ("one", "two"))
    assert first != second
    setup.write_password(tmp_path / "one")
    assert (tmp_path / "one" / "password").read_text() == first
    assert (tmp_path / "one" / "pgpass").stat().st_mode & 0o777 == 0o600


def test_every_row_gets_an_upstream_a_location_and_a_line_on_the_page(tmp_path: Path) -> None:
    compose_file = ComposeFile(environ={})
    setup.write_gateway(tmp_path, compose_file, setup.compose_door(compose_file))
    config, page = (tmp_path / "gateway.conf").read_text(), (tmp_path / "html" / "index.html").read_text()
    for row in compose_file.rows:
        assert config.count(f"server {row.name}:8000 resolve;") == 2  # on kept connections, and on new ones
        assert f"location /{row.name}/ws/ {{" in config
        assert f'data-row="{row.name}"' in page
    assert [row["name"] for row in json.loads((tmp_path / "html" / "rows.json").read_text())] == [
        row.name for row in compose_file.rows
    ]


PUBLISHED = {"PUBLISH_ON": "192.168.1.7", "LAB_UI_PASSWORD": "secret"}


@pytest.mark.parametrize(
    ("settings", "shown", "address"),
    [
        ({}, "opens it to the network", None),
        (PUBLISHED, "Scan it, or type", "http://192.168.1.7:8080/room.html"),
        (PUBLISHED | {"TRUSTED_HOST": "lab.example"}, "Scan it, or type", "http://lab.example:8080/room.html"),
        (PUBLISHED | {"PUBLISH_ON": "0.0.0.0"}, "THIS-MACHINE:8080/room.html", None),  # noqa: S104  (nothing is bound)
    ],
)
def test_the_page_shows_the_address_that_phones_come_to(
    settings: dict[str, str], shown: str, address: str | None, tmp_path: Path
) -> None:
    compose_file = ComposeFile(environ=settings)
    setup.write_gateway(tmp_path, compose_file, setup.compose_door(compose_file))
    page = (tmp_path / "html" / "index.html").read_text()
    assert shown in page
    assert (tmp_path / "html" / "room.svg").exists() is (address is not None)
    assert address is None or f'<a href="{address}">{address}</a>' in page
    assert ("asks for a login" in page) is ("PUBLISH_ON" in settings)


def test_the_page_offers_no_authority_where_the_certificate_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose_file = ComposeFile(environ=PUBLISHED)
    for own in (False, True):
        monkeypatch.setattr(setup, "own_pair", lambda own=own: (ROOT / "LICENSE" if own else tmp_path / "absent",) * 2)
        setup.write_gateway(tmp_path, compose_file, setup.compose_door(compose_file))
        assert ('href="/ca.crt"' in (tmp_path / "html" / "index.html").read_text()) is not own
