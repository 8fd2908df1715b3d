from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from publisher.content.posts import read_post
from publisher.model.entry import Author
from publisher.model.post import Kind
from tests.builders import some_settings

if TYPE_CHECKING:
    from publisher.content.posts import Reading
    from publisher.model.post import Post, Source
    from publisher.model.settings import Settings

SETTINGS = some_settings()
FIRST = Path(__file__).parents[2] / "golden" / "first_post" / "harbour-cloud-2018.md"


def _read(text: str, path: str = "x.md", settings: Settings = SETTINGS) -> Reading:
    return read_post(path, text.encode(), settings)


def _source(text: str, path: str = "x.md", settings: Settings = SETTINGS) -> Source:
    reading = _read(text, path, settings)
    assert reading.source is not None, reading
    return reading.source


def _post(keys: str, path: str = "x.md", settings: Settings = SETTINGS) -> Post:
    """The post of YAML keys; it has a title and a date unless the path or the keys say otherwise."""
    dated = keys if "date:" in keys or path[:4].isdigit() else f"{keys}\ndate: 2018-12-03"
    return _source(f"---\ntitle: T\n{dated}\n---\n", path, settings).post


def _patterns(*pairs: tuple[str, str]) -> Settings:
    return dataclasses.replace(SETTINGS, posts=dataclasses.replace(SETTINGS.posts, permalinks=pairs))


def test_a_post_shaped_like_the_first_one_is_read_as_its_author_meant_it() -> None:
    source = read_post(FIRST.name, FIRST.read_bytes(), SETTINGS).source
    assert source is not None
    post = source.post
    assert (post.title, post.tags, post.authors) == ("Harbour Cloud 2018", ("conference",), (Author("Robin Example"),))
    assert (post.published, post.due, post.date_only) == (datetime(2018, 12, 3, 8, tzinfo=UTC),) * 2 + (True,)
    assert (source.body[:11], source.body_line) == ("I spent the", 11)


def test_a_file_with_many_faults_names_them_all() -> None:
    reading = _read("---\ntitle: T\ndate: soon\nlastmod: later\nexpiryDate: never\nurl: /../x\nlang: '?'\n---\n")
    assert reading.source is None
    assert [problem.line for problem in reading.problems if problem.level.value == "error"] == [3, 4, 5, 6]
    assert {problem.path for problem in reading.problems} == {"posts/x.md"}


def test_a_day_is_due_from_its_start_whatever_the_sites_time_of_day() -> None:
    evening = dataclasses.replace(SETTINGS, posts=dataclasses.replace(SETTINGS.posts, time_of_day=time(18)))
    post = _post("date: 2018-12-03", settings=evening)
    assert (post.published.isoformat(), post.due.isoformat()) == (
        "2018-12-04T02:00:00+00:00",
        "2018-12-03T08:00:00+00:00",
    )


def test_an_unfinished_draft_is_no_error() -> None:
    reading = _read("---\ntitle: T\ndraft: true\ndate: soon\n---\n")
    assert reading.source is not None
    assert reading.source.post.draft
    assert [problem.level.value for problem in reading.problems] == ["warning"]


@pytest.mark.parametrize(
    ("keys", "held_back"),
    [
        *(("draft: true", True), ("Draft: yes", True), ("draft: maybe", True), ("published: false", True)),
        *(("publish: no", True), ("status: Draft", True), ("private: true", True)),
        *(("visibility: private", True), ("status: published\nvisibility: private", True)),
        *(("draft: false", False), ("draft:", False), ("published: yes", False), ("status: published", False)),
    ],
)
def test_drafts_are_told_by_every_dialects_key(keys: str, held_back: bool) -> None:
    assert _post(keys).draft is held_back


@pytest.mark.parametrize(
    ("path", "keys", "kind"),
    [
        ("about.md", "date: 2018-12-03", Kind.PAGE),
        ("CV.md", "date: 2018-12-03", Kind.PAGE),
        ("about/index.md", "date: 2018-12-03", Kind.PAGE),
        ("talks.md", "date: 2018-12-03", Kind.POST),
        ("talks.md", "nodate: x", Kind.PAGE),
        ("notes/about.md", "date: 2018-12-03", Kind.POST),
        ("2018-12-03-about.md", "x: y", Kind.POST),
        ("_posts/2018-12-03-now.md", "layout: page", Kind.POST),
        ("x.md", "layout: page\ndate: 2018-12-03", Kind.PAGE),
        ("x.md", "type: page\nnodate: x", Kind.PAGE),
        ("pages/x.md", "nodate: x", Kind.PAGE),
    ],
)
def test_standing_pages_are_told_from_posts(path: str, keys: str, kind: Kind) -> None:
    assert _post(keys, path).kind is kind


