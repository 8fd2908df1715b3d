"""A body as a whole: what it is made of besides HTML, what it rests on, what its author is told."""

from __future__ import annotations

import dataclasses

import pytest

from publisher.content.body import still_holds
from publisher.content.clean import DEEPEST
from publisher.content.links import LinkIndex
from publisher.model.entry import Enclosure, Image
from publisher.model.problem import Level
from tests.bodies import FILES, POSTS, a_parsed_post, an_index, rendered
from tests.builders import BASE, some_settings


def test_page_and_feed_share_one_string_when_there_is_nothing_to_clean() -> None:
    body = rendered("# A\n\n[b](other.md) and `<div>` and ![c](pic.png)\n\n```html\n<script>\n```").body
    assert body.feed_html is body.html


def test_scripts_and_handlers_stay_on_the_page_and_leave_the_feed() -> None:
    body = rendered('<p onclick="go()">Hi<script>go()</script></p>').body
    assert "onclick" in body.html
    assert "<script>" in body.html
    assert body.feed_html == "<p>Hi</p>"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "vbscript:x", "&#106;avascript:x"])
def test_links_that_run_code_never_reach_a_feed(url: str) -> None:
    assert "script" not in rendered(f"[x]({url})").body.feed_html
    assert "script:" not in rendered(f'<a href="{url}">x</a>').body.feed_html


def test_handlers_written_as_heading_attributes_never_reach_a_feed() -> None:
    assert "onclick" not in rendered("# Title {onclick=x}").body.feed_html


def test_the_first_image_is_the_bodys_unless_frontmatter_names_one() -> None:
    body = '<img src="data:image/gif;base64,R0" alt="no"><img src="t.gif" width="1" height="1">\n\n![A *map*](pic.png)'
    assert rendered(body).body.image == Image(f"{BASE}notes/pic.png", "A map")
    named = rendered(body, image="/img/map.png", image_alt="Ours")
    assert named.body.image == Image(f"{BASE}img/map.png", "Ours")
    assert "img/map.png" in named.assets
    assert rendered("Words.").body.image is None


def test_an_image_that_frontmatter_names_and_nobody_has_is_told_without_a_line() -> None:
    made = rendered("Words.", image="lost.png")
    assert [(problem.line, problem.level) for problem in made.problems] == [(0, Level.WARNING)]


@pytest.mark.parametrize(
    "body",
    ["[Listen](talk.mp3)", '<audio src="talk.mp3"></audio>', '{{< audio src="talk.mp3" >}}', "![[talk.mp3]]"],
)
def test_a_local_recording_in_the_body_is_the_enclosure_with_its_length(body: str) -> None:
    made = rendered(body)
    assert made.body.enclosure == Enclosure(f"{BASE}notes/talk.mp3", "audio/mpeg", 4_242_424)
    assert made.assets == ("notes/talk.mp3",)


def test_frontmatters_media_comes_first_and_a_remote_one_has_no_length() -> None:
    made = rendered("[Listen](talk.mp3)", media="https://cdn.example.org/ep.m4a?x=1")
    assert made.body.enclosure == Enclosure("https://cdn.example.org/ep.m4a?x=1", "audio/mp4", 0)
    assert rendered("[a link](https://cdn.example.org/ep.mp3)").body.enclosure is None


def test_a_video_with_sources_is_a_link_in_the_feed_and_an_enclosure() -> None:
    made = rendered('<video controls><source src="https://cdn.example.org/f.webm"></video>').body
    assert made.enclosure == Enclosure("https://cdn.example.org/f.webm", "video/webm", 0)
    assert '<a href="https://cdn.example.org/f.webm">Video: cdn.example.org/f.webm</a>' in made.feed_html


