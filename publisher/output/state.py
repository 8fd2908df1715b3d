"""The build state: what was read, rendered and written, so that nothing is done twice.

It lies in ``.publisher/state.sqlite3`` of the site, belongs to one checkout and holds nothing that
cannot be computed again: a state of another version, or one that cannot be read, is thrown away.
Values are text and JSON, never pickles: this file runs no code. (Compiled templates, kept beside it, do, as
the site's own templates do: who may write there may write anything here.)
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from zlib import crc32

from publisher.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FILE = "state.sqlite3"

_SCHEMA = """
CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, card TEXT NOT NULL, problems TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE body (
    path TEXT PRIMARY KEY, made_from TEXT NOT NULL, digest TEXT NOT NULL,
    refs TEXT NOT NULL, files TEXT NOT NULL, problems TEXT NOT NULL
);
CREATE TABLE body_text (
    path TEXT PRIMARY KEY, html TEXT NOT NULL, feed_html TEXT, summary TEXT NOT NULL, media TEXT NOT NULL
);
CREATE TABLE output (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, made_from TEXT NOT NULL) WITHOUT ROWID;
"""


class SpoiltState(Exception):
    """The build state holds what no run has written: it is to be thrown away, and the run begun again."""


def decoded(text: str) -> Any:
    """JSON from the state. Raises SpoiltState for what is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as fault:
        raise SpoiltState(str(fault)) from None


class SourceRow(NamedTuple):
    """A file as it was last read: its stamp, what it said (JSON, empty if refused or skipped), its problems (JSON)."""

    path: str
    stamp: str
    card: str
    problems: str


class BodyRow(NamedTuple):
    """A rendered body: what it was made from, and a digest of the result.

    ``refs`` are the links inside the site that it came out with (JSON), ``files`` the files beside
    its post that it uses (a path a line), ``problems`` what was wrong with it (JSON); each is empty
    for none.
    """

    path: str
    made_from: str
    digest: str
    refs: str
    files: str
    problems: str


class BodyText(NamedTuple):
    """A rendered body itself. ``feed_html`` is None where it is the same as ``html``; ``media`` is JSON, or empty."""

    html: str
    feed_html: str | None
    summary: str
    media: str


class OutputRow(NamedTuple):
    """A written file: its stamp after writing and what it was made from."""

    path: str
    stamp: str
    made_from: str


