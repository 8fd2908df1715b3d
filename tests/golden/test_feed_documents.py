"""Each folder of ``feeds`` holds a feed with its items and the three documents that are written of them.

items.json says what the case is about, the fields in which its feed and items differ from those of
tests/builders.py, and nothing else. To add a case, write its items.json and run this file once with
GOLDEN=write in the environment; then read what was written.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from publisher.feeds.check import check_document
from publisher.feeds.document import document
from publisher.model.entry import Author, Enclosure, Image
from publisher.model.feed import Feed, Format, History
from tests.builders import a_feed, an_item

if TYPE_CHECKING:
    from collections.abc import Callable

FEEDS = Path(__file__).parent / "feeds"
CASES = sorted(FEEDS.iterdir())
NAMES = {Format.RSS: "feed.xml", Format.ATOM: "atom.xml", Format.JSON: "feed.json"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _field(name: str, value: Any) -> Any:
    read = _READERS.get(name)
    if read is not None:
        return read(value)
    return tuple(value) if isinstance(value, list) else value


def _history(parts: dict[str, Any]) -> History:
    urls = {
        name: {Format(fmt): url for fmt, url in parts.get(name, {}).items()} for name in ("older", "newer", "current")
    }
    removed = tuple((ref, datetime.fromisoformat(at)) for ref, at in parts.get("removed", ()))
    return History(**urls, complete=parts.get("complete", False), removed=removed)


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("published", "updated", "atom_updated"), datetime.fromisoformat),
    "authors": lambda value: tuple(Author(**author) for author in value),
    "documents": lambda value: tuple((Format(fmt), path, url) for fmt, path, url in value),
    "enclosure": lambda value: Enclosure(**value),
    "history": _history,
    "image": lambda value: Image(**value),
}


def _documents(case: Path) -> tuple[Feed, dict[Format, bytes]]:
    told = json.loads((case / "items.json").read_text(encoding="utf-8"))
    feed = a_feed(**{name: _field(name, value) for name, value in told["feed"].items()})
    items = [an_item(**{name: _field(name, value) for name, value in item.items()}) for item in told["items"]]
    return feed, {wanted: document(feed, wanted, items) for wanted in Format}


@pytest.mark.parametrize("wanted", Format, ids=lambda wanted: wanted.value)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_feed_is_written_byte_for_byte(case: Path, wanted: Format) -> None:
    written = _documents(case)[1][wanted]
    place = case / NAMES[wanted]
    if os.environ.get("GOLDEN") == "write":
        place.write_bytes(written)
    assert written.decode() == place.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_feed_is_written_without_a_fault(case: Path) -> None:
    feed, written = _documents(case)
    for wanted, data in written.items():
        assert check_document(data, NAMES[wanted], feed.url(wanted), now=NOW) == ()
