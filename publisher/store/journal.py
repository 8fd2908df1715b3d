"""The side journal: which message was begun, and what was said to it, on the disk before the next step is taken.

The ledger learns of results in groups, so a process that dies leaves some rows in ``sending`` of which the
ledger knows no more. The journal does: before a message's content goes out its start is written here, and each
reply as it comes. A row whose start is not here was never begun; one with a reply has that reply; only the
others, never more than there were connections, are in doubt.

The file is a ring of slots of fixed size, so it never grows and nothing is ever moved in it. It is mapped into
memory: what is written there is the kernel's at once, and outlives the process; it is not synced and does not outlive
a loss of power, which the boot id in the head tells.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from publisher.errors import StoreError
from publisher.model.delivery import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.model.delivery import Claim, Outcome

SLOT = 512  # bytes; its checksum tells one that a dying process wrote by halves
WORDS = 300  # bytes of a reply that are kept
BEGUN, BOUNCED = "begun", "bounced"
_BOOT = "/proc/sys/kernel/random/boot_id"


class Key(NamedTuple):
    """One attempt at one row: issue (0 for a letter), subscriber or letter, attempt."""

    issue: int
    subscriber: int
    attempt: int


class Noted(NamedTuple):
    """What the journal knows of an attempt: begun, and where a reply came the state it led to and its words."""

    state: DeliveryState | None
    detail: str
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A dead engine's journal.

    ``whole``: written since this machine started, and no slot is spoilt, so what is missing never was.
    """

    engine: str
    whole: bool
    noted: dict[Key, Noted]


def key_of(claim: Claim) -> Key:
    """The attempt that a claim is."""
    return Key(claim.issue, claim.subscriber, claim.attempt)


class Journal:
    """The writing side. A slot belongs to one attempt from its claim until the ledger has its result."""

    def __init__(self, folder: Path, store: str, engine: str, slots: int) -> None:
        """Make this engine's file, and hold its lock for as long as the process lives. Raises StoreError."""
        self.path = _path(folder, store, engine)
        self._free = list(range(slots, 0, -1))
        self._taken: dict[Key, int] = {}
        coming = self.path.with_name(f"mailing-starting-{engine}")  # nobody may find it before it is locked
        try:
            self._file = os.open(coming, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(self._file, 0, (slots + 1) * SLOT)  # no disk is full later
            os.pwrite(self._file, _sealed(f"{engine} {_boot()}"), 0)
            os.fsync(self._file)
            self._map = mmap.mmap(self._file, (slots + 1) * SLOT)
            coming.rename(self.path)
        except OSError as fault:
            coming.unlink(missing_ok=True)
            raise _unwritable(self.path, fault) from fault

    def reserve(self, claims: Iterator[Claim] | tuple[Claim, ...]) -> None:
        """Give each claim a slot, before its message may be begun."""
        for claim in claims:
            self._taken[key_of(claim)] = self._free.pop()

    def begin(self, claim: Claim) -> None:
        """Note that a message's content is about to go out."""
        self._write(claim, BEGUN, "")

    def reply(self, outcome: Outcome) -> None:
        """Note what became of it."""
        self._write(outcome.claim, BOUNCED if outcome.bounced else outcome.state.value, outcome.detail)

    def free(self, claims: Iterator[Claim] | tuple[Claim, ...]) -> None:
        """Take the slots back of claims whose results the ledger has."""
        for claim in claims:
            self._free.append(self._taken.pop(key_of(claim)))

    def discard(self) -> None:
        """Take the file away: every result is in the ledger."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file, which stays where it was not taken away: the next engine reads it."""
        self._map.close()
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, claim: Claim, word: str, detail: str) -> None:
        key = key_of(claim)
        words = detail.encode(errors="replace")[:WORDS].decode(errors="ignore").replace("\n", " ")
        line = f"{key.issue} {key.subscriber} {key.attempt} {word} {words}"
        place = self._taken[key] * SLOT
        self._map[place : place + SLOT] = _sealed(line)  # the kernel has it at once, without being called


def left_behind(folder: Path, store: str, engine: str = "") -> tuple[Left, ...]:
    """Read the journals of this store whose engines are dead: nobody holds their locks. ``engine``: only that one's."""
    prefix = _path(folder, store, "").name
    names = {path.name.removeprefix(prefix) for path in folder.glob(f"{prefix}*")}
    wanted = sorted(name for name in names if engine in {"", name})
    return tuple(left for name in wanted if (left := _read(_path(folder, store, name), name)) is not None)


def remove(folder: Path, store: str, engine: str) -> None:
    """Take a dead engine's journal away, once the ledger has settled its rows."""
    _path(folder, store, engine).unlink(missing_ok=True)


def _path(folder: Path, store: str, engine: str) -> Path:
    return folder / f"mailing-started-{store[:12]}-{engine}"


def _read(path: Path, engine: str) -> Left | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    except OSError:  # its engine lives
        return None
    finally:
        os.close(descriptor)
    slots = [data[start : start + SLOT] for start in range(0, len(data), SLOT)]
    read = [_noted(slot) for slot in slots[1:] if slot.strip(b"\0")]
    complete = bool(data) and len(data) % SLOT == 0 and None not in read
    whole = complete and _opened(slots[0]) == f"{engine} {_boot()}"
    return Left(engine, whole, dict(pair for pair in read if pair is not None))


def _noted(slot: bytes) -> tuple[Key, Noted] | None:
    """What a written slot says; None where it is spoilt."""
    try:
        issue, subscriber, attempt, word, detail = _opened(slot).split(" ", 4)
        state = DeliveryState.FAILED if word == BOUNCED else None if word == BEGUN else DeliveryState(word)
        return Key(int(issue), int(subscriber), int(attempt)), Noted(state, detail, word == BOUNCED)
    except ValueError:
        return None


def _sealed(line: str) -> bytes:
    """A slot's bytes: a checksum, the line, zeros."""
    text = line.encode()
    return (b"%08x %b\n" % (zlib.crc32(text), text)).ljust(SLOT, b"\0")


def _opened(slot: bytes) -> str:
    """A slot's line; empty where it was never written, or is spoilt."""
    seal, _, rest = slot.partition(b" ")
    text = rest.partition(b"\n")[0]
    return text.decode(errors="replace") if seal == b"%08x" % zlib.crc32(text) else ""


def _boot() -> str:
    try:
        with open(_BOOT, encoding="ascii") as stream:  # noqa: PTH123 - a file of the kernel, read once
            return stream.read().strip()
    except OSError:  # no Linux: every break counts as a loss of power
        return os.urandom(16).hex()


def _unwritable(path: Path, fault: OSError) -> StoreError:
    return StoreError(
        f"the journal {path} cannot be written: {fault.strerror}",
        "Make its folder writable for this user and see to free space, then run this again: nobody is mailed twice.",
    )
