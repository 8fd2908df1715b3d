from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.content.permalinks import Facts, absolute, address_fault, pattern_faults, permalink

BASE = "https://example.com/blog/"


def _facts(**fields: Any) -> Facts:
    given: dict[str, Any] = {
        "published": datetime(2018, 12, 3, 7, 30, tzinfo=UTC),  # still 2 December in Los Angeles
        "zone": ZoneInfo("America/Los_Angeles"),
        "title": "The Big Day!",
        "slug": "chosen",
        "name": "Big_Day",
        "stem": "2018-12-02-Big_Day",
        "chosen_slug": "",
        "name_dated": False,
        "folders": ("Talks", "Far Away"),
        "categories": ("travel", "slow trains"),
    }
    return Facts(**(given | fields))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/:sections/:slug/", "talks/far-away/chosen/"),
        (":year/:month/:day/:title", "2018/12/02/the-big-day"),
        ("/:section/:slug.html", "talks/chosen.html"),
        ("/:collection/:name/", "talks/Big_Day/"),
        ("/:path", "Talks/Far-Away/Big_Day"),
        ("/:sections[1:]/:slug/", "far-away/chosen/"),
        ("/:sections[last]/:slug/", "far-away/chosen/"),
        ("/:sections[0]/:slug/", "talks/chosen/"),
        ("/:monthname/:weekday/:weekdayname/:yearday/:filename/", "december/0/sunday/336/big_day/"),
        ("/:contentbasename/:slugorfilename", "big_day/chosen"),
        ("/:short_year/:i_month/:i_day/:y_day/:slug:output_ext", "18/12/2/336/chosen.html"),
        ("/:categories/:slug/", "travel/slow-trains/chosen/"),
        ("pretty", "travel/slow-trains/2018/12/02/the-big-day/"),
        ("date", "travel/slow-trains/2018/12/02/the-big-day.html"),
        ("ordinal", "travel/slow-trains/2018/336/the-big-day.html"),
        ("weekdate", "travel/slow-trains/2018/W48/Sun/the-big-day.html"),
        ("none", "travel/slow-trains/the-big-day.html"),
    ],
)
def test_tokens_stand_for_the_posts_facts_by_the_sites_clock(pattern: str, path: str) -> None:
    assert permalink(pattern, BASE, _facts()) == BASE + path
    assert pattern_faults(pattern) == ()


def test_jekylls_title_is_the_rest_of_a_dated_files_name() -> None:
    assert permalink("/:title/", BASE, _facts(name_dated=True)) == BASE + "Big_Day/"


def test_empty_tokens_leave_no_double_slash() -> None:
    assert permalink("/:categories/:sections/:slug/", BASE, _facts(categories=(), folders=())) == BASE + "chosen/"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("/:yeer/:slug/", ":yeer is no token"),
        ("/:year/:month/", "many posts one address"),
        ("", "many posts one address"),
        ("/../:slug/", "below the site"),
        ("https://example.com/:slug/", "below the site"),
        ("/:slug/?x=1", "below the site"),
    ],
)
def test_a_patterns_faults_are_named(pattern: str, words: str) -> None:
    assert any(words in fault for fault in pattern_faults(pattern))


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b/ü/", "a%20b/%C3%BC/"),
        ("a//b/./c", "a/b/c"),
        ("/a%20b/%c3%bc", "a%20b/%C3%BC"),
        ("/100%/", "100%25/"),
        ("/../../etc/passwd", "etc/passwd"),
        ("/a%2Fb%2e%2e/", "a-b../"),
        ("/about/index.html", "about/"),
        ("/what?/#now", "what%3F/%23now"),
        ("/\ud800/", "%3F/"),
    ],
)
def test_an_address_is_encoded_once_and_stays_below_the_site(path: str, url: str) -> None:
    assert absolute(BASE, path) == BASE + url


@pytest.mark.parametrize(
    "path", ["/../x/", "/%2e%2e/x/", "/a?b", "/a#b", "/", "", "/index.html", "/" + "x" * 300, "/a%00b", "/..\\x"]
)
def test_an_address_that_no_file_can_have_is_refused(path: str) -> None:
    assert address_fault(path) != ""


@pytest.mark.parametrize("path", ["/2018/x/", "x.html", "/ü/%20/", "/a..b/"])
def test_an_ordinary_address_has_no_fault(path: str) -> None:
    assert address_fault(path) == ""


_WRITTEN = {"file": "talks/2018-12-02-Big_Day", "written_title": "The <b>Big</b> Day!", "written_slug": ""}


@pytest.mark.parametrize(
    ("spelling", "pattern", "path"),
    [
        ("hugo", "/:sections/:slugorcontentbasename/", "talks/far-away/2018-12-02-big_day/"),
        ("hugo", "/:sections/:slugorcontentbasename.html", "talks/far-away/2018-12-02-big_day.html"),
        ("hugo", "/:year/:slug/", "2018/the-bbig-b-day/"),
        ("hugo", "/:sections[0]/:2006-01/:title/", "talks/2018-01/the-bbig-b-day/"),
        ("hugo", "/:monthname/:weekdayname/:filename/", "december/monday/2018-12-02-big_day/"),
        ("jekyll", "date", "travel/slow%20trains/2018/12/02/Big_Day.html"),
        ("jekyll", "/:slugified_categories/:slug/", "travel/slow-trains/big-day/"),
        ("jekyll", "/:collection/:name:output_ext", "posts/2018-12-02-big-day.html"),
        ("zola", "/:sections/:slug/", "Talks/Far%20Away/big-day/"),
        ("eleventy", "/:path/", "talks/2018-12-02-Big_Day/"),
        ("eleventy", "/:name/:slug/:title/", "Big_Day/big-day/the-b-big-b-day/"),
        ("pelican", "/:categories/:slug.html", "travel/the-big-day.html"),
    ],
)
def test_tokens_stand_for_what_their_generator_puts_there(spelling: str, pattern: str, path: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    facts = _facts(own_zone=berlin, **_WRITTEN)
    assert permalink(pattern, BASE, facts, spelling) == BASE + path


@pytest.mark.parametrize("spelling", ["hugo", "jekyll", "zola", "eleventy", "pelican"])
def test_where_no_file_can_stand_our_own_rules_hold(spelling: str) -> None:
    facts = _facts(title="..", name="..", stem="..", file="..", written_title="..", written_slug="..", folders=("..",))
    assert permalink("/:sections/:title/", BASE, facts, spelling) in {BASE + "chosen/", BASE + "chosen"}
    assert permalink("/", BASE, facts, spelling) == BASE + "chosen/"


def test_a_pattern_may_hold_dates_as_go_writes_them() -> None:
    facts = _facts(published=datetime(2018, 1, 2, 15, 4, 5, tzinfo=UTC), zone=ZoneInfo("UTC"))
    assert permalink(
        "/:2006/:January-:Jan/:1-:01/:2-:02-:002/:Monday/:Mon/:15-:03-:3:PM/:04-:05/:slug", BASE, facts
    ) == (BASE + "2018/January-Jan/1-01/2-02-002/Tuesday/Tue/15-03-3PM/04-05/chosen")
    assert pattern_faults("/:2006/:slug/") == ()
    assert pattern_faults("/:Januar/:slug/") != ()
