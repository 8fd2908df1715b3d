"""How much the visitors of one network may cause, kept in memory that has an end.

What a key has left is told by one number, the moment at which it would be as fresh as a new one (the generic cell rate
algorithm of ITU-T I.371): each thing done moves it on, time catches up with it. So a burst passes, a stream does not,
and what has caught up need not be remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

KEYS = 50_000  # networks that are remembered; beyond, the one that was idle longest begins anew
HOUR, MINUTE = 3600.0, 60.0
GUESSES = 60  # a minute
REASONS = 20  # an hour


class Limit:
    """Counts by key, any number of times ``most`` in ``span`` seconds; every thread may ask.

    ``most`` is given with each question, since settings change. ``now`` is monotonic, in seconds.
    """

    def __init__(self, span: float, keys: int = KEYS) -> None:
        self._span, self._keys = span, keys
        self._fresh: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._fresh)

    def take(self, key: str, most: int, now: float, count: int = 1) -> float:
        """Count ``count`` things at once, or none; the seconds until they would be admitted, 0 when they are.

        More than ``most`` at once are counted as ``most``, or they never would be.
        """
        step = self._span / most * min(count, most)
        with self._lock:
            waiting = self._wait(key, now, step)
            if not waiting:
                self._fresh[key] = max(self._fresh.get(key, now), now) + step
                self._fresh.move_to_end(key)
                while len(self._fresh) > self._keys:
                    self._fresh.popitem(last=False)
            return waiting

    def wait(self, key: str, most: int, now: float) -> float:
        """The seconds until one more would be admitted; nothing is counted."""
        with self._lock:
            return self._wait(key, now, self._span / most)

    def _wait(self, key: str, now: float, step: float) -> float:
        fresh = self._fresh.get(key, now)
        over = max(fresh - now, 0) + step - self._span
        return over if over > self._span * 1e-9 else 0.0  # sums of fractions come out a little over


@dataclass(frozen=True, slots=True)
class Limits:
    """What is counted by network: letters that were asked for, links that were no good, reasons given."""

    letters: Limit = field(default_factory=lambda: Limit(HOUR))
    guesses: Limit = field(default_factory=lambda: Limit(MINUTE))
    reasons: Limit = field(default_factory=lambda: Limit(HOUR))
