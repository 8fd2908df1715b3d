"""Conditional requests, as clients write them and as readers of feeds really do."""

from __future__ import annotations

import pytest

from publisher.web.conditional import Verdict, http_date, judge, parse_date, range_holds

TAG = b'"abc-gz"'
MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
NOW = 1795000000.0  # in November 2026
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
LATER, EARLIER = b"Sun, 06 Nov 1994 08:49:38 GMT", b"Sun, 06 Nov 1994 08:49:36 GMT"
FUTURE = b"Sun, 06 Nov 2044 08:49:37 GMT"


def verdict(**headers: bytes) -> int:
    given = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return int(judge(given, TAG, MODIFIED, lambda: NOW).value)


def test_an_unconditional_get_is_answered_with_the_document() -> None:
    assert verdict() == 200


@pytest.mark.parametrize(
    "value",
    [
        b'"abc-gz"',
        b'W/"abc-gz"',
        b'w/"abc-gz"',
        b"*",
        b"  * ",
        b'"x", "abc-gz"',
        b'"x","y" , W/"abc-gz"',
        b"abc-gz",
        b"W/abc-gz",
        b'""abc-gz""',
        b', ,"abc-gz",',
        b'"abc-gz',
    ],
)
def test_a_known_tag_is_not_sent_again(value: bytes) -> None:
    assert verdict(if_none_match=value) == 304


@pytest.mark.parametrize(
    "value",
    [b'"abc"', b'"abc-br"', b"", b'"x,abc-gz"', b'"ABC-GZ"', b'"abc-gz "', b'"x", *', b'W/W/"abc', b"\xff", b'"' * 99],
)
def test_another_tag_is_not_ours(value: bytes) -> None:
    assert verdict(if_none_match=value) == 200


def test_a_tag_goes_before_a_date() -> None:
    assert verdict(if_none_match=b'"old"', if_modified_since=DATE) == 200
    assert verdict(if_none_match=b"", if_modified_since=DATE) == 200
    assert verdict(if_none_match=TAG, if_modified_since=EARLIER) == 304


@pytest.mark.parametrize(
    ("value", "status"),
    [(DATE, 304), (LATER, 304), (EARLIER, 200), (FUTURE, 200), (b"yesterday", 200), (DATE + b", " + DATE, 200)],
)
def test_a_date_decides_where_there_is_no_tag(value: bytes, status: int) -> None:
    assert verdict(if_modified_since=value) == status


@pytest.mark.parametrize(
    "value",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"sun, 06 nov 1994 08:49:37 gmt",
        b"SUN, 06 NOV 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun, 6 Nov 1994 8:49:37 GMT",
        b"06 Nov 1994 08:49:37 GMT",
        b"Mon, 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"Sun, 06 Nov 1994 09:49:37 +0100",
        b"Sun, 06 Nov 1994 03:49:37 -05:00",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 UT",
        b"Sun, 06 Nov 1994 08:49:37 Z",
        b"Sun,06 Nov 1994 08:49:37GMT",
        b"Sun 06 November 1994 08:49:37 GMT",
        b"Sun, 06-Nov-1994 08:49:37 GMT",
        b"  Sun, 06 Nov 1994 08:49:37 GMT\t",
        b"Sun, 06 Nov 1994 08:49:37 GMT; length=4711",
        b"Sun Nov 06 1994 09:49:37 GMT+0100 (Central European Standard Time)",
    ],
)
def test_dates_are_read_in_every_shape_that_is_sent(value: bytes) -> None:
    assert parse_date(value, NOW) == MODIFIED


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"0",
        b"-1",
        b"784111777",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 00 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Abc 1994 08:49:37 GMT",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:49:37 GMT",
        b"Sun, 06 Nov 1994 08:60:37 GMT",
        b"Sun, 06 Nov 1994 08:49:61 GMT",
        b"Sun, 06 Nov 1994 08:49:37 +9900",
        b"Sun, 06 Nov 1994 08:49:37 EST",
        b"Sun, 06 Nov 1994 08:49 GMT",
        b"dim., 06 nov. 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:\N{FULLWIDTH DIGIT THREE}7 GMT".encode(),
        b"Sun, " * 1000,
    ],
)
def test_what_is_no_date_is_none(value: bytes) -> None:
    assert parse_date(value, NOW) is None


@pytest.mark.parametrize(("year", "full"), [(b"94", 1994), (b"26", 2026), (b"76", 2076), (b"77", 1977), (b"00", 2000)])
def test_two_digits_of_a_year_are_never_more_than_fifty_years_ahead(year: bytes, full: int) -> None:
    said = parse_date(b"Sunday, 06-Nov-" + year + b" 08:49:37 GMT", NOW)
    assert said == parse_date(b"Sun, 06 Nov %d 08:49:37 GMT" % full, NOW)


def test_dates_are_written_as_http_has_them() -> None:
    assert http_date(MODIFIED) == DATE
    assert http_date(0) == b"Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(10**18) == b"Fri, 31 Dec 9999 23:59:59 GMT"
    assert http_date(-5) == http_date(0)


@pytest.mark.parametrize(
    ("value", "status"), [(TAG, 200), (b"*", 200), (b'"x", "abc-gz"', 200), (b'W/"abc-gz"', 412), (b'"x"', 412)]
)
def test_what_has_to_match_matches_strongly(value: bytes, status: int) -> None:
    assert verdict(if_match=value) == status


@pytest.mark.parametrize(("value", "status"), [(DATE, 200), (LATER, 200), (EARLIER, 412), (b"garbage", 200)])
def test_what_must_not_have_changed_since(value: bytes, status: int) -> None:
    assert verdict(if_unmodified_since=value) == status


def test_a_match_goes_before_a_date_and_before_what_is_known() -> None:
    assert verdict(if_match=TAG, if_unmodified_since=EARLIER) == 200
    assert verdict(if_match=b'"x"', if_none_match=TAG) == 412
    assert verdict(if_match=TAG, if_none_match=TAG) == 304


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (None, True),
        (TAG, True),
        (b"  " + TAG, True),
        (b'W/"abc-gz"', False),
        (b'"x"', False),
        (b"abc-gz", False),
        (DATE, True),
        (LATER, False),
        (EARLIER, False),
        (b"", False),
    ],
)
def test_a_range_holds_for_what_it_was_begun_with(value: bytes | None, holds: bool) -> None:
    assert range_holds(value, TAG, MODIFIED, lambda: NOW) is holds


def test_the_date_of_this_very_second_is_not_strong() -> None:
    assert not range_holds(DATE, TAG, MODIFIED, lambda: MODIFIED + 0.5)
    assert range_holds(DATE, TAG, MODIFIED, lambda: MODIFIED + 1.0)


def test_verdicts_are_statuses() -> None:
    assert [one.value for one in Verdict] == [200, 304, 412]
