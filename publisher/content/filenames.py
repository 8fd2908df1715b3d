"""What a post's path says before the file is opened: its name, date, section, language, whether it is no post.

Hugo and Zola keep a post as ``name/index.md`` (a bundle), Jekyll and Eleventy write the date before the
name, Hugo a language after it (``name.de.md``). Jekyll's ``_posts`` and ``_drafts`` are no sections, the folders
above ``_posts`` are categories, and a collection ``_talks`` is called talks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_DATED = re.compile(r"(\d{4})([-_])(\d{1,2})\2(\d{1,2})(?:[-_ ]+(.*))?", re.ASCII | re.DOTALL)
# How Obsidian and other keepers of slips name a note: by its minute or second.
_STAMPED = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?!\d)", re.ASCII)
_IN_ADDRESS = re.compile(r"(?:^|/)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?=[-/_]|$)", re.ASCII)
_JEKYLL_FOLDERS = frozenset({"_posts", "_drafts"})
_NO_POSTS = frozenset({"_includes", "_layouts", "_data", "_sass", "_site", "_templates", "node_modules"})
_FRONT_PAGES = frozenset({"index", "readme"})
_INDEX, _SECTION_INDEX = "index", "_index"
# Codes of ISO 639-1 that people write in; those that are also suffixes of programs (ts, so, io, ml …) stay names.
_LANGUAGES = frozenset(
    "af ar az be bg bn bs ca cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id it ja ka kk km kn ko "  # noqa: SIM905 - a list of 70 strings would fill a page
    "lt lv mk mn mr ms my nb ne nl nn no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh".split()
)
_LANGUAGE_TAG = re.compile(r"([a-z]{2})(?:[-_][A-Za-z]{2,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A path's facts. ``name`` is without extension, date and language, as written; ``folders`` are sections.

    ``name`` is empty for a file called by its date alone. ``stem`` is the name with its date.
    ``filed_as_post`` tells that a Jekyll folder or a date in the name makes it a post beyond doubt.
    ``top_level`` tells a file (or bundle) directly in the posts folder.
    """

    name: str
    stem: str
    day: date | None
    name_dated: bool
    filed_as_post: bool
    folders: tuple[str, ...]
    categories: tuple[str, ...]
    language: str
    draft: bool
    top_level: bool
    skipped: str


def read_place(path: str) -> Place:
    """The facts of a POSIX path relative to the posts folder; never raises."""
    *folders, file = path.split("/")
    stem, language = _without_language(_without_extension(file))
    skipped = _why_skipped(stem, folders)
    if stem == _INDEX and folders:
        stem = folders.pop()
    day, name = split_date(stem)
    stamped = None if day else _stamped_day(stem)
    # A folder below _posts sorts files for their author; the folders above it are categories.
    above = folders[: folders.index("_posts")] if "_posts" in folders else []
    return Place(
        name=name,
        stem=stem,
        day=day or stamped or (address_day("/".join(folders)) if folders else None),
        name_dated=day is not None,
        filed_as_post=bool(day or stamped) or not _JEKYLL_FOLDERS.isdisjoint(folders),
        folders=tuple([folder.removeprefix("_") for folder in folders if folder not in _JEKYLL_FOLDERS]),
        categories=tuple(above),
        language=language,
        draft="_drafts" in folders,
        top_level=not folders,
        skipped=skipped,
    )


def split_date(stem: str) -> tuple[date | None, str]:
    """``2018-12-03-name`` as its day and ``name``; no day, and the stem as it is, when there is none."""
    found = _DATED.fullmatch(stem)
    day = _day(found[1], found[3], found[4]) if found else None
    return (day, found[5] or "") if found and day else (None, stem)


def _stamped_day(stem: str) -> date | None:
    """The day in ``202604011234`` or ``20260401123456 Name``, which stays the file's name."""
    found = _STAMPED.match(stem)
    return _day(*found.groups()) if found else None


def called_by_date(stem: str) -> bool:
    """Whether a name is written like one with a date, be it a day of the calendar or not."""
    return _DATED.fullmatch(stem) is not None


def address_day(address: str) -> date | None:
    """The day in ``/2018/12/03/name`` or ``blog/2018-12-03-name``."""
    found = _IN_ADDRESS.search(address)
    return _day(*found.groups()) if found else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _without_extension(file: str) -> str:
    stem, dot, _ = file.rpartition(".")
    return stem if dot and stem else file


def _without_language(stem: str) -> tuple[str, str]:
    name, dot, tag = stem.rpartition(".")
    found = _LANGUAGE_TAG.fullmatch(tag) if dot and name else None
    return (name, tag.replace("_", "-")) if found and found[1] in _LANGUAGES else (stem, "")


def _why_skipped(stem: str, folders: list[str]) -> str:
    if stem == _SECTION_INDEX:
        return "a Hugo section page (_index.md)"
    if not folders and stem.lower() in _FRONT_PAGES:
        return "the front page of the folder, not a post (Publisher writes its own index)"
    if not folders and stem == "404":
        return "an error page"
    if not _NO_POSTS.isdisjoint(folders):
        return "a part of templates, not a post (its folder is a generator's own)"
    return ""
