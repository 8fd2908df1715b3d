"""Many values in statements of a bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

CHUNK = 500


def parts(values: Collection[Any]) -> Iterator[list[Any]]:
    """A statement binds a limited number of values."""
    ordered = sorted(set(values))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