@pytest.mark.parametrize(
    ("path", "keys", "place"),
    [
        ("talks/x.md", "slug: My Slug", "talks/my-slug/"),
        ("talks/x.md", "url: /a/b", "a/b/"),
        ("talks/x.md", "url: https://example.com/a/b.html", "a/b.html"),
        ("talks/x.md", "url: https://elsewhere.example/a", "talks/x/"),
        ("talks/x.md", "permalink: /a/b", "a/b"),
        ("talks/x.md", "permalink: /:year/:slug/", "2018/x/"),
        ("talks/x.md", "permalink: pretty", "2018/12/03/t/"),
        ("talks/x.md", "slug: /a/b/", "a/b/"),
        ("x.de.md", "a: b", "de/x/"),
        ("x.en.md", "a: b", "x/"),
        ("intro-to-node.js.md", "a: b", "intro-to-node.js/"),
        ("🎉.md", "a: b", "t/"),
        ("pages/x.md", "layout: page", "x/"),
    ],
)
def test_the_address_is_what_the_author_wrote_else_the_pattern(path: str, keys: str, place: str) -> None:
    assert _post(keys, path).permalink == f"https://example.com/{place}"


def test_a_section_has_its_own_pattern_and_pages_have_none_with_dates() -> None:
    settings = _patterns(("", "/:year/:slug/"), ("talks", "/t/:slug.html"))
    assert _post("a: b", "talks/x.md", settings).permalink == "https://example.com/t/x.html"
    assert _post("a: b", "notes/x.md", settings).permalink == "https://example.com/2018/x/"
    assert _post("nodate: x", "about.md", settings).permalink == "https://example.com/about/"


def test_a_date_in_an_address_is_the_sites() -> None:
    post = _post("date: 2018-12-03T01:00:00Z", settings=_patterns(("", "/:year/:month/:day/:slug/")))
    assert post.permalink == "https://example.com/2018/12/02/x/"


@pytest.mark.parametrize(
    ("keys", "tags"),
    [
        ("tags: [a, B, b, null, '#c', ' d  e ']", ("a", "B", "c", "d e")),
        ("tags: one two", ("one", "two")),
        ("tags: one, two words,", ("one", "two words")),
        ("tags:", ()),
        ("tag: just one", ("just one",)),
        ("tags: [C#, a/b, [x, y], {z: 1}]", ("C#", "a/b", "x", "y")),
        ("keywords: [a, b]", ()),
    ],
)
def test_tags_are_words_each_once(keys: str, tags: tuple[str, ...]) -> None:
    assert _post(keys).tags == tags


@pytest.mark.parametrize(
    ("keys", "authors"),
    [
        ("author: Ada Example", (Author("Ada Example"),)),
        ("by: [Ada, ada, Ben]", (Author("Ada"), Author("Ben"))),
        ("authors: Ada, Ben", (Author("Ada"), Author("Ben"))),
        ("author: Ada Example, PhD", (Author("Ada Example, PhD"),)),
        (
            "author: {name: Ada, email: a@example.org, url: 'https://a.example'}",
            (Author("Ada", "a@example.org", "https://a.example"),),
        ),
        ("author: Ada <a@example.org>", (Author("Ada", "a@example.org"),)),
        ("params: {author: Ada}", (Author("Ada"),)),
        ("author: true", ()),
    ],
)
def test_every_author_is_named_once(keys: str, authors: tuple[Author, ...]) -> None:
    assert _post(keys).authors == authors


@pytest.mark.parametrize(
    ("keys", "image"),
    [
        ("image: a.png", ("a.png", "")),
        ("cover: {image: a.png, alt: A bird, relative: true}", ("a.png", "A bird")),
        ("images: [a.png, b.png]", ("a.png", "")),
        ("featured: true\nbanner: a.png\nimage_alt: A bird", ("a.png", "A bird")),
        ("header: {teaser: a.png}", ("a.png", "")),
        ("extra: {image: {src: a.png}}", ("a.png", "")),
        ("image: []", ("", "")),
    ],
)
def test_the_picture_is_found_with_its_words(keys: str, image: tuple[str, str]) -> None:
    post = _post(keys)
    assert (post.image, post.image_alt) == image


