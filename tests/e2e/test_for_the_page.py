"""What the gateway does for the page: it hands out verdicts and reports of results/, and says which rows run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lab.stack.compose_file import ROOT
from tests.e2e.stacks import Stack
from tests.helpers import until

NAME = "2999-01-02T00-00-00-of-a-test"
HIDDEN = ("raw.jsonl", "environment.json", "", "..%2fraw.jsonl", "verdicts.json.part")


@pytest.fixture
def run() -> Iterator[Path]:
    folder = ROOT / "results" / NAME
    folder.mkdir()
    for name in ("verdicts.json", "report.html", "raw.jsonl", "environment.json", "verdicts.json.part"):
        (folder / name).write_text("{}")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.http, trust_env=False) as client:
        yield client


def test_the_page_finds_the_verdicts_and_the_report_of_a_run(http: httpx.Client, run: Path) -> None:
    assert NAME in [each["name"] for each in http.get("/results/").json()]
    assert http.get(f"/results/{NAME}/verdicts.json").json() == {}
    report = http.get(f"/results/{NAME}/report.html")
    policy = report.headers["content-security-policy"]
    assert report.status_code == 200 and "script-src" not in policy and "default-src 'none'" in policy


def test_of_a_run_without_verdicts_the_page_learns_so_without_an_error(http: httpx.Client, run: Path) -> None:
    (run / "verdicts.json").unlink()
    assert http.get(f"/results/{NAME}/verdicts.json").status_code == 204


@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_else_of_a_run_is_handed_out(http: httpx.Client, run: Path, name: str) -> None:
    assert http.get(f"/results/{NAME}/{name}").status_code == 404


def test_nothing_beside_the_results_is_handed_out(http: httpx.Client) -> None:
    for path in ("/results/../docker-compose.yml", "/results/%2e%2e/.env", "/results/.gitkeep", "/results/..%2f.env"):
        assert http.request("GET", path).status_code in (400, 404), path


def test_what_a_run_left_is_read_only(http: httpx.Client, run: Path) -> None:
    for method in ("PUT", "DELETE", "POST"):
        refused = http.request(method, f"/results/{NAME}/verdicts.json")
        assert (refused.status_code, refused.headers["content-type"]) == (405, "application/problem+json")
    assert (run / "verdicts.json").read_text() == "{}"


def test_the_page_learns_without_an_error_which_rows_are_there(stack: Stack, http: httpx.Client) -> None:
    assert http.get("/-/up/asgi").status_code == 200
    stack.stop("asgi")
    try:
        until(lambda: http.get("/-/up/asgi").status_code == 204, what="the gateway to miss it")
    finally:
        stack.start("asgi")
    until(lambda: http.get("/-/up/asgi").status_code == 200, what="the row to be back")
    assert http.get("/-/up/nobody").status_code == 404


def test_a_row_that_speaks_http2_with_the_gateway_is_asked_in_its_own_words(http: httpx.Client) -> None:
    for _ in range(20):  # on connections that are kept
        assert http.get("/flask-http2/json").status_code == 200
        assert http.get("/-/up/flask-http2").status_code == 200
