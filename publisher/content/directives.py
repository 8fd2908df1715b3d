"""Directives, as remark, Docusaurus, VitePress, markdown-it and Pandoc know them, and attributes in braces.

``:::note[Title]`` … ``:::`` wraps paragraphs, ``:name[words]{attributes}`` marks words, and
``{.class #id}`` behind a block, a picture or a link says how it looks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from publisher.content.fallbacks import Call, form_of, is_wrapping
from publisher.content.standins import Form, Mark, Pairing

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTAINER = re.compile(
    r"""^[ \t]*(?P<fence>:{3,}[ \t]*(?:
        (?P<name>[A-Za-z][\w-]*)(?:\[(?P<label>[^\n]*?)\])?(?:[ \t]*\{[^{}\n]*\})?(?P<title>[^\n:]*)
      | \{[ \t]*\.?(?P<style>[\w-]+)[^{}\n]*\}
    )?:*)[ \t]*$""",
    re.VERBOSE | re.MULTILINE,
)
_WORDS = re.compile(r":(?<![\w:/]:)[a-z][\w-]*\[(?P<words>[^\[\]\n]+)\]\{[^{}\n]*\}")
_ATTRIBUTE = r"""(?:[.\#][\w-]+|[\w:-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{}"']+))"""
_BEHIND = re.compile(rf"\{{(?:(?<=[)`]\{{)|(?<=\n\{{))[ \t]*{_ATTRIBUTE}(?:[ \t]+{_ATTRIBUTE})*[ \t]*\}}")


def find_directives(text: str) -> Iterator[Mark]:
    """The marks of directives in a text, unordered."""
    if ":::" in text:
        for one in _CONTAINER.finditer(text):
            yield Mark(one.start("fence"), one.end("fence"), _form(one), one["fence"])
    for one in _WORDS.finditer(text):
        start, end = one.span("words")
        yield Mark(one.start(), start, Form(), text[one.start() : start])
        yield Mark(end, one.end(), Form(), text[end : one.end()])


def find_attributes(text: str) -> Iterator[Mark]:
    """Attributes behind a picture, a link or code, or on a line below a block."""
    for one in _BEHIND.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])


def _form(found: re.Match[str]) -> Form:
    name = found["name"] or found["style"] or ""
    title = (found["label"] or found["title"] or "").strip()
    if not name:
        return Form(pairing=Pairing.CLOSE)
    kind = name.removeprefix("callout-")
    if is_wrapping(kind):
        return form_of(Call(kind, plain=(title,) if title else ()))
    # A box that nobody knows is one if it has a title, else only its words are left.
    return form_of(Call("box", plain=(title,))) if title else Form(pairing=Pairing.OPEN, name=name)
