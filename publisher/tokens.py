"""Signed links, and the keys that sign them.

A token says what it is for, for whom and since when, and cannot be made or changed without a key. Each purpose
has keys of its own, newest first: the first one signs, all of them are read, so that a key can be replaced
while links under the old one are still in people's mailboxes. What is in a token can be read by anybody who
has it, so it holds numbers and names of ours and never an address.

The erasure key is apart: it makes the hashes that keep a forgotten person from being imported again, which
would be worthless under another key, and so it never changes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from shlex import quote
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import HMACAlgorithm

from publisher.errors import UsageError
from publisher.model.problem import Problem, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

FILE = "keys.toml"
KEYS_VARIABLE = "PUBLISHER_SECRET_KEYS"  # takes the place of every list; newest first, parted by commas
ERASURE_VARIABLE = "PUBLISHER_ERASURE_KEY"
ADMIN_VARIABLE = "PUBLISHER_ADMIN_TOKEN"  # opens the author's pages; nothing is signed with it

SHORTEST = 16  # characters of a key, and of the author's token
KEPT = 3  # keys that stay when one is added

_HEAD = """\
# The keys of this site's mailing. Keep them secret and out of git, and in every backup of the mailing store.
# In a list the first key signs and all are read: a link in people's mailboxes ends with the key that signed it.
# The erasure key must stay as it is, or people who asked to be forgotten could be imported again.
"""
_ERASURE = "erasure"
_MEND = (
    "A key is any text of 16 or more characters that nobody can guess. Restore the file from a backup if there is one."
)


def admin_token_fault(token: str) -> Problem | None:
    """Say what is wrong with the author's token; None where it is good, or where there is none."""
    if not token or len(token) >= SHORTEST:
        return None
    said = f"{ADMIN_VARIABLE} is shorter than {SHORTEST} characters: the admin pages are not served"
    return warning("", 0, said, "Make one with: openssl rand -base64 24")


class Purpose(Enum):
    """What a token is for; the value is the name of its table in keys.toml."""

    CONFIRM = "confirm"
    PREFERENCES = "preferences"
    BOUNCE = "bounce"


class Outcome(Enum):
    """What became of reading a token."""

    GOOD = "good"
    EXPIRED = "expired"  # ours, and too old
    WRONG = "wrong"  # changed, for another purpose, or under a key we do not have


@dataclass(frozen=True, slots=True)
class Read:
    """A token that was read. ``ids`` are those it was signed with, none where it is wrong."""

    outcome: Outcome
    ids: tuple[int | str, ...] = ()


WRONG = Read(Outcome.WRONG)


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of a site: ``lists`` newest first. What is printed of this shows none of them."""

    lists: Mapping[Purpose, tuple[str, ...]] = field(repr=False)
    erasure: str = field(repr=False)

    def sign(self, purpose: Purpose, ids: tuple[int | str, ...], now: datetime) -> str:
        """Make a token of letters, digits and ``- _ ~``, which no URL, address or subject needs to quote."""
        payload = json.dumps(ids, separators=(",", ":")).encode()
        return _Signer(purpose, self.lists[purpose], now).sign(base64_encode(payload)).decode()

    def read(self, purpose: Purpose, token: str, max_age: timedelta | None, now: datetime) -> Read:
        """Read a token that anybody may have written. Without ``max_age`` it never expires.

        One that seems to be signed in the future is good: clocks of two machines differ.
        """
        if not _TOKEN.fullmatch(token):
            return WRONG
        try:
            payload, signed = _Signer(purpose, self.lists[purpose], now).unsign(token, return_timestamp=True)
        except BadSignature:
            return WRONG
        old = max_age is not None and now - signed > max_age
        return Read(Outcome.EXPIRED if old else Outcome.GOOD, tuple(json.loads(base64_decode(payload))))

    def erased(self, key: str) -> str:
        """The hash that stays of an address's key when a person is forgotten."""
        return hmac.new(self.erasure.encode(), key.encode(), hashlib.sha256).hexdigest()


_SEPARATOR = "~"
_MAC = 18  # bytes: 144 bits in 24 characters, none of which has bits to spare that could be changed unseen
_TOKEN = re.compile(r"[A-Za-z0-9_-]+~[A-Za-z0-9_-]{1,12}~[A-Za-z0-9_-]{24}")


