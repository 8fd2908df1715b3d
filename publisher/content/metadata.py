"""Values of frontmatter asked for by name, in the shapes that posts need.

Keys are found in any case and with or without ``-``, ``_`` and spaces: ``publishDate``,
``publish_date`` and ``Publish-Date`` are one. Whatever stands there, a question has an answer: text is
collapsed and free of forbidden characters, lists hold text, and nothing is raised.
"""

from __future__ import annotations

import re
from datetime import date, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from publisher.content.decoding import FORBIDDEN
from publisher.content.formats import Form
from publisher.model.problem import error, warning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.content.frontmatter import Front
    from publisher.model.problem import Problem

_TRUE = frozenset({"true", "yes", "on", "y", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "0"})
# Where generators put what they do not know themselves: Hugo's [params], Zola's [extra], Minimal Mistakes' header.
_FURTHER = ("extra", "params")
_SHOWN_LENGTH = 60


@lru_cache(maxsize=1024)
def normal_key(key: str) -> str:
    """The form in which keys are compared."""
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")


def normal_table(value: object) -> dict[str, Any]:
    """A table with its keys in normal form; empty for anything else."""
    return {normal_key(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """A scalar as one line of text, whitespace collapsed; empty for lists, tables and nothing."""
    if isinstance(value, str):
        return " ".join((value if value.isprintable() else FORBIDDEN.sub("", value)).split())
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return value.isoformat() if isinstance(value, date | time) else ""


def texts_of(value: object) -> list[str]:
    """The texts of a list (also of lists in it), or of one scalar; nothings and tables are left out."""
    if value is None:
        return []
    found = [value]
    if isinstance(value, list):
        found = [part for item in value for part in (item if isinstance(item, list) else (item,))]
    return [text for item in found if (text := text_of(item))]


def flag_of(value: object) -> bool | None:
    """Yes or no in any spelling, None for what is neither."""
    if value is None or isinstance(value, bool):
        return value
    word = text_of(value).lower()
    return True if word in _TRUE else False if word in _FALSE else None


class Metadata:
    """One post's frontmatter and the problems found while asking it."""

    __slots__ = ("_front", "_further", "_own", "_shown", "problems")

    def __init__(self, shown: str, front: Front) -> None:
        self._shown = shown
        self._front = front
        self._own = normal_table(front.metadata)
        self._further = [table for key in _FURTHER if (table := self.table(key))]
        self.problems: list[Problem] = []
        if len(self._own) < len(front.metadata):
            self._warn_of_twins()

    @property
    def form(self) -> Form:
        """How the metadata is written."""
        return self._front.form

    def first(self, keys: Iterable[str], *, further: bool = False) -> tuple[str, Any]:
        """The first of ``keys`` (in normal form) that has more than a yes or no, and its value; else ("", None).

        ``further`` looks into Hugo's [params] and Zola's [extra] as well.
        """
        tables = (self._own, *self._further) if further else (self._own,)
        for table in tables:
            for key in keys:
                value = table.get(key)
                if value and value is not True:
                    return key, value
        return "", None

    def get(self, key: str) -> Any:
        """The value of one key in normal form, None when there is none."""
        return self._own.get(key)

    def lacks(self, keys: Iterable[str]) -> bool:
        """Whether none of the keys is there; far quicker than asking for each."""
        return not self._further and self._own.keys().isdisjoint(keys)

    def table(self, key: str) -> dict[str, Any]:
        """A table with its keys in normal form, empty when there is none."""
        value = self._own.get(key)
        return normal_table(value) if value else {}

    def text(self, keys: Iterable[str], *, further: bool = False) -> str:
        """The first of the keys' texts, empty when there is none; a yes or no is no text."""
        tables = (self._own, *self._further) if further else (self._own,)
        for table in tables:
            for key in keys:
                value = table.get(key)
                if value is not None and not isinstance(value, bool) and (text := text_of(value)):
                    return text
        return ""

    def flag(self, keys: Iterable[str], *, further: bool = False) -> bool | None:
        """The first of the keys that says yes or no; None when none does."""
        tables = (self._own, *self._further) if further else (self._own,)
        for table in tables:
            for key in keys:
                if key in table and (found := flag_of(table[key])) is not None:
                    return found
        return None

    def line(self, key: str) -> int:
        """The file's line on which a key (in normal form) stands; 0 when it cannot be found."""
        places = self._places(key)
        return places[0] if places else 0

    def is_quoted(self, key: str) -> bool:
        """Whether a key's value stands in quotes, which tells YAML that it is text."""
        lines = self._front.block.split("\n")
        place = self.line(key) - self._front.block_line
        return 0 <= place < len(lines) and lines[place].partition(":")[2].lstrip()[:1] in {'"', "'"}

    def refuse(self, key: str, message: str, remedy: str, *, line: int = 0) -> None:
        """Record an error at a key's line, or ``line`` where there is no such key."""
        self.problems.append(error(self._shown, self.line(key) or line, message, remedy))

    def warn(self, key: str, message: str, remedy: str, *, line: int = 0) -> None:
        """Record a warning at a key's line, or ``line`` where there is no such key."""
        self.problems.append(warning(self._shown, self.line(key) or line, message, remedy))

    def spelled(self, key: str) -> str:
        """A key as this frontmatter spells it."""
        return next((written for written in self._front.metadata if normal_key(written) == key), key)

    def example(self, key: str, value: str) -> str:
        """How a day is written for a key in this frontmatter's form."""
        return {
            Form.TOML: f"{key} = {value}",
            Form.JSON: f'"{key}": "{value}"',
            Form.HEADER: f"{key.capitalize()}: {value}",
        }.get(self.form, f"{key}: {value}")

    def _places(self, key: str) -> list[int]:
        spelling = r"[ _-]*".join(map(re.escape, key))
        pattern = rf"""^[ \t]*(?:[\w-]+\.)*["']?{spelling}["']?[ \t]*[:=]"""
        found = re.finditer(pattern, self._front.block, re.IGNORECASE | re.MULTILINE)
        return [self._front.block.count("\n", 0, at.start()) + self._front.block_line for at in found]

    def _warn_of_twins(self) -> None:
        """Keys that differ only in case or dashes: the last one holds, as with keys that are equal."""
        keys = [normal_key(key) for key in self._front.metadata]
        for key in dict.fromkeys([key for key in keys if keys.count(key) > 1]):
            first, *_, last = self._places(key) or [0, 0]
            message = f"{key} stands in line {first} already, spelled otherwise; this one holds"
            self.problems.append(warning(self._shown, last, message, "keep one of the two"))


def shown_value(value: object) -> str:
    """A value as a message may quote it: short, one line, never a whole structure."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    text = text_of(value)
    return f'"{text[:_SHOWN_LENGTH]}…"' if len(text) > _SHOWN_LENGTH else f'"{text}"'


def _number(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python prints
        return ""
