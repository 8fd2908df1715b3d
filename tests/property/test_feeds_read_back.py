"""Law of feed documents: what a reader gets out of each format is what went in, whatever the texts are.

Three witnesses: expat for every character that XML allows, the json module, and feedparser. feedparser
mends what looks like UTF-8 read as Latin-1, or like Windows' control characters, and takes blanks off
the ends of texts, so it is asked without them; it gives an Atom author the email of the one before, so
of people names alone are compared; and it does not read JSON Feed.
"""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.feeds.check import check_document
from publisher.feeds.document import document
from publisher.feeds.reading import read_feed
from publisher.model.entry import Author, Body, Enclosure, Entry, Image, Item
from publisher.model.feed import Format
from tests.builders import a_feed, an_entry

NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
FEED = a_feed(hubs=("https://hub.example/?a=1&b=2",), authors=(Author("Robin"),))
SUMMARIES = a_feed(full_text=False, authors=(Author("Robin"),))
NOW = datetime(2110, 1, 1, tzinfo=UTC)

# Everything that XML 1.0 allows but the carriage return, which every parser turns into a line feed.
XML_CHARACTERS = st.characters(
    exclude_categories=["Cs"],
    exclude_characters=[*map(chr, range(9)), "\x0b", "\x0c", *map(chr, range(0x0D, 0x20)), "\ufffe", "\uffff"],
)
CALM_CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters=[*map(chr, range(0xA0, 0xC0)), "\ufffe", "\uffff"]
)
MARKUP = st.lists(
    st.sampled_from(["<", ">", "&", '"', "'", "]]>", "<![CDATA[", "&amp;", "&#x3C;", "<b>", "</p>", "\n", "a", " é"]),
    max_size=8,
).map("".join)


