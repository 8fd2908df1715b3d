"""Requests for the output and what they are answered with; and where things are found."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped] # it ships no types
import pytest

from publisher.web.answers import Answer, FilePart, Request, answer, not_found
from publisher.web.shelf import Redirect, read_moved, root_of, spelling
from tests.shelves import MODIFIED, a_shelf

RSS = b'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>' + b"<item>One</item>" * 99 + b"</channel>"
PAGE = b"<!doctype html><p>" + b"words " * 99
PICTURE = bytes(range(256))
DATE = b"Thu, 20 Nov 2025 12:00:00 GMT"
NOW = MODIFIED + 1000.0
SHELF = a_shelf(
    {
        "feed.xml": RSS,
        "index.html": PAGE,
        "post/index.html": PAGE,
        "about.html": PAGE,
        "a b/é.html": PAGE,
        "100%.txt": b"all",
        "picture.png": PICTURE,
        "tiny.txt": b"x",
        "404.html": b"<!doctype html><p>" + b"Not here. " * 99,
    },
    {b"/old/": b"https://blog.test/new/"},
)


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, said: Answer) -> Told:
        assert not isinstance(said.body, FilePart)
        headers = {name.decode(): value.decode() for name, value in said.headers}
        assert len(headers) == len(said.headers)
        if said.lines:
            assert said.lines == b"".join(b"%b: %b\r\n" % pair for pair in said.headers)
        return cls(said.status, headers, said.body)


def asked(path: str, method: str = "GET", **headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request(method.encode(), path.encode(), [(b"host", b"blog.test"), *pairs])


def get(path: str, method: str = "GET", **headers: str) -> Told:
    said = answer(SHELF, asked(path, method, **headers), lambda: NOW)
    assert said is not None
    return Told.of(said)


def test_a_feed_is_sent_with_all_that_a_reader_needs() -> None:
    said = get("/feed.xml")
    assert (said.status, said.body) == (200, RSS)
    assert said.headers == {
        "content-type": "application/rss+xml; charset=utf-8",
        "etag": said.headers["etag"],
        "last-modified": DATE.decode(),
        "cache-control": "public, max-age=300",
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
        "referrer-policy": "strict-origin-when-cross-origin",
        "content-length": str(len(RSS)),
    }


def test_compressed_forms_hold_the_same_and_have_tags_of_their_own() -> None:
    plain, gzipped, brotlied = (get("/feed.xml", accept_encoding=coding) for coding in ("identity", "gzip", "br, gzip"))
    assert (gzipped.headers["content-encoding"], brotlied.headers["content-encoding"]) == ("gzip", "br")
    assert gzip.decompress(gzipped.body) == brotli.decompress(brotlied.body) == RSS
    assert gzipped.headers["etag"] == plain.headers["etag"][:-1] + '-gz"'
    assert brotlied.headers["etag"] == plain.headers["etag"][:-1] + '-br"'
    assert gzipped.headers["content-length"] == str(len(gzipped.body))
    assert {said.headers["vary"] for said in (plain, gzipped, brotlied)} == {"accept-encoding"}
    assert gzipped.body[4:8] == bytes(4)  # no time in it: equal input, equal bytes


def test_what_compressing_makes_larger_is_sent_as_it_is_unless_that_is_refused() -> None:
    assert "content-encoding" not in get("/tiny.txt", accept_encoding="gzip").headers
    assert get("/tiny.txt", accept_encoding="gzip, identity;q=0").headers["content-encoding"] == "gzip"


def test_who_refuses_everything_gets_nothing() -> None:
    said = get("/feed.xml", accept_encoding="*;q=0")
    assert (said.status, said.headers["vary"]) == (406, "accept-encoding")


def test_pictures_are_not_negotiated() -> None:
    said = get("/picture.png", accept_encoding="br, gzip, identity;q=0")
    assert (said.status, said.body) == (200, PICTURE)
    assert "vary" not in said.headers
    assert said.headers["accept-ranges"] == "bytes"
    assert said.headers["cache-control"] == "public, max-age=3600"


def test_what_is_known_is_not_sent_again() -> None:
    for coding in ("identity", "gzip", "br"):
        first = get("/feed.xml", accept_encoding=coding)
        said = get("/feed.xml", accept_encoding=coding, if_none_match=first.headers["etag"])
        assert (said.status, said.body) == (304, b"")
        kept = ("etag", "last-modified", "cache-control", "vary")
        assert said.headers == {name: first.headers[name] for name in kept}


def test_the_tag_of_another_coding_is_another_tag() -> None:
    first = get("/feed.xml", accept_encoding="gzip")
    assert get("/feed.xml", if_none_match=first.headers["etag"]).status == 200


def test_a_date_that_is_known_is_enough() -> None:
    assert get("/feed.xml", if_modified_since=DATE.decode()).status == 304
    assert get("/feed.xml", if_modified_since="Thu, 20 Nov 2025 11:59:59 GMT").status == 200
    assert get("/feed.xml", if_modified_since="Thu, 20 Nov 2025 12:20:00 GMT").status == 200  # still to come


def test_headers_that_come_twice_are_one_list() -> None:
    tag = get("/feed.xml").headers["etag"].encode()
    request = Request(b"GET", b"/feed.xml", [(b"if-none-match", b'"x"'), (b"if-none-match", tag)])
    said = answer(SHELF, request)
    assert said is not None
    assert said.status == 304


def test_what_must_match_and_does_not_is_told() -> None:
    assert get("/feed.xml", if_match='"x"').status == 412
    assert get("/feed.xml", "HEAD", if_match='"x"').body == b""


@pytest.mark.parametrize("path", ["/feed.xml", "/", "/picture.png", "/old/", "/post"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "*;q=0"])
@pytest.mark.parametrize("part", ["bytes=0-3", "x"])
def test_head_is_get_without_a_body(path: str, coding: str, part: str) -> None:
    whole, bare = get(path, accept_encoding=coding), get(path, "HEAD", accept_encoding=coding, range=part)
    assert (bare.status, bare.headers, bare.body) == (whole.status, whole.headers, b"")


def test_a_part_of_a_picture() -> None:
    said = get("/picture.png", range="bytes=10-19")
    assert (said.status, said.body) == (206, PICTURE[10:20])
    assert said.headers["content-range"] == "bytes 10-19/256"
    assert said.headers["content-length"] == "10"
    assert said.headers["etag"] == get("/picture.png").headers["etag"]


def test_a_part_that_is_not_there() -> None:
    said = get("/picture.png", range="bytes=256-")
    assert (said.status, said.headers["content-range"]) == (416, "bytes */256")


def test_several_parts_are_the_whole() -> None:
    assert get("/picture.png", range="bytes=0-1,5-6").status == 200


def test_a_part_of_what_has_changed_is_the_whole() -> None:
    tag = get("/picture.png").headers["etag"]
    assert get("/picture.png", range="bytes=0-1", if_range=tag).status == 206
    assert get("/picture.png", range="bytes=0-1", if_range=DATE.decode()).status == 206
    assert get("/picture.png", range="bytes=0-1", if_range='"x"').status == 200
    assert get("/picture.png", range="bytes=999-", if_range='"x"').status == 200


def test_what_is_compressed_has_no_parts() -> None:
    assert get("/feed.xml", range="bytes=0-1", accept_encoding="gzip").status == 200
    assert get("/feed.xml", range="bytes=0-1").body == RSS[:2]


def test_what_is_known_is_not_sent_in_parts() -> None:
    tag = get("/picture.png").headers["etag"]
    assert get("/picture.png", range="bytes=0-1", if_none_match=tag).status == 304


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""])
def test_other_methods_are_refused_where_something_is_and_not_ours_elsewhere(method: str) -> None:
    said = get("/feed.xml", method)
    assert (said.status, said.headers["allow"]) == (405, "GET, HEAD")
    assert answer(SHELF, asked("/subscribe", method)) is None


def test_a_method_may_be_text() -> None:
    said = answer(SHELF, Request("HEAD", b"/feed.xml"))
    assert said is not None
    assert (said.status, said.body) == (200, b"")


# Where things are found


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/?utm=1", "index.html"),
        ("/post/", "post/index.html"),
        ("/post/index.html", "post/index.html"),
        ("/about", "about.html"),
        ("/about.html", "about.html"),
        ("/feed%2Exml", "feed.xml"),
        ("/%66eed.xml?v=1", "feed.xml"),
        ("/a%20b/%C3%A9.html", "a b/é.html"),
        ("/a%20b/%c3%a9", "a b/é.html"),
        ("/a%20b/é.html", "a b/é.html"),
        ("/100%25.txt", "100%.txt"),
        ("/100%.txt", "100%.txt"),
    ],
)
def test_files_are_found(path: str, file: str) -> None:
    assert SHELF.find(path.encode()) is SHELF.files[file]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "feed.xml",
        "//feed.xml",
        "//blog.test/feed.xml",
        "http://blog.test/feed.xml",
        "/./feed.xml",
        "/post/../feed.xml",
        "/post/%2e%2e/feed.xml",
        "/post/..%2ffeed.xml",
        "/post%2Findex.html",
        "/post//",
        "/post//index.html",
        "/%2ffeed.xml",
        "/post\\index.html",
        "/post%5cindex.html",
        "/feed.xml%00",
        "/feed.xml\0",
        "/feed.xml%0a",
        "/feed.xml/",
        "/feed.xml%ff",
        "/%2566eed.xml",
        "/100%2525.txt",
        "/..",
        "/../../etc/passwd",
        "/%252e%252e/etc/passwd",
        "/.publisher/manifest.txt",
        "/FEED.XML",
        "/a b/x",
        "/post/index",
        "*",
    ],
)
def test_whatever_else_is_asked_for_is_not_there(path: str) -> None:
    assert SHELF.find(path.encode()) is None


def test_a_folder_without_its_slash_leads_to_it() -> None:
    said = get("/post")
    assert (said.status, said.headers["location"]) == (308, "/post/")
    shelf = a_shelf({"ä b/index.html": PAGE})
    found = shelf.find("/ä%20b".encode())
    assert isinstance(found, Redirect)
    assert found.location == b"/%C3%A4%20b/"


def test_a_folder_is_never_listed() -> None:
    assert a_shelf({"folder/picture.png": PICTURE}).find(b"/folder/") is None
    assert a_shelf({"folder/picture.png": PICTURE}).find(b"/folder") is None


def test_a_file_comes_before_a_page_and_a_page_before_a_folder() -> None:
    files = {"a": b"file", "a.html": b"page", "a/index.html": b"folder", "b.html": b"page", "b/index.html": b"folder"}
    shelf = a_shelf({name: files[name] for name in ("a.html", "a", "b/index.html", "b.html")})
    assert shelf.find(b"/a") is shelf.files["a"]
    assert shelf.find(b"/b") is shelf.files["b.html"]
    assert shelf.find(b"/b/") is shelf.files["b/index.html"]


def test_a_former_address_leads_on_at_once() -> None:
    shelf = a_shelf({"old/index.html": PAGE, "old.html": PAGE}, {b"/old/": b"https://blog.test/new/"})
    old = shelf.find(b"/old/")
    assert isinstance(old, Redirect)
    assert (old.status, old.location) == (301, b"https://blog.test/new/")
    assert shelf.find(b"/old") is shelf.files["old.html"]
    assert get("/old/").headers["location"] == "https://blog.test/new/"
    assert get("/old").status == 301
    assert get("/o%6Cd/").status == 301


def test_all_is_found_below_the_base_and_below_the_root() -> None:
    shelf = a_shelf({"feed.xml": RSS, "index.html": PAGE, "post/index.html": PAGE}, base_path="/my%20blog")
    assert shelf.base_path == b"/my%20blog/"
    assert shelf.feeds == {b"/my%20blog/feed.xml"}
    for path in (b"/my%20blog/feed.xml", b"/m%79%20blog/feed.xml", b"/feed.xml"):
        assert shelf.find(path) is shelf.files["feed.xml"]
    for path in (b"/my%20blog/", b"/"):
        assert shelf.find(path) is shelf.files["index.html"]
    for path, location in ((b"/my%20blog", b"/my%20blog/"), (b"/post", b"/my%20blog/post/")):
        found = shelf.find(path)
        assert isinstance(found, Redirect)
        assert found.location == location


@pytest.mark.parametrize(("given", "base"), [("", b"/"), ("/", b"/"), ("/blog", b"/blog/"), ("//evil//", b"/evil/")])
def test_the_base_path_has_one_spelling(given: str, base: bytes) -> None:
    assert root_of(given) == base


def test_redirects_are_read_line_by_line() -> None:
    lines = (
        "/blog/old/\thttps://blog.test/blog/new/",
        "/blog/o%6Cder\thttp://other.test?x#y\r",
        "/blog/é\thttps://blog.test/é",
        "/outside/\thttps://blog.test/",
        "/blog/../x\thttps://blog.test/",
        "/blog/a\t//evil.test/",
        "/blog/b\tjavascript:alert(1)",
        "/blog/c\thttps://blog.test/\rx: y",
        "/blog/d\thttps://",
        "/blog/e https://blog.test/",
        "# nothing",
    )
    text = "".join(f"{line}\n" for line in lines)
    assert read_moved(text, b"/blog/") == {
        b"/blog/old/": b"https://blog.test/blog/new/",
        b"/blog/older": b"http://other.test?x#y",
        b"/blog/%C3%A9": b"https://blog.test/%C3%A9",
    }


def test_a_spelling_is_its_own_spelling() -> None:
    assert spelling(b"/a%7Eb/(c)") == b"/a~b/(c)" == spelling(b"/a~b/%28c%29")


# What is not there


def test_the_site_says_itself_what_is_not_there() -> None:
    for coding in ("identity", "gzip", "*;q=0"):
        said = Told.of(not_found(SHELF, asked("/x", accept_encoding=coding)))
        assert said.status == 404
        assert (gzip.decompress(said.body) if coding == "gzip" else said.body).startswith(b"<!doctype html>")
        assert said.headers["content-type"] == "text/html; charset=utf-8"
        assert said.headers["cache-control"] == "no-cache"
        assert said.headers["content-length"] == str(len(said.body))
        assert not {"etag", "last-modified"} & set(said.headers)
        bare = Told.of(not_found(SHELF, asked("/x", "HEAD", accept_encoding=coding)))
        assert (bare.headers, bare.body) == (said.headers, b"")


def test_without_a_page_of_its_own_plain_words_do() -> None:
    said = Told.of(not_found(a_shelf({}), asked("/x")))
    assert (said.status, said.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert said.body
