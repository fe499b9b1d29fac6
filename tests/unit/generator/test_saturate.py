"""What wrk says becomes a record that can be believed, and an experiment that needs it is left out where it is not."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lab import LabError
from lab.experiments import find
from lab.generator import saturate
from lab.generator.record import SATURATED, Block, Observation
from lab.generator.saturate import ArmSaturated, Seen, as_measured, of_another_length
from lab.run import run
from loadtest import targets
from loadtest.users.requests import GREETING

needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is a package of the system, and never needed")
CLIENTS = 4
ASK_WITH_LOCUST = """
import sys
from locust import FastHttpUser
from locust.env import Environment

class User(FastHttpUser):
    host = sys.argv[1]

User(Environment(user_classes=[User])).client.get("/json")
"""


def seen(**changes: Any) -> Seen:
    fields: dict[str, Any] = dict.fromkeys(Seen.__dataclass_fields__, 0)
    return Seen(**fields | {"us": 1_000_000, "requests": 400, "bytes": 40_000, "times": []} | changes)


def corrected(times: Counter[int], usual: int) -> Counter[int]:
    """What wrk 4 reports (stats_correct): a long time counts as all those that it would have delayed in open loop."""
    found = Counter(times)
    for longest in sorted(times):
        if longest >= 2 * usual:
            for added in range(longest - usual, usual, -usual):
                found[added] += times[longest]
    return found


@pytest.mark.parametrize("stalls", [{}, {35_000: 3}, {20_000: 1, 31_234: 2, 400_000: 1}])
def test_response_times_are_those_that_were_measured_without_what_wrk_adds(stalls: dict[int, int]) -> None:
    times = Counter({9_000: 200, 10_500: 190} | stalls)
    requests = sum(times.values())
    usual = 1_000_000 // (requests // CLIENTS)
    reported = corrected(times, usual)
    assert as_measured(seen(requests=requests, times=list(reported.items())), CLIENTS) == times


def test_answers_that_are_as_long_as_the_right_ones_pass_though_the_last_are_cut() -> None:
    assert of_another_length(seen(), seen(requests=800, bytes=80_150), CLIENTS) == ""


@pytest.mark.parametrize("other", [{"bytes": 36_000}, {"bytes": 44_000}, {"requests": 0, "bytes": 0}])
def test_answers_of_another_length_are_told(other: dict[str, int]) -> None:
    assert of_another_length(seen(), seen(**other), CLIENTS)


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[SimpleNamespace]:
    """A row with one answer, which a test may change meanwhile."""
    row = SimpleNamespace(body=body, headers={})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body go out together

        def do_GET(self) -> None:
            row.headers = dict(self.headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(row.body)))
            self.end_headers()
            self.wfile.write(row.body)

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        row.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        try:
            yield row
        finally:
            server.shutdown()


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Observation]]:
    """Of a row at an address; `meanwhile` is called when its answers have been checked."""

    def measure(address: str, meanwhile: Callable[[], object] = lambda: None, rate: float = 0) -> Observation:
        (tmp_path / "rows.json").write_text(json.dumps([{"name": "flask", "address": address}]))
        arm = ArmSaturated(Block("flask", SATURATED, CLIENTS, 1.0, rate=rate), argparse.Namespace(path="direct"))
        meanwhile()
        arm.slice(0, 0, 1.0)
        (observation,) = arm.collect()
        return observation

    monkeypatch.setenv("ROWS_FILE", str(tmp_path / "rows.json"))
    monkeypatch.setattr(saturate, "read_meter", lambda row: None)
    targets.rows.cache_clear()
    yield measure
    targets.rows.cache_clear()


@needs_wrk
def test_a_row_that_answers_right_is_measured_without_a_failure(measured: Callable[..., Observation]) -> None:
    with serving(GREETING) as row:
        found = measured(row.address)
    assert found.load.failures == 0 and found.answered == found.load.requests > 50
    assert sum(found.load.histogram.values()) == pytest.approx(found.answered, rel=0.02)
    assert 1 <= found.seconds < 2 and 0 < found.generator_cpus < 1.2
    assert found.load.reported_in_flight <= found.load.in_flight == CLIENTS


@needs_wrk
def test_wrk_sends_the_headers_that_the_clients_of_locust_send(measured: Callable[..., Observation]) -> None:
    with serving(GREETING) as row:  # Locust in a process of its own: it patches the standard library
        subprocess.run([sys.executable, "-c", ASK_WITH_LOCUST, f"http://{row.address}"], check=True)
        locusts = row.headers
        measured(row.address)
    assert locusts.keys() > {"Host"} and row.headers == locusts


@needs_wrk
def test_clients_of_a_rate_pause_between_requests(measured: Callable[..., Observation]) -> None:
    with serving(GREETING) as row:
        found = measured(row.address, rate=20)
    assert found.load.failures == 0
    assert 2 < found.load.requests < 60  # 20 in a second, by chance; without a pause it is hundreds
    assert found.load.in_flight == found.load.reported_in_flight < CLIENTS


@needs_wrk
@pytest.mark.parametrize(("body", "status"), [(GREETING.replace(b"W", b"w"), 200), (GREETING, 503), (GREETING, 203)])
def test_a_row_that_answers_wrong_fails(body: bytes, status: int, measured: Callable[..., Observation]) -> None:
    with serving(body, status) as row:
        assert measured(row.address).load.failures > 0


@needs_wrk
def test_a_row_whose_answers_become_shorter_when_they_are_no_longer_read_fails(
    measured: Callable[..., Observation],
) -> None:
    with serving(GREETING) as row:
        found = measured(row.address, lambda: setattr(row, "body", GREETING[:-5]))
    assert found.load.failures == 1 and "bytes" in next(iter(found.load.errors))


@needs_wrk
def test_a_row_that_is_not_there_fails(measured: Callable[..., Observation]) -> None:
    found = measured("127.0.0.1:9")  # the port of "discard": nobody listens
    assert found.load.failures > 0 and found.answered == 0


@needs_wrk
def test_the_generators_process_still_hears_commands_when_wrk_has_run(tmp_path: Path) -> None:
    """wrk must not share its standard input: two blocks, one after the other."""
    nobody = {"address": "127.0.0.1:9", "meter": "http://127.0.0.1:9"}
    (tmp_path / "rows.json").write_text(json.dumps([{"name": "flask", "framework": "Flask"} | nobody]))
    block = {"row": "flask", "scenario": SATURATED, "users": CLIENTS, "seconds": 1.0, "options": {"path": "direct"}}
    commands = [["open", {"blocks": [block]}], ["slice", {"arm": 0, "split": 0, "margin_s": 0, "seconds": 1.0}]]
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.generator.process"],
        env=os.environ | {"ROWS_FILE": str(tmp_path / "rows.json")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        for command in [*commands, ["collect", {}], ["close", {}]] * 2:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            assert process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


class Lacking:
    """A generator without wrk."""

    def __init__(self, door: Any, keep: Any) -> None: ...

    def __enter__(self) -> "Lacking":
        return self

    def __exit__(self, *_: object) -> None: ...

    def ask(self, command: str) -> str:
        assert command == "lacks"
        return saturate.lacking()


@pytest.fixture
def without_wrk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(run, "GeneratorClient", Lacking)


@pytest.mark.usefixtures("without_wrk")
def test_without_wrk_the_others_are_measured_and_a_line_says_what_to_install(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = [find("basic-cost"), find("basic-saturated")]
    left = run.possible(chosen, SimpleNamespace(), Console(width=200))  # type: ignore[arg-type]  # no door is asked
    assert left == chosen[:1]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 and "basic-saturated is not measured" in said[0] and "apt-get install wrk" in said[0]


@pytest.mark.usefixtures("without_wrk")
def test_without_wrk_an_experiment_that_needs_it_alone_is_refused_in_one_line() -> None:
    with pytest.raises(LabError, match="apt-get install wrk") as caught:
        run.possible([find("basic-saturated")], SimpleNamespace(), Console())  # type: ignore[arg-type]  # as above
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("without_wrk")
def test_no_generator_is_asked_where_nothing_needs_wrk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "GeneratorClient", None)
    chosen = [find("basic-cost")]
    assert run.possible(chosen, SimpleNamespace(), Console()) == chosen  # type: ignore[arg-type]  # as above
