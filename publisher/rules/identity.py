"""Which post is which: the rule by which no reader ever sees an old post as new.

1. An id declared in a post's frontmatter is its id.
2. A path that ids.toml knows keeps the id recorded there, unless its date, title and permalink
   have all changed: then the file holds another post.
3. A path that ids.toml does not know is a vanished post under a new name if exactly one vanished
   record has its permalink, or else its date and title. Where several would fit, the post is
   refused with the line to paste: guessing would show readers an old post as new.
4. Any other post is new; its id is its first public permalink, byte for byte. Where that is
   already some other post's id, the date is added.
5. Posts that end with one id, or one permalink, are refused, all of them named; but the one that
   ids.toml knows by it stays published.

A record is never dropped: what is published no longer is marked withdrawn, with the day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.model.problem import Problem, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    import datetime as dt


@dataclass(frozen=True, slots=True)
class Record:
    """What ids.toml holds of one post. ``date`` is aware UTC; ``withdrawn`` the day it left."""

    path: str
    id: str
    date: dt.datetime
    title: str
    permalink: str
    withdrawn: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A post that is to be published, as far as its identity goes."""

    path: str
    declared_id: str
    date: dt.datetime
    title: str
    permalink: str


@dataclass(frozen=True, slots=True)
class Identities:
    """Who is who. ``ids`` maps the path of every accepted post to its id; ``records`` is sorted by path.

    ``kept`` pairs (former path, path) of posts recognised under a new name, ``moved`` names the
    paths whose permalink changed while their id stayed.
    """

    ids: Mapping[str, str]
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    kept: tuple[tuple[str, str], ...]
    moved: tuple[str, ...]


def identify(
    claims: Iterable[Claim],
    known: Mapping[str, Record],
    present: AbstractSet[str],
    held: AbstractSet[str],
    today: dt.date,
    shown: str = "posts",
) -> Identities:
    """Give each claim its id by the rules above.

    ``present`` holds every path that exists, also drafts: those have not vanished. ``held`` are
    paths of broken posts, whose records stay as they are: nothing was withdrawn by their author.
    ``shown`` is the folder by which problems name the posts.
    """
    ordered = sorted(claims, key=lambda claim: claim.path)
    settled, fresh = _by_path(ordered, known)
    vanished = [record for record in known.values() if record.path not in present or _replaced(record, settled, fresh)]
    problems: list[Problem] = []
    renamed = _by_likeness(fresh, vanished, problems, shown)
    refused = _paths(problems, shown)
    taken = {record.id for record in known.values()}
    ids = {**settled, **{path: record.id for path, record in renamed.items()}}
    for claim in fresh:
        if claim.path not in ids and claim.path not in refused:
            ids[claim.path] = claim.declared_id or _first_id(claim, taken)
    ids.update({claim.path: claim.declared_id for claim in ordered if claim.declared_id})
    problems += _shared(ordered, ids, known, shown)
    ids = {path: value for path, value in ids.items() if path not in _paths(problems, shown)}
    accepted = [claim for claim in ordered if claim.path in ids]
    return Identities(
        ids=ids,
        records=_records(accepted, ids, known, {record.path for record in renamed.values()}, held, today),
        problems=(*problems, *_redeclared(accepted, ids, known, shown)),
        kept=tuple(sorted((record.path, path) for path, record in renamed.items() if path in ids)),
        moved=tuple(
            claim.path for claim in accepted if claim.path in known and known[claim.path].permalink != claim.permalink
        ),
    )


def _by_path(claims: Sequence[Claim], known: Mapping[str, Record]) -> tuple[dict[str, str], list[Claim]]:
    settled: dict[str, str] = {}
    fresh: list[Claim] = []
    for claim in claims:
        record = known.get(claim.path)
        if record is None or _another_post(claim, record):
            fresh.append(claim)
        else:
            settled[claim.path] = record.id
    return settled, fresh


def _another_post(claim: Claim, record: Record) -> bool:
    return claim.date != record.date and claim.title != record.title and claim.permalink != record.permalink


def _replaced(record: Record, settled: Mapping[str, str], fresh: Sequence[Claim]) -> bool:
    return record.path not in settled and any(claim.path == record.path for claim in fresh)


