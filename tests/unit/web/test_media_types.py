"""What files are, by their names and by how they begin."""

from __future__ import annotations

import pytest

from publisher.web.media_types import media_type

RSS = b'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel/></rss>'
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"></feed>'
RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"></rdf:RDF>'
JSON_FEED = b'{\n  "version": "https://jsonfeed.org/version/1.1", "items": []}'
SITEMAP = b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>'


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("feed.xml", RSS, "application/rss+xml; charset=utf-8"),
        ("index.xml", b"\xef\xbb\xbf" + RSS, "application/rss+xml; charset=utf-8"),
        ("a/atom.xml", ATOM, "application/atom+xml; charset=utf-8"),
        ("feed.xml", b"<?xml version='1.0'?><?xml-stylesheet href='a'?><!-- <rss> -->\n" + ATOM, None),
        ("feed.xml", b"<!DOCTYPE rss [<!ENTITY nbsp '&#160;'>]>\n<rss version='0.91'>", "application/rss+xml"),
        ("feed.xml", b"<atom:feed xmlns:atom='http://www.w3.org/2005/Atom'>", "application/atom+xml"),
        ("index.rdf", RDF, "application/rdf+xml; charset=utf-8"),
        ("news.rss", ATOM, "application/atom+xml"),
        ("news.rss", b"", "application/rss+xml"),
        ("feed", RSS, "application/rss+xml"),
        ("feed.json", JSON_FEED, "application/feed+json"),
        ("feed", JSON_FEED, "application/feed+json"),
        ("feed.json", b'{"version":"https:\\/\\/jsonfeed.org\\/version\\/1"}', "application/feed+json"),
    ],
)
def test_feeds_are_told_by_how_they_begin(name: str, content: bytes, kind: str | None) -> None:
    found = media_type(name, content)
    assert found.is_feed
    assert found.is_text
    assert found.name.decode().startswith(kind or "application/atom+xml")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("sitemap.xml", SITEMAP, "application/xml; charset=utf-8"),
        ("feeds.opml", b"<opml version='2.0'>", "application/xml; charset=utf-8"),
        ("data.xml", b"<rssfeeds><rss/></rssfeeds>", "application/xml; charset=utf-8"),
        ("data.json", b'{"version": "1", "about": "https://jsonfeed.org/version/1.1"}', "application/json"),
        ("data.json", b"[]", "application/json"),
        ("LICENSE", b"MIT", "application/octet-stream"),
        ("page", b"<!DOCTYPE html>\n<html lang='en'>", "text/html; charset=utf-8"),
        ("index.html", b"<!-- --><rss>", "text/html; charset=utf-8"),
        ("INDEX.HTML", b"", "text/html; charset=utf-8"),
        ("style.css", b"", "text/css; charset=utf-8"),
        ("app.js", b"", "text/javascript; charset=utf-8"),
        ("app.mjs", b"", "text/javascript; charset=utf-8"),
        ("a.txt", "é".encode(), "text/plain; charset=utf-8"),
        ("a.svg", b"<svg/>", "image/svg+xml; charset=utf-8"),
        ("site.webmanifest", b"{}", "application/manifest+json"),
        ("a.woff2", b"", "font/woff2"),
        ("a.ttf", b"", "font/ttf"),
        ("a.jpeg", b"", "image/jpeg"),
        ("a.png", b"", "image/png"),
        ("a.avif", b"", "image/avif"),
        ("favicon.ico", b"", "image/x-icon"),
        ("a.mp3", b"", "audio/mpeg"),
        ("a.m4a", b"", "audio/mp4"),
        ("a.opus", b"", "audio/ogg"),
        ("a.mp4", b"", "video/mp4"),
        ("a.webm", b"", "video/webm"),
        ("a.pdf", b"", "application/pdf"),
        ("a.zip", b"", "application/zip"),
        ("a.whatever", b"\0\1", "application/octet-stream"),
        ("png", b"", "application/octet-stream"),
    ],
)
def test_other_files_are_told_by_their_names(name: str, content: bytes, kind: str) -> None:
    found = media_type(name, content)
    assert found.name.decode() == kind
    assert not found.is_feed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<p>caf\xe9</p>"),
        ("a.txt", "hé".encode("utf-16")),
        ("feed.xml", b"<?xml version='1.0' encoding='ISO-8859-1'?><rss>caf\xe9"),
        ("feed.xml", b'<?xml version="1.0" encoding="windows-1252"?><rss>'),
        ("a.xml", "<a/>".encode("utf-16-be")),
    ],
)
def test_no_charset_is_promised_that_does_not_hold(name: str, content: bytes) -> None:
    assert b"charset" not in media_type(name, content).name


def test_a_character_that_is_cut_at_the_end_of_the_start_is_no_fault() -> None:
    assert b"utf-8" in media_type("a.txt", "aé".encode()[:-1]).name


@pytest.mark.parametrize("name", ["a.html", "a.css", "a.js", "a.json", "a.svg", "a.xml", "a.txt", "a.ttf", "a.wasm"])
def test_text_is_worth_compressing(name: str) -> None:
    assert media_type(name, b"").is_text


@pytest.mark.parametrize("name", ["a.png", "a.mp3", "a.mp4", "a.woff2", "a.pdf", "a.zip", "a.epub", "a"])
def test_what_is_compressed_already_is_not_compressed(name: str) -> None:
    assert not media_type(name, b"").is_text
