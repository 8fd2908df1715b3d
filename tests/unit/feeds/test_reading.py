"""Feeds as they are found, read back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from time import process_time

import pytest

from publisher.errors import FeedError
from publisher.feeds.discovery import feeds_of
from publisher.feeds.reading import LARGEST, read_feed
from publisher.model.entry import Author, Enclosure
from publisher.model.feed import Format
from publisher.model.received import ReceivedFeed, ReceivedItem, Tombstone

URL = "https://x.test/feed"


def rss(items: str = "", channel: str = "") -> ReceivedFeed:
    text = f'<rss version="2.0"><channel><title>T</title><link>https://x.test/</link>{channel}{items}</channel></rss>'
    return read_feed(text.encode(), URL)


def an_item(inside: str) -> ReceivedItem:
    [found] = rss(f"<item>{inside}</item>").items
    return found


def atom(inside: str) -> ReceivedFeed:
    head = '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><id>urn:f</id>'
    return read_feed(f"{head}{inside}</feed>".encode(), URL)


# RSS


def test_an_item_of_rss() -> None:
    found = an_item(
        '<title>One</title><link>/p/1?a=1&amp;b=2</link><guid isPermaLink="false">abc</guid>'
        "<pubDate>Mon, 01 Jan 2018 10:00:00 -0500</pubDate><category>a</category><category>b</category>"
        '<description>&lt;p&gt;Hi &lt;img src="/a.png"&gt;&lt;/p&gt;</description>'
        '<enclosure url="/a.mp3" length="12" type="audio/mpeg"/><author>me@x.test (Me)</author>'
    )
    assert (found.id, found.url, found.title) == ("abc", "https://x.test/p/1?a=1&b=2", "One")
    assert (found.published, found.updated) == (datetime(2018, 1, 1, 15, tzinfo=UTC), None)
    assert found.summary == '<p>Hi <img src="https://x.test/a.png" /></p>'
    assert (found.tags, found.authors) == (("a", "b"), (Author("Me", "me@x.test"),))
    assert found.enclosure == Enclosure("https://x.test/a.mp3", "audio/mpeg", 12)


def test_a_whole_text_and_its_summary_stay_apart() -> None:
    more = '<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">&lt;p&gt;All&lt;/p&gt;</content:encoded>'
    found = an_item(f"<title>One</title><description>Short</description>{more}")
    assert (found.content, found.summary) == ("<p>All</p>", "Short")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("A &amp;amp; B", "A & B"),
        ("A &#x26; B &#x3C;Word&#x3E;", "A & B <Word>"),
        ("<![CDATA[A <b>bold</b> &amp; B]]>", "A bold & B"),
        ("The &lt;b&gt; tag", "The <b> tag"),
        ("Vec&lt;T&gt; in Rust", "Vec<T> in Rust"),
        ("  Two\n\t lines ", "Two lines"),
        ("", ""),
    ],
)
def test_titles_of_rss_are_read_as_they_were_meant(written: str, read: str) -> None:
    assert an_item(f"<title>{written}</title><guid>g</guid>").title == read


@pytest.mark.parametrize("guid", ["7", "/p/7", "?p=7", "post 7", "tag:x.test,2020:7"])
def test_an_id_is_what_stands_there_whatever_it_looks_like(guid: str) -> None:
    for attribute in ("", ' isPermaLink="false"', ' isPermaLink="true"'):
        assert an_item(f"<guid{attribute}>{guid}</guid><link>https://x.test/1</link>").id == guid
    [entry] = atom(f"<entry><id>{guid}</id><title>T</title></entry>").items
    assert entry.id == guid


@pytest.mark.parametrize("broken", ["", "\x08", "&#27;", "&nbsp;"])
def test_an_id_of_wordpress_is_the_same_whether_the_document_is_well_formed_or_not(broken: str) -> None:
    feed = rss(f"<item><title>A{broken}</title><guid>https://x.test/?post_type=x&#038;p=7&amp;q</guid></item>")
    assert feed.items[0].id == "https://x.test/?post_type=x&p=7&q"


def test_a_guid_that_is_an_address_is_the_link_where_there_is_none() -> None:
    assert an_item("<guid>https://x.test/7</guid>").url == "https://x.test/7"
    assert an_item("<guid>7</guid>").url == ""


def test_without_a_guid_the_link_is_the_id() -> None:
    assert an_item("<link>https://x.test/1</link>").id == "https://x.test/1"
    assert an_item("<title>Neither</title>").id == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Mon, 1 Jan 2018 10:00 EST", datetime(2018, 1, 1, 15, tzinfo=UTC)),
        ("2018-01-01T10:00:00+01:00", datetime(2018, 1, 1, 9, tzinfo=UTC)),
        ("2018-01-01", datetime(2018, 1, 1, tzinfo=UTC)),
        ("Mon, 01 Jan 0001 00:00:00 +0000", datetime(1, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_of_all_sorts(written: str, read: datetime | None) -> None:
    assert an_item(f"<guid>g</guid><pubDate>{written}</pubDate>").published == read


def test_what_a_channel_says_of_itself() -> None:
    found = rss(
        channel='<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="https://x.test/feed.xml"/>'
        '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="https://hub.test/"/>'
        '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="prev-archive" href="/2018.xml"/>'
        '<itunes:new-feed-url xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">https://n.test/f</itunes:new-feed-url>'
        '<fh:complete xmlns:fh="http://purl.org/syndication/history/1.0"/><ttl>90</ttl><language>de</language>'
    )
    assert (found.format, found.title, found.home, found.language) == (Format.RSS, "T", "https://x.test/", "de")
    assert (found.url, found.hubs, found.older) == (
        "https://x.test/feed.xml",
        ("https://hub.test/",),
        "https://x.test/2018.xml",
    )
    assert (found.moved_to, found.complete, found.minutes, found.whole) == ("https://n.test/f", True, 90, True)


def test_older_rss_is_read_too() -> None:
    rdf = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        b'<channel><title>T</title></channel><item rdf:about="https://x.test/1"><title>One</title>'
        b"<link>https://x.test/1</link></item></rdf:RDF>"
    )
    found = read_feed(rdf)
    assert [(item.id, item.title) for item in found.items] == [("https://x.test/1", "One")]
    assert found.whole


# Atom


def test_an_entry_of_atom() -> None:
    [found] = atom(
        "<entry><id>urn:1</id><title>Text &lt;i&gt;</title><link href='/1'/><published>2018-01-01T00:00:00Z</published>"
        "<updated>2018-02-01T00:00:00+02:00</updated>"
        "<content type='html'>&lt;p&gt;&lt;a href='x'&gt;y&lt;/a&gt;&lt;/p&gt;</content>"
        "<category term='t' label='Tag'/><author><name>Me</name><uri>https://me.test/</uri></author></entry>"
    ).items
    assert (found.id, found.url, found.title) == ("urn:1", "https://x.test/1", "Text <i>")
    assert found.published == datetime(2018, 1, 1, tzinfo=UTC)
    assert found.updated == datetime(2018, 1, 31, 22, tzinfo=UTC)
    assert found.content == '<p><a href="https://x.test/x">y</a></p>'
    assert (found.tags, found.authors) == (("Tag",), (Author("Me", "", "https://me.test/"),))


def test_titles_of_atom_that_are_html() -> None:
    [found] = atom("<entry><id>1</id><title type='html'>A &lt;em&gt;b&lt;/em&gt; &amp;amp; c</title></entry>").items
    assert found.title == "A b & c"


def test_an_entry_with_one_date_does_not_have_it_twice() -> None:
    [found] = atom("<entry><id>1</id><updated>2018-02-01T00:00:00Z</updated></entry>").items
    assert (found.published, found.updated) == (None, datetime(2018, 2, 1, tzinfo=UTC))


def test_deleted_entries() -> None:
    found = atom(
        '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="urn:1" when="2018-01-01T00:00:00Z"/>'
        '<x:deleted-entry xmlns:x="http://purl.org/atompub/tombstones/1.0" ref="urn:2" when="soon"/>'
    )
    assert found.tombstones == (Tombstone("urn:1", datetime(2018, 1, 1, tzinfo=UTC)), Tombstone("urn:2"))


# JSON Feed


def test_an_item_of_json_feed() -> None:
    text = (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "T", "feed_url": "https://x.test/f.json",'
        '"next_url": "/2.json",'
        '"hubs": [{"type": "WebSub", "url": "https://hub.test/"}], "items": [{"id": 7, "url": "/7", "title": "Seven",'
        '"content_text": "a < b", "date_published": "2018-01-01T00:00:00+01:00", "tags": ["a", 3],'
        '"authors": [{"name": "Me"}],'
        '"attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5}]}, "nonsense"]}'
    )
    found = read_feed(text.encode(), URL)
    assert (found.format, found.url, found.older) == (Format.JSON, "https://x.test/f.json", "https://x.test/2.json")
    [item] = found.items
    assert (item.id, item.url, item.content) == ("7", "https://x.test/7", "a &lt; b")
    assert (item.published, item.tags) == (datetime(2017, 12, 31, 23, tzinfo=UTC), ("a",))
    assert (item.authors, item.enclosure) == ((Author("Me"),), Enclosure("https://x.test/a.mp3", "audio/mpeg", 5))


def test_json_that_was_cut_off_gives_what_stands_before_the_cut() -> None:
    text = (
        b'{"version": "https://jsonfeed.org/version/1", "title": "T", "items": [{"id": "1"}, {"id": "2", "title": "Tw'
    )
    found = read_feed(text)
    assert ([item.id for item in found.items], found.whole) == (["1"], False)


# What is broken, hostile, or no feed


def test_xml_that_was_cut_off_gives_what_stands_before_the_cut() -> None:
    whole = '<rss version="2.0"><channel><title>T</title><item><guid>1</guid></item><item><guid>2</guid><title>Tw'
    found = read_feed(whole.encode())
    assert ([item.id for item in found.items], found.whole) == (["1"], False)


RSS, END = "<rss version='2.0'><channel><title>T</title><item><guid>1</guid>", "</item></channel></rss>"


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + f"{RSS}<title>&nbsp;&undefined;</title>{END}".encode(),
        f"  \n{RSS}<title>\x08\x0c</title>{END}".encode(),
        f"<?xml version='1.0' encoding='utf-8'?>{RSS}<title>\xe9</title>{END}".encode("latin-1"),
        f"{RSS}<title>a & b</title></channel></rss>".encode(),
        f"<?xml version='1.0' encoding='utf-16'?>{RSS}{END}".encode("utf-16"),
    ],
)
def test_what_real_feeds_get_wrong_is_forgiven(text: bytes) -> None:
    assert [item.id for item in read_feed(text).items] == ["1"]


def test_entities_reach_no_file_and_grow_nothing() -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE r [<!ENTITY a0 "aaaaaaaaaa">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    found = read_feed(f'{bomb}<rss version="2.0"><channel><title>&a9;&f;</title></channel></rss>'.encode())
    assert len(found.title) < 1000
    assert "root" not in found.title


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"<!DOCTYPE html><p>Hello", "is a web page"),
        (b"<!-- x --><html>", "is a web page"),
        (b"Hello", "is no feed"),
        (b"<sitemapindex/>", "is no feed"),
        (b"{}", "is JSON, but no JSON Feed"),
        (b'{"items": 3}', "is JSON, but no JSON Feed"),
        (b"{" * 100_000, "is JSON, but no JSON Feed"),
        (bytes(range(256)) * 20, "no feed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "no feed"),
        (b" " * (LARGEST + 1), "is larger than 50 MB"),
    ],
)
def test_what_is_no_feed_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        read_feed(data, URL)


BUSY = {
    "comments before a feed": b"<!--x-->" * 2000 + f"{RSS}{END}".encode(),
    "comments after it": f"{RSS}{END}".encode() + b"<!--x-->" * 400 + b"x",
    "openings of comments": b"<!--" * 200_000,
    "attributes": RSS.encode() + b"<a " + b" ".join(b"a%d='='" % n for n in range(100_000)) + f"/>{END}".encode(),
    "nested elements": RSS.encode() + b"<a>" * 10_000,
    "a title of markup": RSS.encode() + b"<title>" + b"&lt;!--&lt;a" * 100_000,
    "a title of HTML": b"<feed xmlns='http://www.w3.org/2005/Atom'><title type='html'>"
    + b"&lt;!--" * 300_000
    + b"</title></feed>",
    "brackets of JSON": b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"[" * 200_000,
}


@pytest.mark.parametrize("data", BUSY.values(), ids=BUSY)
def test_nothing_keeps_the_reader_busy(data: bytes) -> None:
    before = process_time()
    with suppress(FeedError):
        read_feed(data, URL)
    assert process_time() - before < 5  # what is quadratic takes minutes, and what is exponential does not end


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_letters_are_read_with_and_without_a_declaration(codec: str) -> None:
    for head in ("", f"<?xml version='1.0' encoding='{codec}'?>"):
        found = read_feed(f"{head}{RSS}<title>é</title>{END}".encode(codec))
        assert [(item.id, item.title) for item in found.items] == [("1", "é")]
        assert found.whole


def test_no_text_commands_a_terminal_or_breaks_a_store() -> None:
    hostile = r'{"id": "\ud8001", "title": "\u001b[31mRed\u0000", "content_html": "\udfffA"}'
    [item] = read_feed(f'{{"version": "https://jsonfeed.org/version/1", "items": [{hostile}]}}'.encode()).items
    assert (item.id, item.title, item.content) == ("1", "[31mRed", "A")


def test_links_of_a_text_go_by_what_the_document_says_of_it() -> None:
    text = "&lt;a href='b'&gt;b&lt;/a&gt;"
    found = atom(
        f"<entry xml:base='https://y.test/a/'><id>1</id><link href='c'/><content type='html'>{text}</content></entry>"
        "<entry><id>2</id><content type='html'>&lt;a href='https://z.test/'&gt;&lt;img src=x:y&gt;</content></entry>"
    )
    assert found.items[0].content == '<a href="https://y.test/a/b">b</a>'
    assert found.items[0].url == "https://y.test/a/c"
    assert found.items[1].content == "<a href='https://z.test/'><img src=x:y>"  # nothing relative: as received


def test_two_items_with_one_id_are_both_told() -> None:
    found = rss("<item><guid>1</guid><title>First</title></item><item><guid>1</guid><title>Second</title></item>")
    assert [item.title for item in found.items] == ["First", "Second"]


# The feeds that a page names


PAGES = [
    b"<",
    b"<link ",
    b"<!--",
    b"<a b='",
    b"<![CDATA[",
    b"<![",
    b"<?",
    b"<script>",
    b"</",
    b"&#",
    b"<link a=",
    b"<link a",
]


@pytest.mark.parametrize("piece", PAGES)
def test_no_page_keeps_the_reader_busy(piece: bytes) -> None:
    before = process_time()
    assert feeds_of(piece * 300_000 + b">", "https://x.test/") == ()
    assert process_time() - before < 5


def test_what_a_page_hides_is_not_named() -> None:
    link = b'<link rel="alternate" type="application/rss+xml" href="%s">'
    page = b"<!-- %s --><script>'%s'</script><title>%s</title>%s" % tuple(
        link % name for name in (b"a", b"b", b"c", b"d")
    )
    assert feeds_of(page, "https://x.test/") == ("https://x.test/d",)
    assert feeds_of(b'<base href="http://[">' + link % b"/f?a=1&amp;b=2", "https://x.test/") == (
        "https://x.test/f?a=1&b=2",
    )
    assert feeds_of(link % b"http://[", "https://x.test/") == ()


def test_a_page_names_its_feeds() -> None:
    page = (
        b'<base href="https://y.test/blog/"><link rel="alternate" type="application/rss+xml" href="feed.xml">'
        b'<link rel="ALTERNATE home" type="application/atom+xml; charset=utf-8" href="/atom.xml"/>'
        b"<link rel=alternate type=text/html href=/de/><link rel=stylesheet href=s.css>"
        b"<link rel=alternate type=application/rss+xml>"
        b'<a href="/feed.xml"><link rel="alternate" type="application/feed+json" href="javascript:x">'
    )
    assert feeds_of(page, "https://x.test/") == ("https://y.test/blog/feed.xml", "https://y.test/atom.xml")
    assert feeds_of(b"\xff\x00<link", "") == ()
