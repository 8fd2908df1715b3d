"""Which files a site's folders hold: one walk, no file opened.

Imports next to nothing: a run that finds nothing to do does little else than this walk.
"""

from __future__ import annotations

import os

from publisher.errors import UsageError

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_PASSED_OVER = frozenset({"node_modules", "__pycache__", "_site", "_includes", "_layouts", "_sass", "_data", "vendor"})


class Scan:
    """What lies under a folder: path (POSIX, relative) -> stamp, Markdown apart from all other files.

    ``unreadable`` pairs what could not be looked at with the reason.
    """

    __slots__ = ("files", "posts", "unreadable")

    def __init__(self) -> None:
        self.posts: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.unreadable: list[tuple[str, str]] = []


def scan(folder: str, passed_over: frozenset[str] = frozenset()) -> Scan:
    """Walk a folder. Hidden files, backups of editors and generators' own folders are passed over.

    ``passed_over`` holds absolute paths of further folders (the output, say). Raises UsageError if
    the folder itself cannot be listed.
    """
    found = Scan()
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(os.path.join(folder, prefix)) as entries:
                for entry in entries:
                    _sort(entry, prefix, found, pending, passed_over)
        except OSError as fault:
            if not prefix:
                raise UsageError(
                    f"the folder {folder} cannot be read: {fault.strerror}",
                    "make it, or name another one as dir in [posts]",
                ) from None
            found.unreadable.append((prefix.rstrip("/"), fault.strerror or "unreadable"))
    return found


def _sort(entry: os.DirEntry[str], prefix: str, found: Scan, pending: list[str], passed_over: frozenset[str]) -> None:
    name = entry.name
    if name.startswith(".") or name.endswith("~"):
        return
    path = prefix + name
    try:
        if entry.is_dir():
            if name not in _PASSED_OVER and entry.path not in passed_over and not entry.is_symlink():
                pending.append(path + "/")
            return
        stat = entry.stat()
    except OSError as fault:
        found.unreadable.append((path, fault.strerror or "unreadable"))
        return
    stamp = f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
    if name.lower().endswith(MARKDOWN):
        found.posts[path] = stamp
    else:
        found.files[path] = stamp


def scan_if_there(folder: str, passed_over: frozenset[str] = frozenset()) -> Scan:
    """The same for a folder that need not exist."""
    return scan(folder, passed_over) if os.path.isdir(folder) else Scan()


def listing(found: Scan) -> str:
    """The walk as text: equal for equal files."""
    lines = [f"{path}\t{stamp}" for path, stamp in found.posts.items()]
    lines += [f"{path}\t{stamp}" for path, stamp in found.files.items()]
    return "\n".join(sorted(lines))


def size_of(stamp: str) -> int:
    """The length in bytes that a stamp holds."""
    return int(stamp.split(" ", 2)[1])
