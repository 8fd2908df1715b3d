"""A letter: one mail to one person that belongs to no issue, such as a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class LetterKind(Enum):
    """What a letter is for."""

    CONFIRMATION = "confirmation"  # asks the owner of an address whether they want a digest
    WELCOME = "welcome"
    GOODBYE = "goodbye"
    SETTINGS = "settings"  # the link to a person's own page, asked for by whoever has their address
    PREVIEW = "preview"  # shows the editor an issue that is held


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as frozen when it was written.

    ``subscriber`` is 0 for the editor. ``generation`` parts letters of one kind to one person: asking again
    writes another one. ``recipient`` is the address as it goes into the envelope. ``sender`` and ``reply_to``
    are mailboxes as written in config.toml; ``list_id`` is empty where no list header belongs. ``token`` is
    the subscription's unsubscribe token where the letter offers to leave, else empty. ``written`` is aware UTC.
    """

    id: int
    kind: LetterKind
    subscriber: int
    digest: str
    generation: int
    recipient: str
    subject: str
    html: str
    text: str
    sender: str
    reply_to: str
    list_id: str
    unsubscribe_mail: str
    public_url: str
    token: str
    written: datetime
