"""A scenario takes for a success what it asked for and nothing else: here the rows lie."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import websockets.sync.server
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

import workloads
from loadtest import targets
from loadtest.users import page, row

QUICK = {
    "wait_ms": 40,
    "asset_ms": 40,
    "queries": 10,
    "delay_ms": 4,
    "rounds": 9_000,
    "events": 4,
    "gap_ms": 40,
    "slow_s": 0,
    "patience_ms": 2_000,
    "reload_s": 60,
}


@dataclass
class Asked:
    method: str
    query: dict[str, int]
    body: bytes


@dataclass
class Answer:
    body: bytes
    status: int = 200
    after_ms: int = 0
    gaps_ms: int = 0  # between the events of a stream


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def item(number: int) -> dict[str, int]:
    return {"id": number, "value": workloads.item_value(number)}


def stream(events: int, gaps_ms: int = 0, after_ms: int = 0) -> Answer:
    body = "".join(f"data: {workloads.event_data(number)}\n\n" for number in range(events)).encode()
    return Answer(body, after_ms=after_ms, gaps_ms=gaps_ms)


def database(asked: Asked) -> Answer:
    if asked.method == "POST":
        return Answer(compact({"id": 7, "value": asked.query["value"]}))
    queries = asked.query["queries"]
    return Answer(compact([item(number + 1) for number in range(queries)]), after_ms=queries * asked.query["delay_ms"])


Route = Callable[[Asked], Answer]
HONEST: dict[str, Route] = {
    "/plaintext": lambda asked: Answer(workloads.PLAINTEXT),
    "/json": lambda asked: Answer(compact(workloads.GREETING)),
    "/wait": lambda asked: Answer(compact({"waited_ms": asked.query["ms"]}), after_ms=asked.query["ms"]),
    "/db": database,
    "/cpu": lambda asked: Answer(
        compact({"rounds": asked.query["rounds"], "result": workloads.cpu_work(asked.query["rounds"])})
    ),
    "/echo": lambda asked: Answer(asked.body),
    "/reload": lambda asked: Answer(b""),
    "/about": lambda asked: Answer(b'{"protocol":"HTTP/1.1"}'),
    "/wait/async": lambda asked: Answer(compact({"waited_ms": asked.query["ms"]}), after_ms=asked.query["ms"]),
    "/stream": lambda asked: stream(asked.query["events"], asked.query["interval_ms"]),
}


@dataclass
class Row:
    """A server on a port of its own. It answers as HONEST does, but for its lies."""

    lies: dict[str, Route] = field(default_factory=dict)

    @contextmanager
    def serving(self) -> Iterator[str]:
        routes = HONEST | self.lies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                query = {name: int(value) for name, value in parse_qsl(url.query)}
                answer = routes[url.path.removeprefix("/flask")](Asked(self.command, query, body))
                time.sleep(answer.after_ms / 1000)
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                for number, event in enumerate(answer.body.split(b"\n\n") if answer.gaps_ms else [answer.body]):
                    if number:
                        time.sleep(answer.gaps_ms / 1000 if event else 0)
                        self.wfile.write(b"\n\n")
                    self.wfile.write(event)
                    self.wfile.flush()

            do_POST = do_GET

            def log_message(self, format: str, *arguments: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=[0.01]).start()
            try:
                yield f"127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()


@pytest.fixture
def failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Runs every task of a scenario once against a server; what was wrong, in the suite's words."""
    users: list[Any] = []

    def run(scenario: str, address: str, **changes: object) -> list[str]:
        (tmp_path / "rows.json").write_text(json.dumps([{"name": "flask", "framework": "Flask", "address": address}]))
        monkeypatch.setenv("ROWS_FILE", str(tmp_path / "rows.json"))
        monkeypatch.setenv("GATEWAY", f"http://{address}")  # where the page goes, whatever the path
        targets.rows.cache_clear()
        from loadtest import options  # reads the rows
        from loadtest.users import SCENARIOS

        parser = LocustArgumentParser(add_help=False)
        options.add_to(parser)
        chosen = parser.parse_args(["--rows", "flask", "--path", "direct"])
        vars(chosen).update(QUICK | changes)
        environment = Environment(parsed_options=chosen)
        wrong: list[str] = []

        def note(exception: Exception | None = None, **_: object) -> None:
            if exception:
                wrong.append(str(exception))

        environment.events.request.add_listener(note)  # type: ignore[no-untyped-call]  # Locust is annotated in part
        user: Any = SCENARIOS[scenario](environment)
        users.append(user)
        for task in dict.fromkeys(user.tasks):
            task(user)
        return wrong

    monkeypatch.setattr(page, "ASSETS", 2)
    row.quoted.clear()
    yield run
    for user in users:
        user.on_stop()
        if isinstance(user, row.RowUser):
            user.client.client.close()
    targets.rows.cache_clear()


