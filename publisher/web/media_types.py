"""What a file of the output is: by its name, and where that leaves it open by how it begins.

Feeds are told by their first element, as their paths are the author's choice and another generator may have written
them. A charset is only promised where the text is UTF-8: a promise goes before what the document says of itself.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import NamedTuple


class MediaType(NamedTuple):
    """``name`` is the value of Content-Type. ``is_text``: compressed it is smaller, and nobody seeks in it."""

    name: bytes
    is_text: bool = False
    is_feed: bool = False
    is_page: bool = False


ENOUGH = 1 << 16  # bytes of a file's start that are enough to know it
HTML = "text/html"
UNKNOWN = "application/octet-stream"

_XML = "application/xml"
_JSON = "application/json"
_JSON_FEED = "application/feed+json"
_TYPES = {
    **dict.fromkeys(("html", "htm"), HTML),
    **dict.fromkeys(("xml", "xsl", "xslt", "opml"), _XML),
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "rdf": "application/rdf+xml",
    "xhtml": "application/xhtml+xml",
    "css": "text/css",
    **dict.fromkeys(("js", "mjs"), "text/javascript"),
    **dict.fromkeys(("json", "map"), _JSON),
    "jsonld": "application/ld+json",
    "geojson": "application/geo+json",
    "webmanifest": "application/manifest+json",
    **dict.fromkeys(("txt", "text", "log", "asc"), "text/plain"),
    **dict.fromkeys(("md", "markdown"), "text/markdown"),
    "csv": "text/csv",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    **dict.fromkeys(("yaml", "yml"), "application/yaml"),
    "toml": "application/toml",
    "wasm": "application/wasm",
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), "image/jpeg"),
    **dict.fromkeys(("png", "gif", "webp", "avif", "apng", "jxl", "heic", "bmp"), ""),  # image/ and their own name
    "svg": "image/svg+xml",
    "ico": "image/x-icon",
    **dict.fromkeys(("tif", "tiff"), "image/tiff"),
    "mp3": "audio/mpeg",
    **dict.fromkeys(("m4a", "m4b"), "audio/mp4"),
    "aac": "audio/aac",
    "flac": "audio/flac",
    **dict.fromkeys(("ogg", "oga", "opus"), "audio/ogg"),
    "wav": "audio/wav",
    "weba": "audio/webm",
    **dict.fromkeys(("mid", "midi"), "audio/midi"),
    **dict.fromkeys(("mp4", "m4v"), "video/mp4"),
    "webm": "video/webm",
    "ogv": "video/ogg",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpeg": "video/mpeg",
    **dict.fromkeys(("woff", "woff2", "ttf", "otf"), ""),  # font/ and their own name
    "eot": "application/vnd.ms-fontobject",
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "zip": "application/zip",
    **dict.fromkeys(("gz", "tgz"), "application/gzip"),
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
    "zst": "application/zstd",
    "7z": "application/x-7z-compressed",
    "tar": "application/x-tar",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "rtf": "application/rtf",
    "torrent": "application/x-bittorrent",
}
_OWN_NAME = {"woff": "font", "woff2": "font", "ttf": "font", "otf": "font"}

_TEXT = re.compile(
    r"text/.*|.*[+/](?:xml|json)|application/(?:yaml|toml|wasm|rtf|x-tar|x-subrip|vnd\.ms-fontobject)"
    r"|font/(?:ttf|otf)|image/(?:bmp|x-icon)"
)
_WITH_CHARSET = re.compile(r"text/.*|.*[+/]xml")  # what JSON is written in was never a choice (RFC 8259, 8.1)

# Those that may be feeds whatever their name says, and those that say nothing.
_OPEN = frozenset({_XML, _JSON, "application/rss+xml", "application/atom+xml", "application/rdf+xml", UNKNOWN})

_ROOTS = (
    (re.compile(rb"<(?:\w+:)?rss[\s>]"), "application/rss+xml"),
    (re.compile(rb"<(?:\w+:)?feed[\s>]"), "application/atom+xml"),
    (re.compile(rb"<rdf:RDF[\s>]"), "application/rdf+xml"),  # RSS 1.0, if it speaks of it
    (re.compile(rb"<html[\s>]", re.IGNORECASE), HTML),
)
_RSS_1 = b"http://purl.org/rss/1.0/"
_BEFORE_ROOT = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^<>\[]*(?:\[[^\]]*\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']\s*([\w.-]+)", re.IGNORECASE)
_JSON_FEED_VERSION = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/jsonfeed\.org\\?/version\\?/')
_BOM = b"\xef\xbb\xbf"
_NEAR = 1 << 12  # bytes within which a feed shows what it is


def by_name(name: str) -> str:
    """The media type of a name, without a charset."""
    stem, _, suffix = name.rpartition(".")
    suffix = suffix.lower() if stem else ""
    return _TYPES.get(suffix, UNKNOWN) or f"{_OWN_NAME.get(suffix, 'image')}/{suffix}"


def is_open(name: str) -> bool:
    """Whether the name alone does not tell if it is a feed."""
    return by_name(name) in _OPEN


def media_type(name: str, content: bytes) -> MediaType:
    """What a file is. ``content`` is all of it, or its start."""
    known = by_name(name)
    kind = _begun(content[:_NEAR].removeprefix(_BOM), known) if known in _OPEN else known
    is_text = _TEXT.fullmatch(kind) is not None
    charset = "; charset=utf-8" if _WITH_CHARSET.fullmatch(kind) and _is_utf8(content) else ""
    is_feed = kind in {"application/rss+xml", "application/atom+xml", _JSON_FEED} or (
        kind == "application/rdf+xml" and _RSS_1 in content[:_NEAR]
    )
    return MediaType((kind + charset).encode(), is_text, is_feed, is_page=kind in {HTML, "application/xhtml+xml"})


def _begun(start: bytes, known: str) -> str:
    """What a document is by its start: ``known``, unless it says otherwise."""
    if known in {_JSON, UNKNOWN} and start.lstrip().startswith(b"{"):
        return _JSON_FEED if _JSON_FEED_VERSION.search(start) else known
    at = 0
    while before := _BEFORE_ROOT.match(start, at):
        at = before.end()
    for root, kind in _ROOTS:
        if root.match(start, at) and (kind != HTML or known == UNKNOWN):
            return kind
    return known


def _is_utf8(content: bytes) -> bool:
    """Whether it is UTF-8, by its bytes and by what an XML declaration says."""
    declared = _ENCODING.match(content.removeprefix(_BOM))
    if declared and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
        return False
    try:
        getincrementaldecoder("utf-8")().decode(content[:ENOUGH])
    except UnicodeDecodeError:
        return False
    return b"\0" not in content[:2]  # of UTF-16 without a mark
