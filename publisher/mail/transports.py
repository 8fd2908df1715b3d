"""How mail leaves. A transport is handed one message at a time and returns when it is safe.

The transports here know a message by its name: handing one over twice leaves one message, and after
the process died they can tell which of its last messages they have.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from publisher.errors import MailError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.mail.compose import Message


class Transport(Protocol):
    """Takes messages. ``where`` says in plain words where they go."""

    @property
    def where(self) -> str:
        """Name the place that mail goes to."""

    def hand_over(self, message: Message) -> str:
        """Take a message; returns the transport's own words for it. Raises MailError."""

    def holds(self, name: str) -> bool:
        """Tell whether a message of this name was taken. Raises MailError."""


@dataclass(frozen=True, slots=True)
class MemoryTransport:
    """Keeps messages in memory, for tests."""

    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Name the place that mail goes to."""
        return "memory"

    def hand_over(self, message: Message) -> str:
        """Keep the message under its name."""
        self.messages[message.name] = message
        return "kept"

    def holds(self, name: str) -> bool:
        """Tell whether a message of this name was taken."""
        return name in self.messages


@dataclass(slots=True)
class Maildir:
    """Lays messages into a maildir (tmp, new, cur), made when it is missing.

    ``known`` holds the names that stood there when the first message came; a mail reader may
    move those about and give them flags while we work.
    """

    folder: Path
    known: frozenset[str] | None = None

    @property
    def where(self) -> str:
        """Name the place that mail goes to."""
        return f"maildir {self.folder}"

    def hand_over(self, message: Message) -> str:
        """Write the message whole and durably, then move it into ``new`` unless it was there already."""
        with self._plain_faults():
            if message.name in self._known():
                return "was there already"
            self._lay(message)
        return "laid down"

    def holds(self, name: str) -> bool:
        """Tell whether the message lay there when we began."""
        with self._plain_faults():
            return name in self._known()

    @contextmanager
    def _plain_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise MailError(
                f"mail could not be laid into {self.folder}: {fault.strerror}",
                "Make the folder writable and see to free space, then send again: nobody gets it twice.",
            ) from fault

    def _known(self) -> frozenset[str]:
        if self.known is None:
            for name in ("tmp", "new", "cur"):
                (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            # new before cur: a message that moves meanwhile is then seen in one of them
            laid = [name for kind in ("new", "cur") for name in os.listdir(self.folder / kind)]  # noqa: PTH208 - names alone are wanted, and there may be many
            self.known = frozenset(name.partition(":")[0] for name in laid)
        return self.known

    def _lay(self, message: Message) -> None:
        draft, final = self.folder / "tmp" / message.name, self.folder / "new" / message.name
        with draft.open("wb") as stream:
            stream.write(message.content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(final)
        _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name durable: the ledger will say "sent" next."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def transport(spec: str, folder: Path) -> Transport:
    """Make the transport that [mail] transport names; paths are relative to ``folder``. Raises MailError."""
    kind, _, rest = spec.partition(":")
    if kind == "maildir" and rest:
        return Maildir(folder / rest)
    raise MailError(
        f'[mail] transport = "{spec}" is not one that this version has',
        'Write transport = "maildir:outbox": a folder that any mail program opens.',
    )
