"""A post's text as metadata and body: TOML, YAML or JSON frontmatter, a header without fences, or none.

A file that looks as if it had frontmatter and has none that can be read is refused. Where the fences
stand is decided here, and the body is cut from the text itself: python-frontmatter strips it, and a
first indented code block would lose its indent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publisher.content.decoding import removal
from publisher.content.formats import BlockError, Form, parse_block
from publisher.model.problem import error, warning

if TYPE_CHECKING:
    from publisher.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Front:
    """What a text holds. ``block`` is the metadata's own text; its first line is ``block_line`` of the file.

    ``body_line`` is the file's line of the body's first line; empty lines before that are left out.
    """

    form: Form
    metadata: dict[str, Any]
    block: str
    block_line: int
    body: str
    body_line: int
    problems: tuple[Problem, ...] = ()
    refused: bool = False


_BLANKS = re.compile(r"[ \t\n]*")
_OPENING = re.compile(
    r"(?:-{3,}|\+{3,})[ \t]*(?P<language>yaml|yml|toml|json|js|javascript|coffee|cson)?[ \t]*(?:\n|\Z)", re.IGNORECASE
)
_CLOSING = {
    "-": re.compile(r"^(?:-{3,}|\.{3})[ \t]*(?:\n|\Z)", re.MULTILINE),
    "+": re.compile(r"^\+{3,}[ \t]*(?:\n|\Z)", re.MULTILINE),
}
_LANGUAGES = {"yaml": Form.YAML, "yml": Form.YAML, "toml": Form.TOML, "json": Form.JSON}
_DEFAULT_FORM = {"-": Form.YAML, "+": Form.TOML}
_KEY = r"""(?:"[^"\n]{1,80}"|'[^'\n]{1,80}'|[\w@$][\w.-]{0,60}(?:[ ][\w.-]{1,30}){0,2})[ \t]*"""
_KEY_LINE = re.compile(rf"[ \t\n]*(?:\#[^\n]*\n[ \t\n]*)*{_KEY}:(?:[ \t\n]|\Z)")
# Fences with a space or an invisible sign before them, or with the dashes that word processors make: read as
# text, they would publish what their author held back.
_FENCE_LIKE = r"[\s\u200b-\u200f\u2060\ufeff]*(?P<fence{}>[-\u2010-\u2015\u2212]{{2,}}|\+{{3,}}|;{{3,}})[ \t]*(?:\n|\Z)"
_MANGLED = re.compile(
    rf"{_FENCE_LIKE.format('')}[ \t]*(?:\{{\s*)?{_KEY}[:=](?:.{{0,20000}}?)\n{_FENCE_LIKE.format('_below')}", re.DOTALL
)
_MANGLED_REMEDY = "begin and end it with lines of --- (YAML) or +++ (TOML) and nothing else, at the start of the line"
_BARE_JSON = re.compile(r'\{\s*["}]')
# XML may hold these, YAML and TOML may not; nobody means them.
_UNREADABLE = re.compile("[\x7f-\x84\x86-\x9f]")
_HEADER_LINE = re.compile(r"(?P<key>[A-Za-z][\w-]{0,40}(?:[ ][\w-]{1,30}){0,2})[ \t]*:(?:[ \t]+(?P<value>.*)|[ \t]*)")
_HEADER_START = re.compile(r"[A-Za-z][\w -]{0,100}:(?:[ \t]|\n)")
_HEADER_KEYS = frozenset({"title", "date"})
_HEADER_LINES = 200


def read_frontmatter(shown: str, text: str) -> Front:
    """Split clean text into metadata and body; ``shown`` names the file in problems. Never raises."""
    start = _behind_blank_lines(text, 0) if text[:1].isspace() else 0
    if text.startswith(("---", "+++"), start) and (opening := _OPENING.match(text, start)):
        return _fenced(shown, text, opening)
    if text.startswith("{", start) and _BARE_JSON.match(text, start):
        return _bare_json(shown, text, start)
    if _HEADER_START.match(text, start) and (front := _header(shown, text, start)):
        return front
    if mangled := _MANGLED.match(text):
        fault = BlockError("this looks like the fence of frontmatter, and is none", 1, _MANGLED_REMEDY)
        return _refused(shown, Form.NONE, fault, text.count("\n", 0, mangled.start("fence")) + 1)
    return _plain(text)