@pytest.mark.parametrize(
    "keys",
    ["audio: a.mp3", "enclosure: {url: a.mp3}", "podcast: {file: a.mp3}", "media: [a.mp3]", "video: {mp4: a.mp3}"],
)
def test_media_are_found_under_their_names(keys: str) -> None:
    assert _post(keys).media == "a.mp3"


@pytest.mark.parametrize(
    ("keys", "let_in"),
    [
        *(("feed: false", False), ("in_feed: no", False), ("rss: false", False), ("exclude_from_feed: true", False)),
        *(
            ("eleventyExcludeFromCollections: true", False),
            ("build: {list: never}", False),
            ("extra: {feed: false}", False),
        ),
        *(("feed: true", True), ("feed: {excerpt_only: true}", True), ("build: {list: always}", True)),
    ],
)
def test_one_post_is_left_out_of_feeds_by_its_key(keys: str, let_in: bool) -> None:
    assert _post(keys).in_feeds is let_in


@pytest.mark.parametrize(
    ("keys", "declared"),
    [
        ("id: https://example.com/?p=1", "https://example.com/?p=1"),
        ("id: urn:uuid:0f", "urn:uuid:0f"),
        ("id: 42", ""),
        ("id: two words:x", ""),
    ],
)
def test_an_id_counts_when_it_is_an_absolute_iri(keys: str, declared: str) -> None:
    assert _post(keys).declared_id == declared


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ("feed_content: Summary", False),
        ("feed_content: half", True),
        ("lang: pt_BR", False),
        ("lang: Portuguese!", True),
    ],
)
def test_values_outside_their_choice_are_warned_of(keys: str, warned: bool) -> None:
    reading = _read(f"---\n{keys}\ndate: 2018-12-03\n---\n")
    assert [problem.line for problem in reading.problems] == ([2] if warned else [])


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("redirect: /y/", "a redirect stub"),
        ("redirect_to: [/y/]", "a redirect stub"),
        ("layout: redirect", "a redirect stub"),
        ("permalink: false", "permalink: false"),
        ("headless: true", "never published on its own"),
    ],
)
def test_what_is_no_post_is_skipped_with_its_reason(keys: str, reason: str) -> None:
    reading = _read(f"---\n{keys}\n---\n")
    assert (reading.source, reading.problems) == (None, ())
    assert reason in reading.skipped


def test_keys_that_differ_in_spelling_only_are_told() -> None:
    reading = _read("---\ntitle: A\nTitle: B\ndate: 2018-12-03\n---\n")
    assert reading.source is not None
    assert reading.source.post.title == "B"
    assert [(problem.line, problem.level.value) for problem in reading.problems] == [(3, "warning")]


def test_a_heading_that_became_the_title_leaves_the_body() -> None:
    source = _source("---\ndate: 2018-12-03\n---\n\n# The *title*\n\n    code\n")
    assert (source.post.title, source.body, source.body_line) == ("The title", "    code\n", 7)


def test_a_heading_further_down_stays() -> None:
    source = _source("---\ndate: 2018-12-03\n---\nFirst.\n\n# Then\n")
    assert (source.post.title, source.body, source.body_line) == ("Then", "First.\n\n# Then\n", 4)


def test_a_title_of_the_frontmatter_is_kept_as_text() -> None:
    source = _source("+++\ntitle = 'A  *b* &lt;\t<c>'\ndate = 2018-12-03\n+++\n# Heading\n")
    assert (source.post.title, source.body) == ("A *b* &lt; <c>", "# Heading\n")


def test_a_post_named_by_its_minute_is_dated_by_it_and_titled_by_its_first_words() -> None:
    source = _source("Rain again.\n\nMore.\n", "thoughts/202604011234.md")
    post = source.post
    assert (post.published, post.kind) == (datetime(2026, 4, 1, 7, tzinfo=UTC), Kind.POST)
    assert (post.title, post.permalink) == ("Rain again.", "https://example.com/thoughts/202604011234/")
    assert source.body == "Rain again.\n\nMore.\n"


def test_a_title_made_of_a_long_beginning_ends_between_words() -> None:
    title = _source("[A *walk*](/x) that goes on " + "and on " * 30, "2026-04-01.md").post.title
    assert (title[:20], title[-4:], len(title) <= 71) == ("A walk that goes on ", " on…", True)


@pytest.mark.parametrize("path", ["x.md", "blog/x.md", "journal/2026/x.md", "deep/Posts/x.md", "_posts/x.md"])
def test_a_file_without_a_date_among_posts_is_refused(path: str) -> None:
    reading = _read("---\ntitle: T\n---\nText.\n", path)
    assert reading.source is None
    assert [problem.message for problem in reading.problems] == ["the post has no date"]


