"""What there is to publish: the files as they are now, read where they changed, each with its id."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from publisher.content.scan import scan
from publisher.flows.bodies import decode_problems, digest_of
from publisher.flows.cards import Card, instant, is_out, moment
from publisher.flows.identities import Around, identified
from publisher.model.post import Kind
from publisher.model.problem import Level, Problem, error
from publisher.output.state import SourceRow, SpoiltState, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from publisher.content.ids import Ids
    from publisher.content.scan import Scan
    from publisher.flows.crew import Crew
    from publisher.flows.identities import Withdrawn
    from publisher.model.settings import Settings
    from publisher.output.state import BuildState


MOST_REMOVED = 100  # entries that a feed names as taken back
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything known before anything is rendered.

    ``posts`` are published, identified, newest first; ``standing`` the standing pages by title.
    ``held`` are paths whose file is refused now: what was published of them stays as it is.
    ``ids_after`` is what ids.toml should hold but for the feeds, None if nothing is to be recorded.
    ``withdrawn`` are posts that left, the last first, ``removed`` those that feeds still name as such, each
    with its moment. ``around`` is what the ids depend on. ``unread`` tells that some file could not be opened, which
    may be mended without a trace in the listing.
    """

    scan: Scan
    around: Around
    posts: tuple[Card, ...]
    standing: tuple[Card, ...]
    ids: Mapping[str, tuple[str, int]]  # path -> id and Atom's updated, an instant
    ids_before: Ids
    ids_after: Ids | None
    held: frozenset[str]
    unpublished: tuple[str, ...]
    skipped: Mapping[str, str]
    problems: tuple[Problem, ...]
    identity_problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    next_change: datetime | None
    withdrawn: tuple[Withdrawn, ...]
    removed: tuple[tuple[str, datetime], ...]
    reasons: tuple[str, ...]
    files_digest: str
    cards_digest: str
    unread: bool

    def former(self) -> dict[str, list[str]]:
        """Where posts and feeds stood before, by their id: addresses below base_url."""
        found: dict[str, list[str]] = {}
        for place, id_ in (self.ids_after or self.ids_before).former.items():
            found.setdefault(id_, []).append(place)
        return found


def survey(
    folder: Path,
    settings: Settings,
    state: BuildState,
    crew: Crew,
    now: datetime,
    *,
    full: bool,
    passed_over: frozenset[str],
    step: Callable[[int, int], None],
) -> Survey:
    """Look at the site. Records what was read in the state; writes nothing else."""
    found = scan(os.fspath(folder / settings.posts.dir), passed_over)
    reading_key = digest_of(repr((settings.site, settings.posts, settings.pages.enabled)).encode())
    known = {row.path: row for row in state.sources()}
    # Posts in what cannot be looked into have not been taken away: each is read, in vain, and so held.
    found.posts.update(dict.fromkeys(_out_of_sight(known, found), ""))
    stale = full or state.fact("reading") != reading_key
    changed = [path for path, stamp in found.posts.items() if stale or path not in known or known[path].stamp != stamp]
    rows, skipped = _read(crew, changed, known, found, step)
    state.set_sources(rows.values())
    state.forget_sources(path for path in known if path not in found.posts)
    state.set_fact("reading", reading_key)
    current = [rows.get(path) or known[path] for path in found.posts]
    cards = _cards(current)
    faulty = {row.path: decode_problems(row.problems) for row in current if row.problems}
    problems = [*_unreadable(settings, found), *(one for said in faulty.values() for one in said)]
    held = frozenset(path for path, said in faulty.items() if any(one.level is Level.ERROR for one in said))
    at = instant(now)
    out = sorted((card for card in cards if is_out(card, at)), key=lambda card: card.path)
    cards_digest = digest_of("".join([f"{card.path}\0{card.facts}\n" for card in out]).encode("utf-8", "replace"))
    posts = [card for card in out if card.kind == Kind.POST.value]
    paths = found.posts.keys() - skipped.keys()  # a stub that a post leaves behind does not stand for it
    identity = identified(folder, settings, state, posts, Around(cards_digest, paths, held), now)
    named = sorted((card for card in posts if card.path in identity.ids), key=lambda card: identity.ids[card.path][0])
    named.sort(key=lambda card: card.published, reverse=True)
    moments = [one for card in cards if not card.draft for one in (card.due, card.expires) if one and one > at]
    removed = _removed(settings, identity.withdrawn, at)
    moments += [one.at + _named_for(settings) for one in removed]
    standing = sorted((card for card in out if card.kind == Kind.PAGE.value), key=lambda card: (card.title, card.path))
    published = {card.path for card in named} | {card.path for card in standing}
    return Survey(
        scan=found,
        around=Around(cards_digest, paths, held),
        posts=tuple(named),
        standing=tuple(standing),
        ids=identity.ids,
        ids_before=identity.before,
        ids_after=identity.after,
        held=held,
        unpublished=tuple(sorted(path for path in found.posts if path not in published and path not in skipped)),
        skipped=skipped,
        problems=tuple(problems),
        identity_problems=identity.problems,
        notes=identity.notes,
        next_change=moment(min(moments)) if moments else None,
        withdrawn=identity.withdrawn,
        removed=tuple((one.id, moment(one.at)) for one in removed),
        reasons=_reasons(settings, state, [*named, *standing], found, identity.kept),
        files_digest=digest_of("\n".join(f"{path} {found.files[path]}" for path in sorted(found.files)).encode()),
        cards_digest=cards_digest,
        unread=bool(found.unreadable) or not all(row.stamp for row in current),
    )


