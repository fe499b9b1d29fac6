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
