"""The HTML of an entry that somebody else wrote, made fit for our mail: absolute, harmless, with a summary."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from publisher.content.characters import without_forbidden
from publisher.content.clean import DEEPEST, clean, depth
from publisher.content.summary import plain_text, shortened, summary_of
from publisher.model.entry import Body, Image

if TYPE_CHECKING:
    from publisher.model.entry import Enclosure

_LONGEST = 400_000  # characters; what is longer is no text that anybody reads in a mail
# With quotations closed, in which > may stand; else up to the next >.
_TAG = re.compile(r"""<[a-zA-Z](?:[^<>"']++|"[^"]*+"|'[^']*+')*+>|<[a-zA-Z][^<>]*>""")
_REFERENCE = re.compile(
    r"""(?<=[\s"'])(href|src|cite|poster)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def foreign_body(html: str, summary: str, base: str, image: str = "", enclosure: Enclosure | None = None) -> Body:
    """The body of an entry: ``html`` and ``summary`` as received, ``base`` the address that links are relative to."""
    whole = without_forbidden(html or summary)[:_LONGEST]
    if whole.count("<") > DEEPEST and depth(whole) > DEEPEST:
        whole = f"<p>{escape(plain_text(whole), quote=False)}</p>"
    cleaned = without_forbidden(clean(absolute(whole, base)))
    words = shortened(plain_text(without_forbidden(summary))) if html and summary else summary_of(cleaned, "", -1)
    return Body(cleaned, cleaned, words, Image(image) if image else None, enclosure)


def absolute(html: str, base: str) -> str:
    """HTML with every address in its tags made absolute."""
    return _TAG.sub(lambda tag: _REFERENCE.sub(lambda found: _joined(found, base), tag[0]), html)


def _joined(found: re.Match[str], base: str) -> str:
    written = unescape(found[2] if found[2] is not None else found[3] if found[3] is not None else found[4]).strip()
    try:
        url = written if _ELSEWHERE.match(written) else urljoin(base, written)
    except ValueError:  # an unclosed bracket
        url = ""
    return f'{found[1]}="{escape(url)}"'
