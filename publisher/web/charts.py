"""Charts as SVG, drawn from values: no script, no style in the text, readable by those who cannot see it.

Places are percentages across and pixels down, so a chart fills the width it gets and its words keep their size.
Classes give the colours (templates/web/web.css). A table with the same numbers belongs beneath.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

HEIGHT = 220  # of a line chart, in pixels
TOP, BOTTOM = 22, 190  # where its plot begins and ends
BAR = 16  # the height of a bar
TICKS = 4  # steps of the axis, about
DATES = 4  # spaces between dates, about
LARGEST = 10**15  # a count beyond it is drawn as it

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NO_ID = re.compile(r"[^A-Za-z0-9_-]+")
_WRITTEN_OUT = 10**7  # numbers below are
_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Part(NamedTuple):
    """A part of a bar: what it is, its kind (good, bad, rest, or plain), how much of the whole."""

    words: str
    kind: str
    amount: int


class Axis(NamedTuple):
    """Where a scale begins, and how far apart its lines are; it ends with the last of them."""

    low: int
    step: int
    lines: int

    @property
    def high(self) -> int:
        """The value of the last line."""
        return self.low + self.step * self.lines

    def share(self, value: int) -> float:
        """How far up a value is, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def line_chart(name: str, title: str, days: Sequence[tuple[date, int]], noun: str = "readers") -> str:
    """Draw counts over days, which come in order. ``name`` is unlike any other chart's on its page."""
    points = [(day, max(0, min(value, LARGEST))) for day, value in days]
    if not points:
        return _frame(
            name, title, f"No {noun} were counted yet.", HEIGHT, [_words("50%", 110, "Nothing yet", "middle")]
        )
    axis = axis_for([value for _, value in points])
    drawn = [*_scale(axis), *_dates(points), _plot(points, axis), _last(points, axis)]
    return _frame(name, title, _told(points, noun), HEIGHT, drawn)


def progress_bar(name: str, title: str, parts: Sequence[Part]) -> str:
    """Draw the parts of a whole beside each other; one of an unknown kind looks plain."""
    counts = [max(0, min(part.amount, LARGEST)) for part in parts]
    whole = sum(counts)
    told = ", ".join(f"{count:,} {part.words}" for part, count in zip(parts, counts, strict=True)) or "nothing"
    rects = [_rect("rest", "all", 0, 1)] if whole == 0 else []
    at = 0
    for part, count in zip(parts, counts, strict=True):
        rects.append(_rect(part.kind, part.words, at / whole if whole else 0, count / whole if whole else 0))
        at += count
    return _frame(name, title, told, BAR, rects)


def axis_for(values: Sequence[int]) -> Axis:
    """A scale of whole numbers that the values fit on: steps of 1, 2 or 5 and zeros.

    It begins at 0, unless the values lie so close together that nothing of them could be seen.
    """
    least, most = min(values), max(values)
    low = least if 2 * least > most and most - least > 0 else 0
    step = _step(most - low)
    low = low // step * step
    lines = max(1, -(-(most - low) // step))
    return Axis(low, step, lines)


def short(value: int) -> str:
    """A number as it fits beside an axis: 9,000, 1,500,000, 12.5M."""
    if abs(value) < _WRITTEN_OUT:
        return f"{value:,}"
    unit, sign = next(pair for pair in _UNITS if abs(value) >= pair[0])
    return f"{value / unit:.2f}".rstrip("0").rstrip(".") + sign


def _step(span: int) -> int:
    rough = max(1, -(-span // TICKS))
    power: int = 10 ** (len(str(rough)) - 1)
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)


def _scale(axis: Axis) -> list[str]:
    drawn = []
    for line in range(axis.lines + 1):
        value = axis.low + line * axis.step
        down = _down(axis, value)
        drawn.append(f'<line class="axis" x1="0" x2="100%" y1="{down}" y2="{down}"/>')
        drawn.append(_words("0", down - 4, short(value), "start"))
    return drawn


def _dates(points: Sequence[tuple[date, int]]) -> list[str]:
    """The first and the last day, and some between them."""
    last = len(points) - 1
    spaces = min(DATES, last)
    places = sorted({round(last * at / spaces) for at in range(spaces + 1)}) if spaces else [0]
    anchors = {0: "start", last: "end"} if last else {0: "middle"}
    return [
        _words(_across(place, last), HEIGHT - 10, _day(points[place][0]), anchors.get(place, "middle"))
        for place in places
    ]


def _plot(points: Sequence[tuple[date, int]], axis: Axis) -> str:
    """The line, on a surface of its own that is stretched; its width is not."""
    last = len(points) - 1
    if not last:
        return ""
    path = " ".join(f"{_round(100 * at / last)},{_down(axis, value)}" for at, (_, value) in enumerate(points))
    area = f'<polygon class="area" points="0,{BOTTOM} {path} 100,{BOTTOM}"/>' if axis.low == 0 else ""
    line = f'<polyline class="line" vector-effect="non-scaling-stroke" points="{path}"/>'
    size = f'x="0" y="0" width="100%" height="{HEIGHT}" viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none"'
    return f'<svg class="plot" {size} aria-hidden="true">{area}{line}</svg>'


def _last(points: Sequence[tuple[date, int]], axis: Axis) -> str:
    across = _across(len(points) - 1, len(points) - 1)
    return f'<circle class="last" cx="{across}" cy="{_down(axis, points[-1][1])}" r="4"/>'


def _told(points: Sequence[tuple[date, int]], noun: str) -> str:
    """What the chart shows, in a sentence."""
    values = [value for _, value in points]
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"{last[1]:,} {noun} on {_day(last[0])} {last[0].year}."
    return (
        f"From {first[1]:,} {noun} on {_day(first[0])} {first[0].year} to {last[1]:,} on {_day(last[0])} "
        f"{last[0].year}; at least {min(values):,}, at most {max(values):,}."
    )


def _frame(name: str, title: str, told: str, height: int, drawn: Sequence[str]) -> str:
    key = _NO_ID.sub("-", name) or "chart"
    kind = "bars" if height == BAR else "chart"
    return (
        f'<svg class="{kind}" xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}" role="img" '
        f'aria-labelledby="{key}-title {key}-told">'
        f'<title id="{key}-title">{_plain(title)}</title><desc id="{key}-told">{_plain(told)}</desc>'
        f"{''.join(drawn)}</svg>"
    )


def _rect(kind: str, words: str, start: float, width: float) -> str:
    known = kind if kind in {"good", "bad", "rest"} else "plain"
    place = f'x="{_round(100 * start)}%" y="0" width="{_round(100 * width)}%" height="{BAR}"'
    return f'<rect class="bar {known}" data-part="{_plain(words)}" {place}/>'


def _words(across: str, down: float, words: str, anchor: str) -> str:
    return f'<text x="{across}" y="{_round(down)}" text-anchor="{anchor}">{_plain(words)}</text>'


def _across(place: int, last: int) -> str:
    return f"{_round(100 * place / last)}%" if last else "50%"


def _down(axis: Axis, value: int) -> float:
    return _round(BOTTOM - (BOTTOM - TOP) * axis.share(value))


def _round(value: float) -> float:
    return round(value, 2)


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _plain(words: str) -> str:
    return escape(_FORBIDDEN.sub(" ", words))
