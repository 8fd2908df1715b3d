"""Which entries belong to a feed or digest, and how ties in Atom's ``updated`` are parted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from publisher.model.entry import Author
from publisher.model.settings import Filter
from publisher.rules.selection import TIE_SECONDS, belongs, matches, part_updates
from tests.builders import DAY, an_entry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_an_empty_filter_takes_every_entry() -> None:
    assert belongs(Filter(), (), (), "")


@pytest.mark.parametrize(
    "wanted",
    [Filter(tags=("talk",)), Filter(authors=("Ann",)), Filter(sections=("notes",)), Filter(tags=("x", "talk"))],
)
def test_any_one_of_tags_authors_or_sections_is_enough(wanted: Filter) -> None:
    assert belongs(wanted, ("talk", "travel"), ("Ann", "Ben"), "notes")
    assert not belongs(wanted, ("travel",), ("Cay",), "essays")


def test_a_tag_an_author_and_a_section_are_alternatives() -> None:
    wanted = Filter(tags=("talk",), authors=("Ann",), sections=("notes",))
    assert belongs(wanted, ("talk",), (), "")
    assert belongs(wanted, (), ("Ann",), "")
    assert belongs(wanted, (), (), "notes")
    assert not belongs(wanted, ("Ann",), ("notes",), "talk")


def test_without_takes_away_what_the_rest_of_the_filter_gave() -> None:
    assert not belongs(Filter(tags=("talk",), without=("private",)), ("talk", "private"), (), "")
    assert not belongs(Filter(without=("private",)), ("private",), (), "")
    assert belongs(Filter(without=("private",)), ("talk",), (), "")


def test_case_does_not_matter_in_any_script() -> None:
    assert belongs(Filter(tags=("STRASSE",)), ("straße",), (), "")
    assert belongs(Filter(authors=("ann",)), (), ("ANN",), "")
    assert belongs(Filter(sections=("Notes",)), (), (), "nOTES")
    assert not belongs(Filter(without=("Private",)), ("PRIVATE",), (), "")


def test_an_entry_without_a_section_is_in_none() -> None:
    assert not belongs(Filter(sections=("notes",)), (), (), "")


def test_categories_count_as_tags() -> None:
    assert matches(Filter(tags=("talk",)), an_entry(categories=("Talk",)))


def test_authors_are_known_by_their_names() -> None:
    assert matches(Filter(authors=("Ann",)), an_entry(authors=(Author("Ben"), Author("Ann", "a@example.org"))))


def test_standing_pages_and_entries_left_out_belong_nowhere() -> None:
    assert not matches(Filter(), an_entry(standing=True))
    assert not matches(Filter(), an_entry(in_feeds=False))
    assert matches(Filter(), an_entry())


def test_a_date_without_a_time_is_moved_within_its_first_hour() -> None:
    (moved,) = part_updates([("https://blog.test/a/", DAY, True)])
    assert DAY <= moved < DAY + TIE_SECONDS * SECOND
    assert moved == DAY + 1762 * SECOND  # crc32 of the id: the same on every machine, for ever


def test_a_time_stays_as_it_is() -> None:
    assert part_updates([("a", NOON, False), ("b", NOON + SECOND, False)]) == [NOON, NOON + SECOND]


def test_entries_of_one_moment_are_parted_in_the_order_of_their_ids() -> None:
    assert part_updates([("b", NOON, False), ("c", NOON, False), ("a", NOON, False)]) == [
        NOON + SECOND,
        NOON + 2 * SECOND,
        NOON,
    ]


def test_what_is_moved_on_to_a_taken_second_moves_its_holder_on() -> None:
    assert part_updates([("a", NOON, False), ("b", NOON, False), ("c", NOON + SECOND, False)]) == [
        NOON,
        NOON + SECOND,
        NOON + 2 * SECOND,
    ]


def test_moments_that_feeds_would_write_alike_are_a_tie() -> None:
    half = NOON + timedelta(microseconds=500_000)
    assert part_updates([("a", NOON, False), ("b", half, False)]) == [NOON, half + SECOND]


def test_the_end_of_the_calendar_is_no_fault() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    parted = part_updates([("a", end, False), ("b", end, False), ("c", end, True)])
    assert len({moment.replace(microsecond=0) for moment in parted}) == 3
