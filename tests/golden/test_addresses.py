"""Slugs that Zola, Eleventy and Pelican wrote, recorded; and what we write, where it is known to be another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from publisher.content.spelling import term

RECORDED = sorted((Path(__file__).parent / "addresses").glob("*.json"))


@pytest.mark.parametrize("place", RECORDED, ids=lambda place: place.stem)
def test_slugs_are_those_that_were_recorded(place: Path) -> None:
    recorded = json.loads(place.read_text("utf-8"))
    pairs = recorded["the same"]
    assert {name: term(name, place.stem) for name in pairs} == pairs
    assert len(pairs) > 90


@pytest.mark.parametrize("place", RECORDED, ids=lambda place: place.stem)
def test_a_name_with_letters_that_are_not_known_keeps_its_own(place: Path) -> None:
    """What differs is no secret: these are the letters of content/transliteration.py's docstring."""
    for name, theirs in json.loads(place.read_text("utf-8"))["another"].items():
        assert term(name, place.stem) not in {"", theirs}