def test_a_cached_body_holds_until_something_it_refers_to_changes() -> None:
    post = a_parsed_post()
    made = rendered("[a](other.md) [b](draft.md) [c](talk.mp3) [[New Year]] [d](#e) [f](https://example.org/)")
    assert still_holds(made.references, post, an_index())
    assert "https://example.org/" not in dict(made.references)
    renamed = [dataclasses.replace(one, permalink=f"{BASE}moved/") if "other" in one.path else one for one in POSTS]
    settings = some_settings()
    assert not still_holds(made.references, post, LinkIndex.build(renamed, FILES, settings, ["notes/draft.md"]))
    draft = a_parsed_post("notes/draft.md")
    assert not still_holds(made.references, post, LinkIndex.build([*POSTS, draft], FILES, settings, []))
    longer = FILES | {"notes/talk.mp3": 5}
    assert not still_holds(made.references, post, LinkIndex.build(POSTS, longer, settings, ["notes/draft.md"]))
    without = {path: size for path, size in FILES.items() if path != "notes/talk.mp3"}
    assert not still_holds(made.references, post, LinkIndex.build(POSTS, without, settings, ["notes/draft.md"]))


def test_a_body_without_references_always_holds() -> None:
    assert rendered("Words and [a link](https://example.org/).").references == ()


def test_problems_name_file_line_and_remedy_in_order() -> None:
    made = rendered("one\n\n{{< odd >}}\n\n[x](gone.md)\n\n{{< strange >}}\n\n[[Nobody]]")
    assert [(one.path, one.line) for one in made.problems] == [("posts/notes/today.md", line) for line in (3, 5, 7, 9)]
    assert "odd" in made.problems[0].message
    assert "gone.md" in made.problems[1].message
    assert all(one.remedy and one.level is Level.WARNING for one in made.problems)


def test_what_is_nested_too_deep_is_refused_with_its_words_kept() -> None:
    made = rendered(">" * (DEEPEST + 1) + " words <b>")
    assert [problem.level for problem in made.problems] == [Level.ERROR]
    assert made.body.html == made.body.feed_html
    assert "words &lt;b&gt;" in made.body.html
    assert not rendered(">" * (DEEPEST - 1) + " words").problems  # and a paragraph in it


def test_headings_get_stable_ids_that_differ() -> None:
    html = rendered("# Über *Uns* & `c`!\n\n# A\n\n# A\n\n# A-1\n\n# ?\n\n# Own {#own}\n\n<h2>Raw *one*</h2>").body.html
    for ident in ("über-uns--c", "a", "a-1", "a-1-1", "section", "own", "raw-one"):
        assert f'id="{ident}"' in html


def test_the_more_marker_goes_and_ends_the_summary() -> None:
    for marker in ("<!--more-->", "<!-- more -->", "<!-- excerpt -->", "<!--truncate-->", "{/* more */}"):
        body = rendered(f"## Not this\n\nFirst *part*.\n\nSecond.\n{marker}\nThird.").body
        assert body.summary == "First part. Second."
        assert "more" not in body.html
        assert body.feed_html is body.html
    assert "<!--more-->" in rendered("`<!--more-->`").body.html.replace("&lt;", "<").replace("&gt;", ">")


def test_an_entity_that_spells_a_stand_in_does_no_harm() -> None:
    body = rendered("zq&#107;0z zq&#107;99999z {{< youtube x >}}").body
    assert "zqk99999z" in body.html


def test_code_that_an_author_wrote_as_html_keeps_its_tags_if_it_is_closed() -> None:
    assert "{{&lt; youtube x &gt;}}" in rendered("<code>{{< youtube x >}}</code>").body.html.replace(
        "{{< youtube x >}}", "{{&lt; youtube x &gt;}}"
    )
    assert "watch?v=x" in rendered("<code> and {{< youtube x >}}").body.html
    assert "watch?v=x" in rendered("<!--<!-- more -->{{< youtube x >}}").body.html


def test_a_bare_address_ends_at_a_quotation_mark() -> None:
    html = rendered('See https://example.org/a"onclick="x() now').body.html
    assert '<a href="https://example.org/a">https://example.org/a</a>"onclick=' in html
