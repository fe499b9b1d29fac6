"""Locust's web UI as the suite fits it: who may use it, what its form accepts, what the Compare tab is told."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import locust.argument_parser
import locust.env
import locust.runners
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loadtest import targets

ROWS = [
    {
        "name": name,
        "interface": "WSGI",
        "framework": "none",
        "server": "granian",
        "model": "m",
        "address": "127.0.0.1:1",
    }
    | {"meter": "http://127.0.0.1:1/"}
    for name in ("flask", "fastapi")
]
OWN_PAGE = {"Origin": "http://localhost"}  # where Flask's test client is
FORM = {
    "user_count": "4",
    "spawn_rate": "10",
    "host": "",
    "run_time": "",
    "profile": "",
    "scenario": "Wait",
    "rows": ["fastapi"],
    "shape": "steady",
    "arrivals": "closed",
    "limit_p9_9ms": "150",  # as Locust's page spells it
}


class WebUI:
    """A web UI that does not listen, in front of a runner that starts no users."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
        from loadtest import locustfile  # reads the rows

        options = locust.argument_parser.parse_options(args=list(arguments))
        self.environment: Any = locust.env.Environment(parsed_options=options)
        self.runner = self.environment.create_local_runner()
        self.started: list[tuple[int, float]] = []
        monkeypatch.setattr(self.runner, "start", lambda *load: self.started.append(load))
        web_ui: Any = self.environment.create_web_ui(
            options.web_host, 8089, web_login=options.web_login, delayed_start=True
        )
        locustfile.control(self.environment, self.runner)
        self.client: FlaskClient = web_ui.app.test_client()

    def swarm(self, **changes: object) -> TestResponse:
        form = {name: value for name, value in (FORM | changes).items() if value is not None}
        response = self.client.post("/swarm", data=form, headers=OWN_PAGE)
        gevent.sleep(0)  # Locust starts a test in a greenlet
        return response

    def figures(self, query: str = "") -> Any:
        return self.client.get(f"/compare/figures{query}").json

    def measure(self, *times_ms: float) -> None:
        for row in ("flask", "fastapi"):
            for ms in times_ms:
                self.environment.stats.log_request("GET", f"/json {row}", ms, 10)

    def close(self) -> None:
        self.environment.sampler.end()
        self.runner.quit()


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    monkeypatch.setenv("ROWS_FILE", str(tmp_path / "rows.json"))
    monkeypatch.setattr(sys, "argv", ["locust"])  # Locust reads the form's defaults from there
    targets.rows.cache_clear()
    yield
    targets.rows.cache_clear()


@pytest.fixture
def ui(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebUI]:
    made = WebUI(monkeypatch, "--web-host", "127.0.0.1")
    yield made
    made.close()


# Who may use it


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Referer": "http://evil.example/localhost:8089"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_changes_nothing(ui: WebUI, path: str, headers: dict[str, str]) -> None:
    response = ui.client.post(path, data=FORM, headers=headers)
    assert (response.status_code, ui.started) == (403, [])
    assert "its own pages only" in response.text


@pytest.mark.parametrize(
    "headers", [OWN_PAGE, {"Referer": "http://localhost/?tab=compare"}, {"Sec-Fetch-Site": "same-origin"}, {}]
)
def test_its_own_page_and_the_command_line_may_start_a_test(ui: WebUI, headers: dict[str, str]) -> None:
    assert ui.client.post("/swarm", data=FORM, headers=headers).json["success"]  # type: ignore[index]  # JSON, or it fails


def test_not_even_its_own_page_may_change_the_users_of_later_tests(ui: WebUI) -> None:
    (user, *_) = ui.environment.user_classes
    change = {"user_class_name": user.__name__, "fixed_count": 1, "tasks": [], "host": "http://evil.example"}
    before = user.json()
    assert ui.client.post("/user", json=change, headers=OWN_PAGE).status_code == 403
    assert user.json() == before


@pytest.mark.parametrize("path", ["/", "/stats/requests", "/compare/figures", "/nowhere"])
def test_no_foreign_page_may_read_or_frame_it(ui: WebUI, path: str) -> None:
    headers = ui.client.get(path, headers={"Origin": "http://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9", 200),
        ("127.0.0.1", 200),
        ("[::1]:8089", 200),
        ("evil.example:8089", 403),
        ("localhost.evil", 403),
    ],
)
def test_a_name_that_is_not_this_machine_is_refused(ui: WebUI, host: str, status: int) -> None:
    assert ui.client.get("/", headers={"Host": host}).status_code == status


def test_it_does_not_start_open_to_a_network_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("", "0.0.0.0", "192.168.1.7"):  # noqa: S104  (nothing is bound)
        with pytest.raises(SystemExit, match="for anybody"):
            WebUI(monkeypatch, "--web-host", host)
    monkeypatch.setenv("LOCUST_PUBLISHED_ON", "127.0.0.1")  # as a container on loopback says
    WebUI(monkeypatch, "--web-host", "0.0.0.0").close()  # noqa: S104  (nothing is bound)


