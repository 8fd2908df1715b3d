"""What a generator's checkout says of its site, in the words of our config.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.model.entry import Author
    from publisher.model.feed import Format
    from publisher.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Checkout:
    """One site. What is empty (or None) is not said anywhere, or could not be read: ``problems`` tells which.

    Folders (``posts``, ``static``, ``output``) are relative to the checkout. ``permalinks`` are patterns of ours by
    section, "" for all others; ``tag_path`` and ``tag_feed`` have ``:name`` (and ``:file``). ``feeds`` are the site's
    main feeds: paths inside the output. ``limit`` is the number of entries in them, 0 for all; ``full`` tells whether
    they hold whole texts. ``generator`` is also the name of its spelling.
    """

    generator: str
    folder: str
    title: str = ""
    base_url: str = ""
    language: str = ""
    timezone: str = ""
    description: str = ""
    authors: tuple[Author, ...] = ()
    posts: str = ""
    static: str = ""
    output: str = ""
    permalinks: tuple[tuple[str, str], ...] = ()
    tag_path: str = ""
    tag_feed: str = ""
    feeds: tuple[tuple[Format, str], ...] = ()
    limit: int | None = None
    full: bool | None = None
    problems: tuple[Problem, ...] = ()
