"""The clock calls at once, when it is rung and at the moments it is given; one call at a time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from publisher.engine.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0  # seconds until something that should have happened surely never will


class Calls:
    """What a clock calls: each call waits, where ``held`` is set, until it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.count = 0
        self.most = 0  # calls that were under way at one time
        self.following: datetime | None = None
        self._at_work = 0
        self._changed = threading.Condition()
        self._go = threading.Semaphore(0)
        self._held = held

    def __call__(self) -> datetime | None:
        with self._changed:
            self.count += 1
            self._at_work += 1
            self.most = max(self.most, self._at_work)
            self._changed.notify_all()
        if self._held:
            assert self._go.acquire(timeout=PATIENCE)
        with self._changed:
            self._at_work -= 1
            self._changed.notify_all()
        return self.following

    def let_go(self) -> None:
        self._go.release()

    def come_to(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, PATIENCE)

    def are_idle(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._at_work == 0, PATIENCE)


@contextmanager
def going(calls: Calls) -> Iterator[Clock]:
    clock = Clock(calls)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


def test_a_clock_calls_at_once_when_it_is_started_and_when_it_is_rung() -> None:
    calls = Calls()
    with going(calls) as clock:
        assert calls.come_to(1)
        for count in range(2, 30):
            assert calls.are_idle()
            clock.ring()
            assert calls.come_to(count), "a ring just after a call is not lost"
    assert calls.most == 1


def test_a_call_under_way_is_followed_by_one_other_however_often_it_was_rung() -> None:
    calls = Calls(held=True)
    with going(calls) as clock:
        assert calls.come_to(1)
        for _ in range(50):
            clock.ring()
        assert calls.count == 1
        calls.let_go()
        assert calls.come_to(2)
        calls.let_go()
        assert calls.are_idle()
    assert (calls.count, calls.most) == (2, 1)


def test_threads_that_ring_are_each_answered_by_a_call_that_began_after_the_ring() -> None:
    written = [0]
    seen = [0]
    changed = threading.Condition()

    def look() -> datetime | None:
        with changed:
            seen[0] = written[0]
            changed.notify_all()
        return None

    def looked_since(mine: int) -> bool:
        return seen[0] >= mine

    clock = Clock(look)

    def write_and_ring() -> None:
        for _ in range(100):
            with changed:
                written[0] += 1
                mine = written[0]
            clock.ring()
            with changed:
                assert changed.wait_for(partial(looked_since, mine), PATIENCE)

    clock.start()
    threads = [threading.Thread(target=write_and_ring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    clock.stop()
    assert seen == written == [400]


def test_the_moment_that_a_call_returns_is_kept_though_never_sooner_than_a_second() -> None:
    calls = Calls()
    calls.following = datetime.now(UTC) - timedelta(hours=1)
    begun = datetime.now(UTC)
    with going(calls):
        assert calls.come_to(2)
    assert datetime.now(UTC) - begun >= timedelta(seconds=1)


def test_a_clock_that_is_stopped_waits_for_the_call_and_calls_no_more() -> None:
    calls = Calls(held=True)
    clock = Clock(calls)
    clock.ring()
    assert calls.count == 0, "it is not going yet"
    clock.start()
    assert calls.come_to(1)
    clock.ring()
    stopping = threading.Thread(target=clock.stop)
    stopping.start()
    assert clock._stopped.wait(PATIENCE)
    calls.let_go()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    clock.ring()
    assert calls.count == 1


def test_a_clock_that_never_went_can_be_rung_and_stopped() -> None:
    calls = Calls()
    clock = Clock(calls)
    clock.ring()
    clock.stop()
    assert calls.count == 0
