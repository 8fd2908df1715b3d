"""YAML as the author wrote it: words stay words.

YAML 1.1 makes ``No`` a boolean, ``0123`` an octal number, ``1.10`` the number 1.1 and a day a date
object. Here a plain scalar is text unless it is null or true/false as YAML 1.2's core schema
(section 10.3.2) spells them; numbers and dates stay text too, and are understood where they are used.

The tree is built from events with a stack of our own, so deep nesting cannot exhaust Python's; an
alias is a reference to what its anchor built, so it cannot multiply anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import events

try:
    from yaml import CSafeLoader as _Parser
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Parser  # type: ignore[assignment] # the same methods, in Python

_CORE: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NODES = frozenset({events.ScalarEvent, events.AliasEvent, events.MappingStartEvent, events.SequenceStartEvent})
_MAX_DEPTH = 64
_MAX_EVENTS = 20_000
_NO_KEY = object()


class YamlFault(yaml.MarkedYAMLError):
    """What is valid YAML but cannot be frontmatter."""


def _fault(problem: str, event: Any) -> YamlFault:
    return YamlFault(problem=problem, problem_mark=event.start_mark)


@dataclass(slots=True)
class _Open:
    """A list or mapping under construction; ``lines`` tells where each key was first seen."""

    value: Any
    key: Any = _NO_KEY
    lines: dict[str, int] = field(default_factory=dict)


class TextLoader(_Parser):
    """A loader for ``yaml.load`` that yields str, bool, None, list and dict with str keys.

    ``repeated`` holds (key, first line, line) of keys given twice, lines counted from 0; the last
    one wins. Raises yaml.YAMLError.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated: list[tuple[str, int, int]] = []
        self._anchors: dict[str, Any] = {}
        self._open: list[_Open] = []
        self._root: Any = None

    def get_single_data(self) -> Any:
        """The one document's value, None when it is empty."""
        documents = count = 0
        while (event := self.get_event()) is not None:
            kind = type(event)
            count += 1
            if kind is events.DocumentStartEvent:
                documents += 1
            elif kind is events.SequenceEndEvent or kind is events.MappingEndEvent:
                self._open.pop()
            elif kind in _NODES:
                self._put(event, kind)
            if documents > 1 or count > _MAX_EVENTS:
                raise _fault("there is too much of it", event)
        return self._root

    def _put(self, event: Any, kind: type[Any]) -> None:
        value = self._value(event, kind)
        if not self._open:
            self._root = value
        elif type(holder := self._open[-1].value) is list:
            holder.append(value)
        elif self._open[-1].key is _NO_KEY:
            self._open[-1].key = self._key(event, kind, value)
        else:
            holder[self._open[-1].key] = value
            self._open[-1].key = _NO_KEY
        if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            self._open.append(_Open(value))
            if len(self._open) > _MAX_DEPTH:
                raise _fault("it is nested too deeply", event)

    def _value(self, event: Any, kind: type[Any]) -> Any:
        if kind is events.AliasEvent:
            if event.anchor not in self._anchors:
                raise _fault(f"*{event.anchor} names no anchor", event)
            return self._anchors[event.anchor]
        if kind is events.ScalarEvent:
            text = event.value
            plain = event.implicit[0] and not event.style
            value = _CORE.get(text, text) if plain else text
        else:
            value = {} if kind is events.MappingStartEvent else []
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _key(self, event: Any, kind: type[Any], value: Any) -> str:
        text = event.value if kind is events.ScalarEvent else value
        if not isinstance(text, str):
            raise _fault("a key is not a word", event)
        lines, line = self._open[-1].lines, event.start_mark.line
        if text in lines:
            self.repeated.append((text, lines[text], line))
        lines[text] = line
        return text
