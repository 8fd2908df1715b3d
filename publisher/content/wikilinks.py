"""Obsidian's and every wiki's ``[[Note]]``, ``[[Note|text]]``, ``[[Note#Heading]]``, ``![[image.png|300]]``."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from publisher.content.forms import linked, picture
from publisher.content.standins import Form, Mark
from publisher.content.urls import IMAGE_TYPES, extension

if TYPE_CHECKING:
    from collections.abc import Iterator

# Not [[x]](url) or [[x]][label], which are Markdown's own links.
_WIKILINK = re.compile(r"\[\[(?<!\\\[\[)(?![\s-])([^\[\]{}\n|]+?)(?:\\?\|([^\[\]{}\n]*))?\]\](?!\(|\[(?!\^))")
_DEFINED = re.compile(r"\[([^\[\]\n]+)\]:")
_CONTENTS = frozenset({"toc", "_toc_"})  # where markdown-it and Azure put a table of contents
_SIZE = re.compile(r"(\d+)(?:x(\d+))?")


def wikilinks(text: str) -> Iterator[Mark]:
    """The wikilinks of a text, in order. What Markdown itself defines (``[x]: url``) is left to it."""
    defined = set(_DEFINED.findall(text)) if _DEFINED.search(text) else ()
    for found in _WIKILINK.finditer(text):
        if found[1] not in defined:
            embed = text.startswith("!", max(0, found.start() - 1))
            start = found.start() - embed
            yield Mark(start, found.end(), _form(found[1].strip(), found[2], embed=embed), text[start : found.end()])


def _form(target: str, label: str | None, *, embed: bool) -> Form:
    if target.lower() in _CONTENTS:
        return Form()
    if target.startswith(("https://", "http://")):
        address = target.replace("\\_", "_")
        return _inline(linked(address, label or address), label or address)
    url = "wikilink:" + quote(target, safe="/#@.,()~-_")
    if embed and extension(target) in IMAGE_TYPES:
        return _inline(picture(url, *_alt_and_size(target, label)))
    return _inline(linked(url, label or _words(target)), label or _words(target))


def _words(target: str) -> str:
    name, _, heading = target.partition("#")
    heading = heading.rpartition("#")[2].lstrip("^")
    return f"{name} § {heading}" if name and heading else name or heading


def _alt_and_size(target: str, label: str | None) -> tuple[str, str, str, str]:
    """Obsidian writes a picture's width, or width and height, where other links have their text."""
    text, _, last = (label or "").rpartition("|")
    size = _SIZE.fullmatch(last)
    if not size:
        return label or target.rpartition("/")[2].rpartition(".")[0], "", "", ""
    height = f' height="{size[2]}"' if size[2] else ""
    return text or target.rpartition("/")[2].rpartition(".")[0], "", "", f' width="{size[1]}"{height}'


def _inline(form: Form, words: str = "") -> Form:
    return Form(inline=form.inline, attribute=escape(words))
