"""The small apps in which one thing differs: whatever differs, the answer is the same, or a ratio would compare two."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

import variations
from tests.contract.apps import Ask, ask_asgi, ask_wsgi, shape
from variations import fastapi_apps, flask_apps

FLASK = [flask_apps.plain, flask_apps.validated, flask_apps.hooked, flask_apps.wrapped]
FASTAPI = [
    fastapi_apps.starlette,
    fastapi_apps.starlette_validated,
    fastapi_apps.plain,
    fastapi_apps.validated,
    fastapi_apps.in_def,
]
FASTAPI += [fastapi_apps.hooked, fastapi_apps.wrapped]
BODY = '{"message":"Übung 1"}'.encode()
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(
    params=[*FLASK, *FASTAPI], ids=lambda make: f"{make.__module__.removeprefix('variations.')}-{make.__name__}"
)
def app(request: pytest.FixtureRequest, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    for module in (flask_apps, fastapi_apps):
        monkeypatch.setattr(module, "MIDDLEWARES", 5)
    made = request.param()
    yield ask_wsgi(made) if request.param in FLASK else ask_asgi(made, portal)


def test_every_app_greets_as_the_services_do(app: Ask, flask: Ask) -> None:
    one, other = app("GET", "/json"), flask("GET", "/json")
    assert (shape(one), one.content) == (shape(other), other.content)


def test_every_app_says_that_it_is_there_and_what_it_is(app: Ask) -> None:
    assert app("GET", "/health").json() == {"status": "ok"}
    assert app("GET", "/about").json()["interface"] in ("WSGI", "ASGI")


ECHOES: list[Any] = [flask_apps.plain, flask_apps.validated]
ECHOES += [fastapi_apps.starlette, fastapi_apps.starlette_validated, fastapi_apps.plain, fastapi_apps.validated]


def asked(make: Any, portal: BlockingPortal) -> Ask:
    return ask_wsgi(make()) if make in FLASK else ask_asgi(make(), portal)


@pytest.mark.parametrize("make", ECHOES)
def test_an_echo_is_the_same_bytes_validated_or_not(make: Any, portal: BlockingPortal) -> None:
    answer = asked(make, portal)("POST", "/echo", content=BODY, headers=AS_JSON)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("make", "refused"), [(each, each.__name__.endswith("validated")) for each in ECHOES])
def test_only_the_apps_that_validate_refuse_a_wrong_body(make: Any, refused: bool, portal: BlockingPortal) -> None:
    answer = asked(make, portal)("POST", "/echo", content=b'{"message":7}', headers=AS_JSON)
    assert (answer.status_code >= 400) == refused


@pytest.mark.parametrize("make", [flask_apps.hooked, flask_apps.wrapped, fastapi_apps.hooked, fastapi_apps.wrapped])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_middleware_sees_every_request(
    make: Any, count: int, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(variations.Stopwatch, "add", lambda self, began: seen.append(began))
    for module in (flask_apps, fastapi_apps):
        monkeypatch.setattr(module, "MIDDLEWARES", count)
    ask = asked(make, portal)
    assert ask("GET", "/json").status_code == 200
    assert len(seen) == count


@pytest.mark.parametrize("make", [flask_apps.plain, fastapi_apps.plain])
def test_a_reload_is_asked_of_the_workers_parent(
    make: Any, portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "getppid", lambda: 4711)
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    assert asked(make, portal)("POST", "/reload").status_code == 200
    assert sent == [(4711, signal.SIGHUP)]
