from __future__ import annotations

import pytest

from publisher.content.formats import Form
from publisher.content.frontmatter import read_frontmatter

PATH = "posts/x.md"


@pytest.mark.parametrize(
    ("text", "form", "metadata", "body", "line"),
    [
        ('+++\na = "b"\n+++\n\nText\n', Form.TOML, {"a": "b"}, "Text\n", 5),
        ("---\na: b\n---\nText", Form.YAML, {"a": "b"}, "Text", 4),
        ("---\na: b\n...\nText", Form.YAML, {"a": "b"}, "Text", 4),
        ("\n\n---\na: b\n---\n\n\n    code\n", Form.YAML, {"a": "b"}, "    code\n", 8),
        ("---\n---\nText", Form.YAML, {}, "Text", 3),
        ("---\n# a comment\n\n  a: b\n---\nText", Form.YAML, {"a": "b"}, "Text", 6),
        ("---yaml\na: b\n---\nText", Form.YAML, {"a": "b"}, "Text", 4),
        ('---json\n{"a": 1.50}\n---\nText', Form.JSON, {"a": "1.50"}, "Text", 4),
        ('{\n"a": [1, true]\n}\n\nText', Form.JSON, {"a": ["1", True]}, "Text", 5),
        ("Title: b\nLong key:\n\nText", Form.HEADER, {"title": "b", "long key": ""}, "Text", 4),
        ("Note: no header\n\nText", Form.NONE, {}, "Note: no header\n\nText", 1),
        ("---\n\nA rule first.\n\n---\n", Form.NONE, {}, "---\n\nA rule first.\n\n---\n", 1),
        ("---\nA rule first.\n", Form.NONE, {}, "---\nA rule first.\n", 1),
        ("{% raw %}\n", Form.NONE, {}, "{% raw %}\n", 1),
        ("--- a dash\n", Form.NONE, {}, "--- a dash\n", 1),
        ("", Form.NONE, {}, "", 1),
    ],
)
def test_metadata_and_body_are_told_apart(text: str, form: Form, metadata: object, body: str, line: int) -> None:
    front = read_frontmatter(PATH, text)
    assert (front.form, front.metadata, front.body, front.body_line) == (form, metadata, body, line)
    assert front.problems == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("+++\na = 1\n", 1, "never closed"),
        ("\n---\na: b\n\nText\n", 2, "never closed"),
        ("---\n- a\n- b\n---\n", 1, "holds a list"),
        ("---\njust words\n---\n", 1, "holds plain text"),
        ('---json\n["a"]\n---\n', 1, "holds a list"),
        ("---js\n{}\n---\n", 1, "js is not read"),
        ("\n+++\na = 1\na = 2\n+++\n", 4, "TOML frontmatter cannot be read"),
        ("+++\n\nd = 2018-02-30\n+++\n", 3, "TOML frontmatter cannot be read"),
        ("+++\na = b\n+++\n", 2, "TOML frontmatter cannot be read"),
        ("---\na: b\nc: d: e\n---\n", 3, "mapping values"),
        ("---\na: b\nc:\n\t- d\n---\n", 4, "cannot start any token"),
        ("---\na: {{ b }}\n---\n", 2, "a key is not a word"),
        ("---\na: *b\n---\n", 2, "names no anchor"),
        ("---\na: 'b\n---\n", 3, "YAML frontmatter cannot be read"),
        ('\n{\n"a": 1,\n}\n', 4, "JSON frontmatter cannot be read"),
        ('---json\n{"a": 1} more\n---\n', 2, "there is more behind the object"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_files_line(text: str, line: int, words: str) -> None:
    front = read_frontmatter(PATH, text)
    assert front.refused
    assert [(problem.path, problem.line) for problem in front.problems] == [(PATH, line)]
    assert words in front.problems[0].message
    assert front.problems[0].remedy


def test_yaml_leaves_words_as_they_are_written() -> None:
    text = "---\na: No\nb: 0123\nc: 1.10\nd: 2018-12-03\ne: ~\nf: True\ng: 'true'\nh: !!int '7'\ni: 1_000\nj: =\n---\n"
    assert read_frontmatter(PATH, text).metadata == {
        "a": "No",
        "b": "0123",
        "c": "1.10",
        "d": "2018-12-03",
        "e": None,
        "f": True,
        "g": "true",
        "h": "7",
        "i": "1_000",
        "j": "=",
    }


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("\n---\na: 1\nb: 2\na: 3\n---\n", 3, 5),
        ("---\nb: 2\nc:\n  a: 1\n  a: 3\n---\n", 4, 5),
        ('{\n"a": "1",\n"b": "2",\n"a": "3"\n}\n', 2, 4),
        ("Title: t\nA: 1\nA: 3\n\nText", 2, 3),
    ],
)
def test_a_key_given_twice_is_told_with_both_lines(text: str, first: int, second: int) -> None:
    front = read_frontmatter(PATH, text)
    (problem,) = front.problems
    assert (problem.line, problem.message) == (second, f"a stands in line {first} already; this one holds")
    assert front.metadata.get("a", "3") == "3"


def test_an_alias_stands_for_its_anchor() -> None:
    front = read_frontmatter(PATH, "---\na: &x [1, 2]\nb: *x\nc: &y {d: &z e}\n*z : f\n---\n")
    assert front.metadata == {"a": ["1", "2"], "b": ["1", "2"], "c": {"d": "e"}, "e": "f"}


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "a: {", '{"a":'])
@pytest.mark.parametrize("shape", ["---\na:\n {}\n---\n", "+++\na = {}\n+++\n", '{{"a": {}\n'])
def test_deep_nesting_is_refused(shape: str, opening: str) -> None:
    front = read_frontmatter(PATH, shape.format(opening * 10_000))
    assert front.refused
    assert front.problems[0].line


def test_a_dotted_key_of_many_parts_is_refused() -> None:
    front = read_frontmatter(PATH, "+++\nx = 1\n" + "a." * 30_000 + "a = 1\n+++\n")
    assert (front.refused, front.problems[0].line) == (True, 3)


def test_characters_that_yaml_forbids_are_left_out_of_frontmatter() -> None:
    front = read_frontmatter(PATH, "---\na: 1\nb: x\x7fy\x92\n---\nTe\x7fxt")
    assert (front.metadata, front.body) == ({"a": "1", "b": "xy"}, "Te\x7fxt")
    assert [(problem.line, problem.level.value) for problem in front.problems] == [(3, "warning")]


def test_frontmatter_of_a_megabyte_is_refused() -> None:
    assert read_frontmatter(PATH, f"---\na: {'x' * 1_000_000}\n---\n").refused


@pytest.mark.parametrize("fence", ["  ---", "\u200b---", "\u2014\u2014-", "\u2014", ";;;", "\ufeff ---", "\n +++"])
def test_a_mangled_fence_is_refused_rather_than_published_as_text(fence: str) -> None:
    front = read_frontmatter("posts/x.md", f"{fence}\ntitle: T\ndraft: true\n{fence.strip()}\n\nBody.\n")
    if fence == "\u2014":  # one dash alone is no fence
        assert not front.refused
        return
    assert front.refused
    assert "at the start of the line" in front.problems[0].remedy


@pytest.mark.parametrize(
    "text", ["---\n\nWords: many\n\n---\n", "-- \nRobin\n", "\u2014\u2014\n\nA note: this.\n\nEnd.\n"]
)
def test_rules_and_signatures_are_no_mangled_fences(text: str) -> None:
    assert not read_frontmatter("posts/x.md", text).refused
