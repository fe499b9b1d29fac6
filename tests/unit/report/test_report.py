"""The report is made from raw.jsonl alone, says what is missing or refused, and needs nothing from elsewhere."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab.experiments import BY_NAME
from lab.generator.record import Part
from lab.judge.statistics import LOOKS
from lab.report import charts, report, tables
from lab.report.section import Footnotes, Section, sections
from lab.run import results
from tests.unit import records, runs

CPU_US = {"flask": 210, "wsgi": 120, "wsgi-granian": 60, "asgi-granian": 80, "asgi": 70, "fastapi": 190}
CPU_US |= {"asgi-gunicorn": 90, "fastapi-gunicorn": 200, "wsgi-a2wsgi": 150, "flask-a2wsgi": 240}
POOLS = {"flask": 8, "flask-40": 40}


def pooled(level: str, arm: str, number: int) -> tuple[float, float]:
    """A wait of 50 ms: as many at once as there are clients, or threads where these are fewer."""
    return min(int(level), POOLS.get(arm, 1000)) / 0.05, 200


def stepwise(level: str, arm: str, number: int) -> tuple[float, float]:
    return 2000, CPU_US.get(arm, 100)


def alike(level: str, arm: str, number: int) -> tuple[float, float]:
    return 700, 300


def texts(folder: Path) -> tuple[str, str]:
    page = report.write(results.read(folder))
    return page.read_text(), (folder / "report.md").read_text()


def section(folder: Path) -> Section:
    return sections(results.read(folder))[0]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("`async def` makes", "<code>async def</code> makes"),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("one ` alone", "one ` alone"),
        ("`<b>` & more", "<code>&lt;b&gt;</code> &amp; more"),
    ],
)
def test_text_between_backticks_is_code_on_the_page_and_nothing_becomes_a_tag(text: str, html: str) -> None:
    assert report.code(text) == html


def test_it_is_made_from_the_raw_file_alone_with_the_verdicts_first(tmp_path: Path) -> None:
    folder = runs.write(tmp_path / "run", {"where-from": runs.results("where-from", stepwise)})
    page, text = texts(folder)
    for shown in (page, text):
        assert shown.index("depends") < shown.index("It is not so if") < shown.index("Fairness audit")
        assert "× 1.33" in shown
        assert "2026-01-02 03:04 UTC" in shown
    assert sorted(path.name for path in folder.iterdir()) == ["raw.jsonl", "report.html", "report.md"]
    assert (page, text) == texts(folder)  # again, to the byte


UNSEEN = "Rows and generator were not kept on CPUs of their own"


@pytest.mark.parametrize("placed", [{}, {"rows": "any", "generator": "any"}])
def test_where_nobody_knows_who_took_whose_cpu_every_verdict_that_hangs_on_time_says_so(
    tmp_path: Path, placed: dict[str, str]
) -> None:
    made = {"where-from": runs.results("where-from", stepwise), "concurrent": runs.results("concurrent", pooled)}
    for shown in texts(runs.write(tmp_path, made, placed=placed)):
        assert shown.count(UNSEEN) == 1  # where-from compares CPU time, which no client's clock has measured
        assert shown.index("Many clients that wait") < shown.index(UNSEEN)


def test_where_all_have_cpus_of_their_own_there_is_nothing_to_say_of_it(tmp_path: Path) -> None:
    for shown in texts(runs.write(tmp_path, {"concurrent": runs.results("concurrent", pooled)})):
        assert UNSEEN not in shown


def test_the_commands_stand_beside_the_parser_and_the_loop_that_explain_ratios(tmp_path: Path) -> None:
    for shown in texts(runs.write(tmp_path, {"where-from": runs.results("where-from", stepwise)})):
        assert "HTTP parser" in shown and "event loop" in shown and "python" in shown


def test_the_page_loads_nothing_from_elsewhere_and_its_ids_are_unique(tmp_path: Path) -> None:
    made = {"where-from": runs.results("where-from", stepwise), "concurrent": runs.results("concurrent", pooled)}
    page, _ = texts(runs.write(tmp_path, made))
    assert not re.search(r"""(src|href|url\()\s*=?\s*["'(]?\s*(https?:)?//""", page)
    assert "<script" not in page and "@import" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {each[1:] for each in re.findall(r'href="(#[^"]+)"', page)} <= set(ids)
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)  # noqa: S314  (our own)
        assert 'role="img" aria-label="' in svg or 'aria-hidden="true"' in svg


def test_what_was_refused_has_no_number_but_the_reason(tmp_path: Path) -> None:
    made = [replace(each, generator_cpus=0.97) for each in runs.results("trap-generator", alike)]
    folder = runs.write(tmp_path, {"trap-generator": made})
    for shown in texts(folder):
        assert "the generator used 97 % of its CPU against flask" in shown
        assert "planted here on purpose, and the gates saw it" in shown
        assert "×" not in shown
        assert not re.search(r"\b70\d\b", shown)  # nor as an arm's throughput
        assert re.search(r"\b300\b", shown)  # CPU per request is the row's own, and stands


