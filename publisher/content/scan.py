"""Which files a site's folders hold: one walk, no file opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_PASSED_OVER = frozenset({"node_modules", "__pycache__", "_site", "_includes", "_layouts", "_sass", "_data", "vendor"})


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies under a folder: path (POSIX, relative) -> stamp, Markdown apart from all other files."""

    posts: dict[str, str]
    files: dict[str, str]
    unreadable: tuple[tuple[str, str], ...]


def scan(folder: Path, passed_over: frozenset[str] = frozenset()) -> Scan:
    """Walk a folder of posts. Hidden files and folders, and those of generators' own, are passed over.

    ``passed_over`` holds absolute paths of further folders that are no posts (the output, say).
    Raises UsageError if the folder itself cannot be listed; folders inside it that cannot be are
    returned as ``unreadable`` with the reason.
    """
    found = Scan({}, {}, ())
    faults: list[tuple[str, str]] = []
    root = os.fspath(folder)
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(root, prefix)))
        except OSError as fault:
            if not prefix:
                raise UsageError(
                    f"the folder of posts, {folder}, cannot be read: {fault.strerror}",
                    "make it, or name another one as dir in [posts]",
                ) from None
            faults.append((prefix.rstrip("/"), fault.strerror or "unreadable"))
            continue
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.endswith("~"):
                continue
            path = prefix + name
            try:
                if entry.is_dir():
                    if name not in _PASSED_OVER and os.path.join(root, path) not in passed_over and not entry.is_symlink():
                        pending.append(path + "/")
                    continue
                stat = entry.stat()
            except OSError as fault:
                faults.append((path, fault.strerror or "unreadable"))
                continue
            stamp = f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
            kind = found.posts if name.lower().endswith(MARKDOWN) else found.files
            kind[path] = stamp
    return Scan(found.posts, found.files, tuple(sorted(faults)))


def size_of(stamp: str) -> int:
    """The length in bytes that a stamp holds."""
    return int(stamp.split(" ", 2)[1])
