"""feedgen, given the same entries through its own API, is an independent witness for what we write of them.

Its defects are worked round: authors go through its dc extension in RSS, content is of type html,
dates are all set, entries are appended. What it drops or breaks (the relations of an Atom entry's
links) is left out of the comparison; the property tests read those back.
"""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from feedgen.feed import FeedGenerator

from publisher.feeds.document import document
from publisher.feeds.frames import frame
from publisher.model.entry import Author, Enclosure, Item
from publisher.model.feed import Format
from tests.builders import DAY, a_feed, an_item

CHECKOUT = Path(__file__).parents[2]
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
FEED = a_feed(title="Notes & <Queries>", authors=(Author("Robin", "robin@example.com", "https://example.com/about/"),))
ITEMS = [
    an_item(
        "talk",
        "<p>One &amp; <em>two</em></p>\n<pre>a < b ]]> c</pre>",
        title="<Word> & 'quotes'",
        published=DAY + timedelta(hours=9),
        updated=DAY + timedelta(days=2),
        atom_updated=DAY + timedelta(days=2),
        tags=("talk", "C++ & C#"),
        categories=("notes",),
        authors=(Author("Ann"), Author("Ben & Söhne")),
        summary="One and two, plain.",
        enclosure=Enclosure("https://example.com/talk.mp3?a=1&b=2", "audio/mpeg", 12345),
    ),
    an_item(
        "moved",
        "<p>日本語</p>",
        id="urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        title="日本語 👩‍👩‍👧",
        published=DAY,
    ),
]


def by_feedgen(items: list[Item]) -> FeedGenerator:
    made = FeedGenerator()
    made.load_extension("dc")
    made.id(FEED.id)
    made.title(FEED.title)
    made.description(FEED.description)
    made.link(href=FEED.home)
    made.updated(FEED.updated)
    for item in items:
        _add(made, item)
    return made


def _add(made: FeedGenerator, item: Item) -> None:
    entry, body = item.entry, item.body
    one = made.add_entry(order="append")
    one.id(entry.id)
    one.guid(entry.id, permalink=entry.id == entry.url)
    one.title(entry.title)
    one.link(href=entry.url)
    one.published(entry.published)
    one.updated(entry.atom_updated)
    one.category([{"term": label} for label in (*entry.tags, *entry.categories)])
    one.description(body.summary, isSummary=True)
    one.content(body.feed_html, type="html")
    for author in entry.authors:
        one.author({"name": author.name})
        one.dc.dc_creator(author.name)
    if body.enclosure:
        one.enclosure(body.enclosure.url, str(body.enclosure.length), body.enclosure.media_type)


def rss_facts(data: bytes) -> list[dict[str, Any]]:
    """What the items of an RSS document say."""
    return [
        {
            "title": item.findtext("title"),
            "link": item.findtext("link"),
            "guid": item.findtext("guid"),
            "permanent": (item.find("guid").get("isPermaLink", "true") == "true"),  # type: ignore[union-attr]  # it has one
            "date": parsedate_to_datetime(item.findtext("pubDate") or ""),
            "categories": [one.text for one in item.findall("category")],
            "description": item.findtext("description"),
            "content": item.findtext("content:encoded", None, NS),
            "creators": sorted(one.text or "" for one in item.findall("dc:creator", NS)),
            "enclosures": [sorted(one.items()) for one in item.findall("enclosure")],
        }
        for item in ET.fromstring(data).iter("item")
    ]


def atom_facts(data: bytes) -> list[dict[str, Any]]:
    """What the entries of an Atom document say, their links apart."""
    return [
        {
            "id": entry.findtext("a:id", None, NS),
            "published": datetime.fromisoformat(entry.findtext("a:published", "", NS)),
            "updated": datetime.fromisoformat(entry.findtext("a:updated", "", NS)),
            "categories": [one.get("term") for one in entry.findall("a:category", NS)],
            "summary": entry.findtext("a:summary", None, NS),
            "content": entry.findtext("a:content", None, NS),
            "kind": entry.find("a:content", NS).get("type"),  # type: ignore[union-attr]  # it has one
            "authors": [one.text for one in entry.findall("a:author/a:name", NS)],
        }
        for entry in ET.fromstring(data).findall("a:entry", NS)
    ]


