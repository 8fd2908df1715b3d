"""Writing a row that may be there already, also where another transaction writes the same one at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Table

    Inserts = dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]]

_INSERTS: Inserts = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_once(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows whose key is not there yet; what stands, stays. Give rows in the order of their keys.

    Two transactions that wait for each other's rows in opposite orders would never end.
    """
    if rows:
        connection.execute(_INSERTS[connection.dialect.name](table).on_conflict_do_nothing(), rows)
