"""Words for addresses: lower case, NFC, letters and digits of every script.

Two rules: ``slugify`` for titles and tags, where only letters and digits stay; ``name_slug`` for file
names, folders and slugs that an author chose, where ``_``, ``.`` and ``~`` stay too, because the
generators leave them and an address must not move when Publisher joins one.
"""

from __future__ import annotations

import re
import unicodedata

_SIMPLE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SIMPLE_NAME = re.compile(r"[a-z0-9][a-z0-9_.]*(?:-[a-z0-9_.]+)*")
_OTHER_THAN_ASCII = re.compile(r"[^a-z0-9]+")
_GAPS = re.compile(r"-{2,}")
_KEPT = "LMN"  # letters, the marks that belong to them, and numbers, as Unicode's general categories
_JOINERS = "Cf"  # zero-width joiners stand inside words; a break there would split them
_MARKS_OF_NAMES = "_.~"
_LONGEST = 400  # characters looked at; an address made of a title of a megabyte serves nobody
_LONGEST_BYTES = 180  # a file system takes names of 255, and an extension and a temporary name need room


def slugify(text: str) -> str:
    """Lower-case words joined by ``-``; empty when the text holds no letter and no digit."""
    lower = text[:_LONGEST].lower()
    if lower.isascii():
        return _short(lower if _SIMPLE.fullmatch(lower) else _OTHER_THAN_ASCII.sub("-", lower).strip("-"))
    return _short(_joined(lower, ""))


def name_slug(name: str, *, keep_case: bool = False) -> str:
    """A file name, folder or chosen slug as one segment of an address; never ``.`` or ``..``."""
    cased = name[:_LONGEST] if keep_case else name[:_LONGEST].lower()
    slug = cased if _SIMPLE_NAME.fullmatch(cased) else _joined(cased, _MARKS_OF_NAMES)
    return _short(slug.strip(".-"))


def _short(slug: str) -> str:
    if len(slug) * 4 <= _LONGEST_BYTES or len(data := slug.encode("utf-8", "replace")) <= _LONGEST_BYTES:
        return slug
    return data[:_LONGEST_BYTES].decode("utf-8", "ignore").rstrip(".-")


def _joined(text: str, also: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    return _GAPS.sub("-", "".join([_letter(letter, also) for letter in normal])).strip("-")


def _letter(letter: str, also: str) -> str:
    if letter.isascii():
        return letter if letter.isalnum() or letter in also else "-"
    category = unicodedata.category(letter)
    if category == _JOINERS:
        return ""
    return letter if category[0] in _KEPT else "-"
