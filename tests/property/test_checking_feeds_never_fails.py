"""Checking a feed document never raises, whatever the bytes, and takes time in proportion to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.feeds.check import check_document
from publisher.feeds.check_content import Relative, html_faults
from publisher.feeds.check_dates import rfc822, rfc3339, w3cdtf
from publisher.feeds.check_rules import Document
from publisher.feeds.check_text import address, language, mailbox, media_type
from publisher.feeds.check_urls import canonical_iri, iri_reference, uri, web_address

GOOD = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "golden/feedcheck/good").iterdir())]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = Document("feed", "https://example.org/feed.xml", NOW)

PIECES = st.sampled_from(
    [
        *(
            b"<",
            b">",
            b"&",
            b'"',
            b"'",
            b"]]>",
            b"<![CDATA[",
            b"<!--",
            b"<!DOCTYPE a [",
            b"<?",
            b"\x00",
            b"\xff",
            b"\xef\xbb\xbf",
        ),
        *(
            b"&lt;a href=&quot;",
            b"&lt;/p>",
            b"&lt;!--",
            b"<div>",
            b"</item>",
            b"xml:base='x'",
            b"encoding='utf-7'",
            b"\\ud800",
        ),
        *(b"{", b"}", b"[", b"]", b":", b",", b"null", b"NaN", b"-1", b"1e999", b'""', b'"id"', b"9" * 5000),
        *(b"0000", b"9999-12-31T23:59:59-23:59", b"http://[", b"urn:", b"tag:", b"%", b"\xc3\x82\xc2\x80"),
    ]
)


def _check(data: bytes) -> None:
    for problem in check_document(data, "feed", "https://example.org/feed.xml", now=NOW):
        assert problem.message
        assert problem.message.isprintable()
        assert problem.line >= 0
        str(problem).encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_checked_without_an_exception(data: bytes) -> None:
    _check(data)


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_damaged_feeds_are_checked_without_an_exception(good: bytes, damages: list[tuple[float, int, bytes]]) -> None:
    data = good
    for where, length, piece in damages:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + length :]
    _check(data)


@given(st.sampled_from(GOOD), st.text(max_size=60))
def test_any_text_may_stand_where_a_feed_has_text(good: bytes, text: str) -> None:
    escaped = text.encode("utf-8", "replace").replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    for old in (b"https://example.org/first/", b"2018-12-03T10:00:00Z", b"robin@example.org", b"Rain"):
        _check(good.replace(old, escaped))


@given(st.text(max_size=80))
def test_any_value_is_judged_without_an_exception(value: str) -> None:
    for rule in (
        rfc822,
        rfc3339,
        w3cdtf,
        address,
        language,
        mailbox,
        media_type,
        canonical_iri,
        iri_reference,
        uri,
        web_address,
    ):
        list(rule(value, DOCUMENT))


MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "</", "/>", "a", "p", "table", "tr", "li", " ", "=", '"', "'", "&", ";", "#", "<p>", "<td>", "<!--"]
    ),
    max_size=40,
).map("".join)


@given(MARKUP)
def test_any_markup_is_judged_without_an_exception(text: str) -> None:
    list(html_faults(text, Relative.FORBIDDEN))


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        '<a "',
        "<a b='",
        "<!--",
        "<![",
        "</",
        "&",
        "&#",
        "&a",
        "<b>",
        "<p><b>",
        "<td>",
        "<li><p>",
        "</p>",
        "a=",
        " ",
        "<script>",
        "<p style='a:b;",
        "<table><tr><td>",
        "(",
        "(\\",
        "\\",
        "<p>" + "<b>" * 9 + "<div>",
    ],
)
def test_the_time_grows_with_the_length(piece: str) -> None:
    """Eight times the text may take eight times as long, with room for a busy machine; not sixty-four."""

    def cost(length: int) -> float:
        text = piece * (length // len(piece))
        started = time.process_time()
        list(html_faults(text, Relative.FORBIDDEN))
        list(mailbox(text, DOCUMENT))
        list(rfc822(text, DOCUMENT))
        list(media_type(text, DOCUMENT))
        return time.process_time() - started

    assert cost(160_000) < 0.05 + 24 * min(cost(20_000) for _ in range(3))
