"""Small apps in which one thing differs: validation, middleware, `def`. What people argue about, without the rest.

Each has GET /health, /about and /json like the services, and POST /echo; flask_apps.py and fastapi_apps.py read side by
side are the same apps in the same order.
"""

import json
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

import workloads

MIDDLEWARES = int(os.environ.get("MIDDLEWARES", "0"))


class Message(BaseModel):
    message: str = Field(min_length=1, max_length=workloads.MAX_TEXT)


def compact(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Stopwatch:
    """What every middleware does here: it takes the time of each request."""

    spent_s: float = 0.0

    def add(self, began: float) -> None:
        self.spent_s += time.perf_counter() - began


def reload_server() -> None:
    """Asks the server's main process, this worker's parent, to replace its workers: gunicorn and uvicorn alike."""
    os.kill(os.getppid(), signal.SIGHUP)
