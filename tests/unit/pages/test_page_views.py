"""Dates for people, headings, sizes: what templates are given."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.model.entry import Author, Enclosure
from publisher.pages import views
from tests.builders import DAY, an_entry

ZONE = ZoneInfo("America/Los_Angeles")


def test_english_dates_are_words_in_the_sites_zone() -> None:
    late = datetime(2018, 12, 4, 7, 30, tzinfo=UTC)
    assert views.day(late, ZONE, "en-GB", date_only=False) == views.Day(
        "2018-12-03T23:30:00-08:00", "3 December 2018", "3 December"
    )


@pytest.mark.parametrize("language", ["de", "fr-CA", "enm", "", "zh-Hans"])
def test_dates_of_other_languages_are_iso_8601(language: str) -> None:
    assert views.day(DAY, ZONE, language, date_only=True) == views.Day("2018-12-03", "2018-12-03", "12-03")


def test_a_date_without_a_time_stays_one() -> None:
    assert views.day(DAY, ZONE, "en", date_only=True).iso == "2018-12-03"


def test_a_body_has_no_top_heading_of_its_own() -> None:
    body = '<h1 id="a">A</h1><H2>B</H2><h6>C</h6><p><hr></p><h1\nclass="x">D</h1>'
    assert views.one_heading(body) == '<h2 id="a">A</h2><h3>B</h3><h6>C</h6><p><hr></p><h2\nclass="x">D</h2>'


@pytest.mark.parametrize("body", ["<h2>A</h2><h3>B</h3>", "<p>&lt;h1&gt;</p>", "<hr><h10></h10>", ""])
def test_other_bodies_stay_as_they_are(body: str) -> None:
    assert views.one_heading(body) is body


def test_only_addresses_of_the_web_are_linked_and_mail_addresses_stay_private() -> None:
    authors = (
        Author("A", uri="https://a.example/"),
        Author("B", uri="javascript:alert(1)"),
        Author("C", email="c@example.com", uri="mailto:c@example.com"),
    )
    assert views.byline(authors) == [
        views.Named("A", "https://a.example/"),
        views.Named("B", ""),
        views.Named("C", ""),
    ]


def test_tags_and_categories_are_told_once() -> None:
    assert views.topics(an_entry(tags=("Go", "web"))) == ("Go", "web")
    assert views.topics(an_entry(tags=("Go",), categories=("go", "Travel"))) == ("Go", "Travel")


@pytest.mark.parametrize(
    ("length", "size"), [(0, ""), (12, "1 kB"), (41_600, "42 kB"), (999_600, "1.0 MB"), (12_345_678, "12.3 MB")]
)
def test_sizes_are_told_in_words(length: int, size: str) -> None:
    media = views.media(Enclosure("https://a.example/x.mp3", "audio/mpeg", length))
    assert (media.size, media.element) == (size, "audio")


def test_what_a_browser_cannot_play_is_a_link() -> None:
    assert views.media(Enclosure("https://a.example/x.pdf", "application/pdf", 9)).element == ""


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar-EG", "rtl"), ("HE", "rtl"), ("", "ltr")])
def test_the_writing_direction_follows_the_language(language: str, direction: str) -> None:
    assert views.direction(language) == direction
