"""Bodies and their pages: which have to be made, and making them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from publisher.content.body import still_holds
from publisher.content.links import LinkIndex
from publisher.content.scan import size_of
from publisher.flows.bodies import decode_problems, digest_of
from publisher.flows.feed_plan import tag_slug
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
    return Pages(settings, search_path(folder), feeds, tag_slug, bytecode)


def bench(
    folder: Path, settings: Settings, feeds: tuple[Feed, ...], place: Place, links: LinkIndex, bytecode: Path | None
) -> Bench:
    """What a workshop needs; made in each worker by itself."""
    pages = pages_of(folder, settings, feeds, bytecode) if settings.pages.enabled else None
    return Bench(links, pages, place)


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
    jobs = []
    unchanged = 0
    for card in planned.bodies:
        page = page_of.get(card.path, "")
        if card.path in valid:
            if not page or (not full and _stands(page, known, place, _version(key, card, items))):
                unchanged += bool(page)
                continue
            jobs.append(_job(card, items, page, state.body_text(card.path)))
        elif card.path not in seen.held:
            jobs.append(_job(card, items, page, None))
    if jobs:
        feeds = tuple(one.feed for one in planned.feeds)
        crew.set_up(partial(bench, folder, settings, feeds, place, links, bytecode))
    written = []
    by_path = {card.path: card for card in planned.bodies}
    made_key = _body_key(settings)
    for number, made in enumerate(crew.make(jobs), 1):
        if not made.digest:
            continue
        card = by_path[made.path]
        items.digests[made.path] = made.digest
        if made.text:
            rows[made.path] = _row(made, card, made_key)
            state.set_body(rows[made.path], made.text)
        if made.written:
            written.append(made.written)
            place.wrote(made.written)
            state.set_output(OutputRow(made.written.path, made.written.stamp, _version(key, card, items)))
        step(number, len(jobs))
    state.set_fact("links", _links_version(seen))
    used = [rows[card.path] for card in planned.bodies if card.path in rows]
    return Rendered(
        written=tuple(written),
        unchanged=unchanged,
        assets=frozenset(path for row in used if row.files for path in row.files.split("\n")),
        problems=tuple(one for row in used if row.problems for one in decode_problems(row.problems)),
    )


def _job(card: Card, items: Items, page: str, text: BodyText | None) -> Job:
    return Job(card.path, card, *items.identity(card), text, page)


def _row(made: Made, card: Card, key: str) -> BodyRow:
    return BodyRow(made.path, key + card.digest, made.digest, made.refs, made.files, made.problems)


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
