"""What a reader sees in place of a shortcode."""

from __future__ import annotations

import pytest

from publisher.content.fallbacks import Call, form_of


def test_a_caption_is_markdown_and_its_words_speak_for_the_picture() -> None:
    form = form_of(Call("img", named=(("src", "a.png"), ("caption", "A [lake](/lake) at *dawn*"))))
    assert '<figcaption>A <a href="/lake">lake</a> at <em>dawn</em></figcaption>' in form.block
    assert 'alt="A lake at dawn"' in form.block


@pytest.mark.parametrize("caption", ["# Not a heading", "One\n\nTwo", "- a\n- b"])
def test_a_caption_that_is_more_than_a_line_stays_as_written(caption: str) -> None:
    form = form_of(Call("figure", named=(("src", "a.png"), ("caption", caption))))
    assert f"<figcaption>{caption}</figcaption>" in form.block


def test_an_unknown_shortcode_shows_the_picture_it_names_and_says_so() -> None:
    form = form_of(Call("float_left", named=(("image", "2020/lake.webp"), ("alt", "A lake"))))
    assert form.block == '<p><img src="2020/lake.webp" alt="A lake" /></p>\n'
    assert form.problem == "unknown shortcode float_left is shown as its picture alone"


def test_an_unknown_shortcode_on_its_own_line_shows_the_address_it_names() -> None:
    form = form_of(Call("postcard", plain=("https://example.org/a",)))
    assert form.block == '<p><a href="https://example.org/a">Embedded: example.org/a</a></p>\n'
    assert (form.inline, form.problem) == (
        "",
        "unknown shortcode postcard is left out, or a link where it stands alone",
    )


def test_a_component_around_text_is_no_link() -> None:
    form = form_of(Call("Card", named=(("href", "https://example.org/a"),), component=True))
    assert (form.block, form.problem) == ("", "unknown component Card is left out")


def test_a_film_is_known_by_its_kind() -> None:
    assert 'href="waves.mp4"' in form_of(Call("video", named=(("video", "waves.mp4"),))).block
