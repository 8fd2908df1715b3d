"""The doorman of the web server: writes visitors' wishes down, many in one transaction, and has them settled later.

A visitor's answer waits for their wish to be committed and for nothing else, so neither the answer nor its time
tells whether an address is known. What is committed outlives the process: whoever starts next settles it.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from publisher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 10_000  # visitors that may wait at one time
TOGETHER = 500  # wishes that are committed together
LINGER = 0.02  # seconds that the next visitor is waited for before anything is settled
PATIENCE = 1.0  # seconds after which something is settled, however many visitors come
AGAIN = 5.0  # seconds until what could not be settled is tried again
STUCK = 8.0  # seconds that a visitor is kept waiting, and after which the store counts as held by somebody else
BUSY, LATER = "the server is busy", "Try again in a minute."

Wish = TypeVar("Wish")


class Doorman(Generic[Wish]):
    """One thread that commits wishes with ``write`` and, when nobody comes, or too many for too long, calls ``settle``.

    ``settle`` does a part of the work and tells in how many seconds to go on with the rest, None when nothing is left.
    Faults of it are given to ``tell``, and ``again`` seconds later it is called again. Those of ``write`` go to whoever
    waits; whatever they are, the next visitors are taken in.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Wish]], None],
        settle: Callable[[], float | None],
        tell: Callable[[Exception], None],
        again: float = AGAIN,
        stuck: float = STUCK,
    ) -> None:
        self._write, self._settle, self._tell, self._again = write, settle, tell, again
        self._stuck = stuck
        self._began: float | None = None  # when what is under way in the store was begun
        self._waiting: deque[tuple[Wish, Future[None]]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._pause: float | None = 0  # until something is settled: a former process may have left something
        self._busy = False  # somebody came a moment ago
        self._settled = monotonic()
        self._thread = threading.Thread(target=self._work, name="doorman")

    def start(self) -> None:
        """Begin, with what a former process left."""
        self._thread.start()

    def stop(self) -> None:
        """Take nobody in any more; whoever waits is written down first."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def note(self, wish: Wish) -> None:
        """Return when the wish is committed. Raises StoreError when it cannot be, or when too many wait.

        While the store is held by another program, visitors are turned away: each takes up a thread that pages need.
        A wish may then be committed all the same, which does no harm.
        """
        done: Future[None] = Future()
        with self._changed:
            if self._stopping or len(self._waiting) >= MOST or self._is_stuck():
                raise StoreError(BUSY, LATER)
            self._waiting.append((wish, done))
            self._changed.notify_all()
        try:
            done.result(self._stuck)
        except TimeoutError:
            done.cancel()
            raise StoreError(BUSY, LATER) from None

    def _is_stuck(self) -> bool:
        return self._began is not None and monotonic() - self._began >= self._stuck

    def _work(self) -> None:
        try:
            while not self._is_over():
                batch = self._next()
                if batch:
                    self._commit(batch)
                if batch and monotonic() - self._settled < PATIENCE:
                    continue
                if self._pause is not None and not self._stopping:
                    self._settle_some()
        finally:
            self._turn_away()

    def _is_over(self) -> bool:
        with self._changed:
            return self._stopping and not self._waiting

    def _next(self) -> list[tuple[Wish, Future[None]]]:
        with self._changed:
            if not self._waiting and not self._stopping:
                self._changed.wait(LINGER if self._pause == 0 and self._busy else self._pause)
            self._busy = bool(self._waiting)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        return [(wish, done) for wish, done in batch if done.set_running_or_notify_cancel()]

    def _commit(self, batch: Sequence[tuple[Wish, Future[None]]]) -> None:
        self._began = monotonic()
        try:
            self._write([wish for wish, _ in batch])
        except Exception as fault:  # noqa: BLE001 - raised again in the threads of those who wait
            for _, done in batch:
                done.set_exception(fault)
            return
        finally:
            self._began = None
        self._pause = 0
        for _, done in batch:
            done.set_result(None)

    def _settle_some(self) -> None:
        self._settled = self._began = monotonic()
        try:
            self._pause = self._settle()
        except Exception as fault:  # noqa: BLE001 - told; a fault of ours must not turn everybody away for ever
            self._pause = self._again
            self._tell(fault)
        finally:
            self._began = None

    def _turn_away(self) -> None:
        """Nobody may wait for a thread that is no more."""
        with self._changed:
            self._stopping = True
            while self._waiting:
                done = self._waiting.popleft()[1]
                if done.set_running_or_notify_cancel():
                    done.set_exception(StoreError(BUSY, LATER))
