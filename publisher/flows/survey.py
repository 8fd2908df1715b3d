"""What there is to publish: the files as they are now, read where they changed, each with its id."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.content import ids as ids_file
from publisher.content.scan import scan
from publisher.errors import IdentityError
from publisher.flows.bodies import decode_problems, digest_of, encode_problems
from publisher.flows.cards import Card, instant, is_out, moment
from publisher.model.post import Kind
from publisher.model.problem import Level, Problem, error, note, warning
from publisher.output.state import SourceRow
from publisher.rules.identity import Claim, identify
from publisher.rules.selection import part_updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from publisher.content.ids import Ids
    from publisher.content.scan import Scan
    from publisher.flows.crew import Crew
    from publisher.model.settings import Settings
    from publisher.output.state import BuildState

PLACEHOLDERS = ("example.com", "example.org", "example.net", "localhost", "127.0.0.1", "[::1]")
_PLACEHOLDER_ENDS = (".example.com", ".example.org", ".example.net", ".example", ".invalid", ".localhost")


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything known before anything is rendered.

    ``posts`` are published, identified, newest first; ``standing`` the standing pages by title.
    ``candidates`` are all posts that are out, before identity had its say. ``held`` are paths whose
    file is refused now: what was published of them stays as it is. ``ids_after`` is what ids.toml
    should hold but for the feeds, None if nothing is to be recorded.
    """

    scan: Scan
    candidates: tuple[Card, ...]
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
    reasons: tuple[str, ...]
    files_digest: str


def is_placeholder(base_url: str) -> bool:
    """Whether an address is nobody's home: ids are not recorded while a site has one (RFC 2606, RFC 6761)."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - config has imported it already

    host = urlsplit(base_url).hostname or ""
    return host in PLACEHOLDERS or host.endswith(_PLACEHOLDER_ENDS)


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
    reading_key = digest_of(repr((settings.site, settings.posts)).encode())
    known = {row.path: row for row in state.sources()}
    stale = full or state.fact("reading") != reading_key
    changed = [path for path, stamp in found.posts.items() if stale or path not in known or known[path].stamp != stamp]
    rows, skipped = _read(crew, changed, known, found, step)
    state.set_sources(rows.values())
    state.forget_sources(path for path in known if path not in found.posts)
    state.set_fact("reading", reading_key)
    current = [rows.get(path) or known[path] for path in found.posts]
    cards = _cards(current)
    problems = [*_unreadable(settings, found), *(one for row in current for one in decode_problems(row.problems))]
    held = frozenset(row.path for row in current if _is_refused(row))
    at = instant(now)
    out = [card for card in cards if is_out(card, at)]
    posts = [card for card in out if card.kind == Kind.POST.value]
    identity = _identified(folder, settings, state, posts, found, held, now)
    named = sorted((card for card in posts if card.path in identity.ids), key=lambda card: identity.ids[card.path][0])
    named.sort(key=lambda card: card.published, reverse=True)
    moments = [one for card in cards if not card.draft for one in (card.due, card.expires) if one and one > at]
    standing = sorted((card for card in out if card.kind == Kind.PAGE.value), key=lambda card: (card.title, card.path))
    published = {card.path for card in named} | {card.path for card in standing}
    return Survey(
        scan=found,
        candidates=tuple(posts),
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
        reasons=_reasons(settings, state, [*named, *standing], found, identity.kept),
        files_digest=digest_of("\n".join(f"{path} {found.files[path]}" for path in sorted(found.files)).encode()),
    )


def _reasons(
    settings: Settings, state: BuildState, out: list[Card], found: Scan, kept: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Why the output will differ from that of the last run, a post each. Records what is out now."""
    text = state.fact("out")
    now = {card.path: card.digest for card in out}
    state.set_fact("out", json.dumps(now))
    if not text:
        return ()
    before = json.loads(text)
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
        stamp = found.posts[read.path]
        skipped.pop(read.path, None)
        if read.card is not None:
            card = json.dumps(read.card, ensure_ascii=False)
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
    return [Card._make(values) for values in json.loads(f"[{','.join(texts)}]")]


def _is_refused(row: SourceRow) -> bool:
    return any(one.level is Level.ERROR for one in decode_problems(row.problems))


