"""Each file of ``feedcheck`` is one feed with one fault, and says which; those in ``good`` have none.

An XML file says so in its first comment, a JSON file in the text file of the same name beside it:
``level line: words of the message``. To add a case, add a file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.feeds.check import check_document

FEEDCHECK = Path(__file__).parent / "feedcheck"
URL = "https://example.org/feed.xml"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

FEEDS = [path for path in sorted(FEEDCHECK.glob("*/*")) if path.suffix in {".xml", ".json"}]
FAULTY = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FEEDS if path.parent.name != "good"]
GOOD = [pytest.param(path, id=path.name) for path in FEEDS if path.parent.name == "good"]


def _stated(path: Path) -> str:
    if path.suffix == ".json":
        return path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("<!-- ").removesuffix(" -->")


@pytest.mark.parametrize("path", FAULTY)
def test_a_fault_is_found_where_it_is_and_nothing_else(path: Path) -> None:
    place, _, words = _stated(path).partition(": ")

    (problem,) = check_document(path.read_bytes(), path.name, URL, now=NOW)

    assert f"{problem.level.value} {problem.line}" == place
    assert words in problem.message
    assert problem.path == path.name
    assert problem.message.endswith(")")  # the rule's source
    assert problem.remedy


@pytest.mark.parametrize("path", GOOD)
def test_a_good_feed_draws_nothing(path: Path) -> None:
    assert check_document(path.read_bytes(), path.name, URL, now=NOW) == ()


@pytest.mark.parametrize("path", GOOD)
def test_without_an_address_the_feeds_own_is_not_looked_at(path: Path) -> None:
    elsewhere = path.read_bytes().replace(URL.encode(), b"https://example.org/elsewhere")

    assert check_document(elsewhere, path.name, "", now=NOW) == ()