def test_feedgen_writes_the_same_rss_items() -> None:
    theirs = rss_facts(by_feedgen(ITEMS).rss_str())
    assert rss_facts(document(FEED, Format.RSS, ITEMS)) == theirs
    assert len(theirs) == 2


def test_feedgen_writes_the_same_atom_entries() -> None:
    theirs = atom_facts(by_feedgen(ITEMS).atom_str())
    assert atom_facts(document(FEED, Format.ATOM, ITEMS)) == theirs
    assert len(theirs) == 2


def test_feedgen_writes_the_same_titles_where_they_are_plain() -> None:
    plain = ITEMS[1:]
    theirs = ET.fromstring(by_feedgen(plain).atom_str())
    ours = ET.fromstring(document(FEED, Format.ATOM, plain))
    path = "a:entry/a:title"
    assert ours.findtext(path, None, NS) == theirs.findtext(path, None, NS) == plain[0].entry.title


def test_the_channel_is_what_feedgen_says_it_is() -> None:
    theirs = ET.fromstring(by_feedgen([]).rss_str()).find("channel")
    ours = ET.fromstring(document(FEED, Format.RSS, [])).find("channel")
    assert ours is not None
    assert theirs is not None
    for name in ("title", "link", "description", "lastBuildDate", "docs"):
        assert ours.findtext(name) == theirs.findtext(name)


WITH_LOCALE = """
import locale, sys
from publisher.feeds.document import document
from publisher.model.feed import Format
from tests.integration.test_feedgen_agrees import FEED, ITEMS
locale.setlocale(locale.LC_ALL, "")
before = locale.setlocale(locale.LC_ALL)
for wanted in Format:
    sys.stdout.buffer.write(document(FEED, wanted, ITEMS))
assert locale.setlocale(locale.LC_ALL) == before, (before, locale.setlocale(locale.LC_ALL))
"""


def _locales() -> list[str]:
    """One that spells days and months its own way, if this machine has it, and one that every Linux has."""
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, check=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return ["C"]
    foreign = [name for name in listed if name.partition(".")[0] in {"de_DE", "fr_FR", "ja_JP"}]
    return [*foreign[:1], "C.UTF-8", "C"]


@pytest.mark.parametrize("name", _locales())
def test_documents_depend_on_no_locale_and_no_zone_and_leave_the_locale_as_it_was(name: str) -> None:
    environment = {**os.environ, "LC_ALL": name, "TZ": "Asia/Tokyo", "PYTHONPATH": os.fspath(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", WITH_LOCALE], env=environment, cwd=CHECKOUT, capture_output=True, check=False
    )
    assert done.stderr.decode() == ""
    assert done.stdout == b"".join(document(FEED, wanted, ITEMS) for wanted in Format)


def test_the_locale_is_put_back_when_feedgen_fails() -> None:
    before = locale.setlocale(locale.LC_ALL)
    with pytest.raises(ValueError, match="XML"):
        frame(a_feed(title="\x00"), Format.RSS)
    assert locale.setlocale(locale.LC_ALL) == before


def test_the_feeds_date_is_in_its_place_and_the_present_moment_is_nowhere() -> None:
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    feed = a_feed(title="1970-01-01T00:00:00+00:00 <lastBuildDate>", updated=moment)
    rss, atom = (document(feed, wanted, []).decode() for wanted in (Format.RSS, Format.ATOM))
    assert "<lastBuildDate>Sat, 03 Feb 2001 04:05:06 +0000</lastBuildDate>" in rss
    assert "<updated>2001-02-03T04:05:06Z</updated>" in atom
    assert str(datetime.now(UTC).year) not in rss + atom
    assert ET.fromstring(rss).findtext("channel/title") == feed.title
