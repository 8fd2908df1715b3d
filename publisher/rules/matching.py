"""Which item of a running feed is which post.

By id where a post declares one; by link, then by link as loosely as readers of pages would take it, then by a former
address; at last by date and title together, the very moment before the day. Never by order: feeds leave posts out and
repeat them. What more than one could be stays unmatched: a wrong match would give a post another one's id for ever.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from publisher.rules.differences import A_DAY, loosely, plain_title, when

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from publisher.model.received import ReceivedItem


class How(Enum):
    """By what a post was recognised."""

    ID = "by id"
    LINK = "by link"
    FORMER = "by a former address"
    TITLE = "by date and title"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post that an item may be. ``permalink`` and ``former`` are absolute, ``published`` is aware."""

    path: str
    declared_id: str
    permalink: str
    former: tuple[str, ...]
    title: str
    published: dt.datetime


@dataclass(frozen=True, slots=True)
class Match:
    """An item and the post that it is."""

    item: ReceivedItem
    post: Candidate
    how: How


@dataclass(frozen=True, slots=True)
class Matches:
    """What was matched, and what was not, each in the order in which it came."""

    found: tuple[Match, ...]
    items: tuple[ReceivedItem, ...]
    posts: tuple[Candidate, ...]


def match(items: Sequence[ReceivedItem], posts: Sequence[Candidate]) -> Matches:
    """Match items to posts, each at most once. The order of neither matters to what is found."""
    open_items = {at: item for at, item in enumerate(items) if item.id}
    open_posts = dict(enumerate(posts))
    found: list[Match] = []
    for how, sign, signs in _STEPS:
        for at, number in list(_pairs(open_items, open_posts, sign, signs)):
            found.append(Match(open_items.pop(at), open_posts.pop(number), how))
    for at, number in list(_near(open_items, open_posts)):
        found.append(Match(open_items.pop(at), open_posts.pop(number), How.TITLE))
    return Matches(tuple(found), tuple(open_items.values()), tuple(open_posts.values()))


_STEPS: tuple[tuple[How, Callable[[ReceivedItem], str], Callable[[Candidate], Iterable[str]]], ...] = (
    (How.ID, lambda item: item.id, lambda post: (post.declared_id,)),
    (How.LINK, lambda item: item.url, lambda post: (post.permalink,)),
    (How.LINK, lambda item: loosely(item.url), lambda post: (loosely(post.permalink),)),
    (How.FORMER, lambda item: loosely(item.url), lambda post: map(loosely, post.former)),
    (
        How.TITLE,
        lambda item: _titled(item.title, when(item)),
        lambda post: (_titled(post.title, post.published),),
    ),
)


def _pairs(
    items: Mapping[int, ReceivedItem],
    posts: Mapping[int, Candidate],
    sign: Callable[[ReceivedItem], str],
    signs: Callable[[Candidate], Iterable[str]],
) -> Iterator[tuple[int, int]]:
    """Items and posts that have one sign, and are the only ones to have it."""
    wanted: dict[str, list[int]] = {}
    for at, item in items.items():
        if key := sign(item):
            wanted.setdefault(key, []).append(at)
    known: dict[str, set[int]] = {}
    for number, post in posts.items():
        for key in signs(post):
            if key in wanted:
                known.setdefault(key, set()).add(number)
    taken: set[int] = set()
    for key, places in wanted.items():
        numbers = known.get(key, set())
        if len(places) == len(numbers) == 1 and not numbers & taken:
            taken |= numbers
            yield places[0], next(iter(numbers))


def _titled(title: str, at: dt.datetime | None) -> str:
    plain = plain_title(title)
    return f"{at.timestamp()} {plain}" if plain and at else ""


def _near(items: Mapping[int, ReceivedItem], posts: Mapping[int, Candidate]) -> Iterator[tuple[int, int]]:
    """Items and posts of one title that no other of that title is near to: a column has the same one every month."""
    ours = _columns((plain_title(post.title), post.published, number) for number, post in posts.items())
    theirs = _columns((plain_title(item.title), when(item), at) for at, item in items.items())
    for title, column in theirs.items():
        for moment, at in column:
            near = _around(moment, ours.get(title, []))
            if len(near) == 1 and len(_around(near[0][0], column)) == 1:
                yield at, near[0][1]


def _columns(titled: Iterable[tuple[str, dt.datetime | None, int]]) -> dict[str, list[tuple[dt.datetime, int]]]:
    """What has one title, by date."""
    columns: dict[str, list[tuple[dt.datetime, int]]] = {}
    for title, moment, number in titled:
        if title and moment:
            columns.setdefault(title, []).append((moment, number))
    return {title: sorted(column) for title, column in columns.items()}


def _around(moment: dt.datetime, column: Sequence[tuple[dt.datetime, int]]) -> Sequence[tuple[dt.datetime, int]]:
    """What may be of the same day in another zone; two of them are as unclear as many."""
    first = bisect_left(column, True, key=lambda one: one[0] > moment or moment - one[0] <= A_DAY)
    return [one for one in column[first : first + 2] if one[0] - moment <= A_DAY]


# How ids are made of links, by the generators that do not simply take the link.
_ENDINGS: tuple[Callable[[str], str], ...] = (
    lambda url: url,
    lambda url: url.removesuffix(".html"),
    lambda url: url.removesuffix("/"),
)
_HEADS: tuple[Callable[[str], str], ...] = (
    lambda url: url,
    lambda url: url.replace("https://", "http://", 1),
)
_ENOUGH = 3  # matched entries that make a rule


def rule_of_ids(matches: Iterable[Match]) -> Callable[[str], str] | None:
    """How the feed's ids follow from links, where one way explains all of them; None where none does.

    Posts that have left the feed had ids by the same rule when they stood in it.
    """
    pairs = [(one.item.id, one.post.permalink) for one in matches if one.how is How.LINK]
    if len(pairs) < _ENOUGH:
        return None
    rules = (partial(_both, head, ending) for head in _HEADS for ending in _ENDINGS)
    return next((rule for rule in rules if all(rule(url) == identifier for identifier, url in pairs)), None)


def _both(head: Callable[[str], str], ending: Callable[[str], str], url: str) -> str:
    return head(ending(url))


def guess_zone(
    days: Sequence[tuple[dt.date, dt.datetime]], zones: Iterable[ZoneInfo], clock: dt.time
) -> ZoneInfo | None:
    """The first zone in which most moments (aware) are ``clock`` on their day: what a feed's dates were made with.

    One in five may be something else: a post that was dated anew, or of which the feed tells the last change alone.
    """
    best, fewest = None, len(days) // _FIVE + 1
    for zone in zones if days else ():
        misfits = 0
        for day, moment in days:
            misfits += not _is_at(moment, zone, day, clock)
            if misfits >= fewest:
                break
        else:
            best, fewest = zone, misfits
    return best


_FIVE = 5


def _is_at(moment: dt.datetime, zone: ZoneInfo, day: dt.date, clock: dt.time) -> bool:
    try:
        local = moment.astimezone(zone)
    except OverflowError:  # the first and the last day of the calendar
        return False
    return local.date() == day and local.time().replace(microsecond=0) == clock
