"""Where a post lives: patterns of Hugo's and Jekyll's tokens, and addresses an author wrote.

Dates in an address are in the site's zone. ``:title`` is what each generator means by it: where the
file's name carries the date (Jekyll) the rest of that name, else the title. Addresses are URIs by
RFC 3986, other characters percent-encoded as UTF-8, always below the site's base URL.

With another spelling than ours a token stands for what that generator puts there, and the whole is treated as it
does it (``generators``). What no output folder can hold is made an address by our own rules instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from publisher.content.generators import ADDRESS, DAYS, FOLDER, LAYOUT, MONTHS, TOKENS, WRITTEN, layout_token
from publisher.content.slugs import name_slug, slugify
from publisher.content.spelling import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo
    from zoneinfo import ZoneInfo

_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_LONGEST_SEGMENT = 200  # bytes; file systems take 255, and temporary names need some of them


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tokens stand for. Names and folders are as written; ``published`` is aware."""

    published: datetime
    zone: ZoneInfo
    title: str
    slug: str  # ready for an address: the chosen slug, else the file's name
    name: str  # the file's (or bundle's) name without date, language and extension
    stem: str  # the same with its date
    chosen_slug: str
    name_dated: bool
    folders: tuple[str, ...]
    categories: tuple[str, ...]
    file: str = ""  # the path below the posts folder, without its extension
    written_title: str = ""  # the frontmatter's, with its marks
    written_slug: str = ""
    own_zone: tzinfo | None = None  # the one that the post's date is written with

    @property
    def local(self) -> datetime:
        """The publication date on the site's clock."""
        return self.published.astimezone(self.zone)

    @property
    def own(self) -> datetime:
        """The publication date on the clock that the author wrote it by."""
        return self.published.astimezone(self.own_zone or self.zone)


def _joined_slugs(words: tuple[str, ...]) -> str:
    return "/".join([name_slug(word) for word in words])


def _title(facts: Facts) -> str:
    if facts.name_dated:
        return facts.chosen_slug or name_slug(facts.name, keep_case=True) or facts.slug
    return slugify(facts.title) or facts.slug


def _filename(facts: Facts) -> str:
    return name_slug(facts.name) or name_slug(facts.stem)


def _sections(part: str, folder: Callable[[str], str] = name_slug) -> Callable[[Facts], str]:
    """Hugo's ``:sections`` and its slices ``[1:]``, ``[:-1]``, ``[0]``, ``[last]``."""
    start, colon, stop = part.replace("last", "-1").partition(":")
    first = int(start or 0)
    last = (int(stop) if stop else None) if colon or not part else first + 1 or None
    return lambda facts: "/".join([folder(one) for one in facts.folders[first:last]])


