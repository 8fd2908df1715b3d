"""Other generators' addresses: what their tokens stand for, and what each does with a pattern that is expanded.

Everything here is a function of ``Facts``; the letters are ``spelling``'s. A *path* that comes from here begins with a
slash and is percent-encoded as the generator writes it into its feed; whether a file can stand there is not asked.
"""

from __future__ import annotations

import re
from posixpath import normpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from publisher.content.spelling import (
    eleventy_slug,
    go_escaped,
    go_unescaped,
    hugo_name,
    hugo_path,
    hugo_word,
    jekyll_escaped,
    jekyll_slug,
    jekyll_url,
    pelican_slug,
    ruby_lower,
    zola_slug,
)
from publisher.model.settings import DEFAULT_PERMALINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from publisher.content.permalinks import Facts

    Token = Callable[[Facts], str]
    Expand = Callable[[str], str]

MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905 - one line reads better than twelve
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905 - as above
_UNTOLD = DEFAULT_PERMALINKS["hugo"].removesuffix("/")  # Hugo's rule where no pattern is configured
_SLASHES = re.compile("/{2,}")
_PAGE_FILE = re.compile(r"\.html?$", re.IGNORECASE)
_DATED_NAME = re.compile(r"\d{2,4}-\d{1,2}-\d{1,2}-([^/]*)", re.ASCII)  # Jekyll's Document::DATE_FILENAME_MATCHER
_DATE_INSIDE = re.compile(r"\d{4}-\d{2}-\d{2}-(.*)", re.ASCII)  # Eleventy's TemplateFileSlug, anywhere in the name


# Hugo


def _hugo_slug(facts: Facts) -> str:
    return facts.written_slug.strip("-")


def _hugo_title(facts: Facts) -> str:
    return hugo_word((facts.written_title or facts.title).replace("/", "-"))  # since Hugo 0.167; before, a folder


def hugo_address(pattern: str, facts: Facts, expand: Expand) -> str:
    """CreateTargetPaths: the expanded pattern, cleaned and sanitised; folder and name apart where there is none."""
    ending = "/" if pattern.endswith("/") else found[0] if (found := _PAGE_FILE.search(pattern)) else ""
    body, suffix = pattern.removesuffix(ending), ending.rstrip("/")
    named = _hugo_slug(facts) or hugo_name(facts.stem)
    lone_index = named == "index" and not facts.file.endswith("/index")  # taken for its folder's own page
    if body == _UNTOLD:
        if named == "index" and (suffix or lone_index):
            named, ending, suffix = "", "/", ""
        folder = hugo_path("/".join(map(hugo_name, facts.folders)))
        path = f"{folder}/{hugo_path(named + suffix)}"
    else:
        path = hugo_path(normpath(go_unescaped(expand(body)) or ".") + suffix)
        path = path.removesuffix("index") if lone_index else path
    return go_escaped(_SLASHES.sub("/", f"/{path}{ending if ending == '/' else ''}"))


def hugo_written(path: str, _facts: Facts, expand: Expand) -> str:
    """``url`` in frontmatter, which is left as it is: a folder, unless it has a dot and no slash at its end."""
    if ":" in path:
        path = go_unescaped(expand(path)) or path
    kept = "/".join(filter(None, path.split("/")))
    folder = path.endswith("/") or "." not in path
    kept = kept.removesuffix("index.html") if kept == "index.html" or kept.endswith("/index.html") else kept
    return go_escaped(f"/{kept}{'/' if folder and kept and not kept.endswith('/') else ''}")


# Jekyll


def _jekyll_name(facts: Facts) -> str:
    return facts.file.rpartition("/")[2]


def _jekyll_own_slug(facts: Facts) -> str:
    """What ``data["slug"]`` holds: the author's, else the name behind its date, without dots at its end."""
    name = _jekyll_name(facts)
    found = _DATED_NAME.fullmatch(name)
    return facts.written_slug or (found[1] if found else name).rstrip(".")


def _jekyll_path(facts: Facts) -> str:
    """``cleaned_relative_path``: below the collection's folder, with the date and without dots at its end."""
    first, slash, rest = facts.file.partition("/")
    below = rest if slash and first.startswith("_") else facts.file.replace("_posts/", "", 1)
    return f"/{below}".rstrip(".")


def _jekyll_collection(facts: Facts) -> str:
    first = facts.file.partition("/")[0]
    return first[1:] if first.startswith("_") and first not in {"_posts", "_drafts"} else "posts"


def _each_once(words: list[str]) -> str:
    return "/".join(dict.fromkeys(words))


def jekyll_address(pattern: str, _facts: Facts, expand: Expand) -> str:
    """URL#sanitize_url, then the filter ``absolute_url``."""
    path = f"/{expand(pattern)}".replace("..", "/").replace("./", "")
    return jekyll_url(re.sub(r"/\.$", "/", _SLASHES.sub("/", path)))


# Eleventy


def _eleventy_stem(name: str) -> str:
    found = _DATE_INSIDE.search(name)
    return found[1] if found else name


def _eleventy_path(facts: Facts) -> str:
    """Where a file lies, its date included: an index is its folder, and so is a file called like its folder."""
    *folders, name = facts.file.split("/")
    return "/".join(folders if folders and name in {"index", folders[-1]} else [*folders, name])


def _eleventy_name(facts: Facts) -> str:
    return _eleventy_stem(facts.stem)


# Pelican


def _pelican_category(facts: Facts) -> str:
    """The post's category, else its folder's name, else Pelican's default."""
    return pelican_slug(next(iter((*facts.categories, *facts.folders[-1:])), "misc"))


