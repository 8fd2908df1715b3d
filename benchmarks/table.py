"""Figures as a table in Markdown, and the table's place in the README."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.measure import Times

BEGIN = "<!-- benchmarks: begin -->"
END = "<!-- benchmarks: end -->"

_HEAD = ("work", "ours", "peer", "ratio", "goal", "reached")


@dataclass(frozen=True, slots=True)
class Line:
    """One row. ``goal`` is the ratio that ours may be of the peer's at most; ratio is None without a peer."""

    work: str
    ours: str
    peer: str
    ratio: float | None
    goal: float
    cpu: str = ""  # told while measuring: on a busy machine it says more than the clock does

    def cells(self) -> tuple[str, ...]:
        """The row's text, cell by cell."""
        if self.ratio is None:
            return (self.work, self.ours, self.peer, "", f"{self.goal:g}", "")
        return (
            self.work,
            self.ours,
            self.peer,
            f"{self.ratio:.3g}",
            f"{self.goal:g}",
            "yes" if self.ratio <= self.goal else "no",
        )


def of_times(work: str, ours: Times, name: str, peer: Times | None, goal: float) -> Line:
    """A row of times."""
    ratio = measure.ratio(ours, peer) if peer else None
    return Line(work, _seconds(ours), f"{name} {_seconds(peer)}" if peer else name, ratio, goal, _cpu(ours, peer))


def of_memory(work: str, ours: int, name: str, peer: int, goal: float) -> Line:
    """A row of peaks of memory, in bytes; 0 for a peer that did not run."""
    ratio = ours / peer if peer else None
    return Line(work, megabytes(ours), f"{name} {megabytes(peer)}" if peer else name, ratio, goal)


def markdown(lines: Iterable[Line]) -> str:
    """The whole table."""
    rows = [_HEAD, ("---", "---:", "---:", "---:", "---:", "---"), *(line.cells() for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def placed(text: str, table: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """A document with the table between its two marks. Raises ValueError if it lacks them."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"the document lacks the lines {marks[0]} and {marks[1]}")
    return f"{before}{begin}\n{table.strip()}\n{end}{after}"


def _cpu(ours: Times, peer: Times | None) -> str:
    found = [_span(median(times.cpu)) for times in (ours, peer) if times and times.cpu]
    return f"processor time {' and '.join(found)}" if found else ""


def _seconds(times: Times) -> str:
    return f"{_span(times.median)} ({_span(min(times.seconds))} to {_span(max(times.seconds))})"


def _span(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def megabytes(size: int) -> str:
    """A size in millions of bytes."""
    return f"{size / 1e6:,.0f} MB"
