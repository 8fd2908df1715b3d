"""What the templates of an issue see: plain values, in the words and the zone of the site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.headers import one_line
from publisher.mail.plain_text import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from publisher.model.entry import Author, Image, Item
    from publisher.model.settings import DigestSettings, SiteSettings

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
WORDS_A_MINUTE = 230
NAMED_AT_MOST = 100  # further entries that are named by their title


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry. ``html`` and ``text`` hold the whole body, or nothing where a summary is shown."""

    ordinal: int
    title: str
    url: str
    date: str
    authors: str
    minutes: int
    language: str
    dir: str
    summary: str
    image: Image | None
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue as its templates see it: ``entries`` in full, ``named`` by title, ``uncounted`` not even so."""

    site_title: str
    site_url: str
    title: str
    number: int
    date: str
    language: str
    dir: str
    entries: tuple[EntryView, ...]
    named: tuple[EntryView, ...]
    uncounted: int
    postal_address: str
    unsubscribe_url: str = UNSUBSCRIBE

    @property
    def total(self) -> int:
        """Count every entry of the issue."""
        return len(self.entries) + len(self.named) + self.uncounted


def issue_view(
    site: SiteSettings,
    digest: DigestSettings,
    items: Sequence[Item],
    *,
    number: int,
    drafted: datetime,
    postal_address: str,
) -> IssueView:
    """Describe an issue that holds ``items``, newest first, all of them with their whole content."""
    entries = tuple(_entry_view(item, place, digest, site) for place, item in enumerate(items, start=1))
    whole = IssueView(
        site_title=one_line(site.title),
        site_url=site.base_url,
        title=one_line(digest.title),
        number=number,
        date=day(drafted, digest.timezone, site.language),
        language=site.language,
        dir=direction(site.language),
        entries=entries,
        named=(),
        uncounted=0,
        postal_address=postal_address.strip(),
    )
    return whole if not digest.limit else shorten(whole, digest.limit)


def shorten(view: IssueView, most: int) -> IssueView:
    """Show at most so many entries and name the rest by title, the last of them only by their count."""
    everything = (*view.entries, *view.named)
    rest = everything[most:]
    uncounted = view.uncounted + max(0, len(rest) - NAMED_AT_MOST)
    return replace(view, entries=everything[:most], named=rest[:NAMED_AT_MOST], uncounted=uncounted)


def summarise(view: IssueView) -> IssueView:
    """Show summaries where whole bodies stood."""
    return replace(view, entries=tuple(replace(entry, html="", text="") for entry in view.entries))


def day(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """Write a day of the zone: in words for English, by ISO 8601 for every other language."""
    local = moment.astimezone(zone)
    if language.partition("-")[0].lower() == "en":
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}"
    return local.date().isoformat()


def direction(language: str) -> str:
    """Tell which way a language is written."""
    return "rtl" if language.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def _entry_view(item: Item, ordinal: int, digest: DigestSettings, site: SiteSettings) -> EntryView:
    entry, body = item.entry, item.body
    whole = digest.content == "full" and entry.content != "summary"
    text = to_text(body.feed_html)
    language = entry.language or site.language
    return EntryView(
        ordinal=ordinal,
        title=one_line(entry.title),
        url=entry.url,
        date=day(entry.published, site.timezone, site.language),
        authors=_names(entry.authors or site.authors),
        minutes=max(1, round(len(text.split()) / WORDS_A_MINUTE)),
        language=language,
        dir=direction(language),
        summary=" ".join(body.summary.split()),
        image=None if whole else body.image,
        html=body.feed_html if whole else "",
        text=text if whole else "",
    )


def _names(authors: Sequence[Author]) -> str:
    return ", ".join(one_line(author.name) for author in authors if author.name)
