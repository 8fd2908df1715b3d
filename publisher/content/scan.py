"""Which files a site's folders hold: one walk, no file opened.

Imports next to nothing: a run that finds nothing to do does little else than this walk.
"""

from __future__ import annotations

import os
import stat as modes

from publisher.errors import UsageError

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_LITTER = frozenset({".git", ".publisher", ".DS_Store", "Thumbs.db"})  # nobody means to publish these
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


def scan(folder: str, passed_over: frozenset[str] = frozenset(), *, whole: bool = False) -> Scan:
    """Walk a folder. Hidden files, backups of editors and generators' own folders are passed over.

    ``passed_over`` holds absolute paths of further folders and files (the output, say). ``whole`` takes hidden
    files and generators' folders too (a static folder holds .well-known, .nojekyll, vendor). Links
    to folders are not followed. Raises UsageError if the folder itself cannot be listed.
    """
    found = Scan()
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(os.path.join(folder, prefix)) as entries:
                for entry in entries:
                    name = entry.name
                    hidden = name in _LITTER if whole else name[0] == "."
                    if not hidden and name[-1] != "~":
                        _sort(entry, prefix, found, pending, passed_over, whole)
        except OSError as fault:
            if not prefix:
                raise UsageError(
                    f"the folder {folder} cannot be read: {fault.strerror}",
                    "make it, or name another one as dir in [posts]",
                ) from None
            found.unreadable.append((prefix.rstrip("/"), fault.strerror or "unreadable"))
    return found


def _sort(
    entry: os.DirEntry[str], prefix: str, found: Scan, pending: list[str], passed_over: frozenset[str], whole: bool
) -> None:
    name = entry.name
    path = prefix + name
    if not name.isascii() and not _is_text(name):
        found.unreadable.append((path.encode("utf-8", "backslashreplace").decode(), "its name is not UTF-8"))
        return
    try:
        if entry.is_dir():
            kept = whole or name not in _PASSED_OVER
            if kept and entry.path not in passed_over and not entry.is_symlink():
                pending.append(path + "/")
            return
        if entry.path in passed_over:
            return
        stat = entry.stat()
    except OSError as fault:
        found.unreadable.append((path, fault.strerror or "unreadable"))
        return
    if not modes.S_ISREG(stat.st_mode):
        found.unreadable.append((path, "it is no file"))  # a pipe would be waited for without end
        return
    stamp = f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
    if name.lower().endswith(MARKDOWN):
        found.posts[path] = stamp
    else:
        found.files[path] = stamp


def _is_text(name: str) -> bool:
    """Whether a name came from bytes that are UTF-8; others hold surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def scan_if_there(folder: str, passed_over: frozenset[str] = frozenset(), *, whole: bool = False) -> Scan:
    """The same for a folder that need not exist."""
    return scan(folder, passed_over, whole=whole) if os.path.isdir(folder) else Scan()


def listing(found: Scan) -> str:
    """The walk as text: equal for equal files."""
    lines = [f"{path}\t{stamp}" for path, stamp in found.posts.items()]
    lines += [f"{path}\t{stamp}" for path, stamp in found.files.items()]
    lines += [f"{path}\t{why}" for path, why in found.unreadable]
    return "\n".join(sorted(lines))


def size_of(stamp: str) -> int:
    """The length in bytes that a stamp holds."""
    return int(stamp.split(" ", 2)[1])