def test_a_planted_fault_that_the_gates_did_not_see_is_said(tmp_path: Path) -> None:
    page, text = texts(runs.write(tmp_path, {"trap-generator": runs.results("trap-generator", alike)}))
    assert "the gates did not see it" in page and "the gates did not see it" in text


def test_text_from_a_server_is_text_and_not_markup(tmp_path: Path) -> None:
    made = [runs.failing(each, 1, {"<b>no</b> | yes": 1}) for each in runs.results("trap-generator", alike)]
    page, text = texts(runs.write(tmp_path, {"trap-generator": made}))
    assert "&lt;b&gt;no&lt;/b&gt; | yes" in page and "<b>no" not in page
    assert "&lt;b>no&lt;/b> \\| yes" in text


def test_lines_against_levels_show_the_ceiling_and_where_the_claim_turns(tmp_path: Path) -> None:
    shown = section(runs.write(tmp_path, {"concurrent": runs.results("concurrent", pooled)}))
    _, throughput, latency = charts.of(shown)
    assert "8 threads ÷ 0.05 s = 160/s" in throughput.svg
    assert re.search(r"turns at about (8\.|9|1[0-5])", throughput.svg)  # above 8 clients: 8 threads
    assert "turns" not in latency.svg and "Dashed: p99" in latency.caption


def test_an_arm_that_was_refused_is_left_out_of_the_lines_and_named(tmp_path: Path) -> None:
    made = [
        runs.failing(each) if (each.block.purpose.level, each.block.purpose.arm) == ("64", "flask") else each
        for each in runs.results("concurrent", pooled)
    ]
    assert (
        "Left out, because the gates refused it: flask at 64."
        in charts.of(section(runs.write(tmp_path, {"concurrent": made})))[0].caption
    )


def test_a_chart_of_which_all_was_refused_is_not_drawn(tmp_path: Path) -> None:
    made = [replace(each, generator_cpus=0.97) for each in runs.results("io-bound", alike)]
    drawn = charts.of(section(runs.write(tmp_path, {"io-bound": made})))
    assert ["CPU per request" in chart.caption for chart in drawn] == [True]  # which a busy generator does not spoil


def test_counts_that_never_vary_are_drawn_without_spread(tmp_path: Path) -> None:
    made = [
        replace(
            each,
            held=8 if each.block.row == "flask" else int(each.block.purpose.level),
            load=replace(each.load, protocols=["WS"]),
        )
        for each in runs.results("websocket", lambda level, arm, number: (100, 300))
    ]
    shown = section(runs.write(tmp_path, {"websocket": made}))
    assert "WebSockets held" in charts.of(shown)[0].svg
    table = tables.arms(shown, Footnotes())
    assert "requests/s" not in table.headings and table.rows[-1][:4] == [
        "1000",
        "fastapi-gunicorn (ASGI)",
        "64",
        "1,000",
    ]


def test_streams_have_no_throughput_to_show(tmp_path: Path) -> None:
    shown = section(runs.write(tmp_path, {"streams": runs.results("streams", alike)}))
    table = tables.arms(shown, Footnotes())
    assert table.headings == ["arm", "PSS, MiB", "neighbour's p95, ms (10: at once)", "threads"]


def test_memory_says_which_it_is_and_the_containers_stands_beside_it(tmp_path: Path) -> None:
    meter = replace(records.METER, memory="RSS", cgroup_bytes=96 * 2**20)
    made = [replace(each, meter=meter) for each in runs.results("streams", alike)]
    table = tables.arms(section(runs.write(tmp_path, {"streams": made})), Footnotes())
    assert table.headings[1:3] == ["RSS, MiB", "container's memory, MiB"]
    assert table.rows[0][1:3] == ["64", "96"]


def test_beside_a_ratio_stands_what_may_explain_it_and_how_busy_both_rows_were(tmp_path: Path) -> None:
    made = [
        replace(each, row_cpus=0.25 if each.block.row == "fastapi" else 0.98)
        for each in runs.results("basic-cost", alike)
    ]
    shown = section(runs.write(tmp_path, {"basic-cost": made}))
    findings = tables.findings(shown, Footnotes())
    [first] = [row for row in findings.rows if row[0] == "flask / fastapi" and "CPU" in row[1]]
    told = dict(zip(findings.headings, first, strict=True))
    assert told["CPUs in use"] == "0.98 / 0.25"
    assert told["the rows differ in"].startswith(
        "server gunicorn / uvicorn; HTTP parser python / httptools; event loop none / uvloop"
    )
    arms = tables.arms(shown, Footnotes())
    assert {row[0]: row[arms.headings.index("CPUs in use")] for row in arms.rows}["flask (WSGI)"] == "0.98"


