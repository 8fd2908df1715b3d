"""Whatever a client sends: no header raises, and none gets more, or less, than it asks for."""

from __future__ import annotations

import re
import zlib
from urllib.parse import unquote_to_bytes

import brotli  # type: ignore[import-untyped] # it ships no types
from hypothesis import assume, example, given
from hypothesis import strategies as st

from publisher.web.answers import Answer, FilePart, Request, answer, not_found
from publisher.web.conditional import http_date, parse_date, range_holds
from publisher.web.documents import Document
from publisher.web.media_types import media_type
from publisher.web.negotiation import preferred
from publisher.web.ranges import UNSATISFIABLE, content_range, wanted
from publisher.web.shelf import Redirect, read_moved, spelling
from tests.shelves import MODIFIED, a_shelf

FEED = b"<rss version='2.0'>" + b"<item>words</item>" * 60 + b"</rss>"
PICTURE = bytes(range(200))
FILES = {
    "feed.xml": FEED,
    "picture.png": PICTURE,
    "tiny.txt": b"x",
    "empty.txt": b"",
    "index.html": FEED,
    "a b/é/index.html": FEED,
    "a b/é.html": FEED,
    "%2e%2e/x.txt": FEED,
}
SHELF = a_shelf(FILES, {b"/old/": b"https://blog.test/new/"}, "/blog/")
NOW = MODIFIED + 1000
TAGS = [
    tag
    for name in ("feed.xml", "picture.png")
    for tag in (SHELF.files[name].tag, SHELF.files[name].tag[:-1] + b'-gz"', SHELF.files[name].tag[:-1] + b'-br"')
]
DATES = [http_date(MODIFIED + shift) for shift in (-86400, -1, 0, 1, 999, 1001)]

NAMES = [
    *(b"accept-encoding", b"range", b"if-range", b"if-match", b"if-none-match"),
    *(b"if-modified-since", b"if-unmodified-since", b"host", b"x"),
]
PIECES = st.sampled_from(
    [
        *TAGS,
        *DATES,
        *(tag.strip(b'"') for tag in TAGS),
        *(b"gzip", b"br", b"identity", b"x-gzip", b"*", b";q=", b";", b"0", b"1", b"0.5", b".", b",", b" ", b"\t"),
        *(b"bytes=", b"-", b"5", b"199", b"200", b"9" * 400, b"W/", b'"', b"\xff", b"\0", b"GMT", b"+0100", b"Nov"),
    ]
)
VALUE = st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUE), max_size=5)
PATH = st.lists(
    st.sampled_from(
        [
            *(b"/", b"/blog/", b"feed.xml", b"picture.png", b"a%20b", b"%C3%A9", b"index.html", b"old", b"?", b"#"),
            *(b"%", b"%2e", b"%2F", b"%5C", b"%00", b"%25", b"..", b".", b"\\", b"//", b"\xff", b"%ff", b"x", b".html"),
        ]
    )
    | st.binary(max_size=3),
    max_size=8,
).map(b"".join)
OURS = st.sampled_from([b"/blog/feed.xml", b"/blog/picture.png", b"/blog/tiny.txt", b"/blog/empty.txt", b"/blog/"])
METHOD = st.sampled_from([b"GET", b"HEAD", b"POST"])


def said_to(path: bytes, headers: list[tuple[bytes, bytes]], method: bytes = b"GET") -> Answer:
    said = answer(SHELF, Request(method, path, headers), lambda: NOW)
    assert said is not None
    return said


def body_of(said: Answer) -> bytes:
    assert not isinstance(said.body, FilePart)
    return said.body


