"""HTML for feeds and mail: nothing that runs, loads or counts readers, and embeds as links.

The parser's own HTML needs no cleaning, and cleaning costs more than all the rest of a post together. So
``is_plain`` proves of a text, tag for tag, that it is made of nothing else; only other texts go through nh3.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from publisher.content.embeds import readable
from publisher.content.markup import attributes_of, is_tracker

if TYPE_CHECKING:
    from nh3 import Cleaner

DEEPEST = 512  # levels; browsers stop here too (Chromium, WebKit), and cleaning takes time by the square of the depth


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    "a abbr article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt "
    "em "
    "figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p pre q rp rt rtc "
    "ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var "
    "wbr"
)
_DROPPED_WHOLE = _words(
    "script style form select textarea button template noscript svg math canvas title head applet frameset noframes "
    "object video audio dialog map"
)
_ATTRIBUTES = {
    "*": {"id", "lang", "dir", "title"},
    "a": {"href", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "del": {"cite", "datetime"},
    "ins": {"cite", "datetime"},
    "time": {"datetime"},
    "code": {"class"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "td": {"colspan", "rowspan", "align", "headers"},
    "th": {"colspan", "rowspan", "align", "scope", "headers"},
    "col": {"span", "align"},
    "colgroup": {"span"},
    "details": {"open"},
}
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "data", "ftp", "sms", "xmpp", "geo", "magnet", "gemini"})

_INLINE = "em|strong|del|code|sup|sub|kbd|mark|small|s|b|i|u|q|cite|var|samp|dfn|abbr|summary|figcaption"
_BLOCKS = "p|ul|ol|li|dl|dt|dd|pre|blockquote|table|thead|tbody|tr|th|td|details|figure|div|h[1-6]"
_PLAIN_TAG = rf"""(?:
      (?P<close>/)?(?P<name>{_INLINE}|{_BLOCKS}|a)
    | (?P<opening>
          a\ href="[^"<>]*"(?:\ id="fnref-\d+"|\ rel="enclosure")?(?:\ title="[^"<>]*")?
        | ol\ start="\d+" | t[hd]\ style="text-align:\ \w+" | code\ class="language-[\w+\#.\-]+"
        | h[1-6]\ id="[^"<>]*" | div\ id="fn-\d+"
      )
    | br\ / | hr\ / | br
    | img\ src="[^"<>]*"\ alt="[^"<>]*"(?:\ title="[^"<>]*")?(?:\ width="\d+")?(?:\ height="\d+")?\ /
    | input\ disabled=""\ type="checkbox"(?:\ checked="")?/
    )>"""
_TAG = re.compile("<" + _PLAIN_TAG, re.VERBOSE)
_OTHER_TAG = re.compile(f"<(?!{_PLAIN_TAG})", re.VERBOSE)
_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
_ESCAPED = re.compile(r"&lt;[A-Za-z/!?]")
_ESCAPES = re.compile(r"&(?:lt|LT|#)")
_LOOSE_IN_TABLE = re.compile(r"<(?:table|thead|tbody|tr|/t[rhd]|/thead|/tbody)>\s*[^<\s]")
_HOMES = {
    "li": frozenset({"ul", "ol"}),
    "dt": frozenset({"dl"}),
    "dd": frozenset({"dl"}),
    "thead": frozenset({"table"}),
    "tbody": frozenset({"table"}),
    "tr": frozenset({"thead", "tbody"}),
    "th": frozenset({"tr"}),
    "td": frozenset({"tr"}),
    "summary": frozenset({"details"}),
    "figcaption": frozenset({"figure"}),
}
_PARENTS_OF_FEW = {
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "dl": frozenset({"dt", "dd"}),
    "table": frozenset({"thead", "tbody"}),
    "thead": frozenset({"tr"}),
    "tbody": frozenset({"tr"}),
    "tr": frozenset({"th", "td"}),
}
_PHRASING = frozenset([*_INLINE.split("|"), "a"]) - {"summary", "figcaption"}
_USUAL = frozenset({("", "p"), ("p", "a"), ("p", "code"), ("p", "em"), ("p", "strong"), ("ul", "li"), ("li", "a")})
_NO_BLOCKS_INSIDE = _PHRASING | {"p", "h1", "h2", "h3", "h4", "h5", "h6", "summary", "figcaption", "pre", "dt"}

_OTHER_IN_FEEDS = re.compile(r"<(?:t[hd] style|[iI][nN][pP])")
_ALIGNED = re.compile(r'<(t[hd]) style="text-align: (left|center|right)">')
_CHECKED = re.compile(r"<input\b(?=[^<>]*\btype=[\"']?checkbox)(?P<rest>[^<>]*)>", re.IGNORECASE)
_EMBED = re.compile(
    r"<(?P<name>(?i:iframe|embed|object|video|audio))\b(?P<attributes>(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>"
)
_EMBEDS = re.compile(r"<(?i:iframe|embed|object|video|audio)\b")
_SOURCE = re.compile(r"<(?:source|param|embed)\b([^<>]*)>", re.IGNORECASE)
_VOID = re.compile(r'<((?:br|hr|img|wbr|col)(?: [\w:-]+="[^"]*")*)>')
_IMAGE = re.compile(r"<img( [^<>]*)>")
_OTHER_CLASS = re.compile(r'<code class="(?!language-[\w+#.\-]+")[^"]*">')
_DATA = re.compile('href="data:')
_DATA_LINK = re.compile(r'(<a\b[^<>]*?) href="data:[^"]*"')
_STRUCTURE = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_VOIDS = _words("area base br col embed hr img input link meta source track wbr")


def all_escaped(markdown: str, html: str) -> bool:
    """Whether whatever looks like a tag in a Markdown text stands escaped in its HTML, as it does in code.

    Each such place of the text comes out either as a tag or as ``&lt;``, so equal numbers mean that
    none is a tag, unless the text has escapes of its own. A title used twice could hide one; that it
    then is at least one of the parser's own tags is asked as well.
    """
    if "<" not in markdown:
        return True
    places = len(_TAG_LIKE.findall(markdown))
    if not places:
        return True
    if "&" in markdown and _ESCAPES.search(markdown):
        return False
    return places == len(_ESCAPED.findall(html)) and not _OTHER_TAG.search(html)


def is_plain(html: str) -> bool:
    """Whether a text is proven to be well nested and made of harmless tags in the parser's own spelling."""
    if _OTHER_TAG.search(html) or _LOOSE_IN_TABLE.search(html):
        return False
    stack: list[str] = [""]
    for close, element, opening in _TAG.findall(html):
        name = element or opening.partition(" ")[0]
        if close:
            if stack.pop() != name:
                return False
        elif name:
            parent = stack[-1]
            if (parent, name) not in _USUAL and not _may_stand(name, parent):
                return False
            stack.append(name)
    return stack == [""]


