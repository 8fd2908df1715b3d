"""TOML, YAML and JSON between fences, parsed by python-frontmatter with handlers of our own.

Its TOML handler needs a package that rejects valid TOML 1.0; its YAML makes numbers and booleans of
words; all three raise bare errors whose lines are counted inside the fence. Here every fault becomes a
``BlockError`` with the block's line and a remedy, and nothing an author writes costs seconds or a stack.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from enum import Enum
from typing import Any

import frontmatter
from frontmatter.default_handlers import BaseHandler, JSONHandler, YAMLHandler
from yaml import MarkedYAMLError, YAMLError

from publisher.content.yamltext import TextLoader


class Form(Enum):
    """How metadata is written; the value is a name to show."""

    TOML = "TOML"
    YAML = "YAML"
    JSON = "JSON"
    HEADER = "header"
    NONE = "none"


class BlockError(ValueError):
    """A block cannot be metadata; ``line`` is counted from 1 at the block's opening fence."""

    def __init__(self, message: str, line: int = 1, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block's metadata; ``twice`` names repeated keys with their lines, counted like BlockError's.

    ``end`` is the offset behind a JSON object that stands without fences, else 0.
    """

    metadata: dict[str, Any]
    twice: tuple[tuple[str, int, int], ...] = ()
    end: int = 0


_LONGEST_BLOCK = 250_000  # characters; what is longer is no metadata, and parsers need a second for a megabyte
_KEY_PARTS = 100
# tomllib's time grows with the square of a dotted key's parts: 30,000 of them took it 19 seconds.
_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_KEY_PARTS}}}""", re.ASCII)
_TOML_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", re.DOTALL)
_QUOTE = "put the whole value between quotes"
_YAML_REMEDIES = (
    ("mapping values are not allowed", f"a value that holds a colon needs quotes: {_QUOTE}"),
    ("cannot start any token", f"indent with spaces, not tabs; if the value begins with @, ` or %, {_QUOTE}"),
    ("not a word", f"a value that begins with {{ or [ needs quotes: {_QUOTE}"),
    ("names no anchor", f"a value that begins with * needs quotes: {_QUOTE}"),
    ("block end", "let keys of one level begin in one column, and double a quote inside quotes"),
    ("quoted scalar", "a quote is opened and not closed"),
    ("nested too deeply", "write it flat"),
    ("could not find expected ':'", "write each line as key: value"),
)
_DATE_REMEDY = "write a day as 2026-01-31 and a moment as 2026-01-31T09:30:00+01:00"
_MENDING = {
    Form.TOML: 'write each line as key = "value", text between quotes',
    Form.YAML: _QUOTE,
    Form.JSON: 'write it as {"key": "value", …}, with commas between and none at the end',
}


def parse_block(form: Form, text: str, *, fenced: bool = True) -> Parsed:
    """Parse ``text``, which begins and (``fenced``) ends with its fence lines. Raises BlockError only."""
    if fenced and len(text) > _LONGEST_BLOCK:
        raise BlockError(f"the frontmatter is longer than {_LONGEST_BLOCK:,} characters", 1, "move text to the body")
    handler: _Toml | _Yaml | _Json = _HANDLERS[form]() if fenced else _BareJson()
    try:
        metadata, _ = frontmatter.parse(text, handler=handler)
    except BlockError:
        raise
    except tomllib.TOMLDecodeError as fault:
        raise _toml_fault(fault, text) from fault
    except YAMLError as fault:
        raise _yaml_fault(fault) from fault
    except json.JSONDecodeError as fault:
        raise BlockError(_sentence(form, fault.msg), fault.lineno + fenced, _MENDING[form]) from fault
    except (ValueError, OverflowError) as fault:
        raise BlockError(_sentence(form, "it holds a number or date that is none"), 1, _MENDING[form]) from fault
    except RecursionError as fault:
        raise BlockError(_sentence(form, "it is nested too deeply"), 1, "write it flat") from fault
    return Parsed(metadata, handler.twice, handler.end)


def _sentence(form: Form, what: str) -> str:
    return f"the {form.value} frontmatter cannot be read: {what[:1].lower() + what[1:]}"


