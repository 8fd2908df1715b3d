"""The press of `publisher serve`: it has `publish` run, when posts fall due and when files change.

A run is a process of its own. feedgen sets the locale of the whole process it lives in, and the crew forks: neither
has a place beside threads that send mail and answer visitors. What the run says comes back as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from publisher.config import load
from publisher.errors import ConfigError, PublisherError
from publisher.flows import unchanged
from publisher.flows.publish import BUILD, LOCK
from publisher.flows.watch import changes
from publisher.model.problem import Level, Problem, error
from publisher.output.lock import AT_WORK, still

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 60.0  # seconds that another run is waited for
AGAIN = 60.0  # seconds until a run that could not publish what fell due is tried again
_STEP = 0.05
_PROGRAM = "from publisher.cli.main import main; main()"
_LONGEST = 4000  # characters of what a run said that nobody foresaw
_REFUSED = 1  # the exit code


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of a run: its exit code (see errors.py), its problems, and whether a file of the output changed."""

    code: int = 0
    problems: tuple[Problem, ...] = ()
    changed: bool = False


class Press:
    """Publishes the site in a folder; one run at a time, from any thread.

    ``said`` hears each problem of each run, its failure among them. Where there is no folder of
    posts (a server that only mails) nothing is run and nothing is due.
    """

    def __init__(self, site: Path, said: Callable[[Problem], None]) -> None:
        self._site, self._said = site, said
        self._build = os.fspath(site / BUILD)
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._tried: tuple[float | None, float] = (None, 0.0)  # what was due at the last run, and when that began

    def run(self) -> Pressed:
        """Publish now, after a run of somebody else that is under way."""
        with self._turn:
            self._tried = (unchanged.fell_due(self._build), time.monotonic())
            done = self._run()
        for one in done.problems:
            self._said(one)
        return done

    def due(self, now: datetime) -> bool:
        """Whether a post fell due or expired since the last run. What a run could not mend is not due for a minute."""
        moment = unchanged.fell_due(self._build, now.timestamp())
        if moment is None or not self._has_posts():
            return False
        tried, began = self._tried
        return moment != tried or time.monotonic() - began > AGAIN

    def following(self) -> datetime | None:
        """When the next post falls due or expires, as far as the last run knew; aware UTC."""
        moment = unchanged.until(self._build)
        return None if moment is None else datetime.fromtimestamp(moment, UTC)

    def stop(self) -> None:
        """Wait for nobody else any more, and begin no run; one that is under way is finished."""
        self._stopping.set()

    def _has_posts(self) -> bool:
        try:
            return (self._site / load(self._site).posts.dir).is_dir()
        except PublisherError:
            return True  # the run will say what is wrong

    def _run(self) -> Pressed:
        try:
            posts = self._site / load(self._site).posts.dir
        except ConfigError as fault:
            return Pressed(fault.exit_code, fault.problems)
        except PublisherError as fault:
            return Pressed(fault.exit_code, (error("", 0, fault.message, fault.remedy),))
        deadline = time.monotonic() + PATIENCE
        while posts.is_dir() and not self._stopping.is_set():
            done = self._once()
            if done is not None:
                return done
            if not self._waits_for_the_other(deadline):
                return Pressed(_REFUSED, (error("", 0, AT_WORK, "see what it is waiting for"),))
        return Pressed()

    def _once(self) -> Pressed | None:
        """Run once; None if somebody else's run was at work."""
        words = [sys.executable, "-P", "-c", _PROGRAM, "publish", "-q", "--json"]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                words,
                cwd=self._site,
                env={**os.environ, "PYTHONIOENCODING": "utf-8:surrogateescape"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                start_new_session=True,  # Ctrl-C at our terminal is for us: what is being written is finished
            )
        except OSError as fault:
            return Pressed(
                _REFUSED, (error("", 0, f"publish cannot be started: {fault.strerror}", "make room for it"),)
            )
        out, told = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
        if AT_WORK in told:
            return None
        try:
            return _read(done.returncode, json.loads(out))
        except (ValueError, LookupError, TypeError):
            return Pressed(abs(done.returncode) or _REFUSED, (_failed(done.returncode, told),))

    def _waits_for_the_other(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            with still(self._site / BUILD / LOCK) as free:
                if free:
                    return True
            if self._stopping.wait(_STEP):
                return True
        return False


def _read(code: int, answer: dict[str, Any]) -> Pressed:
    problems = tuple(Problem(**{**one, "level": Level(one["level"])}) for one in answer["problems"])
    return Pressed(code, problems, changed=any(answer[name] for name in ("new", "changed", "removed")))


def _failed(code: int, told: str) -> Problem:
    """What a run that has no answer said instead."""
    text = told.strip()
    if code < 0 or not text.startswith("error: "):
        return error("", 0, f"publish ended with exit code {code}", text[-_LONGEST:])
    message, _, remedy = text.removeprefix("error: ").partition("\n  ")
    return error("", 0, message, remedy)


class Watcher:
    """Calls back after each change of a post, static file, template or config.toml, and when a post falls due.

    The call comes within 0.3 seconds, one at a time; what changes during one leads to another. At the start it comes
    if the site is not as it was published. ``said`` hears once if the folder cannot be watched.
    """

    def __init__(self, site: Path, changed: Callable[[], object], said: Callable[[str], None]) -> None:
        self._site, self._changed, self._said = site, changed, said
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a call under way is waited for."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        try:
            seen = changes(self._site, self._stopping)
            next(seen)  # it would have a first run begin, which is not ours to ask for
            for _ in seen:
                self._changed()
        except PublisherError as fault:
            self._said(str(fault))