HTTP = ["Plaintext", "Json", "Wait", "DbRead", "DbWrite", "Cpu", "Echo", "Mix"]
HTTP += ["EventStream", "SlowUpload", "SlowReader", "Impatient", "PageHttp1", "Hops"]


@pytest.mark.parametrize("scenario", HTTP)
def test_what_was_asked_for_is_a_success(failures: Callable[..., list[str]], scenario: str) -> None:
    with Row().serving() as address:
        assert failures(scenario, address) == []


LIES: list[tuple[str, str, Route, str]] = [
    ("Plaintext", "/plaintext", lambda asked: Answer(b"Hello, World"), "wrong body"),
    ("Json", "/json", lambda asked: Answer(b'{"message":"Hello"}'), "wrong body"),
    # It waits less than asked, and says so, or does not say so
    ("Wait", "/wait", lambda asked: Answer(b'{"waited_ms":1}', after_ms=1), """wrong body: b'{"waited_ms":1}'"""),
    ("Wait", "/wait", lambda asked: Answer(b'{"waited_ms":40}', after_ms=1), "too soon: it was to take 40 ms"),
    ("Impatient", "/wait", lambda asked: Answer(b'{"waited_ms":40}'), "too soon"),
    ("Impatient", "/wait", lambda asked: Answer(b"{}"), "wrong body"),
    ("PageHttp1", "/wait", lambda asked: Answer(b'{"waited_ms":40}'), "too soon"),
    ("PageHttp1", "/wait", lambda asked: Answer(b'{"waited_ms":0}', after_ms=10), "wrong body"),
    ("Hops", "/about", lambda asked: Answer(b'{"protocol":""}'), "wrong body"),
    ("Hops", "/about", lambda asked: Answer(b"{}"), "wrong body"),
    # It reads fewer rows, more, the same one over and over, or another
    ("DbRead", "/db", lambda asked: Answer(compact([item(1)])), "wrong body"),
    ("DbRead", "/db", lambda asked: Answer(compact([item(n + 1) for n in range(10)])), "too soon: it was to take 40"),
    ("DbRead", "/db", lambda asked: Answer(compact([item(n + 1) for n in range(11)])), "wrong body"),
    ("DbRead", "/db", lambda asked: Answer(compact([item(1)] * 10)), "wrong body"),
    ("DbRead", "/db", lambda asked: Answer(compact([item(n) for n in range(10)])), "wrong body"),
    ("DbRead", "/db", lambda asked: Answer(compact([{"id": n, "value": 0} for n in range(1, 11)])), "wrong body"),
    ("DbWrite", "/db", lambda asked: Answer(b'{"id":7,"value":1000001}'), "wrong body"),
    # It works less
    ("Cpu", "/cpu", lambda asked: Answer(compact({"rounds": 9, "result": workloads.cpu_work(9)})), "wrong body"),
    ("Cpu", "/cpu", lambda asked: Answer(b'{"rounds":9000,"result":1}'), "wrong body"),
    ("Echo", "/echo", lambda asked: Answer(b'{"message":"The quick brown fox"}'), "wrong body"),
    ("SlowUpload", "/echo", lambda asked: Answer(b'{"message":"The quick brown fox"}'), "wrong body"),
    ("EventStream", "/stream", lambda asked: stream(3, gaps_ms=40), "wrong event: b''"),
    ("EventStream", "/stream", lambda asked: stream(5, gaps_ms=40), "more than 4 events"),
    ("EventStream", "/stream", lambda asked: Answer(stream(4).body.replace(b"3", b"4"), gaps_ms=40), "wrong event"),
    ("EventStream", "/stream", lambda asked: stream(4, gaps_ms=10), "too soon"),
    ("EventStream", "/stream", lambda asked: stream(4, after_ms=120), "came together"),  # as a proxy's buffer does it
    ("SlowReader", "/stream", lambda asked: stream(999), "wrong body"),
    ("SlowReader", "/stream", lambda asked: Answer(b"data: \n\n" * 1000), "wrong body"),
]


