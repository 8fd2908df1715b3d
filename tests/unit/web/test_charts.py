"""Charts are sound SVG whatever the numbers are, and say what they show."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.web.charts import HEIGHT, Part, axis_for, line_chart, progress_bar, short

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2026, 9, 1)
VALUES = st.integers(-(10**30), 10**30) | st.integers(0, 1000)


def days(*values: int) -> list[tuple[date, int]]:
    return [(FIRST + timedelta(days=at), value) for at, value in enumerate(values)]


def read(drawn: str) -> ET.Element:
    drawn.encode()
    return ET.fromstring(drawn)


@given(st.lists(VALUES, max_size=100), st.text(max_size=30), st.text(max_size=30))
def test_a_line_chart_is_well_formed_and_inside_its_frame(values: list[int], name: str, title: str) -> None:
    drawn = line_chart(name, title, days(*values))
    root = read(drawn)
    assert not re.search(r'\s(?:x|y|x1|x2|y1|y2|cx|cy|points|width|height)="[^"]*(?:nan|inf)', drawn)
    for one in root.iter(f"{SVG}text"):
        assert 0 <= float(one.attrib["y"]) <= HEIGHT
    for one in root.iter(f"{SVG}polyline"):
        for pair in one.attrib["points"].split():
            across, down = map(float, pair.split(","))
            assert 0 <= across <= 100
            assert 0 <= down <= HEIGHT


@given(st.lists(st.tuples(st.text(max_size=10), st.sampled_from(["good", "bad", "rest", '"><']), VALUES), max_size=6))
def test_a_bar_is_well_formed_and_full(parts: list[tuple[str, str, int]]) -> None:
    root = read(progress_bar("bar", "Progress", [Part(*part) for part in parts]))
    widths = [float(one.attrib["width"].rstrip("%")) for one in root.iter(f"{SVG}rect")]
    assert sum(widths) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("drawn", [line_chart("a", "Readers", days(1, 2)), progress_bar("a", "Readers", [])])
def test_a_chart_can_be_heard_and_needs_neither_script_nor_style(drawn: str) -> None:
    root = read(drawn)
    assert root.attrib["role"] == "img"
    ids = {one.attrib["id"] for one in root if "id" in one.attrib}
    assert set(root.attrib["aria-labelledby"].split()) == ids == {"a-title", "a-told"}
    assert root.findtext(f"{SVG}title") == "Readers"
    assert not re.search(r"style=|<style|<script|\son\w+=", drawn)


def test_a_chart_says_in_words_what_it_shows() -> None:
    root = read(line_chart("a", "Readers", days(1200, 1350, 1100, 1300)))
    told = "From 1,200 readers on 1 Sep 2026 to 1,300 on 4 Sep 2026; at least 1,100, at most 1,350."
    assert root.findtext(f"{SVG}desc") == told


def test_the_dates_are_the_first_the_last_and_some_between() -> None:
    root = read(line_chart("a", "Readers", days(*range(90))))
    words = [one.text for one in root.iter(f"{SVG}text")]
    assert words[-5:] == ["1 Sep", "23 Sep", "15 Oct", "7 Nov", "29 Nov"]


def test_what_has_one_day_or_none_is_drawn_too() -> None:
    assert "Nothing yet" in line_chart("a", "Readers", [])
    one = read(line_chart("a", "Readers", days(7)))
    assert one.findtext(f"{SVG}desc") == "7 readers on 1 Sep 2026."
    assert [each.attrib["cx"] for each in one.iter(f"{SVG}circle")] == ["50%"]


@pytest.mark.parametrize(
    ("values", "low", "step", "lines"),
    [
        ([0], 0, 1, 1),
        ([1], 0, 1, 1),
        ([0, 3], 0, 1, 3),
        ([0, 7], 0, 2, 4),
        ([0, 100], 0, 50, 2),
        ([0, 999], 0, 500, 2),
        ([9950, 10000], 9940, 20, 3),
        ([500, 500], 0, 200, 3),
        ([10**15, 10**15], 0, 5 * 10**14, 2),
    ],
)
def test_the_axis_has_round_numbers(values: list[int], low: int, step: int, lines: int) -> None:
    assert axis_for(values) == (low, step, lines)


@given(st.lists(st.integers(0, 10**15), min_size=1))
def test_the_axis_holds_every_value(values: list[int]) -> None:
    axis = axis_for(values)
    assert axis.low <= min(values)
    assert max(values) <= axis.high
    assert 1 <= axis.lines <= 6


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (9999, "9,999"), (1_500_000, "1,500,000"), (12_500_000, "12.5M"), (10**10, "10G"), (10**15, "1000T")],
)
def test_numbers_beside_the_axis_are_short(value: int, words: str) -> None:
    assert short(value) == words


def test_words_are_escaped() -> None:
    drawn = line_chart('a"><script>', "<b>&\x00\ud800", days(1, 2))
    assert read(drawn).findtext(f"{SVG}title") == "<b>&  "
    assert "<script" not in drawn
