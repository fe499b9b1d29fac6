"""docs/findings.md: the doors side by side, claim by claim, from raw results alone."""

from dataclasses import replace
from pathlib import Path

from lab.report import findings
from lab.run import results
from tests.unit import runs

CPU_US = {"wsgi": 120, "wsgi-granian": 60, "asgi-granian": 80, "asgi-gunicorn": 90}


def stepwise(level: str, arm: str, number: int) -> tuple[float, float]:
    return 2000, CPU_US.get(arm, 100)


def alike(level: str, arm: str, number: int) -> tuple[float, float]:
    return 700, 300


def test_findings_show_the_doors_side_by_side_claim_by_claim(tmp_path: Path) -> None:
    made = {"control": runs.results("control", alike), "where-from": runs.results("where-from", stepwise)}
    folders = [
        runs.write(tmp_path / "a", made),
        runs.write(tmp_path / "b", {"where-from": made["where-from"]}, door="compose"),
    ]
    text = findings.write([results.read(folder) for folder in folders])
    assert "lab findings results/a results/b" in text
    assert "| **depends** | **depends** |" in text and "| **supported** | not measured |" in text
    assert text.index("where-from") < text.index("control")
    assert "native: ratio" in text and "compose: ratio" in text and "over all orders of the changes, compose" in text


def test_findings_begin_with_every_question_its_verdicts_and_what_came_out_in_a_line(tmp_path: Path) -> None:
    made = {name: runs.results(name, alike) for name in ("control", "basic-latency")}
    text = findings.write([results.read(runs.write(tmp_path / "a", made))])
    table = text[text.index("| question |") : text.index("The verdict is on a claim")]
    lines = [line for line in table.splitlines() if line.startswith("| [")]
    assert [line.partition("]")[0] for line in lines] == [
        "| [The basic request: how long it takes",
        "| [Control: a row against itself",
    ]
    assert "no difference that matters, for Flask and for FastAPI" in lines[1]
    assert "claim" not in table and text.index("| question |") < text.index("## ")


def test_the_first_table_shows_the_headline_rows_as_they_come_and_as_one_would_tune_them(tmp_path: Path) -> None:
    made = {name: runs.results(name, alike) for name in ("concurrent", "one-at-a-time")}
    text = findings.write([results.read(runs.write(tmp_path / "a", made))])
    table = text[text.index("| question |") : text.index("The verdict is on a claim")]
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert lines[0][2:4] == ["as it comes", "as one would tune it"]
    assert lines[1][2:4] == ["–", "–"]  # nothing of it is a headline row as one would tune it
    assert "fastapi / flask at 64 clients: requests per second × 1.00" in lines[2][2]
    assert "fastapi / flask-200 at 64 clients: requests per second × 1.00" in lines[2][3]
    assert "memory" in lines[2][2] and "no difference that matters" in lines[2][3]


def test_findings_say_once_what_two_doors_say_and_name_the_doors_where_they_differ(tmp_path: Path) -> None:
    one, other = runs.results("where-from", stepwise), runs.results("where-from", alike)
    folders = [runs.write(tmp_path / door, {"where-from": one}, door=door) for door in ("native", "compose")]
    text = findings.write([results.read(each) for each in folders])
    assert text.count("- **depends**. Which interface needs less CPU per request depends on the server") == 1
    folders[1] = runs.write(tmp_path / "compose", {"where-from": other}, door="compose")
    text = findings.write([results.read(each) for each in folders])
    assert "- native: **depends**. " in text and "- compose: **no difference that matters**. " in text


def test_findings_mark_what_is_shown_only_and_what_was_refused_as_planted(tmp_path: Path) -> None:
    busy = [replace(each, generator_cpus=0.97) for each in runs.results("trap-generator", alike)]
    made = {"where-from": runs.results("where-from", stepwise), "trap-generator": busy}
    text = findings.write([results.read(runs.write(tmp_path / "run", made))])
    assert "| wsgi-granian / wsgi | CPU per request (shown only) |" in text
    assert "| asgi-granian / wsgi-granian | CPU per request |" in text
    assert "**refused, as planted**" in text and "as they must: a fault was planted here on purpose" in text


def test_of_two_runs_of_one_door_the_later_counts_for_what_both_have(tmp_path: Path) -> None:
    both = {"control": runs.results("control", alike), "where-from": runs.results("where-from", stepwise)}
    again = {"where-from": runs.results("where-from", alike)}
    read = [results.read(runs.write(tmp_path / name, made)) for name, made in (("a", both), ("b", again))]
    text = findings.write(read)
    assert "| **refuted** |" not in text and "| **supported** |" in text
    assert "results/a results/b" in text
    assert "Rounds: native 4 (a)." in text and "Rounds: native 4 (b)." in text


def test_a_run_that_was_stopped_before_its_first_look_does_not_count_where_another_has_a_verdict(
    tmp_path: Path,
) -> None:
    made = {"control": runs.results("control", alike)}
    short = {"control": runs.results("control", alike, rounds=2)}
    read = [results.read(runs.write(tmp_path / name, made)) for name, made in (("a", made), ("b", short))]
    assert "Rounds: native 4 (a)." in findings.write(read)
    assert "**too short**" in findings.write(read[1:])


def test_a_claim_that_one_case_supports_is_said_to_hold_in_so_many(tmp_path: Path) -> None:
    made = {"basic-cost": runs.results("basic-cost", stepwise)}
    text = findings.write([results.read(runs.write(tmp_path / "run", made))])
    assert "**supported, in 1 of 7 cases**" in text


def test_what_else_two_rows_differ_in_and_how_busy_both_were_stands_beside_their_ratio(tmp_path: Path) -> None:
    made = {"basic-latency": runs.results("basic-latency", alike)}
    text = findings.write([results.read(runs.write(tmp_path / "run", made))])
    section = text[text.index('<a id="basic-latency"') :]
    heading = next(line for line in section.splitlines() if line.startswith("| compared"))
    line = next(line for line in section.splitlines() if line.startswith("| flask / fastapi"))
    headings, cells = ([cell.strip() for cell in each.strip("|").split("|")] for each in (heading, line))
    used = cells[headings.index("native: CPUs in use")]
    assert [float(each) for each in used.split(" / ")] == [0.3, 0.3]
    assert "- flask / fastapi" in section and "waits on 8 threads / event loop" in section
    assert "Memory is PSS." in text
