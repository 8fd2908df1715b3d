"""The clock of `publisher serve`: it wakes a pass when something is due, and knows nothing else.

APScheduler only rings. Its jobs are in memory and carry no meaning: slots, catching up and time zones are our own,
in the store (rules/calendar.py, flows/schedule.py), so a run that was missed is never missed there.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

SOONEST = timedelta(seconds=1)
LATEST = timedelta(minutes=1)  # posts may have come that no schedule knows of: "each" has a slot for every arrival
_QUEUED = 100  # more than can be: the next call may be asked for while the scheduler has not yet noted that one ended


class Clock:
    """Calls ``run`` at once, and again at the moment it returns, at the latest after a minute; one call at a time."""

    def __init__(self, run: Callable[[], datetime | None]) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._run = run
        self._stopped = threading.Event()
        self._turn = threading.Lock()  # held for a moment by whoever decides when the next call is
        self._at_work = False
        self._asked = False  # for a call that has not begun
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": _QUEUED},
            timezone=UTC,
        )

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()
        self.ring()

    def ring(self) -> None:
        """Call at once, from any thread; a call under way is followed by another one. Returns immediately."""
        with self._turn:
            if not self._asked and not self._at_work:
                self._call(datetime.now(UTC))
            self._asked = True

    def stop(self) -> None:
        """Call no more; a call under way is waited for."""
        with self._turn:  # or a call that ends just now would wait for the scheduler, and that for the call
            self._stopped.set()
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()  # it stumbles over one that it has just handed out when it is shut down
            self._scheduler.shutdown(wait=True)

    def _call(self, at: datetime) -> None:
        if not self._stopped.is_set():
            self._scheduler.add_job(self._wake, DateTrigger(at), id="wake", replace_existing=True)

    def _wake(self) -> None:
        with self._turn:
            self._at_work, self._asked = True, False
        following = None
        try:
            if not self._stopped.is_set():
                following = self._run()
        finally:
            with self._turn:
                self._at_work = False
                now = datetime.now(UTC)
                latest = now + LATEST
                self._call(now if self._asked else min(max(following or latest, now + SOONEST), latest))
