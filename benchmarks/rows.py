"""What is measured, row by row. Each function measures on sites made for it and yields lines of the table."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import measure, sites, table
from benchmarks.measure import Side
from benchmarks.posts import Batch
from benchmarks.sites import Arrangement, Hugo, Ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.table import Line

EVERY = Arrangement(limit=0)
NEWEST = Arrangement(limit=20)
FEEDS = Arrangement(limit=20, pages=False)

_NAMES = {EVERY: "every post in the feed", NEWEST: "newest 20 in the feed", FEEDS: "newest 20, feeds only"}
_STARTS = 5  # times as many pairs where a run takes but a tenth of a second


@dataclass(frozen=True, slots=True)
class Room:
    """Where and with what to measure. ``peers`` is None to measure our side alone."""

    folder: Path
    publish: str
    written: Batch
    fewer: Batch
    pairs: int
    peers: Path | None
    note: Callable[[str], None]

    def ours(self, name: str, written: Batch) -> Ours:
        """A new site of ours."""
        return Ours(self.publish, _made(self.folder / name), written)


def measured(room: Room, wanted: set[int]) -> Iterator[Line]:
    """The lines of all rows whose numbers are wanted: 1 to 3 cold, 4 unchanged, 5 one change, 6 Pelican, 7 starts."""
    ours = room.ours("ours", room.written)
    hugo = Hugo(room.peers, _made(room.folder / "hugo"), room.written) if room.peers else None
    for arrangement, cold, goal in ((EVERY, 1, 0.4), (NEWEST, 2, 0.6), (FEEDS, 3, 1.0)):
        later = wanted & {4, 5} if arrangement.pages else set()
        if cold not in wanted and not later:
            continue
        _prepare(ours, hugo, arrangement)
        if cold in wanted:
            yield from _cold(room, ours, hugo, arrangement, goal)
        if 4 in later:
            yield _unchanged(room, ours, hugo, arrangement)
        if 5 in later:
            yield from _one_changed(room, ours, hugo, arrangement)
    if 6 in wanted:
        yield _pelican(room)
    if 7 in wanted:
        yield from _starts(room, ours)


def _prepare(ours: Ours, hugo: Hugo | None, arrangement: Arrangement) -> None:
    for site in (ours, hugo):
        if site:
            site.prepare(arrangement)
            sites.require_equal_work(site.folder / sites.OUTPUT, site.written, arrangement)


def _cold(room: Room, ours: Ours, hugo: Hugo | None, arrangement: Arrangement, goal: float) -> Iterator[Line]:
    work = f"cold, {_posts(room.written)}, {_NAMES[arrangement]}" + (", a page each" if arrangement.pages else "")
    peer = hugo.cold() if hugo else None
    times, others = measure.alternate(ours.cold(), peer, room.pairs)
    yield table.of_times(work, times, "Hugo", others, goal)
    if arrangement == EVERY:
        mine = measure.memory(ours.cold())
        theirs = measure.memory(peer) if peer else None
        yield table.of_memory("the same, memory", mine.tree, "Hugo", theirs.tree if theirs else 0, 0.15)
        room.note(f"largest single process: ours {table.megabytes(mine.largest)}" + _largest(theirs))
    _note_unknown(room, ours, arrangement, times.median)


def _largest(memory: measure.Memory | None) -> str:
    return f", Hugo {table.megabytes(memory.largest)}" if memory else ""


def _note_unknown(room: Room, ours: Ours, arrangement: Arrangement, known: float) -> None:
    """The very first run, without ids.toml, is told only if it takes another time."""
    took = measure.alternate(ours.unknown(), None, room.pairs)[0].median
    if not 0.85 < took / known < 1.15:
        room.note(f"{_NAMES[arrangement]}, first run without ids.toml: {took / known:.2f} of the cold run with it")


def _unchanged(room: Room, ours: Ours, hugo: Hugo | None, arrangement: Arrangement) -> Line:
    ours.publish()
    times, others = measure.alternate(ours.settled(), hugo.settled() if hugo else None, room.pairs)
    work = f"nothing changed, {_posts(room.written)}, {_NAMES[arrangement]}"
    return table.of_times(work, times, "Hugo", others, 0.02)


def _one_changed(room: Room, ours: Ours, hugo: Hugo | None, arrangement: Arrangement) -> Iterator[Line]:
    for name, which in (("a post of the middle", len(room.written) // 2), ("the newest post", -1)):
        peer = hugo.edited(which) if hugo else None
        times, others = measure.alternate(ours.edited(which), peer, room.pairs)
        work = f"{name} changed, {_posts(room.written)}, {_NAMES[arrangement]}"
        yield table.of_times(work, times, "Hugo", others, 0.04)


def _pelican(room: Room) -> Line:
    ours = room.ours("ours-fewer", room.fewer)
    ours.prepare(NEWEST)
    sites.require_equal_work(ours.folder / sites.OUTPUT, room.fewer, NEWEST)
    peer = None
    if room.peers:
        peer = sites.pelican(room.peers, _made(room.folder / "pelican"), room.fewer)
        measure.timed(peer)
        sites.require_equal_work(peer.folder / sites.OUTPUT, room.fewer, NEWEST)
    times, others = measure.alternate(ours.cold(), peer, room.pairs)
    return table.of_times(f"cold, {_posts(room.fewer)}, a page each", times, "Pelican", others, 0.1)


def _starts(room: Room, ours: Ours) -> Iterator[Line]:
    few = room.ours("ours-few", Batch(10, seed=3))
    few.prepare(NEWEST)
    ours.prepare(NEWEST)
    for site in (few, ours):
        site.publish()
    bare = Side("bare Python", (sys.executable, "-c", "pass"), few.folder, lambda: None)
    for work, side, goal in (
        ("`publish --help`", few.helping(), 6),
        (f"`publish` with nothing to do, {_posts(few.written)}", few.settled(), 6),
        (f"`publish` with nothing to do, {_posts(room.written)}", ours.settled(), 15),
    ):
        times, others = measure.alternate(side, bare, room.pairs * _STARTS)
        yield table.of_times(work, times, "bare Python", others, goal)


def _posts(written: Batch) -> str:
    return f"{len(written):,} posts"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