def _removed(settings: Settings, withdrawn: Sequence[Withdrawn], at: int) -> tuple[Withdrawn, ...]:
    """What left so lately that feeds still say so; of very many the last ones."""
    span = _named_for(settings)
    lately = (one for one in withdrawn if one.at + span > at) if span else ()  # a clock that was put back is no reason
    return tuple(islice(lately, MOST_REMOVED))


def _named_for(settings: Settings) -> int:
    """For how long feeds name what was taken back, in microseconds."""
    span = settings.feeds.tombstones
    return span // _MICROSECOND if span else 0


def _out_of_sight(known: Iterable[str], found: Scan) -> list[str]:
    hidden = tuple(f"{path}/" for path, _ in found.unreadable)
    return [path for path in known if f"{path}/".startswith(hidden)] if hidden else []


def _reasons(
    settings: Settings, state: BuildState, out: list[Card], found: Scan, kept: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Why the output will differ from that of the last run, a post each. Records what is out now."""
    text = state.fact("out")
    listed = "\n".join([f"{card.path}\t{card.digest}" for card in out])
    state.set_fact("out", listed)
    if not text or text == listed:
        return ()
    before = _listed(text)
    now = _listed(listed)
    shown = settings.posts.dir
    was = {path: former for former, path in kept}
    renamed = set(was.values())
    said = [
        f"{shown}/{was[path]} is now {shown}/{path} and keeps its id" if path in was else f"{shown}/{path} is new"
        for path in now
        if path not in before
    ]
    said += [f"{shown}/{path} was edited" for path in now if path in before and before[path] != now[path]]
    for path in before:
        if path not in now and path not in renamed:
            said.append(f"{shown}/{path} is " + ("no longer published" if path in found.posts else "gone"))
    return tuple(sorted(said))


def _listed(text: str) -> dict[str, str]:
    """Paths and digests from their listing; a path has no tab that a digest could be mistaken for."""
    pairs = (line.rpartition("\t") for line in text.split("\n") if line)
    return {path: digest for path, _, digest in pairs}


def _read(
    crew: Crew,
    changed: list[str],
    known: Mapping[str, SourceRow],
    found: Scan,
    step: Callable[[int, int], None],
) -> tuple[dict[str, SourceRow], dict[str, str]]:
    rows: dict[str, SourceRow] = {}
    skipped = {path: row.card[1:] for path, row in known.items() if row.card.startswith("-") and path in found.posts}
    for number, read in enumerate(crew.read(changed), 1):
        stamp = "" if read.unread else found.posts[read.path]
        skipped.pop(read.path, None)
        if read.card:
            card = read.card
        elif read.skipped:
            card, skipped[read.path] = "-" + read.skipped, read.skipped
        else:
            # A refused file keeps the card of what was published of it before.
            card = known[read.path].card if read.path in known else ""
        rows[read.path] = SourceRow(read.path, stamp, card, read.problems)
        step(number, len(changed))
    return rows, skipped


def _cards(rows: Iterable[SourceRow]) -> list[Card]:
    texts = [row.card for row in rows if row.card and not row.card.startswith("-")]
    rows = decoded(f"[{','.join(texts)}]")
    try:
        return [Card._make(row) for row in rows]
    except TypeError as fault:
        raise SpoiltState(str(fault)) from None


def _unreadable(settings: Settings, found: Scan) -> list[Problem]:
    return [
        error(f"{settings.posts.dir}/{path}", 0, f"cannot be read: {why}", "make it readable for you, or take it away")
        for path, why in found.unreadable
    ]
