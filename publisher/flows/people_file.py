"""Lists of people, line by line: CSV as spreadsheets and other services write it, and our own export in JSON."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import UsageError
from publisher.flows.people_json import records
from publisher.flows.people_lines import COLUMNS, Columns, Line, unguard
from publisher.flows.people_source import MOST_LINE, Lines, TooLong
from publisher.rules.platforms import ADDRESS, PUBLISHER, find_platform, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo
    from typing import TextIO

    from publisher.rules.platforms import Platform, Sense

SIGNS = ",;\t"  # what may part columns
MOST_CELL = 1 << 17  # characters; a longer one is a quotation mark that is never closed, most likely
MOST_OWN_CELL = 1 << 22  # of our own export: a reader may have changed their mind a thousand times

_DECLARED = re.compile(r"sep=([,;|\t])\s*", re.IGNORECASE)  # spreadsheets' own way to say what parts columns


@dataclass(frozen=True, slots=True)
class PeopleTable:
    """A list that was recognised: whose it is, what its name says of all in it, which of our columns it has.

    ``lines`` are read as they are asked for.
    """

    name: str
    platform: Platform
    sense: Sense | None
    titles: tuple[str, ...]
    lines: Iterator[Line]

    def has(self, column: str) -> bool:
        """Whether one of our own columns is there, and counts."""
        return self.platform.plain and column in self.titles


class _Head(NamedTuple):
    """The titles of the columns, none where there is one column without a title, and what parts them."""

    sign: str
    titles: tuple[str, ...]


def read_table(text: TextIO, name: str, zone: tzinfo = UTC, platform: str = "") -> PeopleTable:
    """Recognise a list by its first line, unless its platform is told. ``zone`` is that of plain lists' dates.

    Raises UsageError where no column holds addresses, or nothing tells whether these people want mail.
    """
    lines = Lines(text, name)
    try:
        first = _first(lines)
        if first.lstrip().startswith(("[", "{")):
            lines.back(first)
            return _json_table(lines, name, platform)
        declared = _DECLARED.fullmatch(first)
        if declared:
            first = next(lines, "")
    except TooLong:
        raise _no_addresses(name) from None
    head = _head(first, declared[1] if declared else SIGNS, find_platform(platform).address if platform else ADDRESS)
    if head is None:
        raise _no_addresses(name)
    whose = find_platform(platform) if platform else recognise(head.titles)
    columns = Columns(whose, head.titles or (whose.address[0],), name, zone)
    if not head.titles:
        lines.back(first)
    return PeopleTable(name, whose, columns.everyone, head.titles, _csv_lines(lines, head.sign, columns))


# The head


def _first(lines: Lines) -> str:
    return next((line for line in lines if line.strip()), "")


def _head(first: str, signs: str, addresses: Sequence[str]) -> _Head | None:
    for sign in signs:
        titles = tuple(_plain(cell) for cell in _cells(first, sign))
        if any(name in titles for name in addresses):
            return _Head(sign, titles)
    widest = max(signs, key=first.count)
    alone = len([cell for cell in first.split(widest) if cell.strip()]) == 1
    return _Head(widest, ()) if alone else None


def _cells(first: str, sign: str) -> list[str]:
    try:
        return next(csv.reader([first], delimiter=sign), [])
    except csv.Error:  # a cell larger than any title
        return []


def _no_addresses(name: str) -> UsageError:
    return UsageError(
        f"{name} has no column of addresses", f"Give one of its columns the title {ADDRESS[0]} in the first line."
    )


def _plain(title: str) -> str:
    return " ".join(title.strip().casefold().split())


# CSV


def _csv_lines(lines: Lines, sign: str, columns: Columns) -> Iterator[Line]:
    """Give each line with the number of its first row of text; cells that are missing are empty."""
    csv.field_size_limit(MOST_OWN_CELL if columns.own else MOST_CELL)
    read = csv.reader(lines, delimiter=sign)
    while True:
        number = lines.number + 1
        try:
            cells = next(read, None)
        except TooLong:
            yield Line(number, "", fault=f"the line has more than {MOST_LINE} characters")
            continue
        except csv.Error:
            yield Line(number, "", fault=_unclosed(number, lines.number))
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield columns.line(number, [unguard(cell) for cell in cells])


def _unclosed(first: int, last: int) -> str:
    what = f"a cell has more than {MOST_CELL} characters: a quotation mark that is never closed, most likely"
    return what if first == last else f"{what}; lines {first} to {last} were not read"


# JSON


def _json_table(lines: Lines, name: str, platform: str) -> PeopleTable:
    if platform not in {"", PUBLISHER.name}:
        raise UsageError(f"{name} is JSON, which is read only as Publisher itself exports it", "Give the CSV file.")
    columns = Columns(PUBLISHER, COLUMNS, name, UTC)
    return PeopleTable(name, PUBLISHER, None, COLUMNS, _json_lines(lines, name, columns))


def _json_lines(lines: Lines, name: str, columns: Columns) -> Iterator[Line]:
    for number, record in records(lines, name):
        cells = [_cell(record.get(column)) for column in COLUMNS]
        fault = next((column for column, cell in zip(COLUMNS, cells, strict=True) if cell is None), "")
        if fault:
            yield Line(number, "", fault=f"{fault} is no text")
            continue
        yield columns.line(number, [cell or "" for cell in cells], record.get("evidence"))


def _cell(value: object) -> str | None:
    """The text of a value; a list is looked at by who asks for it, and anything else is none."""
    if value is None or isinstance(value, list):
        return ""
    return value if isinstance(value, str) else None
