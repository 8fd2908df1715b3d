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


class Clock:
    """Calls ``run`` at once, and again at the moment it returns, at the latest after a minute; one call at a time."""

    def __init__(self, run: Callable[[], datetime | None]) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._run = run
        self._stopped = threading.Event()
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def start(self) -> None:
        """Begin to ring."""
        self._scheduler.start()
        self._ring(datetime.now(UTC))

    def stop(self) -> None:
        """Ring no more; a call under way is waited for."""
        self._stopped.set()
        self._scheduler.shutdown(wait=True)

    def wait(self) -> None:
        """Block until somebody stops the clock."""
        self._stopped.wait()

    def _ring(self, at: datetime) -> None:
        if not self._stopped.is_set():
            self._scheduler.add_job(self._wake, DateTrigger(at), id="wake", replace_existing=True)

    def _wake(self) -> None:
        try:
            following = self._run()
        finally:
            now = datetime.now(UTC)
            self._ring(now + LATEST)
        if following is not None:
            self._ring(min(max(following, now + SOONEST), now + LATEST))
