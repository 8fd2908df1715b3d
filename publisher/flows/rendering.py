"""Bodies and their pages: which have to be made, and making them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from publisher.content.body import still_holds
from publisher.content.links import LinkIndex
from publisher.content.scan import size_of
from publisher.flows.bodies import decode_problems, digest_of
from publisher.flows.feed_plan import place_of_tag
from publisher.flows.spool import Spool
from publisher.flows.workshop import Bench, Job
from publisher.output.state import BodyRow, OutputRow, decoded
from publisher.pages.site import Pages
from publisher.templating import search_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from publisher.flows.cards import Card
    from publisher.flows.crew import Crew
    from publisher.flows.items import Items
    from publisher.flows.plan import Plan
    from publisher.flows.survey import Survey
    from publisher.flows.workshop import Made
    from publisher.model.feed import Feed
    from publisher.model.problem import Problem
    from publisher.model.settings import Settings
    from publisher.output.place import Place, Written
    from publisher.output.state import BodyText, BuildState

_BATCH = 200  # rows that are written to the build state at once
_LARGE = 200  # entries of a feed from which on its fragments are spooled
BYTECODE = "templates"  # compiled templates, inside the build folder


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came of rendering: pages written or found as they should be, files used, problems of all bodies in use."""

    written: tuple[Written, ...]
    unchanged: int
    assets: frozenset[str]
    problems: tuple[Problem, ...]


def link_index(settings: Settings, seen: Survey) -> LinkIndex:
    """All that links may lead to."""
    sizes = {path: size_of(stamp) for path, stamp in seen.scan.files.items()}
    return LinkIndex.build((*seen.posts, *seen.standing), sizes, settings, seen.unpublished)


def pages_of(folder: Path, settings: Settings, feeds: tuple[Feed, ...], bytecode: Path | None) -> Pages:
    """The pages of the site in ``folder``."""
    return Pages(settings, search_path(folder), feeds, partial(place_of_tag, settings=settings), bytecode)


def bench(
    folder: Path, settings: Settings, feeds: tuple[Feed, ...], place: Place, links: LinkIndex, bytecode: Path | None
) -> Bench:
    """What a workshop needs; made in each worker by itself."""
    pages = pages_of(folder, settings, feeds, bytecode) if settings.pages.enabled else None
    spool = Spool(place.temporary, settings.feeds.formats, full=settings.feeds.content == "full")
    return Bench(links, pages, place, spool)


def render_bodies(
    folder: Path,
    settings: Settings,
    seen: Survey,
    planned: Plan,
    items: Items,
    crew: Crew,
    place: Place,
    key: str,
    *,
    full: bool,
    bytecode: Path | None,
    step: Callable[[int, int], None],
) -> Rendered:
    """Render what is missing or stale, write the pages that are; record both in the state."""
    state, links = items.state, link_index(settings, seen)
    rows = {row.path: row for row in state.bodies()}
    valid = _valid(settings, seen, planned, rows, links, state, full=full)
    items.digests.update({path: rows[path].digest for path in valid})
    known = state.outputs()
    page_of = {card.path: path for path, card in planned.pages.items()}
    large = _to_spool(planned) if not place.dry else frozenset()
    jobs = []
    unchanged = 0
    for card in planned.bodies:
        page = page_of.get(card.path, "")
        if card.path in valid:
            if not page or (not full and _stands(page, known, place, _version(key, card, items))):
                unchanged += bool(page)
                continue
            jobs.append(_job(card, items, crew, page, state.body_text(card.path), spooled=card.path in large))
        elif card.path not in seen.held:
            jobs.append(_job(card, items, crew, page, None, spooled=card.path in large))
    if jobs:
        feeds = tuple(one.feed for one in planned.feeds)
        crew.set_up(partial(bench, folder, settings, feeds, place, links, bytecode), len(jobs))
    cards = {card.path: card for card in planned.bodies}
    recording = _Recording(items, cards, place, rows, key, _body_key(settings))
    for number, made in enumerate(crew.make(jobs), 1):
        if made.digest:
            recording.take(made)
        step(number, len(jobs))
    recording.flush()
    state.set_fact("links", _links_version(seen))
    used = [rows[card.path] for card in planned.bodies if card.path in rows]
    return Rendered(
        written=tuple(recording.written),
        unchanged=unchanged,
        assets=frozenset(path for row in used if row.files for path in row.files.split("\n")),
        problems=tuple(one for row in used if row.problems for one in decode_problems(row.problems)),
    )


