"""ids.toml: the record that keeps every post the same post, read and rendered.

The file is ordinary TOML. ``publish`` writes it in one shape, a line a post, which makes it easy
to merge and lets it be read back by a pattern thirty times as fast as a TOML parser reads it;
a file that a person has reshaped is read by tomllib.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
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

_STRING = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(
    rf"({_STRING}) = \{{ id = ({_STRING}), date = (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{{6}})?Z), "
    rf"title = ({_STRING}), permalink = ({_STRING})(?:, withdrawn = (\d{{4}}-\d\d-\d\d))? \}}"
)


@dataclass(frozen=True, slots=True)
class Ids:
    """What ids.toml holds. ``site`` remembers the settings that dates and permalinks came from."""

    records: Mapping[str, Record] = field(default_factory=dict)
    feeds: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Ids:
    """Read ids.toml. Raises IdentityError, naming the line, for what cannot be trusted."""
    head, marker, lines = text.partition("[posts]\n")
    try:
        records = _fast(lines) if marker else None
        document = tomllib.loads(head if records is not None else text)
        if records is None:
            records = {path: _record(path, table) for path, table in _posts(document).items()}
        return Ids(records, _texts(document, "feeds"), _texts(document, "site"))
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise IdentityError(
            f"{FILE} cannot be read: {fault}",
            "mend the line (after a merge: keep the lines of both sides, one for a post), "
            "or take the file from your version control",
        ) from None


def parse_head(text: str) -> Ids:
    """The same without the records, for a run in which no post's identity can have changed."""
    return parse(text.partition("[posts]\n")[0])


def _fast(lines: str) -> dict[str, Record] | None:
    records: dict[str, Record] = {}
    for line in lines.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip():
                return None
            continue
        path, identifier, moment, title, permalink, withdrawn = found.groups()
        try:
            key = json.loads(path)
            record = Record(
                key,
                json.loads(identifier),
                datetime.fromisoformat(moment),
                json.loads(title),
                json.loads(permalink),
                date.fromisoformat(withdrawn) if withdrawn else None,
            )
        except ValueError:
            return None
        if records.setdefault(key, record) != record:  # both sides of a merge: let the parser name the line
            return None
    return records


def _posts(document: Mapping[str, Any]) -> dict[str, Any]:
    table = document.get("posts", {})
    if not isinstance(table, dict):
        raise IdentityError(f"{FILE}: [posts] is to hold a line a post", "take the file from your version control")
    return table


def _record(path: str, table: Any) -> Record:
    wanted = {"id": str, "date": datetime, "title": str, "permalink": str}
    for key, kind in wanted.items():
        if not isinstance(table, dict) or not isinstance(table.get(key), kind):
            raise IdentityError(
                f'{FILE}: the line of "{path}" has no usable {key}', "take the line from your version control"
            )
    moment = table["date"] if table["date"].tzinfo else table["date"].replace(tzinfo=UTC)
    withdrawn = table.get("withdrawn")
    return Record(
        path,
        table["id"],
        moment.astimezone(UTC),
        table["title"],
        table["permalink"],
        withdrawn if isinstance(withdrawn, date) else None,
    )


def _texts(document: Mapping[str, Any], name: str) -> dict[str, str]:
    table = document.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise IdentityError(f"{FILE}: [{name}] is to hold texts only", "take the file from your version control")
    return table


def render(ids: Ids) -> str:
    """The text of ids.toml: sorted, so that equal facts give equal bytes."""
    parts = [_HEAD]
    for name, table in (("site", ids.site), ("feeds", ids.feeds)):
        if table:
            parts.append(f"\n[{name}]\n")
            parts += [f"{_quoted(key)} = {_quoted(table[key])}\n" for key in sorted(table)]
    if ids.records:
        parts.append("\n[posts]\n")
        parts += [_line(ids.records[path]) for path in sorted(ids.records)]
    return "".join(parts)


def _line(record: Record) -> str:
    moment = record.date.astimezone(UTC).replace(tzinfo=None)
    withdrawn = f", withdrawn = {record.withdrawn.isoformat()}" if record.withdrawn else ""
    return (
        f"{_quoted(record.path)} = {{ id = {_quoted(record.id)}, date = {moment.isoformat()}Z, "
        f"title = {_quoted(record.title)}, permalink = {_quoted(record.permalink)}{withdrawn} }}\n"
    )


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
