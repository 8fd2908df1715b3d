"""Laws of ids.toml: what is written is read back, our quick reading agrees with TOML's, and no bytes break it."""

from __future__ import annotations

import contextlib
import tomllib
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from publisher.content.ids import Ids, _as_toml, _as_written, parse, parse_head, render
from publisher.errors import IdentityError
from publisher.rules.identity import Record

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text('\\"\x7f\x85\u2028\n\r\t\x00éu0041}=,')
RECORDS = st.builds(
    Record,
    path=TEXTS,
    id=TEXTS.filter(bool),
    date=st.datetimes(timezones=st.just(UTC)),
    title=TEXTS,
    permalink=TEXTS,
    withdrawn=st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
)
TABLES = st.dictionaries(TEXTS, TEXTS, max_size=3)
FILES = st.builds(
    Ids,
    st.lists(RECORDS, max_size=4, unique_by=lambda record: record.path).map(
        lambda records: {record.path: record for record in records}
    ),
    TABLES,
    TABLES,
)
WRITTEN = render(
    Ids(
        {
            "a.md": Record(
                "a.md", "urn:x", datetime(2018, 12, 3, tzinfo=UTC), "A", "/a/", datetime(2026, 1, 2, tzinfo=UTC)
            )
        },
        {"b": "c"},
    )
)


@given(FILES)
def test_what_is_written_is_read_back(ids: Ids) -> None:
    text = render(ids)
    assert parse(text) == ids
    assert parse_head(text) == Ids({}, ids.feeds, ids.site)
    assert render(parse(text)) == text


@given(FILES)
def test_our_quick_reading_reads_all_that_we_write_and_agrees_with_toml(ids: Ids) -> None:
    text = render(ids)
    assert _as_toml(text) == ids
    if ids.records:
        assert _as_written(text) == ids
    assert tomllib.loads(text).get("feeds", {}) == ids.feeds


@given(st.text('"\\/u00d83e={},.[]#\n \tab', max_size=8), st.integers(0, len(WRITTEN)), st.integers(0, 3))
@example("\\ud83d", WRITTEN.index("urn:x"), 0)
@example("\\/", WRITTEN.index("urn:x"), 0)
@example("\x7f", WRITTEN.index("urn:x"), 0)
def test_a_changed_file_is_read_as_toml_reads_it_or_refused(change: str, at: int, dropped: int) -> None:
    text = WRITTEN[:at] + change + WRITTEN[at + dropped :]
    careful = None
    with contextlib.suppress(IdentityError):
        careful = _as_toml(text)
    quick = _as_written(text)
    assert quick in (None, careful)
    if careful:
        assert parse_head(text) == Ids({}, careful.feeds, careful.site)


@given(st.text())
def test_whatever_the_file_holds_it_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(IdentityError):
        parse(text)
    with contextlib.suppress(IdentityError):
        parse_head(text)
