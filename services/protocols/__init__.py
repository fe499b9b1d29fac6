"""The two specifications themselves, without a framework: what a server and an application say to each other."""

import json
from typing import Any

import workloads

Answer = tuple[int, str, bytes]  # status, content type, body


def as_json(content: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    return status, content_type, json.dumps(content, separators=(",", ":")).encode()


def as_problem(status: int, detail: str | None = None) -> Answer:
    return as_json(workloads.problem(status, detail), status, workloads.PROBLEM_JSON)
