"""Ids of headings: what ``#some-heading`` points at, worded the way GitHub and Hugo word them."""

from __future__ import annotations

import re

_SIMPLE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DROPPED = re.compile(r"[^\w\-]+")
_LONGEST = 200  # characters of a heading that its id takes


def anchor(text: str) -> str:
    """Lower case, spaces as ``-``, punctuation left out; ``section`` where nothing else is left."""
    words = "-".join(text[:_LONGEST].lower().split())
    return words if _SIMPLE.fullmatch(words) else _DROPPED.sub("", words).strip("-") or "section"


class Anchors:
    """The ids given so far in one body; a heading that says what another said gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """``wanted`` where it is free, else ``wanted-1``, ``wanted-2``, …; linear over all calls."""
        if wanted not in self._given:
            self._given[wanted] = 0
            return wanted
        while True:
            self._given[wanted] += 1
            numbered = f"{wanted}-{self._given[wanted]}"
            if numbered not in self._given:
                self._given[numbered] = 0
                return numbered
