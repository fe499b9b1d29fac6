"""What a test leaves: the report says what was tested and what to doubt, above Locust's own."""

import json
from pathlib import Path

import pytest
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtest import targets

ROWS = [{"name": "flask", "framework": "Flask"}, {"name": "fastapi", "framework": "FastAPI"}]
LOCUSTS = "<head><title>Locust</title></head><body>what Locust has to say</body>"


def test_the_report_says_what_was_tested_and_what_to_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    monkeypatch.setenv("ROWS_FILE", str(tmp_path / "rows.json"))
    targets.rows.cache_clear()
    from loadtest import options, results  # read the rows
    from loadtest.figures import Sampler

    parser = LocustArgumentParser(add_help=False)
    parser.add_argument("--num-users", type=int)
    parser.add_argument("--run-time")
    parser.add_argument("--spawn-rate", type=float)
    options.add_to(parser)
    chosen = ["--scenario", "DbRead", "--arrivals", "poisson", "--rate", "7", "--num-users", "5"]
    environment = Environment(parsed_options=parser.parse_args(chosen))
    sampler = Sampler(environment)
    sampler.arrivals = {"w": {"flask": {"started": 100, "late": 43, "worst_ms": 80, "queued": 0}}}

    page = results.report(environment, sampler, LOCUSTS, missed=["flask"])
    for said in (
        "<title>DbRead · poisson arrivals, 7/s and row · path gateway</title>",
        "<h1>DbRead · poisson arrivals, 7/s and row · path gateway</h1>",
        "Single-row reads by random id",
        "43.0% of starts were late",
        "5 users cannot be dealt out evenly to 2 rows: 6 run",
        "flask missed the limit",
        "<td>flask, fastapi</td>",
        "what Locust has to say",
    ):
        assert said in page
    assert "wait ms" not in page, "of another scenario"
    targets.rows.cache_clear()


def test_a_name_in_the_report_is_text_and_no_markup() -> None:
    from loadtest.results import templates

    lines = [{"what": "/<script>", "row": "a&b", "requests": 0, "requests_per_s": 0, "ratio": None, "failures": 0}]
    page = templates.get_template("report.html.j2").render(lines=lines, chosen={}, warnings=["<b>"])
    assert "<script>" not in page
    assert "&lt;b&gt;" in page
