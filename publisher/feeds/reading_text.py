"""Texts of somebody else's feed: what is read as HTML, and what is not."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

_SPACES = re.compile(r"\s+")
# Tags that titles hold. A title of RSS may be text or HTML, and <T> or <Word> of a text is no tag of HTML.
_INLINE = "a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q s small span strong sub sup tt u var wbr"
_TAG = re.compile(rf"<(/?)({'|'.join(_INLINE.split())})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_EMPTY = frozenset({"br", "img", "wbr"})
_MARKUP = re.compile(r"<!--.*?-->|</?[A-Za-z!?][^<>]*>", re.DOTALL)
_LONGEST = 20_000  # characters of a title
_UNSOUND = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def one_line(value: Any) -> str:
    """Any value as text on one line; empty for None."""
    return sound(_SPACES.sub(" ", str(value))).strip() if value is not None else ""


def web_address(value: Any, base: str) -> str:
    """A link made absolute; empty for what is none."""
    text = one_line(value) if isinstance(value, str) else ""
    if not text:
        return ""
    try:
        joined = urljoin(base, text)
        return joined if urlsplit(joined).scheme in {"http", "https"} else ""
    except ValueError:  # an unclosed bracket
        return ""


def plain(value: Any, *, whole: bool = False) -> str:
    """HTML as text. Unless it is known to be HTML as a ``whole``, only pairs of tags that titles hold are taken out."""
    text = str(value or "")
    if whole:
        return text_of_html(text)
    if "<" in text:
        ended = {tag[2].lower() for tag in _TAG.finditer(text) if tag[1]} | _EMPTY
        text = _TAG.sub(lambda tag: "" if tag[2].lower() in ended else tag[0], text)
    return one_line(unescape(text) if "&" in text else text)


def text_of_html(html: str) -> str:
    """The words of a piece of HTML, as far as anybody reads a title."""
    return one_line(unescape(_MARKUP.sub("", html[:_LONGEST])))


def sound(text: str) -> str:
    """A text without what no document may hold: half surrogates, and controls that a terminal would obey."""
    return _UNSOUND.sub("", text)
