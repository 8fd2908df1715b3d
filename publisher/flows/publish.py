"""The story of `publish`: scan, read what changed, render what is needed, write what differs, tell the hubs.

Everything is decided before anything is written, and nothing is recorded before it is written. A
run that fails or is killed leaves the output of the run before it, in part renewed, each file
whole; the next run goes on from there.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from publisher import __version__
from publisher.config import FILE as CONFIG
from publisher.content import ids as ids_file
from publisher.content.scan import listing, scan_if_there
from publisher.errors import OutputError
from publisher.flows import unchanged
from publisher.flows.bodies import digest_of
from publisher.flows.cards import Card
from publisher.flows.crew import Crew
from publisher.flows.identities import is_placeholder, read_ids, remember
from publisher.flows.items import Items
from publisher.flows.plan import above, plan
from publisher.flows.rendering import BYTECODE, link_index, pages_of, render_bodies, used_assets
from publisher.flows.report import Listener, Options, Report
from publisher.flows.spool import spools_for
from publisher.flows.survey import survey
from publisher.flows.writing import (
    asset_files,
    claim,
    copy_files,
    owned,
    remove_stale,
    scan_static,
    static_files,
    write_gone,
    write_outputs,
    write_redirects,
)
from publisher.model.problem import note
from publisher.output import gone, hubs, manifest, redirects
from publisher.output.lock import held
from publisher.output.place import Place, sweep_precious, write_precious
from publisher.output.state import BuildState, SpoiltState
from publisher.templating import fingerprint, search_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from publisher.flows.plan import Plan
    from publisher.flows.rendering import Rendered
    from publisher.flows.survey import Survey
    from publisher.model.feed import Feed
    from publisher.model.problem import Problem
    from publisher.model.settings import Settings
    from publisher.output.place import Written
    from publisher.pages.site import Pages

BUILD = ".publisher"  # the folder of the build state, beside config.toml
LOCK = "lock"  # the file in it that a run holds
STATE_KEY = f"{__version__} {digest_of(repr(Card._fields).encode())}"


def passed_over(folder: Path, settings: Settings) -> frozenset[str]:
    """What holds no posts and is never published beside them, even if the folder of posts is the whole site's."""
    outbox = settings.mail.transport.partition(":")[2]
    store = settings.store_url.partition(":///")[2]
    kept = (f"{store}{suffix}" for suffix in ("", "-wal", "-shm", "-journal", "-engine"))
    own = (settings.output.dir, settings.pages.static, "templates", "outbox", "preview", CONFIG, ids_file.FILE)
    return frozenset(os.fspath(folder / name) for name in (*own, outbox, *kept) if name)


def publish(
    folder: Path, settings: Settings, now: datetime, options: Options | None = None, listener: Listener | None = None
) -> Report:
    """Publish the site in ``folder`` as of ``now`` (aware).

    Raises PublisherError where the run as a whole cannot be; what is wrong with single posts is in
    the report, and the others are published all the same.
    """
    asked, heard = options or Options(), listener or Listener()
    build = folder / BUILD
    with ExitStack() as stack:
        if not asked.dry_run:
            stack.enter_context(held(build / LOCK))
            unchanged.forget(os.fspath(build))
        opened = BuildState.copy if asked.dry_run else BuildState.open
        try:
            return _run(folder, settings, now, asked, heard, opened(build, STATE_KEY))
        except (SpoiltState, sqlite3.DatabaseError):
            fresh = BuildState.blank(STATE_KEY) if asked.dry_run else BuildState.renewed(build, STATE_KEY)
        try:
            return _run(folder, settings, now, asked, heard, fresh)
        except sqlite3.DatabaseError as fault:
            raise OutputError(
                f"the build state in {build} cannot be written: {fault}",
                "make room on the disk and publish again; what was published before is still in place",
            ) from None


