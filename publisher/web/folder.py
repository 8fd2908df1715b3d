"""The files of an output folder that are for readers, and nothing else that may lie or lead there."""

from __future__ import annotations

import os
import re
import stat as modes
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

_VISIBLE = ".well-known"  # RFC 8615
_UNNAMEABLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")  # what no request can ask for


class Stamp(NamedTuple):
    """What tells a file from a later one at the same path."""

    mtime_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        """The stamp of a file by what the system says of it."""
        return cls(stat.st_mtime_ns, stat.st_size, stat.st_ino)

    @property
    def tag(self) -> bytes:
        """An entity tag of a file whose bytes are not known."""
        return b'"%x-%x-%x"' % self


class Entry(NamedTuple):
    """A file to be read: its path in the folder, where it lies (no link on the way), and its stamp."""

    name: str
    file: str
    stamp: Stamp


def walk(root: str) -> Iterator[Entry]:
    """Every regular file to be shown. A link counts as what it leads to, if that is inside and to be shown itself.

    Links to folders are not followed within a folder that was reached by one: this ends, whatever leads where.
    """
    folders = [(root, "", False)]
    while folders:
        folder, above, is_linked = folders.pop()
        for entry in _listed(folder):
            place = _place(entry, folder, root) if _is_shown(entry.name, above) else None
            if place is None:
                continue
            try:
                stat = os.lstat(place)
            except OSError:
                continue
            if modes.S_ISREG(stat.st_mode):
                yield Entry(above + entry.name, place, Stamp.of(stat))
            elif modes.S_ISDIR(stat.st_mode) and not (is_linked and entry.is_symlink()):
                folders.append((place, f"{above}{entry.name}/", is_linked or entry.is_symlink()))


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_shown(name: str, above: str) -> bool:
    """Whether a file or folder of this name is for readers."""
    if name.startswith("."):
        return not above and name == _VISIBLE
    return not _UNNAMEABLE.search(name)


def _place(entry: os.DirEntry[str], folder: str, root: str) -> str | None:
    """Where an entry lies, with no link on the way; None for a link that leads out of what is shown, or upwards."""
    if not entry.is_symlink():
        return entry.path
    try:
        place = os.path.realpath(entry.path, strict=True)
    except OSError:
        return None
    below = place.removeprefix(f"{root}/")
    names = below.split("/")
    is_inside = below != place and all(_is_shown(name, "/".join(names[:at])) for at, name in enumerate(names))
    return place if is_inside and not f"{folder}/".startswith(f"{place}/") else None


def opened(file: str) -> FileIO:
    """A regular file, to be read unbuffered; nothing that waits or leads elsewhere. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not modes.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(file)
    return os.fdopen(descriptor, "rb", buffering=0)


def taken(stream: FileIO, size: int) -> bytes:
    """As many bytes, or as many as there are."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
