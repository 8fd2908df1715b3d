"""What a file of the golden folder cannot show: encodings, hostile documents, dates in every dress."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from publisher.feeds.check import check_document
from publisher.feeds.check_content import Relative, html_faults
from publisher.feeds.check_dates import rfc822, rfc3339, w3cdtf
from publisher.feeds.check_rules import Document
from publisher.feeds.check_text import language, mailbox, media_type
from publisher.feeds.check_urls import canonical
from publisher.model.problem import Level

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = Document("feed.xml", "", NOW)
EMPTY = '<rss version="2.0"><channel><title>é</title><link>https://a.example/</link><description/></channel></rss>'


def found(data: bytes) -> list[str]:
    return [problem.message for problem in check_document(data, "feed.xml", "", now=NOW)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_encodings_are_read(encoding: str) -> None:
    assert found(EMPTY.encode(encoding)) == []


def test_a_declared_encoding_is_believed() -> None:
    assert found(b'<?xml version="1.0" encoding="iso-8859-1"?>' + EMPTY.encode("latin-1")) == []


def test_a_rare_encoding_is_read_but_warned_about() -> None:
    declared = b'<?xml version="1.0" encoding="mac-roman"?>' + EMPTY.encode("mac-roman")
    assert found(declared) == ['The document is written in "mac-roman" (RSS Profile, encoding)']


def test_a_wrong_encoding_is_named_with_its_line() -> None:
    (problem,) = check_document(b"<rss>\n\n" + EMPTY.encode("latin-1"), "feed.xml", "", now=NOW)
    assert (problem.level, problem.line) == (Level.ERROR, 3)
    assert "is not the UTF-8 it says it is" in problem.message


def test_an_unknown_encoding_is_an_error() -> None:
    assert "unknown encoding" in found(b'<?xml version="1.0" encoding="klingon"?>' + EMPTY.encode())[0]


def test_a_byte_order_mark_that_contradicts_the_declaration_is_an_error() -> None:
    data = b'\xef\xbb\xbf<?xml version="1.0" encoding="us-ascii"?>' + EMPTY.encode()
    assert "byte order mark of UTF-8" in found(data)[0]


def test_xml_1_1_is_an_error() -> None:
    assert "declares version" in found(b'<?xml version="1.1"?>' + EMPTY.encode())[0]


def test_a_codec_that_is_no_encoding_is_refused() -> None:
    assert "unknown encoding" in found(b'<?xml version="1.0" encoding="punycode"?>' + EMPTY.encode())[0]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"hello", b"<", b"{", b"[", b"\x00" * 40, b"<!DOCTYPE"])
def test_what_is_no_feed_is_one_refusal(data: bytes) -> None:
    assert len(found(data)) >= 1
    assert check_document(data, "feed.xml", "", now=NOW)[0].level is Level.ERROR


def test_a_page_is_no_feed() -> None:
    assert found(b"<html><body/></html>") == ["The document is no feed: its root is <html> (RSS 2.0 and RFC 4287)"]


def test_a_json_feed_starts_without_a_byte_order_mark() -> None:
    assert "byte order mark" in found(b'\xef\xbb\xbf{"version": 1}')[0]


def test_entities_are_neither_expanded_nor_fetched() -> None:
    declared = '<!DOCTYPE rss [<!ENTITY near "boom"><!ENTITY far SYSTEM "file:///etc/hostname">]>'

    messages = found((declared + EMPTY.replace("é", "&near;&far;")).encode())

    assert messages == [
        "The document declares entities, which feed readers refuse (good practice)",
        'The document refers to an entity: "&near;" (XML 1.0)',
        'The document refers to an entity: "&far;" (XML 1.0)',
        "<title> is empty (good practice)",
    ]


def test_an_entity_bomb_in_an_attribute_is_stopped() -> None:
    tens = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = EMPTY.replace('version="2.0"', 'version="&e11;"')
    (message,) = found((f'<!DOCTYPE rss [<!ENTITY e0 "boom">{tens}]>' + body).encode())
    assert "not well-formed" in message
    assert "boom" not in message


def test_messages_hold_nothing_that_disturbs_a_terminal() -> None:
    data = EMPTY.replace("https://a.example/", "\u202e\u2028&#10;x").encode()
    problems = check_document(data, "feed.xml", "", now=NOW)
    assert problems
    assert all(problem.message.isprintable() and problem.remedy.isprintable() for problem in problems)


def test_a_tag_stays_visible_in_a_title_when_written_in_hexadecimal() -> None:
    assert found(EMPTY.replace("é", "1 &#x3C;2 &#x26; AT&#x26;T &#x3C;Word&#x3E;").encode()) == []


def test_hexadecimal_references_speak_for_their_own_lines_alone() -> None:
    data = EMPTY.replace("é", "&lt;Word>").replace("<description/>", "\n<description>&#x26;</description>")
    assert len(found(data.encode())) == 1


def levels(faults: object) -> list[str]:
    return [fault.level.value for fault in faults]  # type: ignore[attr-defined]  # any iterable of faults


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Mon, 03 Dec 2018 10:00:00 +0000", []),
        ("3 Dec 2018 10:00 GMT", []),
        ("Mon, 03 Dec 2018 10:00:00 PST", []),
        ("mon, 3 dec 2018 10:00:00 z", []),
        ("Mon,  03 Dec 2018 10:00:00 +0000", ["warning"]),
        ("Mon, 03 Dec 2018 (Monday (really)) 10:00:00 +0000", ["warning"]),
        ("Mon, 03 Dec 18 10:00:00 +0000", ["warning"]),
        ("Mon, 03 Dec 2018 10:00:00 -0234", ["warning"]),
        ("Monday, 03 Dec 2018 10:00:00 +0000", ["error"]),
        ("Mon, 03 December 2018 10:00:00 +0000", ["error"]),
        ("Mon, 03 Dec 2018 25:00:00 +0000", ["error"]),
        ("Mon, 03 Dec 2018 10:00:00 +9999", ["error"]),
        ("01 Jan 0001 00:00:00 +0100", ["error"]),
        ("", ["error"]),
    ],
)
def test_rss_dates(written: str, expected: list[str]) -> None:
    assert levels(rfc822(written, DOCUMENT)) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2018-12-03T10:00:00Z", []),
        ("2018-12-03T10:00:00.123456789+05:45", []),
        ("2016-12-31T23:59:60Z", []),
        ("2026-01-01T00:09:00Z", []),
        ("2026-01-01T00:11:00Z", ["warning"]),
        ("2018-12-03T24:00:00Z", ["error"]),
        ("2018-12-03 10:00:00Z", ["error"]),
        ("2018-12-03T10:00Z", ["error"]),
        ("0001-01-01T00:00:00+01:00", ["error"]),
        ("٢٠١٨-12-03T10:00:00Z", ["error"]),
    ],
)
def test_atom_dates(written: str, expected: list[str]) -> None:
    assert levels(rfc3339(written, DOCUMENT)) == expected


@pytest.mark.parametrize(
    "written", ["2018", "2018-12", "2018-12-03", "2018-12-03T10:00Z", "2018-12-03T10:00:00.5-05:00"]
)
def test_dublin_core_dates_may_be_short(written: str) -> None:
    assert levels(w3cdtf(written, DOCUMENT)) == []


@pytest.mark.parametrize("tag", ["en", "en-US", "zh-Hant-TW", "de-CH-1996", "tlh", "x-private", "i-klingon"])
def test_language_tags(tag: str) -> None:
    assert levels(language(tag, DOCUMENT)) == []


@pytest.mark.parametrize("tag", ["", "english", "en_US", "xq", "e", "en-"])
def test_what_is_no_language_tag(tag: str) -> None:
    assert levels(language(tag, DOCUMENT)) == ["error"]


@pytest.mark.parametrize("written", ["audio/mpeg", "text/html; charset=utf-8", 'a/b;c="d e"', "application/atom+xml"])
def test_media_types(written: str) -> None:
    assert levels(media_type(written, DOCUMENT)) == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("robin@example.org (Robin Example)", []),
        ("mailto:robin%40example.org%20%28Robin%29", []),
        ("robin@example.org", ["warning"]),
        ("Robin Example <robin@example.org>", ["warning"]),
        ("robin@example.org (Jos&eacute;)", ["warning"]),
        ("Robin Example", ["error"]),
        ("", ["error"]),
    ],
)
def test_mailboxes(written: str, expected: list[str]) -> None:
    assert levels(mailbox(written, DOCUMENT)) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/%7ea", "https://example.org/~a"),
        ("https://example.org:8443/%c3%a9", "https://example.org:8443/%C3%A9"),
        ("http://:@example.org/./a/../b?#", "http://example.org/a/b?#"),
        ("TAG:example.org,2018:x", "tag:example.org,2018:x"),
        ("https://example.org/?", "https://example.org/?"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://[", "http://["),
    ],
)
def test_canonical_addresses(written: str, expected: str) -> None:
    assert canonical(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<p>a<p>b",
        "<ul><li>a<li>b<ul><li>c</ul></ul>",
        "<dl><dt>a<dd>b<dt>c<dd>d</dl>",
        "<table><caption>c</caption><colgroup><col><col></colgroup><tr><td>a<td>b<tr><td>c</table>",
        "<p>a<br/>b<img src='https://a.example/'>",
        "<svg viewBox='0 0 1 1'></svg>",
        "<pre><code>a &lt; b &amp;&amp; c</code></pre>",
        "AT & T, 1 &#60; 2 &#x3c; 3 &hellip;",
        "<!-- a -- b --><p>c</p>",
        "<a href=https://a.example/?b>c</a>",
        "<p>a<table><tr><td><p>b</table>",
    ],
)
def test_html_that_fits(text: str) -> None:
    untidy = [fault.what for fault in html_faults(text, Relative.RESOLVED) if "repair" in fault.what]
    assert untidy == []


def test_each_kind_of_fault_is_named_once_for_a_text() -> None:
    text = "<a href='/x'>x</a>" * 50 + "<script></script>" * 50
    assert len(list(html_faults(text, Relative.FORBIDDEN))) == 2


def test_very_deep_html_is_a_fault_and_not_a_delay() -> None:
    faults = [fault.what for fault in html_faults("<b>" * 100_000, Relative.RESOLVED)]
    assert any("nest more than" in what for what in faults)
