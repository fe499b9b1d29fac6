"""The findings that ship: docs/findings.json, which the page shows, says what docs/findings.md says."""

import json
import re
from typing import Any

import pytest

from lab.judge.words import times
from lab.report.report import markdown
from lab.stack.compose_file import ROOT

TEXT = (ROOT / "docs" / "findings.md").read_text()
RUNS: list[dict[str, Any]] = json.loads((ROOT / "docs" / "findings.json").read_text())


@pytest.mark.parametrize("run", RUNS, ids=[run["door"] for run in RUNS])
def test_the_page_ships_the_verdicts_of_the_findings(run: dict[str, Any]) -> None:
    overview = re.findall(r"^\| \[[^\]]+\]\(#([\w-]+)\) \| (.+?) \| (.+?) \|", TEXT, re.MULTILINE)
    place = [each["door"] for each in RUNS].index(run["door"])
    more = r"\*\*|, as planted|, in \d+ of \d+ cases"
    written = {name: re.sub(more, "", verdicts[place]) for name, *verdicts in overview}
    shipped = {each["experiment"]: each["verdict"] for each in run["verdicts"]}
    assert shipped == {name: verdict for name, verdict in written.items() if verdict != "not measured"}


@pytest.mark.parametrize("run", RUNS, ids=[run["door"] for run in RUNS])
def test_the_page_ships_the_claims_and_the_ratios_of_the_findings(run: dict[str, Any]) -> None:
    for verdict in run["verdicts"]:
        section = TEXT.partition(f'<a id="{verdict["experiment"]}"></a>')[2].partition("<a id=")[0]
        assert f"Claim: “{markdown(verdict['claim'])}”" in section
        for finding in verdict["findings"]:
            compared = f"{finding['subject']} / {finding['baseline']} |"
            line = [each for each in section.splitlines() if compared in each]
            assert line, compared
            if finding["comparison"]:
                assert any(f"× {times(finding['comparison']['ratio'])} (" in each for each in line), finding
