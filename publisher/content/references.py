"""The references of one body while it is rendered: each resolved once, and what came of it kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.content.urls import media_type, scheme_of
from publisher.model.entry import Image

if TYPE_CHECKING:
    from publisher.content.links import LinkIndex
    from publisher.model.post import Post

# An address that is fit to leave as it stands, in HTML as well (hence &amp;).
PLAIN = r"https?://[a-z0-9.\-]+(?::\d+)?(?:[/?#](?:[!$'()*+,\-./0-9:;=?@A-Z_a-z~#]|%[0-9A-Fa-f]{2}|&amp;)*+)?+"
_PLAIN = re.compile(PLAIN)
_HARMLESS = frozenset({"http", "https", "mailto", "tel"})


@dataclass(slots=True)
class References:
    """What a body refers to. ``resolved`` holds whatever depends on other files of the site."""

    post: Post
    index: LinkIndex
    resolved: dict[str, str] = field(default_factory=dict)
    assets: dict[str, None] = field(default_factory=dict)  # in order of first use
    broken: dict[str, str] = field(default_factory=dict)
    odd: bool = False  # a scheme that feeds should not carry
    image: Image | None = None
    media: str = ""  # the first audio or video, its URL
    _known: dict[str, str] = field(default_factory=dict)
    _base: str = field(init=False)

    def __post_init__(self) -> None:
        """The site's address is compared with every link."""
        self._base = self.index.base_url

    def is_plain(self, value: str) -> bool:
        """Whether an attribute's value is an absolute address elsewhere that needs no change."""
        return _PLAIN.fullmatch(value) is not None and not value.startswith(self._base)

    def url(self, ref: str, *, image: bool = False) -> str:
        """The absolute URL of a reference, empty if it leads nowhere."""
        if ref in self._known:
            return self._known[ref]
        link = self.index.resolve(ref, self.post)
        scheme = scheme_of(ref)
        inside = not scheme or scheme in {"ref", "wikilink"} or link.url.startswith(self._base)
        if inside and scheme not in {"mailto", "tel", "data"}:
            self.resolved[ref] = link.outcome
        if link.broken:
            self.broken[ref] = link.broken
        if link.asset:
            self.assets[link.asset] = None
            if media_type(link.url):
                self.medium(link.url)
        if link.url and scheme_of(link.url) not in _HARMLESS and not (image and scheme == "data"):
            self.odd = True
        self._known[ref] = link.url
        return link.url

    def picture(self, url: str, alt: str) -> None:
        """Note an image of the body; the first one that is a picture represents the post."""
        if self.image is None and url.startswith(("http:", "https:")):
            self.image = Image(url, alt)

    def medium(self, url: str) -> None:
        """Note an audio or video of the body; the first one is the post's."""
        self.media = self.media or url
