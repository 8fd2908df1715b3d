"""How mail leaves. A transport opens sessions; a session takes one message at a time and tells what became of it.

Some transports know a message by its name (``remembers``): handing one over twice leaves one message, and after
a process died they can tell which of its last messages they have, so nothing is ever doubtful.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from publisher.errors import MailError
from publisher.model.reply import WITHHELD, Reply, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from publisher.mail.compose import Message
    from publisher.mail.relay_url import RelayAddress

TAKEN = 250  # a maildir speaks no SMTP; its replies do


class Session(Protocol):
    """One connection. It connects when the first message comes, and again after a fault."""

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        """Hand a message over. Faults of the relay and the line are replies; a MailError is a fault of this machine.

        ``starting`` is called before the first byte of the content leaves; when it says no, none does. ``following``
        is the message that this session is handed next, where that is known: its envelope may go ahead.
        """

    def close(self) -> None:
        """Say goodbye."""


class Transport(Protocol):
    """Takes messages. ``where`` says in plain words where they go."""

    @property
    def where(self) -> str:
        """Name the place that mail goes to."""

    @property
    def remembers(self) -> bool:
        """Whether ``holds`` can be asked after a break; else a relay's log is all there is to ask."""

    def session(self) -> Session:
        """Make a session, which one thread uses."""

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

    @property
    def remembers(self) -> bool:
        """It knows messages by name."""
        return True

    def session(self) -> Session:
        """There is nothing to connect to."""
        return self

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        """Keep the message under its name."""
        del following
        if not starting():
            return WITHHELD
        self.messages[message.name] = message
        return Reply(Stage.CONTENT, TAKEN, text="kept")

    def holds(self, name: str) -> bool:
        """Tell whether a message of this name was taken."""
        return name in self.messages

    def close(self) -> None:
        """Nothing to close."""


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

    @property
    def remembers(self) -> bool:
        """It knows messages by the names of their files."""
        return True

    def session(self) -> Session:
        """There is nothing to connect to."""
        return self

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        """Write the message whole and durably, then move it into ``new`` unless it was there already."""
        del following
        with self._plain_faults():
            if message.name in self._known():
                return Reply(Stage.CONTENT, TAKEN, text="was there already")
            if not starting():
                return WITHHELD
            self._lay(message)
        return Reply(Stage.CONTENT, TAKEN, text="laid down")

    def holds(self, name: str) -> bool:
        """Tell whether the message lay there when we began."""
        with self._plain_faults():
            return name in self._known()

    def close(self) -> None:
        """Nothing to close."""

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


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server that takes our messages and passes them on (SMTP)."""

    address: RelayAddress
    password: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Name the place that mail goes to."""
        return f"{self.address.host}:{self.address.port}"

    @property
    def remembers(self) -> bool:
        """Relays cannot be asked."""
        return False

    def session(self) -> Session:
        """Make a session that connects when its first message comes."""
        from publisher.mail.smtp import SmtpSession  # noqa: PLC0415 - ssl costs 15 ms that a maildir does without

        return SmtpSession(self.address, self.password)

    def holds(self, name: str) -> bool:
        """Never asked."""
        raise NotImplementedError(name)


def transport(spec: str, folder: Path, password: str = "") -> Transport:
    """Make the transport that [mail] transport names; paths are relative to ``folder``. Raises MailError.

    ``password`` comes from the environment variable PUBLISHER_SMTP_PASSWORD.
    """
    kind, _, rest = spec.partition(":")
    if kind == "maildir" and rest:
        return Maildir(folder / rest)
    if kind not in {"smtp", "smtps"}:
        raise MailError(
            f'[mail] transport = "{spec}" is not one that this version has',
            'Write transport = "maildir:outbox", or "smtp://user@relay.example.org".',
        )
    from publisher.mail import relay_url  # noqa: PLC0415 - as above

    try:
        address = relay_url.parse(spec, folder)
    except ValueError as fault:
        raise MailError(f"[mail] transport: {fault}", 'Write it as "smtp://user@relay.example.org".') from fault
    if address.user and not password:
        raise MailError(
            f"[mail] transport names the user {address.user}, but there is no password",
            "Put it into the environment variable PUBLISHER_SMTP_PASSWORD.",
        )
    return Relay(address, password)
