"""docs/openapi.json is the contract: neither service has a route that it lacks, nor lacks one that it has."""

from typing import Any

from tests.contract import document
from tests.contract.apps import Ask

ONE_FRAMEWORK = {"/wait/async", "/wait/threadpool", "/wait/blocking", "/timed/wait/blocking"}
SOCKETS = {"/ws/echo", "/ws/broadcast"}


def test_the_file_is_what_the_limits_say() -> None:
    assert document.FILE.read_text() == document.text(), "python -m tests.contract.document writes it anew"


def test_both_services_have_its_routes_and_no_others(flask: Ask, fastapi: Ask) -> None:
    import fastapi_service
    import flask_service

    described = {(path, method.upper()) for path, routes in document.document()["paths"].items() for method in routes}
    rules = flask_service.create_app().url_map.iter_rules()
    routes: list[Any] = list(fastapi_service.create_app().routes)
    for_flask = {(rule.rule, method) for rule in rules for method in plain(rule)}
    for_fastapi = {(route.path, method) for route in routes for method in plain(route)}
    for served in (for_flask, for_fastapi):
        assert {route for route in served if route[0] not in ONE_FRAMEWORK | SOCKETS} == described


def plain(route: Any) -> set[str]:
    return set(getattr(route, "methods", None) or ()) - {"HEAD", "OPTIONS"}
