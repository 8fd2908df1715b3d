"""Ids for the posts that are out: from the build state while nothing that bears on them changes, else by the rules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from publisher.content import ids as ids_file
from publisher.errors import IdentityError
from publisher.flows.bodies import decode_problems, digest_of, encode_problems
from publisher.flows.cards import Card, instant, moment
from publisher.model.problem import Problem, note, warning
from publisher.output.state import SpoiltState, decoded
from publisher.rules.identity import Claim, identify
from publisher.rules.selection import TIE_SECONDS, part_updates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from pathlib import Path

    from publisher.content.ids import Ids
    from publisher.model.settings import Settings
    from publisher.output.state import BuildState
    from publisher.rules.identity import Identities, Record

_PLACEHOLDERS = frozenset({"example.com", "example.org", "example.net", "localhost", "127.0.0.1", "::1"})
_PLACEHOLDER_ENDS = (".example.com", ".example.org", ".example.net", ".example", ".invalid", ".localhost")
_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_PARTED = TIE_SECONDS * 1_000_000
_LAST = 253_402_214_400_000_000  # 9999-12-31: the calendar ends
_NAMED = 3  # posts that are named before the rest are counted


@dataclass(frozen=True, slots=True)
class Around:
    """What ids depend on besides ids.toml: the cards that are out, all paths there are, and those held."""

    cards: str
    paths: AbstractSet[str]
    held: AbstractSet[str]


class Withdrawn(NamedTuple):
    """A post that left: its id, where it stood, and when it went, an instant."""

    id: str
    permalink: str
    at: int


@dataclass(frozen=True, slots=True)
class Identified:
    """Ids, and what became of the records; ``after`` is None if nothing is to be recorded.

    ``withdrawn`` are posts that left, the last one first: id, permalink, and when, an instant.
    """

    ids: Mapping[str, tuple[str, int]]
    before: Ids
    after: Ids | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()


def is_placeholder(base_url: str) -> bool:
    """Whether an address is nobody's home: ids are not recorded while a site has one (RFC 2606, RFC 6761)."""
    host = urlsplit(base_url).hostname or ""
    return host in _PLACEHOLDERS or host.endswith(_PLACEHOLDER_ENDS)


def read_ids(folder: Path) -> str:
    """The text of ids.toml; empty where there is none. Raises IdentityError if it cannot be read."""
    path, remedy = folder / ids_file.FILE, "take the file from your version control"
    if path.is_fifo():  # it would be waited for without end
        raise IdentityError(f"{ids_file.FILE} cannot be read: it is a pipe", remedy)
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as fault:
        raise IdentityError(f"{ids_file.FILE} cannot be read: {fault}", remedy) from None


def identified(
    folder: Path, settings: Settings, state: BuildState, posts: Sequence[Card], around: Around, now: datetime
) -> Identified:
    """Ids and Atom's updated for these posts, by rules/identity.py."""
    text = read_ids(folder)
    cached = decoded(state.fact("identity") or "{}")
    if not isinstance(cached, dict):
        raise SpoiltState("identity")
    if cached.get("key") == _key(text, around, settings):
        ids = {path: (one[0], one[1]) for path, one in cached["ids"].items()}
        withdrawn = tuple(Withdrawn(*one) for one in cached.get("withdrawn", ()))
        return Identified(
            ids, ids_file.parse_head(text), problems=decode_problems(cached["problems"]), withdrawn=withdrawn
        )
    before = ids_file.parse(text)
    _refuse_unusable(before)
    if not around.held and before.site == site_facts(settings) and _settled(posts, before.records):
        return Identified(_with_updates(posts, {path: one.id for path, one in before.records.items()}), before)
    claims = [Claim(c.path, c.declared_id, moment(c.published), c.title, c.permalink) for c in posts]
    made = identify(claims, before.records, around.paths, around.held, now, settings.posts.dir)
    ids = _with_updates(posts, made.ids)
    if is_placeholder(settings.site.base_url):
        return Identified(ids, before, problems=made.problems, kept=made.kept)
    records = {record.path: record for record in made.records}
    after = replace(before, records=records, site=site_facts(settings), former=_former(before, made, settings))
    said = _said(before, made.moved, settings)
    return Identified(ids, before, after, made.problems, said, made.kept, _withdrawn(made.records))


