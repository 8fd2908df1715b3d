"""Lists of people come in: files of lines, each decided by what the store knows, written some thousand at a time.

Doing it again changes nothing, so an import that was cut short is simply run again.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.fates import Fate
from publisher.flows.judging import Judging
from publisher.flows.newness import find_cadence, find_digest
from publisher.flows.people_file import read_table
from publisher.flows.people_source import open_sources
from publisher.rules.platforms import strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import IO

    from publisher.flows.judging import Kind
    from publisher.flows.letters import Desk
    from publisher.flows.people_file import PeopleTable
    from publisher.flows.people_lines import Line
    from publisher.flows.people_source import Source
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings
    from publisher.store.database import Store

BATCH = 2000  # lines in one transaction


@dataclass(frozen=True, slots=True)
class Terms:
    """How lists are taken. Without ``digest`` their own column says which; with ``ask`` people are asked by letter.

    ``platform`` is whose lists they are, "" where their columns tell.
    """

    digest: str = ""
    cadence: str = ""
    ask: bool = False
    dry_run: bool = False
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines had which fate, and why; ``lists`` are names with the platform that was recognised ("" for none).

    ``said`` is what else the author should hear of.
    """

    kinds: tuple[Kind, ...]
    lists: tuple[tuple[str, str], ...]
    said: tuple[Problem, ...]

    @property
    def counts(self) -> dict[Fate, int]:
        """Count the lines of each fate."""
        found: Counter[Fate] = Counter()
        for kind in self.kinds:
            found[kind.fate] += kind.count
        return dict(found)

    @property
    def refused(self) -> int:
        """Count the lines that were not taken."""
        return self.counts.get(Fate.REFUSED, 0)


def import_people(
    store: Store | None,
    desk: Desk,
    paths: Sequence[Path],
    terms: Terms,
    items: Items,
    now: datetime,
    *,
    tell: Callable[[Problem], None],
    progress: Callable[[str, int, int], None],
    stdin: IO[bytes] | None = None,
) -> Imported:
    """Take the people of some lists in; ``tell`` hears of each line that is not simply taken.

    Every list is recognised before anything is written, and the lists of those who left come first. ``store`` may be
    None for a dry run. Raises UsageError for what cannot be read as a list of people, an unknown digest, or a cadence
    that must be named.
    """
    digest = find_digest(desk.settings, terms.digest) if terms.digest else None
    run = Judging(desk, terms, items, now, tell)
    with ExitStack() as stack:
        sources = open_sources(stack, paths, stdin)
        opened, passed = _recognised(sources, desk, terms)
        for _, table in opened:
            _require(table, digest, terms)
        run.introduce([table for _, table in opened], passed)
        size, done = sum(source.size for source, _ in opened), 0
        for source, table in sorted(opened, key=lambda each: strictness(each[1].sense)):
            for batch in _batches(table, run):
                run.take(store, table, batch)
                if size:
                    progress("Reading the list", min(done + source.position(), size), size)
            done += source.size
    if terms.dry_run:
        run.foretell(store)
    lists = tuple((table.name, table.platform.title) for _, table in opened)
    return Imported(tuple(run.kinds.values()), lists, tuple(run.said))


def _batches(table: PeopleTable, run: Judging) -> Iterator[list[Line]]:
    try:
        while batch := list(islice(table.lines, BATCH)):
            yield batch
    except UsageError as fault:
        if not run.kinds:
            raise
        again = "What stands before it is done; doing it again changes nothing."
        raise UsageError(fault.message, f"{fault.remedy} {again}".strip()) from fault


def _recognised(
    sources: Sequence[Source], desk: Desk, terms: Terms
) -> tuple[list[tuple[Source, PeopleTable]], list[str]]:
    """Read the heads of all lists, and name those in ZIPs that are passed over.

    Exports hold more than people who want mail: who opened what, for one. What lies in a ZIP is therefore taken only
    where a service is recognised, or where it is alone.
    """
    opened: list[tuple[Source, PeopleTable]] = []
    passed: list[str] = []
    alone = len([source for source in sources if source.packed]) == 1
    for source in sources:
        try:
            table = read_table(source.text, source.name, desk.settings.site.timezone, terms.platform)
        except UsageError:
            if not source.packed or alone:
                raise
            passed.append(source.name)
            continue
        if source.packed and not alone and not any(mark <= {*table.titles} for mark in table.platform.marks):
            passed.append(source.name)
        else:
            opened.append((source, table))
    if not opened:
        raise UsageError(
            f"none of {', '.join(passed[:5])} is a list of people that is known",
            "Unpack the ZIP, and give the list of people alone.",
        )
    return opened, passed


def _require(table: PeopleTable, digest: DigestSettings | None, terms: Terms) -> None:
    """Refuse at once what would be refused of each line."""
    if digest is None and not table.has("digest"):
        raise UsageError(f"{table.name} does not say which digest it is for", "Say --digest NAME.")
    if digest is not None and not table.has("cadence"):
        find_cadence(digest, terms.cadence)
