"""The doorman: many visitors at once, faults, and the end."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from publisher.engine.doorman import MOST, Doorman
from publisher.errors import PublisherError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE = 30


@dataclass
class Book:
    """What a store would hold."""

    batches: list[list[int]] = field(default_factory=list)
    unsettled: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    broken: Exception = field(default_factory=lambda: PublisherError("a template is broken"))
    faults: list[Exception] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    empty: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def write(self, wishes: Sequence[int]) -> None:
        self.begun.set()
        assert self.open.wait(PATIENCE)
        if -1 in wishes:
            raise StoreError("the disk is full")
        if -2 in wishes:
            raise ZeroDivisionError
        self.batches.append(list(wishes))
        self.unsettled += wishes
        self.empty.clear()

    def settle(self) -> float | None:
        if 13 in self.unsettled and not self.faults:
            raise self.broken
        if self.unsettled:
            self.settled.append(self.unsettled.pop(0))
        if self.unsettled:
            return 0
        self.empty.set()
        return None


@contextmanager
def a_doorman(book: Book, stuck: float = PATIENCE) -> Iterator[Doorman[int]]:
    doorman: Doorman[int] = Doorman(book.write, book.settle, book.faults.append, 0.05, stuck)
    doorman.start()
    try:
        yield doorman
    finally:
        doorman.stop()


def test_what_is_noted_is_committed_before_its_visitor_is_answered() -> None:
    book = Book()
    with a_doorman(book) as doorman:
        doorman.note(1)
        assert book.batches == [[1]]


def test_a_thousand_visitors_share_transactions_and_all_are_settled_in_order() -> None:
    book = Book()
    with a_doorman(book) as doorman, ThreadPoolExecutor(100) as pool:
        book.open.clear()
        coming = [pool.submit(doorman.note, number) for number in range(1000)]
        assert book.begun.wait(PATIENCE)
        book.open.set()
        for one in coming:
            one.result(PATIENCE)
        assert book.empty.wait(PATIENCE)
    written = [number for batch in book.batches for number in batch]
    assert sorted(written) == list(range(1000))
    assert len(book.batches) < 1000
    assert book.settled == written


@pytest.mark.parametrize(("wish", "fault"), [(-1, StoreError), (-2, ZeroDivisionError)])
def test_a_store_that_fails_is_told_to_those_who_waited_and_to_nobody_after(wish: int, fault: type[Exception]) -> None:
    book = Book()
    with a_doorman(book) as doorman:
        with pytest.raises(fault):
            doorman.note(wish)
        doorman.note(2)
    assert book.batches == [[2]]


@pytest.mark.parametrize("broken", [PublisherError("a template is broken"), ZeroDivisionError("nobody foresaw it")])
def test_what_cannot_be_settled_is_told_and_tried_again_when_somebody_comes(broken: Exception) -> None:
    book = Book(broken=broken)
    with a_doorman(book) as doorman:
        doorman.note(13)
        doorman.note(2)
        doorman.note(3)
        assert book.empty.wait(PATIENCE)
    assert book.faults == [broken]
    assert sorted(book.settled) == [2, 3, 13]


def test_what_a_former_process_left_is_settled_at_the_start() -> None:
    book = Book(unsettled=[7])
    with a_doorman(book):
        assert book.empty.wait(PATIENCE)
    assert book.settled == [7]


def test_after_the_end_nobody_is_taken_in_and_nobody_waits_for_ever() -> None:
    book = Book()
    with a_doorman(book) as doorman:
        doorman.note(1)
    with pytest.raises(StoreError):
        doorman.note(2)


def test_while_somebody_else_holds_the_store_visitors_are_turned_away_in_time() -> None:
    book = Book()
    with a_doorman(book, stuck=0.05) as doorman, ThreadPoolExecutor(2) as pool:
        book.open.clear()
        first = pool.submit(doorman.note, 1)
        assert book.begun.wait(PATIENCE)
        second = pool.submit(doorman.note, 2)
        for one in (first, second):
            with pytest.raises(StoreError, match="busy"):
                one.result(PATIENCE)
        with pytest.raises(StoreError, match="busy"):
            doorman.note(3)
        book.open.set()
    assert book.batches == [[1]]  # it was on its way; the others were asked to come again


def test_no_more_wait_than_can_be_served() -> None:
    doorman: Doorman[int] = Doorman(lambda _: None, lambda: None, lambda _: None)
    doorman._waiting.extend((number, Future()) for number in range(MOST))
    with pytest.raises(StoreError, match="busy"):
        doorman.note(0)
