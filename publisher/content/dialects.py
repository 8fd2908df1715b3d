"""The fields of a post, wherever its generator keeps them.

Read as their authors meant them, without configuration: Hugo, Jekyll, Zola, Eleventy, Obsidian,
Pelican, and what people write by hand. Keys stand in tables, first choice first, in normal form (see
``metadata.normal_key``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from publisher.content.formats import Form
from publisher.content.metadata import flag_of, normal_table, shown_value, text_of, texts_of
from publisher.content.wording import plain_description, plain_title
from publisher.model.entry import Author

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.content.metadata import Metadata

_TITLES = ("title", "name", "headline", "subject")
_DESCRIPTIONS = ("description", "summary", "excerpt", "abstract", "lede", "subtitle")
_AUTHORS = ("authors", "author", "by", "byline")
_TAGS, _CATEGORIES = ("tags", "tag"), ("categories", "category")
_ALIASES = ("aliases", "alias", "redirectfrom")
_IMAGES = (
    *("image", "cover", "coverimage", "featuredimage", "featureimage", "featured", "thumbnail", "banner"),
    *("hero", "heroimage", "ogimage", "socialimage", "images"),
)
_IMAGE_TEXTS = ("imagealt", "coveralt", "featuredimagealt", "coverimagealt", "banneralt", "heroalt", "thumbnailalt")
_IN_HEADER = ("image", "overlayimage", "teaser")  # Minimal Mistakes
_MEDIA = ("audio", "video", "enclosure", "media", "podcast")
_PLACES = ("src", "url", "file", "path", "href", "image", "mp3", "m4a", "ogg", "opus", "mp4", "webm")
_LANGUAGES = ("lang", "language", "locale")
_REDIRECTS = ("redirect", "redirectto", "redirecturl")
_OUT_OF_FEEDS = (
    *("excludefromfeed", "excludefromfeeds", "excludefromrss", "rssexclude", "nofeed", "norss", "unlisted"),
    *("eleventyexcludefromcollections",),
)
_INTO_FEEDS = ("feed", "infeed", "infeeds", "rss")
_FEED_KEYS = frozenset({*_OUT_OF_FEEDS, *_INTO_FEEDS, "status", "build"})
_SKIP_KEYS = frozenset({*_REDIRECTS, "permalink", "layout", "type", "headless", "render", "build"})
_HELD_BACK = ("private", "wip", "password")
_DRAFT_KEYS = frozenset({"draft", "published", "publish", "status", "state", "visibility", *_HELD_BACK})
_IMAGE_KEYS, _MEDIA_KEYS = frozenset({*_IMAGES, "header"}), frozenset(_MEDIA)
_ALIAS_KEYS, _LANGUAGE_KEYS = frozenset(_ALIASES), frozenset(_LANGUAGES)
_PRIVATE_STATES = frozenset({"draft", "private", "pending", "future", "trash", "unpublished", "wip"})
_MAILBOX = re.compile(r"([^<>]*)<([^<>@\s]+@[^<>@\s]+)>")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_EMAIL = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+\Z", re.IGNORECASE)
_ABSOLUTE_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


def skip_reason(meta: Metadata) -> str:
    """Why a readable file is no post of its own; empty when it is one."""
    if meta.lacks(_SKIP_KEYS):
        return ""
    if meta.get("permalink") is False:
        return "not published on its own (permalink: false)"
    layouts = [text_of(meta.get(key)).lower() for key in ("layout", "type")]
    if "redirect" in layouts or any(meta.get(key) and flag_of(meta.get(key)) is not False for key in _REDIRECTS):
        return "a redirect stub"
    unrendered = flag_of(meta.get("render")) is False or _build_option(meta, "render") == "never"
    if unrendered or meta.flag(("headless",)):
        return "never published on its own (headless, render = false, or build.render = never)"
    return ""


def is_draft(meta: Metadata) -> bool:
    """Whether the author holds the post back; a draft value that is neither yes nor no holds it back too."""
    if meta.lacks(_DRAFT_KEYS):
        return False
    value = meta.get("draft")
    if value not in (None, "") and flag_of(value) is None:
        meta.warn("draft", f"draft is {shown_value(value)}, taken as true", f"write {meta.example('draft', 'true')}")
        return True
    states = {text_of(meta.get(key)).lower() for key in ("status", "state", "visibility")}
    held_back = flag_of(meta.get("published")) is False or flag_of(meta.get("publish")) is False
    held_back = held_back or bool(meta.flag(("private", "wip"))) or bool(text_of(meta.get("password")))
    return held_back or bool(meta.flag(("draft",), further=True)) or not states.isdisjoint(_PRIVATE_STATES)


def title_of(meta: Metadata) -> str:
    """The title that the frontmatter gives, as plain text; empty when it gives none."""
    value = meta.get("title")
    return plain_title(text_of(value) if value is not None and text_of(value) else meta.text(_TITLES))


def description_of(meta: Metadata) -> str:
    """The author's own summary, as plain text."""
    return plain_description(meta.text(_DESCRIPTIONS, further=True))


