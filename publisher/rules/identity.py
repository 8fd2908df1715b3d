"""Which post is which: the rule by which no reader ever sees an old post as new.

1. An id declared in a post's frontmatter is its id.
2. A path that ids.toml knows keeps the id recorded there, unless its date, title and permalink
   have all changed: then the file holds another post.
3. Any other post is a vanished one under a new name if exactly one vanished record has its
   permalink and its date or title, or else its date and title. Records of what was published until
   now come before those withdrawn earlier. Where several would fit, the post is refused with the
   line to paste: guessing would show readers an old post as new.
4. What is left is new; its id is its first public permalink, byte for byte. Where that is already
   some other post's id, the date is added.
5. Posts that end with one id, or one permalink, are refused, all of them named; but the one that
   ids.toml knows by it stays published.

No id is ever forgotten: the record of what is published no longer is marked withdrawn, with the
moment, and stands under its id once its path belongs to another post. What is refused is not
withdrawn; its record waits as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from publisher.model.problem import Problem, error, warning

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_NAMED = 5  # posts that a problem names


@dataclass(frozen=True, slots=True)
class Record:
    """What ids.toml holds of one post. ``date`` is aware UTC; ``withdrawn`` the moment it left, whole seconds UTC."""

    path: str
    id: str
    date: dt.datetime
    title: str
    permalink: str
    withdrawn: dt.datetime | None = None


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
    now: dt.datetime,
    shown: str = "posts",
) -> Identities:
    """Give each claim its id by the rules above. The order of the claims does not matter.

    ``present`` holds every path that exists, also drafts: those have not vanished. ``held`` are
    paths of broken posts, whose records stay as they are: nothing was withdrawn by their author.
    ``shown`` is the folder by which problems name the posts.
    """
    ordered = sorted(claims, key=lambda claim: claim.path)
    settled = _by_path(ordered, known)
    fresh = [claim for claim in ordered if claim.path not in settled]
    renamed, unclear = _by_likeness(fresh, _vanished(ordered, settled, known, present))
    former = {**settled, **renamed}
    taken = {record.id for record in known.values()} | {claim.declared_id for claim in ordered}
    ids = {claim.path: _id(claim, former, taken) for claim in ordered if claim.path not in unclear}
    broken = [known[path] for path in sorted(held & known.keys())]
    clashes = tuple(_clashes(_holders(ordered, ids, former, broken), shown))
    refused = {problem.path.removeprefix(f"{shown}/") for problem in clashes}
    accepted = [claim for claim in ordered if claim.path in ids and claim.path not in refused]
    waiting = {former[path].id for path in refused & former.keys()} | {ids[path] for path in refused}
    waiting |= {record.id for records in unclear.values() for record in records}
    ambiguous = [_ambiguous(claim, unclear[claim.path], taken, shown) for claim in ordered if claim.path in unclear]
    return Identities(
        ids={claim.path: ids[claim.path] for claim in accepted},
        records=_records(accepted, ids, known, held, waiting, now.replace(microsecond=0)),
        problems=(*ambiguous, *clashes, *_redeclared(accepted, former, shown)),
        kept=tuple(_kept(accepted, ids, former)),
        moved=tuple(_moved(accepted, ids, former)),
    )


def _by_path(claims: Sequence[Claim], known: Mapping[str, Record]) -> dict[str, Record]:
    pairs = ((claim, known.get(claim.path)) for claim in claims)
    return {claim.path: record for claim, record in pairs if record and not _another_post(claim, record)}


def _another_post(claim: Claim, record: Record) -> bool:
    return claim.date != record.date and claim.title != record.title and claim.permalink != record.permalink


def _vanished(
    claims: Sequence[Claim], settled: Mapping[str, Record], known: Mapping[str, Record], present: AbstractSet[str]
) -> list[Record]:
    """Records whose file is gone or now has another id, one for each id that no other file has."""
    keeping = {claim.path for claim in claims if claim.path in settled and _keeps(claim, settled[claim.path])}
    if len(keeping) == len(claims):
        return []
    taken = {claim.declared_id or settled[claim.path].id for claim in claims if claim.path in settled}
    leaving = {claim.path for claim in claims} - keeping
    gone = [
        record
        for record in known.values()
        if record.id not in taken and (record.path not in present or record.path in leaving)
    ]
    gone.sort(key=lambda record: (record.withdrawn is None, record.path))
    return [*{record.id: record for record in gone}.values()]


def _keeps(claim: Claim, record: Record) -> bool:
    return claim.declared_id in {"", record.id}


def _by_likeness(
    fresh: Sequence[Claim], vanished: Sequence[Record]
) -> tuple[dict[str, Record], dict[str, list[Record]]]:
    """The vanished record that a fresh claim turns out to be; several of them where it cannot be told."""
    if not fresh or not vanished:
        return {}, {}
    declared = Counter(claim.declared_id for claim in fresh)
    by_id = {record.id: record for record in vanished if declared[record.id] == 1}
    found = {claim.path: by_id[claim.declared_id] for claim in fresh if claim.declared_id in by_id}
    nameless = [claim for claim in fresh if not claim.declared_id]
    gone = [record for record in vanished if record.id not in declared]
    unclear: dict[str, list[Record]] = {}
    for path, records in _by_permalink(nameless, gone):
        if len(records) == 1:
            found[path] = records[0]
        else:
            unclear[path] = records
    used = {record.id for record in found.values()}
    contested = {record.id for records in unclear.values() for record in records}
    rest = [claim for claim in nameless if claim.path not in found and claim.path not in unclear]
    for paths, records in _by_date_and_title(rest, [record for record in gone if record.id not in used]):
        if len(paths) == len(records) == 1 and records[0].id not in contested:
            found[paths[0]] = records[0]
        else:
            unclear.update(dict.fromkeys(paths, records))
    return found, unclear


def _by_permalink(claims: Sequence[Claim], gone: Sequence[Record]) -> Iterator[tuple[str, list[Record]]]:
    records: dict[str, list[Record]] = defaultdict(list)
    for record in gone:
        records[record.permalink].append(record)
    claimed = Counter(claim.permalink for claim in claims)
    for claim in claims:
        fitting = records.get(claim.permalink)
        if fitting and claimed[claim.permalink] == 1 and (likeliest := _likeliest(claim, fitting)):
            yield claim.path, likeliest


def _likeliest(claim: Claim, records: Sequence[Record]) -> list[Record]:
    ranks: dict[tuple[bool, bool], list[Record]] = defaultdict(list)
    for record in records:
        same_date, same_title = record.date == claim.date, record.title == claim.title
        if same_date or same_title:
            ranks[not (same_date and same_title), record.withdrawn is not None].append(record)
    return ranks[min(ranks)] if ranks else []


def _by_date_and_title(claims: Sequence[Claim], gone: Sequence[Record]) -> Iterator[tuple[list[str], list[Record]]]:
    come: dict[tuple[dt.datetime, str], list[str]] = defaultdict(list)
    left: dict[tuple[dt.datetime, str], list[Record]] = defaultdict(list)
    for claim in claims:
        come[claim.date, claim.title].append(claim.path)
    for record in gone:
        left[record.date, record.title].append(record)
    for key, paths in come.items():
        if records := left.get(key):
            yield paths, [record for record in records if record.withdrawn is None] or records


def _ambiguous(claim: Claim, records: Sequence[Record], taken: AbstractSet[str], shown: str) -> Problem:
    ordered = sorted(records, key=lambda record: record.path)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    names = ", ".join(record.path for record in ordered[:_NAMED]) + more
    lines = " or ".join(f'id = "{record.id}"' for record in ordered[:_NAMED])
    return error(
        f"{shown}/{claim.path}",
        0,
        f"could be a renamed post ({names}) or a new one: there is more than one way to pair them",
        f"put the id it is to have into its frontmatter (in YAML with : for =): {lines}; "
        f'for a new post: id = "{_first_id(claim, taken)}"',
    )


def _id(claim: Claim, former: Mapping[str, Record], taken: AbstractSet[str]) -> str:
    if claim.declared_id:
        return claim.declared_id
    return former[claim.path].id if claim.path in former else _first_id(claim, taken)


def _first_id(claim: Claim, taken: AbstractSet[str]) -> str:
    dated = f"{claim.permalink}#{claim.date.replace(microsecond=0, tzinfo=None).isoformat()}Z"
    numbered = (f"{dated}.{number}" for number in count(2))
    return next(one for one in chain((claim.permalink, dated), numbered) if one not in taken)


@dataclass(frozen=True, slots=True)
class _Holder:
    """A post that holds an id and a permalink now; ``former`` is what ids.toml says of it."""

    path: str
    id: str
    permalink: str
    former: Record | None
    broken: bool = False  # its file is, so there is nothing more to be said about it


def _holders(
    claims: Sequence[Claim], ids: Mapping[str, str], former: Mapping[str, Record], held: Iterable[Record]
) -> list[_Holder]:
    claimed = {claim.path for claim in claims}
    return [
        *(_Holder(c.path, ids[c.path], c.permalink, former.get(c.path)) for c in claims if c.path in ids),
        *(_Holder(r.path, r.id, r.permalink, r, broken=True) for r in held if r.path not in claimed),
    ]


def _clashes(holders: Sequence[_Holder], shown: str) -> Iterator[Problem]:
    remedies = {
        "permalink": "give it another slug, or a permalink of its own",
        "id": "give it an id of its own in its frontmatter",
    }
    said: set[tuple[str, ...]] = set()  # posts with one permalink often have one id too: once is enough
    for what, remedy in remedies.items():
        groups: dict[str, list[_Holder]] = defaultdict(list)
        for holder in holders:
            groups[getattr(holder, what)].append(holder)
        for value, group in groups.items():
            refused = _refused(group, what) if len(group) > 1 else []
            paths = tuple(one.path for one in refused)
            for one in refused if paths not in said else ():
                twins = [f"{shown}/{other.path}" for other in islice(group, _NAMED + 1) if other is not one][:_NAMED]
                more = len(group) - 1 - len(twins)
                others = ", ".join(twins) + (f" and {more} more" if more else "")
                yield error(f"{shown}/{one.path}", 0, f"has the same {what} as {others}: {value}", remedy)
            said.add(paths)


def _refused(group: Sequence[_Holder], what: str) -> list[_Holder]:
    """All that share an id or permalink, but for the one that ids.toml knows by it, if there is one."""
    own = [one for one in group if one.former and getattr(one.former, what) == getattr(one, what)]
    incumbents = [one for one in own if one.former and one.former.withdrawn is None] or own
    return [one for one in group if not one.broken and [one] != incumbents]


def _redeclared(accepted: Sequence[Claim], former: Mapping[str, Record], shown: str) -> Iterator[Problem]:
    for claim in accepted:
        record = former.get(claim.path)
        if record and claim.declared_id and claim.declared_id != record.id:
            yield warning(
                f"{shown}/{claim.path}",
                0,
                f"its id was {record.id} and is now {claim.declared_id}: readers will see it as new",
                f'to keep the former one, put it there: id = "{record.id}" (in YAML with : for =)',
            )


def _kept(accepted: Sequence[Claim], ids: Mapping[str, str], former: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    for claim in accepted:
        record = former.get(claim.path)
        # A record whose path was given away stands under its id, which is no file's name.
        if record and record.id == ids[claim.path] and record.path not in {claim.path, record.id}:
            yield record.path, claim.path


def _moved(accepted: Sequence[Claim], ids: Mapping[str, str], former: Mapping[str, Record]) -> Iterator[str]:
    for claim in accepted:
        record = former.get(claim.path)
        if record and record.id == ids[claim.path] and record.permalink != claim.permalink:
            yield claim.path


def _records(
    accepted: Sequence[Claim],
    ids: Mapping[str, str],
    known: Mapping[str, Record],
    held: AbstractSet[str],
    waiting: AbstractSet[str],
    now: dt.datetime,
) -> tuple[Record, ...]:
    """What ids.toml is to hold, sorted by path. ``waiting`` are ids of posts that are refused now."""
    records = {
        claim.path: Record(claim.path, ids[claim.path], claim.date, claim.title, claim.permalink) for claim in accepted
    }
    live = {record.id for record in records.values()}
    for path, record in known.items():
        if record.id in live:
            continue
        place = record.id if path in records else path
        stays = place in held or record.id in waiting
        records[place] = replace(record, path=place, withdrawn=record.withdrawn if stays else record.withdrawn or now)
    return tuple(records[path] for path in sorted(records))