_TOKENS: dict[str, Callable[[Facts], str]] = {
    "year": lambda facts: f"{facts.local.year:04}",
    "short_year": lambda facts: f"{facts.local.year % 100:02}",
    "month": lambda facts: f"{facts.local.month:02}",
    "i_month": lambda facts: str(facts.local.month),
    "monthname": lambda facts: MONTHS[facts.local.month - 1].lower(),
    "long_month": lambda facts: MONTHS[facts.local.month - 1],
    "short_month": lambda facts: MONTHS[facts.local.month - 1][:3],
    "day": lambda facts: f"{facts.local.day:02}",
    "i_day": lambda facts: str(facts.local.day),
    "weekday": lambda facts: str(facts.local.isoweekday() % 7),
    "w_day": lambda facts: str(facts.local.isoweekday()),
    "weekdayname": lambda facts: DAYS[facts.local.weekday()].lower(),
    "long_day": lambda facts: DAYS[facts.local.weekday()],
    "short_day": lambda facts: DAYS[facts.local.weekday()][:3],
    "yearday": lambda facts: str(facts.local.timetuple().tm_yday),
    "y_day": lambda facts: f"{facts.local.timetuple().tm_yday:03}",
    "week": lambda facts: f"{facts.local.isocalendar().week:02}",
    "w_year": lambda facts: f"{facts.local.isocalendar().year:04}",
    "hour": lambda facts: f"{facts.local.hour:02}",
    "minute": lambda facts: f"{facts.local.minute:02}",
    "second": lambda facts: f"{facts.local.second:02}",
    "section": lambda facts: name_slug(facts.folders[0]) if facts.folders else "",
    "sections": _sections(""),
    "categories": lambda facts: _joined_slugs(facts.categories),
    "slugified_categories": lambda facts: "/".join([slugify(word) for word in facts.categories]),
    "collection": lambda facts: name_slug(facts.folders[0]) if facts.folders else "",
    "path": lambda facts: "/".join([name_slug(part, keep_case=True) for part in (*facts.folders, facts.name)]),
    "name": lambda facts: name_slug(facts.name, keep_case=True) or facts.slug,
    "slug": lambda facts: facts.slug,
    "title": _title,
    "filename": _filename,
    "contentbasename": _filename,
    "slugorfilename": lambda facts: facts.slug,
    "slugorcontentbasename": lambda facts: facts.slug,
    "output_ext": lambda _facts: ".html",
}
_NAMING = frozenset(
    {"path", "name", "slug", "title", "filename", "contentbasename", "slugorfilename", "slugorcontentbasename"}
)
_TOKEN = re.compile(
    rf":(?:sections\[(?P<part>last|-?\d{{1,3}}|-?\d{{0,3}}:-?\d{{0,3}})\]"
    rf"|(?P<known>{'|'.join(sorted(_TOKENS, key=len, reverse=True))})(?![a-z])"
    rf"|(?P<layout>{LAYOUT})(?!\w)|(?P<unknown>[A-Za-z_]+))"
)
_READY = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199})*/?")
_ENCODED = re.compile(r"%(?:[0-9A-Fa-f]{2})")
_SAFE = "!$&'()*+,;=:@~-._"  # RFC 3986 section 3.3: what a path segment may hold bare
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f\udc80-\udcff]")
_LONGEST_PATH = 2500  # characters; systems take 4,096 for a path, and the output's own folder is part of it


def permalink(pattern: str, base_url: str, facts: Facts, spelling: str = "publisher", below: str = "") -> str:
    """The absolute URL of a post by ``pattern``; ``base_url`` ends in a slash, ``below`` is a language's folder."""
    if spelling == "publisher":
        return absolute(base_url, below + expand(pattern, facts))
    make, whole = ADDRESS.get(spelling), _STYLES.get(pattern, pattern)
    path = make(whole, facts, lambda part: expand(part, facts, spelling)) if make else ""
    made = _checked(base_url, below + (path or absolute("/", expand(whole, facts, spelling))))
    if made:
        return made
    ours = absolute(base_url, below + expand(whole, facts))
    return ours if ours != base_url else absolute(base_url, f"/{facts.slug}/")


def written(path: str, base_url: str, facts: Facts, spelling: str) -> str:
    """The absolute URL of an address in frontmatter, which has no ``address_fault``, by another spelling than ours."""
    make = WRITTEN.get(spelling)
    made = make(path, facts, lambda part: expand(part, facts, spelling)) if make else absolute("/", path)
    return _checked(base_url, made) or absolute(base_url, path)


def expand(pattern: str, facts: Facts, spelling: str = "publisher") -> str:
    """The pattern with its tokens replaced; unknown tokens stay as they are (see ``pattern_faults``)."""
    return "".join([piece if isinstance(piece, str) else piece(facts) for piece in _pieces(pattern, spelling)])


def _checked(base_url: str, path: str) -> str:
    """The URL of a path that is encoded already, if a file of the output can stand there; else empty."""
    if not _READY.fullmatch(path) and not _is_inside(path):
        return ""
    return base_url + path[1:] if path != "/" else ""


