"""Zola: config.toml or zola.toml (https://www.getzola.org/documentation/getting-started/configuration/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.checkouts.checkout import Checkout
from publisher.checkouts.files import at, authors_in, flag_at, folder_named, number_at, text_at, texts_at
from publisher.model.feed import Format

if TYPE_CHECKING:
    from publisher.checkouts.files import Files

_CONFIGS = ("zola.toml", "config.toml")


def recognise(files: Files) -> bool:
    """Whether a checkout is Zola's: its address stands outside of any table."""
    if files.has("zola.toml"):
        return True
    return bool(files.first("config.toml")) and "base_url" in files.table("config.toml")


def read(files: Files) -> Checkout:
    """Read the configuration."""
    name = files.first(*_CONFIGS)
    config = files.table(name) if name else {}
    slugify = at(config, "slugify")
    for key, value in (slugify if isinstance(slugify, dict) else {}).items():
        if key in {"paths", "taxonomies"} and value != "on":
            files.say(
                name,
                0,
                f'slugify.{key} is "{value}"',
                "addresses that hold other letters than a to z need a path of their own",
            )
    tags = _tags(config)
    feeds = _feeds(config)
    return Checkout(
        generator="zola",
        folder=files.folder,
        title=text_at(config, "title"),
        base_url=text_at(config, "base_url"),
        language=text_at(config, "default_language") or "en",
        timezone="UTC",
        description=text_at(config, "description"),
        authors=authors_in(at(config, "author")),
        posts="content",
        static="static",
        output=folder_named(text_at(config, "output_dir"), "public"),
        permalinks=(("", "/:sections/:slug/"),),
        tag_path="tags/:name/" if tags is not None else "",
        tag_feed="tags/:name/:file" if flag_at(tags, "feed") and feeds else "",
        feeds=feeds,
        limit=number_at(config, "feed_limit") or 0,
        full=None if files.has(*(f"templates/{path}" for _, path in feeds)) else True,
        problems=tuple(files.problems),
    )


def _tags(config: dict[str, Any]) -> dict[str, Any] | None:
    known = at(config, "taxonomies")
    found = known if isinstance(known, list) else []
    return next((one for one in found if isinstance(one, dict) and one.get("name") == "tags"), None)


def _feeds(config: dict[str, Any]) -> tuple[tuple[Format, str], ...]:
    """Both the names of today and those before version 0.19 are in use."""
    if not (flag_at(config, "generate_feeds") or flag_at(config, "generate_feed")):
        return ()
    names = texts_at(config, "feed_filenames") or texts_at(config, "feed_filename") or ("atom.xml",)
    found = {Format.RSS if "rss" in name else Format.ATOM: name for name in reversed(names)}
    return tuple(sorted(found.items(), key=lambda one: one[0].value))
