"""ids.toml: the record that keeps every post the same post, read and rendered.

The file is ordinary TOML. ``publish`` writes it in one shape, a line a post, which makes it easy
to merge and lets it be read back by a pattern thirty times as fast as a TOML parser reads it;
a file that a person has reshaped is read by tomllib.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from publisher.errors import IdentityError
from publisher.rules.identity import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "ids.toml"

_HEAD = """\
# Kept by `publish`, like a lock file: commit it together with your posts.
# It is why a post stays the same post for every reader when it is renamed or the site moves.
"""

_POSTS = "[posts]\n"
_FORMER = "\n[former]\n"
# Strings as we write them: other escapes of TOML and JSON are left to tomllib, since json disagrees with it on some.
_STRING = r'"[^"\\\x00-\x1f\x7f]*(?:\\(?:["\\bfnrt]|u00[0-9a-f]{2})[^"\\\x00-\x1f\x7f]*)*"'
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SECOND = rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z"
_LINE = re.compile(
    rf"({_STRING}) = \{{ id = ({_STRING}), date = ({_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{6}})?Z), "
    rf"title = ({_STRING}), permalink = ({_STRING})(?:, withdrawn = ({_SECOND}|{_DAY}))? \}}"
)
_PAIR = re.compile(rf"({_STRING}) = ({_STRING})")
_KEY = re.compile(rf"\s*({_STRING}|'[^']*'|[A-Za-z0-9_-]+)\s*=")
_FURTHER_TABLE = re.compile(r"\n[\[ \t]")  # or what could be one: tables may be indented
_MERGE_MARKS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_RESTORE = "take the line from your version control"


@dataclass(frozen=True, slots=True)
class Ids:
    """What ids.toml holds. ``site`` remembers the settings that dates and permalinks came from.

    ``former`` are addresses below base_url at which something stood that has moved since, each with its id.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    feeds: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Ids:
    """Read ids.toml. Raises IdentityError, naming the line, for what cannot be trusted."""
    return _as_written(text) or _as_toml(text)


def parse_head(text: str) -> Ids:
    """The same without the records, for a run in which no post's identity can have changed."""
    head, marker, lines = text.partition(_POSTS)
    further = lines.startswith(("[", " ", "\t")) or _FURTHER_TABLE.search(lines)
    return replace(parse(text if further or not marker else head + _POSTS), records={})


def _as_written(text: str) -> Ids | None:
    """The file in the shape that ``render`` gives it; None if it has, or may have, another."""
    head, marker, lines = text.partition(_POSTS)
    if not marker or (head and not head.endswith("\n")):
        return None
    records = _records_as_written(lines)
    if records is None:
        return None
    rest, _, lines = head.partition(_FORMER)
    former = _former_as_written(lines)
    try:
        document = tomllib.loads(rest)
    except (ValueError, RecursionError):
        return None
    if former is None or not {"posts", "former"}.isdisjoint(document):
        return None
    return Ids(records, _texts(document, "feeds"), _texts(document, "site"), former)


def _former_as_written(lines: str) -> dict[str, str] | None:
    found = [_PAIR.fullmatch(line) for line in lines.split("\n") if line]
    pairs = [(_unquoted(pair[1]), _unquoted(pair[2])) for pair in found if pair]
    former = dict(pairs)
    return former if len(former) == len(found) else None


def _records_as_written(lines: str) -> dict[str, Record] | None:
    records: dict[str, Record] = {}
    for line in lines.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            if line:
                return None
            continue
        path, identifier, moment, title, permalink, withdrawn = found.groups()
        key = _unquoted(path)
        try:
            record = Record(
                key,
                _unquoted(identifier),
                datetime.fromisoformat(moment),
                _unquoted(title),
                _unquoted(permalink),
                _left(datetime.fromisoformat(withdrawn)) if withdrawn else None,
            )
        except ValueError:  # a 30th of February
            return None
        if not record.id or records.setdefault(key, record) != record:  # equal lines of a merge are one
            return None
    return records


