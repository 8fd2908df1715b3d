"""What readers of a feed would notice if another document took its place.

Both documents are compared as a feed reader would: entries are told apart by id (RSS's guid, Atom's id, JSON's id) and
by nothing else. Whether an id is unknown because a post is new, or because the same post goes by another name now, is
told by its link, or by its date together with its title; never by its place in the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from publisher.model.received import ReceivedFeed, ReceivedItem


class Cause(Enum):
    """Why an entry would be seen in another way, and whether readers would notice what they should not."""

    RENAMED = "the same entry under another id"
    LONGER = "older than anything in the feed of today"
    UNKNOWN = "not in the feed of today"
    MOVED = "another date"
    GONE = "no longer there"
    CHANGED = "other words or another link, under the same id"
    FRESH = "newer than anything in the feed of today"

    @property
    def is_harm(self) -> bool:
        """Whether it shows old posts as new, moves them, or takes them away."""
        return self not in {Cause.CHANGED, Cause.FRESH}


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry. ``before`` is None for what the feed of today lacks, ``after`` for what ours lacks.

    ``parts`` names what has changed of a CHANGED one.
    """

    cause: Cause
    before: ReceivedItem | None
    after: ReceivedItem | None
    parts: tuple[str, ...] = ()

    @property
    def shift(self) -> timedelta | None:
        """By how much its date moves."""
        was, now = (when(one) if one else None for one in (self.before, self.after))
        return now - was if was and now else None


def when(item: ReceivedItem) -> datetime | None:
    """The date that readers sort an entry by."""
    return item.published or item.updated


def compare(theirs: ReceivedFeed, ours: ReceivedFeed) -> tuple[Difference, ...]:
    """Everything that readers of ``theirs`` would see differently in ``ours``, in the order of the documents."""
    before, after = _by_id(theirs.items), _by_id(ours.items)
    left = [item for key, item in before.items() if key not in after]
    renamed = dict(_renamed([item for key, item in after.items() if key not in before], left))
    spoken_for = {id(item) for item in renamed.values()}
    found = [_of_ours(item, before.get(key), renamed.get(key), theirs) for key, item in after.items()]
    oldest = min(filter(None, map(when, ours.items)), default=None)
    gone = [item for item in left if id(item) not in spoken_for and not _has_fallen_off(item, oldest)]
    return (*(one for one in found if one), *(Difference(Cause.GONE, item, None) for item in gone))


def _by_id(items: Iterable[ReceivedItem]) -> dict[str, ReceivedItem]:
    """Entries by id; of two with one id readers keep the first. Those with none cannot be compared."""
    found: dict[str, ReceivedItem] = {}
    for item in items:
        if item.id:
            found.setdefault(item.id, item)
    return found


def _of_ours(
    item: ReceivedItem, known: ReceivedItem | None, twin: ReceivedItem | None, theirs: ReceivedFeed
) -> Difference | None:
    if known is not None:
        return _of_one_id(known, item)
    if twin is not None:
        return Difference(Cause.RENAMED, twin, item)
    moments = [moment for moment in map(when, theirs.items) if moment]
    at = when(item)
    if at is None or not moments:
        return Difference(Cause.UNKNOWN, None, item)
    cause = Cause.FRESH if at > max(moments) else Cause.LONGER if at <= min(moments) else Cause.UNKNOWN
    return Difference(cause, None, item)


def _of_one_id(before: ReceivedItem, after: ReceivedItem) -> Difference | None:
    was, now = when(before), when(after)
    if was and now and was != now:
        return Difference(Cause.MOVED, before, after)
    parts = tuple(name for name, differs in _PARTS.items() if differs(before, after))
    return Difference(Cause.CHANGED, before, after, parts) if parts else None


def _text(item: ReceivedItem) -> str:
    return "".join((item.content or item.summary).split())


_PARTS: dict[str, Callable[[ReceivedItem, ReceivedItem], bool]] = {
    "title": lambda one, other: one.title != other.title,
    "link": lambda one, other: one.url != other.url,
    "updated": lambda one, other: bool(one.updated and other.updated) and one.updated != other.updated,
    "text": lambda one, other: _text(one) != _text(other),
}


def _has_fallen_off(item: ReceivedItem, oldest: datetime | None) -> bool:
    """Whether an entry is missing only because newer ones fill the feed: readers have it already."""
    at = when(item)
    return bool(at and oldest and at < oldest)


def _renamed(new: Sequence[ReceivedItem], left: Sequence[ReceivedItem]) -> Iterator[tuple[str, ReceivedItem]]:
    """Entries of ours whose id is unknown, each with the entry of theirs that it is; each of those once."""
    open_, rest = {item.id: item for item in new}, {item.id: item for item in left}
    for sign in _SIGNS:
        ours, known = _by_sign(open_.values(), sign), _by_sign(rest.values(), sign)
        for key, ones in ours.items():
            twins = known.get(key, [])
            if len(ones) == len(twins) == 1 and (sign is not _title or is_near(when(ones[0]), when(twins[0]))):
                yield ones[0].id, twins[0]
                del open_[ones[0].id], rest[twins[0].id]


def _by_sign(items: Iterable[ReceivedItem], sign: Callable[[ReceivedItem], str]) -> dict[str, list[ReceivedItem]]:
    found: dict[str, list[ReceivedItem]] = {}
    for item in items:
        if key := sign(item):
            found.setdefault(key, []).append(item)
    return found


def loosely(url: str) -> str:
    """An address without what may differ while it leads to the same page.

    That is the scheme, www, the host's case, a slash or .html at the end, and the way letters are encoded.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = unquote(parts.path).removesuffix("index.html").rstrip("/").removesuffix(".html")
    return f"{parts.netloc.lower().removeprefix('www.')}{path}?{parts.query}" if parts.netloc else ""


def plain_title(title: str) -> str:
    """A title without what may differ between two spellings of it.

    WordPress and Jekyll set in feeds what was typed: curly quotes, long dashes, an ellipsis of one sign.
    """
    plain = normalize("NFKC", title).translate(_TYPED)
    return " ".join(_DASHES.sub("-", plain).split()).casefold()


_TYPED = str.maketrans("‘’‚‛“”„‐‑–—―", "''''\"\"\"-----")  # noqa: RUF001 - the signs are what it is about
_DASHES = re.compile("-{2,3}")


def _title(item: ReceivedItem) -> str:
    return plain_title(item.title)


def _title_and_moment(item: ReceivedItem) -> str:
    at, title = when(item), _title(item)
    return f"{at.isoformat()} {title}" if at and title else ""


def is_near(first: datetime | None, second: datetime | None) -> bool:
    """Whether two moments may be one day in two zones; one that is missing contradicts nothing."""
    return first is None or second is None or abs(first - second) <= A_DAY


A_DAY = timedelta(hours=26)  # zones go from -12 to +14
_SIGNS: tuple[Callable[[ReceivedItem], str], ...] = (
    lambda item: item.url,
    lambda item: loosely(item.url),
    _title_and_moment,  # of a column's parts, which all have one title
    _title,
)


def common_shift(differences: Iterable[Difference]) -> timedelta | None:
    """The shift by which all dates that move do so; None where they move by several, or none does."""
    shifts = {one.shift for one in differences if one.cause is Cause.MOVED}
    return shifts.pop() if len(shifts) == 1 else None
