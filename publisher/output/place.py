"""A folder that others read while we write: a file in it is the old one or the new one, never half.

Every file is written beside the others' reach, in ``.publisher/tmp`` inside the output, and then
renamed into place. What a killed run left there is swept by the next one.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import ForeignFile, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OURS = ".publisher"  # the one folder inside the output that is no page, feed or file of the site
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """What stands at a path after a write: ``stamp`` tells this very file from any later one."""

    path: str
    stamp: str
    changed: bool
    new: bool


class Place:
    """An output folder. Paths are POSIX and relative to it.

    With ``dry`` it only compares: what a write returns is what it would have done. ``temporary`` is
    the folder for files under way, swept at the start of each run.
    """

    __slots__ = ("_made", "_stamps", "dry", "root", "temporary")

    def __init__(self, root: Path, *, dry: bool = False) -> None:
        self.root = os.fspath(root)
        self.dry = dry
        self.temporary = os.path.join(self.root, OURS, "tmp")
        self._made: set[str] = set()
        self._stamps: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the folder and sweep what a killed run left. Raises OutputError where that cannot be."""
        if self.dry:
            return
        try:
            if os.path.islink(self.temporary):
                os.unlink(self.temporary)  # never ours, and what it leads to is not ours to sweep
            os.makedirs(self.temporary, exist_ok=True)
            for name in os.listdir(self.temporary):
                os.unlink(os.path.join(self.temporary, name))
        except OSError as fault:
            raise self._error(fault, OURS) from None

    def full(self, path: str) -> str:
        """Where a path of the output is on this machine."""
        return os.path.join(self.root, path)

    def stamp(self, path: str) -> str:
        """What tells the file at ``path`` from a later one; empty if there is none. Looked up once a run."""
        known = self._stamps.get(path)
        if known is None:
            try:
                known = stamp_of(os.stat(f"{self.root}/{path}"))
            except OSError:
                known = ""
            self._stamps[path] = known
        return known

    def wrote(self, done: Written) -> None:
        """Take note of a write, this process's or a worker's, for later questions about its stamp."""
        self._stamps[done.path] = done.stamp

    def read(self, path: str) -> bytes:
        """The bytes at a path. Raises OutputError if they cannot be read."""
        try:
            with open(self.full(path), "rb") as stream:
                return stream.read()
        except OSError as fault:
            raise OutputError(f"{self.full(path)} cannot be read: {fault.strerror}", "publish again") from None

    def write(self, path: str, data: bytes) -> Written:
        """Put bytes at a path, atomically, unless they stand there already (its times then do not move)."""
        target = self.full(path)
        try:
            before = None if self._has_new_folder(path) else _read(target, len(data))
            if before == data:
                return Written(path, stamp_of(os.stat(target)), changed=False, new=False)
            if self.dry:
                return Written(path, "", changed=True, new=before is None)
            temporary = self._under_way(path)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                stamp = stamp_of(os.fstat(descriptor))
            finally:
                os.close(descriptor)
            _rename(temporary, target)
        except OSError as fault:
            raise self._failed(fault, path) from None
        return Written(path, stamp, changed=True, new=before is None)

    def write_pieces(self, path: str, pieces: Iterable[bytes]) -> Written:
        """The same for a document too large to stand in memory."""
        if self.dry:
            return self.write(path, b"".join(pieces))
        target = self.full(path)
        temporary = self._under_way(path)
        try:
            with open(temporary, "wb", _CHUNK) as stream:
                stream.writelines(pieces)
            if _same(temporary, target):
                os.unlink(temporary)
                return Written(path, stamp_of(os.stat(target)), changed=False, new=False)
            new = not os.path.exists(target)
            _rename(temporary, target)
            return Written(path, stamp_of(os.stat(target)), changed=True, new=new)
        except OSError as fault:
            raise self._failed(fault, path) from None

    def copy(self, source: str, path: str) -> Written | None:
        """The same for a file that is published as it is; None if it cannot be read."""
        try:
            stream = open(source, "rb")  # noqa: SIM115 - closed below; only its opening is to be tried
        except OSError:
            return None
        with stream:
            return self.write_pieces(path, iter(lambda: stream.read(_CHUNK), b""))

    def remove(self, path: str) -> None:
        """Take a file of ours away, and the folders that it leaves empty. Never through a link that leads elsewhere."""
        folder = os.path.dirname(path)
        if self.dry or not self._is_inside(folder):
            return
        try:
            os.unlink(self.full(path))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            pass  # gone already, or something else has taken its place
        except OSError as fault:
            if fault.errno != errno.ENAMETOOLONG:  # no file has such a name: the manifest is spoilt
                raise self._error(fault, path) from None
        while folder:
            try:
                os.rmdir(self.full(folder))
            except OSError:
                break
            self._made.discard(folder)
            folder = os.path.dirname(folder)

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder of the output truly lies in it, links followed."""
        root = os.path.realpath(self.root)
        return not folder or os.path.realpath(os.path.join(root, folder)).startswith(root + os.sep)

    def _under_way(self, path: str) -> str:
        name = path.rpartition("/")[2][:40]
        return os.path.join(self.temporary, f"{os.getpid()}-{name}")

    def _has_new_folder(self, path: str) -> bool:
        """Make a path's folder; whether it was not there before, and so holds nothing."""
        folder = path.rpartition("/")[0]
        if self.dry or folder in self._made:
            return False
        self._made.add(folder)
        try:
            os.mkdir(f"{self.root}/{folder}")
        except OSError:  # it is there, or its own folder is not: _rename sees to the latter
            return False
        return True

    def _failed(self, fault: OSError, path: str) -> OutputError:
        """The error of a write. What it left would take up room where there may be none."""
        with suppress(OSError):
            os.unlink(self._under_way(path))
        return self._error(fault, path)

    def _error(self, fault: OSError, path: str) -> OutputError:
        where = self.full(path)
        if fault.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY):
            return ForeignFile(
                f"{where} cannot be written: something of another kind is in its way",
                "move it out of the output folder",
            )
        remedies = {
            errno.ENOSPC: "make room on the disk and publish again; what was published before is still in place",
            errno.EDQUOT: "make room in your quota and publish again; what was published before is still in place",
            errno.EACCES: "make the folder writable for you, or name another one as dir in [output]",
            errno.EPERM: "make the folder writable for you, or name another one as dir in [output]",
            errno.EROFS: "the file system is read-only: name another folder as dir in [output]",
            errno.ENAMETOOLONG: "shorten the post's slug or its permalink",
        }
        return OutputError(
            f"{where} cannot be written: {fault.strerror}",
            remedies.get(fault.errno or 0, "mend this and publish again; what was published before is still in place"),
        )


