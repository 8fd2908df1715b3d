"""URLs as authors type them, made fit to leave: RFC 3986 characters only, nothing encoded twice."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_ODD = re.compile(r"[^!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~%]|%(?![0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://(?:[^/?#@]*@)?)([^/?#:]*)")
_INVISIBLE = dict.fromkeys(map(ord, "\t\n\r\f\v"))  # browsers drop these inside a URL (WHATWG URL, 4.4)
_KEPT = "!#$&'()*+,-./:;=?@[]_~%"

MEDIA_TYPES = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "video/webm",
}
IMAGE_TYPES = frozenset(
    {"apng", "avif", "bmp", "gif", "heic", "ico", "jpeg", "jpg", "jxl", "png", "svg", "tif", "webp"}
)


class Parts(NamedTuple):
    """A relative reference taken apart; ``query`` and ``fragment`` keep their ``?`` and ``#``."""

    path: str
    query: str
    fragment: str


def scheme_of(ref: str) -> str:
    """The scheme in lower case, empty for a relative reference."""
    found = _SCHEME.match(ref)
    return found[1].lower() if found else ""


def split(ref: str) -> Parts:
    """Path, query and fragment of a relative reference."""
    rest, mark, fragment = ref.partition("#")
    path, sign, query = rest.partition("?")
    return Parts(path, sign + query, mark + fragment)


def tidy(url: str) -> str:
    """The URL with what RFC 3986 does not allow percent-encoded, and the host in ASCII (RFC 3490)."""
    url = url.translate(_INVISIBLE).strip()
    if not _ODD.search(url):
        return _ascii_host(url) if "%" in url else url
    return _quoted(_ascii_host(url), _KEPT)


def quoted_path(path: str) -> str:
    """A file's path as the path of a URL: nothing in it is taken for encoded."""
    return quote(path.encode("utf-8", "replace"), safe="!$&'()*+,-./:;=@_~")


def decoded(path: str) -> str:
    """A URL's path as the name of a file; bytes that are no UTF-8 become U+FFFD."""
    return unquote(path) if "%" in path else path


def joined(base: str, ref: str) -> str:
    """RFC 3986, section 5: what ``ref`` means in a document at ``base``; empty if it is no reference at all."""
    ref = tidy(ref)
    if ref.startswith("/") and not ref.startswith("//") and "/." not in ref:
        return base[: base.find("/", base.find("://") + 3)] + ref  # what nearly every link is, at a tenth of the cost
    try:
        return tidy(urljoin(base, ref))
    except ValueError:
        return ""


def local_path(folder: str, path: str) -> str:
    """Where a relative path leads from a folder of the posts; empty if that is outside of it."""
    local = normpath(f"{folder}/{path}" if folder else path).lstrip("/")
    return "" if local == "." or local.startswith("..") or "\0" in local else local


def extension(path: str) -> str:
    """The file name's extension in lower case, without the dot; empty for none."""
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() if dot and stem else ""


def media_type(url: str) -> str:
    """The media type that a URL's extension names, empty if it names no audio or video."""
    return MEDIA_TYPES.get(extension(split(url).path), "")


def _ascii_host(url: str) -> str:
    found = _HOST.match(url)
    if not found or not ("%" in found[2] or not found[2].isascii()):
        return url
    try:
        host = unquote(found[2]).encode("idna").decode("ascii")
    except UnicodeError:
        return url
    return f"{found[1]}{quote(host, safe=_KEPT)}{url[found.end() :]}"


def _quoted(url: str, safe: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", url).encode("utf-8", "replace"), safe=safe)