@pytest.mark.parametrize("path", ["projects/boat.md", "posts/boats/keel/index.md", "talks/2026/x.md"])
def test_a_file_without_a_date_elsewhere_is_a_standing_page_and_its_author_is_told(path: str) -> None:
    reading = _read("+++\ntitle = 'T'\n+++\nText.\n", path)
    assert reading.source is not None
    assert (reading.source.post.kind, [one.level.value for one in reading.problems]) == (Kind.PAGE, ["warning"])
    assert reading.problems[0].remedy.endswith('add type = "page"')


def test_a_translation_stays_out_of_the_feeds_of_the_sites_language() -> None:
    assert [_post("x: 1", path).in_feeds for path in ("a.md", "a.en.md", "a.de.md")] == [True, True, False]


def test_a_file_without_any_metadata_lacks_a_date_wherever_it_lies() -> None:
    assert _read("# T\n\nText.\n", "projects/boat.md").source is None


@pytest.mark.parametrize(
    "path", ["blog/README.md", "AGENTS.md", "notes/CONTRIBUTING.md", "[...slug].md", "blog/[id].md"]
)
def test_what_speaks_to_others_than_readers_is_passed_over(path: str) -> None:
    assert _read("# How to\n", path).skipped


@pytest.mark.parametrize(("written", "lives"), [("notes/v1.2", "notes/v1.2/"), ("/old/a.html", "old/a.html")])
def test_a_path_with_a_dot_is_a_folder_unless_it_names_a_page(written: str, lives: str) -> None:
    assert _post(f"path: {written}").permalink == f"https://example.com/{lives}"


def test_a_first_heading_that_repeats_the_title_leaves_the_body() -> None:
    keys = "---\ntitle: On rain\ndate: 2018-12-03\n---\n"
    repeated, other = _source(f"{keys}# On Rain\n\nText.\n"), _source(f"{keys}# Rain\n\nText.\n")
    assert (repeated.post.title, repeated.body, repeated.body_line) == ("On rain", "Text.\n", 7)
    assert (other.post.title, other.body) == ("On rain", "# Rain\n\nText.\n")


def test_a_collection_of_jekyll_goes_by_its_name() -> None:
    post = _post("x: 1", "_talks/2020-01-02-hi.md")
    assert (post.section, post.permalink) == ("talks", "https://example.com/talks/hi/")


def test_what_speaks_to_others_is_a_post_when_it_is_dated() -> None:
    assert _post("date: 2020-01-01", "guide/README.md").kind is Kind.POST


def test_an_empty_file_and_a_template_for_posts_are_passed_over() -> None:
    assert _read("", "projects/x/index.md").skipped == "an empty file"
    assert _read("---\ndate: '{{date}}'\ntitle: '{{title}}'\n---\n").skipped == "a template for new posts"


def test_escaped_control_characters_do_not_survive() -> None:
    assert _source('+++\ntitle = "a\\u0000b\\u0008"\ndate = 2018-12-03\n+++\n').post.title == "ab"


def test_a_name_that_is_no_text_is_refused() -> None:
    reading = _read("# Hello", "2018-12-03-\udcff.md")
    assert reading.source is None
    assert str(reading.problems[0]).encode()


def test_an_alias_bomb_costs_nothing() -> None:
    lines = [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 60)]
    source = _source("\n".join(["---", "k0: &k0 [x]", *lines, "tags: *k59", "date: 2018-12-03", "---", ""]))
    assert source.post.tags == ()


def test_an_author_is_linked_by_addresses_that_readers_may_follow_only() -> None:
    told = (
        '---\ntitle: T\ndate: 2024-01-05\nauthor: { name: Ann, email: "a@b.test\\nBcc: c", url: "javascript:x" }\n---\n'
    )
    source = read_post("a.md", told.encode(), SETTINGS).source
    assert source is not None
    assert source.post.authors == (Author("Ann"),)


@pytest.mark.parametrize("keys", ["wip: true", "password: secret", "params:\n  draft: true", "extra:\n  draft: true"])
def test_further_ways_to_hold_a_post_back(keys: str) -> None:
    assert _post(keys).draft


def test_a_post_that_is_not_to_be_rendered_is_left_out() -> None:
    assert _read("---\ntitle: T\ndate: 2018-12-03\nrender: false\n---\n").skipped.startswith("never published")
