"""What a link in a post leads to: another post, a file beside it, or some other place on the web.

A reference may be written as any of the generators understands it: a URL, absolute or relative to the
page; a path to a Markdown file or to a file beside the post; Zola's ``@/path.md``; a post named by
``ref:`` (Hugo's ref, Jekyll's post_url) or by ``wikilink:`` (Obsidian's ``[[Note]]``), two schemes that
only Publisher's own Markdown floor writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from publisher.content.anchors import anchor
from publisher.content.catalogue import MARKDOWN, Catalogue, stem_of
from publisher.content.urls import (
    IMAGE_TYPES,
    MEDIA_TYPES,
    Parts,
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

    from publisher.content.catalogue import Linkable
    from publisher.model.settings import Settings

_FOLDERS_OF_GENERATORS = ("content/", "_posts/", "_drafts/", "src/content/", "source/_posts/", "_pages/")


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

    @property
    def outcome(self) -> str:
        """All that a body which holds the link rests on, as one text."""
        return f"{self.url} {self.asset} {self.broken}" if self.asset or self.broken else self.url


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """All that links may lead to, built once for a run; cheap to build, cheap to hand to another process."""

    catalogue: Catalogue
    posts_dir: str

    @classmethod
    def build(
        cls, posts: Iterable[Linkable], assets: Mapping[str, int], settings: Settings, unpublished: Iterable[str]
    ) -> LinkIndex:
        """An index over the published posts, every other file under the posts folder, and posts not published."""
        catalogue = Catalogue.build(settings.site.base_url, posts, assets, unpublished)
        return cls(catalogue, settings.posts.dir.strip("/"))

    @property
    def base_url(self) -> str:
        """The site's address, with a slash at its end."""
        return self.catalogue.base_url

    @property
    def files(self) -> Mapping[str, int]:
        """The files beside the posts, with their sizes in bytes."""
        return self.catalogue.files

    def asset_url(self, path: str) -> str:
        """Where a file under the posts folder is published."""
        return self.catalogue.asset_url(path)

    def asset(self, path: str) -> Asset | None:
        """The file of this path, None if there is none."""
        return Asset(path, self.asset_url(path), self.files[path]) if path in self.files else None

    def resolve(self, ref: str, post: Linkable) -> Link:
        """What ``ref`` means in ``post``. Never raises; a ``Link`` without URL leads nowhere."""
        ref = ref.strip(" \t\r\n\f")
        if scheme := scheme_of(ref):
            return self._absolute(scheme, ref, post)
        if not ref or ref[0] in "#?":
            return Link(post.permalink.partition("#")[0] + tidy(ref))
        if ref.startswith("//"):
            return Link(tidy(f"{scheme_of(self.base_url)}:{ref}"))
        parts = split(ref)
        if ref.startswith("@/"):
            return self._markdown(decoded(parts.path[2:]), parts, post)
        return self._rooted(parts, post) if ref[0] == "/" else self._relative(parts, post)

    # Each of the ways below answers for one way of writing a reference.

    def _absolute(self, scheme: str, ref: str, post: Linkable) -> Link:
        if scheme == "ref":
            return self._named(split(decoded(ref[4:])), post)
        if scheme == "wikilink":
            return self._wikilink(decoded(ref[9:]), post)
        url = tidy(ref)
        return self._own(url) if url.startswith(self.base_url) else Link(url)

    def _own(self, url: str) -> Link:
        path = self.catalogue.published.get(split(url).path)
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
        if named := self.catalogue.page_named(local):
            return self._page(named, parts)
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
        # Obsidian and Zola also name things by their path from the top.
        for candidate in (local, local_path("", path)):
            if found := self._standing_at(candidate, parts):
                return found
        if not plain:
            return Link("", broken="is no address")
        missing = extension(path) in IMAGE_TYPES or extension(path) in MEDIA_TYPES
        return Link(
            plain + tidy(parts.query + parts.fragment), broken="names a file that does not exist" if missing else ""
        )

    def _markdown(self, path: str, parts: Parts, post: Linkable) -> Link:
        """A link to a Markdown file, by its path or, since sites move, by its name alone."""
        for candidate in self._candidates(path):
            if candidate in self.catalogue.permalinks:
                return self._page(candidate, parts)
            if candidate in self.catalogue.unpublished:
                return Link("", broken="leads to a post that is not published")
        if stem_of(path).partition(".")[0] == "_index":
            return self._section(path, parts)
        if found := self._nearest(self.catalogue.by_name.get(stem_of(path).casefold(), ()), post):
            return self._page(found, parts)
        if stem_of(path).casefold() in self.catalogue.unpublished_names:
            return Link("", broken="leads to a post that is not published")
        return Link("", broken="names no post")

    def _named(self, parts: Parts, post: Linkable) -> Link:
        path = parts.path.strip()
        if not path:
            return Link(post.permalink + tidy(parts.fragment))
        if scheme_of(path) in {"http", "https", "mailto"}:
            return self.resolve(path + parts.query + parts.fragment, post)
        near = "" if path.startswith("/") else local_path(dirname(post.path), path)
        for candidate in (near, *self._candidates(path.strip("/"))):
            if found := self._standing_at(candidate, parts):
                return found
        is_file = extension(path) and extension(path) not in MARKDOWN
        if is_file and path.casefold() not in self.catalogue.by_name:
            return self._rooted(parts._replace(path="/" + path.lstrip("/")), post)
        return self._markdown(path.strip("/"), parts, post)

    def _standing_at(self, path: str, parts: Parts) -> Link | None:
        """The post of this path, with or without its extension, or the file."""
        page = path if path in self.catalogue.permalinks else self.catalogue.page_named(path)
        if page:
            return self._page(page, parts)
        return self._file(path, parts) if path in self.files else None

    def _wikilink(self, target: str, post: Linkable) -> Link:
        name, _, heading = target.partition("#")
        name = name.strip()
        fragment = f"#{tidy(anchor(heading.rpartition('#')[2]))}" if heading else ""
        if not name:
            return Link(post.permalink + fragment)
        local = name.removeprefix("/")
        for path in (local_path(dirname(post.path), local), local_path("", local)):
            if found := self._standing_at(path, Parts("", "", fragment)):
                return found
        key = name.casefold()
        tables = self.catalogue
        notes = tables.by_name.get(stem_of(key)) or (None if "/" in name else tables.by_title.get(key))
        if note := self._nearest(notes or (), post):
            return Link(tables.permalinks[note] + fragment)
        if file := self._nearest(tables.files_by_name.get(basename(key), ()), post):
            return self._file(file, split(""))
        known = stem_of(key) in self.catalogue.unpublished_names
        return Link("", broken="leads to a post that is not published" if known else "names no post and no file")

    def _section(self, path: str, parts: Parts) -> Link:
        """A section's page (Hugo's and Zola's ``_index.md``), which is its generator's to make."""
        folder, language = dirname(self._candidates(path)[-1]), stem_of(path).partition(".")[2]
        below = "/".join(part for part in (language.lower(), folder) if part)
        return Link(self.base_url + quoted_path(f"{below}/" if below else "") + tidy(parts.fragment))

    # Answers.

    def _page(self, path: str, parts: Parts) -> Link:
        return Link(self.catalogue.permalinks[path] + tidy(parts.fragment))

    def _file(self, path: str, parts: Parts) -> Link:
        return Link(self.asset_url(path) + tidy(parts.query + parts.fragment), path)

    def _at(self, url: str, parts: Parts) -> Link | None:
        """A post or a file that is published at ``url``."""
        for address in (url, f"{url}/", url.removesuffix("/"), url.removesuffix("index.html")):
            if address in self.catalogue.addresses:
                return Link(address + tidy(parts.query + parts.fragment))
        return self._file(self.catalogue.published[url], parts) if url in self.catalogue.published else None

    def _candidates(self, path: str) -> tuple[str, ...]:
        folders = (f"{self.posts_dir}/", *_FOLDERS_OF_GENERATORS)
        return (path, *(path[len(folder) :] for folder in folders if path.startswith(folder)))

    def _nearest(self, paths: Sequence[str], post: Linkable) -> str:
        """Of posts or files of one name: the one in the post's folder, else the highest, else the first."""
        here = dirname(post.path)
        return min(paths, key=lambda path: (dirname(path) != here, path.count("/"), path), default="")
