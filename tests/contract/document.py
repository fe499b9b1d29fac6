"""The contract as an OpenAPI document: what both services answer, from the limits in `workloads`.

Not what FastAPI would generate of itself: that says what one of the two believes, with errors that it does not send.
`python -m tests.contract.document` writes docs/openapi.json.
"""

import json
from typing import Any

import workloads
from lab.stack.compose_file import ROOT

FILE = ROOT / "docs" / "openapi.json"
Schema = dict[str, Any]
INTEGER: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}


def record(**fields: Schema) -> Schema:
    """A JSON object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def timed(answer: Schema) -> Schema:
    number = {"type": "number"}
    return record(began_ms=number, ended_ms=number, worker=INTEGER, thread=INTEGER, answer=answer)


def in_json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


MESSAGE = record(message=TEXT | {"minLength": 1, "maxLength": workloads.MAX_TEXT})
PROBLEM = record(type={"const": "about:blank"}, title=TEXT, status=INTEGER, detail=TEXT)
WAITED, ROW = record(waited_ms=INTEGER), record(id=INTEGER, value=INTEGER)
ROWS: Schema = {"type": "array", "items": ROW}
COMPUTED = record(rounds=INTEGER, result=INTEGER)
IDENTITY = ("row", "interface", "framework", "server", "model", "settings")
SETTLED = (
    "http_parser",
    "event_loop",
    "workers",
    "waits_on",
    "access_log",
    "keep_alive",
    "json_library",
    "database_pool",
)
ABOUT: Schema = {"type": "object", "required": [*IDENTITY, *SETTLED]}


def route(
    content: Schema, *parameters: workloads.Parameter, refused: tuple[int, ...] = (), body: Schema | None = None
) -> Schema:
    """One operation: what it answers, what it takes, and with which problems it refuses."""
    codes = {*refused, *([414] if parameters else []), *([422] if parameters or body else [])}
    operation: Schema = {
        "parameters": [in_query(parameter) for parameter in parameters],
        "responses": {"200": {"description": "as asked", "content": content}}
        | {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted(codes)},
    }
    return operation | ({"requestBody": {"required": True, "content": in_json(body)}} if body else {})


def in_query(parameter: workloads.Parameter) -> Schema:
    bounds = {"minimum": parameter.low, "maximum": parameter.high, "default": parameter.default}
    return {"name": parameter.name, "in": "query", "schema": INTEGER | bounds}


GET: dict[str, Schema] = {
    "/health": route(in_json(record(status={"const": "ok"}))),
    "/ready": route(in_json(record(status={"const": "ok"})), refused=(503,)),
    "/about": route(in_json(ABOUT)),
    "/plaintext": route({"text/plain": {"schema": {"const": workloads.PLAINTEXT.decode()}}}),
    "/json": route(in_json(record(message={"const": workloads.GREETING["message"]}))),
    "/wait": route(in_json(WAITED), workloads.WAIT_MS),
    "/db": route(in_json(ROWS), workloads.QUERIES, workloads.DELAY_MS, refused=(503,)),
    "/cpu": route(in_json(COMPUTED), workloads.ROUNDS),
    "/bytes": route({"application/octet-stream": {}}, workloads.KIB),
    "/stream": route({"text/event-stream": {}}, workloads.EVENTS, workloads.INTERVAL_MS),
    "/timed/wait": route(in_json(timed(WAITED)), workloads.WAIT_MS),
    "/timed/db": route(in_json(timed(ROWS)), workloads.QUERIES, workloads.DELAY_MS, refused=(503,)),
    "/timed/cpu": route(in_json(timed(COMPUTED)), workloads.ROUNDS),
}
POST: dict[str, Schema] = {
    "/db": route(in_json(ROW), workloads.VALUE, refused=(503,)),
    "/echo": route(in_json(MESSAGE), refused=(400, 413, 415), body=MESSAGE),
}


def document() -> Schema:
    problems = {
        str(code): {
            "description": workloads.problem(code)["title"],
            "content": {workloads.PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code in (400, 413, 414, 415, 422, 503)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The contract of Flask and FastAPI",
            "version": "1",
            "description": "What both answer, whatever a client sends. WebSocket, which OpenAPI has no word for, is "
            "/ws/echo and /ws/broadcast.",
        },
        "servers": [{"url": "https://localhost:8443/flask"}, {"url": "https://localhost:8443/fastapi"}],
        "paths": {
            path: {method: routes[path] for method, routes in (("get", GET), ("post", POST)) if path in routes}
            for path in {**GET, **POST}
        },
        "components": {"responses": problems, "schemas": {"Problem": PROBLEM}},
    }


def text() -> str:
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
