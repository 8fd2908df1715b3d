"""Links in HTML that an author wrote by hand: any quoting, any case, unclosed, unheard of.

A tolerant, linear reader in the spirit of the HTML standard's tokenizer (WHATWG HTML, 13.2.5): it steps
over text, comments, scripts and styles, finds the tags that have attributes, and changes nothing but the
values that are URLs. A tag that never ends swallows nothing: from there on, tags end at the next ``<``.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.anchors import Anchors
from publisher.content.html import COMMENT, heading, quoted, without_broken

if TYPE_CHECKING:
    from publisher.content.references import References

_SKIPPED = COMMENT + r"|<(?P<name>(?i:script|style|textarea|title|xmp|noembed))\b[^<>]*>.*?(?:</(?i:(?P=name))\s*>|\Z)"
_HEADING = r"|<[hH](?P<level>[1-6])>(?=(?P<text>.{0,2000}?)</[hH])"
_TOKEN = re.compile(
    _SKIPPED
    + _HEADING
    + r"""|<(?P<tag>[A-Za-z][^\s/<>]*)(?P<attributes>[\s/](?:[^<>"']++|"[^"]*+"|'[^']*+')*+)(?P<end>>|\Z)""",
    re.DOTALL,
)
_CAUTIOUS = re.compile(
    _SKIPPED + _HEADING + r"""|<(?P<tag>[A-Za-z][^\s/<>]*)(?P<attributes>[\s/][^<>]*+)(?P<end>>)""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=/>"']+)(?:(\s*=\s*)("[^"]*"|'[^']*'|[^\s>"']+))?""")
_CANDIDATE = re.compile(r"[\s,]*+([^\s,]\S*+)(?:(?<=,)|\s+([^,]*+),?)?")
_WORTH_READING = re.compile(r"(?i:href|src|poster|cite|longdesc|action|background|data)")
_PLAIN_LINK = re.compile(r' href="([^"]*)"')
_REMEMBERED = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "audio", "video", "base"})
_URLS = frozenset(
    {"href", "src", "poster", "cite", "longdesc", "action", "formaction", "background", "data", "xlink:href"}
)
_CANDIDATES = frozenset({"srcset", "imagesrcset"})
_LINKING = frozenset({"a", "area"})
_PICTURES = frozenset({"img", "image"})
_MEDIA = frozenset({"audio", "video"})


class Attribute(NamedTuple):
    """An attribute as written: its value unquoted and decoded; ``start`` and ``end`` of the value in the tag."""

    name: str
    value: str
    start: int
    end: int


def attributes_of(text: str) -> list[Attribute]:
    """The attributes of a tag, in order; those without a value have an empty one."""
    return [
        Attribute(one[1].lower(), unescape(_unquoted(one[3] or "")), one.start(3), one.end(3))
        for one in _ATTRIBUTE.finditer(text)
    ]


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} and len(value) > 1 else value


def raw_links(html: str, references: References) -> str:
    """Absolute links and heading ids in any HTML."""
    rewriter = _Rewriter(references)
    changed = _TOKEN.sub(rewriter, html)
    if rewriter.unended:
        rest = _CAUTIOUS.sub(rewriter, rewriter.unended)
        changed = changed[: len(changed) - len(rewriter.unended)] + rest
    return without_broken(changed)


