"""The manifest: which files of the output are ours. Files that it does not name are never touched.

It lies in the output itself (``.publisher/manifest.txt``, a path a line, sorted; what would upset
the lines is percent-encoded), so that it is there when the build state is not. It is written
before the first file that it newly names, and again, without what was removed, after the last: a
run killed in between leaves no file of ours that the next run would take for somebody else's.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from publisher.errors import ForeignFile
from publisher.output.place import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from publisher.output.place import Place

PATH = f"{OURS}/manifest.txt"
_HEAD = "# The files here that Publisher wrote, and may replace or remove. It touches no others."
_SHOWN = 10
_UPSETTING = re.compile(r"[%\x00-\x1f\x7f]|^#")
_UPSET = re.compile(r"[%\x00-\x09\x0b-\x1f\x7f]|^#", re.MULTILINE)
_SUSPECT = re.compile(r"[%\0]|\.\.|^/", re.MULTILINE)
_ENCODED = re.compile(r"%[0-9A-F]{2}")


def read(place: Place) -> frozenset[str]:
    """The paths that are ours; empty where nothing was published yet."""
    try:
        with open(place.full(PATH), "rb", opener=_without_waiting) as stream:
            text = stream.read().decode("utf-8", "replace")  # ours is UTF-8; what is not names no file of ours
    except OSError:
        return frozenset()
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    if not _SUSPECT.search(text):
        return frozenset(lines)
    return frozenset(path for path in map(_path, lines) if _is_inside(path))


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; of a pipe in its place nothing is read."""
    return os.open(path, flags | os.O_NONBLOCK)


def write(place: Place, paths: Collection[str]) -> None:
    """Name exactly these paths as ours."""
    lines = sorted(paths)
    text = "\n".join(lines)
    if _UPSET.search(text) or text.count("\n") >= len(lines):
        text = "\n".join(map(_line, lines))
    place.write(PATH, f"{_HEAD}\n{text}\n".encode("utf-8", "surrogateescape"))


def _line(path: str) -> str:
    return _UPSETTING.sub(lambda found: f"%{ord(found[0]):02X}", path)


def _path(line: str) -> str:
    return _ENCODED.sub(lambda found: unquote(found[0]), line)


def _is_inside(path: str) -> bool:
    """Whether a path can only mean a file of the output: a manifest that was spoilt must not lead out of it."""
    return not (path.startswith("/") or "\0" in path or ".." in path.split("/"))


def foreign(
    place: Place, wanted: Collection[str], ours: Collection[str], replace: Collection[str], same: Callable[[str], bool]
) -> list[str]:
    """The wanted paths where a file stands that is not ours.

    ``replace`` lists files that the site's author gave up to us; ``same`` tells whether what stands
    at a path is what the build state says we wrote (a manifest may have been deleted).
    """
    return [
        path
        for path in sorted(wanted)
        if path not in ours and path not in replace and _is_file(place.full(path)) and not same(path)
    ]


def _is_file(path: str) -> bool:
    """Whether a file, or a link to anything, stands there; what a folder may hold is known when it is to be written."""
    return os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path))


def refuse(place: Place, paths: Sequence[str]) -> None:
    """Raise ForeignFile if there are any such paths."""
    if not paths:
        return
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    listed = ", ".join(f'"{path}"' for path in paths[:_SHOWN])
    raise ForeignFile(
        f"files that are not known to be Publisher's stand where it would write: {', '.join(paths[:_SHOWN])}{more}",
        f"move them out of {place.root} (or empty it, if programs made all that is in it: they write it again), "
        f"or let Publisher take them over: [output] replace = [{listed}]",
    )
