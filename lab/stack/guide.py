"""The workshop as the page shows it: the episodes of docs/workshop.md, each as HTML."""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup

from lab import LabError
from lab.stack.compose_file import ROOT

WORKSHOP = ROOT / "docs" / "workshop.md"
# A line of a plan: minutes, an episode, and something about it.
PLANNED = re.compile(r"^\| (\d+) \| \[[^\]]+\]\(#(\d)[^)]*\) \| ([^|]+?) \|", re.MULTILINE)


@dataclass(frozen=True)
class Episode:
    number: int
    title: str
    minutes: int
    short: str  # what of it belongs to the ten minutes: "4 minutes: run, explain"; empty where nothing does
    html: Markup


def episodes() -> list[Episode]:
    """LabError where an episode is not in the plan."""
    first, *parts = re.split(r"^## ", WORKSHOP.read_text(), flags=re.MULTILINE)
    whole = {number: int(minutes) for minutes, number, _ in PLANNED.findall(first)}
    short = {number: f"{minutes} minutes: {what}" for part in parts for minutes, number, what in PLANNED.findall(part)}
    markdown = MarkdownIt("commonmark", {"html": False})
    made = []
    for part in parts:
        heading, _, text = part.partition("\n")
        if match := re.fullmatch(r"(\d)\. (.+)", heading):
            number, title = match.groups()
            if number not in whole:
                raise LabError(f"docs/workshop.md: episode {number} is not in the plan")
            html = Markup(markdown.render(text))  # noqa: S704  (our own text, and HTML in it is escaped)
            made.append(Episode(int(number), title, whole[number], short.get(number, ""), html))
    return made
