"""What a visitor may choose from: the digests of config.toml and their paces, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.rules import calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.model.settings import DigestSettings, Settings


@dataclass(frozen=True, slots=True)
class Pace:
    """One of a digest's cadences: its name in config.toml, and what it means."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A digest as a form shows it. ``chosen`` is the name of a pace, empty where it is not wanted."""

    name: str
    title: str
    paces: tuple[Pace, ...]
    zone: str
    chosen: str

    @property
    def preset(self) -> str:
        """The pace that is marked for somebody who has not chosen one."""
        return self.chosen or self.paces[0].name


def offers(settings: Settings, chosen: Mapping[str, str]) -> tuple[Offer, ...]:
    """List all digests; ``chosen`` gives the paces of those that are wanted."""
    return tuple(_offer(digest, chosen.get(digest.name, "")) for digest in settings.digests)


def in_words(digest: DigestSettings, cadence: str) -> str:
    """Say a cadence as a form does; empty for one that the digest does not have (any more)."""
    written = dict(digest.cadences).get(cadence, "")
    return calendar.words(calendar.parse(written)) if written else ""


def _offer(digest: DigestSettings, chosen: str) -> Offer:
    paces = tuple(Pace(name, _capital(in_words(digest, name))) for name, _ in digest.cadences)
    timed = any(not calendar.parse(written).each for _, written in digest.cadences)
    return Offer(digest.name, digest.title, paces, digest.timezone.key if timed else "", chosen)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
