"""Laws of Atom's ``updated``: all different, the same for ever, and no more is moved than has to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from publisher.feeds.moments import rfc3339
from publisher.rules.selection import TIE_SECONDS, part_updates

if TYPE_CHECKING:
    from random import Random

DAY = datetime(2026, 11, 23, tzinfo=UTC)
MOMENTS = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.builds(lambda seconds: DAY + timedelta(seconds=seconds), st.integers(0, 5)),
    st.builds(lambda days: DAY + timedelta(days=days), st.integers(0, 2)),
)
ENTRIES = st.lists(
    st.tuples(st.text(max_size=4), MOMENTS, st.booleans()), unique_by=lambda entry: entry[0], max_size=20
)


@given(ENTRIES)
def test_no_two_entries_are_written_with_one_updated(entries: list[tuple[str, datetime, bool]]) -> None:
    assert len({rfc3339(moment) for moment in part_updates(entries)}) == len(entries)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(entries: list[tuple[str, datetime, bool]], random: Random) -> None:
    shuffled = [*entries]
    random.shuffle(shuffled)
    parted = dict(zip([entry[0] for entry in entries], part_updates(entries), strict=True))
    assert [parted[entry[0]] for entry in shuffled] == part_updates(shuffled)


@given(ENTRIES)
def test_a_time_is_moved_only_off_a_second_that_another_entry_has(entries: list[tuple[str, datetime, bool]]) -> None:
    parted = part_updates(entries)
    for (_, updated, date_only), moment in zip(entries, parted, strict=True):
        if moment != updated and not date_only:
            second = updated.replace(microsecond=0)
            assert second in {other.replace(microsecond=0) for other in parted if other is not moment}


@given(ENTRIES)
def test_a_date_stays_near_the_start_of_its_day(entries: list[tuple[str, datetime, bool]]) -> None:
    for (_, updated, _), moment in zip(entries, part_updates(entries), strict=True):
        assert abs(moment - updated) < timedelta(seconds=TIE_SECONDS + len(entries))


@given(ENTRIES, ENTRIES)
def test_entries_further_away_than_any_tie_reaches_change_nothing(
    entries: list[tuple[str, datetime, bool]], others: list[tuple[str, datetime, bool]]
) -> None:
    """Independence has this limit: within an hour and a second for each entry, a neighbour may move a tie."""
    reach = timedelta(seconds=2 * TIE_SECONDS + len(entries) + len(others))
    ids = {identifier for identifier, _, _ in entries}
    far = [
        other
        for other in others
        if other[0] not in ids and all(abs(other[1] - updated) > reach for _, updated, _ in entries)
    ]
    assert part_updates([*entries, *far])[: len(entries)] == part_updates(entries)
