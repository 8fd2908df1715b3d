"""The sites that are measured: equal posts for each side, and the ways to put a site into a known state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import peers, posts
from benchmarks.measure import Side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OUTPUT = "public"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a site is to publish. ``limit`` 0 puts every post into the feed."""

    limit: int
    pages: bool = True


@dataclass(slots=True)
class Ours:
    """A site of Publisher's in ``folder``."""

    program: str
    folder: Path
    written: posts.Batch
    files: list[Path] = field(default_factory=list)
    _ids: str = ""
    _turn: int = 0

    def prepare(self, wanted: Arrangement) -> None:
        """Publish once from nothing, and keep the ids.toml of that run, which a running site has in its repository."""
        if not self.files:
            self.files = posts.write(self.written, self.folder / "posts")
        self._ids = ""
        self._forget()
        (self.folder / "config.toml").write_text(_OURS.format(**_fields(wanted)), encoding="utf-8")
        self.publish()
        self._ids = (self.folder / "ids.toml").read_text("utf-8")

    def publish(self) -> None:
        """One run that nobody measures."""
        subprocess.run([self.program, "-q"], cwd=self.folder, check=True)

    def cold(self) -> Side:
        """A fresh checkout: posts, config.toml and ids.toml."""
        return self._side(self._forget)

    def unknown(self) -> Side:
        """The first run of all: posts and config.toml alone."""
        return self._side(self._forget_ids)

    def settled(self) -> Side:
        """Nothing has changed since the run before."""
        return self._side(_nothing)

    def edited(self, which: int) -> Side:
        """One sentence has changed, in the post of this number (oldest first)."""
        return self._side(lambda: self._edit(which))

    def helping(self) -> Side:
        """`publish --help`, which needs no site."""
        return Side("publish", (self.program, "--help"), self.folder, _nothing)

    def _side(self, before: Callable[[], None]) -> Side:
        return Side("publish", (self.program,), self.folder, before)

    def _forget(self) -> None:
        empty(self.folder / OUTPUT)
        empty(self.folder / ".publisher")
        if self._ids:
            (self.folder / "ids.toml").write_text(self._ids, encoding="utf-8")
        else:
            (self.folder / "ids.toml").unlink(missing_ok=True)

    def _forget_ids(self) -> None:
        self._forget()
        (self.folder / "ids.toml").unlink()

    def _edit(self, which: int) -> None:
        self._turn += 1
        posts.edit(self.files[which], self._turn)


@dataclass(slots=True)
class Hugo:
    """The same posts as a site of Hugo's in ``folder``, its configuration chosen by the arrangement."""

    peers: Path
    folder: Path
    written: posts.Batch
    files: list[Path] = field(default_factory=list)
    _command: tuple[str, ...] = ()
    _turn: int = 0

    def prepare(self, wanted: Arrangement) -> None:
        """Build once from nothing."""
        if not self.files:
            self.files = posts.write(self.written, self.folder / "content" / "posts")
        self._command = peers.hugo(self.peers, self.folder, limit=wanted.limit, pages=wanted.pages)
        self._forget()
        subprocess.run(self._command, cwd=self.folder, check=True)

    def cold(self) -> Side:
        """No output, no cache."""
        return self._side(self._forget)

    def settled(self) -> Side:
        """The output of the run before stands; Hugo keeps nothing else."""
        return self._side(_nothing)

    def edited(self, which: int) -> Side:
        """As ``Ours.edited``."""
        return self._side(lambda: self._edit(which))

    def _side(self, before: Callable[[], None]) -> Side:
        return Side("Hugo", self._command, self.folder, before)

    def _forget(self) -> None:
        empty(self.folder / OUTPUT)
        empty(self.folder / "cache")

    def _edit(self, which: int) -> None:
        self._turn += 1
        posts.edit(self.files[which], self._turn)


def pelican(virtualenv: Path, folder: Path, written: posts.Batch) -> Side:
    """The same posts as a site of Pelican's, built from nothing each time."""
    command = peers.pelican(virtualenv, folder, written)
    return Side("Pelican", command, folder, lambda: empty(folder / OUTPUT))


def require_equal_work(output: Path, written: posts.Batch, wanted: Arrangement) -> None:
    """See that a build did all that the row says: a page for each post or none, the feeds as long as intended.

    Raises RuntimeError where it did less or more.
    """
    folders = {folder.rpartition(os.sep)[2] for folder, _, files in os.walk(output) if "index.html" in files}
    pages = sum(post.slug in folders for post in written)
    expected = len(written) if wanted.pages else 0
    if pages != expected:
        raise RuntimeError(f"{output} holds pages of {pages} posts, not of {expected}")
    items = min(wanted.limit or len(written), len(written))
    for name, count in _COUNTS.items():
        path = output / name
        found = count(path.read_text("utf-8")) if path.exists() else items
        if found != items or not (output / "feed.xml").exists():
            raise RuntimeError(f"{path} holds {found} entries, not {items}")


def empty(folder: Path) -> None:
    """Take a folder away, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def _nothing() -> None:
    pass


def _fields(wanted: Arrangement) -> dict[str, object]:
    return {
        "title": peers.TITLE,
        "base": peers.BASE,
        "author": posts.AUTHOR,
        "limit": wanted.limit,
        "pages": str(wanted.pages).lower(),
    }


_OURS = """[site]
title = "{title}"
base_url = "{base}"
author = "{author}"

[feeds]
limit = {limit}

[pages]
enabled = {pages}
"""

_COUNTS: dict[str, Callable[[str], int]] = {
    "feed.xml": lambda text: text.count("<item>"),
    "atom.xml": lambda text: text.count("<entry>"),
    "feed.json": lambda text: len(json.loads(text)["items"]),
}
