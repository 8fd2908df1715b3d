"""What the templates of mail see: plain values, in the words and the zone of the site."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

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
COLUMN = 536  # pixels that pictures and text have between the margins, see base.mjml.j2

_IMG = re.compile(r"<img\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_SIZE = {side: re.compile(rf'(?<=\s){side}="(\d{{1,5}})"') for side in ("width", "height")}
_SRC = re.compile(r'(?<=\s)src="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Picture:
    """An entry's picture, no wider than the column. ``width`` and ``height`` are pixels, 0 where nobody said."""

    url: str
    alt: str
    width: int = 0
    height: int = 0


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
    image: Picture | None
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue as its templates see it: ``entries`` in full, ``named`` by title, ``uncounted`` not even so.

    ``browser_url`` is where it can be read in a browser, empty where that is nowhere. ``dated``: those that are
    named are the larger part, and stand with their dates.
    """

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
    browser_url: str = ""
    dated: bool = False
    unsubscribe_url: str = UNSUBSCRIBE

    @property
    def total(self) -> int:
        """Count every entry of the issue."""
        return len(self.entries) + len(self.named) + self.uncounted


@dataclass(frozen=True, slots=True)
class HeldView:
    """An issue that is held, as its editor sees it. ``when`` says when it goes out, empty if it waits for approval.

    ``approve``, ``cancel`` and ``draft`` are commands to paste; ``text`` is the issue's own text part.
    """

    number: int
    subject: str
    entries: int
    readers: int
    when: str
    reason: str
    approve: str
    cancel: str
    draft: str
    text: str


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter as its templates see it. What one kind of letter has no use for is empty.

    ``title`` is the digest's, or the site's where the letter is about none. Where ``confirm_url`` is a mailto,
    ``confirm_to`` and ``confirm_subject`` are what it would write. ``valid_for`` and ``cadence`` are words.
    ``settings_url`` is the person's own page.
    """

    site_title: str
    site_url: str
    title: str
    language: str
    dir: str
    postal_address: str = ""
    confirm_url: str = ""
    confirm_to: str = ""
    confirm_subject: str = ""
    valid_for: str = ""
    cadence: str = ""
    unsubscribe_url: str = ""
    settings_url: str = ""
    held: HeldView | None = None


def issue_view(
    site: SiteSettings,
    digest: DigestSettings,
    items: Sequence[Item],
    *,
    number: int,
    drafted: datetime,
    postal_address: str,
    browser_url: str = "",
) -> IssueView:
    """Describe an issue that holds ``items``, newest first, with as much of each as the digest's content says."""
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
        browser_url=browser_url,
        dated=digest.content == "newest",
    )
    most = 1 if digest.content == "newest" else digest.limit
    return shorten(whole, most) if most else whole


def letter_view(
    site: SiteSettings, digest: DigestSettings | None, *, language: str = "", postal_address: str = ""
) -> LetterView:
    """Describe what all letters have, about a digest or about none; ``language`` is the site's unless given."""
    spoken = language or site.language
    return LetterView(
        site_title=one_line(site.title),
        site_url=site.base_url,
        title=one_line(digest.title if digest else site.title),
        language=spoken,
        dir=direction(spoken),
        postal_address=postal_address.strip(),
    )


def shorten(view: IssueView, most: int, named: int = NAMED_AT_MOST) -> IssueView:
    """Show at most so many entries and name the rest by title, the last of them only by their count."""
    everything = (*view.entries, *view.named)
    rest = everything[most:]
    uncounted = view.uncounted + max(0, len(rest) - named)
    return replace(view, entries=everything[:most], named=rest[:named], uncounted=uncounted)


def summarise(view: IssueView) -> IssueView:
    """Show summaries where whole bodies stood."""
    return replace(view, entries=tuple(replace(entry, html="", text="") for entry in view.entries))


def day(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """Write a day of the zone: in words for English, by ISO 8601 for every other language."""
    local = moment.astimezone(zone)
    if language.partition("-")[0].lower() == "en":
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}"
    return local.date().isoformat()


def time_of_day(moment: datetime, zone: ZoneInfo) -> str:
    """Write hours and minutes, and the zone that they are meant in."""
    return f"{moment.astimezone(zone):%H:%M} ({zone.key})"


def direction(language: str) -> str:
    """Tell which way a language is written."""
    return "rtl" if language.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def mailto_parts(url: str) -> tuple[str, str]:
    """Give a mailto's address and subject (RFC 6068), for readers whose programs open no links."""
    parts = urlsplit(url)
    if parts.scheme != "mailto":
        return "", ""
    # a plus is a plus there (RFC 6068 5), where parse_qs would read a space
    subject = parse_qs(parts.query.replace("+", "%2B")).get("subject", [""])[0]
    return unquote(parts.path), one_line(subject)


def fit_images(html: str) -> str:
    """Scale pictures that are said to be wider than the column: Outlook knows no max-width, but heeds the attribute."""
    return _IMG.sub(_fitted, html)