def test_a_login_needs_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_UI_PASSWORD", raising=False)
    with pytest.raises(SystemExit, match="set LAB_UI_PASSWORD"):
        WebUI(monkeypatch, "--web-login")


def test_behind_a_login_only_the_password_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_UI_PASSWORD", "grün & gold")
    ui = WebUI(monkeypatch, "--web-host", "0.0.0.0", "--web-login")  # noqa: S104  (nothing is bound)

    def statuses() -> set[int]:
        reads = ("/", "/compare", "/compare/figures", "/compare/rows", "/stats/requests", "/logs")
        return {ui.client.get(path, buffered=True).status_code for path in reads}

    def log_in(password: str, user: str = "lab") -> TestResponse:
        return ui.client.post("/login/check", data={"username": user, "password": password}, headers=OWN_PAGE)

    assert statuses() == {302}
    assert [ui.client.post(path, data=FORM).status_code for path in ("/swarm", "/stop", "/stats/reset")] == [302] * 3
    assert log_in("wrong").location.endswith("/login")
    assert "not the user and password" in ui.client.get("/login").text
    assert log_in("grün & gold", "root").location.endswith("/login")
    assert statuses() == {302}
    assert log_in("grün & gold").location == "/"
    assert statuses() == {200}
    assert ui.swarm().json["success"]  # type: ignore[index]  # JSON, or it fails
    ui.close()


# The form


def test_a_test_starts_with_what_the_form_says(ui: WebUI) -> None:
    assert ui.swarm(user_count="7", wait_ms="250", run_time="1m30s").json["success"]  # type: ignore[index]  # JSON, or it fails
    options = ui.environment.parsed_options
    assert ui.started == [(7, 10.0)]
    assert [user.__name__ for user in ui.environment.user_classes] == ["Wait on fastapi"]
    assert (options.rows, options.wait_ms, options.limit_p99_ms, options.run_time) == (["fastapi"], 250, 150.0, 90)
    assert (ui.environment.host, options.host) == (None, None)


