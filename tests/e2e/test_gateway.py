"""What the gateway speaks, what it lists, and what it answers by itself."""

import re
import socket
import ssl
import warnings
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from lab.stack.compose_file import ComposeFile
from tests.e2e.client import Client, problem
from tests.e2e.stacks import UP, ComposeDoor, NativeDoor, rows_with_the_contract
from tests.helpers import until


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
    assert len(answers) == len(rows_with_the_contract({}))
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
        assert about["settings"]["POOL_SIZE"] == row.environment["POOL_SIZE"]


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
    assert [(row["name"], row["model"]) for row in rows] == [
        (row.name, row.model) for row in ComposeFile(environ={}).rows
    ]


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
        assert problem(client.get(f"/{row.name}/wait?ms=%ff"), 422).startswith("ms must be a whole number")


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
            # uWSGI hands on no body without a length: it is as if none had come
            for spaces, status in [(1, 400), (64, 400)] if row.server == "uwsgi" else [(1, 200), (64, 413)]:
                chunks = iter([b'{"message":"x"}', b" " * 1024 * spaces])
                url = f"{native.native.url(row)}/echo"  # the gateway would add the length
                answer = httpx.post(url, content=chunks, headers={"content-type": "application/json"}, trust_env=False)
                assert answer.status_code == status, row.name


@pytest.mark.parametrize("size", [2**17 + 1, 2**20 + 1])
def test_a_much_larger_body_is_refused_by_the_gateway_in_the_same_words(client: Client, size: int) -> None:
    answer = client.h1.post("/flask/echo", content=b" " * size, headers={"content-type": "application/json"})
    assert problem(answer, 413) == "the body is larger than 65536 bytes"


UNREAD = [
    ("POST", "/echo", 70_000),
    ("POST", "/json", 65_536),
    ("GET", "/json", 70_000),
    ("POST", "/nothing", 1_000_000),
]


@pytest.mark.parametrize(("method", "path", "size"), UNREAD)
def test_a_body_that_nobody_wants_does_not_break_the_next_request(
    client: Client, method: str, path: str, size: int
) -> None:
    for row in client.stack.rows:
        for _ in range(5):
            refused = client.h1.request(method, f"/{row.name}{path}", content=b" " * size)
            assert refused.status_code in (200, 404, 405, 413, 415), (row.name, refused.text)
            next_one = client.h1.post(f"/{row.name}/json")
            assert problem(next_one, 405) == "this route does not take this method", row.name


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_nor_does_it_on_a_connection_to_the_row_itself(native: NativeDoor, size: int) -> None:
    for row in native.rows:
        with httpx.Client(base_url=native.native.url(row), trust_env=False) as h1:
            json = {"content-type": "application/json"}
            assert h1.post("/echo", content=b" " * size, headers=json).status_code in (404, 413)
            assert h1.post("/json").status_code == 405, row.name


def raw(base: str, request: str) -> tuple[int, str, str]:
    """Status, content type and body of the answer to a request that no client would send."""
    address = httpx.URL(base)
    with socket.create_connection((address.host, address.port or 80), timeout=20) as tcp:
        tcp.sendall(request.encode("latin-1"))
        answer = HTTPResponse(tcp)
        answer.begin()
        return answer.status, answer.headers.get("content-type", ""), answer.read().decode()


