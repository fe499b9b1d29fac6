"""The files that a test leaves: figures.json, Locust's report, CSV and JSON, all of the same requests."""

import csv
import json
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader
from locust.env import Environment
from locust.html import get_html_report
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV

from loadtest import doubts, options
from loadtest.figures import Sampler
from loadtest.precision import shown

templates = Templates(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
templates.filters["shown"] = shown


def make(parsed: Any) -> Path | None:
    """The folder of --results, which is there when the test begins. SystemExit where it cannot be."""
    if not parsed.results:
        return None
    folder = Path(parsed.results)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"the results cannot be written to {folder}: {error}") from error
    print(f"Results go to {folder}", flush=True)
    parsed.json_file = str(folder / "locust")  # Locust writes it when all is over
    return folder


def write(folder: Path, environment: Environment, sampler: Sampler, found: dict[str, str], missed: list[str]) -> None:
    """OSError where the disk has no room for all of it: then nothing is left."""
    try:
        fill(folder, environment, sampler, found, missed)
    except OSError:
        for path in folder.iterdir():
            path.unlink()
        raise


def fill(folder: Path, environment: Environment, sampler: Sampler, found: dict[str, str], missed: list[str]) -> None:
    figures = {
        "options": {name: value for name, value in vars(sampler.options).items() if is_plain(value)},
        "lines": sampler.whole(),
        "warnings": doubts.warnings(sampler),
        "search": found,
        "missed_limit": missed,
        "generator_cpus": sampler.generators,
        "schedules": sampler.arrivals,
        "clients": {row: sampler.of_clients(row)["users"] for row in sampler.options.rows},
        "uneven": sampler.uneven,
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2))
    (folder / "report.html").write_text(report(environment, sampler, found=found, missed=missed))
    # Locust does it once more, where a full disk is a traceback; its own function empties the statistics.
    asked = [each.serialize() for each in environment.stats.entries.values() if each.num_requests or each.num_failures]
    (folder / "locust.json").write_text(json.dumps(asked, indent=4))
    # Locust would go on writing these while it closes them, and leave out the last second.
    tables = StatsCSV(environment, PERCENTILES_TO_REPORT)
    kinds = {"stats": tables.requests_csv, "failures": tables.failures_csv, "exceptions": tables.exceptions_csv}
    for name, write_to in kinds.items():
        with (folder / f"locust_{name}.csv").open("w", newline="") as file:
            write_to(csv.writer(file))


def is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | list | None)


def report(environment: Environment, sampler: Sampler, locusts: str = "", **more: Any) -> str:
    """Locust's report, below what was tested, the rows side by side, and what to doubt."""
    page = locusts or get_html_report(environment, show_download_link=False)
    head = templates.get_template("report.html.j2").render(
        title=title(sampler.options),
        about=options.naming(options.MEANINGS["scenario"][sampler.options.scenario], options.flag),
        chosen=chosen(sampler.options),
        lines=sampler.whole(),
        warnings=doubts.warnings(sampler),
        **more,
    )
    page = page.replace("<title>Locust</title>", f"<title>{escape(title(sampler.options))}</title>", 1)
    return page.replace("<body>", f"<body>{head}", 1)


def title(parsed: Any) -> str:
    """A test in a line."""
    loop = "closed loop" if parsed.arrivals == "closed" else f"{parsed.arrivals} arrivals, {parsed.rate:g}/s and row"
    path = f" · path {parsed.path}" if options.matter(parsed, "path") else ""
    return f"{parsed.scenario} · {loop}{path}"


def chosen(parsed: Any) -> dict[str, Any]:
    """The options that mattered, by name."""
    names = [*options.fields(), "num_users", "spawn_rate", "run_time"]
    return {name: value for name in names if options.matter(parsed, name) and (value := getattr(parsed, name))}
