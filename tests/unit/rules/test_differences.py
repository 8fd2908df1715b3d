"""What readers would notice if one feed took another one's place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.model.feed import Format
from publisher.model.received import ReceivedFeed, ReceivedItem
from publisher.rules.differences import Cause, Difference, common_shift, compare, is_near, loosely

DAY = datetime(2024, 3, 10, 9, tzinfo=UTC)


def an_item(number: int, **fields: object) -> ReceivedItem:
    """Entry 1 is of the tenth of March, entry 2 of the day after."""
    url = f"https://x.test/{number}/"
    given = {"id": url, "url": url, "title": f"Title {number}", "published": DAY + timedelta(days=number - 1)}
    return ReceivedItem(**(given | fields))  # type: ignore[arg-type]  # the fields of the noun, as its callers name them


def feed(*items: ReceivedItem) -> ReceivedFeed:
    return ReceivedFeed(Format.RSS, "T", items)


THEIRS = feed(an_item(3), an_item(2), an_item(1))


def causes(*ours: ReceivedItem, theirs: ReceivedFeed = THEIRS) -> list[Cause]:
    return [one.cause for one in compare(theirs, feed(*ours))]


def test_the_same_feed_is_no_difference() -> None:
    assert compare(THEIRS, THEIRS) == ()
    assert compare(feed(), feed()) == ()


def test_their_order_says_nothing() -> None:
    assert causes(an_item(1), an_item(3), an_item(2)) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "the same link"),
        ({"url": "http://www.X.test/2"}, "another scheme, www, case of the host, no slash"),
        ({"url": "https://x.test/2/index.html"}, "a file's name"),
        ({"url": "https://y.test/elsewhere"}, "date and title"),
        ({"url": "https://y.test/elsewhere", "title": " title  2 "}, "a title spelled otherwise"),
        ({"url": "", "published": None}, "the title alone, where nothing contradicts it"),
        ({"url": "https://y.test/", "published": DAY + timedelta(days=1, hours=10)}, "the same day in another zone"),
        ({"title": "Mended", "published": DAY + timedelta(days=90)}, "the link, whatever else changes"),
    ],
)
def test_an_entry_under_another_id_is_told_by_its_link_or_its_date_and_title(
    fields: dict[str, object], why: str
) -> None:
    [found] = compare(THEIRS, feed(an_item(3), an_item(2, id="urn:other", **fields), an_item(1)))
    assert found.cause is Cause.RENAMED, why
    assert found.before == an_item(2)
    assert found.cause.is_harm


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://y.test/", "title": "Something else"},
        {"url": "https://y.test/", "published": DAY + timedelta(days=30)},
        {"url": "", "title": ""},
    ],
)
def test_what_only_stands_at_the_same_place_is_another_entry(fields: dict[str, object]) -> None:
    found = causes(an_item(3), an_item(2, id="urn:other", **fields), an_item(1))
    assert Cause.RENAMED not in found
    assert Cause.GONE in found


def test_of_entries_with_one_title_each_is_found_by_its_date() -> None:
    theirs = feed(*(an_item(number, title="Links") for number in (3, 2, 1)))
    ours = [an_item(number, title="Links", id=f"urn:{number}", url=f"https://y.test/{number}") for number in (1, 2, 3)]
    found = compare(theirs, feed(*ours))
    assert {(one.cause, one.after and one.after.id, one.before and one.before.url) for one in found} == {
        (Cause.RENAMED, f"urn:{number}", f"https://x.test/{number}/") for number in (1, 2, 3)
    }


def test_of_twins_that_nothing_tells_apart_none_is_guessed() -> None:
    theirs = feed(an_item(1, id="a", url="", title="Links"), an_item(1, id="b", url="", title="Links"))
    assert Cause.RENAMED not in causes(an_item(1, id="c", url="", title="Links"), theirs=theirs)


def test_new_entries_are_told_by_where_their_dates_lie() -> None:
    theirs = feed(an_item(5), an_item(3))
    assert causes(an_item(6), an_item(5), an_item(4), an_item(3), an_item(2), an_item(1), theirs=theirs) == [
        Cause.FRESH,
        Cause.UNKNOWN,
        Cause.LONGER,
        Cause.LONGER,
    ]
    assert causes(an_item(9, published=None), theirs=feed(an_item(9, id="x", title="", url=""))) == [
        Cause.UNKNOWN,
        Cause.GONE,
    ]
    assert not Cause.FRESH.is_harm


def test_against_an_empty_feed_everything_is_unknown() -> None:
    assert causes(an_item(2), an_item(1), theirs=feed()) == [Cause.UNKNOWN, Cause.UNKNOWN]


def test_what_is_missing_is_gone_unless_newer_entries_fill_the_feed() -> None:
    assert causes(an_item(3), an_item(1)) == [Cause.GONE]
    assert causes(an_item(3), an_item(2)) == []
    assert causes() == [Cause.GONE] * 3
    assert causes(an_item(3), an_item(2), theirs=feed(an_item(3), an_item(2), an_item(1, published=None))) == [
        Cause.GONE
    ]


def test_a_date_that_moves_is_more_than_a_change_of_words() -> None:
    later = an_item(2, published=an_item(2).published + timedelta(hours=1), title="Mended")  # type: ignore[operator]  # it has one
    [found] = compare(THEIRS, feed(an_item(3), later, an_item(1)))
    assert (found.cause, found.shift, found.cause.is_harm) == (Cause.MOVED, timedelta(hours=1), True)


def test_readers_sort_by_the_update_where_nothing_else_is_told() -> None:
    theirs = feed(an_item(1, published=None, updated=DAY))
    assert causes(an_item(1), theirs=theirs) == []
    assert causes(an_item(1, published=DAY + timedelta(seconds=1)), theirs=theirs) == [Cause.MOVED]


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ({}, {"title": "Mended"}, ("title",)),
        ({}, {"url": "https://x.test/new", "content": "<p>x</p>"}, ("link", "text")),
        ({"updated": DAY}, {"updated": DAY + timedelta(days=1)}, ("updated",)),
        ({"updated": DAY}, {}, ()),
        ({"content": "<p>a b</p>"}, {"content": "<p>a\n b</p>\n"}, ()),
        ({"summary": "a"}, {"content": "a", "summary": "b"}, ()),
    ],
)
def test_what_is_updated_in_place_says_what_of_it(
    before: dict[str, object], after: dict[str, object], parts: tuple[str, ...]
) -> None:
    found = compare(feed(an_item(1, **before)), feed(an_item(1, **after)))
    assert tuple(one.parts for one in found) == ((parts,) if parts else ())
    assert not any(one.cause.is_harm for one in found)


def test_of_two_entries_with_one_id_readers_keep_the_first_and_without_any_nothing_can_be_said() -> None:
    again = an_item(1, title="Again", published=DAY + timedelta(days=9))
    assert causes(an_item(1), again, theirs=feed(an_item(1))) == []
    assert causes(an_item(1), theirs=feed(an_item(1), again)) == []
    assert causes(an_item(1), theirs=feed(an_item(1), an_item(2, id=""))) == []


def test_a_shift_is_common_only_to_all_that_move() -> None:
    def moved(hours: int) -> Difference:
        return Difference(Cause.MOVED, an_item(1), an_item(1, published=DAY + timedelta(hours=hours)))

    assert common_shift([moved(2), moved(2), Difference(Cause.FRESH, None, an_item(9))]) == timedelta(hours=2)
    assert common_shift([moved(2), moved(1)]) is None
    assert common_shift([]) is None
    assert replace(moved(1), before=None).shift is None


def test_addresses_that_lead_to_one_page() -> None:
    same = {
        loosely(url)
        for url in ("https://x.test/%C3%A9/", "http://WWW.x.test/é", "https://x.test/é.html", "//x.test/é/index.html")
    }
    assert len(same) == 1
    assert loosely("https://x.test/?p=1") != loosely("https://x.test/?p=2")
    assert [loosely(url) for url in ("http://[", "", "mailto:me@x.test", "/only/a/path")] == [""] * 4


def test_a_day_in_two_zones() -> None:
    assert is_near(DAY, DAY + timedelta(hours=26))
    assert not is_near(DAY, DAY - timedelta(hours=27))
    assert is_near(None, DAY)


def test_ten_thousand_entries_that_are_all_renamed_take_no_time_to_speak_of() -> None:
    theirs = feed(*(an_item(number) for number in range(10_000)))
    ours = feed(*(an_item(number, id=f"urn:{number}") for number in range(10_000)))
    assert {one.cause for one in compare(theirs, ours)} == {Cause.RENAMED}
