"""The stack as another machine sees it that PUBLISH_ON lets in, through both doors."""

import os
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from lab.stack.compose_file import ComposeFile
from lab.stack.machine import Ports, lan_addresses
from lab.stack.native import NativeStack
from tests.e2e import stacks
from tests.e2e.client import problem
from tests.e2e.stacks import plain_environ, published_on, run, started

TRUSTED = "odd-name.app.example"
PASSWORD = "a secret"  # noqa: S105  (of a stack that lives for a test)
ROWS = ("flask", "fastapi")


@dataclass
class Seen:
    """What another machine types."""

    address: str
    https: str
    http: str
    locust: str
    here: str  # what this machine types
    from_another: str | None  # an own address that the gateway takes for another machine's


@pytest.fixture(scope="module", params=["native", "compose"])
def seen(request: pytest.FixtureRequest) -> Iterator[Seen]:
    address = next(iter(lan_addresses()), None)
    if not address:
        pytest.skip("this machine is in no network")
    settings = {"PUBLISH_ON": address, "TRUSTED_HOST": TRUSTED, "LAB_UI_PASSWORD": PASSWORD}
    if request.param == "native":
        ports = Ports()  # held until the stack has ended
        environ = plain_environ() | published_on(ports) | settings
        with started(NativeStack(ComposeFile(environ=environ), fixed_ports=True, leave_out=("wsgi", "asgi"))):
            yield at(address, environ, here=address, from_another="127.0.1.1")
        return
    if not stacks.docker_runs():
        assert not os.environ.get("CI"), "CI must run the Docker tests, and `docker info` fails"
        pytest.skip("`docker info` fails: no Docker here, or its engine does not run")
    # From containers all addresses but loopback are another machine's; which these are must be said.
    settings |= {"PUBLISH_ON": "0.0.0.0", "TRUSTED_HOST": f"{TRUSTED},{address}"}  # noqa: S104  (the test is about it)
    with stacks.compose_project(f"{stacks.PROJECT}-room", **settings) as environ:
        run(
            ["docker", "compose", *stacks.UP_BUILT, "nginx", "locust", *ROWS],
            environ,
        )
        yield at(address, environ, here="localhost", from_another=None)


def at(address: str, environ: dict[str, str], here: str, from_another: str | None) -> Seen:
    https, http, locust = (environ[f"{name}_PORT"] for name in ("HTTPS", "HTTP", "LOCUST"))
    return Seen(
        address,
        f"https://{address}:{https}",
        f"http://{address}:{http}",
        f"http://{address}:{locust}",
        f"http://{here}:{http}",
        from_another,
    )


def test_its_certificate_covers_the_address_for_whoever_trusts_the_authority_of_the_page(seen: Seen) -> None:
    authority = httpx.get(f"{seen.http}/ca.crt", trust_env=False).text
    trusting = ssl.create_default_context(cadata=authority)
    assert httpx.get(f"{seen.https}/fastapi/json", verify=trusting, trust_env=False).status_code == 200


def test_the_page_shows_where_phones_go(seen: Seen) -> None:
    page = httpx.get(f"{seen.http}/", trust_env=False).text
    assert f'href="{seen.http.replace(seen.address, TRUSTED)}/room.html"' in page
    code = httpx.get(f"{seen.http}/room.svg", trust_env=False)
    assert code.headers["content-type"] == "image/svg+xml"
    assert httpx.get(f"{seen.http}/room.html", trust_env=False).status_code == 200


def test_another_machine_has_its_limits_and_this_one_has_none(seen: Seen) -> None:
    path = "/fastapi/wait?ms=10000"
    answers = all_at_once(seen.http + path, seen.from_another)
    assert Counter(answer.status_code for answer in answers) == {200: 80, 429: 20}
    problem(next(answer for answer in answers if answer.status_code == 429), 429)
    answers = all_at_once(seen.here + path, None)
    assert Counter(answer.status_code for answer in answers) == {200: 100}


def all_at_once(url: str, source: str | None) -> list[httpx.Response]:
    many = httpx.Limits(max_connections=None)
    transport = httpx.HTTPTransport(local_address=source, trust_env=False, limits=many)
    with httpx.Client(transport=transport, timeout=60) as client, ThreadPoolExecutor(100) as threads:
        return list(threads.map(lambda _: client.get(url), range(100)))


def test_locust_asks_for_its_login_and_takes_it_under_a_forwarded_name(seen: Seen) -> None:
    with httpx.Client(base_url=seen.locust, trust_env=False) as anybody:
        assert anybody.get("/").headers["location"].startswith("/login")
        assert anybody.post("/swarm", data={"user_count": "1"}).status_code in (302, 401)
        given = {"username": "lab", "password": PASSWORD}
        local = {"Host": "localhost:8089"}  # as a forwarded port rewrites it
        foreign = anybody.post("/login/check", data=given, headers=local | {"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        known = anybody.post("/login/check", data=given, headers=local | {"Origin": f"https://{TRUSTED}"})
        assert known.headers["location"] == "/"
        assert anybody.get("/").status_code == 200


@pytest.mark.parametrize("row", ROWS)
def test_a_page_under_the_trusted_name_opens_websockets_and_a_foreign_one_does_not(seen: Seen, row: str) -> None:
    url = seen.http.replace("http", "ws") + f"/{row}/ws/echo"
    for origin in (f"https://{TRUSTED}", seen.http):
        with connect(url, proxy=None, origin=Origin(origin)) as socket:
            socket.send("heard")
            assert socket.recv(timeout=20) == "heard"
    for origin in ("https://evil.example", f"https://{TRUSTED}.evil.example", f"https://x{TRUSTED}"):
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, proxy=None, origin=Origin(origin))
