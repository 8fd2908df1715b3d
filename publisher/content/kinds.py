"""Post or standing page: a stated rule, so that an "about" never lands in a feed.

A file is a standing page when its layout or type says "page", when it lies in the top-level ``pages/``,
or when it stands at the top under a name that pages have: undated any well-known name, dated only the
ones that no article would carry. A date in the file's name, or Jekyll's ``_posts``, makes it a post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.content.dialects import is_called_page
from publisher.content.slugs import name_slug
from publisher.model.post import Kind

if TYPE_CHECKING:
    from publisher.content.filenames import Place
    from publisher.content.metadata import Metadata

PAGES_FOLDER = "pages"
_NEVER_ARTICLES = frozenset(
    {
        *("about", "about-me", "contact", "publications", "cv", "resume", "now", "uses", "colophon", "imprint"),
        *("impressum", "privacy", "privacy-policy", "datenschutz", "kontakt"),
    }
)
_PAGE_NAMES = _NEVER_ARTICLES | {
    *("projects", "talks", "links", "blogroll", "faq", "books", "bio", "teaching", "research", "archive", "archives"),
    *("license", "terms", "legal", "disclaimer", "search", "tags", "categories", "support", "donate", "newsletter"),
    *("subscribe", "portfolio", "speaking", "reading", "bookshelf", "gallery", "photos", "people", "team"),
    *("software", "press", "hire-me", "services", "work", "home", "changelog", "sitemap", "podcast", "feeds"),
}


def kind_of(meta: Metadata, place: Place, *, dated: bool) -> Kind | None:
    """What the file is; None when it would be a post and has no date."""
    if not place.filed_as_post and _is_page(meta, place, dated=dated):
        return Kind.PAGE
    return Kind.POST if dated else None


def _is_page(meta: Metadata, place: Place, *, dated: bool) -> bool:
    if is_called_page(meta) or place.folders[:1] == (PAGES_FOLDER,):
        return True
    return place.top_level and name_slug(place.name) in (_NEVER_ARTICLES if dated else _PAGE_NAMES)