def _former(before: Ids, made: Identities, settings: Settings) -> Mapping[str, str]:
    """Where posts and feeds stood before, below base_url, whichever that was: each place with the id it led to.

    An id tells of the first address itself, as long as it is one of this domain.
    """
    base = settings.site.base_url
    last = before.site.get("base_url", base)
    if not made.moved and last == base:
        return before.former
    inner = last.removeprefix(base) if last.startswith(base) else ""  # the site stood in a folder of its host
    live = [record for record in made.records if not record.withdrawn]
    stood = {record.id: record.permalink for record in before.records.values()}
    left = [(stood.get(record.id, ""), record.id) for record in live]
    if last != base:
        left = [*((one, one) for one in (*before.feeds.values(), *(record.id for record in live))), *left]
    found = {inner + place: one for place, one in before.former.items()}
    found |= {inner + url.removeprefix(last): one for url, one in left if url.startswith(last) and "#" not in url}
    here = {record.permalink.removeprefix(base): record.id for record in live}
    return {place: one for place, one in found.items() if place and one not in {here.get(place), base + place}}


def _withdrawn(records: Iterable[Record]) -> tuple[Withdrawn, ...]:
    """Posts that left, the last first. What is withdrawn since the beginning of time never was ours (see moving.py).

    None left before it was there: a date alone may be later than the moment, and in Atom it is parted from others
    (``part_updates``). A reader heeds a tombstone only if it is later than the entry (RFC 6721 section 3).
    """
    left = ((record, instant(record.withdrawn)) for record in records if record.withdrawn)
    found = (
        Withdrawn(record.id, record.permalink, max(at, min(instant(record.date) + _PARTED, _LAST)))
        for record, at in left
        if at > 0
    )
    return tuple(sorted(found, key=lambda one: (-one.at, one.id)))


def _refuse_unusable(ids: Ids) -> None:
    """Raise IdentityError for an id that no feed can hold: only a spoilt ids.toml has one."""
    named = chain(((path, record.id) for path, record in ids.records.items()), ids.feeds.items())
    spoilt = next((name for name, one in named if not one.isprintable() and _UNUSABLE.search(one)), None)
    if spoilt is not None:
        raise IdentityError(
            f'{ids_file.FILE}: the id of "{spoilt}" holds a control character',
            "take the line from your version control",
        )


def _settled(posts: Sequence[Card], records: Mapping[str, Record]) -> bool:
    """Whether the posts are exactly those of ids.toml, as it has them: then there is nothing to decide or record."""
    if len(posts) != len(records) or len({one.id for one in records.values()}) != len(records):
        return False
    found = ((card, records.get(card.path)) for card in posts)
    return len({card.permalink for card in posts}) == len(posts) and all(
        record is not None
        and record.withdrawn is None
        and record.permalink == card.permalink
        and record.title == card.title
        and instant(record.date) == card.published
        and card.declared_id in {"", record.id}
        for card, record in found
    )


def _with_updates(posts: Sequence[Card], ids: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    accepted = [card for card in posts if card.path in ids]
    parted = part_updates([(ids[c.path], moment(c.updated), c.updated_date_only) for c in accepted])
    return {c.path: (ids[c.path], instant(at)) for c, at in zip(accepted, parted, strict=True)}


def remember(
    state: BuildState,
    settings: Settings,
    around: Around,
    text: str,
    ids: Mapping[str, tuple[str, int]],
    problems: Sequence[Problem],
    withdrawn: Sequence[Withdrawn],
) -> None:
    """Keep the ids for as long as ids.toml (now ``text``) and what they depend on stay as they are."""
    key = _key(text, around, settings)
    if not state.fact("identity").startswith(f'{{"key": "{key}"'):
        kept = {"key": key, "ids": ids, "problems": encode_problems(problems), "withdrawn": withdrawn}
        state.set_fact("identity", json.dumps(kept))


def _key(text: str, around: Around, settings: Settings) -> str:
    asked = repr((site_facts(settings), settings.feeds, sorted(around.held), Withdrawn._fields))
    return digest_of("\0".join((text, around.cards, *sorted(around.paths), asked)).encode("utf-8", "replace"))


def site_facts(settings: Settings) -> dict[str, str]:
    """The settings that dates and permalinks come from, as ids.toml remembers them."""
    return {
        "base_url": settings.site.base_url,
        "timezone": str(settings.site.timezone),
        "time_of_day": settings.posts.time_of_day.isoformat("minutes"),
    }


def _said(before: Ids, moved: tuple[str, ...], settings: Settings) -> tuple[Problem, ...]:
    """What the author should hear before it is done: addresses and dates that move."""
    said = []
    if moved:
        names = ", ".join(moved[:_NAMED]) + (f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else "")
        words = "1 post has a new address and keeps its id" if len(moved) == 1 else ""
        words = words or f"{len(moved)} posts have a new address and keep their ids"
        said.append(note("", 0, f"{words}: {names}"))
    facts = site_facts(settings)
    for key in ("timezone", "time_of_day"):
        former = before.site.get(key)
        if former and former != facts[key]:
            message = f"{key} was {former} and is now {facts[key]}: dates without a time or zone move with it"
            said.append(warning("config.toml", 0, message, f"put {former} back if that is not meant"))
    return tuple(said)