def _toml_fault(fault: tomllib.TOMLDecodeError, text: str) -> BlockError:
    found = _TOML_PLACE.fullmatch(str(fault))
    what = found["what"] if found else str(fault)
    line = int(found["line"]) + 1 if found and found["line"] else text.rstrip().count("\n")
    remedy = _DATE_REMEDY if "date" in what.lower() else _MENDING[Form.TOML]
    return BlockError(_sentence(Form.TOML, what), max(line, 1), remedy)


def _yaml_fault(fault: YAMLError) -> BlockError:
    mark = fault.problem_mark or fault.context_mark if isinstance(fault, MarkedYAMLError) else None
    what = (fault.problem or fault.context or "") if isinstance(fault, MarkedYAMLError) else str(fault)
    remedy = next((remedy for words, remedy in _YAML_REMEDIES if words in what), _MENDING[Form.YAML])
    return BlockError(_sentence(Form.YAML, what.partition("\n")[0]), mark.line + 2 if mark else 1, remedy)


def _mapping(value: object, form: Form) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    kind = "a list" if isinstance(value, list) else "plain text"
    message = f"the frontmatter holds {kind} where keys with values are expected"
    raise BlockError(message, 1, "write each line as key: value" if form is Form.YAML else _MENDING[form])


def _between(text: str) -> str:
    """What stands between the first line and the last: the fences are known to be there."""
    return text[text.index("\n") + 1 : text.rindex("\n") + 1]


class _Toml(BaseHandler):
    FM_BOUNDARY = re.compile(r"^\+{3,}\s*$", re.MULTILINE)
    twice: tuple[tuple[str, int, int], ...] = ()
    end = 0

    def split(self, text: str) -> tuple[str, str]:
        return _between(text), ""

    def load(self, fm: str) -> dict[str, Any]:
        if fm.count(".") >= _KEY_PARTS and (long := _LONG_KEY.search(fm)):
            line = fm.count("\n", 0, long.start()) + 2
            raise BlockError(_sentence(Form.TOML, "a key has too many parts"), line, _MENDING[Form.TOML])
        return tomllib.loads(fm)


class _Yaml(YAMLHandler):
    twice: tuple[tuple[str, int, int], ...] = ()
    end = 0

    def split(self, text: str) -> tuple[str, str]:
        return _between(text), ""

    def load(self, fm: str, **_options: object) -> dict[str, Any]:
        loader = TextLoader(fm)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
        if loader.repeated:
            self.twice = tuple([(key, first + 2, line + 2) for key, first, line in loader.repeated])
        return _mapping({} if value is None else value, Form.YAML)


class _Json(JSONHandler):
    twice: tuple[tuple[str, int, int], ...] = ()
    end = 0

    def split(self, text: str) -> tuple[str, str]:
        return _between(text), ""

    def load(self, fm: str, **_options: object) -> dict[str, Any]:
        value, end = self._decoded(fm)
        if fm[end:].strip():
            raise json.JSONDecodeError("there is more behind the object", fm, end)
        return value

    def _decoded(self, text: str) -> tuple[dict[str, Any], int]:
        """The object at the text's beginning and where it ends; numbers stay as they are written."""
        repeated: list[str] = []

        def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) < len(pairs):
                keys = [key for key, _ in pairs]
                repeated.extend(sorted({key for key in keys if keys.count(key) > 1}))
            return found

        decoder = json.JSONDecoder(
            object_pairs_hook=collect, parse_int=str, parse_float=str, parse_constant=str, strict=False
        )
        value, end = decoder.raw_decode(text, len(text) - len(text.lstrip()))
        self.twice = tuple([_lines_of(key, text[:end]) for key in repeated])
        return _mapping(value, Form.JSON), end


class _BareJson(_Json):
    """An object at the file's beginning: its own braces are the fences."""

    def split(self, text: str) -> tuple[str, str]:
        return text, ""

    def load(self, fm: str, **_options: object) -> dict[str, Any]:
        value, self.end = self._decoded(fm)
        return value


def _lines_of(key: str, text: str) -> tuple[str, int, int]:
    places = [text.count("\n", 0, at.start()) + 1 for at in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    return (key, places[0], places[-1]) if places else (key, 1, 1)


_HANDLERS: dict[Form, type[_Toml | _Yaml | _Json]] = {Form.TOML: _Toml, Form.YAML: _Yaml, Form.JSON: _Json}
