"""Files of people: CSV as spreadsheets and other programs write it, read line by line."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

# What columns are called, in any case; the first that is there is taken. A further platform is a further name.
COLUMNS = {
    "address": ("email", "e-mail", "mail", "email address", "e-mail address", "email_address", "address"),
    "digest": ("digest",),
    "cadence": ("cadence",),
    "status": ("status", "state"),
    "suppressed": ("suppressed",),
    "token": ("unsubscribe_token",),
}
EVIDENCE = ("confirmed_at", "subscribed_at", "created", "created_at", "evidence")  # kept in the words of the evidence
SIGNS = ",;\t"  # what may part columns
FORMULA = "=+-@\t\r"  # a cell that begins so is a formula to a spreadsheet

_DECLARED = re.compile(r"sep=([,;|\t])\s*", re.IGNORECASE)  # spreadsheets' own way to say what parts columns


class Line(NamedTuple):
    """A line of the file, as written. ``evidence`` holds what it tells of the person's consent."""

    number: int
    address: str
    digest: str = ""
    cadence: str = ""
    status: str = ""
    suppressed: str = ""
    token: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PeopleTable:
    """A file that was recognised: which of the columns it has, and its lines, read as they are asked for."""

    name: str
    fields: frozenset[str]
    lines: Iterator[Line]


class _Head(NamedTuple):
    """The titles of the columns, empty where there is one column without a title, and what parts them."""

    sign: str
    titles: tuple[str, ...]


@contextmanager
def opened(path: Path) -> Iterator[tuple[TextIOWrapper, Callable[[], int]]]:
    """Open a file of people. Bytes that are no UTF-8 come through, and matter only where an address holds them.

    With it comes what tells how many bytes were read. Raises UsageError when it cannot be read.
    """
    try:
        raw = path.open("rb")
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}", "Give a CSV file that you may read.") from fault
    with raw:
        wide = raw.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"}
        encoding, errors = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
        yield TextIOWrapper(raw, encoding=encoding, errors=errors, newline=""), raw.tell


def read_table(text: Iterable[str], name: str) -> PeopleTable:
    """Recognise a file by its first line. Raises UsageError when no column holds addresses."""
    lines = enumerate(text, 1)
    number, first = next(((at, line) for at, line in lines if line.strip()), (0, ""))
    declared = _DECLARED.fullmatch(first)
    if declared:
        number, first = next(lines, (0, ""))
    head = _head(first, name, declared[1] if declared else SIGNS)
    rest = (line for _, line in lines)
    counted = _Counted(rest if head.titles else chain([first], rest), number if head.titles else number - 1)
    read = csv.reader(counted, delimiter=head.sign)
    places = {field: at for field, names in COLUMNS.items() if (at := _place(head.titles, names)) is not None}
    told = tuple((title, at) for at, title in enumerate(head.titles) if title in EVIDENCE)
    return PeopleTable(name, frozenset(places), _lines(read, counted, places or {"address": 0}, told))


def guard(cell: str) -> str:
    """Mark a cell that a spreadsheet would take for a formula, so that it is text."""
    return f"'{cell}" if cell[:1] and cell[0] in f"{FORMULA}'" else cell


def unguard(cell: str) -> str:
    """Take the mark of ``guard`` away again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in f"{FORMULA}'" else cell


def _head(first: str, name: str, signs: str) -> _Head:
    for sign in signs:
        titles = _titles(first, sign)
        if _place(titles, COLUMNS["address"]) is not None:
            return _Head(sign, titles)
    widest = max(signs, key=first.count)
    if len([cell for cell in first.split(widest) if cell.strip()]) == 1:
        return _Head(widest, ())
    raise UsageError(
        f"{name} has no column of addresses",
        f"Give one of its columns the title {COLUMNS['address'][0]} in the first line.",
    )


def _titles(first: str, sign: str) -> tuple[str, ...]:
    try:
        return tuple(_plain(cell) for cell in next(csv.reader([first], delimiter=sign), []))
    except csv.Error:  # a cell larger than any title
        return ()


def _place(titles: tuple[str, ...], names: tuple[str, ...]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)


class _Counted:
    """Rows of text, of which ``number`` is the last that was read."""

    def __init__(self, text: Iterable[str], number: int) -> None:
        self._text = iter(text)
        self.number = number

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        row = next(self._text)
        self.number += 1
        return row


def _lines(
    read: Iterator[list[str]], counted: _Counted, places: dict[str, int], told: tuple[tuple[str, int], ...]
) -> Iterator[Line]:
    """Give each line with the number of its first row of text; cells that are missing are empty."""
    while True:
        number = counted.number + 1
        try:
            cells = next(read, None)
        except csv.Error as fault:  # a quote that is never closed, most likely
            cells = [f"({fault})"] * (max(places.values()) + 1)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _line(number, [unguard(cell.strip()) for cell in cells], places, told)


def _line(number: int, cells: list[str], places: dict[str, int], told: tuple[tuple[str, int], ...]) -> Line:
    found = {field: cells[at] for field, at in places.items() if at < len(cells)}
    words = (f"{title}: {cells[at]}." for title, at in told if at < len(cells) and cells[at])
    return Line(number, found.pop("address", ""), **found, evidence=_clean(" ".join(words)))


def _clean(text: str) -> str:
    """What is kept as evidence must be text that a database can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _plain(title: str) -> str:
    return " ".join(title.strip().casefold().split())
