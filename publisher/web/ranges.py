"""One range of bytes (RFC 9110, section 14). Several at once, or what cannot be read, get the whole document."""

from __future__ import annotations

import re
from typing import NamedTuple

# Of white space no more than anybody writes: where it has no end, what does not fit takes a quarter of a second.
_BYTES = re.compile(rb"\s{0,9}bytes\s{0,9}=\s{0,9}(\d*)\s{0,9}-\s{0,9}(\d*)\s{0,9}", re.IGNORECASE)
_DIGITS = 18  # more than any file has bytes


class Range(NamedTuple):
    """From ``start`` up to, but not including ``stop``. Both 0: none of what was asked for is there (416)."""

    start: int
    stop: int


UNSATISFIABLE = Range(0, 0)


def wanted(value: bytes, size: int) -> Range | None:
    """The bytes that a Range header asks for of ``size`` that there are; None for all of them."""
    found = _BYTES.fullmatch(value)
    if not found or not size:
        return None
    first, last = map(_number, found.groups())
    if first is None:
        return _suffix(last, size)
    if last is not None and last < first:
        return None
    if first >= size:
        return UNSATISFIABLE
    return Range(first, size if last is None else min(last + 1, size))


def _suffix(length: int | None, size: int) -> Range | None:
    if length is None:
        return None
    return Range(max(0, size - length), size) if length else UNSATISFIABLE


def _number(digits: bytes) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip(b"0")
    return int(significant or b"0") if len(significant) <= _DIGITS else 10**_DIGITS


def content_range(part: Range, size: int) -> bytes:
    """What Content-Range says of a part that is sent, or that cannot be."""
    if part == UNSATISFIABLE:
        return b"bytes */%d" % size
    return b"bytes %d-%d/%d" % (part.start, part.stop - 1, size)
