"""The clock of a running site: the zone and the time of day that its feed's dates were made with."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from publisher.config import FILE as CONFIG
from publisher.model.problem import note, warning
from publisher.rules.differences import when
from publisher.rules.matching import guess_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.flows.moving_sources import Sources
    from publisher.flows.survey import Survey
    from publisher.rules.matching import Matches

_MIDNIGHT = dt.time(0, 0)
_MOST = 0.8  # of the dates in a feed, which tell how all of them were made
# Where one zone's clock is like another's, the one that more people live by is named.
_LIKELY = (
    "UTC America/New_York America/Chicago America/Denver America/Los_Angeles Europe/London Europe/Berlin Europe/Paris "
    "Europe/Helsinki Asia/Kolkata Asia/Shanghai Asia/Tokyo Australia/Sydney America/Sao_Paulo Pacific/Auckland"
)


def clock_of(
    values: Mapping[tuple[str, str], Any], matches: Matches, seen: Survey, sources: Sources
) -> dict[tuple[str, str], Any]:
    """The zone, or the time of day, that gives posts with a day alone the moments that readers know."""
    days = {card.path: card.day for card in seen.posts if card.date_only}
    pairs = [
        (dt.date.fromisoformat(days[one.post.path]), when(one.item)) for one in matches.found if one.post.path in days
    ]
    known = [(day, at) for day, at in pairs if at is not None]
    moved = {
        one.post.published for one in matches.found if one.post.path in days and when(one.item) != one.post.published
    }
    if not known or not moved:
        return {}
    present = _zone(values["site", "timezone"])
    own = Counter(at.astimezone(present).time().replace(microsecond=0) for day, at in known if _is_on(at, present, day))
    clock, number = own.most_common(1)[0] if own else (_MIDNIGHT, 0)
    if number >= _MOST * len(known):
        if clock == _MIDNIGHT:  # as it is; what differs was dated anew
            return {}
        sources.problems.append(
            note(CONFIG, 0, f"posts with a day alone stand at {clock:%H:%M} in the feed: time_of_day says so")
        )
        return {("posts", "time_of_day"): f"{clock:%H:%M:%S}" if clock.second else f"{clock:%H:%M}"}
    names = dict.fromkeys((*_LIKELY.split(), *sorted(available_timezones())))
    zone = guess_zone(known, map(_zone, names), _MIDNIGHT)
    if zone is None:
        text = "the dates in the feed fit no time zone: some entries would move in time"
        sources.problems.append(
            warning(CONFIG, 0, text, "set timezone in [site], then see `publisher check --against`")
        )
        return {}
    sources.problems.append(
        note(
            CONFIG,
            0,
            f"timezone is a guess from the dates in the feed: {zone.key}",
            "set it in [site] if you know better",
        )
    )
    return {("site", "timezone"): zone.key}


def _is_on(at: dt.datetime, zone: ZoneInfo, day: dt.date) -> bool:
    try:
        return at.astimezone(zone).date() == day
    except OverflowError:  # the first and the last day of the calendar
        return False


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