def _unreadable(settings: Settings, found: Scan) -> list[Problem]:
    return [
        error(f"{settings.posts.dir}/{path}", 0, f"cannot be read: {why}", "make it readable for you, or take it away")
        for path, why in found.unreadable
    ]


@dataclass(frozen=True, slots=True)
class _Identity:
    ids: Mapping[str, tuple[str, int]]
    before: Ids
    after: Ids | None
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    kept: tuple[tuple[str, str], ...] = ()


def read_ids(folder: Path) -> str:
    """The text of ids.toml; empty where there is none. Raises IdentityError if it cannot be read."""
    try:
        return (folder / ids_file.FILE).read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as fault:
        raise IdentityError(
            f"{ids_file.FILE} cannot be read: {fault}", "take the file from your version control"
        ) from None


def _identified(
    folder: Path,
    settings: Settings,
    state: BuildState,
    posts: list[Card],
    found: Scan,
    held: frozenset[str],
    now: datetime,
) -> _Identity:
    """Ids by rules/identity.py; taken from the state when nothing that bears on them has changed."""
    text = read_ids(folder)
    key = _identity_key(text, posts, found, held, settings)
    cached = json.loads(state.fact("identity") or "{}")
    if cached.get("key") == key:
        ids = {path: (value[0], value[1]) for path, value in cached["ids"].items()}
        return _Identity(ids, ids_file.parse_head(text), None, decode_problems(cached["problems"]), ())
    before = ids_file.parse(text)
    shown = settings.posts.dir
    claims = [Claim(c.path, c.declared_id, moment(c.published), c.title, c.permalink) for c in posts]
    today = now.astimezone(settings.site.timezone).date()
    made = identify(claims, before.records, found.posts.keys(), held, today, shown)
    accepted = [card for card in posts if card.path in made.ids]
    parted = part_updates([(made.ids[c.path], moment(c.updated), c.updated_date_only) for c in accepted])
    ids = {c.path: (made.ids[c.path], instant(at)) for c, at in zip(accepted, parted, strict=True)}
    if is_placeholder(settings.site.base_url):
        return _Identity(ids, before, None, made.problems, (), made.kept)
    after = replace(before, records={record.path: record for record in made.records}, site=_site_facts(settings))
    return _Identity(ids, before, after, made.problems, _said(before, made.moved, settings), made.kept)


def remember_identity(state: BuildState, settings: Settings, seen: Survey, text: str) -> None:
    """Keep the ids for as long as ids.toml (now ``text``), the posts and the files stay as they are."""
    key = _identity_key(text, seen.candidates, seen.scan, seen.held, settings)
    problems = encode_problems(seen.identity_problems)
    state.set_fact("identity", json.dumps({"key": key, "ids": seen.ids, "problems": problems}))


def _identity_key(text: str, posts: Iterable[Card], found: Scan, held: frozenset[str], settings: Settings) -> str:
    facts = "".join(sorted(f"{card.path}\0{card.facts}\n" for card in posts))
    asked = repr((_site_facts(settings), settings.feeds, sorted(held)))
    return digest_of("\0".join((text, facts, *sorted(found.posts), asked)).encode("utf-8", "replace"))


def _site_facts(settings: Settings) -> dict[str, str]:
    return {
        "base_url": settings.site.base_url,
        "timezone": str(settings.site.timezone),
        "time_of_day": settings.posts.time_of_day.isoformat("minutes"),
    }


def _said(before: Ids, moved: tuple[str, ...], settings: Settings) -> tuple[Problem, ...]:
    """What the author should hear before it is done: addresses and dates that move."""
    said = []
    if moved:
        names = ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")  # noqa: PLR2004 - a taste
        said.append(note("", 0, f"{len(moved)} posts have a new address and keep their ids: {names}"))
    facts = _site_facts(settings)
    for key in ("timezone", "time_of_day"):
        former = before.site.get(key)
        if former and former != facts[key]:
            said.append(
                warning(
                    "config.toml",
                    0,
                    f"{key} was {former} and is now {facts[key]}: dates without a time or zone move with it",
                    f"put {former} back if that is not meant",
                )
            )
    return tuple(said)
