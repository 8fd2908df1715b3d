"""How long a command takes and how much memory it asks for, from outside.

Time is a monotonic clock around the whole process, start and end of the interpreter included.
Memory is told in two ways, since Publisher uses several processes and the others one:

- ``largest``: the peak of the largest single process, as the kernel kept it (getrusage);
- ``tree``: the peak of the sum over the process and its descendants, where a page that two of
  them share is counted once (PSS of /proc/PID/smaps_rollup, sampled). This is the fair figure, and
  the one in the table. Taking samples costs time, so time is never taken in the same run.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

_PAUSE = 0.01  # seconds between two samples of memory
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that are compared. ``before`` puts things as they are to be found, ahead of each run."""

    name: str
    command: tuple[str, ...]
    folder: Path
    before: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks in bytes. ``tree`` is 0 where the kernel tells no PSS."""

    largest: int
    tree: int


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds of several runs of one side: by the clock, and of processor time over all its processes."""

    seconds: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """The middle one, which a single disturbance does not move."""
        return median(self.seconds)


def alternate(ours: Side, peer: Side | None, pairs: int) -> tuple[Times, Times | None]:
    """Time both sides in turns, so that what slows the machine for a while slows both."""
    first: list[tuple[float, float]] = []
    second: list[tuple[float, float]] = []
    for _ in range(pairs):
        first.append(timed(ours))
        if peer:
            second.append(timed(peer))
    return _times(first), _times(second) if peer else None


def _times(runs: list[tuple[float, float]]) -> Times:
    return Times(tuple(seconds for seconds, _ in runs), tuple(cpu for _, cpu in runs))


def ratio(ours: Times, peer: Times) -> float:
    """The median of the ratios of neighbouring runs."""
    return median(one / other for one, other in zip(ours.seconds, peer.seconds, strict=True))


def timed(side: Side) -> tuple[float, float]:
    """Seconds that one run takes, and its processor seconds. Raises RuntimeError with its last words if it fails."""
    side.before()
    with TemporaryFile() as words:
        start = time.perf_counter()
        process = subprocess.Popen(side.command, cwd=side.folder, stdout=words, stderr=words)
        usage = _ended(process)
        took = time.perf_counter() - start
        _require(side, process.returncode, words)
    return took, usage.ru_utime + usage.ru_stime


def _ended(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Wait for a process; what it used, its own children included."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def memory(side: Side) -> Memory:
    """Peaks of one run, which is not timed. Raises as ``timed`` does."""
    side.before()
    with TemporaryFile() as words:
        process = subprocess.Popen(side.command, cwd=side.folder, stdout=words, stderr=words)
        watch = _Watch(process.pid)
        watch.start()
        usage = _ended(process)
        watch.stop()
        _require(side, process.returncode, words)
    return Memory(usage.ru_maxrss * 1024, watch.peak)


def _require(side: Side, code: int, words: IO[bytes]) -> None:
    if code:
        words.seek(0)
        raise RuntimeError(f"{side.name} ended with {code}: {words.read().decode(errors='replace')[-2000:]}")


class _Watch(threading.Thread):
    """Looks again and again at how much memory a process and its descendants hold."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._root = root
        self._stopped = threading.Event()

    def run(self) -> None:
        """Sample until told to stop."""
        while not self._stopped.wait(_PAUSE):
            self.peak = max(self.peak, sum(_pss(process) for process in _family(self._root)))

    def stop(self) -> None:
        """End the samples; ``peak`` is final afterwards."""
        self._stopped.set()
        self.join()


def _family(root: int) -> list[int]:
    """A process and all its living descendants."""
    found = [root]
    for process in found:
        for task in _PROC.glob(f"{process}/task/*/children"):
            found += map(int, _text(task).split())
    return found


def _pss(process: int) -> int:
    """Bytes of memory in proportion to how many share each page; 0 for a process that is gone."""
    for line in _text(_PROC / str(process) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):  # it ended between two looks
        return ""