def tags_of(meta: Metadata) -> tuple[str, ...]:
    """Tags without ``#``, nested ones as they are; equal ones (in any case) once, as first written."""
    words = _words(meta, _TAGS)
    return _distinct([word[1:] if word[0] == "#" and len(word) > 1 else word for word in words])


def categories_of(meta: Metadata, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Categories, those that Jekyll reads from the folders above ``_posts`` first."""
    return _distinct([*folders, *_words(meta, _CATEGORIES)])


def authors_of(meta: Metadata) -> tuple[Author, ...]:
    """Every author named, each once; a Zola taxonomy counts like a key."""
    key, value = meta.first(_AUTHORS, further=True)
    if not key:
        value = meta.table("taxonomies").get("authors")
    if isinstance(value, str) and key == "authors":
        value = _split(value, ";" if ";" in value else ",")
    found = [_author(item) for item in (value if isinstance(value, list) else [value])]
    by_name = {author.name.casefold(): author for author in reversed(found) if author.name}
    return tuple(reversed(by_name.values()))


def aliases_of(meta: Metadata) -> tuple[str, ...]:
    """Former addresses (in Obsidian other names), as written."""
    if meta.lacks(_ALIAS_KEYS):
        return ()
    return tuple(dict.fromkeys([text for key in _ALIASES for text in texts_of(meta.get(key))]))


def image_of(meta: Metadata) -> tuple[str, str]:
    """The post's picture as written and its text for who cannot see it."""
    if meta.lacks(_IMAGE_KEYS):
        return "", ""
    _, value = meta.first(_IMAGES, further=True)
    if value is None:
        header = meta.table("header")
        value = next((header[key] for key in _IN_HEADER if header.get(key)), None)
    place, text = _reference(value)
    return place, text or meta.text(_IMAGE_TEXTS, further=True) if place else ""


def media_of(meta: Metadata) -> str:
    """An audio or video reference as written, empty when there is none."""
    if meta.lacks(_MEDIA_KEYS):
        return ""
    _, value = meta.first(_MEDIA, further=True)
    place = _reference(value)[0]
    # WordPress exports an enclosure as its address, length and type in one text.
    return place.split()[0] if place.startswith(("http:", "https:")) else place


def language_of(meta: Metadata, suffix: str) -> str:
    """The post's own language as a BCP 47 tag; empty for the site's."""
    if meta.lacks(_LANGUAGE_KEYS):
        return suffix
    written = meta.text(_LANGUAGES)
    tag = written.replace("_", "-").partition(".")[0]
    if not written or _LANGUAGE_TAG.fullmatch(tag):
        return tag or suffix
    key, _ = meta.first(_LANGUAGES)
    meta.warn(key, f"{shown_value(written)} is no language", f"write a tag such as {meta.example(key, 'en')}")
    return suffix


def in_feeds(meta: Metadata) -> bool:
    """Whether the author lets the post into feeds."""
    if meta.lacks(_FEED_KEYS):
        return True
    if any(meta.flag((key,), further=True) is False for key in _INTO_FEEDS):
        return False
    if any(meta.flag((key,), further=True) for key in _OUT_OF_FEEDS):
        return False
    hidden = text_of(meta.get("status")).lower() == "hidden"
    excluded = flag_of(meta.table("feed").get("exclude")) is True
    return not (hidden or excluded or _build_option(meta, "list") == "never")


def content_of(meta: Metadata) -> str:
    """How much of the post goes into feeds: "full", "summary" or "" for the site's setting."""
    written = meta.text(("feedcontent",), further=True)
    if not written or written.lower() in {"full", "summary"}:
        return written.lower()
    remedy = 'it is "full" or "summary"'
    meta.warn("feedcontent", f"feed_content is {shown_value(written)}; the site's setting holds", remedy)
    return ""


def declared_id_of(meta: Metadata) -> str:
    """The ``id`` of the frontmatter when it is an absolute IRI, else empty."""
    written = meta.text(("id",))
    return written if _ABSOLUTE_IRI.fullmatch(written) else ""


def is_called_page(meta: Metadata) -> bool:
    """Whether layout or type calls the file a page."""
    return any(text_of(meta.get(key)).lower() in {"page", "pages"} for key in ("layout", "type", "template"))


def _build_option(meta: Metadata, name: str) -> str:
    """Hugo's ``build`` (once ``_build``): always, never, or a local and link that are neither."""
    value = meta.table("build").get(name)
    return "never" if flag_of(value) is False else text_of(value).lower()


def _words(meta: Metadata, keys: tuple[str, str]) -> list[str]:
    """The words of a list, of a string that lists them, or of the singular key, which holds one."""
    many, one = keys
    found: list[str] = []
    for value in (meta.get(many), meta.table("taxonomies").get(many)):
        found += _listed(value, meta.form) if isinstance(value, str) else texts_of(value)
    single = meta.get(one)
    found += _split(single, ",") if isinstance(single, str) and keys is _TAGS else texts_of(single)
    return found


def _listed(text: str, form: Form) -> list[str]:
    """Words in one string: at commas where there are some, at spaces in YAML, as Jekyll and Obsidian do."""
    spaced = form is Form.YAML and "," not in text
    return text_of(text).split() if spaced else _split(text, ",")


def _split(text: str, separator: str) -> list[str]:
    return [word for part in text.split(separator) if (word := text_of(part))]


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def _author(value: Any) -> Author:
    if isinstance(value, dict):
        table = normal_table(value)
        name, written = text_of(table.get("name")), text_of(table.get("email"))
        email = written if _EMAIL.fullmatch(written) else ""
        uri = next(
            (text for key in ("uri", "url", "homepage", "link", "website") if (text := text_of(table.get(key)))), ""
        )
        return Author(name or written, email, uri if _WEB_ADDRESS.match(uri) else "")  # javascript: would be a link
    text = text_of(value) if not isinstance(value, bool) else ""
    found = _MAILBOX.fullmatch(text)
    return Author(found[1].strip() or found[2], found[2]) if found else Author(text)


def _reference(value: Any) -> tuple[str, str]:
    """A file or URL named by a text, a table or the first of a list, and its alternative text."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return (value.strip() and text_of(value), "") if isinstance(value, str) else ("", "")
    table = normal_table(value)
    place = next((text_of(table[key]) for key in _PLACES if isinstance(table.get(key), str) and table[key]), "")
    alt = next((text for key in ("alt", "imagealt", "caption", "title") if (text := text_of(table.get(key)))), "")
    return place, alt