def _rename(temporary: str, target: str) -> None:
    try:
        os.replace(temporary, target)
    except FileNotFoundError:  # its folder is not there, or went away under us
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(temporary, target)


def is_ours(path: str) -> bool:
    """Whether a path of the output is in the folder that holds the manifest."""
    return path.startswith(f"{OURS}/")


def stamp_of(stat: os.stat_result) -> str:
    """Modification time, size and inode: any write by another program changes at least one."""
    return f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"


def _read(target: str, size: int) -> bytes | None:
    """The bytes at ``target``: None if nothing is there, some other bytes if the size already differs."""
    try:
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in its place would be waited for without end
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        stat = os.fstat(descriptor)
        if stat.st_size != size or not modes.S_ISREG(stat.st_mode):
            return b"" if size else b"another"
        parts = []
        while part := os.read(descriptor, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _same(one: str, other: str) -> bool:
    try:
        if not os.path.isfile(other) or os.path.getsize(one) != os.path.getsize(other):
            return False
        with open(one, "rb") as left, open(other, "rb") as right:
            while part := left.read(_CHUNK):
                if part != right.read(_CHUNK):
                    return False
    except FileNotFoundError:
        return False
    return True


def _unfinished(path: Path) -> Path:
    """Where ``write_precious`` writes. One name for all runs, of which only one is at work."""
    return path.with_name(f".{path.name}.new")


def sweep_precious(path: Path) -> None:
    """Take away what a run that was killed in ``write_precious`` left beside ``path``."""
    with suppress(OSError):
        os.unlink(_unfinished(path))


def write_precious(path: Path, data: bytes) -> None:
    """Put bytes at a path outside the output, atomically and past the disk's cache: they cannot be made again."""
    temporary = _unfinished(path)
    try:
        with open(temporary, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as fault:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written: {fault.strerror}", "make room, or make it writable for you"
        ) from None
