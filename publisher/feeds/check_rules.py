"""What every feed check is made of: a fault, the document it is found in, rules that look at a value.

A rule takes a value as the document holds it and yields faults; it never raises and never
looks at anything else but the ``Document``. The walkers (check_tree.py for XML, check_json.py)
know where the value stands and turn faults into problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.model.problem import Level, Problem

if TYPE_CHECKING:
    from datetime import datetime

_SHOWN = 60  # characters of a faulty value that are worth showing


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value, not yet placed. ``source`` names the rule: "RFC 4287 4.2.6"."""

    level: Level
    what: str
    source: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Document:
    """What rules may know of the document: where it is shown and meant to live, and the time.

    ``url`` may be empty (unknown). ``now`` is aware. ``hexed`` holds the lines that write a
    character as a hexadecimal reference, the RSS profile's way to say "this is plain text".
    """

    path: str
    url: str
    now: datetime
    hexed: frozenset[int] = field(default_factory=frozenset)

    def problem(self, line: int, place: str, fault: Fault) -> Problem:
        """The fault as a problem of this document; ``place`` is the element or key."""
        message = _printable(f"{place} {fault.what} ({fault.source})")
        return Problem(fault.level, self.path, line, message, _printable(fault.remedy))


Rule = Callable[[str, Document], Iterable[Fault]]


def error(what: str, source: str, remedy: str) -> Fault:
    """The specification forbids it."""
    return Fault(Level.ERROR, what, source, remedy)


def warning(what: str, source: str, remedy: str) -> Fault:
    """Allowed, but readers stumble over it or the best practice advises against it."""
    return Fault(Level.WARNING, what, source, remedy)


def shown(value: str) -> str:
    """The value in quotes, cut to what fits a line."""
    return f'"{value}"' if len(value) <= _SHOWN else f'"{value[: _SHOWN - 1]}…"'


def _printable(text: str) -> str:
    """Nothing that could break a line or disturb a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "�" for char in text)


def words(text: str) -> frozenset[str]:
    """A table of words, written as people read them."""
    return frozenset(text.split())


def anything(_value: str, _document: Document) -> Iterable[Fault]:
    """The rule of values that have none."""
    return ()


def all_of(*rules: Rule) -> Rule:
    """A rule that asks each of the given rules in turn."""

    def ask(value: str, document: Document) -> Iterable[Fault]:
        for rule in rules:
            yield from rule(value, document)

    return ask
