"""From bytes to JSON values that know their lines (RFC 8259), without recursion and in one pass."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from publisher.feeds.check_rules import Fault, error, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_RFC = "RFC 8259"
_DEEPEST = 200  # no feed nests a tenth as deep; readers' own limits begin near a thousand
_LONGEST_INTEGER = 18

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++)
    |(?P<mark>[{}\[\]:,])
    |(?P<string>"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+")
    |(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+\-]?[0-9]++)?(?![\w.]))
    |(?P<word>(?:true|false|null)(?!\w))
    |(?P<odd>(?:-?Infinity|NaN)(?!\w))""",
    re.VERBOSE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line: dict of nodes, list of nodes, str, int, float, bool or None."""

    line: int
    value: Any


class _Want(Enum):
    VALUE = auto()
    VALUE_OR_END = auto()
    KEY = auto()
    KEY_OR_END = auto()
    COLON = auto()
    COMMA_OR_END = auto()
    NOTHING = auto()


@dataclass(slots=True)
class _State:
    """What was read so far. ``key`` is the key of the innermost object that waits for its value."""

    root: Node | None = None
    open: list[Node] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    want: _Want = _Want.VALUE
    faults: list[tuple[int, Fault]] = field(default_factory=list)


def read(data: bytes) -> tuple[Node | None, tuple[tuple[int, Fault], ...]]:
    """The document's value, None where it cannot be read, and faults of the text with their lines."""
    state = _State()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        return None, ((line, error("is not UTF-8", f"{_RFC} 8.1", "Write it in UTF-8.")),)
    if text.startswith("\ufeff"):
        what = "starts with a byte order mark"
        state.faults.append((1, error(what, f"{_RFC} 8.1", "Write it without one.")))
        text = text[1:]
    complete = _read(text, state)
    return (state.root if complete else None), tuple(state.faults)


def _read(text: str, state: _State) -> bool:
    line = 1
    for kind, token in _tokens(text):
        if kind == "space":
            line += token.count("\n")
        elif not _take(state, kind, token, line):
            state.faults.append((line, error(f"is no JSON: {shown(token)} is out of place", _RFC, "Mend the syntax.")))
            return False
        elif len(state.open) > _DEEPEST:
            state.faults.append((line, error(f"nests more than {_DEEPEST} deep", f"{_RFC} 9", "Flatten it.")))
            return False
    if state.want is not _Want.NOTHING:
        state.faults.append((line, error("is no JSON: it ends too early", _RFC, "Close every brace and bracket.")))
    return state.want is _Want.NOTHING


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            yield "garbage", text[at : at + 20]
            return
        yield found.lastgroup or "", found[0]
        at = found.end()


def _take(state: _State, kind: str, token: str, line: int) -> bool:
    """Whether the token fits where it stands; if so, the state goes on."""
    if kind == "mark":
        return _MARKS[token](state, token, line)
    if kind == "garbage":
        return False
    if kind == "string" and state.want in {_Want.KEY, _Want.KEY_OR_END}:
        return _key(state, _string(state, token, line), line)
    return _value(state, Node(line, _scalar(state, kind, token, line)))


def _key(state: _State, key: str, line: int) -> bool:
    if key in state.open[-1].value:
        what = f"has the key {shown(key)} twice in one object"
        state.faults.append((line, error(what, f"{_RFC} 4", "Keep one; readers differ in which they take.")))
    state.keys.append(key)
    state.want = _Want.COLON
    return True


def _scalar(state: _State, kind: str, token: str, line: int) -> Any:
    if kind == "string":
        return _string(state, token, line)
    if kind == "odd":
        state.faults.append((line, error(f"holds {token}, which is no JSON", f"{_RFC} 6", "Leave the value out.")))
        return 0
    if kind == "word":
        return _WORDS[token]
    short = len(token) <= _LONGEST_INTEGER and not {".", "e", "E"} & set(token)
    return int(token) if short else float(token)


def _string(state: _State, token: str, line: int) -> str:
    text = str(json.loads(token)) if "\\" in token else token[1:-1]
    if _SURROGATE.search(text):
        what = f"holds half a character: {shown(text)}"
        state.faults.append((line, error(what, f"{_RFC} 8.2", "Escape both halves of the pair, or neither.")))
    return text


def _value(state: _State, node: Node) -> bool:
    if state.want not in {_Want.VALUE, _Want.VALUE_OR_END}:
        return False
    if not state.open:
        state.root = node
    elif isinstance(state.open[-1].value, list):
        state.open[-1].value.append(node)
    else:
        state.open[-1].value[state.keys.pop()] = node
    state.want = _Want.COMMA_OR_END if state.open else _Want.NOTHING
    return True


def _opened(state: _State, mark: str, line: int) -> bool:
    node = Node(line, {} if mark == "{" else [])
    if not _value(state, node):
        return False
    state.open.append(node)
    state.want = _Want.KEY_OR_END if mark == "{" else _Want.VALUE_OR_END
    return True


def _closed(state: _State, mark: str, _line: int) -> bool:
    kind, ready = (dict, _Want.KEY_OR_END) if mark == "}" else (list, _Want.VALUE_OR_END)
    if not state.open or not isinstance(state.open[-1].value, kind):
        return False
    if state.want not in {ready, _Want.COMMA_OR_END}:
        return False
    state.open.pop()
    state.want = _Want.COMMA_OR_END if state.open else _Want.NOTHING
    return True


def _colon(state: _State, _token: str, _line: int) -> bool:
    fits = state.want is _Want.COLON
    state.want = _Want.VALUE if fits else state.want
    return fits


def _comma(state: _State, _token: str, _line: int) -> bool:
    if state.want is not _Want.COMMA_OR_END:
        return False
    state.want = _Want.KEY if isinstance(state.open[-1].value, dict) else _Want.VALUE
    return True


_MARKS = {"{": _opened, "[": _opened, "}": _closed, "]": _closed, ":": _colon, ",": _comma}