def _may_stand(name: str, parent: str) -> bool:
    if name in _HOMES:
        return parent in _HOMES[name]
    if parent in _PARENTS_OF_FEW:
        return False
    if name in _PHRASING:
        return name != parent or name not in {"a", "code"}
    return parent not in _NO_BLOCKS_INSIDE


def for_feeds(html: str) -> str:
    """Plain HTML with what feeds cannot style or tick in another shape; the same object if it has neither."""
    if not _OTHER_IN_FEEDS.search(html):
        return html
    return _CHECKED.sub(_tick, _ALIGNED.sub(r'<\1 align="\2">', html))


def clean(html: str) -> str:
    """Any HTML made harmless; tags closed as XML wants them. Cleaning its result changes nothing."""
    html = for_feeds(html)
    if _EMBEDS.search(html):
        html = _without_embeds(html)
    cleaned = _cleaner().clean(html).replace("&nbsp;", "\N{NO-BREAK SPACE}")
    cleaned = _IMAGE.sub(_without_trackers, cleaned) if "<img" in cleaned else cleaned
    cleaned = _DATA_LINK.sub(r"\1", cleaned) if _DATA.search(cleaned) else cleaned
    cleaned = _OTHER_CLASS.sub("<code>", cleaned)
    return _VOID.sub(r"<\1 />", cleaned)


def depth(html: str) -> int:
    """How deep elements are nested, at most; what is never closed counts."""
    level = deepest = 0
    for found in _STRUCTURE.finditer(html):
        if found[2].lower() in _VOIDS:
            continue
        level = max(level - 1, 0) if found[1] else level + 1
        deepest = max(deepest, level)
    return deepest


def _tick(found: re.Match[str]) -> str:
    ticked = any(one.name == "checked" for one in attributes_of(found["rest"]))
    return "\N{BALLOT BOX WITH CHECK}" if ticked else "\N{BALLOT BOX}"


def _without_embeds(html: str) -> str:
    """Each embed as a link to what it shows, up to its closing tag; linear in the text."""
    pieces: list[str] = []
    position = 0
    gone: set[str] = set()
    while found := _EMBED.search(html, position):
        name = found["name"].lower()
        end = None if name == "embed" or name in gone else _closing(name).search(html, found.end())
        if end is None and name != "embed":
            gone.add(name)
        inside = html[found.end() : end.start()] if end else ""
        pieces += (html[position : found.start()], _link(found["attributes"], inside))
        position = end.end() if end else found.end()
    pieces.append(html[position:])
    return "".join(pieces)


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>", re.IGNORECASE)


def _link(attributes: str, inside: str) -> str:
    values = {one.name: one.value for one in attributes_of(attributes)}
    url = values.get("src") or values.get("data") or _source(inside)
    if not url.startswith(("http://", "https://")):
        return ""
    target, label = readable(url, values.get("title", ""))
    return f'<a href="{escape(target)}">{escape(label)}</a>'


def _source(inside: str) -> str:
    for found in _SOURCE.finditer(inside):
        values = {one.name: one.value for one in attributes_of(found[1])}
        url = values.get("src") or (values.get("value", "") if values.get("name") in {"movie", "src"} else "")
        if url:
            return url
    return ""


def _without_trackers(found: re.Match[str]) -> str:
    values = {one.name: one.value for one in attributes_of(found[1])}
    return "" if not values.get("src") or is_tracker(values) else found[0]


@cache
def _cleaner() -> Cleaner:
    from nh3 import Cleaner  # noqa: PLC0415 - most posts are proven plain and need none

    return Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes=_ATTRIBUTES,
        tag_attribute_values={"a": {"rel": {"enclosure"}}},
        url_schemes=set(_SCHEMES),
        url_relative="deny",  # what is not absolute by now was mangled by markup that never ends
        link_rel=None,
        strip_comments=True,
    )