@dataclass(slots=True)
class _Recording:
    """What was made, noted in the build state some hundred at a time."""

    items: Items
    cards: Mapping[str, Card]
    place: Place
    rows: dict[str, BodyRow]
    key: str
    body_key: str
    written: list[Written] = field(default_factory=list)
    _bodies: list[tuple[BodyRow, BodyText]] = field(default_factory=list)
    _outputs: list[OutputRow] = field(default_factory=list)

    def take(self, made: Made) -> None:
        """Note one result."""
        card = self.cards[made.path]
        self.items.digests[made.path] = made.digest
        if made.text:
            from_what = self.body_key + card.digest
            row = BodyRow(made.path, from_what, made.digest, made.refs, made.files, made.problems)
            self.rows[made.path] = row
            self._bodies.append((row, made.text))
        if made.written:
            self.written.append(made.written)
            self.place.wrote(made.written)
            version = _version(self.key, card, self.items)
            self._outputs.append(OutputRow(made.written.path, made.written.stamp, version))
        if made.spooled:
            self.items.spools.note(made.path, made.spooled)
        if len(self._bodies) + len(self._outputs) > _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write down what is still only noted."""
        self.items.state.set_bodies(self._bodies)
        self.items.state.set_outputs(self._outputs)
        self._bodies.clear()
        self._outputs.clear()


def _job(card: Card, items: Items, crew: Crew, page: str, text: BodyText | None, *, spooled: bool) -> Job:
    known = None if crew.holds(card.path) else card
    return Job(card.path, known, *items.identity(card), text, page, spooled)


def _to_spool(planned: Plan) -> frozenset[str]:
    """Paths of posts whose fragments are better written where the bodies are: those of large feeds."""
    held = (tuple(one.every()) for one in planned.feeds)
    return frozenset(card.path for cards in held if len(cards) > _LARGE for card in cards)


def _body_key(settings: Settings) -> str:
    return digest_of(repr((settings.site, settings.posts)).encode())


def _version(key: str, card: Card, items: Items) -> str:
    """What a post's page is made from."""
    return f"{key} {card.facts} {items.digests[card.path]}"


def _stands(path: str, known: Mapping[str, OutputRow], place: Place, version: str) -> bool:
    row = known.get(path)
    return row is not None and row.made_from == version and bool(row.stamp) and place.stamp(path) == row.stamp


def _links_version(seen: Survey) -> str:
    """Changes when any link might lead elsewhere than before."""
    return digest_of("\n".join((seen.cards_digest, *seen.unpublished, seen.files_digest)).encode())


def _valid(
    settings: Settings,
    seen: Survey,
    planned: Plan,
    rows: Mapping[str, BodyRow],
    links: LinkIndex,
    state: BuildState,
    *,
    full: bool,
) -> set[str]:
    """The paths whose cached bodies are what rendering would give. A refused file keeps its last body."""
    key = _body_key(settings)
    same_links = state.fact("links") == _links_version(seen)
    found = set()
    for card in planned.bodies:
        row = rows.get(card.path)
        if row is None:
            continue
        if card.path in seen.held:
            found.add(card.path)
        elif full or row.made_from != key + card.digest:
            continue
        elif same_links or not row.refs or still_holds(_pairs(row.refs), card, links):
            found.add(card.path)
    return found


def _pairs(refs: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, other) for one, other in decoded(refs))


def used_assets(seen: Survey, rendered: Iterable[str]) -> set[str]:
    """The files beside posts that are published: those that posts use, and all in the folder of a bundle."""
    bundles = {card.path.rpartition("/")[0] for card in (*seen.posts, *seen.standing) if _is_bundle(card.path)}
    found = set(rendered)
    for path in seen.scan.files if bundles else ():
        folder = path.rpartition("/")[0]
        while folder:
            if folder in bundles:
                found.add(path)
                break
            folder = folder.rpartition("/")[0]
    return found & seen.scan.files.keys()


def _is_bundle(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return bool(folder) and name.lower().split(".", 1)[0] == "index"