@pytest.mark.parametrize(("scenario", "path", "lie", "reason"), LIES)
def test_a_row_that_does_something_else_has_failed(
    failures: Callable[..., list[str]], scenario: str, path: str, lie: Route, reason: str
) -> None:
    with Row({path: lie}).serving() as address:
        (said,) = failures(scenario, address)
    assert reason in said


@pytest.mark.parametrize("path", ["/json", "/wait", "/db", "/cpu", "/echo"])
def test_the_mix_finds_each_lie(failures: Callable[..., list[str]], path: str) -> None:
    with Row({path: lambda asked: Answer(b'{"waited_ms":1,"rounds":1,"result":48271,"value":1}')}).serving() as address:
        assert len(failures("Mix", address)) == (2 if path == "/db" else 1)  # it is read and written


@pytest.mark.parametrize("scenario", HTTP)
def test_a_refusal_is_reported_with_its_status_and_the_reason_that_the_row_gave(
    failures: Callable[..., list[str]], scenario: str
) -> None:
    refused = Answer(compact({"status": 404, "detail": "there is no such route"}), status=404)
    with Row(dict.fromkeys(HONEST, lambda asked: refused)).serving() as address:
        assert set(failures(scenario, address)) == {"status 404: there is no such route"}


def test_thousands_of_different_wrong_answers_are_few_texts() -> None:
    row.quoted.clear()
    texts = {row.quote(f"{number}".encode()) for number in range(1000)}
    assert len(texts) == row.EXAMPLES + 1


@pytest.mark.parametrize(
    ("work", "path", "options"),
    [
        ("cpu", "/cpu", {"rounds": 9_000}),
        ("db", "/db", {"queries": 10}),
        ("wait", "/wait/async", {"wait_route": "async", "wait_ms": 4}),
    ],
)
def test_an_impatient_client_checks_whatever_work_it_asked_for(
    failures: Callable[..., list[str]], work: str, path: str, options: dict[str, Any]
) -> None:
    with Row().serving() as address:
        assert failures("Impatient", address, work=work, **options) == []
    with Row({path: lambda asked: Answer(b"[]", after_ms=5)}).serving() as address:
        (said,) = failures("Impatient", address, work=work, **options)
    assert "wrong body" in said


def test_a_reload_is_asked_for_once_in_its_time_and_its_refusal_is_a_failure(
    failures: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from loadtest.users import SCENARIOS

    monkeypatch.setattr(SCENARIOS["Reload"], "due", 0)
    asked: list[Asked] = []

    def refuse(each: Asked) -> Answer:
        asked.append(each)
        return Answer(b"", status=404)

    with Row({"/reload": refuse}).serving() as address:
        assert "status 404" in failures("Reload", address)[0]  # on_start() puts it off; it is not called here
        assert failures("Reload", address) == []
        assert failures("Reload", address, reload_s=0) == []
    assert [each.method for each in asked] == ["POST"]


@pytest.mark.parametrize(("status", "reasons"), [(501, []), (500, ["Handshake status 500"])])
def test_the_word_that_there_is_no_websocket_here_is_an_answer_and_a_fault_is_none(
    failures: Callable[..., list[str]], status: int, reasons: list[str]
) -> None:
    with Row({"/ws/echo": lambda asked: Answer(b"{}", status=status)}).serving() as address:
        said = failures("WebSocketOffer", address)
    assert [text[: len("Handshake status 500")] for text in said] == reasons


@pytest.mark.parametrize(
    ("echo", "reasons"),
    [
        (lambda text: text, []),
        (lambda text: text[:-1], ["wrong echo"]),
        (lambda text: "The quick brown fox jumps over the lazy dog. 0", ["wrong echo"]),
    ],
)
@pytest.mark.parametrize("scenario", ["WebSocketEcho", "WebSocketIdle", "WebSocketOffer"])
def test_an_echo_is_the_message_that_was_sent(
    failures: Callable[..., list[str]], scenario: str, echo: Callable[[str], str], reasons: list[str]
) -> None:
    def answer(socket: websockets.sync.server.ServerConnection) -> None:
        for text in socket:
            socket.send(echo(str(text)))

    with websockets.sync.server.serve(answer, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            said = failures(scenario, f"127.0.0.1:{server.socket.getsockname()[1]}")
        finally:
            server.shutdown()
    assert [text[: len("wrong echo")] for text in said] == reasons
