"""How a test without the web UI ends: what it says, and its exit code."""

from argparse import Namespace
from typing import Any

import pytest
from locust.env import Environment

from loadtest import headless
from loadtest.__main__ import free_port
from loadtest.figures import Sampler


@pytest.mark.parametrize(
    ("happened", "code", "said"),
    [
        ({}, None, ""),
        ({"lost": ["worker-7"]}, 4, "worker-7 was lost"),
        ({"uneven": {"flask": 2, "fastapi": 1}}, 5, "did not have the same number of users"),
    ],
)
def test_a_test_that_went_wrong_says_so_and_does_not_end_with_zero(
    capsys: pytest.CaptureFixture[str], happened: dict[str, Any], code: int | None, said: str
) -> None:
    options = Namespace(rows=["flask", "fastapi"], num_users=4, shape="steady", arrivals="closed", results="")
    vars(options).update(limit_p99_ms=0.0, limit_errors=0.1)
    environment = Environment(parsed_options=options)
    sampler = Sampler(environment)
    headless.attach(environment, sampler)
    vars(sampler).update(happened)
    environment.events.quitting.fire(environment=environment)  # type: ignore[no-untyped-call]  # Locust is annotated in part
    assert environment.process_exit_code == code
    assert said in " ".join(capsys.readouterr().out.split())


def test_the_port_of_the_workers_is_free_and_none_that_a_connection_takes_by_chance() -> None:
    ports = {free_port() for _ in range(50)}
    assert len(ports) > 1
    assert max(ports) < 32_768  # where Linux's range begins; macOS's begins at 49,152
