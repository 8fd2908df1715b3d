"""The shelf stays fresh: what is published is served, and never half of it.

A shelf is replaced whole, by one whose files all stood beside each other at one moment:

- While a run of publish holds its lock, nothing is read. A run that has finished leaves ``last.txt`` beside the lock,
  which is its word that the output is as it should be: that is read at once.
- What was written without such a word (by another generator, by a deploy, by a run that failed half way or was
  killed) is read when nothing has moved for 0.3 seconds and nobody holds the lock. After a failed run the output is
  in part renewed, each file whole: no run is at work that would finish it, so that is then the truth, which a
  server of static files would show, too. Until then the former shelf stays.
- A run is not kept waiting. What was read counts if every file has the stamp that was seen before, and no run was at
  work before or after or began meanwhile. Only where runs follow each other so closely that this fails again and
  again is the lock held while the little is read that the attempts have left; a run waits for that (output/lock.py).

Changes are heard of by inotify where there is such a thing. Not every folder has it (a network's, some of containers),
and a folder may be replaced by another one. Therefore some stamps are also looked at each second, and those of all
files as often as costs no more than a hundredth of the time.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from watchfiles import watch

from publisher.flows import unchanged
from publisher.output import gone, manifest, redirects
from publisher.output.lock import still
from publisher.output.place import Place
from publisher.web.folder import Stamp, walk
from publisher.web.shelf import Shelf, read_shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Files = Mapping[str, tuple[str, Stamp]]  # by their paths: where they lie, and their stamps

QUIET = 0.3  # seconds without a change after which nobody is taken to be writing
RESTLESS = 30.0  # seconds after which an output that is never quiet is read all the same
PATIENCE = 10.0  # seconds that ``refresh`` waits for a run of somebody else
LOOK = 1.0  # seconds between two looks at a few stamps
SHARE = 100  # of the time, one part goes into looking at the stamps of all files
RETRY = 60.0  # seconds until a folder that could not be watched is tried again
ATTEMPTS = 2  # that runs may overtake, until they are kept from beginning
_STEP, _LONGER_STEP = 0.005, 0.03  # seconds until it is asked again for the lock, and for quiet
_NOTIFY = {"watch_filter": None, "debounce": 100, "step": 20, "rust_timeout": 1000, "yield_on_timeout": True}


class _Look(NamedTuple):
    """What is on disk: the word of a run that finished, every file, and the paths that are ours."""

    finished: str
    files: Files
    ours: frozenset[str]


NOTHING = _Look("", {}, frozenset())


class Shelves:
    """The shelf of the output in ``root``: ``current`` is the newest that could be read whole.

    ``base_path`` is the path of base_url, ``lock`` the file that publish holds. ``current`` is empty until ``start`` or
    ``refresh``, and where there is no output. All methods may be called from any thread. ``ran`` is called after a
    run of publish has finished, whoever began it: what will be due may be something else then.
    """

    def __init__(self, root: Path, base_path: str, lock: Path, ran: Callable[[], object] = lambda: None) -> None:
        self._root, self._base_path, self._lock, self._ran = root, base_path, lock, ran
        self._place = Place(root)
        self._current = Shelf.of({}, {}, base_path)
        self._taken = NOTHING  # what ``current`` was read from
        self._draft: Shelf | None = None  # what was read in vain
        self._overtaken = 0  # attempts
        self._quiet: tuple[Files, float] | None = None  # what has not moved since then
        self._restless: float | None = None  # since when there has been something to read that is not quiet
        self._tokens: tuple[str, ...] = ()
        self._next_look = 0.0
        self._took = 0.0
        self._reading = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True)
            for work in (self._follow, self._listen)
        ]

    @property
    def current(self) -> Shelf:
        """The shelf to serve from. It does not change; ask again for each request."""
        return self._current

    def start(self) -> None:
        """Read what is there, and follow its changes from now on."""
        self.refresh()
        for thread in self._threads:
            thread.start()

    def refresh(self, patience: float = PATIENCE) -> bool:
        """Read now what has changed. False if that could not be: a run is at work, or somebody goes on writing."""
        return self._settle(patience)

    def stop(self) -> None:
        """Follow no more."""
        self._stopping.set()
        self._woken.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    # When to read

    def _follow(self) -> None:
        while not self._stopping.is_set():
            woken = self._woken.wait(LOOK)
            self._woken.clear()
            if woken or time.monotonic() >= self._next_look or self._tokens != self._few_stamps():
                self._settle(None)

    def _listen(self) -> None:
        """Wake the other thread when something moves in the output or the build state."""
        while not self._stopping.is_set():
            folders = [folder for folder in (self._root, self._lock.parent) if folder.is_dir()]
            try:
                if folders:
                    self._listen_to(folders)
                else:
                    self._stopping.wait(LOOK)
            except (OSError, RuntimeError):  # too many folders, or no inotify: looking has to do
                self._stopping.wait(RETRY)

    def _listen_to(self, folders: list[Path]) -> None:
        """Hear of changes until one of the folders is another one, or there is one more."""
        which = self._folders()
        for batch in watch(*folders, stop_event=self._stopping, **_NOTIFY):  # type: ignore[arg-type] # a table of options
            if batch:
                self._woken.set()
            if which != self._folders():
                self._woken.set()
                return

    def _folders(self) -> tuple[str, str]:
        return _inode(self._root), _inode(self._lock.parent)

    def _few_stamps(self) -> tuple[str, ...]:
        """Stamps that tell of most changes and cost nothing."""
        build = self._lock.parent
        ours = (self._place.full(manifest.PATH), self._place.full(redirects.PATH), self._place.full(gone.PATH))
        return tuple(map(unchanged.stamp, (str(build / unchanged.FILE), *ours, self._place.root)))

    # Reading

    def _settle(self, patience: float | None) -> bool:
        """Try until ``current`` is what is on disk; without end if there is no patience to lose."""
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            self._tokens = self._few_stamps()
            with self._reading:
                if self._attempt():
                    self._quiet = self._restless = None
                    self._next_look = time.monotonic() + max(LOOK, SHARE * self._took)
                    return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            if self._stopping.wait(self._pause()):
                return False

    def _pause(self) -> float:
        """Until the next attempt: soon for a run that must end, ever later for somebody who never rests."""
        if self._restless is None:
            return _STEP
        return max(_LONGER_STEP, 2 * self._took, (time.monotonic() - self._restless) / 20)

    def _attempt(self) -> bool:
        """Read if there is something to read, and it is whole."""
        if self._overtaken < ATTEMPTS:
            return self._reads()
        with still(self._lock) as free:
            return free and self._reads()

    def _reads(self) -> bool:
        run = self._run()
        if run is None:
            return False
        seen = self._look()
        if seen.files != self._taken.files:
            if not self._is_settled(seen):
                return False
            shelf = read_shelf(self._root, self._base_path, self._draft or self._current)
            if self._run() != run or not (self._agrees(shelf, seen) or self._is_overdue()):
                self._draft, self._overtaken = shelf, self._overtaken + 1
                return False
            self._current = shelf
        has_run = seen.finished not in {"", self._taken.finished}
        self._taken, self._draft, self._overtaken = seen, None, 0
        if has_run:
            self._ran()
        return True

    def _run(self) -> str | None:
        """What tells the last run from the next one; None while one is at work.

        Each writes the number of its process into the lock when it begins.
        """
        stamp = unchanged.stamp(str(self._lock))
        with still(self._lock) as free:
            return stamp if free else None

    def _agrees(self, shelf: Shelf, seen: _Look) -> bool:
        """Whether a shelf is of the very files that were seen; one that cannot be read may be missing."""
        read = {path: (document.file, document.stamp) for path, document in shelf.files.items()}
        missing = seen.files.keys() - read.keys()
        return read.items() <= seen.files.items() and all(_stands(*seen.files[path]) for path in missing)

    def _is_settled(self, seen: _Look) -> bool:
        """Whether what is on disk belongs together."""
        moved = {path for path, _ in seen.files.items() ^ self._taken.files.items()}
        if seen.finished not in {"", self._taken.finished} and moved <= seen.ours | self._taken.ours:
            return True
        now = time.monotonic()
        if self._quiet is None or self._quiet[0] != seen.files:
            self._quiet = (seen.files, now)
        self._restless = self._restless or now
        return now - self._quiet[1] >= QUIET or self._is_overdue()

    def _is_overdue(self) -> bool:
        """Whether nobody should wait any longer for an output that is never quiet."""
        return self._restless is not None and time.monotonic() - self._restless >= RESTLESS

    def _look(self) -> _Look:
        began = time.monotonic()
        finished = unchanged.stamp(str(self._lock.with_name(unchanged.FILE)))
        files = {entry.name: (entry.file, entry.stamp) for entry in walk(os.path.realpath(self._root))}
        for name in (redirects.PATH, gone.PATH):
            with suppress(OSError):
                file = self._root / name
                files[name] = (str(file), Stamp.of(file.lstat()))
        ours = manifest.read(self._place) | {redirects.PATH, gone.PATH}
        self._took = time.monotonic() - began
        return _Look(finished, files, ours)


def _stands(file: str, stamp: Stamp) -> bool:
    """Whether a file is the one that was seen."""
    try:
        return Stamp.of(os.lstat(file)) == stamp
    except OSError:
        return False


def _inode(folder: Path) -> str:
    try:
        stat = folder.stat()
    except OSError:
        return ""
    return f"{stat.st_dev} {stat.st_ino}"
