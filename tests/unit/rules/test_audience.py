"""Which entries are pending for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from publisher.model.issue import Arrival, Cohort
from publisher.rules.arrival import observe
from publisher.rules.audience import deliverable, pending, variants, withdrawn
from tests.mailing import item

if TYPE_CHECKING:
    from publisher.model.entry import Entry


def arrival(number: int, *, given: bool = False, gone: bool = False) -> Arrival:
    entry = item(number).entry
    return Arrival(entry.id, number, entry.url, (), entry.title, entry.published, given=given, withdrawn=gone)


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(item(number).entry.id for number in numbers)


def test_what_is_pending_is_newest_first_above_the_cursor_and_not_given_before() -> None:
    usable = deliverable([arrival(n) for n in (1, 2, 3, 4)], ids(1, 2, 3, 4))
    assert pending(usable, Cohort(1, frozenset(ids(3)))) == ids(4, 2)


def test_given_and_withdrawn_and_vanished_arrivals_are_for_nobody() -> None:
    known = [arrival(1, given=True), arrival(2, gone=True), arrival(3), arrival(4)]
    assert [a.entry for a in deliverable(known, ids(1, 2, 4))] == list(ids(4))


def test_readers_with_equal_pending_sets_share_a_variant_and_the_fullest_comes_first() -> None:
    usable = deliverable([arrival(n) for n in (1, 2)], ids(1, 2))
    other = Cohort(0, frozenset(ids(1)), 5)
    found = variants(usable, [Cohort(1, count=9), Cohort(0, count=3), Cohort(2, count=7), other])
    assert [(v.number, v.entries, v.readers) for v in found] == [(1, ids(2, 1), 3), (2, ids(2), 14)]


def test_only_what_some_reader_may_be_owed_is_dropped_as_withdrawn() -> None:
    assert withdrawn([arrival(1), arrival(2), arrival(3)], ids(3), covered=1) == ids(2)


def test_arrivals_of_one_moment_are_numbered_oldest_first() -> None:
    seen = observe((), [item(3).entry, item(1).entry, item(2, tags=()).entry], _tagged, _never)
    assert [(a.entry, a.seq) for a in seen.arrivals] == [(ids(1)[0], 1), (ids(3)[0], 2)]


def test_an_edited_post_does_not_arrive_again() -> None:
    known = observe((), [item(1).entry], _tagged, _never).arrivals
    assert observe(known, [item(1, "Another title").entry], _tagged, _never).arrivals == ()


def test_a_known_post_under_a_new_id_is_held_back_and_named() -> None:
    known = observe((), [item(1).entry], _tagged, _never).arrivals
    moved = _moved(item(1).entry)
    seen = observe(known, [moved], _tagged, _never)
    assert seen.arrivals == ()
    assert [(twin.entry, twin.known.entry) for twin in seen.lookalikes] == [(moved, known[0].entry)]


def test_a_second_post_of_one_title_and_day_arrives_while_the_first_still_stands() -> None:
    known = observe((), [item(1).entry], _tagged, _never).arrivals
    assert len(observe(known, [item(1).entry, _moved(item(1).entry)], _tagged, _never).arrivals) == 1


def test_a_post_that_moved_is_known_by_its_alias() -> None:
    known = observe((), [item(1).entry], _tagged, _never).arrivals
    moved = replace(_moved(item(2, "New words").entry), aliases=("/posts/1",))
    assert len(observe(known, [moved], _tagged, _never).lookalikes) == 1


def test_a_withdrawn_entry_that_comes_back_gets_a_new_number() -> None:
    known = [arrival(1, gone=True), arrival(2)]
    seen = observe(known, [item(1).entry, item(2).entry], _tagged, _never)
    assert [(a.entry, a.seq, a.withdrawn) for a in seen.arrivals] == [(ids(1)[0], 3, False)]


def _tagged(entry: Entry) -> bool:
    return "conference" in entry.tags


def _never(_entry: Entry) -> bool:
    return False


def _moved(entry: Entry) -> Entry:
    return replace(entry, id="https://new.example/x/", url="https://new.example/x/")
