"""When a post is published, updated, due and expired, from frontmatter, file name or address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher.content.dates import EPOCH, Moment, day_start, on_day, read_date
from publisher.content.filenames import address_day, called_by_date
from publisher.content.formats import Form
from publisher.content.metadata import flag_of, shown_value, text_of

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.content.filenames import Place
    from publisher.content.metadata import Metadata
    from publisher.model.settings import Settings

_PUBLISHED = (
    *("date", "pubdate", "pubdatetime", "published", "publishedat", "publishedon", "publisheddate", "datepublished"),
    *("created", "createdat", "createdon", "datecreated", "creationdate"),
)
_DUE = ("publishdate",)
_EXPIRES = ("expirydate", "expires", "unpublishdate")
_UPDATED = (
    *("lastmod", "updated", "modified", "lastmodifiedat", "lastmodified", "updatedat", "updatedon", "updateddate"),
    *("dateupdated", "datemodified", "modifieddate", "moddatetime", "lastupdated", "modificationdate", "lastupdate"),
)
_ADDRESSES = ("path", "url", "permalink")
_ELEVENTY = re.compile(r"(?:git )?(?:last modified|created)", re.IGNORECASE)
_EXAMPLE = "2026-01-31"
_UTC = ZoneInfo("UTC")
_RUBYS = re.compile(r"\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?", re.ASCII)  # Psych's, without a zone


@dataclass(frozen=True, slots=True)
class Times:
    """Aware UTC all of them; without any date ``dated`` is False and they are the epoch."""

    dated: bool
    faulty: bool  # a date is written and cannot be read, which is recorded
    published: datetime
    updated: datetime
    due: datetime
    expires: datetime | None
    date_only: bool
    updated_date_only: bool


def read_times(meta: Metadata, place: Place, settings: Settings, *, draft: bool) -> Times:
    """Every date of a post; what is written and is no date is recorded in ``meta``, for a draft as a warning."""
    zone = settings.site.timezone
    known = len(meta.problems)
    clock = _Clock(meta, settings, draft)
    release = clock.asked(_DUE)
    published = clock.asked(_PUBLISHED) or release or clock.of_place(place)
    updated, expires = clock.asked(_UPDATED), clock.asked(_EXPIRES)
    first = published or Moment(EPOCH, date_only=False)
    latest = updated or first
    due = release or first
    return Times(
        dated=published is not None,
        faulty=len(meta.problems) > known,
        published=first.at,
        updated=latest.at,
        due=_from_its_start(due, zone),
        expires=_from_its_start(expires, zone) if expires else None,
        date_only=first.date_only,
        updated_date_only=latest.date_only,
    )


def written_date(meta: Metadata) -> object:
    """The date of publication as the frontmatter has it; None where it has none."""
    return meta.first((*_PUBLISHED, *_DUE))[1]


def _from_its_start(moment: Moment, zone: ZoneInfo) -> datetime:
    return day_start(moment.at, zone) if moment.date_only else moment.at


@dataclass(frozen=True, slots=True)
class _Clock:
    """The dates of one post's frontmatter, by the site's zone and time of day."""

    meta: Metadata
    settings: Settings
    draft: bool

    def asked(self, keys: tuple[str, ...]) -> Moment | None:
        """The first key's moment; None when no key has a value, or one that is recorded as a fault."""
        key, value = self.meta.first(keys)
        if not key:
            return None
        if key == "published" and flag_of(value) is not None:  # Jekyll's yes or no, not a date
            return self.asked(keys[keys.index(key) + 1 :])
        moment = read_date(value, self._zone(key, value), self.settings.posts.time_of_day)
        if moment is None:
            self._fault(key, value)
        return moment

    def _zone(self, key: str, value: object) -> ZoneInfo:
        """The zone of a moment without one: the site's. Ruby's YAML takes UTC, and a site of Jekyll's lives by it."""
        posts, site = self.settings.posts, self.settings.site
        if posts.spelling != "jekyll" or self.meta.form is not Form.YAML or not isinstance(value, str):
            return site.timezone
        return _UTC if _RUBYS.fullmatch(value) and not self.meta.is_quoted(key) else site.timezone

    def of_place(self, place: Place) -> Moment | None:
        """The day in the file's name, else in its folders, else in the address the author gave."""
        _, address = self.meta.first(_ADDRESSES)
        day = place.day or (address_day(address) if isinstance(address, str) else None)
        try:
            return on_day(day, self.settings.site.timezone, self.settings.posts.time_of_day) if day else None
        except OverflowError:  # the first and the last day of the calendar, in some zones
            return None

    def _fault(self, key: str, value: object) -> None:
        report = self.meta.warn if self.draft else self.meta.refuse
        name = self.meta.spelled(key)
        example = self.meta.example(name, _EXAMPLE)
        if _ELEVENTY.fullmatch(text_of(value)):
            remedy = f"files lose their times when they are copied; write the day itself: {example}"
            report(key, f"{name} is {shown_value(value)}, which only Eleventy can look up", remedy)
        else:
            timed = self.meta.example(name, "2026-01-31T09:30:00+01:00")
            report(key, f"{name} is {shown_value(value)}, which is no date", f"write {example}, or {timed}")


def is_template(meta: Metadata) -> bool:
    """Whether a date waits to be filled in: the file is what an editor makes new posts of."""
    key, value = meta.first((*_PUBLISHED, *_DUE))
    return bool(key) and any(mark in text_of(value) for mark in ("{{", "<%"))


def missing_date(form: Form, meta: Metadata, place: Place) -> tuple[str, str]:
    """The message and the remedy for a post without any date, in the form its frontmatter has."""
    if called_by_date(place.stem):
        return "the date in the file's name is no date", "rename the file, with a day that the calendar has"
    line = meta.example("date", _EXAMPLE)
    where = {
        Form.NONE: f"begin the file with the three lines ---, {line} and ---",
        Form.JSON: f"add {line}, behind the opening brace",
    }.get(form, f"add the line {line} to the frontmatter")
    return "the post has no date", f"{where} (with its own day), or name the file {_EXAMPLE}-{place.name}.md"
