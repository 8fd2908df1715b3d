"""Post, standing page or neither: a stated rule, so that an "about" never lands in a feed.

A file is a standing page when its layout or type says "page", when it lies in the top-level ``pages/``,
or when it stands at the top under a name that pages have: undated any well-known name, dated only the
ones that no article would carry. A date in the file's name, or Jekyll's ``_posts``, makes it a post.

Any other file without a date lacks one, which is an error, if it lies among posts (directly in a folder
called posts, blog and the like, or in the years below) or has no metadata between fences at all. Elsewhere
it is a standing page too, as Zola, Astro and Quartz have it, and its author is told. What lies in a site's
folders for other people than its readers (README.md, CONTRIBUTING.md) is neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.content.dialects import is_called_page, title_of
from publisher.content.formats import Form
from publisher.content.slugs import name_slug
from publisher.model.post import Kind

if TYPE_CHECKING:
    from publisher.content.filenames import Place
    from publisher.content.frontmatter import Front
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
_POST_FOLDERS = frozenset(
    {
        *("posts", "post", "blog", "blogs", "articles", "article", "writing", "writings", "journal", "diary", "news"),
        *("entries", "essays", "stories", "notes", "til", "weblog", "_posts", "_drafts"),
    }
)
# Spelled so, in capitals, they speak to those who work on the site.
_FOR_WORKERS = frozenset(
    {
        *("AGENTS", "AUTHORS", "CHANGELOG", "CODE_OF_CONDUCT", "CODEOWNERS", "CONTRIBUTING", "COPYING"),
        *("GEMINI", "GOVERNANCE", "ISSUE_TEMPLATE", "LICENCE", "LICENSE", "MAINTAINERS", "NOTICE"),
        *("PULL_REQUEST_TEMPLATE", "SECURITY", "SUPPORT"),
    }
)


def kind_of(meta: Metadata, place: Place, *, dated: bool) -> Kind | None:
    """What the file is; None when it would be a post and has no date."""
    if not place.filed_as_post and _is_page(meta, place, dated=dated):
        return Kind.PAGE
    return Kind.POST if dated else None


def _is_page(meta: Metadata, place: Place, *, dated: bool) -> bool:
    if is_called_page(meta) or place.folders[:1] == (PAGES_FOLDER,):
        return True
    return place.top_level and name_slug(place.name) in (_NEVER_ARTICLES if dated else _PAGE_NAMES)


def is_among_posts(place: Place, posts_dir: str) -> bool:
    """Whether the file lies where its neighbours are posts; ``posts_dir`` is the folder of all of them."""
    above = next((folder for folder in reversed(place.folders) if not folder.isdecimal()), "")
    home = above or posts_dir.rstrip("/").rpartition("/")[2]
    return place.filed_as_post or home.lower() in _POST_FOLDERS


def is_undated_page(meta: Metadata, place: Place, posts_dir: str) -> bool:
    """Whether a file that has no date is meant to have none."""
    return meta.form not in {Form.NONE, Form.HEADER} and not is_among_posts(place, posts_dir)


def why_neither(meta: Metadata, place: Place, front: Front) -> str:
    """Why a file that has no date is nothing to publish; empty when it may be."""
    if place.name.lower() == "readme" or place.name in _FOR_WORKERS:
        return "a note for those who work on the site"
    if place.name.startswith("[") and place.name.endswith("]"):
        return "a generator's route, not a page"
    return "" if front.body.strip() or title_of(meta) else "an empty file"
