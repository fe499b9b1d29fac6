"""What the gateway speaks, what it lists, and what it answers by itself."""

import re
import socket
import ssl
import warnings

import httpx
import pytest

from tests.e2e.client import Client, problem
from tests.e2e.stacks import ComposeDoor, NativeDoor


def test_over_tls_it_speaks_http2_with_a_certificate_of_its_own_authority(client: Client) -> None:
    assert client.get("/flask/json").http_version == "HTTP/2"


def test_over_tls_it_speaks_http1_to_who_asks_for_no_more(client: Client) -> None:
    with client.speaking(client.stack.https) as h1:
        assert h1.get("/flask/json").http_version == "HTTP/1.1"


def test_on_the_plain_port_it_speaks_http1(client: Client) -> None:
    assert client.h1.get("/flask/json").http_version == "HTTP/1.1"


def test_in_containers_it_speaks_http3_and_says_so(client: Client, compose: ComposeDoor) -> None:
    curl = ["curl", "--http3-only", "--insecure", "--silent", "--write-out", " HTTP/%{http_version}"]
    answer = compose.compose("exec", "-T", "nginx", *curl, "https://localhost:8443/fastapi/json")
    assert answer == '{"message":"Hello, World!"} HTTP/3'
    port = compose.environ["HTTPS_PORT"]
    assert client.get("/fastapi/json").headers["alt-svc"] == f'h3=":{port}"; ma=86400'


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_takes_tls_of_today(client: Client, version: ssl.TLSVersion) -> None:
    assert handshake(client, version) in ("TLSv1.2", "TLSv1.3")


def test_it_refuses_tls_of_yesterday(client: Client) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)alert.protocol.version"):
        handshake(client, ssl.TLSVersion.TLSv1_1)


def handshake(client: Client, version: ssl.TLSVersion) -> str | None:
    context = client.tls()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of TLS 1.1: so it should
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or OpenSSL would not even ask for TLS 1.1
    address = ("localhost", client.h2.base_url.port or 443)
    with (
        socket.create_connection(address, timeout=20) as tcp,
        context.wrap_socket(tcp, server_hostname="localhost") as tls,
    ):
        return tls.version()


@pytest.mark.parametrize("path", ["plaintext", "json"])
def test_every_row_answers_a_basic_request_with_the_same_bytes(client: Client, path: str) -> None:
    answers = [client.get(f"/{row.name}/{path}") for row in client.stack.rows]
    assert len(answers) == 14
    assert {(answer.status_code, answer.content, answer.headers["content-type"]) for answer in answers} == {
        (200, answers[0].content, answers[0].headers["content-type"])
    }


def test_every_row_says_of_itself_what_the_table_says_of_it(client: Client) -> None:
    for row in client.stack.rows:
        about = client.get(f"/{row.name}/about").json()
        assert about["row"] == row.name
        assert about["interface"] == row.interface
        assert about["framework"].partition(" ")[0] == row.framework.lower()
        assert re.fullmatch(rf"{row.server} \d+\.\d+.*", about["server"])
        assert about["model"] == row.model
        # Also over HTTP/2 to the row itself, where the table asks for it: WSGI can.
        spoken = {"2": ("HTTP/2", "HTTP/2.0")}.get(row.upstream_http, ("HTTP/1.1", "1.1"))
        assert about["protocol"] in spoken
        assert about["settings"]["POOL_SIZE"] == "8"


def test_server_timing_tells_the_row_from_the_gateway(client: Client) -> None:
    for path, least in [("/flask/wait?ms=200", 190), ("/fastapi/wait?ms=1200", 1190), ("/asgi/wait?ms=15", 10)]:
        for speaks in (client.h2, client.h1):
            timing = speaks.get(path).headers["server-timing"]
            match = re.fullmatch(r"upstream;dur=(\d+), gateway;dur=(\d+)", timing)
            assert match, timing
            assert least <= int(match[1]) <= int(match[2]) + 2  # each is rounded by itself


def test_connections_are_kept_for_the_next_request(client: Client) -> None:
    for base in (client.stack.http, client.stack.https):
        with client.speaking(base) as h1:
            streams = {id(h1.get("/fastapi/json").extensions["network_stream"]) for _ in range(5)}
        assert len(streams) == 1


def test_the_page_lists_every_row_and_links_to_it(client: Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for row in client.stack.rows:
        assert f'href="/{row.name}/about"' in page.text
    assert client.stack.http in page.text


def test_rows_json_tells_programs_the_same(client: Client) -> None:
    rows = client.get("/rows.json").json()
    assert [(row["name"], row["model"]) for row in rows] == [(row.name, row.model) for row in client.stack.rows]


@pytest.mark.parametrize("path", ["/nothing", "/flaskier/json", "/gateway.conf", "/../tls/key.pem", "/tls/key.pem"])
def test_an_unknown_page_is_a_problem(client: Client, path: str) -> None:
    assert problem(client.get(path), 404) == "no such page or row: / lists what there is"


def test_a_row_without_its_slash_leads_to_the_row(client: Client) -> None:
    answer = client.get("/flask")
    assert (answer.status_code, answer.headers["location"]) == (301, "/flask/")
    assert problem(client.get("/flask/"), 404) == "there is no such route"


def test_a_path_that_is_no_text_is_unknown_to_every_row(client: Client) -> None:
    for row in client.stack.rows:
        assert problem(client.get(f"/{row.name}/%ff"), 404) == "there is no such route"
        assert problem(client.get(f"/{row.name}/wait?ms=%ff"), 422).startswith("ms must be given once")


def test_refusals_pass_the_gateway_as_they_are(client: Client) -> None:
    for path in ("/wait?ms=5.0", "/nothing", "/ws/echo", "/json/"):
        one, other = client.get(f"/flask{path}"), client.get(f"/fastapi{path}")
        assert (one.status_code, one.content) == (other.status_code, other.content)
    assert client.h2.options("/fastapi/db").headers["allow"] == "GET, HEAD, POST"
    assert client.h2.head("/flask/json").headers["content-length"] == "27"


def test_a_body_beyond_the_limit_of_a_row_is_refused_by_the_row(client: Client) -> None:
    for row in ("flask", "fastapi", "flask-gevent", "flask-granian", "fastapi-granian", "fastapi-gunicorn"):
        answer = client.h2.post(f"/{row}/echo", content=b" " * 65_537, headers={"content-type": "application/json"})
        assert problem(answer, 413) == "the body is larger than 65536 bytes"


def test_every_server_bounds_a_body_without_a_length(native: NativeDoor) -> None:
    for row in native.rows:
        if row.framework != "none":
            for spaces, status in [(1, 200), (64, 413)]:
                chunks = iter([b'{"message":"x"}', b" " * 1024 * spaces])
                url = f"{native.native.url(row)}/echo"  # the gateway would add the length
                answer = httpx.post(url, content=chunks, headers={"content-type": "application/json"}, trust_env=False)
                assert answer.status_code == status, row.name


def test_a_body_of_more_than_a_mebibyte_is_refused_by_the_gateway(client: Client) -> None:
    answer = client.h1.post("/flask/echo", content=b" " * (2**20 + 1), headers={"content-type": "application/json"})
    assert problem(answer, 413) == "the gateway takes bodies of up to 1 MiB"