def test_each_change_is_shown_as_the_range_of_what_it_adds_over_all_orders(tmp_path: Path) -> None:
    shown = section(runs.write(tmp_path, {"where-from": runs.results("where-from", stepwise)}))
    ranges = {each.label: (round(each.least), round(each.most)) for each in shown.changes()}
    assert ranges == {
        "Flask left out": (-90, -90),
        "ASGI, not WSGI (on uvicorn: not a2wsgi)": (-80, -30),
        "uvicorn, not gunicorn (WSGI: through a2wsgi)": (-20, 30),
        "FastAPI put on": (110, 120),
    }
    cells, changes = charts.of(shown)
    assert all(label in changes.svg for label in ranges) and "−20.0 to +30.0 µs" in changes.svg
    assert all(arm.name in cells.svg for arm in BY_NAME["where-from"].arms)
    (_, made) = tables.in_units(shown)
    assert made.rows[2] == ["uvicorn, not gunicorn (WSGI: through a2wsgi)", "−20.0 to +30.0", "4"]


def test_changes_with_a_refused_arm_among_them_are_not_shown(tmp_path: Path) -> None:
    made = [
        runs.failing(each) if each.block.purpose.arm == "asgi" else each
        for each in runs.results("where-from", stepwise)
    ]
    shown = section(runs.write(tmp_path, {"where-from": made}))
    assert shown.changes() == [] and len(charts.of(shown)) == 1
    assert "refused" in charts.of(shown)[0].svg  # the cell that is missing has its place


def test_a_difference_stands_in_its_unit_with_the_interval_of_the_ratio(tmp_path: Path) -> None:
    made = runs.results("gateway-latency", lambda level, arm, number: (100, 100))
    slower = [
        replace(each, load=replace(each.load, histogram={11.02 + 0.01 * each.block.purpose.round: 100}))
        if each.block.purpose.arm == "flask behind nginx"
        else each
        for each in made
    ]
    shown = section(runs.write(tmp_path, {"gateway-latency": slower}))
    (table,) = tables.in_units(shown)
    first = table.rows[0]
    assert first[0] == "flask behind nginx − flask direct"
    mid, low, high = (float(each) for each in re.findall(r"\+([\d,]+)", first[2].replace(",", "")))
    assert 1_000 < low < mid < high < 1_060 and "µs" in first[2]
    finding = next(each for each in shown.judgement.findings if each.contrast.subject == "flask behind nginx")
    assert finding.comparison and low == pytest.approx(10_000 * (finding.comparison.low - 1), rel=0.01)


def test_a_search_shows_its_capacity_only(tmp_path: Path) -> None:
    shown = section(runs.write(tmp_path, {"high-load": runs.searches("high-load", knee=240)}))
    table = tables.arms(shown, Footnotes())
    assert table.headings == ["arm", "rate that keeps the limit, 1/s", "threads"]
    arms = BY_NAME["high-load"].arms
    assert [row[0] for row in table.rows] == [f"{arm.name} ({shown.interface(arm)})" for arm in arms]
    assert float(table.rows[0][1]) == pytest.approx(240, rel=0.03)


def test_rows_that_do_not_run_alike_are_marked_in_the_audit(tmp_path: Path) -> None:
    abouts = {row: runs.about(row) for row in ("flask", "fastapi")}
    abouts["fastapi"]["python"] = "3.13.0"
    folder = runs.write(tmp_path, {"trap-generator": runs.results("trap-generator", alike)}, abouts=abouts)
    page, _ = texts(folder)
    assert "≠ 3.13.0" in page and "did not run alike: Python 3.13.0 against 3.11.7" in page


@pytest.mark.parametrize(
    ("rounds", "said"), [(LOOKS[0] - 1, "too few pairs"), (LOOKS[0] + 1, "cut short within a look")]
)
def test_a_run_cut_short_within_a_look_says_so(tmp_path: Path, rounds: int, said: str) -> None:
    page, text = texts(runs.write(tmp_path, {"where-from": runs.results("where-from", stepwise, rounds)}))
    assert "Incomplete." in page and said in page
    assert "Incomplete." in text and said in text


def test_levels_and_experiments_that_were_not_reached_are_named(tmp_path: Path) -> None:
    made = [each for each in runs.results("concurrent", pooled) if each.block.purpose.level != "64"]
    page, _ = texts(
        runs.write(
            tmp_path,
            {"concurrent": made},
            experiments={name: Part(**BY_NAME[name].part()) for name in ("concurrent", "control")},
        )
    )
    assert "cut short before control" in page and "concurrent has nothing at 64 clients" in page


def test_a_torn_raw_file_is_said(tmp_path: Path) -> None:
    folder = runs.write(tmp_path, {"where-from": runs.results("where-from", stepwise)})
    with (folder / "raw.jsonl").open("a") as raw:
        raw.write('{"block": {')
    page, text = texts(folder)
    assert "ends in the middle of a line" in page and "ends in the middle of a line" in text