def lines(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts as content/ gives titles, names, tags and summaries: one line, no blanks around or doubled."""
    return st.one_of(MARKUP, st.text(characters, max_size=12)).map(lambda text: " ".join(text.split())).filter(bool)


def items(line: st.SearchStrategy[str], bodies: st.SearchStrategy[str]) -> st.SearchStrategy[list[Item]]:
    """Items with texts and bodies of these kinds; no two of one id or one moment, none without words."""
    place = st.builds("https://example.com/{}/?a={}&b='".format, st.integers(0, 99), st.integers(0, 9))
    names = st.lists(
        st.builds(
            Author, line, st.sampled_from(["", "a@example.org"]), st.sampled_from(["", "https://a.example/?x&y"])
        ),
        max_size=3,
        unique_by=lambda author: author.name,
    )
    entry = st.builds(
        _entry,
        st.integers(0, 10**9),
        place,
        st.one_of(
            st.none(), place.map(lambda url: f"{url}#old"), st.just("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        ),
        line,
        st.integers(10**9, 4 * 10**9),
        st.integers(0, 10**8),
        names.map(tuple),
        st.lists(line, max_size=3).map(tuple),
        st.lists(line, max_size=2).map(tuple),
        st.sampled_from(["", "full", "summary"]),
    )
    media = st.builds(
        Enclosure,
        place.map(lambda url: url + ".mp3"),
        st.sampled_from(["audio/mpeg", "video/mp4"]),
        st.integers(0, 9**9),
    )
    body = st.builds(
        lambda feed_html, summary, image, enclosure: Body("", feed_html, summary, image, enclosure),
        bodies,
        line,
        st.one_of(st.none(), place.map(lambda url: Image(f"{url}.png"))),
        st.one_of(st.none(), media),
    )
    found = st.builds(Item, entry, body)
    return st.lists(found, max_size=3, unique_by=(lambda item: item.entry.id, lambda item: item.entry.atom_updated))


def _entry(
    number: int,
    url: str,
    other_id: str | None,
    title: str,
    published: int,
    later: int,
    authors: tuple[Author, ...],
    tags: tuple[str, ...],
    categories: tuple[str, ...],
    content: str,
) -> Entry:
    moment = datetime.fromtimestamp(published, UTC)
    updated = moment + timedelta(seconds=later)
    return an_entry(
        f"{number}",
        id=other_id or url,
        url=url,
        title=title,
        published=moment,
        updated=updated,
        atom_updated=updated + timedelta(seconds=1),
        authors=authors,
        tags=tags,
        categories=categories,
        content=content,
    )


ANY = items(lines(XML_CHARACTERS), st.one_of(MARKUP, st.text(XML_CHARACTERS, max_size=20)).map(lambda text: f"x{text}"))
CALM = items(
    lines(CALM_CHARACTERS), st.one_of(MARKUP, st.text(CALM_CHARACTERS, max_size=20)).map(lambda text: f"x{text}x")
)
# HTML in a title or a name is written right and read back right, and still worth a warning.
NO_HTML = lines(CALM_CHARACTERS).filter(lambda text: not re.search(r"<|&#?\w", text))
VALID = items(NO_HTML, lines(CALM_CHARACTERS).map(lambda text: f"<p>{html.escape(text)}</p>"))


def labels(entry: Entry) -> list[str]:
    return list(dict.fromkeys((*entry.tags, *entry.categories)))


def is_full(item: Item) -> bool:
    return item.entry.content != "summary"


def text_of(element: ET.Element, path: str) -> str | None:
    return element.findtext(path, None, NS)


def _atom_text(element: ET.Element, path: str) -> str:
    found = element.find(path, NS)
    assert found is not None
    return html.unescape(found.text or "") if found.get("type") == "html" else found.text or ""


@given(ANY)
def test_rss_is_read_back(given_items: list[Item]) -> None:
    channel = ET.fromstring(document(FEED, Format.RSS, given_items)).find("channel")
    assert channel is not None
    assert [(link.get("rel"), link.get("href")) for link in channel.findall("a:link", NS)] == [
        ("self", FEED.url(Format.RSS)),
        ("hub", FEED.hubs[0]),
    ]
    found = channel.findall("item")
    assert len(found) == len(given_items)
    for element, item in zip(found, given_items, strict=True):
        entry, body = item.entry, item.body
        guid = element.find("guid")
        assert guid is not None
        assert (guid.text, guid.get("isPermaLink")) == (entry.id, None if entry.id == entry.url else "false")
        assert (text_of(element, "title"), text_of(element, "link")) == (entry.title, entry.url)
        assert parsedate_to_datetime(text_of(element, "pubDate") or "") == entry.published
        assert [one.text for one in element.findall("dc:creator", NS)] == [author.name for author in entry.authors]
        assert [one.text for one in element.findall("category")] == labels(entry)
        assert html.unescape(text_of(element, "description") or "") == body.summary
        assert text_of(element, "content:encoded") == (body.feed_html if is_full(item) else None)
        media = [(one.get("url"), one.get("type"), one.get("length")) for one in element.findall("enclosure")]
        assert media == _media(body.enclosure)
        pictures = [one.get("url") for one in element.findall("media:thumbnail", NS)]
        assert pictures == ([body.image.url] if body.image else [])


def _media(enclosure: Enclosure | None) -> list[tuple[str, str, str]]:
    return [(enclosure.url, enclosure.media_type, str(enclosure.length))] if enclosure else []


@given(ANY)
def test_atom_is_read_back(given_items: list[Item]) -> None:
    root = ET.fromstring(document(FEED, Format.ATOM, given_items))
    assert (text_of(root, "a:id"), text_of(root, "a:title")) == (FEED.id, FEED.title)
    assert {(link.get("rel"), link.get("href")) for link in root.findall("a:link", NS)} == {
        ("alternate", FEED.home),
        ("self", FEED.url(Format.ATOM)),
        ("hub", FEED.hubs[0]),
    }
    found = root.findall("a:entry", NS)
    assert len(found) == len(given_items)
    for element, item in zip(found, given_items, strict=True):
        entry, body = item.entry, item.body
        assert (text_of(element, "a:id"), _atom_text(element, "a:title")) == (entry.id, entry.title)
        assert datetime.fromisoformat(text_of(element, "a:published") or "") == entry.published
        assert datetime.fromisoformat(text_of(element, "a:updated") or "") == entry.atom_updated
        people = [
            Author(text_of(one, "a:name") or "", text_of(one, "a:email") or "", text_of(one, "a:uri") or "")
            for one in element.findall("a:author", NS)
        ]
        assert people == list(entry.authors)
        assert [one.get("term") for one in element.findall("a:category", NS)] == labels(entry)
        assert _atom_text(element, "a:summary") == body.summary
        assert text_of(element, "a:content") == (body.feed_html if is_full(item) else None)
        links = {one.get("rel"): one for one in element.findall("a:link", NS)}
        assert links["alternate"].get("href") == entry.url
        media = [
            (one.get("href"), one.get("type"), one.get("length")) for rel, one in links.items() if rel == "enclosure"
        ]
        assert media == _media(body.enclosure)


@given(ANY)
def test_json_feed_is_read_back(given_items: list[Item]) -> None:
    told = json.loads(document(FEED, Format.JSON, given_items))
    assert (told["version"], told["feed_url"]) == ("https://jsonfeed.org/version/1.1", FEED.url(Format.JSON))
    assert told["hubs"] == [{"type": "WebSub", "url": FEED.hubs[0]}]
    assert told["items"] == [_as_json(item) for item in given_items]


def _as_json(item: Item) -> dict[str, Any]:
    entry, body = item.entry, item.body
    wanted: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": body.summary,
        "date_published": entry.published.isoformat().replace("+00:00", "Z"),
        "date_modified": entry.updated.isoformat().replace("+00:00", "Z"),
        **({"content_html": body.feed_html} if is_full(item) else {"content_text": body.summary}),
    }
    if entry.authors:
        wanted["authors"] = [_person(author) for author in entry.authors]
    if labels(entry):
        wanted["tags"] = labels(entry)
    if body.image:
        wanted["image"] = body.image.url
    if body.enclosure:
        size = {"size_in_bytes": body.enclosure.length} if body.enclosure.length else {}
        wanted["attachments"] = [{"url": body.enclosure.url, "mime_type": body.enclosure.media_type, **size}]
    return wanted


def _person(author: Author) -> dict[str, str]:
    url = author.uri or (author.email and f"mailto:{author.email}")
    return {"name": author.name, "url": url} if url else {"name": author.name}


@settings(max_examples=40)
@given(CALM)
def test_feedparser_reads_the_same_out_of_rss_and_atom(given_items: list[Item]) -> None:
    for wanted in (Format.RSS, Format.ATOM):
        data = document(FEED, wanted, given_items)
        told = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
        assert not told.bozo
        assert [_as_feedparser(entry, wanted) for entry in told.entries] == [
            _expected(item, wanted) for item in given_items
        ]


def _plain(told: Any, name: str) -> str:
    kind = told[f"{name}_detail"]["type"]
    return str(html.unescape(told[name]) if kind == "text/html" else told[name])


def _as_feedparser(told: Any, wanted: Format) -> dict[str, Any]:
    links = told.links
    # An RSS title is text; feedparser calls one HTML when it reads like it ("&amp;"), but hands it over as it is.
    title = told.title if wanted is Format.RSS else _plain(told, "title")
    return {
        "id": told.id,
        "title": title,
        "url": told.link,
        "published": told.published_parsed[:6],
        "updated": told.updated_parsed[:6] if "updated" in told else None,
        "authors": [author.name for author in told.get("authors", [])],
        "tags": [tag.term for tag in told.get("tags", [])],
        "summary": _plain(told, "summary"),
        "content": [content.value for content in told.get("content", [])],
        "media": [(one.href, one.type, one.length) for one in links if one.rel == "enclosure"],
    }


def _expected(item: Item, wanted: Format) -> dict[str, Any]:
    entry, body = item.entry, item.body
    return {
        "id": entry.id,
        "title": entry.title,
        "url": entry.url,
        "published": entry.published.timetuple()[:6],
        "updated": entry.atom_updated.timetuple()[:6] if wanted is Format.ATOM else None,
        "authors": [author.name for author in entry.authors],
        "tags": labels(entry),
        "summary": body.summary,
        "content": [body.feed_html] if is_full(item) else [],
        "media": _media(body.enclosure),
    }


@settings(max_examples=30)
@given(VALID)
def test_our_own_check_finds_nothing_to_say(given_items: list[Item]) -> None:
    for feed in (FEED, SUMMARIES):
        for wanted in Format:
            told = check_document(document(feed, wanted, given_items), "feed", feed.url(wanted), now=NOW)
            assert told == ()


@settings(max_examples=50)
@given(ANY)
def test_equal_items_give_equal_bytes(given_items: list[Item]) -> None:
    for wanted in Format:
        once = document(FEED, wanted, given_items)
        assert once == document(FEED, wanted, iter(given_items))
        assert once.decode("utf-8").encode() == once


@settings(max_examples=40)
@given(CALM)
def test_our_own_reader_reads_what_was_meant(given_items: list[Item]) -> None:
    for wanted in Format:
        told = read_feed(document(FEED, wanted, given_items), FEED.url(wanted))
        assert (told.format, told.title, told.home, told.whole) == (wanted, FEED.title, FEED.home, True)
        assert (told.url, told.hubs) == (FEED.url(wanted), FEED.hubs)
        for one, item in zip(told.items, given_items, strict=True):
            entry, body = item.entry, item.body
            assert (one.id, one.url, one.published) == (entry.id, entry.url, entry.published)
            updates = {Format.RSS: None, Format.ATOM: entry.atom_updated, Format.JSON: entry.updated}
            assert one.updated == updates[wanted]
            if wanted is not Format.RSS or not re.search(r"<|&#?\w", entry.title):  # RSS does not say text from HTML
                assert one.title == entry.title
            if is_full(item):
                assert one.content == body.feed_html
            assert one.tags == tuple(labels(entry))
            assert one.image == (body.image.url if body.image else "")
            names = {html.unescape(author.name) for author in entry.authors}  # others escape names of XML twice
            assert {html.unescape(author.name) for author in one.authors} == names
            assert one.enclosure == body.enclosure