def _fenced(shown: str, text: str, opening: re.Match[str]) -> Front:
    mark, line = opening[0][0], text.count("\n", 0, opening.start()) + 1
    language = opening["language"]
    form = _LANGUAGES.get(language.lower(), Form.NONE) if language else _DEFAULT_FORM[mark]
    closing = _CLOSING[mark].search(text, opening.end())
    block = text[opening.end() : closing.start()] if closing else ""
    if form is Form.YAML and not _is_yaml(text, opening, block):
        return _plain(text)
    fault = _fence_fault(opening, closing, form)
    if fault or closing is None:
        return _refused(shown, form, fault or BlockError(""), line)
    whole = text[opening.start() : closing.end()]
    odd = _UNREADABLE.search(whole)
    try:
        parsed = parse_block(form, _UNREADABLE.sub("", whole) if odd else whole)
    except BlockError as found:
        return _refused(shown, form, found, line)
    body, body_line = without_blank_lines(text, closing.end(), line + block.count("\n") + 2)
    removed = (removal(shown, line + whole.count("\n", 0, odd.start()), odd[0]),) if odd else ()
    problems = removed + _repeated(shown, parsed.twice, line)
    return Front(form, parsed.metadata, block, line + 1, body, body_line, problems)


def _is_yaml(text: str, opening: re.Match[str], block: str) -> bool:
    """Tell frontmatter from a horizontal rule that stands on a Markdown file's first line.

    A key after the fence makes it frontmatter. Without one it is a rule, unless a second fence comes
    before any empty line: then it is meant as frontmatter and its parser says what is wrong.
    """
    if opening["language"] or _KEY_LINE.match(text, opening.end()):
        return True
    closed_at_once = not block and _CLOSING["-"].match(text, opening.end()) is not None
    lines = block.strip("\n")
    return closed_at_once or bool(lines and not block.startswith("\n") and "\n\n" not in lines)


def _fence_fault(opening: re.Match[str], closing: re.Match[str] | None, form: Form) -> BlockError | None:
    fence = opening[0][:3]
    if form is Form.NONE:
        return BlockError(f"frontmatter in {opening['language']} is not read", 1, "write it in YAML, TOML or JSON")
    if closing is None:
        remedy = f"put a line of {fence} alone below the last key"
        return BlockError(f"the frontmatter that {fence} opens here is never closed", 1, remedy)
    return None


def _bare_json(shown: str, text: str, start: int) -> Front:
    line = text.count("\n", 0, start) + 1
    try:
        parsed = parse_block(Form.JSON, text[start:], fenced=False)
    except BlockError as found:
        return _refused(shown, Form.JSON, found, line)
    end = start + parsed.end
    block = text[start:end]
    body, body_line = without_blank_lines(text, end, line + block.count("\n"))
    twice = _repeated(shown, parsed.twice, line)
    return Front(Form.JSON, parsed.metadata, block, line, body, body_line, twice)


def _header(shown: str, text: str, start: int) -> Front | None:
    """Pelican's and MultiMarkdown's metadata: ``Key: value`` lines up to the first empty one."""
    end = text.find("\n\n", start)
    block = text[start : end if end >= 0 else len(text)]
    metadata: dict[str, Any] = {}
    twice: list[tuple[str, int, int]] = []
    lines: dict[str, int] = {}
    key = ""
    for number, row in enumerate(block.split("\n", _HEADER_LINES), 1):
        found = _HEADER_LINE.fullmatch(row)
        if row[:1] in {" ", "\t"} and key:
            metadata[key] = f"{metadata[key]} {row.strip()}"
        elif not found:
            return None
        else:
            key = found["key"].lower()
            twice += [(key, lines[key], number)] if key in lines else []
            metadata[key], lines[key] = (found["value"] or "").strip(), number
    if _HEADER_KEYS.isdisjoint(metadata):
        return None
    line = text.count("\n", 0, start) + 1
    body, body_line = without_blank_lines(text, start + len(block), line + block.count("\n"))
    problems = _repeated(shown, tuple(twice), line)
    return Front(Form.HEADER, metadata, block, line, body, body_line, problems)


def _plain(text: str) -> Front:
    body, line = without_blank_lines(text, 0, 1)
    return Front(Form.NONE, {}, "", 1, body, line)


def _refused(shown: str, form: Form, fault: BlockError, opening_line: int) -> Front:
    problem = error(shown, opening_line + fault.line - 1, fault.message, fault.remedy)
    return Front(form, {}, "", opening_line, "", opening_line, (problem,), refused=True)


def _repeated(shown: str, twice: tuple[tuple[str, int, int], ...], opening_line: int) -> tuple[Problem, ...]:
    return tuple(
        [
            warning(
                shown,
                opening_line + line - 1,
                f"{key} stands in line {opening_line + first - 1} already; this one holds",
                "keep one of the two",
            )
            for key, first, line in twice
        ]
    )


def without_blank_lines(text: str, start: int, line: int) -> tuple[str, int]:
    """The text behind ``start`` without its empty first lines, and the line it then begins in."""
    begin = _behind_blank_lines(text, start)
    return text[begin:], line + text.count("\n", start, begin)


def _behind_blank_lines(text: str, start: int) -> int:
    found = _BLANKS.match(text, start)
    # Blanks of the first line that holds something belong to it: they may be a code block's indent.
    return text.rfind("\n", start, found.end()) + 1 or start if found else start