class BuildState:
    """The build state of one site, open for one run. ``key`` names program version and schema."""

    __slots__ = ("_base", "_outputs")

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._outputs: dict[str, OutputRow] | None = None

    @classmethod
    def open(cls, folder: Path, key: str) -> BuildState:
        """The state in ``folder``; a fresh one if it is missing, corrupt, or of another key."""
        path, key = folder / FILE, f"{key} {crc32(_SCHEMA.encode()):08x}"
        try:
            os.makedirs(folder, exist_ok=True)
            if path.is_symlink():  # never ours: what it leads to would get our tables
                path.unlink()
            try:
                return cls._of_key(path, key)
            except sqlite3.DatabaseError:
                cls._discard(path)
                return cls._of_key(path, key)
        except (OSError, sqlite3.Error) as fault:
            raise OutputError(
                f"{path} cannot be used: {fault}",
                "make the site's folder writable, make room on the disk, or delete that file",
            ) from None

    @classmethod
    def copy(cls, folder: Path, key: str) -> BuildState:
        """A copy in memory, for a run that is to leave no trace."""
        path, key = folder / FILE, f"{key} {crc32(_SCHEMA.encode()):08x}"
        made = cls._of_key(":memory:", key)
        if path.is_file():
            try:
                with closing(sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro", uri=True)) as there:
                    if there.execute("SELECT value FROM fact WHERE key = 'key'").fetchone() == (key,):
                        there.backup(made._base)  # noqa: SLF001 - its own class
            except sqlite3.Error:
                return cls._of_key(":memory:", key)
        return made

    @classmethod
    def _of_key(cls, path: Path | str, key: str) -> BuildState:
        base = sqlite3.connect(path, isolation_level=None)
        try:
            # A killed run is undone by SQLite's own journal. The disk is not waited for: a state that a
            # power cut has spoilt is rebuilt.
            base.execute("PRAGMA synchronous=OFF")
            base.execute("PRAGMA cache_size=-64000")
            known = base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'fact'").fetchone()[0]
            if known and base.execute("SELECT value FROM fact WHERE key = 'key'").fetchone() == (key,):
                base.execute("SELECT count(*) FROM output").fetchone()
                return cls(base)
            if known:
                raise sqlite3.DatabaseError("a state of another version")  # noqa: TRY301 - one way out
            base.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
            base.execute("INSERT INTO fact VALUES ('key', ?)", (key,))
        except BaseException:
            base.close()
            raise
        return cls(base)

    @classmethod
    def renewed(cls, folder: Path, key: str) -> BuildState:
        """An empty state in the place of one that is spoilt."""
        try:
            cls._discard(folder / FILE)
        except OSError as fault:
            raise OutputError(f"{folder / FILE} is spoilt: {fault.strerror}", "delete that file") from None
        return cls.open(folder, key)

    @classmethod
    def blank(cls, key: str) -> BuildState:
        """An empty state in memory."""
        return cls._of_key(":memory:", key)

    @staticmethod
    def _discard(path: Path) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def begin(self) -> None:
        """Start the run's one transaction: a killed run leaves the state of the run before it."""
        self._base.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Keep what this run recorded."""
        self._base.execute("COMMIT")

    def fact(self, key: str) -> str:
        """A single text; empty if unknown."""
        found = self._base.execute("SELECT value FROM fact WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else ""

    def set_fact(self, key: str, value: str) -> None:
        """Keep a single text."""
        self._base.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (key, value))

    def sources(self) -> Iterator[SourceRow]:
        """Every file as last read."""
        return map(SourceRow._make, self._base.execute("SELECT path, stamp, card, problems FROM source"))

    def set_sources(self, rows: Iterable[SourceRow]) -> None:
        """Record files as read now."""
        self._base.executemany("INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?)", rows)

    def bodies(self) -> Iterator[BodyRow]:
        """Every rendered body, without its text."""
        return map(BodyRow._make, self._base.execute("SELECT path, made_from, digest, refs, files, problems FROM body"))

    def set_bodies(self, rows: Sequence[tuple[BodyRow, BodyText]]) -> None:
        """Record bodies as rendered now."""
        self._base.executemany("INSERT OR REPLACE INTO body VALUES (?, ?, ?, ?, ?, ?)", [row for row, _ in rows])
        texts = [(row.path, *text) for row, text in rows]
        self._base.executemany("INSERT OR REPLACE INTO body_text VALUES (?, ?, ?, ?, ?)", texts)

    def body_text(self, path: str) -> BodyText | None:
        """One rendered body; None if unknown."""
        query = "SELECT html, feed_html, summary, media FROM body_text WHERE path = ?"
        found = self._base.execute(query, (path,)).fetchone()
        return BodyText._make(found) if found else None

    def forget_sources(self, paths: Iterable[str]) -> None:
        """Drop files that are no longer there, with their bodies."""
        gone = [(path,) for path in paths]
        for table in ("source", "body", "body_text"):
            self._base.executemany(f"DELETE FROM {table} WHERE path = ?", gone)  # noqa: S608 - names of our own

    def outputs(self) -> Mapping[str, OutputRow]:
        """Every file written, by path, as it is known now."""
        if self._outputs is None:
            query = "SELECT path, stamp, made_from FROM output"
            self._outputs = {row[0]: OutputRow._make(row) for row in self._base.execute(query)}
        return self._outputs

    def set_outputs(self, rows: Sequence[OutputRow]) -> None:
        """Record files as written now."""
        self._base.executemany("INSERT OR REPLACE INTO output VALUES (?, ?, ?)", rows)
        if self._outputs is not None:
            self._outputs.update((row.path, row) for row in rows)

    def forget_outputs(self, paths: Iterable[str]) -> None:
        """Drop files that are no longer ours."""
        self._base.executemany("DELETE FROM output WHERE path = ?", [(path,) for path in paths])
        self._outputs = None