def _is_inside(path: str) -> bool:
    *folders, last = path[1:].split("/")
    names = [unquote(part, errors="surrogateescape") for part in (*folders, *([last] if last else ()))]
    return len(path) < _LONGEST_PATH and not any(
        name.strip(".") == "" or _NO_NAME.search(name) or len(name.encode("utf-8", "replace")) > LONGEST_NAME
        for name in names
    )


def absolute(base_url: str, path: str) -> str:
    """``path`` below the site: one slash at a time, percent-encoded, never above ``base_url``."""
    rooted = path if path.startswith("/") else f"/{path}"
    if not _READY.fullmatch(rooted):
        segments = [_segment(part) for part in rooted.split("/")]
        kept = "/".join([part for part in segments if part not in {"", ".", ".."}])
        rooted = f"/{kept}/" if rooted.endswith("/") and kept else f"/{kept}"
    return base_url + (rooted[1:-10] if rooted.endswith("/index.html") else rooted[1:])


def address_fault(path: str) -> str:
    """Why an address in frontmatter cannot be used; empty when it can."""
    plain = unquote(path)
    segments = plain.replace("\\", "/").split("/")
    if _CONTROL.search(plain):
        return "it holds control characters"
    if ".." in segments:
        return "it climbs out of the site with .."
    if "?" in path or "#" in path:
        return "it holds ? or #, and a file cannot live there"
    if not any(part not in {"", ".", "index.html"} for part in segments):
        return "it is the site's front page"
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_SEGMENT for part in segments):
        return f"a part of it is longer than {_LONGEST_SEGMENT} bytes"
    return ""


def pattern_faults(pattern: str) -> tuple[str, ...]:
    """What is wrong with a pattern of config.toml, each a sentence; empty when nothing is."""
    whole = _STYLES.get(pattern, pattern)
    found = list(_TOKEN.finditer(whole))
    faults = [f"{token[0]} is no token; known are {_known()}" for token in found if token["unknown"]]
    if not any(token["known"] in _NAMING for token in found):
        faults.append("it gives many posts one address; it needs :slug, :title or :filename")
    if ".." in whole.split("/") or "\\" in whole or "://" in whole or "?" in whole or "#" in whole:
        faults.append("it must be a path below the site, such as /:year/:slug/")
    return tuple(faults)


def has_tokens(address: str) -> bool:
    """Whether an address in frontmatter is a pattern or the name of one of Jekyll's styles."""
    return address in _STYLES or any(token["known"] for token in _TOKEN.finditer(address))


def _known() -> str:
    return ", ".join(f":{name}" for name in _TOKENS)


@lru_cache(maxsize=256)
def _pieces(pattern: str, spelling: str) -> tuple[str | Callable[[Facts], str], ...]:
    whole, end = _STYLES.get(pattern, pattern), 0
    pieces: list[str | Callable[[Facts], str]] = []
    for token in _TOKEN.finditer(whole):
        pieces.append(whole[end : token.start()])
        pieces.append(_piece(token, spelling))
        end = token.end()
    return tuple([piece for piece in (*pieces, whole[end:]) if piece])


def _piece(token: re.Match[str], spelling: str) -> str | Callable[[Facts], str]:
    known = token["known"]
    if token["part"] is not None or known == "sections":
        return _sections(token["part"] or "", FOLDER.get(spelling, name_slug))
    if token["layout"]:
        return layout_token(token["layout"])
    return TOKENS[spelling].get(known, _TOKENS[known]) if known else token[0]


def _segment(part: str) -> str:
    """One part of a path, encoded once: what is percent-encoded already is read first."""
    plain = unquote(part) if _ENCODED.search(part) else part
    clean = _CONTROL.sub("", plain).replace("\\", "-").replace("/", "-")
    return quote(_short(clean), safe=_SAFE, errors="replace")


def _short(segment: str) -> str:
    data = segment.encode("utf-8", "replace")
    return segment if len(data) <= _LONGEST_SEGMENT else data[:_LONGEST_SEGMENT].decode("utf-8", "ignore")
