"""Rules for HTML inside feeds: dangerous markup, relative links, and whether tags fit together.

The reader is a small tokenizer of its own: one pass, no backtracking over what was read, so
that any text is read in time proportional to its length. It follows the HTML standard's
tokenization (13.2.5) closely enough to tell where a browser would have to guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING

from publisher.feeds.check_rules import words

if TYPE_CHECKING:
    from collections.abc import Iterator

# Elements that exist, obsolete ones included.
HTML_ELEMENTS = words(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd del details dfn "
    "dialog dir div dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 "
    "head header hgroup hr html i iframe img input ins isindex kbd keygen label legend li link listing main map "
    "mark marquee menu menuitem meta meter nav nobr noembed noframes noscript object ol optgroup option output "
    "p param picture plaintext pre progress q rb rp rt rtc ruby s samp script search section select slot small "
    "source spacer span strike strong style sub summary sup table tbody td template textarea tfoot th thead "
    "time title tr track tt u ul var video wbr xmp"
)
VOID_ELEMENTS = words(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
_RAW = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A start or end tag. Attribute names are lower-case; references in values are not resolved.

    ``fault`` says where a browser would have to guess inside the tag; empty when it need not.
    """

    name: str
    end: bool
    empty: bool  # written with a final slash
    attributes: tuple[tuple[str, str], ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A place between tags where a browser would have to guess, in words."""

    what: str


_NAME = re.compile(r"</?([A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s/>=]++)(?:\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*+)))?""")
_CLOSE = re.compile(r"\s*+(/?)\s*+>")
_AMPERSAND = re.compile(r"&(?![\s<&]|\Z)(?:#([0-9]{1,8});|#[xX]([0-9A-Fa-f]{1,7});|([A-Za-z][A-Za-z0-9]*;))?")
_GLUED = re.compile(r"""["'][^\s/>]""")
_CHARACTERS = range(9, 0x110000)
_NOT_CHARACTERS = {11, *range(13, 32), *range(0x7F, 0xA0), *range(0xD800, 0xE000)}
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}


def read(text: str) -> Iterator[Tag | Broken]:
    """The tags of an HTML fragment in order, and what is broken between them."""
    at = 0
    while (start := text.find("<", at)) >= 0:
        yield from _references(text[at:start])
        token, at = _markup(text, start)
        if token is not None:
            yield token
        if isinstance(token, Tag):
            for _, value in token.attributes:
                yield from _references(value)
            if token.name in _RAW and not token.end:
                at = _after_raw(text, at, token.name)
    yield from _references(text[at:])


def _markup(text: str, start: int) -> tuple[Tag | Broken | None, int]:
    """What begins with this "<", and where reading goes on."""
    named = _NAME.match(text, start)
    if named:
        return _tag(text, start, named)
    if text.startswith("<!--", start):
        end = text.find("-->", start + 4)
        return (Broken("a comment is not closed"), len(text)) if end < 0 else (None, end + 3)
    if text.startswith(("<!", "<?", "</"), start):
        end = text.find(">", start)
        return Broken(f'"{text[start : start + 12]}" is no HTML'), len(text) if end < 0 else end + 1
    return Broken('a "<" stands alone'), start + 1


def _tag(text: str, start: int, named: re.Match[str]) -> tuple[Tag | Broken, int]:
    name, at = named[1].lower(), named.end()
    if text.startswith(">", at):
        return _bare(name, text[start + 1] == "/"), at + 1
    attributes: dict[str, str] = {}
    fault = ""
    while not (close := _CLOSE.match(text, at)):
        found = _ATTRIBUTE.match(text, at)
        if not found:
            return Broken(f"the tag <{name}> is not closed"), len(text)
        key, at = found[1].lower(), found.end()
        if "/" in text[found.start() : found.start(1)]:
            fault = fault or "has a slash inside"
        fault = fault or _attribute_fault(found, key, key in attributes, text[at - 1 : at + 1])
        attributes.setdefault(key, found[2] or found[3] or found[4] or "")
    tag = Tag(name, text[start + 1] == "/", close[1] == "/", tuple(attributes.items()), fault)
    return tag, close.end()


@lru_cache(maxsize=512)
def _bare(name: str, end: bool) -> Tag:
    """A tag without attributes; a feed repeats few of them very often."""
    return Tag(name, end, empty=False)


def _attribute_fault(found: re.Match[str], key: str, repeated: bool, border: str) -> str:
    if repeated:
        return f"has {key} twice"
    if any(char in key for char in "\"'<"):
        return f"has an attribute named {key}"
    if found[4] and any(char in found[4] for char in "\"'<=`"):
        return f"has a value without quotes: {key}"
    return "has no space between attributes" if _GLUED.match(border) and found[4] is None else ""


def _after_raw(text: str, at: int, name: str) -> int:
    """The end tag of an element whose content is no markup; without one, the end of the text."""
    found = _RAW_END[name].search(text, at)
    return found.start() if found else len(text)


def _references(text: str) -> Iterator[Broken]:
    if "&" not in text:
        return
    for found in _AMPERSAND.finditer(text):
        if not _names_a_character(found):
            yield Broken(f'"{text[found.start() : found.start() + 12]}" is no character reference')
            return


def _names_a_character(found: re.Match[str]) -> bool:
    if found[3]:
        return found[3] in html5
    if not (found[1] or found[2]):
        return False
    number = int(found[1]) if found[1] else int(found[2], 16)
    return number in _CHARACTERS and number not in _NOT_CHARACTERS
