"""The workshop as episodes for the page."""

import re
from pathlib import Path

import pytest

from lab import LabError
from lab.stack import guide


def test_every_episode_has_its_minutes_and_its_text_as_html() -> None:
    text = guide.WORKSHOP.read_text()
    made = guide.episodes()
    titles = [f"{each.number}. {each.title}" for each in made]
    assert titles == re.findall(r"^## (\d\. .+)$", text, re.MULTILINE)
    assert sum(each.minutes for each in made) == 45
    assert all("<strong>Predict.</strong>" in each.html for each in made[:5])
    assert [each.number for each in made if each.short] == [1, 3, 5]


def test_html_in_the_text_is_text_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = tmp_path / "workshop.md"
    workshop.write_text("| 5 | [One](#1-one) | Why? |\n\n## 1. One\n\n<script>alert(1)</script>\n")
    monkeypatch.setattr(guide, "WORKSHOP", workshop)
    (episode,) = guide.episodes()
    assert "<script>" not in episode.html and "&lt;script&gt;" in episode.html
    assert (episode.minutes, episode.short) == (5, "")


def test_an_episode_that_the_plan_forgets_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = tmp_path / "workshop.md"
    workshop.write_text("| 5 | [One](#1-one) | Why? |\n\n## 1. One\n\n## 2. Two\n")
    monkeypatch.setattr(guide, "WORKSHOP", workshop)
    with pytest.raises(LabError, match="episode 2 is not in the plan"):
        guide.episodes()
