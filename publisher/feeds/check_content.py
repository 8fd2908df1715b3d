"""Rules for the HTML a feed carries: does it fit together, is it safe, do its links lead anywhere.

Two kinds of content end here: escaped HTML (a string) and inline XHTML (elements). Both are
turned into start and end tags, so that one set of tables judges them.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import Enum
from html import unescape
from typing import TYPE_CHECKING

from publisher.feeds.check_html import HTML_ELEMENTS, VOID_ELEMENTS, Broken, Tag, read
from publisher.feeds.check_rules import Fault, error, shown, warning, words
from publisher.feeds.check_urls import characters, is_absolute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SOURCE = "RSS Profile and RFC 4287 8.1: HTML in feeds"
_STANDARD = "HTML Standard"

# Readers throw these away, or ought to: they run code, load documents, or rule the whole page.
_UNSAFE = words(
    "applet base basefont bgsound body comment embed form frame frameset head html iframe isindex keygen link "
    "listing meta noembed noframes object param plaintext script slot style textarea title xmp button select "
    "option optgroup input"
)
# Where attributes hold addresses; "*" is any element.
_LINKS = frozenset(
    {("a", "href"), ("area", "href"), ("img", "src"), ("img", "longdesc"), ("source", "src"), ("audio", "src")}
    | {("video", "src"), ("video", "poster"), ("track", "src"), ("blockquote", "cite"), ("q", "cite")}
    | {("ins", "cite"), ("del", "cite"), ("iframe", "src"), ("embed", "src"), ("object", "data")}
)
_LINK_LISTS = frozenset({("img", "srcset"), ("source", "srcset")})
_CODE = re.compile(r"(?:javascript|vbscript|livescript|data:(?!image/|audio/|video/|font/))", re.IGNORECASE)
_IGNORED_IN_URLS = re.compile(r"[\x00-\x20]+")

# Declarations that change how a text looks and nothing else on the page.
_HARMLESS_STYLE = re.compile(
    r"\s*(?:(?:background(?:-color)?|border(?:-(?:top|right|bottom|left|color|style|width|collapse|spacing))*|clear|color"
    r"|cursor|direction|display|float|font(?:-(?:family|size|style|variant|weight))?|height|letter-spacing"
    r"|line-height|list-style-type|margin(?:-(?:top|right|bottom|left))?|overflow"
    r"|padding(?:-(?:top|right|bottom|left))?|text-(?:align|decoration|indent)|vertical-align|white-space|width)"
    r"\s*:(?:rgba?\([\d\s,.%]{1,40}\)|#[0-9a-f]{3,8}\b|(?!\d{4})[\w\s%.,'!-])*+(?:;\s*|\Z))*\Z",
    re.IGNORECASE,
)

_CLOSES_P = words(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hgroup hr listing main menu nav ol p plaintext pre search section summary table "
    "ul xmp li dd dt"
)
_END_IMPLIED = words("dd dt li optgroup option p rb rp rt rtc tbody td tfoot th thead tr colgroup caption")
_MAY_STAY_OPEN = _END_IMPLIED - {"optgroup", "option", "rb", "rp", "rt", "rtc", "caption"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BOUNDARIES = frozenset({"table", "td", "th", "caption", "button", "object", "applet", "marquee", "template"})
# A start tag ends these when one is open above the nearest boundary.
_REPLACES: dict[str, frozenset[str]] = {
    "li": frozenset({"li"}),
    "dd": frozenset({"dd", "dt"}),
    "dt": frozenset({"dd", "dt"}),
    "option": frozenset({"option"}),
    "optgroup": frozenset({"option", "optgroup"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "tbody": frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "colgroup", "caption"}),
    "thead": frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "colgroup", "caption"}),
    "tfoot": frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "colgroup", "caption"}),
}
_ENDS_SEARCH = {
    "li": frozenset({"ul", "ol", "menu", "dir"}),
    "dd": frozenset({"dl"}),
    "dt": frozenset({"dl"}),
    "option": frozenset({"select", "datalist"}),
    "optgroup": frozenset({"select"}),
}
_TABLE_PARTS = frozenset({"caption", "colgroup", "col", "tbody", "thead", "tfoot", "tr", "td", "th"})
_NOT_NESTED = frozenset({"a", "nobr", "button", "form"})
_DOCUMENT_PARTS = frozenset({"html", "head", "body", "frameset", "frame"})
_WHOLE_DOCUMENT = _DOCUMENT_PARTS | {"title"}
_DEEPEST = 400  # browsers cut at 512


class Relative(Enum):
    """What a relative link in content means."""

    FORBIDDEN = "forbidden"  # nothing says what it is relative to
    RESOLVED = "resolved"  # xml:base says it


def html_faults(text: str, relative: Relative, *, whole: bool = False) -> Iterator[Fault]:
    """Everything wrong with escaped HTML; each kind of fault once, with its first example.

    ``whole`` content is a document with a head and a body, not a fragment.
    """
    seen: set[str] = set()
    for fault in _all_faults(text, relative, _WHOLE_DOCUMENT if whole else frozenset()):
        kind = fault.source + fault.what.partition(":")[0]
        if kind not in seen:
            seen.add(kind)
            yield fault


def _all_faults(text: str, relative: Relative, tolerated: frozenset[str]) -> Iterator[Fault]:
    fit = _Fit()
    for token in read(text):
        if isinstance(token, Broken):
            yield _untidy(token.what)
            continue
        if token.name in tolerated:
            continue
        if token.fault:
            yield _untidy(f"the tag <{token.name}> {token.fault}")
        if not token.end:
            yield from tag_faults(token, relative)
        if complaint := fit.take(token):
            yield _untidy(complaint)
    if complaint := fit.finish():
        yield _untidy(complaint)


def _untidy(what: str) -> Fault:
    return warning(f"holds HTML that browsers must repair: {what}", _STANDARD, "Close and nest every tag.")


def tag_faults(tag: Tag, relative: Relative) -> Iterator[Fault]:
    """What is wrong with one start tag by itself."""
    if tag.name not in HTML_ELEMENTS:
        yield warning(f"holds <{tag.name}>, which is no HTML element", _STANDARD, "Use HTML alone in feeds.")
    elif tag.name in _UNSAFE and not _is_task_box(tag):
        yield warning(f"holds <{tag.name}>, which readers take out", _SOURCE, "Put a link there instead.")
    for name, raw in tag.attributes:
        yield from _attribute_faults(tag.name, name, unescape(raw) if "&" in raw else raw, relative)


def _is_task_box(tag: Tag) -> bool:
    """The box of a task list: it can't be clicked, so nothing is lost where it is taken out."""
    given = dict(tag.attributes)
    return tag.name == "input" and given.get("type", "").lower() == "checkbox" and "disabled" in given


