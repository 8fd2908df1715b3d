"""A small site to render bodies in: three posts, a bundle, a draft, and files beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from publisher.content.body import Rendered, render
from publisher.content.links import LinkIndex
from publisher.model.post import Kind, Post, Source
from tests.builders import BASE, some_settings

DAY = datetime(2018, 12, 3, tzinfo=UTC)
SETTINGS = some_settings()
FILES = {
    "img/map.png": 900,
    "notes/my photo.png": 1_100,
    "notes/pic.png": 1_000,
    "notes/Übersicht.png": 1_200,
    "notes/talk.mp3": 4_242_424,
    "trip/day one/lake.jpg": 2_000,
    "trip/route.png": 3_000,
}


def a_parsed_post(path: str = "notes/today.md", **fields: Any) -> Post:
    """A post of 3 December 2018 whose permalink follows its path; keywords are Post's."""
    stem = path.rpartition(".")[0].removesuffix("/index")
    given: dict[str, Any] = {
        "path": path,
        "kind": Kind.POST,
        "title": "Today",
        "permalink": f"{BASE}{stem}/",
        "published": DAY,
        "updated": DAY,
        "due": DAY,
        "expires": None,
        "date_only": True,
        "updated_date_only": True,
        "draft": False,
        "slug": stem.rpartition("/")[2],
    }
    empty: dict[str, Any] = dict.fromkeys(
        ("declared_id", "section", "description", "image", "image_alt", "media", "language", "content"), ""
    )
    many: dict[str, Any] = dict.fromkeys(("authors", "tags", "categories", "aliases"), ())
    return Post(**(given | empty | many | {"in_feeds": True} | fields))


POSTS = (
    a_parsed_post(),
    a_parsed_post("notes/other.md", title="The Other Note", aliases=("Second Note",)),
    a_parsed_post("trip/index.md", title="A Trip"),
    a_parsed_post("2019-01-02-new-year.md", title="New Year", permalink=f"{BASE}2019/01/new-year/", slug="new-year"),
)


def an_index(**settings: Any) -> LinkIndex:
    """The links of the small site; keywords are those of [site]."""
    return LinkIndex.build(POSTS, FILES, some_settings(**settings), ["notes/draft.md"])


def rendered(body: str, path: str = "notes/today.md", **fields: Any) -> Rendered:
    """A body rendered in the small site; it begins at line 1 of its file."""
    return render(Source(a_parsed_post(path, **fields), body, 1), an_index(), SETTINGS)
