"""ids.toml: read as it was written, read after a person reshaped it, refused where it cannot be trusted."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from publisher.content.ids import Ids, parse, parse_head, render
from publisher.errors import IdentityError
from publisher.rules.identity import Record

MOMENT = datetime(2018, 12, 3, 8, tzinfo=UTC)
ONE = Record("a.md", "https://blog.test/a/", MOMENT, "A title", "https://blog.test/2018/a/")
TWO = Record(
    "b/index.md",
    "urn:x:2",
    MOMENT,
    'Say "no" to \\',
    "https://blog.test/b/",
    datetime(2026, 11, 23, 7, 8, 9, tzinfo=UTC),
)
IDS = Ids(
    records={"a.md": ONE, "b/index.md": TWO},
    feeds={"main": "https://blog.test/atom.xml", "tag:größe": "urn:x:3"},
    site={"base_url": "https://blog.test/"},
)
TEXT = """\
# Kept by `publish`, like a lock file: commit it together with your posts.
# It is why a post stays the same post for every reader when it is renamed or the site moves.

[site]
"base_url" = "https://blog.test/"

[feeds]
"main" = "https://blog.test/atom.xml"
"tag:größe" = "urn:x:3"

[posts]
"a.md" = { id = "https://blog.test/a/", date = 2018-12-03T08:00:00Z, title = "A title", permalink = "https://blog.test/2018/a/" }
"b/index.md" = { id = "urn:x:2", date = 2018-12-03T08:00:00Z, title = "Say \\"no\\" to \\\\", permalink = "https://blog.test/b/", withdrawn = 2026-11-23T07:08:09Z }
"""  # noqa: E501 - a line for each post is the point
LINE = TEXT.splitlines()[11]


def with_line(line: str) -> str:
    """The file with this line for its first post."""
    return TEXT.replace(LINE, line)


def fault_of(text: str) -> IdentityError:
    with pytest.raises(IdentityError) as caught:
        parse(text)
    assert caught.value.remedy
    return caught.value


def test_the_file_has_one_shape_sorted_a_line_for_each_post() -> None:
    shuffled = Ids({"b/index.md": TWO, "a.md": ONE}, dict([*IDS.feeds.items()][::-1]), IDS.site)
    assert render(IDS) == render(shuffled) == TEXT


def test_what_was_written_is_read_back() -> None:
    assert parse(TEXT) == IDS


def test_no_file_and_a_file_without_posts_hold_nothing() -> None:
    assert parse("") == Ids()
    assert parse(render(Ids())) == Ids()
    assert parse("[posts]\n") == Ids()


def test_the_head_is_read_without_the_posts() -> None:
    assert parse_head(TEXT) == Ids({}, IDS.feeds, IDS.site)
    assert parse_head("") == Ids()


def test_a_moment_is_kept_to_the_microsecond_and_in_utc() -> None:
    moment = datetime(2018, 12, 3, 10, 0, 0, 120, tzinfo=timezone(timedelta(hours=2)))
    text = render(Ids({"a.md": Record("a.md", "urn:x:1", moment, "A", "https://blog.test/a/")}))
    assert "date = 2018-12-03T08:00:00.000120Z" in text
    assert parse(text).records["a.md"].date == moment


@pytest.mark.parametrize(
    "reshaped",
    [
        TEXT.replace("[posts]", "[posts] # all of them"),
        TEXT.replace("[posts]", "[ posts ]"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("[posts]\n", "[posts]\n# the oldest\n"),
        TEXT.replace(" = { ", "={").replace(" }\n", "}\n"),
        TEXT.replace('"a.md"', "'a.md'"),
        TEXT.replace("08:00:00Z", "08:00:00+00:00"),
        TEXT.replace("2018-12-03T08:00:00Z", "2018-12-03 00:00:00-08:00"),
        TEXT.replace("2018-12-03T08:00:00Z", "2018-12-03T08:00:00"),
        TEXT.replace("A title", "\\u0041 title"),
        TEXT.replace('\\"no\\"', "\\u0022no\\u0022"),
        TEXT.replace(
            'title = "A title", permalink = "https://blog.test/2018/a/"',
            'permalink = "https://blog.test/2018/a/", title = "A title"',
        ),
    ],
    ids=range(12),
)
def test_a_file_that_a_person_reshaped_is_still_read(reshaped: str) -> None:
    assert parse(reshaped) == IDS
    assert parse_head(reshaped) == Ids({}, IDS.feeds, IDS.site)


def test_tables_in_another_order_are_still_read() -> None:
    head, _, posts = TEXT.partition("[posts]\n")
    for text in (f"[posts]\n{posts}\n{head}", f"[posts]\n{posts}\n" + head.replace("[", "  [")):
        assert parse(text) == IDS
        assert parse_head(text) == Ids({}, IDS.feeds, IDS.site)


def test_a_post_with_a_table_of_its_own_is_still_read() -> None:
    table = '[posts."a.md"]\n' + "\n".join(LINE.partition("{ ")[2][:-2].split(", ")) + "\n"
    before = TEXT.replace("[posts]\n", f"{table}\n[posts]\n").replace(f"{LINE}\n", "")
    after = TEXT.replace(f"{LINE}\n", "") + table
    assert parse(before) == parse(after) == IDS


def test_a_string_that_names_the_table_is_no_table() -> None:
    text = TEXT.replace('"urn:x:3"', '"""\n[posts]\nurn:x:3"""')
    assert parse(text) == Ids(IDS.records, {**IDS.feeds, "tag:größe": "[posts]\nurn:x:3"}, IDS.site)


def test_two_lines_for_one_path_are_refused_both_named() -> None:
    fault = fault_of(TEXT + LINE.replace("blog.test/a/", "other.test/a/") + "\n")
    assert fault.message == 'ids.toml:14: "a.md" has a line already, line 12'
    assert "keep the one whose id readers have had for longer" in fault.remedy


def test_the_marks_of_a_merge_are_refused_with_their_line() -> None:
    merged = TEXT.replace(LINE, f"<<<<<<< HEAD\n{LINE}\n=======\n{LINE}\n>>>>>>> branch")
    fault = fault_of(merged)
    assert fault.message == "ids.toml:12: a merge left its marks here"
    assert "keep the lines of both sides" in fault.remedy
    assert fault.exit_code == 1


def test_a_file_cut_short_within_a_line_is_refused_with_that_line() -> None:
    for end in (len(TEXT) - 2, TEXT.index("[posts]") + 3, TEXT.index("date ="), TEXT.index('"main"') + 3):
        line = TEXT.count("\n", 0, end) + 1
        fault = fault_of(TEXT[:end])
        assert fault.message.startswith(f"ids.toml:{line}: not valid TOML: ")
        assert "version control" in fault.remedy


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        (LINE.replace('id = "https://blog.test/a/"', "id = 3"), "id"),
        (LINE.replace('id = "https://blog.test/a/"', 'id = ""'), "id"),
        (LINE.replace("date = 2018-12-03T08:00:00Z, ", ""), "date"),
        (LINE.replace("2018-12-03T08:00:00Z", "2018-12-03"), "date"),
        (LINE.replace("2018-12-03T08:00:00Z", "0001-01-01T00:00:00+02:00"), "date"),
        (LINE.replace('title = "A title", ', ""), "title"),
        (LINE.replace(', permalink = "https://blog.test/2018/a/"', ""), "permalink"),
        (LINE.replace(" }", ", withdrawn = true }"), "withdrawn"),
        (LINE.replace(" }", ", withdrawn = 07:32:00 }"), "withdrawn"),
        ('"a.md" = "https://blog.test/a/"', "id"),
    ],
)
def test_a_record_that_lacks_something_is_refused_with_its_line(line: str, missing: str) -> None:
    fault = fault_of(with_line(line))
    assert fault.message == f'ids.toml:12: "a.md" has no usable {missing}'
    assert fault.remedy == "take the line from your version control"


def test_a_day_that_does_not_exist_is_refused_with_its_line() -> None:
    assert fault_of(TEXT.replace("2026-11-23", "2026-11-31")).message.startswith("ids.toml:13: ")
    assert fault_of(TEXT.replace("2018-12-03T08", "2018-12-03T25")).message.startswith("ids.toml:12: ")


@pytest.mark.parametrize("name", ["feeds", "site", "former"])
def test_a_head_that_holds_more_than_texts_is_refused(name: str) -> None:
    assert fault_of(f"[{name}]\nmain = 3\n").message == f"ids.toml: [{name}] is to hold texts only"
    assert fault_of(f"{name} = 3\n").message == f"ids.toml: [{name}] is to hold texts only"


def test_posts_that_are_no_table_are_refused() -> None:
    assert "posts is to be a table" in fault_of("posts = 3\n").message
    assert "posts is to be a table" in fault_of("[[posts]]\n").message


def test_numbers_and_nesting_beyond_what_python_reads_are_refused() -> None:
    assert "not valid TOML" in fault_of(f"x = {'9' * 5000}\n").message
    assert "not valid TOML" in fault_of(f"x = {'[' * 5000}\n").message


def test_the_whole_of_it_is_toml() -> None:
    assert tomllib.loads(TEXT)["posts"]["b/index.md"]["title"] == 'Say "no" to \\'


def test_a_day_that_an_earlier_version_wrote_is_read_as_its_first_moment() -> None:
    line = LINE.replace(" }", ", withdrawn = 2026-11-23 }")
    for text in (with_line(line), f"{with_line(line)}\n[further]\n"):
        assert parse(text).records["a.md"].withdrawn == datetime(2026, 11, 23, tzinfo=UTC)


FORMER = {"2017/a/": "https://blog.test/a/", 'say "b"/': "urn:x:2"}
MOVED = TEXT.replace(
    "\n[posts]\n", '\n[former]\n"2017/a/" = "https://blog.test/a/"\n"say \\"b\\"/" = "urn:x:2"\n\n[posts]\n'
)


def test_former_addresses_have_one_shape_and_are_read_back_with_the_posts_and_without() -> None:
    ids = replace(IDS, former=FORMER)
    assert render(ids) == render(replace(ids, former=dict([*FORMER.items()][::-1]))) == MOVED
    assert parse(MOVED) == ids
    assert parse_head(MOVED) == replace(ids, records={})
    assert tomllib.loads(MOVED)["former"] == FORMER


@pytest.mark.parametrize(
    "reshaped", ["'2017/a/' = 'https://blog.test/a/'", '"2017/a/"="https://blog.test/a/"  # it stood there', "#", ""]
)
def test_former_addresses_that_a_person_reshaped_are_still_read(reshaped: str) -> None:
    text = MOVED.replace('"2017/a/" = "https://blog.test/a/"', reshaped)
    expected = FORMER if len(reshaped) > 1 else {'say "b"/': "urn:x:2"}
    assert parse(text).former == parse_head(text).former == expected
    assert parse(text).records == IDS.records


def test_a_former_address_kept_twice_in_a_merge_is_refused_with_its_line() -> None:
    line = '"2017/a/" = "https://blog.test/a/"\n'
    assert fault_of(MOVED.replace(line, line * 2)).message == 'ids.toml:13: "2017/a/" has a line already, line 12'


def test_former_addresses_of_a_table_in_another_place_are_still_read() -> None:
    text = TEXT + '\n[former]\n"2017/a/" = "https://blog.test/a/"\n'
    assert parse(text).former == parse_head(text).former == {"2017/a/": "https://blog.test/a/"}