def _own(layout: Callable[[datetime], str]) -> Token:
    """A part of the date, by the clock that the author wrote it by: Hugo does not move it into the site's zone."""
    return lambda facts: layout(facts.own)


# Go's layouts of time, longest first: each stands for itself in a pattern, as :2006 or :Jan.
_LAYOUTS: Mapping[str, Callable[[datetime], str]] = MappingProxyType(
    {
        "January": lambda at: MONTHS[at.month - 1],
        "Monday": lambda at: DAYS[at.weekday()],
        "2006": lambda at: f"{at.year:04}",
        "Jan": lambda at: MONTHS[at.month - 1][:3],
        "Mon": lambda at: DAYS[at.weekday()][:3],
        "002": lambda at: f"{at.timetuple().tm_yday:03}",
        "01": lambda at: f"{at.month:02}",
        "02": lambda at: f"{at.day:02}",
        "03": lambda at: f"{(at.hour + 11) % 12 + 1:02}",
        "04": lambda at: f"{at.minute:02}",
        "05": lambda at: f"{at.second:02}",
        "06": lambda at: f"{at.year % 100:02}",
        "15": lambda at: f"{at.hour:02}",
        "PM": lambda at: "AM" if at.hour < 12 else "PM",  # noqa: PLR2004 - noon
        "pm": lambda at: "am" if at.hour < 12 else "pm",  # noqa: PLR2004 - noon
        "1": lambda at: str(at.month),
        "2": lambda at: str(at.day),
        "3": lambda at: str((at.hour + 11) % 12 + 1),
        "4": lambda at: str(at.minute),
        "5": lambda at: str(at.second),
    }
)
LAYOUT = f"(?:{'|'.join(_LAYOUTS)}|_)+"
_LAYOUT_PART = re.compile(f"{'|'.join(_LAYOUTS)}|_")


def layout_token(text: str) -> Token:
    """What one of Go's layouts stands for."""
    parts = _LAYOUT_PART.findall(text)
    return lambda facts: "".join([_LAYOUTS[part](facts.own) if part in _LAYOUTS else part for part in parts])


TOKENS: Mapping[str, Mapping[str, Token]] = MappingProxyType(
    {
        "publisher": {},
        "hugo": {
            "year": _own(lambda at: str(at.year)),
            "month": _own(lambda at: f"{at.month:02}"),
            "monthname": _own(lambda at: MONTHS[at.month - 1]),
            "day": _own(lambda at: f"{at.day:02}"),
            "weekday": _own(lambda at: str(at.isoweekday() % 7)),
            "weekdayname": _own(lambda at: DAYS[at.weekday()]),
            "yearday": _own(lambda at: str(at.timetuple().tm_yday)),
            "section": lambda facts: hugo_name(facts.folders[0]) if facts.folders else "",
            "title": _hugo_title,
            "slug": lambda facts: hugo_word(_hugo_slug(facts)) if _hugo_slug(facts) else _hugo_title(facts),
            "filename": lambda facts: hugo_word(facts.stem),
            "contentbasename": lambda facts: hugo_word(facts.stem),
            "slugorfilename": lambda facts: hugo_word(_hugo_slug(facts) or facts.stem),
            "slugorcontentbasename": lambda facts: hugo_word(_hugo_slug(facts) or facts.stem),
        },
        "jekyll": {
            "title": lambda facts: jekyll_escaped(jekyll_slug(_jekyll_own_slug(facts), pretty=True, cased=True)),
            "slug": lambda facts: jekyll_escaped(jekyll_slug(_jekyll_own_slug(facts))),
            "name": lambda facts: jekyll_escaped(jekyll_slug(_jekyll_name(facts))),
            "path": lambda facts: jekyll_escaped(_jekyll_path(facts)),
            "categories": lambda facts: jekyll_escaped(_each_once([ruby_lower(word) for word in facts.categories])),
            "slugified_categories": lambda facts: jekyll_escaped(
                _each_once([jekyll_slug(word) for word in facts.categories])
            ),
            "collection": lambda facts: jekyll_escaped(_jekyll_collection(facts)),
        },
        "zola": {
            "slug": lambda facts: zola_slug(facts.written_slug or facts.name or facts.stem),
            "title": lambda facts: zola_slug(facts.written_title or facts.title),
        },
        "eleventy": {
            "path": _eleventy_path,
            "name": _eleventy_name,
            "filename": lambda facts: (
                facts.stem
            ),  # where it lies, its date included: the address of a file without permalink
            "slug": lambda facts: eleventy_slug(_eleventy_name(facts)),
            "title": lambda facts: eleventy_slug(facts.written_title or facts.title),
        },
        "pelican": {
            "slug": lambda facts: facts.written_slug or pelican_slug(facts.written_title or facts.title),
            "title": lambda facts: pelican_slug(facts.written_title or facts.title),
            "categories": _pelican_category,
        },
    }
)
# How the folders of :sections are written.
FOLDER: Mapping[str, Expand] = MappingProxyType(
    {"hugo": hugo_name, "jekyll": jekyll_escaped, "zola": str, "eleventy": str, "pelican": str}
)
# How an expanded pattern becomes a path, and what becomes of an address in frontmatter; the others do as we do.
ADDRESS: Mapping[str, Callable[[str, Facts, Expand], str]] = MappingProxyType(
    {"hugo": hugo_address, "jekyll": jekyll_address}
)
WRITTEN: Mapping[str, Callable[[str, Facts, Expand], str]] = MappingProxyType(
    {"hugo": hugo_written, "jekyll": jekyll_address}
)