HOST = "Host: localhost\r\n"
LONG = "x" * 9000
REFUSED = {
    "a long URL": ("GET /{row}/json?" + LONG + " HTTP/1.1\r\n" + HOST, 414),
    "many headers": ("GET /{row}/json HTTP/1.1\r\n" + HOST + "".join(f"X-{n}: x\r\n" for n in range(120)), 431),
    "a long header": ("GET /{row}/json HTTP/1.1\r\n" + HOST + f"Cookie: {LONG}\r\n", 431),
    "long headers": ("GET /{row}/json HTTP/1.1\r\n" + HOST + f"Cookie: {LONG[:7000]}\r\n" * 5, 431),
    "an unknown method": ("BREW /{row}/json HTTP/1.1\r\n" + HOST, 405),
    "TRACE": ("TRACE /{row}/json HTTP/1.1\r\n" + HOST, 405),
    "no method": ("A@B /{row}/json HTTP/1.1\r\n" + HOST, 400),
    "no host": ("GET /{row}/json HTTP/1.1\r\n", 400),
    "no HTTP": ("hello /{row}\r\n", 400),
    "an encoded NUL": ("GET /{row}/json%00 HTTP/1.1\r\n" + HOST, 400),
    "too many dots": ("GET /{row}/%2e%2e/%2e%2e/json HTTP/1.1\r\n" + HOST, 400),
    "an unknown encoding": ("POST /{row}/echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: x\r\n", 501),
    "a future version": ("GET /{row}/json HTTP/3.7\r\n" + HOST, 505),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_row_should_see_is_refused_for_all_rows_alike(client: Client, what: str) -> None:
    request, status = REFUSED[what]
    answers = {raw(client.stack.http, request.replace("{row}", row.name) + "\r\n") for row in client.stack.rows}
    assert len(answers) == 1, answers
    assert {(code, kind) for code, kind, _ in answers} == {(status, "application/problem+json")}


@pytest.mark.parametrize(
    "request_line", ["GET /{row}/json?" + "x" * 8000, "GET /{row}/%2e/json", "GET /{row}//json", "GET /{row}/%6Ason"]
)
def test_what_the_gateway_lets_pass_every_row_takes(client: Client, request_line: str) -> None:
    headers = (
        HOST + "Connection: close\r\n" + "".join(f"X-{n}: x\r\n" for n in range(92)) + f"Cookie: {LONG[:8000]}\r\n"
    )
    for row in client.stack.rows:
        request = f"{request_line.replace('{row}', row.name)} HTTP/1.1\r\n{headers}\r\n"
        assert raw(client.stack.http, request)[0] == 200, row.name


def test_plain_http_on_the_tls_port_is_told_so(client: Client) -> None:
    answer = httpx.get(client.stack.https.replace("https", "http"), trust_env=False)
    assert problem(answer, 400) == "this port speaks TLS: ask for https"


# What a server says before its service is asked, and cannot be told otherwise: only who asks a row directly sees it.
DIRECTLY: dict[str, dict[str, int | None]] = {
    "an unknown method": {"gunicorn": 405, "uvicorn": 400, "uvicorn h11": 405, "granian": 405, "uwsgi": 405},
    "many headers": {"gunicorn": 200, "uvicorn": 200, "granian": 431, "uwsgi": 200},
    "no HTTP": {"gunicorn": 400, "uvicorn": 400, "granian": 400, "uwsgi": None},  # uWSGI waits for the rest
    "a long URL": {"gunicorn": 200, "uvicorn": 200, "granian": 200, "uwsgi": 200},
    "a long header": {"gunicorn": 200, "uvicorn": 200, "granian": 200, "uwsgi": 200},
    "no host": {"gunicorn": 200, "uvicorn": 200, "uvicorn h11": 400, "granian": 200, "uwsgi": 200},
}


@pytest.mark.parametrize("what", DIRECTLY)
def test_asked_directly_a_server_keeps_limits_of_its_own(native: NativeDoor, what: str) -> None:
    request = REFUSED[what][0].replace("/{row}", "") + "\r\n"
    for row in native.rows:
        own, h11 = DIRECTLY[what], f"{row.server} h11" if "h11" in row.command else ""
        status = own.get(h11, own[row.server])
        if status is not None:
            assert raw(native.native.url(row), request)[0] == status, f"{row.name} on {row.server}"


def test_a_broken_body_is_no_failure_of_the_service(native: NativeDoor) -> None:
    chunks = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\nzz\r\n"
    for row in native.rows:
        if row.framework != "none":
            assert raw(native.native.url(row), f"POST /echo HTTP/1.1\r\n{HOST}{chunks}\r\n")[0] == 400, row.name


def test_a_row_that_is_added_is_served_without_a_restart(compose: ComposeDoor, client: Client, tmp_path: Path) -> None:
    block = """
  added:
    <<: *flask
    command: gunicorn --worker-class gthread --threads 2 'flask_service:create_app()'
    environment: { <<: *fair, ROW: added, MODEL: 2 threads }

  # What stands around them"""
    project = Path(__file__).parents[2]
    text = (project / "docker-compose.yml").read_text()
    table = tmp_path / "docker-compose.yml"
    table.write_text(text.replace("\n  # What stands around them", block))
    with_it = ("--file", str(table), "--project-directory", str(project))
    try:
        compose.compose(*with_it, *UP, "--no-deps", "added")
        assert client.get_later("/added/json").result().status_code == 404
        compose.compose("run", "--rm", "--volume", f"{table}:/app/docker-compose.yml:ro", "setup")
        until(lambda: client.get_later("/added/json").result().status_code == 200, 20)
    finally:
        compose.compose(*with_it, "rm", "--stop", "--force", "added")
        compose.compose("run", "--rm", "setup")
    until(lambda: client.get_later("/added/json").result().status_code == 404, 20)


def test_the_start_is_quiet_and_ends_with_where_to_go(compose: ComposeDoor) -> None:
    def said(*services: str) -> list[str]:
        return compose.compose("logs", "--no-log-prefix", "--no-color", *services).splitlines()

    ports = compose.environ
    until(lambda: len(said("nginx")) >= 3)
    page, locust, next_step = said("nginx")[:3]
    assert page.endswith(f"https://localhost:{ports['HTTPS_PORT']}")
    assert locust.endswith(f"http://localhost:{ports['LOCUST_PORT']}")
    assert next_step.startswith("next step")
    assert not [line for line in said() if "could not be resolved" in line or "WebSocket /" in line]
