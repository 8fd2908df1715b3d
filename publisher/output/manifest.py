"""The manifest: which files of the output are ours. Files that it does not name are never touched.

It lies in the output itself (``.publisher/manifest.txt``, a path a line, sorted), so that it is
there when the build state is not. It is written before the first file that it newly names, and
again, without what was removed, after the last: a run killed in between leaves no file of ours
that the next run would take for somebody else's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from publisher.errors import ForeignFile
from publisher.output.place import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from publisher.output.place import Place

PATH = f"{OURS}/manifest.txt"
_HEAD = "# The files here that Publisher wrote, and may replace or remove. It touches no others."
_SHOWN = 10


def read(place: Place) -> frozenset[str]:
    """The paths that are ours; empty where nothing was published yet."""
    try:
        with open(place.full(PATH), encoding="utf-8", errors="surrogateescape") as stream:
            return frozenset(line for line in stream.read().split("\n") if line and not line.startswith("#"))
    except OSError:
        return frozenset()


def write(place: Place, paths: Collection[str]) -> None:
    """Name exactly these paths as ours."""
    text = "\n".join([_HEAD, *sorted(paths)]) + "\n"
    place.write(PATH, text.encode("utf-8", "surrogateescape"))


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
        if path not in ours and path not in replace and os.path.lexists(place.full(path)) and not same(path)
    ]


def refuse(place: Place, paths: Sequence[str]) -> None:
    """Raise ForeignFile if there are any such paths."""
    if not paths:
        return
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    listed = ", ".join(f'"{path}"' for path in paths[:_SHOWN])
    raise ForeignFile(
        f"files that Publisher did not write stand where it would write: {', '.join(paths[:_SHOWN])}{more}",
        f"move them out of {place.root}, or let Publisher take them over: [output] replace = [{listed}]",
    )
