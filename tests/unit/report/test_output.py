"""The JSON of a run has a version and a schema, and keeps to it."""

import json
from pathlib import Path

import pytest

from lab.report import output
from lab.run.results import read
from lab.stack.compose_file import ROOT
from tests.unit import runs

SCHEMA = ROOT / "docs" / "verdicts.schema.json"


@pytest.mark.parametrize(("name", "of"), [("verdicts", "OUTPUT"), ("compare", "COMPARE_OUTPUT")])
def test_the_schemas_in_the_docs_are_those_of_the_output(name: str, of: str) -> None:
    path = SCHEMA.with_name(f"{name}.schema.json")
    renew = f"python -c \"from lab.report import output; print(output.schema(output.{of}), end='')\" > {path}"
    assert path.read_text() == output.schema(getattr(output, of)), renew


def test_what_is_printed_is_what_the_schema_says(tmp_path: Path) -> None:
    made = runs.results("io-bound", lambda level, arm, number: (500 if arm.startswith("flask") else 1000, 300))
    run = read(runs.write(tmp_path / "run", {"io-bound": made}))
    text = output.text(run, run.judgements(), complete=True, missed=["p99"])
    printed, described = json.loads(text), json.loads(SCHEMA.read_text())
    assert printed["version"] == described["properties"]["version"]["const"]
    assert printed.keys() == described["properties"].keys() == set(described["required"])
    again = output.OUTPUT.validate_json(text)
    assert [(each.experiment, each.verdict) for each in again.verdicts] == [("io-bound", "supported")]
    assert {finding.level for finding in again.verdicts[0].findings} == {"0", "1", "5", "20"}
    definitions = described["$defs"]
    for name, found in (
        ("VerdictRecord", printed["verdicts"][0]),
        ("FindingRecord", printed["verdicts"][0]["findings"][0]),
        ("Comparison", printed["verdicts"][0]["findings"][0]["control"]),
    ):
        assert found.keys() == definitions[name]["properties"].keys() == set(definitions[name]["required"])


def test_outcome_cause_and_guess_stand_apart_and_one_case_says_in_how_many(tmp_path: Path) -> None:
    cost = {"wsgi": 120, "wsgi-granian": 60, "asgi-granian": 80, "asgi-gunicorn": 90}
    made = runs.results("basic-cost", lambda level, arm, number: (2000, cost.get(arm, 100)))
    run = read(runs.write(tmp_path / "run", {"basic-cost": made}))
    (said,) = json.loads(output.text(run, run.judgements(), complete=True, missed=[]))["verdicts"]
    assert (said["verdict"], said["in_full"]) == ("supported", "supported, in 1 of 7 cases")
    assert said["sentence"].startswith(f"{said['came_out']} {said['cause']}".strip())
    assert said["guess"] == "" and "Rule" not in said["came_out"]
    first = said["findings"][0]
    assert "event loop" in first["differ"] and all(0 < each <= 1 for each in first["cpus_in_use"])
