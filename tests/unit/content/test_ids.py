"""ids.toml is read back as it was written, and by TOML's own rules when a person has reshaped it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from publisher.content.ids import Ids, parse, render
from publisher.errors import IdentityError
from publisher.rules.identity import Record

ONE = Record("a.md", "https://a.test/a/", datetime(2026, 1, 5, tzinfo=UTC), 'A "quoted" \\ title', "https://a.test/a/")
TWO = Record(
    "b/ü.md",
    "tag:b",
    datetime(2026, 1, 5, 1, 2, 3, 450, tzinfo=UTC),
    "\x7f",
    "https://a.test/b/",
    datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
)
IDS = Ids({"a.md": ONE, "b/ü.md": TWO}, {"main": "https://a.test/atom.xml"}, {"timezone": "UTC"})
RESHAPED = """
[posts."a.md"]
id = "tag:a"
date = 2026-01-05T01:00:00+01:00
title = "A"
permalink = "https://a.test/a/"
"""


def test_what_was_written_is_read_back() -> None:
    assert parse(render(IDS)) == IDS


def test_a_file_reshaped_by_a_person_keeps_every_id() -> None:
    expected = Record("a.md", "tag:a", datetime(2026, 1, 5, tzinfo=UTC), "A", "https://a.test/a/")
    assert parse(RESHAPED).records == {"a.md": expected}
    inline = 'posts = { "a.md" = { id = "tag:a", date = 2026-01-05T00:00:00Z, title = "A", permalink = "p" } }'
    assert parse(inline).records["a.md"].id == "tag:a"
    assert parse(render(IDS).replace("[posts]\n", "[posts]  # mine\n")) == IDS


@pytest.mark.parametrize(
    "text", ["posts = 3", "posts = []", '[posts]\n"a.md" = 3\n', "<<<<<<< HEAD", "[site]\na = 3\n"]
)
def test_what_cannot_be_trusted_is_refused(text: str) -> None:
    with pytest.raises(IdentityError):
        parse(text)


def test_a_line_kept_twice_in_a_merge_is_read_once_and_two_that_differ_are_refused() -> None:
    text = render(Ids({"a.md": ONE}))
    line = text.splitlines(keepends=True)[-1]
    assert parse(text + line).records == {"a.md": ONE}
    other = render(Ids({"a.md": replace(ONE, id="tag:other")})).splitlines(keepends=True)[-1]
    with pytest.raises(IdentityError, match=r"ids\.toml:6: .* has a line already, line 5"):
        parse(text + other)
