"""Which of very many names were seen before: eight bytes for each, where a set of texts takes a hundred and fifty."""

from __future__ import annotations

from array import array
from hashlib import blake2b

_FIRST = 1 << 12  # places; a power of two
_FULL = 0.6  # of all places, at which it grows


class Seen:
    """A set that only grows, of 64-bit hashes in one array. Two of a million are alike in one of 30 million lists."""

    def __init__(self) -> None:
        self._places = array("Q", bytes(8 * _FIRST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        mark = _mark(name)
        return self._places[self._find(mark)] == mark

    def add(self, name: str) -> None:
        """Remember a name."""
        mark = _mark(name)
        place = self._find(mark)
        if self._places[place] == mark:
            return
        self._places[place] = mark
        self._count += 1
        if self._count > len(self._places) * _FULL:
            self._grow()

    def _find(self, mark: int) -> int:
        """The place where a mark is, or would be."""
        places, last = self._places, len(self._places) - 1
        at = mark & last
        while places[at] and places[at] != mark:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        old, self._places = self._places, array("Q", bytes(16 * len(self._places)))
        for mark in old:
            if mark:
                self._places[self._find(mark)] = mark


def _mark(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1
