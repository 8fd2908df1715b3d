"""The posts and files of a site, in the tables that links are looked up in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname, splitext
from typing import TYPE_CHECKING, Protocol

from publisher.content.urls import extension, quoted_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MARKDOWN = frozenset({"md", "markdown", "mdown", "mkd", "mdx"})


class Linkable(Protocol):
    """What links need to know of a post; a ``Post`` is one."""

    @property
    def path(self) -> str:
        """POSIX, relative to the posts folder."""

    @property
    def permalink(self) -> str:
        """Absolute."""

    @property
    def title(self) -> str:
        """Plain text."""

    @property
    def slug(self) -> str:
        """Its name in addresses."""

    @property
    def aliases(self) -> Sequence[str]:
        """Former paths, or for Obsidian other names."""


_ENDINGS = tuple(sorted(MARKDOWN))


@dataclass(frozen=True)
class Catalogue:
    """What stands where. Tables beyond the fields are made when a link first needs them.

    ``names`` holds of each post its path, title, slug and aliases; ``files`` maps each file beside the
    posts to its size in bytes.
    """

    base_url: str
    permalinks: Mapping[str, str]
    names: tuple[tuple[str, str, str, Sequence[str]], ...]
    files: Mapping[str, int]
    unpublished: frozenset[str]

    @classmethod
    def build(
        cls, base_url: str, posts: Iterable[Linkable], files: Mapping[str, int], unpublished: Iterable[str]
    ) -> Catalogue:
        """A catalogue of the published posts, every other file, and the posts that are not published."""
        known = list(posts)
        return cls(
            base_url,
            permalinks={post.path: post.permalink for post in known},
            names=tuple((post.path, post.title, post.slug, post.aliases) for post in known),
            files=dict(files),
            unpublished=frozenset(unpublished),
        )

    def __getstate__(self) -> dict[str, object]:
        """The fields alone; another process makes the tables it needs itself."""
        return {name: value for name, value in self.__dict__.items() if name in type(self).__dataclass_fields__}

    def asset_url(self, path: str) -> str:
        """Where a file under the posts folder is published.

        Files in a bundle's folder (``x/index.md``) live under the bundle's permalink, any other file under
        the site's address by its path.
        """
        folder = dirname(path)
        while folder:
            if folder in self.bundles:
                return self.bundles[folder] + quoted_path(path[len(folder) + 1 :])
            folder = dirname(folder)
        return self.base_url + quoted_path(path)

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Every permalink."""
        return frozenset(self.permalinks.values())

    @cached_property
    def bundles(self) -> dict[str, str]:
        """Folders of bundles, each with the address its files live under."""
        found = ((dirname(path), link) for path, link in self.permalinks.items() if stem_of(path) == "index")
        return {folder: _as_folder(link) for folder, link in found if folder}

    @cached_property
    def published(self) -> dict[str, str]:
        """Addresses of files, each with the file's path."""
        return {self.asset_url(path): path for path in self.files}

    def page_named(self, stem: str) -> str | None:
        """The post whose path without ``.md``, or without ``/index.md``, is this one, as a link may name it."""
        if not stem:
            return None
        paths = (f"{stem}{tail}{ending}" for tail in (".", "/index.") for ending in _ENDINGS)
        return next((path for path in paths if path in self.permalinks), None)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Posts by the name of their file, or folder for a bundle, and by slug; in lower case."""
        table: dict[str, list[str]] = {}
        for path, _, slug, _ in self.names:
            for name in {name_of(path), slug.casefold()} - {""}:
                table.setdefault(name, []).append(path)
        return table

    @cached_property
    def by_title(self) -> dict[str, list[str]]:
        """Posts by title and alias, in lower case."""
        table: dict[str, list[str]] = {}
        for path, title, _, aliases in self.names:
            for name in {title.casefold(), *(alias.casefold() for alias in aliases)}:
                table.setdefault(name, []).append(path)
        return table

    @cached_property
    def files_by_name(self) -> dict[str, list[str]]:
        """Files by name, in lower case."""
        table: dict[str, list[str]] = {}
        for path in self.files:
            table.setdefault(basename(path).casefold(), []).append(path)
        return table

    @cached_property
    def unpublished_names(self) -> frozenset[str]:
        """Names of the posts that are not published."""
        return frozenset(name_of(path) for path in self.unpublished)


def stem_of(path: str) -> str:
    """The file's name without a Markdown extension."""
    name = basename(path)
    return splitext(name)[0] if extension(name) in MARKDOWN else name


def name_of(path: str) -> str:
    """The name a post goes by: its file's, or for a bundle its folder's."""
    stem = stem_of(path)
    return (basename(dirname(path)) or stem if stem == "index" else stem).casefold()


def _as_folder(permalink: str) -> str:
    stem, dot, ending = permalink.rpartition(".")
    named = stem if dot and ending in {"html", "htm"} else permalink
    return named if named.endswith("/") else f"{named}/"
