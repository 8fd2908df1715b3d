"""Which item of a running feed is which post.

By id where a post declares one; by link, then by link as loosely as readers of pages would take it, then by a former
address; at last by date and title together. Never by order: feeds leave posts out and repeat them. What more than one
could be stays unmatched: a wrong match would give a post another one's id for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from publisher.rules.differences import is_near, loosely, plain_title, when

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
        pairs = list(_pairs(open_items, open_posts, sign, signs, near=how is How.TITLE))
        for at, number in pairs:
            found.append(Match(open_items.pop(at), open_posts.pop(number), how))
    return Matches(tuple(found), tuple(open_items.values()), tuple(open_posts.values()))


_STEPS: tuple[tuple[How, Callable[[ReceivedItem], str], Callable[[Candidate], Iterable[str]]], ...] = (
    (How.ID, lambda item: item.id, lambda post: (post.declared_id,)),
    (How.LINK, lambda item: item.url, lambda post: (post.permalink,)),
    (How.LINK, lambda item: loosely(item.url), lambda post: (loosely(post.permalink),)),
    (How.FORMER, lambda item: loosely(item.url), lambda post: map(loosely, post.former)),
    (How.TITLE, lambda item: plain_title(item.title), lambda post: (plain_title(post.title),)),
)


def _pairs(
    items: Mapping[int, ReceivedItem],
    posts: Mapping[int, Candidate],
    sign: Callable[[ReceivedItem], str],
    signs: Callable[[Candidate], Iterable[str]],
    *,
    near: bool,
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
        pairs = [(at, number) for at in places for number in numbers if not near or _same_day(items[at], posts[number])]
        if len(pairs) == 1 and pairs[0][1] not in taken:
            taken.add(pairs[0][1])
            yield pairs[0]


def _same_day(item: ReceivedItem, post: Candidate) -> bool:
    """A title alone is not enough: a column has the same one every month."""
    return when(item) is not None and is_near(when(item), post.published)


# How ids are made of links, by the generators that do not simply take the link.
_RULES: tuple[Callable[[str], str], ...] = (
    lambda url: url,
    lambda url: url.removesuffix(".html"),
    lambda url: url.removesuffix("/"),
    lambda url: url.replace("https://", "http://", 1),
)
_ENOUGH = 3  # matched entries that make a rule


def rule_of_ids(matches: Iterable[Match]) -> Callable[[str], str] | None:
    """How the feed's ids follow from links, where one way explains all of them; None where none does.

    Posts that have left the feed had ids by the same rule when they stood in it.
    """
    pairs = [(one.item.id, one.item.url) for one in matches if one.item.url]
    if len(pairs) < _ENOUGH:
        return None
    return next((rule for rule in _RULES if all(rule(url) == identifier for identifier, url in pairs)), None)


def guess_zone(
    days: Sequence[tuple[dt.date, dt.datetime]], zones: Iterable[ZoneInfo], clock: dt.time
) -> ZoneInfo | None:
    """The first zone in which each moment (aware) is ``clock`` on its day: what the dates of a feed were made with."""
    if not days:
        return None

    def fits(zone: ZoneInfo) -> bool:
        local = ((day, moment.astimezone(zone)) for day, moment in days)
        return all(at.date() == day and at.time().replace(microsecond=0) == clock for day, at in local)

    return next((zone for zone in zones if fits(zone)), None)