def _run(
    folder: Path, settings: Settings, now: datetime, options: Options, listener: Listener, state: BuildState
) -> Report:
    place = Place(folder / settings.output.dir, dry=options.dry_run)
    with closing(state), Crew(folder, settings) as crew:
        return _Run(folder, settings, now, options, listener, place, state, crew).story()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: what it was given."""

    folder: Path
    settings: Settings
    now: datetime
    options: Options
    listener: Listener
    place: Place
    state: BuildState
    crew: Crew

    def story(self) -> Report:
        """Read, decide, act, record."""
        self.place.prepare()
        if not self.options.dry_run:
            sweep_precious(self.folder / ids_file.FILE)
        looked_at = self._inputs()
        self.state.begin()
        seen = self._survey()
        for one in seen.notes:
            self.listener.notice(one)
        static, static_problems = static_files(self.folder, self.settings)
        key = digest_of(f"{STATE_KEY} {self.settings!r} {fingerprint(self.folder)}".encode())
        items = Items(self.state, seen.ids, spools_for(self.settings))
        planned = plan(self.settings, seen, items, self._pages, static, key)
        with closing(items.spools):
            done = self._act(planned, seen, items, static, key)
        problems = [*seen.problems, *static_problems, *seen.identity_problems, *planned.problems, *done.problems]
        self.state.commit()
        report = _report(self, planned, seen, done, tuple(problems))
        if not (self.options.dry_run or seen.unread or static_problems or done.unread):
            self._remember(report, seen, done.wanted, looked_at)
        return self._ping(planned, done, report)  # last: a hub may be slow, and what it answers is of this run alone

    def _survey(self) -> Survey:
        return survey(
            self.folder,
            self.settings,
            self.state,
            self.crew,
            self.now,
            full=self.options.full,
            passed_over=passed_over(self.folder, self.settings),
            step=lambda done, of: self.listener.progress("reading", done, of),
        )

    def _pages(self, feeds: tuple[Feed, ...]) -> Pages:
        return pages_of(self.folder, self.settings, feeds, self._bytecode())

    def _bytecode(self) -> Path | None:
        return None if self.options.dry_run else self.folder / BUILD / BYTECODE

    def _act(self, planned: Plan, seen: Survey, items: Items, static: Mapping[str, tuple[str, str]], key: str) -> _Done:
        dry, full = self.options.dry_run, self.options.full
        alike = partial(self._alike, planned, seen, items, static, key)
        ours = owned(self.place, self.state, alike, dry=dry)
        claim(self.place, self.state, self.settings, ours, planned.paths(), dry=dry)
        # Before the first write: a run that fails half way has shown readers ids that must not be forgotten.
        self._record_ids(planned, seen)
        rendered = self._render(planned, seen, items, key, self.place, full=full)
        written, stood = write_outputs(planned, self.place, self.state, full=full)
        copies = self._copies(planned, seen, static, rendered.assets)
        wanted = planned.paths() | copies.keys()
        claim(self.place, self.state, self.settings, ours | planned.paths(), wanted, dry=dry)
        copied, copies_stood, unread = copy_files(copies, self.folder, self.place, self.state)
        removed = remove_stale(self.place, self.state, self.settings, ours, wanted, self._lost(seen))
        kept = (ours | wanted) - set(removed)
        if not dry and kept != ours:
            manifest.write(self.place, kept)
        write_gone(planned, self.place)
        write_redirects(planned, self.place)  # last: what is stale is gone, and what is in a feed's way is not ours
        return _Done(
            written=(*rendered.written, *written, *copied),
            unchanged=rendered.unchanged + stood + copies_stood,
            removed=removed,
            wanted=frozenset(kept),
            problems=(*rendered.problems, *unread),
            unread=bool(unread),
        )

    def _render(
        self, planned: Plan, seen: Survey, items: Items, key: str, place: Place, *, full: bool, what: str = "rendering"
    ) -> Rendered:
        return render_bodies(
            self.folder,
            self.settings,
            seen,
            planned,
            items,
            self.crew,
            place,
            key,
            full=full,
            bytecode=self._bytecode(),
            step=lambda done, of: self.listener.progress(what, done, of),
        )

    def _alike(
        self,
        planned: Plan,
        seen: Survey,
        items: Items,
        static: Mapping[str, tuple[str, str]],
        key: str,
        known: frozenset[str],
    ) -> frozenset[str]:
        """The files that stand byte for byte as this run would write them, besides those ``known`` as ours."""
        if not manifest.foreign(self.place, planned.paths(), known, self.settings.output.replace, lambda _: False):
            return frozenset()
        place = Place(self.folder / self.settings.output.dir, dry=True)
        rendered = self._render(planned, seen, items, key, place, full=False, what="comparing")
        written, _ = write_outputs(planned, place, self.state, full=False)
        copies = self._copies(planned, seen, static, rendered.assets)
        copied, _, _ = copy_files(copies, self.folder, place, self.state)
        every = (*rendered.written, *written, *copied)
        same = frozenset(one.path for one in every if not one.changed and not os.path.islink(place.full(one.path)))
        self.state.forget_outputs(one.path for one in every if one.path not in same)
        return same

    def _copies(
        self, planned: Plan, seen: Survey, static: Mapping[str, tuple[str, str]], used: frozenset[str]
    ) -> dict[str, tuple[str, str]]:
        copies = {path: one for path, one in static.items() if path in planned.static}
        return copies | self._assets(planned, seen, used)

    def _assets(self, planned: Plan, seen: Survey, used: frozenset[str]) -> dict[str, tuple[str, str]]:
        if not self.settings.pages.enabled:
            return {}
        files = used_assets(seen, used)
        if not files:
            return {}
        found = asset_files(self.folder, self.settings, seen, link_index(self.settings, seen), files)
        taken = planned.paths()
        folders = {folder for path in taken for folder in above(path)}
        free = (path for path in found if path not in taken and path not in folders and taken.isdisjoint(above(path)))
        return {path: found[path] for path in free}

    def _lost(self, seen: Survey) -> tuple[str, ...]:
        """Permalinks of posts that are refused now and of which the build state holds nothing any more."""
        lost = seen.held - {card.path for card in (*seen.posts, *seen.standing)}
        if not lost:
            return ()
        records = ids_file.parse(read_ids(self.folder)).records
        return tuple(records[path].permalink for path in sorted(lost) if path in records)

    def _record_ids(self, planned: Plan, seen: Survey) -> None:
        before = text = read_ids(self.folder)
        feeds = {one.feed.key: one.feed.id for one in planned.feeds}
        after = seen.ids_after
        if after is None and not is_placeholder(self.settings.site.base_url) and feeds.keys() - seen.ids_before.feeds:
            after = ids_file.parse(before)  # the posts are as they were, but there are new feeds
        if after is not None:
            text = ids_file.render(replace(after, feeds={**after.feeds, **feeds}))
        if text != before and not self.options.dry_run:
            write_precious(self.folder / ids_file.FILE, text.encode())
        remember(self.state, self.settings, seen.around, text, seen.ids, seen.identity_problems, seen.withdrawn)

    def _ping(self, planned: Plan, done: _Done, report: Report) -> Report:
        """Tell the hubs of feeds that changed, if readers already get the new bytes at their addresses."""
        told = self.settings.feeds.hubs
        if not told or self.options.dry_run or is_placeholder(self.settings.site.base_url):
            return report
        topics = [
            (planned.outputs[one.path].topic, self.place.read(one.path))
            for one in done.written
            if one.changed and one.path in planned.outputs and planned.outputs[one.path].topic
        ]
        live = hubs.live(topics)
        problems = list(hubs.ping(told, live))
        if len(live) < len(topics):
            remedy = "after the deploy: publisher ping"
            problems.append(note("", 0, "the new feeds are not at their public addresses yet", remedy))
        return replace(report, pinged=live, problems=(*report.problems, *problems))

    def _inputs(self) -> _Inputs:
        names = (CONFIG, ids_file.FILE)
        return _Inputs(
            files={name: unchanged.stamp(os.fspath(self.folder / name)) for name in names},
            templates={os.fspath(one): listing(scan_if_there(os.fspath(one))) for one in search_path(self.folder)},
            static=listing(scan_static(self.folder, self.settings)),
        )

    def _remember(self, report: Report, seen: Survey, wanted: frozenset[str], looked_at: _Inputs) -> None:
        """Leave word for the next run that all this need not be looked at again until something changes."""
        files = {os.fspath(self.folder / name): stamp for name, stamp in looked_at.files.items()}
        ids_path = os.fspath(self.folder / ids_file.FILE)
        files[ids_path] = unchanged.stamp(ids_path)  # we have just written it
        paths = (*sorted(wanted), manifest.PATH, redirects.PATH, gone.PATH)
        unchanged.remember(
            os.fspath(self.folder / BUILD),
            until=seen.next_change.timestamp() if seen.next_change else None,
            posts=os.fspath(self.folder / self.settings.posts.dir),
            static=os.fspath(self.folder / self.settings.pages.static),
            templates=tuple(looked_at.templates),
            output=self.place.root,
            passed_over=passed_over(self.folder, self.settings),
            said=report.memo(),
            files=files,
            sources=unchanged.sources_listing(listing(seen.scan), looked_at.static, [*looked_at.templates.values()]),
            outputs={path: self.place.stamp(path) for path in paths},
        )


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done to the output."""

    written: tuple[Written, ...]
    unchanged: int
    removed: tuple[str, ...]
    wanted: frozenset[str]
    problems: tuple[Problem, ...]
    unread: bool  # a file could not be opened


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Stamps of what a run reads besides the posts, taken before it reads: what changes later is seen next time."""

    files: Mapping[str, str]
    templates: Mapping[str, str]
    static: str


def _report(run: _Run, planned: Plan, seen: Survey, done: _Done, problems: tuple[Problem, ...]) -> Report:
    changed = [one for one in done.written if one.changed]
    return Report(
        posts=len(seen.posts),
        standing=len(seen.standing),
        feeds=len(planned.feeds),
        new=tuple(sorted(one.path for one in changed if one.new)),
        changed=tuple(sorted(one.path for one in changed if not one.new)),
        removed=done.removed,
        unchanged=done.unchanged + len(done.written) - len(changed),
        reasons=seen.reasons,
        skipped=tuple(sorted(seen.skipped.items())),
        unpublished=tuple(path for path in seen.unpublished if path not in seen.held),
        problems=tuple(dict.fromkeys(problems)),
        pinged=(),
        output=run.settings.output.dir,
        dry_run=run.options.dry_run,
    )
