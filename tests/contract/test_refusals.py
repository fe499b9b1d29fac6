"""What is refused, and how: `application/problem+json`, to the byte alike from both."""

import sys
from urllib.parse import quote

import pytest

import workloads
from tests.contract.apps import Ask, Both, detail

# path without parameters, name, lowest, highest
PARAMETERS = [
    ("GET", "/wait?", "ms", 0, 10_000),
    ("GET", "/db?", "queries", 1, 100),
    ("GET", "/db?", "delay_ms", 0, 500),
    ("POST", "/db?", "value", 0, 1_000_000),
    ("GET", "/cpu?", "rounds", 1, 1_000_000),
    ("GET", "/stream?interval_ms=0&", "events", 1, 1_000),
    ("GET", "/stream?events=1&", "interval_ms", 0, 10_000),
    ("GET", "/bytes?", "kib", 1, 4096),
]
# What Pydantic takes for a whole number, and Flask's service with it; and what neither takes.
NUMBERS = ["5", "05", " 5", "5 ", "5\n", "+5", "5.0", "0_5"]
NO_NUMBERS = [
    "",
    "5.5",
    "5.",
    "٣",
    "５",
    "+ 5",
    "_5",
    "5_",
    "-1",
    "1e2",
    "0x5",
    "1,0",
    "9" * 10,
    "9" * 5000,
    "NaN",
    "\0",
    "½",
]
PATHS = {
    "/health": "GET, HEAD",
    "/ready": "GET, HEAD",
    "/about": "GET, HEAD",
    "/plaintext": "GET, HEAD",
    "/json": "GET, HEAD",
    "/wait": "GET, HEAD",
    "/db": "GET, HEAD, POST",
    "/cpu": "GET, HEAD",
    "/echo": "POST",
    "/stream": "GET, HEAD",
    "/ws/echo": "GET, HEAD",
    "/ws/broadcast": "GET, HEAD",
}


@pytest.mark.parametrize(("method", "path", "name", "low", "high"), PARAMETERS)
def test_a_parameter_is_taken_within_its_bounds_and_refused_beyond(
    flask: Ask, fastapi: Ask, both: Both, method: str, path: str, name: str, low: int, high: int
) -> None:
    for value in {low, high} - {workloads.WAIT_MS.high if name == "ms" else -1}:
        for ask in (flask, fastapi):
            assert ask(method, f"{path}{name}={value}").status_code == 200
    for value in (low - 1, high + 1):
        assert detail(both(method, f"{path}{name}={value}"), 422) == (
            f"{name} must be a whole number from {low} to {high}"
        )


@pytest.mark.parametrize("text", NUMBERS, ids=ascii)
def test_both_take_the_same_texts_for_a_number(both: Both, text: str) -> None:
    assert both("GET", f"/cpu?rounds={quote(text)}").json()["rounds"] == 5


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
@pytest.mark.parametrize(("method", "path", "name"), [parameter[:3] for parameter in PARAMETERS])
def test_both_refuse_the_same_texts(both: Both, method: str, path: str, name: str, text: str) -> None:
    detail(both(method, f"{path}{name}={quote(text)}"), 422)


@pytest.mark.parametrize(("method", "path", "name"), [parameter[:3] for parameter in PARAMETERS])
@pytest.mark.parametrize("query", ["{0}=1&{0}", "{0}=1&{0}=x", "{0}", "{0}=%ff", "{0}=1;{0}=2"])
def test_of_a_repeated_parameter_the_last_is_refused(both: Both, method: str, path: str, name: str, query: str) -> None:
    detail(both(method, path + query.format(name)), 422)


def test_of_a_repeated_parameter_the_last_counts(both: Both) -> None:
    assert both("GET", "/cpu?rounds=x&rounds=4&rounds=5").json()["rounds"] == 5


def test_of_two_wrong_parameters_the_first_is_named(both: Both) -> None:
    assert detail(both("GET", "/stream?interval_ms=x&events=x"), 422).startswith("events must be")


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")  # HEAD has that of GET
def test_fastapi_describes_its_parameters_with_their_bounds(fastapi: Ask) -> None:
    described = sys.modules["fastapi_service"].create_app().openapi()["paths"]
    for method, path, name, low, high in PARAMETERS:
        given = {
            each["name"]: each["schema"] for each in described[path.partition("?")[0]][method.lower()]["parameters"]
        }
        assert (given[name]["minimum"], given[name]["maximum"]) == (low, high)
        assert given[name]["default"] == workloads.PARAMETERS[name].default


def test_head_refuses_a_parameter_as_get_does(both: Both) -> None:
    assert both("HEAD", "/wait?ms=5.5").status_code == 422


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_refused_with_the_whole_list_of_those_allowed(both: Both, path: str, method: str) -> None:
    if method in PATHS[path].split(", "):
        return
    answer = both(method, path)
    assert answer.headers["allow"] == PATHS[path]
    assert answer.status_code == 405
    if method != "HEAD":
        assert detail(answer, 405) == "this route does not take this method"


@pytest.mark.parametrize("path", PATHS)
def test_a_trailing_slash_is_another_path_and_there_is_none(both: Both, path: str) -> None:
    detail(both("GET", f"{path}/"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/Health",
        "/ws//echo",
        "/health//",
        "//health",
        "//",
        "/health%00",
        "/health%0a",
        "/ws/echo%0a",
        "/ö",
        "/docs",
        "/openapi.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_unknown_path_is_a_404_for_every_method(both: Both, path: str, method: str) -> None:
    assert detail(both(method, path), 404) == "there is no such route"


def test_a_failing_handler_is_a_500_that_keeps_its_reason_to_the_log(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(rounds: int) -> int:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(workloads, "cpu_work", fail)
    answer = both("GET", "/cpu")
    assert detail(answer, 500) == "the service failed: its log says why"
    assert "secret" not in answer.text
