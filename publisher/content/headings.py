"""A title for a post whose frontmatter has none: its first heading, else the words of its file's name."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_ATX = re.compile(r" {0,3}#{1,6}(?:[ \t]+(.*))?")
_ATX_END = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_ATTRIBUTES = re.compile(r"\{[:#.][^{}]*\}[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*|(?<=~)[^\n]*)")
_RAW = re.compile(r" {0,3}<(!--|pre|script|style|textarea)(?=[\s>-]|$)", re.IGNORECASE)
_OTHER_BLOCK = re.compile(r" {0,3}(?:[-*+>][ \t]|[-*+>]$|[|<]|\d{1,9}[.)][ \t]|\{[{%])| {4}|\t")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_PARAGRAPH_READ = 20  # lines; a longer paragraph above a rule is no title
_LINES_READ = 5_000  # a heading further down is no title
_BEGINNING = 1_000  # characters of a body in which a title is looked for where there is no heading
_TITLE_LENGTH = 70
_WIDTH_READ = 500  # characters; a longer line is no title, and no pattern below has to be afraid

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_HIDDEN = re.compile("[\U000f0021-\U000f007e]")
_HIDE = 0xF0000  # a plane for private use: there punctuation waits that is no markup
_STRIPPED = (
    (re.compile(r"\[\^[^\[\]]+\]"), ""),  # footnotes
    (re.compile(r"!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]"), r"\1"),  # wikilinks
    (re.compile(r"!\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])"), r"\1"),  # images, also inside links
    (re.compile(r"\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])"), r"\1"),  # links
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),  # tags
    (re.compile(r"(\*{1,3}|~~|==)(?=\S)(.+?)(?<=\S)\1"), r"\2"),  # emphasis
    (re.compile(r"(\*{1,3})(?=\S)(.+?)(?<=\S)\1"), r"\2"),  # emphasis in emphasis
    (re.compile(r"(?<![^\W_])(_{1,3})(?=\S)(.+?)(?<=\S)\1(?![^\W_])"), r"\2"),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's plain text; ``leads`` tells that nothing stands above it, ``end`` is the offset behind it."""

    text: str
    leads: bool
    end: int


@dataclass(slots=True)
class _Reader:
    """Where the reading of a body's lines has got to."""

    until: str = ""  # what ends the code or raw HTML that is open
    above: bool = False  # whether a block stands before the paragraph
    inside: bool = False  # in a list, quote or table, up to the next empty line
    paragraph: tuple[str, ...] = ()

    def heading(self, line: str) -> str:
        """The text of the heading that ends with this line; empty when none does."""
        if self.until:
            self._close(line)
        elif found := _FENCE.fullmatch(line):
            self._open(found[1])
        elif (found := _RAW.match(line)) and (end := _end_of_raw(found[1])) not in line.lower():
            self._open(end)
        elif len(line) > _WIDTH_READ:
            self._text(line)
        elif found := _ATX.fullmatch(line):
            return self._titled(_ATTRIBUTES.sub("", _ATX_END.sub("", found[1] or "")), ())
        elif self.paragraph and _UNDERLINE.fullmatch(line):
            return self._titled(_ATTRIBUTES.sub("", " ".join(self.paragraph)), ())
        elif _RULE.fullmatch(line):
            self.above, self.paragraph = True, ()
        else:
            self._text(line)
        return ""

    def _titled(self, markdown: str, rest: tuple[str, ...]) -> str:
        self.paragraph = rest
        return plain_text(markdown)

    def _open(self, until: str) -> None:
        self.until, self.above, self.paragraph = until, True, ()

    def _close(self, line: str) -> None:
        fence = self.until[0] in "`~"
        text = line.strip()
        done = text.startswith(self.until) and not text.strip(self.until[0]) if fence else self.until in line.lower()
        self.until = "" if done else self.until

    def _text(self, line: str) -> None:
        if not line.strip():
            self.above = self.above or bool(self.paragraph)
            self.inside, self.paragraph = False, ()
        elif self.inside or self._is_other(line):
            self.above, self.inside, self.paragraph = True, True, ()
        else:
            self.paragraph = (*self.paragraph, line.strip())

    def _is_other(self, line: str) -> bool:
        """Whether the line belongs to a list, quote, table or code, or to text too long for a title."""
        start = line.lstrip() if self.paragraph else line
        return bool(_OTHER_BLOCK.match(start)) or len(line) > _WIDTH_READ or len(self.paragraph) > _PARAGRAPH_READ


def first_heading(body: str) -> Heading | None:
    """The first ATX or setext heading with words, outside code and raw HTML (CommonMark 4.2, 4.3)."""
    reader, offset = _Reader(), 0
    for line in body.split("\n", _LINES_READ)[:_LINES_READ]:
        offset += len(line) + 1
        alone = not reader.above and not (reader.paragraph and _ATX.fullmatch(line))
        if text := reader.heading(line[: _WIDTH_READ + 1]):
            return Heading(text, alone, min(offset, len(body)))
    return None


def words_of(name: str) -> str:
    """A file's name as a title: ``hello-big_world`` is "Hello big world"."""
    words = " ".join(name.replace("-", " ").replace("_", " ").split())
    return words[:1].upper() + words[1:] if words.islower() else words


def first_words(body: str) -> str:
    """How a body without heading begins, as the title of a post that has none; empty for one without words."""
    start = re.split(r"\n[ \t]*\n", body[:_BEGINNING].strip(), maxsplit=1)[0]
    words = plain_text(start)
    if not any(map(str.isalpha, words)):
        return ""
    cut = words if len(words) <= _TITLE_LENGTH else words[:_TITLE_LENGTH].rpartition(" ")[0] or words[:_TITLE_LENGTH]
    return cut if cut == words else cut.rstrip(" ,;:.-") + "…"


def plain_text(markdown: str) -> str:
    """A heading's inline Markdown as text; code and escaped marks keep their characters."""
    text = _ESCAPE.sub(lambda mark: _hidden(mark[1]), _CODE.sub(lambda code: _hidden(code[2]), markdown))
    for pattern, kept in _STRIPPED:
        text = pattern.sub(kept, text)
    shown = _HIDDEN.sub(lambda mark: chr(ord(mark[0]) - _HIDE), html.unescape(text))
    return " ".join(shown.split())


def _hidden(text: str) -> str:
    return _PUNCTUATION.sub(lambda mark: chr(ord(mark[0]) + _HIDE), text)


def _end_of_raw(name: str) -> str:
    return "-->" if name == "!--" else f"</{name.lower()}>"
