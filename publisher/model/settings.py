"""The settings of a site, as config.toml gives them, complete with defaults and already valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from publisher.model.entry import Author
    from publisher.model.feed import Format


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """[site]. ``base_url`` is absolute and ends in a slash."""

    title: str
    base_url: str
    language: str = "en"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    description: str = ""
    authors: tuple[Author, ...] = ()


DEFAULT_STORE_URL = "sqlite:///mailing.sqlite3"
DEFAULT_TAG_PATH = "tags/:name/"
DEFAULT_TOMBSTONES = timedelta(days=90)
# Where a post lives when its site says nothing of it, by spelling: as each program has it.
DEFAULT_PERMALINKS = {
    "publisher": "/:sections/:slug/",
    "hugo": "/:sections/:slugorcontentbasename/",
    "jekyll": "date",
    "zola": "/:sections/:slug/",
    "eleventy": "/:path/",
    "pelican": "/:slug.html",
}
SPELLINGS = tuple(DEFAULT_PERMALINKS)
DEFAULT_SPELLING = "publisher"


@dataclass(frozen=True, slots=True)
class PostsSettings:
    """[posts]. ``permalinks`` maps a section ("" for all others) to a pattern of tokens.

    ``spelling`` is one of SPELLINGS: the program whose way to write names in addresses is kept, byte for byte.
    """

    dir: str = "posts"
    permalinks: tuple[tuple[str, str], ...] = (("", DEFAULT_PERMALINKS["publisher"]),)
    time_of_day: time = time(0, 0)
    spelling: str = DEFAULT_SPELLING


@dataclass(frozen=True, slots=True)
class PagesSettings:
    """[pages]. ``tag_path`` is the address of a tag's page below base_url, with ``:name``."""

    enabled: bool = True
    static: str = "static"
    tag_path: str = DEFAULT_TAG_PATH


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """[output]. ``replace`` lists files of another program that Publisher may take over."""

    dir: str = "public"
    replace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries belong: any of the tags, or authors, or sections; all empty means every entry.

    Words are compared without regard to case. ``without`` takes tags away again. ``source`` is the feed whose
    entries they are, empty for this site's own.
    """

    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class NamedFeedSettings:
    """[feeds.NAME]: a further feed of the entries that pass a filter."""

    name: str
    title: str
    filter: Filter
    limit: int
    content: str
    paths: tuple[tuple[Format, str], ...]


@dataclass(frozen=True, slots=True)
class FeedsSettings:
    """[feeds]. ``limit`` 0 means every entry. ``per_paths`` are patterns with ``:name``.

    With ``archives`` the entries beyond the limit stand in archive documents (RFC 5005). Entries that were withdrawn
    are named in Atom for ``tombstones`` (RFC 6721); None names none.
    """

    formats: tuple[Format, ...]
    paths: tuple[tuple[Format, str], ...]
    limit: int = 20
    content: str = "full"
    per: tuple[str, ...] = ()
    per_paths: tuple[tuple[str, str], ...] = ()  # ("tag", "tags/:name/:file"), …
    hubs: tuple[str, ...] = ()
    named: tuple[NamedFeedSettings, ...] = ()
    archives: bool = True
    tombstones: timedelta | None = DEFAULT_TOMBSTONES


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """[digests.NAME]. ``cadences`` maps a cadence's name to its schedule, as written.

    ``feed`` is the URL of the feed whose entries the digest is of; empty for the site's own posts.
    """

    name: str
    title: str
    filter: Filter
    cadences: tuple[tuple[str, str], ...]
    timezone: ZoneInfo
    start: str = "now"  # "now": what exists is given; "all": what exists is pending
    limit: int = 0
    content: str = "summary"  # or "full", or "newest": the newest in full, the rest as a list
    hold: timedelta | None = None  # how long a drafted issue waits for its editor
    approve: bool = False  # it waits until it is approved
    send_late_within: timedelta = timedelta(hours=12)
    archive: bool = True  # its issues are pages that everybody may read
    feed: str = ""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """[mail]. ``sender`` is the From header's mailbox as written; so is ``editor``, who gets previews.

    ``rate`` and ``per_domain`` are messages a second, in all and to one domain; 0 sets no limit. What is
    refused for now is tried again for ``retry_for``. ``on_doubt`` is "resend" or "hold". ``relay_log`` is the
    path of the log of a Postfix on this machine, empty where there is none to ask.
    """

    sender: str = ""
    reply_to: str = ""
    postal_address: str = ""
    transport: str = "maildir:outbox"
    editor: str = ""
    rate: float = 0
    per_domain: float = 0
    retry_for: timedelta = timedelta(days=2)
    on_doubt: str = "resend"
    relay_log: str = ""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """[engine]. Connections to the relay, and how many rows may be ``sending`` at one time."""

    connections: int = 10
    window: int = 100


@dataclass(frozen=True, slots=True)
class WebSettings:
    """[web]. ``public_url`` is where readers reach the server, empty or ending in a slash.

    ``trusted_proxies`` are networks (RFC 4632) whose word about a client's address counts; ``allow_origins`` are
    origins (RFC 6454) whose pages may hold a form. ``letters_per_network`` is how many letters an hour the visitors
    of one network may cause; ``logs`` is "text" or "json".
    """

    public_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    trusted_proxies: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    letters_per_network: int = 30
    logs: str = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything config.toml says. Paths are relative to the folder that holds it."""

    site: SiteSettings
    posts: PostsSettings
    pages: PagesSettings
    output: OutputSettings
    feeds: FeedsSettings
    digests: tuple[DigestSettings, ...] = ()
    mail: MailSettings = MailSettings()
    store_url: str = DEFAULT_STORE_URL
    web: WebSettings = WebSettings()
    engine: EngineSettings = EngineSettings()

    @property
    def web_public_url(self) -> str:
        """Where readers reach the web server; empty where there is none."""
        return self.web.public_url