def _as_toml(text: str) -> Ids:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise _unreadable(text, fault) from None
    posts = document.get("posts", {})
    if not isinstance(posts, dict):
        raise IdentityError(f"{FILE}: posts is to be a table, a line for each post", _RESTORE)
    records = {path: _record(path, table, text) for path, table in posts.items()}
    return Ids(records, _texts(document, "feeds"), _texts(document, "site"), _texts(document, "former"))


def _unreadable(text: str, fault: Exception) -> IdentityError:
    lines = text.split("\n")
    found = re.search(r"at line (\d+)", str(fault))
    number = int(found[1]) if found else len(lines) if "end of document" in str(fault) else 0
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    marks = [n for n, one in enumerate(lines, 1) if one.startswith(_MERGE_MARKS)]
    twin = next((n for n, one in enumerate(lines[: number - 1], 1) if line and _key(one) == _key(line) != ""), 0)
    if marks:
        return IdentityError(
            f"{FILE}:{marks[0]}: a merge left its marks here",
            "take the marks out and keep the lines of both sides; of two lines for one path, the one whose id "
            "readers have had for longer",
        )
    if twin:
        return IdentityError(
            f"{FILE}:{number}: {_key(line)} has a line already, line {twin}",
            "take one of the two out: keep the one whose id readers have had for longer",
        )
    place = f"{FILE}:{number}" if number else FILE
    return IdentityError(f"{place}: not valid TOML: {fault}", f"mend the line, or {_RESTORE}")


def _key(line: str) -> str:
    found = _KEY.match(line)
    return found[1] if found else ""


def _record(path: str, table: Any, text: str) -> Record:
    values = table if isinstance(table, dict) else {}
    wanted = {"id": str, "date": datetime, "title": str, "permalink": str}
    faulty = [key for key, kind in wanted.items() if not isinstance(values.get(key), kind)]
    withdrawn = values.get("withdrawn")
    faulty += ["id"] * (values.get("id") == "") + ["withdrawn"] * (withdrawn is not None and _moment(withdrawn) is None)
    moment = None if faulty else _utc(values["date"])
    if faulty or moment is None:
        number = next((n for n, line in enumerate(text.split("\n"), 1) if _key(line) == _quoted(path)), 0)
        place = f"{FILE}:{number}" if number else FILE
        raise IdentityError(f'{place}: "{path}" has no usable {(faulty or ["date"])[0]}', _RESTORE)
    return Record(path, values["id"], moment, values["title"], values["permalink"], _moment(withdrawn))


def _moment(value: Any) -> datetime | None:
    """When a post left: a moment, or the day alone, which stood here before."""
    if type(value) is date:
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    at = _utc(value) if isinstance(value, datetime) else None
    return at.replace(microsecond=0) if at else None


def _left(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _utc(moment: datetime) -> datetime | None:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # the first and the last day of the calendar, in some zones
        return None


def _texts(document: Mapping[str, Any], name: str) -> dict[str, str]:
    table = document.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise IdentityError(f"{FILE}: [{name}] is to hold texts only", "take the file from your version control")
    return table


def render(ids: Ids) -> str:
    """The text of ids.toml: sorted, so that equal facts give equal bytes."""
    parts = [_HEAD]
    for name, table in (("site", ids.site), ("feeds", ids.feeds), ("former", ids.former)):
        if table:
            parts.append(f"\n[{name}]\n")
            parts += [f"{_quoted(key)} = {_quoted(table[key])}\n" for key in sorted(table)]
    if ids.records:
        parts.append("\n[posts]\n")
        parts += [_line(ids.records[path]) for path in sorted(ids.records)]
    return "".join(parts)


def _line(record: Record) -> str:
    moment = record.date.astimezone(UTC).replace(tzinfo=None)
    left = record.withdrawn.astimezone(UTC).replace(tzinfo=None, microsecond=0) if record.withdrawn else None
    withdrawn = f", withdrawn = {left.isoformat()}Z" if left else ""
    return (
        f"{_quoted(record.path)} = {{ id = {_quoted(record.id)}, date = {moment.isoformat()}Z, "
        f"title = {_quoted(record.title)}, permalink = {_quoted(record.permalink)}{withdrawn} }}\n"
    )


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _unquoted(string: str) -> str:
    return str(json.loads(string)) if "\\" in string else string[1:-1]
