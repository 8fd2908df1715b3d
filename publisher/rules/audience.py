"""Who gets what: the entries that are pending for a reader, and readers grouped by them.

Pending are arrivals above the reader's cursor that are in no unreleased delivery of that reader,
in any digest. A reader with nothing pending is in no variant.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from publisher.model.issue import Variant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from publisher.model.issue import Arrival, Cohort


def deliverable(arrivals: Iterable[Arrival], present: Collection[str]) -> tuple[Arrival, ...]:
    """Pick the arrivals that may be mailed at all, newest first, ties by id.

    ``present`` holds the ids of the entries that match the digest's filter today.
    """
    usable = [a for a in arrivals if not a.given and not a.withdrawn and a.entry in present]
    usable.sort(key=lambda a: a.entry)
    usable.sort(key=lambda a: a.published, reverse=True)
    return tuple(usable)


def pending(usable: Sequence[Arrival], cohort: Cohort) -> tuple[str, ...]:
    """List the ids that are new to these readers, in the order of ``usable``."""
    return tuple(a.entry for a in usable if a.seq > cohort.cursor and a.entry not in cohort.given)


def variants(usable: Sequence[Arrival], cohorts: Iterable[Cohort]) -> tuple[Variant, ...]:
    """Put cohorts with equal pending sets together; the fullest variant first, equal for any order of cohorts."""
    groups: defaultdict[tuple[str, ...], list[Cohort]] = defaultdict(list)
    for cohort in cohorts:
        if entries := pending(usable, cohort):
            groups[entries].append(cohort)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[0]), group[0]))
    return tuple(
        Variant(number, entries, tuple(sorted(alike, key=lambda c: (c.cursor, sorted(c.given)))))
        for number, (entries, alike) in enumerate(ordered, start=1)
    )


def withdrawn(arrivals: Iterable[Arrival], present: Collection[str], covered: int) -> tuple[str, ...]:
    """Name the arrivals that this drafting drops, to arrive anew if they come back.

    ``covered`` is the last number that every reader of the cadence had behind them before: what nobody is owed any
    more is not dropped. It is lower than what the cadence covered where a delivery was given back.
    """
    return tuple(
        a.entry for a in arrivals if a.seq > covered and a.entry not in present and not a.given and not a.withdrawn
    )
