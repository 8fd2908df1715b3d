"""The feeds that a web page names: `<link rel="alternate" type="application/rss+xml" href="…">`.

Pages are other people's and may be made to keep a parser busy: two kinds of tags are looked for, and nothing is nested.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from publisher.feeds.reading_text import web_address

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/json", "application/rdf+xml"}
)
_MOST = 2_000_000  # bytes of a page in which links are looked for
_TAG = re.compile(r"<!--|<(script|style|textarea|title)\b|<(link|base)(?=[\s/>])([^<>]{0,10000})>", re.IGNORECASE)
# Nothing is given back once it is matched (++): a page of names without values is read once.
_ATTRIBUTE = re.compile(r"""(?<![^\s/"'])([^\s/>"'=]++)\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]++)""")


def feeds_of(html: bytes, url: str) -> tuple[str, ...]:
    """The absolute addresses of the feeds that a page names, in its order, each once."""
    base, found = url, []
    for tag, given in _tags(html[:_MOST].decode("utf-8", "replace")):
        if tag == "base":
            base = web_address(given.get("href"), url) or base
        elif _names_a_feed(given):
            found.append(web_address(given.get("href"), base))
    return tuple(dict.fromkeys(filter(None, found)))


def _names_a_feed(given: dict[str, str]) -> bool:
    kind = given.get("type", "").partition(";")[0].strip().lower()
    return "alternate" in given.get("rel", "").lower().split() and kind in _TYPES


def _tags(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every link and base, with its attributes, outside of comments and of what is no markup."""
    at = 0
    while found := _TAG.search(page, at):
        at = found.end()
        if found[2]:
            yield found[2].lower(), _attributes(found[3])
            continue
        end = _END_OF.get(found[1].lower()) if found[1] else _END_OF["comment"]
        ended = end.search(page, at) if end else None
        if ended is None:  # unclosed: the rest is inside it
            return
        at = ended.end()


_END_OF = {
    "comment": re.compile("-->"),
    **{name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")},
}


def _attributes(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(text):
        value = one[2][1:-1] if one[2][0] in "\"'" else one[2]
        given.setdefault(one[1].lower(), unescape(value))
    return given