def all_of(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    values = [value for one, value in headers if one == name]
    return b", ".join(values) if values else None


def refused(value: bytes, coding: str) -> bool:
    """Whether an Accept-Encoding plainly refuses a coding, read in another way than the code does."""
    weights: dict[str, list[float]] = {}
    for element in value.decode("latin-1").lower().split(","):
        name, _, weight = element.partition(";")
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", weight) if weight else None
        if found or ";" not in element:
            weights.setdefault(name.strip().removeprefix("x-"), []).append(float(found[1]) if found else 1.0)
    return min(weights.get(coding) or weights.get("*") or [1.0]) == 0


def may_be_compressed(value: bytes | None, coding: str) -> bool:
    """Whether the client named the coding at all, or named everything."""
    return value is not None and (coding.encode() in value.lower() or b"*" in value)


def decoded(body: bytes, coding: str) -> bytes:
    if coding == "identity":
        return body
    return zlib.decompress(body, 31) if coding == "gzip" else bytes(brotli.decompress(body))


# Nothing raises


@given(METHOD, PATH | OURS, HEADERS)
def test_every_request_has_an_answer_or_is_not_ours(
    method: bytes, path: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    request = Request(method, path, headers)
    said = answer(SHELF, request, lambda: NOW) or not_found(SHELF, request)
    assert said.status in {200, 206, 301, 304, 308, 404, 405, 406, 412, 416}
    names = [name for name, _ in said.headers]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and not re.search(rb"[\r\n\0]", value) for name, value in said.headers)
    if method != b"HEAD" and said.status != 304:
        assert dict(said.headers)[b"content-length"] == b"%d" % len(body_of(said))
    else:
        assert body_of(said) == b""


@given(st.binary() | VALUE)
def test_any_bytes_are_read(value: bytes) -> None:
    parse_date(value, NOW)
    range_holds(value, TAGS[0], MODIFIED, lambda: NOW)
    preferred(value)
    wanted(value, 100)
    spelling(value)
    media_type("feed.xml", value)
    media_type("feed", b"{" + value)


@given(st.text() | st.lists(st.sampled_from(["/blog/", "old", "\t", "https://", "x", "\n", "\r", "é"])).map("".join))
def test_any_text_of_redirects_is_read(text: str) -> None:
    for path, target in read_moved(text, b"/blog/").items():
        assert path.startswith(b"/blog/")
        assert re.fullmatch(rb"https?://[!-~]+", target, re.IGNORECASE)


# Conditions


@given(OURS, HEADERS)
@example(b"/blog/feed.xml", [])
def test_nothing_is_unmodified_unless_the_client_named_what_there_is(
    path: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    said = said_to(path, headers)
    if said.status != 304:
        return
    known, since = all_of(headers, b"if-none-match"), all_of(headers, b"if-modified-since")
    tag = dict(said.headers)[b"etag"]
    if known is not None:
        assert tag.strip(b'"') in known or known.strip() == b"*"
    else:
        assert since is not None
        moment = parse_date(since, NOW)
        assert moment is not None
        assert MODIFIED <= moment <= NOW
    assert {name for name, _ in said.headers} <= {b"etag", b"last-modified", b"cache-control", b"vary"}


@given(OURS, st.sampled_from([b"gzip", b"br", b"identity"]), st.lists(VALUE, max_size=3))
def test_who_names_the_tag_that_would_be_sent_gets_304(path: bytes, coding: bytes, others: list[bytes]) -> None:
    assume(not any(b'"' in other for other in others))  # an open quote swallows what follows
    first = said_to(path, [(b"accept-encoding", coding)])
    known = b", ".join([*others, b"W/" + dict(first.headers)[b"etag"]])
    assert said_to(path, [(b"accept-encoding", coding), (b"if-none-match", known)]).status == 304


@given(st.integers(0, 253402300799))
def test_dates_are_read_as_they_are_written(moment: int) -> None:
    assert parse_date(http_date(moment), NOW) == moment
    assert parse_date(http_date(moment).lower().removesuffix(b" gmt"), NOW) == moment


# Ranges


@given(st.integers(0, 300), VALUE | st.from_regex(rb"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True))
def test_a_range_is_inside_what_there_is(size: int, value: bytes) -> None:
    part = wanted(value, size)
    if part is UNSATISFIABLE:
        assert content_range(part, size) == b"bytes */%d" % size
    elif part is not None:
        assert 0 <= part.start < part.stop <= size


@given(st.integers(0, 210), st.integers(0, 210), HEADERS)
def test_a_part_is_exactly_the_slice(first: int, last: int, headers: list[tuple[bytes, bytes]]) -> None:
    given_ = [(name, value) for name, value in headers if not name.startswith((b"if-", b"range"))]
    said = said_to(b"/blog/picture.png", [*given_, (b"range", b"bytes=%d-%d" % (first, last))])
    if last < first:
        assert (said.status, said.body) == (200, PICTURE)
    elif first >= len(PICTURE):
        assert said.status == 416
    else:
        assert (said.status, said.body) == (206, PICTURE[first : last + 1])


@given(OURS, HEADERS)
def test_parts_are_only_of_what_is_not_compressed_and_say_which(
    path: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    said = said_to(path, headers)
    if said.status == 206:
        values = dict(said.headers)
        assert b"content-encoding" not in values
        found = re.fullmatch(rb"bytes (\d+)-(\d+)/(\d+)", values[b"content-range"])
        assert found
        first, last, size = map(int, found.groups())
        content = body_of(said_to(path, []))
        assert (body_of(said), size) == (content[first : last + 1], len(content))


# Codings


@given(OURS, VALUE)
@example(b"/blog/feed.xml", b"gzip;q=0, *")
@example(b"/blog/tiny.txt", b"identity;q=0, gzip")
def test_no_coding_is_used_that_was_refused(path: bytes, value: bytes) -> None:
    said = said_to(path, [(b"accept-encoding", value)])
    values = dict(said.headers)
    coding = values.get(b"content-encoding", b"identity").decode()
    content = body_of(said_to(path, []))
    if said.status == 200 and path != b"/blog/picture.png":  # which is not negotiated
        assert not refused(value, coding)
        assert coding == "identity" or may_be_compressed(value, coding)
    if said.status == 200:
        assert decoded(body_of(said), coding) == content


@given(VALUE)
def test_identity_is_there_for_everybody_who_does_not_refuse_it(value: bytes) -> None:
    assert "identity" in preferred(value) or b"identity" in value.lower() or b"*" in value


# Paths


@given(PATH)
def test_a_path_finds_only_what_it_spells(path: bytes) -> None:
    found = SHELF.find(path)
    plain = unquote_to_bytes(path.partition(b"?")[0])
    if isinstance(found, Document):
        named = unquote_to_bytes(found.path).removeprefix(b"/blog")
        spelt = plain.removeprefix(b"/blog")
        assert spelt in {named, named.removesuffix(b".html"), named + b"index.html"}
    elif isinstance(found, Redirect):
        assert found.location.startswith((b"/blog/", b"https://blog.test/"))
        assert not found.location.startswith(b"//")


@given(PATH)
def test_a_spelling_is_inside_and_final(path: bytes) -> None:
    spelt = spelling(path)
    if spelt is not None:
        assert spelling(spelt) == spelt
        assert unquote_to_bytes(spelt) == unquote_to_bytes(path)
        assert not {b"", b".", b".."} & set(unquote_to_bytes(spelt).split(b"/")[1:-1])
        assert spelt.startswith(b"/")
        assert not spelt.startswith(b"//")
