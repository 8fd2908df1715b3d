"""Feed fragments on their way from workers to documents: written once, where the bodies are, and joined at the end.

A feed of every post holds the text of every post in three formats. Held in memory that would be
most of a large site's; so each worker writes its fragments into a file of its own, in the output's
folder for temporary files, and tells where each begins and how long it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import OutputError
from publisher.feeds.fragments import fragment

if TYPE_CHECKING:
    from publisher.model.entry import Item
    from publisher.model.feed import Format
    from publisher.model.settings import Settings


class Spooled(NamedTuple):
    """Where an entry's fragments are: a file, and for each format the offset and length in it, in bytes."""

    file: str
    places: tuple[tuple[int, int], ...]


class Spool:
    """The writing side: one file, made when the first fragment is written. ``full`` is the feeds' setting."""

    def __init__(self, folder: str, formats: tuple[Format, ...], *, full: bool) -> None:
        self._file = os.path.join(folder, f"{os.getpid()}-fragments")
        self._formats = formats
        self._full = full
        self._descriptor = -1
        self._end = 0

    def add(self, item: Item) -> Spooled:
        """Write the fragments of an entry. Raises OutputError if the disk is full."""
        texts = [fragment(item, one, full=self._full).encode() for one in self._formats]
        places = []
        for text in texts:
            places.append((self._end, len(text)))
            self._end += len(text)
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            view = memoryview(b"".join(texts))
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as fault:
            raise OutputError(f"{self._file} cannot be written: {fault.strerror}", "make room on the disk") from None
        return Spooled(self._file, tuple(places))

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def spools_for(settings: Settings) -> Spools:
    """The reading side of a run."""
    return Spools(settings.feeds.formats, full=settings.feeds.content == "full")


class Spools:
    """The reading side, of all workers' files."""

    def __init__(self, formats: tuple[Format, ...], *, full: bool) -> None:
        self._order = {one: number for number, one in enumerate(formats)}
        self._full = full
        self._found: dict[str, Spooled] = {}
        self._files: dict[str, int] = {}

    def note(self, path: str, spooled: Spooled) -> None:
        """Remember where a post's fragments are."""
        self._found[path] = spooled

    def text(self, path: str, wanted: Format, *, full: bool) -> bytes | None:
        """A post's fragment, if it was spooled, with this setting."""
        spooled = self._found.get(path) if full == self._full else None
        if spooled is None:
            return None
        descriptor = self._files.get(spooled.file)
        if descriptor is None:
            descriptor = self._files[spooled.file] = os.open(spooled.file, os.O_RDONLY)
        offset, length = spooled.places[self._order[wanted]]
        return os.pread(descriptor, length, offset)

    def close(self) -> None:
        """Take the files away."""
        for file, descriptor in self._files.items():
            os.close(descriptor)
            os.unlink(file)
        self._files.clear()
        self._found.clear()