def _by_likeness(
    fresh: Sequence[Claim], vanished: Sequence[Record], problems: list[Problem], shown: str
) -> dict[str, Record]:
    """Vanished records that fresh claims turn out to be; a problem for each that cannot be told."""
    if not fresh or not vanished:
        return {}
    found = _by_permalink(fresh, vanished)
    gone: dict[tuple[dt.datetime, str], list[Record]] = defaultdict(list)
    come: dict[tuple[dt.datetime, str], list[Claim]] = defaultdict(list)
    used = {record.path for record in found.values()}
    for record in vanished:
        if record.path not in used:
            gone[record.date, record.title].append(record)
    for claim in fresh:
        if claim.path not in found and not claim.declared_id:
            come[claim.date, claim.title].append(claim)
    for key, claims in come.items():
        records = gone.get(key, [])
        if len(records) == 1 and len(claims) == 1:
            found[claims[0].path] = records[0]
        elif records:
            problems += [_ambiguous(claim, records, shown) for claim in claims]
    return found


def _by_permalink(fresh: Sequence[Claim], vanished: Sequence[Record]) -> dict[str, Record]:
    records = {record.permalink: record for record in vanished if record.withdrawn is None}
    pairs = ((claim, records.get(claim.permalink)) for claim in fresh)
    return {
        claim.path: record
        for claim, record in pairs
        if record is not None and (record.date == claim.date or record.title == claim.title)
    }


def _ambiguous(claim: Claim, records: Sequence[Record], shown: str) -> Problem:
    names = ", ".join(record.path for record in records)
    lines = " or ".join(f'id = "{record.id}"' for record in records)
    return error(
        f"{shown}/{claim.path}",
        0,
        f"could be a renamed post ({names}) or a new one: date and title are the same",
        f'put the id it is to have into its frontmatter: {lines}; for a new post: id = "{claim.permalink}"',
    )


def _first_id(claim: Claim, taken: AbstractSet[str]) -> str:
    if claim.permalink not in taken:
        return claim.permalink
    return f"{claim.permalink}#{claim.date:%Y-%m-%dT%H:%M:%SZ}"


def _shared(claims: Sequence[Claim], ids: Mapping[str, str], known: Mapping[str, Record], shown: str) -> list[Problem]:
    by_id: dict[str, list[str]] = defaultdict(list)
    by_permalink: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        if claim.path in ids:
            by_id[ids[claim.path]].append(claim.path)
            by_permalink[claim.permalink].append(claim.path)
    own_id = {path: record.id for path, record in known.items()}
    own_permalink = {path: record.permalink for path, record in known.items()}
    return [
        *_clashes("id", by_id, own_id, "give it an id of its own in its frontmatter", shown),
        *_clashes("permalink", by_permalink, own_permalink, "give it another slug, or a permalink of its own", shown),
    ]


def _clashes(
    what: str, groups: Mapping[str, list[str]], owners: Mapping[str, str], remedy: str, shown: str
) -> Iterable[Problem]:
    for value, paths in groups.items():
        incumbents = [path for path in paths if owners.get(path) == value]
        refused = [path for path in paths if len(incumbents) != 1 or path not in incumbents]
        for path in refused if len(paths) > 1 else ():
            others = ", ".join(f"{shown}/{other}" for other in paths if other != path)
            yield error(f"{shown}/{path}", 0, f"has the same {what} as {others}: {value}", remedy)


def _paths(problems: Iterable[Problem], shown: str) -> set[str]:
    return {problem.path.removeprefix(shown + "/") for problem in problems}


def _redeclared(
    accepted: Sequence[Claim], ids: Mapping[str, str], known: Mapping[str, Record], shown: str
) -> list[Problem]:
    return [
        warning(
            f"{shown}/{claim.path}",
            0,
            f"its id was {known[claim.path].id} and is now {ids[claim.path]}: readers will see it as new",
            "take the id out of the frontmatter to keep the former one",
        )
        for claim in accepted
        if claim.declared_id and claim.path in known and known[claim.path].id != claim.declared_id
    ]


def _records(
    accepted: Sequence[Claim],
    ids: Mapping[str, str],
    known: Mapping[str, Record],
    renamed_from: AbstractSet[str],
    held: AbstractSet[str],
    today: dt.date,
) -> tuple[Record, ...]:
    live = {
        claim.path: Record(claim.path, ids[claim.path], claim.date, claim.title, claim.permalink) for claim in accepted
    }
    live_ids = {record.id for record in live.values()}
    records = dict(live)
    for path, record in known.items():
        if path in live or path in renamed_from or record.id in live_ids:
            continue
        records[path] = record if path in held else replace(record, withdrawn=record.withdrawn or today)
    return tuple(records[path] for path in sorted(records))
