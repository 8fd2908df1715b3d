from __future__ import annotations

import pytest

from publisher.content.slugs import name_slug, slugify


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("AWS ReInvent 2018", "aws-reinvent-2018"),
        ("  Spaces, and: punctuation! ", "spaces-and-punctuation"),
        ("Don't", "don-t"),
        ("snake_case", "snake-case"),
        ("Über Größe", "über-größe"),
        ("U\u0308ber", "über"),
        ("हिन्दी भाषा", "हिन्दी-भाषा"),
        ("日本語 の本", "日本語-の本"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u062e\u0648"),
        ("🎉", ""),
        ("C++", "c"),
        ("../../etc", "etc"),
    ],
)
def test_words_become_lower_case_letters_and_dashes(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("no_title", "no_title"),
        ("Node.js v1", "node.js-v1"),
        ("..", ""),
        (".hidden", "hidden"),
        ("Ä b", "ä-b"),
        ("a--b", "a-b"),
    ],
)
def test_a_files_name_keeps_what_generators_keep(name: str, slug: str) -> None:
    assert name_slug(name) == slug


def test_case_is_kept_where_jekyll_keeps_it() -> None:
    assert name_slug("Big-Day", keep_case=True) == "Big-Day"


@pytest.mark.parametrize("text", ["word " * 100_000, "語" * 100_000])
def test_a_slug_fits_into_a_files_name(text: str) -> None:
    assert 100 < len(slugify(text).encode()) <= 180
    assert 100 < len(name_slug(text).encode()) <= 180
