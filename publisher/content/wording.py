"""Titles and descriptions of frontmatter as plain text: generators print them into HTML, feeds say them.

Only what is formatting beyond doubt goes: elements with their end tag, characters written as references,
and in descriptions, which themes run through Markdown, links and strong words. ``Rc<Vec<T>>`` and
``the <details> element`` stay as they are.
"""

from __future__ import annotations

import re
from html import unescape

_ELEMENT = re.compile(
    r"<(?P<name>a|abbr|b|cite|code|del|em|i|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup|u)(?:\s[^<>]*)?>"
    r"(?P<text>[^<>]*)</(?P=name)\s*>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\s*<(?:br|wbr|p|/p)(?:\s*/)?>\s*", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#\d{2,6}|#[xX][0-9A-Fa-f]{2,5}|amp|quot|apos|[lr][sd]quo|hellip|[mn]dash);")
_NESTED = 4  # levels of formatting that are taken off
_MARKDOWN = re.compile(r"\]\(|\*\*")


def plain_title(text: str) -> str:
    """A title of one line without the HTML that formats it."""
    if "<" in text:
        for _ in range(_NESTED):
            text = _ELEMENT.sub(r"\g<text>", text)
        text = " ".join(_BREAK.sub(" ", text).split())
    return _REFERENCE.sub(lambda one: unescape(one[0]), text) if "&" in text else text


def plain_description(text: str) -> str:
    """A description of one line without the HTML or Markdown that formats it."""
    if not _MARKDOWN.search(text):
        return plain_title(text)
    from publisher.content.headings import plain_text  # noqa: PLC0415 - few descriptions hold Markdown

    return plain_text(plain_title(text))
