"""What a link in a post leads to: another post, a file beside it, or some other place on the web.

A reference may be written as any of the generators understands it: a URL, absolute or relative to the
page; a path to a Markdown file or to a file beside the post; Zola's ``@/path.md``; a post named by
``ref:`` (Hugo's ref, Jekyll's post_url) or by ``wikilink:`` (Obsidian's ``[[Note]]``), two schemes that
only Publisher's own Markdown floor writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname, splitext
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from publisher.content.anchors import anchor
from publisher.content.urls import (
    IMAGE_TYPES,
    MEDIA_TYPES,
    decoded,
    extension,
    joined,
    local_path,
    quoted_path,
    scheme_of,
    split,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from publisher.content.urls import Parts
    from publisher.model.post import Post
    from publisher.model.settings import Settings

MARKDOWN = frozenset({"md", "markdown", "mdown", "mkd", "mdx"})
_FOLDERS_OF_GENERATORS = ("content/", "_posts/", "_drafts/", "src/content/", "source/_posts/", "_pages/")


class Linkable(Protocol):
    """What links need to know of a post; a ``Post`` is one."""

    @property
    def path(self) -> str: ...
    @property
    def permalink(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Asset:
    """A file beside a post: POSIX path relative to the posts folder, absolute URL, size in bytes."""

    path: str
    url: str
    size: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a reference leads to: an absolute URL ("" if to nothing), the file it uses, what is wrong with it."""

    url: str
    asset: str = ""
    broken: str = ""


