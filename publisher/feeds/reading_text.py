"""Texts of somebody else's feed: what is read as HTML, and what is not."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

_SPACES = re.compile(r"\s+")
# Tags that titles hold. A title of RSS may be text or HTML, and <T> or <Word> of a text is no tag of HTML.
_INLINE = "a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q s small span strong sub sup tt u var wbr"
_TAG = re.compile(rf"<(/?)({'|'.join(_INLINE.split())})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_EMPTY = frozenset({"br", "img", "wbr"})


def one_line(value: Any) -> str:
    """Any value as text on one line; empty for None."""
    return _SPACES.sub(" ", str(value)).strip() if value is not None else ""


def web_address(value: Any, base: str) -> str:
    """A link made absolute; empty for what is none."""
    text = one_line(value)
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


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of_html(html: str) -> str:
    """The words of a piece of HTML."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return one_line("".join(reader.words))
