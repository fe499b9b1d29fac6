"""What the suites share: waiting for a state instead of sleeping, and looking for what was left behind."""

import time
from collections.abc import Callable


def until(reached: Callable[[], object], timeout_s: float = 30, what: str = "") -> None:
    """Asks again and again until `reached()` is true; fails, saying `what` was awaited, when it never is."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what or reached}"
        time.sleep(0.05)
