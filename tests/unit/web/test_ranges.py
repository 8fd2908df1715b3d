"""One range of bytes."""

from __future__ import annotations

import pytest

from publisher.web.ranges import UNSATISFIABLE, Range, content_range, wanted


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (b"bytes=0-9", Range(0, 10)),
        (b"bytes=0-0", Range(0, 1)),
        (b"bytes=99-99", Range(99, 100)),
        (b"bytes=90-", Range(90, 100)),
        (b"bytes=0-", Range(0, 100)),
        (b"bytes=90-1000", Range(90, 100)),
        (b"bytes=-10", Range(90, 100)),
        (b"bytes=-1000", Range(0, 100)),
        (b"Bytes = 5 - 6 ", Range(5, 7)),
        (b"bytes=0005-0006", Range(5, 7)),
        (b"bytes=0-" + b"9" * 5000, Range(0, 100)),
        (b"bytes=-" + b"9" * 5000, Range(0, 100)),
        (b"bytes=100-", UNSATISFIABLE),
        (b"bytes=100-200", UNSATISFIABLE),
        (b"bytes=" + b"9" * 5000 + b"-", UNSATISFIABLE),
        (b"bytes=-0", UNSATISFIABLE),
    ],
)
def test_one_range(value: bytes, part: Range) -> None:
    assert wanted(value, 100) == part


@pytest.mark.parametrize(
    "value",
    [
        b"bytes=0-1,5-6",
        b"bytes=0-1,",
        b"bytes=9-5",
        b"bytes=-",
        b"bytes=",
        b"bytes",
        b"bytes=a-b",
        b"bytes=0x1-2",
        b"bytes=-1-2",
        b"items=0-1",
        b"",
        b"\xff",
        b"bytes=" + b" " * 15_000 + b"0-1",
    ],
)
def test_several_or_nonsense_get_the_whole(value: bytes) -> None:
    assert wanted(value, 100) is None


def test_an_empty_document_has_no_parts() -> None:
    assert wanted(b"bytes=0-", 0) is None
    assert wanted(b"bytes=-5", 0) is None


def test_how_a_part_is_named() -> None:
    assert content_range(Range(5, 10), 100) == b"bytes 5-9/100"
    assert content_range(UNSATISFIABLE, 100) == b"bytes */100"
