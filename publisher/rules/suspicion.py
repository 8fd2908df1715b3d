"""Why a draft that the clock made should be looked at by a person before it is mailed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.model.issue import Arrival

FEW = 10  # entries that are never far more than usual
TIMES = 3  # as many as the largest of the last issues are
ISSUES = 3  # issues that it takes to know what is usual
PATIENCE = timedelta(days=14)  # a post may have lain as a draft for so long under its old date


def suspicion(entries: Sequence[Arrival], counts: Sequence[int], previous: datetime | None) -> str:
    """Say what is odd about a draft; empty when nothing is.

    ``counts`` are the entries of the last issues, ``previous`` is when the issue before was drafted (aware UTC).
    An import of old posts, or ids that changed, look like this.
    """
    if len(counts) >= ISSUES and len(entries) > max(FEW, TIMES * max(counts)):
        return f"it holds {len(entries)} entries, the last {len(counts)} issues at most {max(counts)}"
    old = [each for each in entries if previous is not None and each.published < previous - PATIENCE]
    if old:
        oldest = min(old, key=lambda each: each.published)
        which = "an entry" if len(old) == 1 else f"{len(old)} entries"
        return f"it holds {which} dated long before the previous issue ({oldest.published:%Y-%m-%d}: {oldest.title})"
    return ""
