r"""How names become parts of addresses: our own way, and those of five generators, as their sources have them.

Everything takes text as an author wrote it. What comes back as a *term* is plain text of a path, which may hold
slashes; what an escaping function gives is ready for a URL. What no output folder could hold (``..``,
control characters, names longer than a file system takes) is never a term; addresses are looked at once more where
they are made (see ``permalinks``).

| | a folder, a name, a slug | a title | a tag | percent-encoded by |
|---|---|---|---|---|
| publisher | letters, digits, ``_.~-``, lower case | letters and digits | the same, but C++ is not C | RFC 3986 |
| hugo | ``paths.Sanitize``, lower case | the same | the same, over the whole path | Go's net/url |
| jekyll | ``Utils.slugify`` | as the name | ``Utils.slugify`` | Addressable, normalised |
| zola | folders as they are, slugs by the crate slug | - | the crate slug | RFC 3986 |
| eleventy | as they are | @sindresorhus/slugify | @sindresorhus/slugify | RFC 3986 |
| pelican | ``SLUG_REGEX_SUBSTITUTIONS`` | the same | the same | RFC 3986 |

Not met, since another file or a setting decides it, or since the result serves nobody:

- Hugo: ``removePathAccents`` and ``disablePathToLower``; ``:sectionslug`` and ``:sectionslugs``; ``\:`` in a pattern;
  that a folder without an _index.md is no part of ``:sections``; a backslash, which is - here; the empty part of a tag
  (``a//b``); two spaces in a row in a tag.
- Jekyll: ``?`` and a second ``#`` in a category, with which its own links lead elsewhere; ``slug_mode`` of
  jekyll-archives; that its files keep letters which its feed's links have composed (NFKC): the links are followed.
- Zola: ``slugify`` other than "on". Zola and Pelican: letters that are not Latin, Greek or Cyrillic (see
  ``transliteration``).
- Unicode is Python's: letters of a later one are none yet.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_to_bytes

from publisher.content import transliteration
from publisher.content.slugs import slugify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Text = Callable[[str], str]

LONGEST_NAME = 250  # bytes; file systems take 255, and a page may add .html
_SEGMENT = "!$&'()*+,;=:@"  # RFC 3986, pchar: what a segment may hold bare, besides letters, digits and -._~


@dataclass(frozen=True, slots=True)
class Spelling:
    """One program's way.

    ``keys`` are those of frontmatter, in normal form, that give an address; ``term`` is a tag (an author, a section) as
    part of a path; ``bare`` are the marks that stand unencoded in a term's URL.
    """

    keys: tuple[str, ...]
    term: Text
    bare: str


# Go: paths.Sanitize, strings.ToLower, net/url

_GO_PLAIN = re.compile(r"[a-z0-9._/~@+#-]*")
_GO_MARKS = frozenset("./\\_#+~-@")
_GO_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(code) for code in range(0x2000, 0x200B)
}
_GO_BARE = "$&+,/:;=@"  # of url.PathEscape's siblings, encodePath
_GO_VALID = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@\[\]/-]|%[0-9A-Fa-f]{2})*")
_HEX = re.compile(r"%[0-9A-Fa-f]{2}")
_BROKEN_HEX = re.compile(r"%(?![0-9A-Fa-f]{2})")


def go_lower(text: str) -> str:
    """Each letter's simple lower case: a final sigma is any sigma, a Turkish İ an i."""
    return (
        text.lower()
        if text.isascii()
        else "".join([low if len(low := letter.lower()) == 1 else low[0] for letter in text])
    )


def hugo_path(text: str) -> str:
    """A part of a path as Hugo writes its files: a space is a hyphen, and only letters and some marks are left."""
    return text if _GO_PLAIN.fullmatch(text) else go_lower(_sanitised(text))


def _sanitised(text: str) -> str:
    kept: list[str] = []
    waiting = hyphen = False
    for at, letter in enumerate(text):
        if _is_kept(letter) or (letter == "%" and _HEX.match(text, at)):
            hyphen = letter == "-"
            if waiting and not hyphen:
                kept.append("-")
            waiting = False
            kept.append(letter)
        elif kept and not hyphen and letter in _GO_SPACES:
            waiting = True
    return "".join(kept)


@lru_cache(maxsize=4096)
def _is_kept(letter: str) -> bool:
    if letter.isascii():
        return letter.isalnum() or letter in _GO_MARKS
    category = unicodedata.category(letter)
    return category[0] in "LM" or category == "Nd"


def hugo_name(text: str) -> str:
    """A file's or folder's name as Hugo keeps it: lower case, a hyphen for each space."""
    return go_lower(text).replace(" ", "-")


def hugo_word(text: str) -> str:
    """What ``urlize`` makes of a title or a slug, before ``go_unescaped``; a fragment that is empty is lost to Go."""
    path = hugo_path(text)
    return path[:-1] if path and path.find("#") == len(path) - 1 else path


def go_unescaped(text: str) -> str:
    """url.QueryUnescape, which Hugo asks about an expanded pattern: a plus is a space; empty where a % is no code."""
    if _BROKEN_HEX.search(text):
        return ""
    return unquote(text.replace("+", " ")) if "%" in text or "+" in text else text


