"""A feed that a digest follows: how it stands, and what is known of its entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.model.entry import Item


@dataclass(frozen=True, slots=True)
class Followed:
    """How a feed stands. Moments are aware UTC; ``fetched`` is the last success, None before the first.

    ``url`` is the address in config.toml, ``address`` the one that is asked now: where the feed has moved for good.
    ``failing`` is the first of the failures since the last success, ``fault`` what was wrong at the last one.
    """

    url: str
    address: str
    due: datetime
    etag: str = ""
    modified: str = ""
    fetched: datetime | None = None
    failures: int = 0
    failing: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry of a followed feed. ``ids`` are all that the feed has ever given it, ``item`` is as it was last seen.

    ``gone`` was taken back by the feed. An entry that merely left the feed stays: it may still be owed to readers.
    """

    item: Item
    ids: tuple[str, ...]
    seen: datetime
    gone: bool = False

    @property
    def id(self) -> str:
        """The id that it is told by here, for good."""
        return self.item.entry.id
