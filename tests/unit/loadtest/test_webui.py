"""Locust's web UI as the suite fits it: what its form accepts, what the Compare tab is told."""

import json
import re
from typing import Any

import locust.env
import locust.runners
import pytest

from tests.unit.loadtest.web_ui import OWN_PAGE, WebUI

pytestmark = pytest.mark.usefixtures("ui_rows")


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


@pytest.mark.parametrize(
    ("workers", "state"),
    [
        (["ready", "missing"], "stopped"),  # one was killed
        (["ready", "ready"], "stopped"),
        (["ready", "running"], "stopping"),  # one still drains
    ],
)
def test_a_test_is_stopped_when_all_workers_that_are_left_have_stopped(
    monkeypatch: pytest.MonkeyPatch, workers: list[str], state: str
) -> None:
    monkeypatch.setenv("WORKER_SECRET", "of sixteen characters")
    from loadtest import locustfile  # reads the rows

    runner = locust.env.Environment().create_master_runner("127.0.0.1", 0)
    locustfile.forget_lost_workers(runner)
    for number, worker in enumerate(workers):
        runner.clients[str(number)] = locust.runners.WorkerNode(str(number), state=worker)
    runner.state = locust.runners.STATE_STOPPING
    runner.check_stopped()
    assert runner.state == state
    runner.state = locust.runners.STATE_STOPPED
    runner.quit()


def test_reset_begins_the_figures_anew(ui: WebUI) -> None:
    ui.environment.sampler.begin()
    ui.measure(5)
    ui.environment.sampler.end()
    assert ui.figures()["lines"]
    ui.client.post("/stats/reset", headers=OWN_PAGE)
    assert ui.figures()["lines"] == []
