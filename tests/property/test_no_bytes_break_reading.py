from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.content.decoding import FORBIDDEN
from publisher.content.posts import read_post
from publisher.content.slugs import name_slug, slugify
from tests.builders import some_settings

SETTINGS = some_settings()
URL = re.compile(r"https://example\.com/[A-Za-z0-9!$&'()*+,;=:@~._/%-]*")

pieces = st.sampled_from(
    [
        *(
            "---\n",
            "+++\n",
            "{\n",
            "}\n",
            "title: ",
            "title = ",
            '"title": ',
            "date: 2018-12-03\n",
            "date = 2018-12-03\n",
        ),
        *(
            "tags: [",
            "]",
            "[",
            "{",
            "}",
            "- ",
            "? ",
            "&a ",
            "*a",
            "'",
            '"',
            '"""',
            "# ",
            "===\n",
            "```\n",
            "<!--",
            "\n",
            "\t",
        ),
        *(
            "\x00",
            "\x7f",
            "\ufeff",
            "\r",
            "permalink: ",
            "/:year/",
            "slug: ",
            "../",
            "%2e",
            "{{ x }}",
            "!!int ",
            "|\n  ",
            "\\u0000",
        ),
        *(
            "draft: true\n",
            "published: ",
            "extra:\n  ",
            "[params]\n",
            "author: ",
            "false\n",
            "id: x:y\n",
            "images:\n",
            ": ",
        ),
    ]
)
texts = st.lists(pieces | st.text(max_size=8), max_size=40).map("".join)
files = st.binary(max_size=400) | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
names = st.sampled_from(["x.md", "2018-12-03-x.md", "talks/x/index.md", "_drafts/x.md", "about.md", "x.de.md"])


@given(names | st.text(max_size=20), files)
@example("2018-12-03-x.md", b"\xff\xfe\x00")
@example("x.md", b"---\ntitle: &a [*a]\ntags: *a\ndate: *a\nurl: *a\n---\n")
@settings(deadline=1000)
def test_any_bytes_are_a_post_or_a_named_reason(path: str, data: bytes) -> None:
    reading = read_post(path, data, SETTINGS)
    assert reading.source or reading.problems or reading.skipped
    assert all(problem.path and problem.message for problem in reading.problems)
    if reading.source:
        post = reading.source.post
        assert URL.fullmatch(post.permalink)
        assert post.title.strip() == post.title != ""
        assert not FORBIDDEN.search(post.title + post.description + "".join(post.tags) + reading.source.body)
        assert reading.source.body_line >= 1


unit = st.sampled_from(
    [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "a.",
        "*a ",
        "&a ",
        '"',
        "'",
        "`",
        "~",
        "=\n",
        "---\n",
        "\n",
        " ",
        "\t",
        "# ",
        "<!--",
        "a: {",
        "x",
        ",",
        "|",
        ">",
        "%",
    ]
)
shapes = st.sampled_from(
    [
        "{}",
        "---\n{}",
        "---\na: {}\n---\n",
        "---\n{}\n---\n",
        "+++\n{}\n+++\n",
        "+++\na = {}\n+++\n",
        '{{"a": {}',
        "---\ndate: 2018-12-03\n---\n{}",
        "Title: {}",
    ]
)


@pytest.mark.parametrize("size", [20_000])
@given(unit, unit, shapes)
@settings(max_examples=60, deadline=None)
def test_no_repetition_costs_seconds(size: int, one: str, other: str, shape: str) -> None:
    data = shape.format(one * size + other * size).encode()
    start = time.process_time()
    read_post("2018-12-03-x.md", data, SETTINGS)
    assert time.process_time() - start < 2


plain = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1).map(
    lambda text: " ".join(text.split())
)
words = plain.filter(bool)


@given(words, st.lists(words.filter(lambda word: word[0] != "#"), max_size=5), words)
def test_metadata_comes_back_as_it_was_written(title: str, tags: list[str], description: str) -> None:
    told = {"title": title, "tags": tags, "description": description, "date": "2018-12-03"}
    written = {key: json.dumps(value, ensure_ascii=False) for key, value in told.items()}
    as_json = json.dumps(told, ensure_ascii=False)
    as_yaml = "\n".join(["---", *[f"{key}: {value}" for key, value in written.items()], "---"])
    as_toml = "\n".join(["+++", *[f"{key} = {value}" for key, value in written.items()], "+++"])
    for front in (as_json, as_yaml, as_toml):
        source = read_post("x.md", f"{front}\n\nBody.".encode(), SETTINGS).source
        assert source is not None
        assert (source.post.title, source.post.description, source.body) == (title, description, "Body.")
        first = {tag.casefold(): tag for tag in reversed(tags)}
        assert set(source.post.tags) == set(first.values())


@given(st.text())
def test_a_slug_of_a_slug_is_itself(text: str) -> None:
    assert slugify(slugify(text)) == slugify(text)
    assert name_slug(name_slug(text)) == name_slug(text)


@given(st.text())
def test_a_slug_is_one_segment_that_climbs_nowhere(text: str) -> None:
    for slug in (slugify(text), name_slug(text)):
        assert "/" not in slug
        assert slug not in {".", ".."}
        assert len(slug.encode()) <= 180