def _attribute_faults(element: str, name: str, value: str, relative: Relative) -> Iterator[Fault]:
    if name.startswith("on"):
        yield warning(f"holds an event handler: <{element} {name}>", _SOURCE, "Take the attribute out.")
    elif name == "style" and not _HARMLESS_STYLE.match(value):
        yield warning(f"holds a style that may disturb a page: {shown(value)}", _SOURCE, "Take the attribute out.")
    elif (element, name) in _LINKS:
        yield from link_faults(element, value.strip(), relative)
    elif (element, name) in _LINK_LISTS:
        for candidate in value.split(", "):
            yield from link_faults(element, candidate.strip().partition(" ")[0], relative)


def link_faults(element: str, value: str, relative: Relative) -> Iterable[Fault]:
    """What is wrong with an address inside content."""
    if _CODE.match(_IGNORED_IN_URLS.sub("", value[:40])):
        return [warning(f"holds a link that runs code: {shown(value)}", _SOURCE, "Take the link out.")]
    if not is_absolute(value) and relative is Relative.FORBIDDEN:
        what = f"holds a relative link, which leads nowhere in a reader: <{element}> {shown(value)}"
        return [error(what, "RSS Profile, relative URLs", "Write the whole address, with scheme and host.")]
    return [
        warning(f"holds a link that is no address: {shown(value)}", fault.source, fault.remedy)
        for fault in characters(value)
    ]


class _Fit:
    """Which elements are open, and whether the next tag fits; HTML Standard 13.2.6, in short."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.count: Counter[str] = Counter()
        self.given_up = False

    def take(self, tag: Tag) -> str:
        """The complaint about this tag, or nothing."""
        if self.given_up:
            return ""
        foreign = self.count["svg"] or self.count["math"] or tag.name in {"svg", "math"}
        complaint = self._foreign(tag) if foreign else self._either(tag)
        self.given_up = len(self.open) > _DEEPEST
        return complaint or (f"elements nest more than {_DEEPEST} deep" if self.given_up else "")

    def finish(self) -> str:
        """The complaint about what is still open at the end, or nothing."""
        if self.given_up:
            return ""
        unclosed = next((name for name in self.open if name not in _MAY_STAY_OPEN), "")
        return f"<{unclosed}> is not closed" if unclosed else ""

    def _either(self, tag: Tag) -> str:
        return self._end(tag.name) if tag.end else self._start(tag)

    def _start(self, tag: Tag) -> str:
        name = tag.name
        complaint = self._misplaced(name)
        if name in _CLOSES_P and self.count["p"]:
            complaint = self._close_to(frozenset({"p"}), _BOUNDARIES) or complaint
        if name in _REPLACES:
            stops = _ENDS_SEARCH.get(name, frozenset()) | (_BOUNDARIES - _REPLACES[name])
            complaint = self._close_to(_REPLACES[name], stops) or complaint
        if name in VOID_ELEMENTS:
            return complaint
        self._push(name)
        return complaint or (f"<{name}/> does not close itself" if tag.empty else "")

    def _misplaced(self, name: str) -> str:
        if name in _DOCUMENT_PARTS:
            return f"<{name}> belongs to a whole document"
        if name in _TABLE_PARTS and not self.count["table"]:
            return f"<{name}> stands outside of a table"
        if name in _HEADINGS and self.open and self.open[-1] in _HEADINGS:
            return f"<{name}> stands inside <{self.open[-1]}>"
        return f"<{name}> stands inside <{name}>" if name in _NOT_NESTED and self.count[name] else ""

    def _end(self, name: str) -> str:
        if name in VOID_ELEMENTS or not self.count[name]:
            return f"</{name}> closes nothing"
        skipped = ""
        while (top := self._pop()) != name:
            if top not in _END_IMPLIED:
                skipped = skipped or f"</{name}> comes before </{top}>"
        return skipped

    def _close_to(self, wanted: frozenset[str], stops: frozenset[str]) -> str:
        """End the open elements down to the last wanted one, unless a stop comes first."""
        deepest = -1
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index] in wanted:
                deepest = index
            elif self.open[index] in stops or deepest >= 0:
                break
        skipped = ""
        while 0 <= deepest < len(self.open):
            top = self._pop()
            if top not in wanted and top not in _END_IMPLIED:
                skipped = skipped or f"<{top}> is not closed inside <{next(iter(sorted(wanted)))}>"
        return skipped

    def _foreign(self, tag: Tag) -> str:
        if tag.end:
            return self._end(tag.name)
        if not tag.empty:
            self._push(tag.name)
        return ""

    def _push(self, name: str) -> None:
        self.open.append(name)
        self.count[name] += 1

    def _pop(self) -> str:
        name = self.open.pop()
        self.count[name] -= 1
        return name
