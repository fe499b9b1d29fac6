"""The bare WSGI and ASGI applications: alike with each other, and with the frameworks where they serve the same."""

from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from anyio.from_thread import BlockingPortal

from protocols import asgi, wsgi
from tests.contract.apps import Ask, Both, ask_asgi, ask_wsgi, detail, shape

PATHS = ["/plaintext", "/json", "/wait?ms=0", "/health", "/ready"]


@pytest.fixture
def bare_wsgi() -> Ask:
    return ask_wsgi(wsgi.application)


@pytest.fixture
def bare_asgi(portal: BlockingPortal) -> Ask:
    return ask_asgi(asgi.application, portal)


@pytest.fixture
def bare(bare_wsgi: Ask, bare_asgi: Ask) -> Both:
    return Both(bare_wsgi, bare_asgi)


@pytest.mark.parametrize("path", PATHS)
def test_both_protocols_answer_alike(bare: Both, path: str) -> None:
    assert bare("GET", path).status_code == 200
    assert bare("HEAD", path).content == b""


@pytest.mark.parametrize("path", PATHS)
def test_the_frameworks_add_nothing_to_what_goes_over_the_wire(bare: Both, both: Both, path: str) -> None:
    without, within = bare("GET", path), both("GET", path)
    assert (shape(without), without.content) == (shape(within), within.content)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/wait?ms=5.5", 422),
        ("GET", "/wait?ms=1&ms=x", 422),
        ("GET", "/wait?ms=%D9%A3", 422),
        ("GET", "/wait?ms=", 422),
        ("GET", "/json/", 404),
        ("POST", "/nothing", 404),
        ("POST", "/json", 405),
        ("OPTIONS", "/wait", 405),
    ],
)
def test_a_refusal_is_that_of_the_frameworks(bare: Both, both: Both, method: str, path: str, status: int) -> None:
    without, within = bare(method, path), both(method, path)
    assert (shape(without), without.content) == (shape(within), within.content)
    detail(without, status)


def test_about_names_the_interface_and_no_framework(bare_wsgi: Ask, bare_asgi: Ask) -> None:
    one, other = bare_wsgi("GET", "/about").json(), bare_asgi("GET", "/about").json()
    assert list(one) == list(other)
    assert (one["interface"], one["framework"]) == ("WSGI", "none")
    assert (other["interface"], other["framework"]) == ("ASGI", "none")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/json"), ("HEAD", "/json"), ("GET", "/wait?ms=x"), ("POST", "/json"), ("GET", "/no")]
)
def test_the_wsgi_application_keeps_to_the_specification(method: str, path: str) -> None:
    path_info, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path_info,
        "QUERY_STRING": query,
    }
    setup_testing_defaults(environ)
    answer: Iterable[bytes] = validator(wsgi.application)(environ, lambda *status_and_headers: lambda data: None)
    list(answer)
    answer.close()  # type: ignore[attr-defined]  # the validator returns more than an iterable
