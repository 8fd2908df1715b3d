"""What a look at a followed feed means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.model.entry import Body, Item
from publisher.model.feed import Format
from publisher.model.followed import KnownEntry
from publisher.model.received import ReceivedFeed, ReceivedItem, Tombstone
from publisher.rules.following import Look, look, shares_nothing
from tests.builders import an_entry

FEED = "https://there.test/feed"
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def an_item(name: str, title: str = "", url: str = "", day: int | None = None) -> ReceivedItem:
    """An item; its title, link and day follow from its name where they are not given."""
    number = int("".join(filter(str.isdigit, name)) or 0)
    at = DAY + timedelta(days=number if day is None else day)
    return ReceivedItem(name, url or f"https://there.test/{name}/", title or f"Title {name}", at)


def known(*items: ReceivedItem) -> list[KnownEntry]:
    return [
        KnownEntry(
            Item(
                an_entry(id=one.id, url=one.url, title=one.title, published=one.published, source=FEED),
                Body("", "", ""),
            ),
            (one.id,),
            DAY,
        )
        for one in items
    ]


def feed(*items: ReceivedItem, **more: object) -> ReceivedFeed:
    return replace(ReceivedFeed(Format.ATOM, "There", items, home="https://there.test/"), **more)  # type: ignore[arg-type] # a test names fields


def said(found: Look) -> tuple[list[str], list[tuple[str, str]], list[str], list[str]]:
    """New, again (known id, item's id), gone and doubtful."""
    return (
        [one.id for one in found.new],
        sorted((entry.id, item.id) for entry, item in found.again),
        [entry.id for entry in found.gone],
        [one.id for one in found.doubtful],
    )


A, B, C = (an_item(name) for name in ("a1", "b2", "c3"))


def test_what_is_known_by_id_is_the_same_whatever_else_has_changed() -> None:
    edited = an_item("a1", "Other", "https://else.test/x", 9)
    assert said(look(known(A, B), feed(edited, C))) == (["c3"], [("a1", "a1")], [], [])


def test_what_is_missing_is_still_there_unless_the_feed_says_otherwise() -> None:
    assert said(look(known(A, B), feed(B)))[2] == []
    assert said(look(known(A, B), feed(B, tombstones=(Tombstone("a1"),))))[2] == ["a1"]
    assert said(look(known(A, B), feed(B, complete=True)))[2] == ["a1"]


@pytest.mark.parametrize("more", [{"whole": False}, {"items": ()}])
def test_a_complete_feed_that_is_cut_off_or_empty_takes_nothing_back(more: dict[str, object]) -> None:
    assert said(look(known(A, B), replace(feed(B, complete=True), **more)))[2] == []  # type: ignore[arg-type] # as above


def test_a_tombstone_of_what_is_in_the_feed_or_was_never_known_means_nothing() -> None:
    assert said(look(known(A), feed(A, tombstones=(Tombstone("a1"), Tombstone("zz")))))[2] == []


def test_what_was_taken_back_is_not_taken_back_again_and_may_come_back() -> None:
    gone = [replace(known(A)[0], gone=True)]
    assert look(gone, feed(B, tombstones=(Tombstone("a1"),))).gone == ()
    assert said(look(gone, feed(A)))[1] == [("a1", "a1")]


@pytest.mark.parametrize(
    "url",
    ["https://there.test/a1/", "http://www.there.test/a1", "https://there.test/a1.html", "https://THERE.test/a1/"],
)
def test_an_unknown_id_with_the_link_of_one_that_is_missing_is_that_entry(url: str) -> None:
    assert said(look(known(A, B), feed(B, an_item("z", "Mended", url, 7))))[:2] == ([], [("a1", "z"), ("b2", "b2")])


def test_an_unknown_id_with_the_title_and_the_date_of_one_that_is_missing_is_that_entry() -> None:
    moved = an_item("z", "title  A1", "https://new.test/z", 1)
    assert said(look(known(A, B), feed(moved)))[:2] == ([], [("a1", "z")])
    assert said(look(known(A, B), feed(replace(moved, title="Else"))))[0] == ["z"]
    assert said(look(known(A, B), feed(replace(moved, published=DAY))))[0] == ["z"]


def test_a_column_whose_parts_have_one_title_is_new_each_time() -> None:
    parts = [an_item(f"p{day}", "Daily links") for day in range(9)]
    for day in range(1, 9):
        assert said(look(known(*parts[:day]), feed(parts[day])))[0] == [f"p{day}"]


def test_items_that_all_lead_home_are_told_apart_by_their_ids() -> None:
    for home in ("https://there.test/", "https://there.test", "https://there.test/blog/"):
        items = [an_item(f"n{day}", url=home) for day in range(9)]
        document = replace(feed(), home=home)
        for day in range(3, 9):
            shown = replace(document, items=tuple(items[day - 2 : day + 1]))
            assert said(look(known(*items[:day]), shown))[0] == [f"n{day}"]


def test_a_link_that_two_have_tells_nothing() -> None:
    first, second = an_item("a1", url="https://else.test/x"), an_item("b2", url="https://else.test/x")
    third = an_item("c3", url="https://else.test/x")
    assert said(look(known(first, second), feed(third)))[0] == ["c3"]
    assert said(look(known(first), feed(second, third)))[0] == ["b2", "c3"]


def test_entries_without_a_link_are_no_twins_of_each_other() -> None:
    bare = [replace(an_item(f"n{n}"), url="") for n in range(3)]
    before = known(*(replace(one, url=FEED) for one in bare[:2]))  # an entry without one leads to its feed
    assert said(look(before, feed(bare[2])))[0] == ["n2"]


def test_of_two_that_it_could_be_neither_is_taken() -> None:
    twins = known(an_item("a", "Notes", "https://there.test/1", 5), an_item("b", "Notes", "https://there.test/2", 5))
    third = an_item("z", "Notes", "https://there.test/3", 5)
    assert said(look(twins, feed(third))) == ([], [], [], ["z"])


def test_of_two_that_claim_one_entry_neither_gets_it() -> None:
    ones = [an_item(name, "Notes", f"https://new.test/{name}", 5) for name in "yz"]
    assert said(look(known(an_item("a", "Notes", day=5)), feed(*ones)))[3] == ["y", "z"]


def test_two_ids_of_one_entry_in_one_document_are_one_entry() -> None:
    both = [replace(known(A)[0], ids=("a1", "z"))]
    assert said(look(both, feed(an_item("z", "First"), A))) == ([], [("a1", "z")], [], [])


def test_of_two_items_with_one_id_the_first_counts_and_those_without_any_are_counted() -> None:
    found = look([], feed(A, replace(A, title="Second"), replace(B, id=""), C))
    assert [item.title for item in found.new] == ["Title a1", "Title c3"]
    assert found.nameless == 1


@pytest.mark.parametrize("shift", [0, 1])
def test_a_relaunch_that_changes_every_id_shows_nothing_as_new(shift: int) -> None:
    posts = [an_item(f"a{n}", f"Post {n % 40}", day=n // 40) for n in range(300)]
    renamed = [replace(post, id=f"urn:new:{n}") for n, post in enumerate(posts)]
    if shift:  # other addresses too: titles and dates are left
        renamed = [replace(post, url=f"https://moved.test/{post.id}") for post in renamed]
    found = look(known(*posts), feed(*renamed))
    assert found.new == found.doubtful == ()
    assert len(found.again) == 300


def test_a_gap_is_a_document_in_which_nothing_is_known() -> None:
    assert shares_nothing(known(A), feed(B, C))
    assert not shares_nothing(known(A), feed(C, A))
    assert not shares_nothing(known(A), feed(replace(A, id="new")))
    assert not shares_nothing([], feed(A))
    assert not shares_nothing(known(A), feed())
