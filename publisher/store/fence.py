"""Where a store stands, so that a copy of it can tell that it is one, and sends nothing.

A clone or a restored backup knows the same people and the same open issues as its original, and both would
mail them. What a copy cannot have in common with its original is its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from publisher.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MACHINE = Path("/etc/machine-id")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NONE = "-"  # how an empty word is written
_WRITTEN = re.compile(r"([0-9]{1,20}) ([0-9]{1,20}) (\S+) (\S+)")
_UNSET = "uninitialized"  # what systemd writes into an image for a machine that is still to be


@dataclass(frozen=True, slots=True)
class Place:
    """Where an SQLite file is. ``machine`` and ``boot`` are empty where the system does not tell them."""

    inode: int
    device: int
    machine: str
    boot: str

    def text(self) -> str:
        """The place in one line, for a column of the store itself."""
        return f"{self.inode} {self.device} {self.machine or _NONE} {self.boot or _NONE}"

    @classmethod
    def read(cls, text: str) -> Place:
        """The place that ``text()`` wrote; a line that is none is a place where no file is."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            return NOWHERE
        inode, device, machine, boot = written.groups()
        return cls(int(inode), int(device), _word(machine), _word(boot))


NOWHERE = Place(0, 0, "", "")


def _word(written: str) -> str:
    return "" if written == _NONE else written


def here(path: Path) -> Place:
    """Where the file is now; a link leads to its file. Raises StoreError where there is none."""
    try:
        found = path.stat()
    except OSError as fault:
        raise StoreError(
            f"the mailing store {path} cannot be looked at: {fault.strerror}",
            "See that it is there, and that its folder may be entered by this user.",
        ) from fault
    machine = _first_line(_MACHINE)
    return Place(found.st_ino, found.st_dev, "" if machine == _UNSET else machine, _first_line(_BOOT))


def _first_line(path: Path) -> str:
    try:
        words = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return ""
    return words[0] if words else ""


def moved(recorded: Place, now: Place) -> bool:
    """Whether the file is another one than it was, or on another machine.

    Numbers of devices are given out when a machine starts and are not promised to be the same the next time, so
    they are compared within one boot alone. Not seen: a snapshot of the whole machine, and a backup that was
    copied over the file instead of put in its place, since the file is then the same one with other content.
    """
    if (recorded.inode, recorded.machine) != (now.inode, now.machine):
        return True
    same_boot = recorded.boot == now.boot != ""
    return same_boot and recorded.device != now.device


# The table's own number tells a dump that was restored into the same database, which has made its tables anew.
_DATABASE = text(
    "SELECT oid::text || ' ' || coalesce(to_regclass('identity')::oid::text, '-')"
    " FROM pg_database WHERE datname = current_database()"
)
_MAY_ASK = text("SELECT has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()')::oid, 'EXECUTE')")
_SYSTEM = text("SELECT system_identifier::text FROM pg_catalog.pg_control_system()")


def postgres_place(connection: Connection) -> str:
    """Where a store on PostgreSQL is, in one line; two places are the same one if they are equal.

    That is the server's system identifier (made with its data folder), the database's number and the number of
    the table that keeps this line. Where the first may not be asked for, as with some hosts, it is left out: a
    restored dump is still told in most cases, a whole server that was copied is not. Nothing that changes when a
    server is started again or reached by another way is part of it. Opens no transaction and spoils none.
    """
    return f"{_system(connection) or _NONE} {connection.execute(_DATABASE).scalar_one()}"


def _system(connection: Connection) -> str:
    if not connection.execute(_MAY_ASK).scalar_one():
        return ""
    try:
        with connection.begin_nested():
            return str(connection.execute(_SYSTEM).scalar_one())
    except DBAPIError:  # a host that keeps it from us in a way of its own
        return ""
