"""Which options matter, as data: for the form, the report and the help."""

import inspect
import json
import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from locust.argument_parser import LocustArgumentParser

from loadtest import targets

ROWS = [{"name": "flask", "framework": "Flask"}, {"name": "fastapi", "framework": "FastAPI"}]
ROWS += [{"name": "wsgi", "framework": "none"}]
ALWAYS = {"path", "rows", "arrivals"}


@pytest.fixture(autouse=True)
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    monkeypatch.setenv("ROWS_FILE", str(tmp_path / "rows.json"))
    targets.rows.cache_clear()
    from loadtest import options  # reads the rows

    yield options
    targets.rows.cache_clear()


def reads(user: type) -> set[str]:
    """The options that the code of a scenario asks for, with what it calls in its own module."""
    sources = [inspect.getsource(base) for base in user.__mro__ if base.__module__.startswith("loadtest.users")]
    module = vars(inspect.getmodule(user))
    called = {name for source in sources for name in re.findall(r"\b(\w+)\(", source)}
    sources += [inspect.getsource(module[name]) for name in called if inspect.isfunction(module.get(name))]
    return {name for source in sources for name in re.findall(r"(?:self|user)\.options\.(\w+)", source)}


def test_a_scenario_says_which_options_it_uses() -> None:
    from loadtest.users import SCENARIOS

    for name, user in SCENARIOS.items():
        uses: Any = user
        assert set(uses.uses) - ALWAYS == reads(user) - ALWAYS, name


@pytest.mark.parametrize(
    ("option", "chosen", "matters"),
    [
        ("wait_ms", {"scenario": "Wait"}, True),
        ("wait_ms", {"scenario": "Json"}, False),
        ("wait_route", {"scenario": "Wait", "rows": ["flask", "fastapi"]}, True),
        ("wait_route", {"scenario": "Wait", "rows": ["flask"]}, True),
        ("wait_route", {"scenario": "Wait", "rows": ["wsgi"]}, False),
        ("wait_route", {"scenario": "Json", "rows": ["fastapi"]}, False),
        ("rate", {"arrivals": "poisson"}, True),
        ("rate", {"arrivals": "closed"}, False),
        ("stall_ms", {"rows": ["flask"]}, False),
        ("path", {"scenario": "PageHttp2"}, False),  # it is always the gateway's
        ("scenario", {}, True),
    ],
)
def test_an_option_matters_where_something_asks_for_it(
    options: Any, option: str, chosen: dict[str, Any], matters: bool
) -> None:
    defaults = {"scenario": "Json", "rows": ["flask", "fastapi"], "arrivals": "closed"}
    assert options.matter(Namespace(**defaults | chosen), option) is matters


def test_the_help_of_the_command_line_names_who_uses_an_option(options: Any) -> None:
    parser = LocustArgumentParser(add_help=False)
    options.add_to(parser)
    assert "Wait, Mix, Impatient: how long the service waits" in re.sub(r"\s+", " ", parser.format_help())
    assert options.table()["wait_ms"].help == "how long the service waits"


def test_no_help_shows_a_placeholder_or_names_an_option_that_is_not_there(options: Any) -> None:
    names = {*options.table(), "run_time"}
    texts = [option.help for option in options.table().values()]
    texts += [text for meanings in options.MEANINGS.values() for text in meanings.values()]
    assert {name for text in texts for name in re.findall(r"\{(\w+)\}", text)} <= names
    assert not [text for text in texts if "--" in text]
    parser = LocustArgumentParser(add_help=False)
    options.add_to(parser)
    shown = parser.format_help()
    assert "{" not in re.sub(r"\{\w+(,[\w-]+)+\}", "", re.sub(r"\s+", "", shown))  # argparse's own lists of choices
    assert "the whole load for --run-time" in re.sub(r"\s+", " ", shown)