def _fitted(found: re.Match[str]) -> str:
    tag = found.group()
    width, height = _sizes(tag)
    if width <= COLUMN:
        return tag
    tag = _SIZE["width"].sub(f'width="{COLUMN}"', tag)
    return _SIZE["height"].sub(f'height="{round(height * COLUMN / width)}"', tag)


def _sizes(tag: str) -> tuple[int, int]:
    width, height = (int(said[1]) if (said := _SIZE[side].search(tag)) else 0 for side in ("width", "height"))
    return width, height


def _entry_view(item: Item, ordinal: int, digest: DigestSettings, site: SiteSettings) -> EntryView:
    entry, body = item.entry, item.body
    wanted = digest.content == "full" or (digest.content == "newest" and ordinal == 1)
    whole = wanted and entry.content != "summary"
    text = to_text(body.feed_html)
    html = fit_images(body.feed_html)
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
        image=_picture(body.image, html) if body.image and not whole else None,
        html=html if whole else "",
        text=text if whole else "",
    )


def _picture(image: Image, html: str) -> Picture | None:
    """Describe an entry's picture, as large as the body says it is.

    Drawings (SVG) are left out: most mailboxes show a broken frame in their place.
    """
    if image.url.partition("?")[0].lower().endswith((".svg", ".svgz")):
        return None
    for tag in _IMG.findall(html):
        said = _SRC.search(tag)
        if said and unescape(said[1]) == image.url:
            return Picture(image.url, image.alt, *_sizes(tag))
    return Picture(image.url, image.alt)


def _names(authors: Sequence[Author]) -> str:
    return ", ".join(one_line(author.name) for author in authors if author.name)


_SAMPLE_ENTRY = EntryView(
    ordinal=1,
    title="A sample <of> an entry",
    url="https://example.com/sample/",
    date="1 January 2026",
    authors="Robin Example",
    minutes=3,
    language="en",
    dir="ltr",
    summary="What it is about.",
    image=None,
    html="<p>All of it.</p>",
    text="All of it.",
)
_SAMPLE_LETTER = LetterView(
    site_title="Sample",
    site_url="https://example.com/",
    title="A digest",
    language="en",
    dir="ltr",
    postal_address="Sample\n1 Example Street",
)
_SAMPLE_HELD = HeldView(
    number=2,
    subject="A digest: A sample",
    entries=2,
    readers=3,
    when="",
    reason="it waits for approval",
    approve="publisher digest approve sample 2",
    cancel="publisher digest cancel sample 2",
    draft="publisher digest draft sample",
    text="All of it.",
)


def sample_issues() -> tuple[IssueView, ...]:
    """Give issues in which each part of a template is met: one with everything, one with the least."""
    brief = replace(_SAMPLE_ENTRY, ordinal=2, html="", text="", image=Picture("https://example.com/a.jpg", "A", 80, 60))
    bare = replace(brief, ordinal=1, authors="", summary="", image=None, language="he", dir="rtl")
    full = IssueView(
        site_title="Sample",
        site_url="https://example.com/",
        title="A digest",
        number=2,
        date="1 January 2026",
        language="en",
        dir="ltr",
        entries=(_SAMPLE_ENTRY, replace(brief, image=Picture("https://example.com/a.jpg", "")), brief),
        named=(replace(bare, ordinal=3), replace(brief, ordinal=4)),
        uncounted=5,
        postal_address="Sample\n1 Example Street",
        browser_url="https://example.com/issues/sample/2",
        dated=True,
    )
    least = replace(full, number=1, language="he", dir="rtl", entries=(bare,), named=(), uncounted=0)
    return full, replace(least, postal_address="", browser_url="", dated=False)


def sample_letters(kind: str) -> tuple[LetterView, ...]:
    """Give letters of a kind that between them meet each part of its templates."""
    letter = _SAMPLE_LETTER
    if kind == "confirmation":
        url, to, subject = "mailto:digest@example.com?subject=confirm%20abc", "digest@example.com", "confirm abc"
        asking = replace(letter, confirm_url="https://example.com/confirm/abc", valid_for="7 days")
        return asking, replace(asking, confirm_url=url, confirm_to=to, confirm_subject=subject, postal_address="")
    own = replace(letter, settings_url="https://example.com/preferences/abc", valid_for="30 days")
    if kind == "welcome":
        return (replace(own, cadence="Mondays at 09:00", unsubscribe_url=UNSUBSCRIBE), replace(letter, cadence=""))
    if kind == "settings":
        return own, replace(own, postal_address="")
    if kind == "preview":
        soon = replace(_SAMPLE_HELD, entries=1, readers=1, when="1 January 2026 at 09:00 (UTC)")
        return replace(letter, held=_SAMPLE_HELD), replace(letter, held=soon)
    return letter, replace(letter, postal_address="")
