"""Many rows of the ledger in one statement: a statement costs more than a row, and a waiting thread more still.

Rows travel as one JSON array with SQLite and as arrays with PostgreSQL. A row is named by its issue and its
subscriber, a letter (issue 0) by its id alone.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from publisher.store.tables import Moment, letter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table, TextClause

    from publisher.model.delivery import Claim, Outcome

_PLACES = {
    "sqlite": {
        "delivery": "delivery.issue = r.value ->> 0 AND delivery.subscriber = r.value ->> 1",
        "letter": "letter.id = r.value ->> 1",
        "rows": "json_each(:rows) AS r",
        "state": "r.value ->> 2",
        "detail": "r.value ->> 3",
        "due": "r.value ->> 4",
    },
    "postgresql": {
        "delivery": "delivery.issue = r.issue::integer AND delivery.subscriber = r.id::integer",
        "letter": "letter.id = r.id::integer",
        "rows": "unnest(:issues, :ids, :states, :details, :dues) AS r (issue, id, state, detail, due)",
        "state": "r.state",
        "detail": "r.detail",
        "due": "r.due::timestamp AT TIME ZONE 'UTC'",  # a session's own zone may be any
    },
}
_COLUMNS = ("issues", "ids", "states", "details", "dues")


def _statement(dialect: str, table: str, change: str, where: str) -> TextClause:
    words = _PLACES[dialect]
    sql = f"UPDATE {table} SET {change} FROM {words['rows']} WHERE {words[table]} AND {where}".format(**words)  # noqa: S608 - fixed words
    if dialect == "sqlite":
        return text(sql).bindparams(bindparam("now", type_=Moment()))
    arrays = [bindparam(name, type_=ARRAY(Text)) for name in _COLUMNS]
    return text(sql).bindparams(bindparam("now", type_=Moment()), *arrays)


_CLAIM = (
    "state = 'sending', engine = :engine, attempt = {table}.attempt + 1, begun = coalesce({table}.begun, :now), "
    "due_at = :now, changed = :now"  # due_at tells when this attempt started, until it is over
)
_SETTLE = "state = {state}, engine = '', detail = {detail}, due_at = coalesce({due}, {table}.due_at), changed = :now"
# The state is hidden from PostgreSQL's planner: it would look through all rows ever sending, not by the row's key.
_OURS = "{table}.state || '' = 'sending' AND {table}.engine = :engine"

_STATEMENTS = {
    (dialect, table, kind): _statement(
        dialect, table, change.replace("{table}", table), where.replace("{table}", table)
    )
    for dialect in _PLACES
    for table in ("delivery", "letter")
    for kind, change, where in (("claim", _CLAIM, "{table}.state <> 'sending'"), ("settle", _SETTLE, _OURS))
}


def claim(connection: Connection, table: Table, claims: Sequence[Claim], engine: str, now: datetime) -> None:
    """Make claims an engine's own, each one attempt further."""
    rows = [(one.issue, one.subscriber, "", "", None) for one in claims]
    _run(connection, table, "claim", rows, engine, now)


def settle(connection: Connection, table: Table, outcomes: Sequence[Outcome], engine: str, now: datetime) -> None:
    """Record outcomes of rows that are still an engine's own."""
    rows = [
        (one.claim.issue, one.claim.subscriber, one.state.value, _plain(one.detail), _written(one.due_at))
        for one in outcomes
    ]
    _run(connection, table, "settle", rows, engine, now)


def _run(
    connection: Connection, table: Table, kind: str, rows: Sequence[tuple[Any, ...]], engine: str, now: datetime
) -> None:
    if not rows:
        return
    dialect = connection.dialect.name
    given: dict[str, Any] = {"engine": engine, "now": now}
    if dialect == "sqlite":
        given["rows"] = json.dumps(rows)
    else:
        columns = zip(*rows, strict=True)
        given |= {
            name: [None if value is None else str(value) for value in column]
            for name, column in zip(_COLUMNS, columns, strict=True)
        }
    connection.execute(_STATEMENTS[dialect, "letter" if table is letter else "delivery", kind], given)


def _plain(words: str) -> str:
    """What both databases take: no NUL, no half letters."""
    return words.replace("\0", " ").encode(errors="replace").decode()


def _written(moment: datetime | None) -> str | None:
    """A moment in UTC, as SQLite keeps it."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
