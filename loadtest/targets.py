"""Where the rows are: read from the file that the stack writes about itself when it starts."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

PATHS = {
    "gateway": "through nginx over TLS, as a browser would",
    "plain": "through nginx without TLS",
    "direct": "straight to the server, without nginx",
}


@cache
def rows() -> dict[str, dict[str, Any]]:
    """Every row by name, as lab/stack/setup.py describes it. SystemExit where no stack has written them."""
    file = os.environ.get("ROWS_FILE", "")
    try:
        return {row["name"]: row for row in json.loads(Path(file).read_text())}
    except (OSError, ValueError) as error:
        raise SystemExit(f"no stack to load: start one with make up or docker compose up ({error})") from error


def url(row: str, path: str) -> str:
    """The base URL of a row over one of PATHS."""
    if path == "direct":
        return f"http://{rows()[row]['address']}"
    return f"{os.environ['GATEWAY' if path == 'gateway' else 'GATEWAY_PLAIN']}/{row}"


def websocket_url(row: str, path: str) -> str:
    return url(row, path).replace("http", "ws", 1)