class _Mac(HMACAlgorithm):
    """HMAC-SHA256, cut (RFC 2104 5) so that a token fits into the 64 characters before the @ of an address."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:_MAC]


class _Signer(TimestampSigner):
    """itsdangerous, with the time as an argument and a salt for each purpose."""

    def __init__(self, purpose: Purpose, keys: tuple[str, ...], now: datetime) -> None:
        super().__init__(
            keys[::-1],  # it wants the newest last
            salt=f"publisher.{purpose.value}",
            sep=_SEPARATOR,
            key_derivation="hmac",
            digest_method=hashlib.sha256,
            algorithm=_Mac(hashlib.sha256),
        )
        self._now = int(now.timestamp())

    def get_timestamp(self) -> int:
        return self._now


# The file


def load_keys(folder: Path, environment: Mapping[str, str], *, make: bool) -> Keys:
    """The keys of the site in ``folder``: the environment's, and for what is not there those of keys.toml.

    With ``make`` a missing file is made, for its owner's eyes alone; one that is there is never changed. Raises
    UsageError with every fault of the file.
    """
    lists, erasure = environment.get(KEYS_VARIABLE, ""), environment.get(ERASURE_VARIABLE, "")
    given = _given(lists) if lists else None
    _refuse(_key_faults(ERASURE_VARIABLE, [erasure]) if erasure else ())
    if given and erasure:
        return Keys(given, erasure)
    path = folder / FILE
    if make and not os.path.lexists(path):
        _make(path)
    kept = _read(path)
    return Keys(given or kept.lists, erasure or kept.erasure)


def rotate(folder: Path, purpose: Purpose) -> None:
    """Put a new key before the others of a purpose in keys.toml, and keep the last three.

    Whoever has loaded the keys goes on with those. Raises UsageError.
    """
    path = (folder / FILE).resolve()
    kept = _read(path)
    renewed = (_new_key(), *kept.lists[purpose])[:KEPT]
    _write(path, Keys({**kept.lists, purpose: renewed}, kept.erasure), fresh=False)


def _given(lists: str) -> dict[Purpose, tuple[str, ...]]:
    keys = tuple(key.strip() for key in lists.split(",") if key.strip())
    _refuse(_key_faults(KEYS_VARIABLE, list(keys)))
    return dict.fromkeys(Purpose, keys)


def _read(path: Path) -> Keys:
    text = _text(path)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"{path} is not valid TOML: {fault}", "Mend it, or restore it from a backup.") from None
    _refuse(_faults(document, str(path)))
    return Keys({purpose: tuple(document[purpose.value]["keys"]) for purpose in Purpose}, document[_ERASURE])


def _text(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe is not waited for
        with os.fdopen(descriptor, "rb") as stream:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path} is no file", f"Move it away: {FILE} is a file with keys.")
            if mode & stat.S_IRWXO:
                raise UsageError(
                    f"{path} holds keys, and is open to everybody on this machine", f"chmod o= {quote(str(path))}"
                )
            return stream.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"there is no {path}",
            "It is made when the site first mails people. If it did so before, restore the file from a backup, or "
            f"set {KEYS_VARIABLE} and {ERASURE_VARIABLE}.",
        ) from None
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}", "Make it readable for this user.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8, or restore it from a backup.") from None


def _faults(document: dict[str, Any], place: str) -> Iterator[Problem]:
    """Whatever keeps the file from being used."""
    tables = [purpose.value for purpose in Purpose]
    for name in document.keys() - {_ERASURE, *tables}:
        yield error(place, 0, f"{name} is unknown", f"Known are {_ERASURE}, and the tables {', '.join(tables)}.")
    for name in tables:
        table = document.get(name)
        keys = table.get("keys") if isinstance(table, dict) else None
        yield from _key_faults(f"{place}: [{name}] keys", keys)
    yield from _key_faults(f"{place}: {_ERASURE}", [document[_ERASURE]] if _ERASURE in document else None)


def _key_faults(place: str, keys: object) -> Iterator[Problem]:
    if not isinstance(keys, list) or not keys:
        yield error(place, 0, "there is no key", _MEND)
    elif not all(isinstance(key, str) and key.isprintable() for key in keys):
        yield error(place, 0, "a key is no text that can be printed", _MEND)
    elif any(len(key.strip()) < SHORTEST for key in keys):
        yield error(place, 0, f"a key is shorter than {SHORTEST} characters", _MEND)


def _refuse(faults: Iterator[Problem] | tuple[Problem, ...]) -> None:
    told = "\n".join(map(str, faults))
    if told:
        raise UsageError(told)


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _make(path: Path) -> None:
    _write(path, Keys({purpose: (_new_key(),) for purpose in Purpose}, _new_key()), fresh=True)


def _write(path: Path, keys: Keys, *, fresh: bool) -> None:
    """Put the whole file there at once. A ``fresh`` one gives way to what another process put there meanwhile."""
    coming = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_document(keys).encode())
                stream.flush()
                if not fresh:
                    _same_readers(descriptor, path.stat())
                os.fsync(descriptor)
            if fresh:
                with suppress(FileExistsError):
                    os.link(coming, path)
            else:
                coming.rename(path)
        finally:
            coming.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as fault:
        raise UsageError(
            f"{path} cannot be made: {fault.strerror}",
            f"Make its folder writable for this user, or set {KEYS_VARIABLE} and {ERASURE_VARIABLE}.",
        ) from None


def _same_readers(descriptor: int, before: os.stat_result) -> None:
    """Who could read the file can still: it may belong to a service's user, and a group may have been let in."""
    with suppress(PermissionError):  # not root: then it was ours, or the folder's owner knows what they do
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _sync(folder: Path) -> None:
    """A link that was mailed must be read after a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _document(keys: Keys) -> str:
    tables = [f"[{purpose.value}]\nkeys = {_toml(keys.lists[purpose])}\n" for purpose in Purpose]
    return "\n".join([_HEAD, f"{_ERASURE} = {_toml(keys.erasure)}\n", *tables])


def _toml(value: str | tuple[str, ...]) -> str:
    """As JSON, whose texts and lists are TOML's as long as all can be printed."""
    return json.dumps(value, ensure_ascii=False)
