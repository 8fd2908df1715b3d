"""The sitemap's cutting, and the list of feeds."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from publisher.pages.opml import opml
from publisher.pages.sitemap import sitemap
from tests.builders import BASE, DAY, a_feed, some_settings

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def locations(document: bytes) -> list[str]:
    return [str(found) for found in etree.fromstring(document).xpath("//s:loc/text()", namespaces=SPACE)]


def test_a_small_site_has_one_sitemap() -> None:
    [(path, document)] = sitemap([(BASE + "a/?x=1&y=2", DAY), (BASE + "b/", None)], BASE)
    assert path == "sitemap.xml"
    assert locations(document) == [BASE + "a/?x=1&y=2", BASE + "b/"]
    assert etree.fromstring(document).xpath("//s:lastmod/text()", namespaces=SPACE) == ["2018-12-03T08:00:00+00:00"]


def test_an_empty_site_has_an_empty_sitemap() -> None:
    [(path, document)] = sitemap([], BASE)
    assert path == "sitemap.xml"
    assert locations(document) == []


def test_beyond_fifty_thousand_addresses_an_index_names_the_parts() -> None:
    urls = [(f"{BASE}{number}/", DAY) for number in range(50_001)]
    files = dict(sitemap(urls, BASE))
    assert list(files) == ["sitemap.xml", "sitemap-1.xml", "sitemap-2.xml"]
    assert locations(files["sitemap.xml"]) == [BASE + "sitemap-1.xml", BASE + "sitemap-2.xml"]
    assert len(locations(files["sitemap-1.xml"])) == 50_000
    assert locations(files["sitemap-2.xml"]) == [f"{BASE}50000/"]
    assert len(sitemap(urls[:50_000], BASE)) == 1


def test_a_part_ends_before_its_bytes_are_too_many() -> None:
    urls = [(f"{BASE}{number}/", None) for number in range(10)]
    files = sitemap(urls, BASE, most_bytes=200)
    assert all(len(document) < 200 + 200 for _, document in files[1:])
    assert [url for _, document in files[1:] for url in locations(document)] == [url for url, _ in urls]


def test_the_index_tells_when_a_part_last_changed() -> None:
    late = datetime(2020, 1, 1, tzinfo=UTC)
    [(_, index), *_] = sitemap([(BASE, DAY), (BASE + "a/", late), (BASE + "b/", None)], BASE, most_urls=2)
    assert etree.fromstring(index).xpath("//s:lastmod/text()", namespaces=SPACE) == ["2020-01-01T00:00:00+00:00"]


def test_opml_names_each_feed_once() -> None:
    feeds = (a_feed(), a_feed("tag:a & b", "tags/a/", title='a & "b" <c>'))
    root = etree.fromstring(opml(feeds, some_settings(title="Tom & Ann\x0c")))
    assert root.get("version") == "2.0"
    assert root.findtext("head/title") == "Tom & Ann"
    outlines = root.findall("body/outline")
    assert [outline.get("xmlUrl") for outline in outlines] == [BASE + "feed.xml", BASE + "tags/a/feed.xml"]
    assert [outline.get("text") for outline in outlines] == ["Field Notebook", 'a & "b" <c>']
    assert {outline.get("type") for outline in outlines} == {"rss"}
    assert outlines[1].get("htmlUrl") == BASE + "tags/a/"


def test_opml_is_the_same_whenever_it_is_made() -> None:
    assert opml((a_feed(),), some_settings()) == opml((a_feed(),), some_settings())
    assert b"date" not in opml((a_feed(),), some_settings())
