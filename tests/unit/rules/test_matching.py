"""Which item of a running feed is which post."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from publisher.model.received import ReceivedItem
from publisher.rules.matching import Candidate, How, guess_zone, match, rule_of_ids

DAY = datetime(2024, 3, 10, 9, tzinfo=UTC)
BLOG = "https://x.test/"


def an_item(number: int = 1, **fields: object) -> ReceivedItem:
    given = {"id": f"tag:{number}", "url": f"{BLOG}{number}/", "title": f"Title {number}", "published": DAY}
    return ReceivedItem(**(given | fields))  # type: ignore[arg-type]  # the fields of the noun, as its callers name them


def a_post(number: int = 1, **fields: object) -> Candidate:
    given = {"declared_id": "", "permalink": f"{BLOG}{number}/", "former": (), "title": f"Title {number}"}
    return Candidate(**({"path": f"{number}.md", "published": DAY} | given | fields))  # type: ignore[arg-type]  # as above


def pairs(items: list[ReceivedItem], posts: list[Candidate]) -> dict[str, tuple[str, How]]:
    return {one.item.id: (one.post.path, one.how) for one in match(items, posts).found}


@pytest.mark.parametrize(
    ("item", "post", "how"),
    [
        ({"id": "urn:1", "url": "", "title": ""}, {"declared_id": "urn:1"}, How.ID),
        ({}, {}, How.LINK),
        ({"url": "http://www.X.test/1"}, {}, How.LINK),
        ({"url": f"{BLOG}1/index.html"}, {}, How.LINK),
        ({"url": f"{BLOG}1.html"}, {}, How.LINK),
        ({"url": f"{BLOG}caf%C3%A9/"}, {"permalink": f"{BLOG}café/"}, How.LINK),
        ({"url": f"{BLOG}old"}, {"former": (f"{BLOG}old/",)}, How.FORMER),
        ({"url": f"{BLOG}?p=7"}, {}, How.TITLE),
        ({"url": "", "published": DAY + timedelta(hours=14)}, {}, How.TITLE),
        ({"url": "", "published": None, "updated": DAY}, {}, How.TITLE),
        ({"url": "", "title": "Don’t — stop…"}, {"title": "don't -- stop..."}, How.TITLE),  # noqa: RUF001 - curly, as it is set
        ({"url": "", "title": "An\u00a0 open  “door”"}, {"title": 'An open "door"'}, How.TITLE),
    ],
)
def test_an_item_is_the_post_that_it_speaks_of(item: dict[str, object], post: dict[str, object], how: How) -> None:
    assert pairs([an_item(1, **item)], [a_post(1, **post)]) == {str(item.get("id", "tag:1")): ("1.md", how)}


@pytest.mark.parametrize(
    ("item", "post"),
    [
        ({"id": ""}, {}),
        ({"url": f"{BLOG}other/", "title": "Other"}, {}),
        ({"url": "", "title": ""}, {"title": ""}),
        ({"url": "", "published": None}, {}),
        ({"url": "", "published": DAY + timedelta(hours=27)}, {}),
        ({"url": f"{BLOG}?p=1", "title": ""}, {"permalink": f"{BLOG}?p=2"}),
        ({"url": "http://[", "title": ""}, {}),
    ],
)
def test_what_says_too_little_is_no_post(item: dict[str, object], post: dict[str, object]) -> None:
    found = match([an_item(1, **item)], [a_post(1, **post)])
    assert (found.found, len(found.posts)) == ((), 1)


def test_what_two_could_be_stays_unmatched() -> None:
    assert pairs([an_item(), an_item(2, url=f"{BLOG}1/", title="")], [a_post()]) == {"tag:1": ("1.md", How.TITLE)}
    assert pairs([an_item(url="")], [a_post(), a_post(2, title="Title 1")]) == {}
    assert pairs([an_item(url=""), an_item(2, url="", title="Title 1")], [a_post()]) == {}
    assert pairs([an_item(n, url=BLOG, title="") for n in (1, 2)], [a_post(permalink=BLOG)]) == {}


def test_a_column_that_has_one_title_every_month_is_told_by_its_dates() -> None:
    months = [datetime(2024, month, 1, 9, tzinfo=UTC) for month in range(1, 13)]
    items = [an_item(n, url="", title="Links", published=at + timedelta(hours=5)) for n, at in enumerate(months)]
    posts = [a_post(n, title="Links", published=at) for n, at in enumerate(months)]
    assert pairs(items, posts[::-1]) == {f"tag:{n}": (f"{n}.md", How.TITLE) for n in range(12)}


def test_a_column_of_every_day_is_told_by_its_moments_and_by_nothing_less() -> None:
    days = [DAY + timedelta(days=n) for n in range(9)]
    items = [an_item(n, url="", title="Links", published=at) for n, at in enumerate(days)]
    posts = [a_post(n, title="Links", published=at.astimezone(ZoneInfo("Asia/Tokyo"))) for n, at in enumerate(days)]
    assert pairs(items, posts) == {f"tag:{n}": (f"{n}.md", How.TITLE) for n in range(9)}
    shifted = [a_post(n, title="Links", published=at + timedelta(hours=12)) for n, at in enumerate(days)]
    assert pairs(items[1:-1], shifted) == {}


def test_an_item_near_two_posts_takes_neither_though_one_is_nobody_elses() -> None:
    items = [an_item(1, url="", title="T"), an_item(2, url="", title="T", published=DAY + timedelta(hours=40))]
    posts = [a_post(n, title="T", published=DAY + timedelta(hours=h)) for n, h in ((1, -20), (2, 5), (3, 20))]
    assert pairs(items, posts) == {}


def test_their_order_says_nothing() -> None:
    items = [an_item(1), an_item(2, url=f"{BLOG}1/"), an_item(3, url="http://x.test/3"), an_item(4, url="")]
    posts = [a_post(1), a_post(2), a_post(3), a_post(4)]
    told = pairs(items, posts)
    assert len(told) == 4
    for some in permutations(items):
        assert pairs(list(some), posts[::-1]) == told


def test_five_thousand_items_of_one_title_and_day_take_no_time() -> None:
    """Each of them is compared with its neighbours, not with all: 25 million pairs would take half a minute."""
    many = range(5000)
    items = [an_item(n, url="", title="Untitled") for n in many]
    assert pairs(items, [a_post(n, title="Untitled", published=DAY + timedelta(hours=1)) for n in many]) == {}


def test_the_first_year_of_the_calendar_is_a_date_like_others() -> None:
    edge = datetime.min.replace(tzinfo=UTC)
    assert pairs([an_item(url="", published=edge)], [a_post(published=edge)]) == {"tag:1": ("1.md", How.TITLE)}


@pytest.mark.parametrize(
    ("permalink", "identifier"),
    [
        ("https://x.test/{}/", "https://x.test/{}/"),
        ("https://x.test/{}.html", "https://x.test/{}"),
        ("https://x.test/{}/", "https://x.test/{}"),
        ("https://x.test/{}/", "http://x.test/{}/"),
        ("https://x.test/{}/", "http://x.test/{}"),
    ],
)
def test_ids_that_follow_from_links_are_known_of_posts_that_left_the_feed(permalink: str, identifier: str) -> None:
    items = [an_item(n, id=identifier.format(n), url=permalink.format(n)) for n in range(3)]
    posts = [a_post(n, permalink=permalink.format(n)) for n in range(3)]
    rule = rule_of_ids(match(items, posts).found)
    assert rule
    assert rule(permalink.format("old")) == identifier.format("old")
    assert rule_of_ids(match(items[:2], posts).found) is None


def test_ids_that_are_numbers_follow_from_nothing() -> None:
    found = match([an_item(n, id=f"{n}") for n in range(9)], [a_post(n) for n in range(9)]).found
    assert len(found) == 9
    assert rule_of_ids(found) is None


ZONES = [ZoneInfo(name) for name in ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata")]


def days_in(zone: str, clock: time = time(0)) -> list[tuple[date, datetime]]:
    days = [date(2024, month, 5) for month in range(1, 11)]
    return [(day, datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)) for day in days]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_the_zone_is_the_one_in_which_days_begin_as_the_feed_says(zone: str) -> None:
    assert guess_zone(days_in(zone), ZONES, time(0)) == ZoneInfo(zone)
    assert guess_zone(days_in(zone, time(12)), ZONES, time(12)) == ZoneInfo(zone)
    assert guess_zone(days_in(zone, time(12, 34)), ZONES, time(0)) is None


def test_one_in_five_may_be_dated_anew() -> None:
    days = days_in("Europe/Berlin")
    odd = [(day, at + timedelta(days=90)) for day, at in days]
    assert guess_zone(odd[:2] + days[2:], ZONES, time(0)) == ZoneInfo("Europe/Berlin")
    assert guess_zone(odd[:3] + days[3:], ZONES, time(0)) is None
    assert guess_zone([], ZONES, time(0)) is None
    edge = datetime.min.replace(tzinfo=UTC)
    assert guess_zone([(edge.date(), edge)], ZONES[1:], time(0)) is None
