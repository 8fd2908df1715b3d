"""Limits: a burst passes, a stream does not, and memory has an end."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.web.limits import Limit, Limits


def test_as_many_as_allowed_pass_at_once_and_the_next_is_told_how_long_to_wait() -> None:
    limit = Limit(60)
    assert [limit.take("a", 3, 100) for _ in range(3)] == [0, 0, 0]
    assert limit.take("a", 3, 100) == pytest.approx(20)
    assert limit.take("a", 3, 110) == pytest.approx(10)


def test_waiting_as_long_as_told_is_enough() -> None:
    limit = Limit(60)
    for _ in range(7):
        limit.take("a", 7, 0)
    assert limit.take("a", 7, limit.take("a", 7, 0)) == 0


def test_what_is_refused_is_not_counted() -> None:
    limit = Limit(60)
    for _ in range(50):
        limit.take("a", 2, 0)
    assert limit.take("a", 2, 60) == 0
    assert limit.take("a", 2, 60) == 0


def test_networks_do_not_count_against_each_other() -> None:
    limit = Limit(60)
    assert limit.take("a", 1, 0) == 0
    assert limit.take("b", 1, 0) == 0
    assert limit.take("a", 1, 0) > 0


def test_looking_counts_nothing() -> None:
    limit = Limit(60)
    assert [limit.wait("a", 1, 0) for _ in range(9)] == [0] * 9
    assert len(limit) == 0
    limit.take("a", 1, 0)
    assert limit.wait("a", 1, 0) == pytest.approx(60)


def test_several_at_once_are_counted_together_or_not_at_all() -> None:
    limit = Limit(60)
    assert limit.take("a", 3, 0, count=2) == 0
    assert limit.take("a", 3, 0, count=2) == pytest.approx(20)
    assert limit.take("a", 3, 0) == 0


def test_more_at_once_than_are_ever_allowed_pass_when_nothing_else_was_counted() -> None:
    limit = Limit(60)
    assert limit.take("a", 2, 0, count=5) == 0
    assert limit.take("a", 2, 0) == pytest.approx(30)


def test_a_setting_that_changes_counts_at_once() -> None:
    limit = Limit(60)
    assert limit.take("a", 1, 0) == 0
    assert limit.take("a", 1, 0) > 0
    assert limit.take("a", 1, 59.9) > 0
    assert limit.take("a", 30, 59.9) == 0


def test_memory_is_bounded_and_whoever_was_idle_longest_is_forgotten_first() -> None:
    limit = Limit(60, keys=3)
    for key in "abcad":
        limit.take(key, 2, 0)
    assert len(limit) == 3
    assert limit.take("a", 2, 0) > 0
    assert limit.take("b", 2, 0) == 0


def test_threads_together_get_no_more_than_one_would() -> None:
    limit, passed = Limit(60), list[float]()
    threads = [Thread(target=lambda: passed.extend(limit.take("a", 100, 0) for _ in range(100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(0) == 100


def test_every_site_has_limits_of_its_own() -> None:
    assert Limits().letters is not Limits().letters


@given(st.integers(1, 40), st.lists(st.floats(0, 30), max_size=200))
def test_no_span_admits_more_than_twice_what_is_allowed(most: int, pauses: list[float]) -> None:
    limit, now, admitted = Limit(60), 0.0, list[float]()
    for pause in pauses:
        now += pause
        if not limit.take("a", most, now):
            admitted.append(now)
    for start in admitted:
        assert sum(start <= moment < start + 60 for moment in admitted) <= 2 * most