@dataclass(frozen=True)
class LinkIndex:
    """All that links may lead to, built once for a run. Look-up tables are made when a link first needs them.

    ``files`` maps each file beside the posts to its size in bytes; ``names`` holds of each post its
    path, title, slug and aliases.
    """

    base_url: str
    posts_dir: str
    permalinks: Mapping[str, str]
    names: tuple[tuple[str, str, str, Sequence[str]], ...]
    files: Mapping[str, int]
    unpublished: frozenset[str]

    @classmethod
    def build(
        cls, posts: Iterable[Linkable], assets: Mapping[str, int], settings: Settings, unpublished: Iterable[str]
    ) -> LinkIndex:
        """An index over the published posts, every other file under the posts folder, and posts not published."""
        known = list(posts)
        return cls(
            base_url=settings.site.base_url,
            posts_dir=settings.posts.dir.strip("/"),
            permalinks={post.path: post.permalink for post in known},
            names=tuple((post.path, post.title, post.slug, post.aliases) for post in known),
            files=dict(assets),
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
            if folder in self._bundles:
                return self._bundles[folder] + quoted_path(path[len(folder) + 1 :])
            folder = dirname(folder)
        return self.base_url + quoted_path(path)

    def asset(self, path: str) -> Asset | None:
        """The file of this path, None if there is none."""
        return Asset(path, self.asset_url(path), self.files[path]) if path in self.files else None

    def resolve(self, ref: str, post: Linkable) -> Link:
        """What ``ref`` means in ``post``. Never raises; a ``Link`` without URL leads nowhere."""
        ref = ref.strip(" \t\r\n\f")
        scheme = scheme_of(ref)
        if scheme in {"http", "https"}:
            return self._own(tidy(ref)) if ref.startswith(self.base_url) else Link(tidy(ref))
        if scheme == "ref":
            return self._named(split(decoded(ref[4:])), post)
        if scheme == "wikilink":
            return self._wikilink(decoded(ref[9:]), post)
        if scheme:
            return Link(tidy(ref))
        if not ref or ref[0] in "#?":
            return Link(post.permalink.partition("#")[0] + tidy(ref))
        if ref.startswith("//"):
            return Link(tidy(f"{urlsplit(self.base_url).scheme}:{ref}"))
        parts = split(ref)
        if ref.startswith("@/"):
            return self._markdown(decoded(parts.path[2:]), parts, post)
        return self._rooted(parts, post) if ref[0] == "/" else self._relative(parts, post)

    # Each of the ways below answers for one way of writing a reference.

    def _own(self, url: str) -> Link:
        path = self._published.get(split(url).path)
        return Link(url, path) if path else Link(url)

    def _rooted(self, parts: Parts, post: Linkable) -> Link:
        path = decoded(parts.path)
        local = local_path("", path.lstrip("/"))
        if extension(local) in MARKDOWN:
            return self._markdown(path.lstrip("/"), parts, post)
        plain = joined(self.base_url, parts.path)
        for url in (plain, self.base_url + tidy(parts.path.lstrip("/"))):
            if found := self._at(url, parts):
                return found
        if local in self.files:
            return self._file(local, parts)
        if local in self._stems:
            return self._page(self._stems[local], parts)
        return Link(plain + tidy(parts.query + parts.fragment)) if plain else Link("", broken="is no address")

    def _relative(self, parts: Parts, post: Linkable) -> Link:
        path = decoded(parts.path).replace("\\", "/")
        local = local_path(dirname(post.path), path)
        if extension(path) in MARKDOWN:
            return self._markdown(local or path, parts, post)
        if local in self.files:
            return self._file(local, parts)
        plain = joined(post.permalink, parts.path)
        if found := self._at(plain, parts):
            return found
        if local in self._stems:
            return self._page(self._stems[local], parts)
        if not plain:
            return Link("", broken="is no address")
        missing = extension(path) in IMAGE_TYPES or extension(path) in MEDIA_TYPES
        return Link(
            plain + tidy(parts.query + parts.fragment), broken="names a file that does not exist" if missing else ""
        )

    def _markdown(self, path: str, parts: Parts, post: Linkable) -> Link:
        """A link to a Markdown file, by its path or, since sites move, by its name alone."""
        for candidate in self._candidates(path):
            if candidate in self.permalinks:
                return self._page(candidate, parts)
            if candidate in self.unpublished:
                return Link("", broken="leads to a post that is not published")
        if found := self._nearest(self._by_name.get(_stem(path).casefold(), ()), post):
            return self._page(found, parts)
        if _stem(path).casefold() in self._unpublished_names:
            return Link("", broken="leads to a post that is not published")
        return Link("", broken="names no post")

    def _named(self, parts: Parts, post: Linkable) -> Link:
        path = parts.path.strip()
        if not path:
            return Link(post.permalink + tidy(parts.fragment))
        if scheme_of(path):
            return self.resolve(path + parts.query + parts.fragment, post)
        near = "" if path.startswith("/") else local_path(dirname(post.path), path)
        for candidate in (near, *self._candidates(path.strip("/"))):
            if candidate in self._stems:
                return self._page(self._stems[candidate], parts)
            if candidate in self.permalinks:
                return self._page(candidate, parts)
            if candidate in self.files:
                return self._file(candidate, parts)
        if extension(path) and extension(path) not in MARKDOWN and not self._by_name.get(_stem(path).casefold()):
            return self._rooted(parts._replace(path="/" + path.lstrip("/")), post)
        return self._markdown(path.strip("/"), parts, post)

    def _wikilink(self, target: str, post: Linkable) -> Link:
        name, _, heading = target.partition("#")
        name = name.strip()
        fragment = f"#{tidy(anchor(heading.rpartition('#')[2]))}" if heading else ""
        if not name:
            return Link(post.permalink + fragment)
        local = name.removeprefix("/")
        for path in (local_path(dirname(post.path), local), local_path("", local)):
            if path in self.files:
                return self._file(path, split(""))
            if path in self._stems or path in self.permalinks:
                return Link(self.permalinks[self._stems.get(path, path)] + fragment)
        key = name.casefold()
        notes = self._by_name.get(_stem(key), ()) if "/" in name else self._by_name.get(key) or self._by_title.get(key)
        if found := self._nearest(notes or (), post):
            return Link(self.permalinks[found] + fragment)
        if found := self._nearest(self._files_by_name.get(basename(key), ()), post):
            return self._file(found, split(""))
        known = _stem(key) in self._unpublished_names
        return Link("", broken="leads to a post that is not published" if known else "names no post and no file")

    # Answers.

    def _page(self, path: str, parts: Parts) -> Link:
        return Link(self.permalinks[path] + tidy(parts.fragment))

    def _file(self, path: str, parts: Parts) -> Link:
        return Link(self.asset_url(path) + tidy(parts.query + parts.fragment), path)

    def _at(self, url: str, parts: Parts) -> Link | None:
        """A post or a file that is published at ``url``."""
        for address in (url, f"{url}/", url.removesuffix("/"), url.removesuffix("index.html")):
            if address in self._addresses:
                return Link(address + tidy(parts.query + parts.fragment))
        return self._file(self._published[url], parts) if url in self._published else None

    def _candidates(self, path: str) -> tuple[str, ...]:
        folders = (f"{self.posts_dir}/", *_FOLDERS_OF_GENERATORS)
        return (path, *(path[len(folder) :] for folder in folders if path.startswith(folder)))

    def _nearest(self, paths: Sequence[str], post: Linkable) -> str:
        """Of posts or files of one name: the one in the post's folder, else the highest, else the first."""
        here = dirname(post.path)
        return min(paths, key=lambda path: (dirname(path) != here, path.count("/"), path), default="")

    # Tables, each made when first asked for.

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(self.permalinks.values())

    @cached_property
    def _bundles(self) -> dict[str, str]:
        found = ((dirname(path), link) for path, link in self.permalinks.items() if _stem(path) == "index")
        return {folder: _as_folder(link) for folder, link in found if folder}

    @cached_property
    def _published(self) -> dict[str, str]:
        return {self.asset_url(path): path for path in self.files}

    @cached_property
    def _stems(self) -> dict[str, str]:
        """Paths without ``.md`` and without ``/index.md``, as a link may name them."""
        table = {splitext(path)[0]: path for path in self.permalinks}
        return table | {dirname(path): path for path in self.permalinks if _stem(path) == "index" and dirname(path)}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = {}
        for path, _, slug, _ in self.names:
            for name in {_name(path), slug.casefold()} - {""}:
                table.setdefault(name, []).append(path)
        return table

    @cached_property
    def _by_title(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = {}
        for path, title, _, aliases in self.names:
            for name in {title.casefold(), *(alias.casefold() for alias in aliases)}:
                table.setdefault(name, []).append(path)
        return table

    @cached_property
    def _files_by_name(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = {}
        for path in self.files:
            table.setdefault(basename(path).casefold(), []).append(path)
        return table

    @cached_property
    def _unpublished_names(self) -> frozenset[str]:
        return frozenset(_name(path) for path in self.unpublished)


def _stem(path: str) -> str:
    name = basename(path)
    return splitext(name)[0] if extension(name) in MARKDOWN else name


def _name(path: str) -> str:
    """The name a post goes by: its file's, or for a bundle its folder's."""
    stem = _stem(path)
    return (basename(dirname(path)) or stem if stem == "index" else stem).casefold()


def _as_folder(permalink: str) -> str:
    stem, dot, ending = permalink.rpartition(".")
    named = stem if dot and ending in {"html", "htm"} else permalink
    return named if named.endswith("/") else f"{named}/"
