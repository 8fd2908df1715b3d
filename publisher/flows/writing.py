"""Files reach the output: what is ours is written or taken away, what is not is left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote

from publisher.content.scan import scan_if_there
from publisher.flows.plan import above
from publisher.model.problem import Problem, error
from publisher.output import gone, manifest, redirects
from publisher.output.state import OutputRow
from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from publisher.content.links import LinkIndex
    from publisher.content.scan import Scan
    from publisher.flows.lists import Output
    from publisher.flows.plan import Plan
    from publisher.flows.survey import Survey
    from publisher.model.settings import Settings
    from publisher.output.place import Place, Written
    from publisher.output.state import BuildState

LARGE = 4_000_000  # bytes of a document that is better written piece by piece


def owned(
    place: Place, state: BuildState, alike: Callable[[frozenset[str]], frozenset[str]], *, dry: bool
) -> frozenset[str]:
    """What is ours: what the manifest names.

    One that was deleted is made again of the files that stand as we wrote them, and, where the build state does not
    know that either, of those that stand exactly as we would write them: ``alike`` finds them besides known ones.
    """
    named = manifest.read(place)
    if not named:
        known = state.outputs().values()
        named = frozenset(row.path for row in known if row.stamp and row.stamp == place.stamp(row.path))
        named |= alike(named)
        if named and not dry:
            manifest.write(place, named)
    return named


def claim(
    place: Place, state: BuildState, settings: Settings, ours: frozenset[str], wanted: set[str], *, dry: bool
) -> None:
    """Make sure that all wanted paths are ours to write, and name them so before the first is written."""
    known = state.outputs()
    same = lambda path: path in known and known[path].stamp == place.stamp(path)  # noqa: E731 - one expression
    manifest.refuse(place, manifest.foreign(place, wanted, ours, settings.output.replace, same))
    if not dry and not wanted <= ours:
        manifest.write(place, ours | wanted)
    for path in _in_the_way(ours, wanted):
        place.remove(path)


def _in_the_way(ours: frozenset[str], wanted: set[str]) -> list[str]:
    """What is ours and stale and cannot stay until all is written: files that become folders, and folders files."""
    stale = ours - wanted
    folders = {folder for path in wanted for folder in above(path)} if stale else set()
    return [path for path in stale if path in folders or not wanted.isdisjoint(above(path))]


def write_outputs(planned: Plan, place: Place, state: BuildState, *, full: bool) -> tuple[list[Written], int]:
    """Write the feeds and lists that are not as they should be. Returns what was written, and how many stood."""
    known = state.outputs()
    written: list[Written] = []
    unchanged = 0
    for one in planned.outputs.values():
        version = one.made_from()
        row = known.get(one.path)
        if not full and row and row.made_from == version and row.stamp and place.stamp(one.path) == row.stamp:
            unchanged += 1
            continue
        done = _write(one, place)
        written.append(done)
        place.wrote(done)
        state.set_outputs([OutputRow(one.path, done.stamp, version)])
    return written, unchanged


def write_redirects(planned: Plan, place: Place) -> None:
    """Tell servers of the former addresses. Where a file of somebody else stands, that is what readers get."""
    kept = (one for one in planned.moved if one.path in planned.outputs or not os.path.lexists(place.full(one.path)))
    redirects.write(place, {one.address: one.target for one in kept})


def write_gone(planned: Plan, place: Place) -> None:
    """Tell servers of what was taken away. Where a file of somebody else stands, that is what readers get."""
    gone.write(place, [address for address, path in planned.gone if not os.path.lexists(place.full(path))])


def _write(one: Output, place: Place) -> Written:
    pieces, size = [], 0
    source = iter(one.make())
    for piece in source:
        pieces.append(piece)
        size += len(piece)
        if size > LARGE:
            return place.write_pieces(one.path, _chained(pieces, source))
    return place.write(one.path, b"".join(pieces))


def _chained(first: Iterable[bytes], rest: Iterable[bytes]) -> Iterable[bytes]:
    yield from first
    yield from rest


def copy_files(
    sources: Mapping[str, tuple[str, str]], folder: Path, place: Place, state: BuildState
) -> tuple[list[Written], int, list[Problem]]:
    """Publish files as they are: output path -> (file, stamp). Returns as ``write_outputs`` does.

    A file that cannot be read is a problem of its own; what was published of it stays.
    """
    known = state.outputs()
    written: list[Written] = []
    problems: list[Problem] = []
    unchanged = 0
    for path, (source, stamp) in sources.items():
        row = known.get(path)
        if row and row.made_from == stamp and row.stamp and place.stamp(path) == row.stamp:
            unchanged += 1
            continue
        done = place.copy(source, path)
        if done is None:
            shown = os.path.relpath(source, folder)
            problems.append(error(shown, 0, "cannot be read", "make it readable for you, or take it away"))
            continue
        written.append(done)
        place.wrote(done)
        state.set_outputs([OutputRow(path, done.stamp, stamp)])
    return written, unchanged, problems


def scan_static(folder: Path, settings: Settings) -> Scan:
    """The files that are published as they are."""
    return scan_if_there(os.fspath(folder / settings.pages.static), whole=True)


def static_files(folder: Path, settings: Settings) -> tuple[dict[str, tuple[str, str]], list[Problem]]:
    """Files of the static folder: output path -> (file, stamp); and a problem for each that cannot be read."""
    if not settings.pages.enabled:
        return {}, []
    root, shown = os.fspath(folder / settings.pages.static), settings.pages.static
    found = scan_static(folder, settings)
    remedy = "make it readable for you, rename it, or take it away"
    problems = [error(f"{shown}/{path}", 0, f"cannot be published: {why}", remedy) for path, why in found.unreadable]
    files = {**found.posts, **found.files}
    return {path: (f"{root}/{path}", stamp) for path, stamp in files.items()}, problems


def asset_files(
    folder: Path, settings: Settings, seen: Survey, links: LinkIndex, used: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Files beside posts: output path -> (file, stamp). Those whose address lies outside the site are left out."""
    root, base = os.fspath(folder / settings.posts.dir), settings.site.base_url
    found = {}
    for path in sorted(used):
        url = links.asset_url(path)
        if url.startswith(base):
            found[unquote(url[len(base) :])] = (f"{root}/{path}", seen.scan.files[path])
    return found


def remove_stale(
    place: Place,
    state: BuildState,
    settings: Settings,
    ours: frozenset[str],
    wanted: Collection[str],
    kept: Iterable[str],
) -> tuple[str, ...]:
    """Take away what is ours and no longer wanted. ``kept`` are permalinks of refused posts: their files stay."""
    folders = tuple(folder for folder in map(_folder_of(settings), kept) if folder)
    gone = sorted(path for path in ours.difference(wanted) if not _is_kept(path, folders))
    for path in gone:
        place.remove(path)
    state.forget_outputs(gone)
    return tuple(gone)


def _folder_of(settings: Settings) -> Callable[[str], str]:
    return lambda permalink: (paths.output_path(permalink, settings.site.base_url) or "").removesuffix("index.html")


def _is_kept(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(folder) if folder.endswith("/") else path == folder for folder in folders)
