"""The config.toml of a site that moves in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from publisher.config import parse
from publisher.flows.moving_config import config_text, feed_values, toml
from publisher.model.entry import Author
from publisher.model.feed import Format

SHIPPED = (Path(__file__).parents[3] / "config.toml").read_text("utf-8")
SITE: dict[tuple[str, str], Any] = {
    ("site", "title"): "Notes",
    ("site", "base_url"): "https://x.test/",
    ("site", "timezone"): "Europe/Berlin",
}
HOSTILE = (
    'a "quote" and \\ a backslash',
    "'''",
    '"""',
    "]\n[mail]\nfrom = 'x'",
    "# no comment",
    "\x00\x07\x1b[31m\x7f\x85\u2028\u202e",
    "$(rm -rf ~) `id` ; & |",
    "🙂 é \ufeff",
    "x" * 100_000,
    "  # two blanks and a hash",
    "= \\1 \\g<0> {0} %s",
)


def written(**more: Any) -> dict[str, Any]:
    site = {("site", key): value for key, value in more.items()}
    return tomllib.loads(config_text(SHIPPED, SITE | site))


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_from_the_file_and_touches_nothing_else(text: str) -> None:
    assert written(description=text) == written(description="T") | {
        "site": written(description="T")["site"] | {"description": text}
    }
    assert tomllib.loads(f"x = {toml({text: [text, Author(text, text, text)]})}")["x"] == {
        text: [text, {"name": text, "email": text, "url": text}]
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (20, "20"),
        ("a", '"a"'),
        (["a", "b"], '["a", "b"]'),
        ([], "[]"),
        (Author("R"), '"R"'),
        (Author("R", uri="https://x.test/"), '{ name = "R", url = "https://x.test/" }'),
        ({"": "/:slug/", "a b": "x"}, '{ "" = "/:slug/", "a b" = "x" }'),
    ],
)
def test_values_are_written_as_a_person_would(value: Any, text: str) -> None:
    assert toml(value) == text


def test_half_a_surrogate_pair_is_no_character_of_a_file() -> None:
    assert toml("a\ud800b") == '"a?b"'


def test_the_file_is_the_shipped_one_with_its_comments_and_without_its_sample() -> None:
    text = config_text(SHIPPED, SITE)
    assert len(text.splitlines()) == len(SHIPPED.splitlines())
    assert 'base_url = "https://x.test/"               # where the site lives' in text
    assert "Robin Example" not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    settings = parse(text)
    assert (settings.site.title, str(settings.site.timezone), settings.digests) == ("Notes", "Europe/Berlin", ())


def test_a_key_that_the_shipped_file_lacks_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        config_text(SHIPPED, {("site", "nonsense"): 1})


@pytest.mark.parametrize(
    "paths",
    [
        {},
        {Format.RSS: "index.xml"},
        {Format.ATOM: "feed.xml"},
        {Format.RSS: "atom.xml"},
        {Format.JSON: "feed.xml"},
        {Format.ATOM: "atom.xml", Format.RSS: "rss.xml"},
        {Format.ATOM: "feed.xml", Format.JSON: "atom.xml"},
        {Format.ATOM: "feed.xml", Format.JSON: "rss.xml"},
        {Format.JSON: "atom.xml", Format.RSS: "atom-feed.xml"},
        {Format.RSS: "feed"},
        {Format.RSS: "feed.json"},
        {Format.RSS: "feed/index.xml"},
    ],
)
def test_the_three_formats_stand_at_three_addresses_and_readers_at_theirs(paths: dict[Format, str]) -> None:
    values = feed_values(paths, limit=20, full=True)
    found = values["feeds", "paths"]
    assert len(set(found.values())) == len(Format) == len(found)
    assert {fmt: found[fmt.value] for fmt in paths} == paths
    parse(config_text(SHIPPED, SITE | values))