def go_escaped(path: str) -> str:
    """A path as Go's URL.EscapedPath writes it: as it is where that is valid, else encoded anew."""
    path = path.replace("#", "%23")
    return path if _GO_VALID.fullmatch(path) else quote(unquote_to_bytes(path), safe=_GO_BARE)


def _hugo_term(text: str) -> str:
    return unquote(hugo_path(hugo_name(text))) if text else ""


# Ruby: Utils.slugify, Addressable

_PRETTY = frozenset("._~!$&'()+,;=@")


def ruby_lower(text: str) -> str:
    """String#downcase: the whole of Unicode's mapping, but for the final sigma."""
    return text.lower() if text.isascii() else "".join([letter.lower() for letter in text])


def jekyll_slug(text: str, *, pretty: bool = False, cased: bool = False) -> str:
    """Utils.slugify: runs of anything else are a hyphen, of which one at each end is lost."""
    also = _PRETTY if pretty else frozenset()
    kept: list[str] = []
    for letter in text:
        if letter in also or _is_word(letter):
            kept.append(letter)
        elif not kept or kept[-1] != "-":
            kept.append("-")
    slug = "".join(kept).removeprefix("-").removesuffix("-")
    return slug if cased else ruby_lower(slug)


@lru_cache(maxsize=4096)
def _is_word(letter: str) -> bool:
    if letter.isascii():
        return letter.isalnum()
    category = unicodedata.category(letter)
    return category[0] in "LM" or category == "Nd"


def jekyll_escaped(text: str) -> str:
    """URL.escape_path: a value on its way into an address."""
    return quote(text.encode("utf-8", "replace"), safe=_SEGMENT + "/")


def jekyll_url(path: str) -> str:
    """An address as ``absolute_url`` gives it to feeds: decoded, NFKC, encoded with upper-case letters."""
    if path.isascii() and "%" not in path:
        return quote(path, safe=_SEGMENT + "/")
    parts = [unicodedata.normalize("NFKC", unquote(part)) for part in path.split("/")]
    return "/".join([quote(part.encode("utf-8", "replace"), safe=_SEGMENT) for part in parts])


# Zola, Eleventy, Pelican

_NO_SLUG = re.compile(r"[^a-z0-9]+")
_CONTRACTION = re.compile(r"([a-z\d]+)'([ts])(?=\s|$)", re.ASCII)
_ELEVENTY_WORDS = (("&", " and "), ("🦄", " unicorn "), ("♥", " love "))
_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_NO_WORD, _BREAKS = re.compile(r"[^\w\s-]"), re.compile(r"[-\s]+")


def zola_slug(text: str) -> str:
    """The crate slug: ASCII, anything else is a hyphen."""
    plain = text.lower() if text.isascii() else transliteration.deunicode(text.lower())
    return slugify(text) if plain is None else _NO_SLUG.sub("-", plain).strip("-")


def eleventy_slug(text: str) -> str:
    """The filter ``slugify``: @sindresorhus/slugify without its taking apart of camelCase."""
    for mark, word in _ELEVENTY_WORDS:
        text = text.replace(mark, word)
    plain = transliteration.sindresorhus(text.lower())
    return slugify(text) if plain is None else _NO_SLUG.sub("-", _CONTRACTION.sub(r"\1\2", plain)).strip("-")


def pelican_slug(text: str) -> str:
    """``pelican.utils.slugify`` with the substitutions of its default settings."""
    bare = unicodedata.normalize("NFKC", unescape(" ".join(_MARKUP.sub("", text).split())))
    plain = bare.lower() if bare.isascii() else transliteration.unidecode(bare.lower())
    return slugify(text) if plain is None else _BREAKS.sub("-", _NO_WORD.sub("", plain).strip()).lower()


# Ours


def _our_term(name: str) -> str:
    """C++ and C# stay apart from C."""
    return slugify(re.sub(r"(?<=\w)#", " sharp ", name.replace("+", " plus ")))


_TABLE: Mapping[str, Spelling] = MappingProxyType(
    {
        "publisher": Spelling(("url", "permalink", "path"), _our_term, ""),
        "hugo": Spelling(("url",), _hugo_term, _GO_BARE.replace("/", "")),
        "jekyll": Spelling(("permalink",), jekyll_slug, _SEGMENT),
        "zola": Spelling(("path",), zola_slug, ""),
        "eleventy": Spelling(("permalink",), eleventy_slug, ""),
        "pelican": Spelling(("url",), pelican_slug, ""),
    }
)
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")


def spelling_of(name: str) -> Spelling:
    """The spelling by its name in config.toml."""
    return _TABLE[name]


@lru_cache(maxsize=8192)
def term(name: str, spelling: str) -> str:
    """A tag (an author, a section) as part of a path, plain text; "" where nothing is left of it."""
    made = _TABLE[spelling].term(name)
    return made if spelling == "publisher" else _kept_inside(made)


def _kept_inside(path: str) -> str:
    """A path whose parts can be names of files: nothing empty, nothing that climbs, nothing too long."""
    parts = [_UNSAFE.sub("-", part) for part in path.split("/")]
    kept = [part for part in parts if part.strip(".") and len(part.encode("utf-8", "replace")) <= LONGEST_NAME]
    return "/".join(kept) if len(path) <= 4 * LONGEST_NAME else ""  # a path is to be shorter than the system's limit
