"""The quick answer: nothing has changed since the last run, so there is nothing to do.

A finished run leaves a text (``.publisher/last.txt``): what it said, until when that holds, and the
stamp of every file it looked at or wrote. A run that finds all of them the same repeats what was
said and ends, having imported little more than ``os``. Anything else is left to the full story.
"""

from __future__ import annotations

import os
import stat as modes
import time
from zlib import crc32

from publisher import __version__
from publisher.content.scan import listing, scan_if_there
from publisher.errors import OutputError

FILE = "last.txt"
_TOLD = 4  # numbers in the first line of what was said: posts, feeds, refused, warned
_FIELDS = 10  # until, posts, static, templates, output, passed over, said, files, sources, outputs


def check(build: str) -> str | None:
    """What the last run said (see ``remember``), if it still holds; None if there is work, or may be."""
    path = os.path.join(build, FILE)
    try:
        if not modes.S_ISREG(os.lstat(path).st_mode):  # a pipe or a device would be read without end
            return None
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read()
    except (OSError, ValueError):
        return None
    head, _, rest = text.partition("\f")
    parts = rest.split("\f")
    if len(parts) != _FIELDS or head != _head(build, rest):
        return None
    moment, posts, static, templates, output, passed_over, said, files, sources, outputs = parts
    try:
        same = (
            not (moment and float(moment) <= time.time())
            and _is_told(said)
            and files == _stamps(files)
            and sources == _sources(posts, static, templates.split("\t"), frozenset(passed_over.split("\t")))
            and outputs == _stamps(outputs, output)
        )
    except Exception:  # noqa: BLE001 - whatever it is, the full story will meet it and name it
        return None
    return said if same else None


def until(build: str) -> float | None:
    """The moment until which the last run's word holds: a post falls due then, or expires. None if none does."""
    try:
        with open(os.path.join(build, FILE), encoding="utf-8", errors="surrogateescape") as stream:
            moment = stream.read(1000).split("\f")[1]
        return float(moment) if moment else None
    except (OSError, ValueError, IndexError):
        return None


def fell_due(build: str, now: float | None = None) -> float | None:
    """That moment, if it has come."""
    moment = until(build)
    return moment if moment is not None and moment <= (time.time() if now is None else now) else None


def remember(
    build: str,
    *,
    until: float | None,
    posts: str,
    static: str,
    templates: tuple[str, ...],
    output: str,
    passed_over: frozenset[str],
    said: str,
    files: dict[str, str],
    sources: str,
    outputs: dict[str, str],
) -> None:
    """Leave the text for the next run. Stamps are those that the run saw when it looked, not those of now."""
    parts = (
        "" if until is None else repr(until),
        posts,
        static,
        "\t".join(templates),
        output,
        "\t".join(sorted(passed_over)),
        said,
        _lines(files),
        sources,
        _lines(outputs),
    )
    if any("\f" in part or "\r" in part for part in parts):
        return
    rest = "\f".join(parts)
    path = os.path.join(build, FILE)
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(f"{_head(build, rest)}\f{rest}")  # half of it would not fit its head
    except OSError:
        forget(build)  # a next run that looks at everything is slower, no worse


def forget(build: str) -> None:
    """Take the text away: a run is under way, and may not finish. Raises OutputError where that cannot be."""
    path = os.path.join(build, FILE)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as fault:
        raise OutputError(f"{path} cannot be removed: {fault.strerror}", "make it writable for you") from None


def _is_told(said: str) -> bool:
    """Whether a text begins with the four numbers that a run tells (see ``Report.memo``)."""
    words = said.partition("\n")[0].split(" ")
    return len(words) == _TOLD and all(word.isdecimal() for word in words)


def _head(build: str, rest: str) -> str:
    """What only this version of Publisher, in this very folder, wrote before this very text.

    A site that is copied elsewhere takes the text along, and it is about the other folder.
    """
    stat = os.stat(build)
    return f"Publisher {__version__} {stat.st_dev} {stat.st_ino} {crc32(rest.encode('utf-8', 'surrogateescape')):08x}"


def sources_listing(posts: str, static: str, templates: list[str]) -> str:
    """The three listings that ``remember`` wants as sources, joined."""
    return "\v".join((posts, static, *templates))


def _sources(posts: str, static: str, templates: list[str], passed_over: frozenset[str]) -> str:
    return sources_listing(
        listing(scan_if_there(posts, passed_over)),
        listing(scan_if_there(static, whole=True)) if static else "",
        [listing(scan_if_there(folder)) for folder in templates],
    )


def _lines(stamps: dict[str, str]) -> str:
    return "\n".join(f"{path}\t{stamp}" for path, stamp in stamps.items())


def _stamps(lines: str, root: str = "") -> str:
    """The same lines with the stamps that the files have now."""
    found = []
    prefix = root + "/" if root else ""
    for line in lines.split("\n") if lines else ():
        path = line.partition("\t")[0]
        found.append(f"{path}\t{stamp(prefix + path)}")
    return "\n".join(found)


def stamp(path: str) -> str:
    """What tells the file at a path from a later one; empty if there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return ""
    return f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
