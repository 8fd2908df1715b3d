"""Where lists of people come from: files, standard input, and the lists inside a ZIP; opened, and read as text.

Nothing is unpacked onto the disk, and what would wait or grow without end (pipes, bombs) is refused at once.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack
    from pathlib import Path

STANDARD_INPUT = "-"
MOST_LISTS = 100  # lists in one ZIP
MOST_UNPACKED = 4 << 30  # bytes of all of them
MOST_RATIO = 200  # times a list may grow when unpacked; real ones grow tenfold
SMALL = 10 << 20  # bytes that may grow as they like
MOST_LINE = 1 << 23  # characters of one line
PIECE = 1 << 16
_ZIPPED = (b"PK\x03\x04", b"PK\x05\x06")
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


class Source(NamedTuple):
    """An opened list. ``size`` is in bytes, 0 where nobody knows; ``packed`` says that it lies in a ZIP."""

    name: str
    text: TextIOWrapper
    size: int
    position: Callable[[], int]
    packed: bool = False


class TooLong(Exception):
    """A line that no list has; it was passed over."""


def open_sources(stack: ExitStack, paths: Sequence[Path], stdin: IO[bytes] | None) -> list[Source]:
    """Open lists, which ``stack`` closes. Raises UsageError for the first that cannot be read."""
    return [source for path in paths for source in _open(stack, path, stdin)]


def _open(stack: ExitStack, path: Path, stdin: IO[bytes] | None) -> list[Source]:
    if str(path) == STANDARD_INPUT:
        return [_standard_input(stack, stdin)]
    raw = stack.enter_context(_regular(path))
    if raw.peek(4)[:4] in _ZIPPED:
        return _unzipped(stack, raw, path.name)
    return [Source(path.name, _text(raw), os.fstat(raw.fileno()).st_size, raw.tell)]


def _regular(path: Path) -> BufferedReader:
    try:
        # a pipe would be waited for without end, so it is opened as one that does not wait
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as fault:  # the latter for a name with a NUL
        words = getattr(fault, "strerror", None) or "it has no name that a file can have"
        raise UsageError(
            f"{path} cannot be read: {words}", "Give a CSV, JSON or ZIP file that you may read."
        ) from fault
    if not stat.S_ISREG(os.fstat(number).st_mode):
        kind = "a folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "no file"
        os.close(number)
        raise UsageError(
            f"{path} cannot be read: it is {kind}", "What comes through a pipe is read with - as the file."
        )
    return open(number, "rb")


def _standard_input(stack: ExitStack, stdin: IO[bytes] | None) -> Source:
    if stdin is None:
        raise UsageError("standard input is closed", "Send it a list, or name a file.")
    raw = stdin if isinstance(stdin, BufferedReader) else BufferedReader(cast("RawIOBase", stdin))
    name = "standard input"
    with reading(name):
        head = raw.peek(4)[:4]
    if head in _ZIPPED:
        raise UsageError("a ZIP cannot be read from standard input", "Name the file.")
    text = _text(raw)
    stack.callback(text.detach)  # it is not ours to close
    return Source(name, text, 0, lambda: 0)


def _text(raw: IO[bytes]) -> TextIOWrapper:
    """Bytes that are no UTF-8 come through, and matter only where an address holds them."""
    head = cast("BufferedReader", raw).peek(64)[:64]
    encoding = _WIDE.get(head[:2]) or _wide_without_mark(head)
    if encoding:
        return TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
    return TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _wide_without_mark(head: bytes) -> str:
    """UTF-16 of plain letters has a NUL at every second place."""
    if b"\0" not in head:
        return ""
    if not any(head[1:8:2]) and all(head[0:8:2]):
        return "utf-16-le"
    return "utf-16-be" if not any(head[0:8:2]) and all(head[1:8:2]) else ""


# Lists in a ZIP


def _unzipped(stack: ExitStack, raw: BufferedReader, name: str) -> list[Source]:
    with reading(name):
        pack = stack.enter_context(zipfile.ZipFile(raw))
        members = [each for each in pack.infolist() if _is_list(each)]
        _require_harmless(pack.infolist(), members, name)
        return [_member(stack, pack, member, name) for member in members]


def _is_list(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.casefold() == ".csv" and not member.is_dir() and not hidden


def _require_harmless(everything: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo], name: str) -> None:
    for member in everything:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise UsageError(f"{name} holds a file that leads out of it: {member.filename!r}", "Do not trust this ZIP.")
    if not members:
        spreadsheet = any(member.filename == "[Content_Types].xml" for member in everything)
        remedy = "Save the sheet as CSV (UTF-8) in your spreadsheet." if spreadsheet else "Give the ZIP of an export."
        raise UsageError(f"{name} holds no list of people: there is no CSV file in it", remedy)
    if len(members) > MOST_LISTS:
        raise UsageError(f"{name} holds {len(members)} lists", f"Give {MOST_LISTS} at a time.")
    grown = [m for m in members if m.file_size > SMALL and m.file_size > MOST_RATIO * max(m.compress_size, 1)]
    if grown or sum(member.file_size for member in members) > MOST_UNPACKED:
        raise UsageError(f"{name} would unpack to far more than a list of people", "Unpack it, and give the CSV files.")
    if any(member.flag_bits & 1 for member in members):
        raise UsageError(f"{name} is locked with a password", "Unpack it, and give the CSV files.")


def _member(stack: ExitStack, pack: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Source:
    raw = stack.enter_context(pack.open(member))
    last = PurePosixPath(member.filename).name
    shown = f"{name}/{last if last.isprintable() else ascii(last)}"
    return Source(shown, _text(raw), member.file_size, raw.tell, packed=True)


# Lines


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what goes wrong while a source is read into a UsageError."""
    try:
        yield
    except DAMAGED as fault:
        words = getattr(fault, "strerror", None) or "it is damaged"
        raise UsageError(f"{name} cannot be read: {words}", "Export it again, or copy it again.") from fault


class Lines:
    """The lines of a text with their ends, none longer than a list's; ``number`` is that of the last that was read.

    A longer one is passed over and raises TooLong; the next is asked for as ever.
    """

    def __init__(self, text: IO[str], name: str) -> None:
        self._text, self._name = text, name
        self._back: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._back:
            self.number += 1
            return self._back.pop()
        with reading(self._name):
            line = self._text.readline(MOST_LINE)
            if not line:
                raise StopIteration
            self.number += 1
            if len(line) < MOST_LINE or line.endswith(("\n", "\r")):
                return line
            while (rest := self._text.readline(MOST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
        raise TooLong

    def back(self, line: str) -> None:
        """Have the line that was read last read once more."""
        self._back.append(line)
        self.number -= 1

    def pieces(self) -> Iterator[str]:
        """Give what is left as it comes, in pieces that need not be lines."""
        yield from self._back
        while True:
            with reading(self._name):
                piece = self._text.read(PIECE)
            if not piece:
                return
            yield piece