class _Rewriter:
    """What to put in place of each tag; remembers which element's sources belong to a film or sound."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._anchors = Anchors()
        self._in_media = False
        self.unended = ""  # the last tag, if it goes on to the end of the text

    def __call__(self, found: re.Match[str]) -> str:
        name, text = (found["tag"] or "").lower(), found["attributes"] or ""
        if name and not found["end"]:
            self.unended = found[0]
            return found[0]
        if name == "a" and (link := _PLAIN_LINK.fullmatch(text)):
            return self._link(found, link[1])
        if found["level"]:
            return heading(found["level"], "", found["text"], self._anchors)
        if found["name"]:
            return self._skipped(found)
        if not _WORTH_READING.search(text) and name not in _REMEMBERED:
            return found[0]
        return "" if name == "base" else self._tag(name, found, attributes_of(text))

    def _link(self, found: re.Match[str], value: str) -> str:
        """What nearly all tags are that lead anywhere; the way for the others would do as well, but slower."""
        if self._references.is_plain(value):
            return found[0]
        url = self._references.url(unescape(value))
        return f'<{found["tag"]} href="{quoted(url)}"{found["end"]}' if url else "<a\0>"

    def _skipped(self, found: re.Match[str]) -> str:
        """A script keeps its content; only its own address is made absolute."""
        tag, mark, rest = found[0].partition(">")
        opening = re.match(r"<([^\s/<>]+)(.*)", tag, re.DOTALL)
        if not mark or not opening or "=" not in opening[2]:
            return found[0]
        changed, _ = self._values(opening[1].lower(), opening[2], attributes_of(opening[2]))
        return f"<{opening[1]}{changed}{mark}{rest}"

    def _tag(self, name: str, found: re.Match[str], attributes: list[Attribute]) -> str:
        text = found["attributes"]
        if len(name) == 2 and name[0] == "h" and name[1] in "123456":  # noqa: PLR2004 - h1 to h6
            self._anchors.take(next((one.value for one in attributes if one.name == "id"), ""))
        changed, urls = self._values(name, text, attributes)
        self._note(name, attributes, urls)
        if name in _LINKING and urls.get("href") == "":
            return "<a\0>"
        if name in _PICTURES and urls.get("src") == "":
            return escape(next((one.value for one in attributes if one.name == "alt"), ""))
        return f"<{found['tag']}{changed}{found['end']}"

    def _values(self, name: str, text: str, attributes: list[Attribute]) -> tuple[str, dict[str, str]]:
        """The tag's attributes with absolute URLs, and those URLs by attribute."""
        pieces: list[str] = []
        urls: dict[str, str] = {}
        position = 0
        for one in attributes:
            if one.start < 0 or not self._is_reference(name, one):
                continue
            url = self._absolute(name, one)
            urls[one.name] = url
            if url != one.value:
                pieces += (text[position : one.start], f'"{escape(url)}"')
                position = one.end
        pieces.append(text[position:])
        return "".join(pieces), urls

    def _is_reference(self, name: str, one: Attribute) -> bool:
        if one.name in _CANDIDATES:
            return True
        if one.name not in _URLS or (one.name == "data" and name != "object"):
            return False
        return not (one.value.startswith("#") and name not in _LINKING)  # an svg's <use href="#shape">

    def _absolute(self, name: str, one: Attribute) -> str:
        if one.name in _CANDIDATES:
            return self._srcset(one.value)
        if not one.value.strip() and name not in _LINKING:
            return ""
        return self._references.url(one.value, image=name in _PICTURES)

    def _srcset(self, value: str) -> str:
        """Several candidates, each a URL with an optional width or density (WHATWG HTML, 4.8.4.2.1)."""
        found = (self._candidate(url, size.strip()) for url, size in candidates(value))
        return ", ".join(one for one in found if one)

    def _candidate(self, url: str, size: str) -> str:
        absolute = self._references.url(url, image=True).replace(",", "%2C")
        return f"{absolute} {size}".strip() if absolute else ""

    def _note(self, name: str, attributes: list[Attribute], urls: dict[str, str]) -> None:
        if name in _PICTURES and urls.get("src"):
            values = {one.name: one.value for one in attributes}
            if not is_tracker(values):
                self._references.picture(urls["src"], values.get("alt", ""))
        if name in _MEDIA:
            self._in_media = True
        if (name in _MEDIA or (name == "source" and self._in_media)) and urls.get("src"):
            self._references.medium(urls["src"])


def is_tracker(values: dict[str, str]) -> bool:
    """Whether an image is one of those dots that count readers."""
    return {values.get("width", "").removesuffix("px"), values.get("height", "").removesuffix("px")} <= {"0", "1"}


def candidates(srcset: str) -> list[tuple[str, str]]:
    """The URLs of a srcset with their descriptors."""
    return [(one[1].rstrip(","), one[2] or "") for one in _CANDIDATE.finditer(srcset)]
