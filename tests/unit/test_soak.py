"""What a soak calls flat."""

import pytest

from tests.soak import Held, grew

MEMORY, THREADS, FILES = 100.0, 9.0, 30.0


def over_time(change: dict[str, float]) -> list[Held]:
    """90 samples that warm up to the same in a third of the time, and then change by so much until the end."""
    samples = []
    for number in range(90):
        warm, late = min(number / 30, 1), max(0, (number - 30) / 60)
        values = {"memory": MEMORY, "threads": THREADS, "files": FILES}
        samples.append(Held(**{what: warm * value + late * change.get(what, 0) for what, value in values.items()}))
    return samples


def test_a_server_that_only_warms_up_is_flat() -> None:
    assert grew(over_time({})) == []


@pytest.mark.parametrize(("what", "more"), [("memory", 10), ("threads", 4), ("files", 20)])
def test_a_server_that_keeps_growing_is_named_with_what_grew(what: str, more: float) -> None:
    assert grew(over_time({what: more})) == [what]


@pytest.mark.parametrize(("what", "more"), [("memory", 2), ("threads", 1), ("files", 3), ("memory", -50)])
def test_a_little_more_or_less_is_no_growth(what: str, more: float) -> None:
    assert grew(over_time({what: more})) == []