def test_a_shape_starts_instead_of_a_steady_load(ui: WebUI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.runner, "start_shape", lambda: ui.started.append((0, 0)))
    assert "Stages" in ui.swarm(shape="steps").json["message"]  # type: ignore[index]  # JSON, or it fails
    assert ui.swarm(shape="steady").json["message"] == "Swarming started"  # type: ignore[index]  # JSON, or it fails
    assert ui.environment.shape_class is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scenario": "Nonsense"}, "Scenario: 'Nonsense' is none of Json"),
        ({"rows": None}, "Rows: choose at least one"),
        ({"rows": ["flask", "php"]}, "Rows: 'php' is none of flask, fastapi"),
        ({"rate": "0"}, "Rate: must be from 0.1"),
        ({"rate": "nan"}, "Rate: must be from 0.1"),
        ({"wait_ms": "soon"}, "Wait ms: 'soon' is not a number"),
        ({"user_count": "0"}, "User count: must be from 1"),
        ({"spawn_rate": ""}, "Spawn rate: '' is not a number"),
        ({"run_time": "5 parsecs"}, "Run time: write it like 20"),
        ({"host": "http://evil.example"}, "no host to choose"),
        ({"html_file": "/tmp/x"}, "no field 'html_file'"),  # noqa: S108  (it is refused)
        ({"shape": "search"}, "choose constant or poisson arrivals"),
        ({"shape": "steps", "run_time": "20"}, "length of its own"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(ui: WebUI, changes: dict[str, Any], reason: str) -> None:
    before = dict(vars(ui.environment.parsed_options))
    response = ui.swarm(**changes)
    assert (response.status_code, ui.started) == (422, [])
    assert reason in response.json["message"]  # type: ignore[index]  # None where it is no JSON: then the test fails
    assert vars(ui.environment.parsed_options) == before


def test_while_a_test_runs_its_load_may_change_and_nothing_else(ui: WebUI) -> None:
    ui.swarm()
    ui.runner.state = locust.runners.STATE_RUNNING
    assert ui.swarm(user_count="9", run_time=None).json["success"]  # type: ignore[index]  # JSON, or it fails
    refused = ui.swarm(rows=["flask"], scenario="Json")
    assert refused.status_code == 409
    assert refused.json["message"].startswith("Scenario, Rows: cannot change")  # type: ignore[index]  # JSON, or it fails
    assert [load[0] for load in ui.started] == [4, 9]
    ui.runner.state = locust.runners.STATE_STOPPING
    assert ui.swarm().status_code == 409
    ui.runner.state = locust.runners.STATE_STOPPED


def test_the_page_shows_the_options_in_their_order_and_brings_what_fits_it(ui: WebUI) -> None:
    page = ui.client.get("/").text
    shown = json.loads(re.search(r"templateArgs = (.*)", page).group(1))  # type: ignore[union-attr]  # found, or it fails
    assert list(shown["extra_options"])[:3] == ["scenario", "rows", "path"]
    assert shown["extended_tabs"] == [{"title": "Compare", "key": "compare"}]
    assert shown["lab_rows"]["flask"] == "WSGI: bare on granian, m"
    for path in re.findall(r'"\.(/lab/[^"]+)"', page):
        assert ui.client.get(path, buffered=True).status_code == 200


def shown(ui: WebUI) -> Any:
    return json.loads(re.search(r"templateArgs = (.*)", ui.client.get("/").text).group(1))  # type: ignore[union-attr]  # found, or it fails


def test_the_form_shows_what_was_asked_for_last(ui: WebUI) -> None:
    ui.swarm(scenario="DbRead", arrivals="poisson", rate="7", user_count="5")
    page = shown(ui)
    kept = {name: page["extra_options"][name]["default_value"] for name in ("scenario", "arrivals", "rate", "rows")}
    assert kept == {"scenario": "DbRead", "arrivals": "poisson", "rate": 7, "rows": ["fastapi"]}
    assert page["num_users"] == 5


def test_what_the_form_explains_and_when_it_asks_is_data(ui: WebUI) -> None:
    form = shown(ui)["lab_form"]
    assert form["limit_p99_ms"]["title"] == "Limit p99 ms"
    assert form["rounds"] == {
        "title": "Rounds",
        "help": "rounds of work per request",
        "meanings": {},
        "only_if": {"scenario": ["Cpu", "Mix", "Impatient"]},
    }
    assert form["rate"]["only_if"] == {"arrivals": ["constant", "poisson"]}
    assert form["scenario"]["meanings"]["Json"] == "The basic request: a small JSON answer"
    assert form["shape"]["meanings"]["steady"] == "the whole load for “Run time”"


def test_it_says_which_rows_have_a_server(ui: WebUI) -> None:
    assert ui.client.get("/compare/rows").json == {"flask": False, "fastapi": False}


# The Compare tab


def test_before_any_test_there_are_no_figures(ui: WebUI) -> None:
    figures = ui.figures()
    assert (figures["run"], figures["lines"], figures["points"], figures["warnings"]) == (None, [], [], [])
    assert "compare.js" in ui.client.get("/compare", buffered=True).text


def test_figures_are_those_of_locusts_own_table_below_a_millisecond_too(ui: WebUI) -> None:
    ui.environment.sampler.begin()
    ui.measure(0.213, 0.428, 0.8537, 12.34)
    ui.environment.sampler.end()
    own = {entry["name"]: entry for entry in ui.client.get("/stats/requests").json["stats"]}  # type: ignore[index]  # JSON, or it fails
    for line in ui.figures()["lines"]:
        entry = own[f"{line['what']} {line['row']}"]
        assert line["requests"] == entry["num_requests"] == 4
        assert line["p50_ms"] == entry["median_response_time"] < 1
        assert line["p95_ms"] == entry["response_time_percentile_0.95"]
        assert line["p99_ms"] == entry["response_time_percentile_0.99"] == 12.3


def test_a_page_that_has_the_older_points_gets_the_newer_only(ui: WebUI) -> None:
    sampler = ui.environment.sampler
    sampler.begin()
    ui.measure(5)
    sampler.samples.append(sampler.take())
    (point,) = ui.figures()["points"]
    assert point["rows"]["flask"]["p50_ms"] == 5
    known = f"?run={ui.figures()['run']}&what=/json&since={point['at']}"
    assert ui.figures(known)["points"] == []
    sampler.samples.append(sampler.take())
    assert len(ui.figures(known)["points"]) == 1
    sampler.begin()
    sampler.samples.append(sampler.take())
    assert len(ui.figures(known)["points"]) == 1, "of the new test"


def test_charts_are_of_one_kind_of_request_and_the_page_chooses_which(ui: WebUI) -> None:
    sampler = ui.environment.sampler
    sampler.begin()
    for what, ms in (("/stream gap", 100), ("/stream gap", 100), ("/stream whole", 2000)):
        ui.environment.stats.log_request("GET", f"{what} flask", ms, 10)
    sampler.end()
    most = ui.figures()
    assert (most["what"], sorted(most["kinds"])) == ("/stream gap", ["/stream gap", "/stream whole"])
    assert most["points"][-1]["rows"]["flask"]["p99_ms"] == 100
    chosen = ui.figures("?wanted=/stream whole")
    assert chosen["points"][-1]["rows"]["flask"]["p99_ms"] == 2000


def test_a_test_is_called_stopped_when_its_last_figures_are_there(ui: WebUI) -> None:
    ui.environment.sampler.begin()
    ui.runner.state = locust.runners.STATE_STOPPED
    assert ui.figures()["state"] == "stopping"
    ui.environment.sampler.end()
    assert ui.figures()["state"] == "stopped"


def test_reset_begins_the_figures_anew(ui: WebUI) -> None:
    ui.environment.sampler.begin()
    ui.measure(5)
    ui.environment.sampler.end()
    assert ui.figures()["lines"]
    ui.client.post("/stats/reset", headers=OWN_PAGE)
    assert ui.figures()["lines"] == []
