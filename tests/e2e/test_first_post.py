"""A post shaped like the first one that Publisher was made for: nothing of it is lost on its way to a reader."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from publisher.config import parse
from publisher.flows.publish import publish

POST = Path(__file__).parents[1] / "golden" / "first_post" / "harbour-cloud-2018.md"
CONFIG = """
[site]
title = "Field notes"
base_url = "https://blog.test/"
timezone = "America/Los_Angeles"
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    (site / "posts").mkdir()
    (site / "posts" / POST.name).write_bytes(POST.read_bytes())
    report = publish(site, parse(CONFIG), datetime(2026, 1, 1, tzinfo=UTC))
    assert report.problems == ()
    return site / "public"


def _bodies(output: Path) -> dict[str, str]:
    rss: Any = feedparser.parse((output / "feed.xml").read_bytes())
    atom: Any = feedparser.parse((output / "atom.xml").read_bytes())
    item = json.loads((output / "feed.json").read_text("utf-8"))["items"][0]
    return {
        "rss": rss.entries[0].content[0].value,
        "atom": atom.entries[0].content[0].value,
        "json": item["content_html"],
    }


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_lines_of_two_asterisks_are_nested_lists_in_every_feed(output: Path, form: str) -> None:
    html = _bodies(output)[form]

    assert html.count("<ul>") == 6
    assert html.count("<li>") == 35
    assert "*" not in re.sub(r"<[^>]*>", "", html)


@pytest.mark.parametrize("name", ["feed.xml", "atom.xml"])
def test_its_metadata_reaches_the_xml_feeds(output: Path, name: str) -> None:
    entry: Any = feedparser.parse((output / name).read_bytes()).entries[0]

    assert entry.title == "Harbour Cloud 2018"
    assert tuple(entry.published_parsed[:6]) == (2018, 12, 3, 8, 0, 0)  # midnight in Los Angeles
    assert [tag.term for tag in entry.tags] == ["conference"]
    assert entry.author == "Robin Example"
    assert entry.summary.startswith("I spent the first week of December")


def test_its_metadata_reaches_the_json_feed(output: Path) -> None:
    item = json.loads((output / "feed.json").read_text("utf-8"))["items"][0]

    assert item["title"] == "Harbour Cloud 2018"
    assert item["date_published"] == "2018-12-03T08:00:00Z"
    assert item["tags"] == ["conference"]
    assert item["authors"] == [{"name": "Robin Example"}]
    assert item["id"] == "https://blog.test/harbour-cloud-2018/"
