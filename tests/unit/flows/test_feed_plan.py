"""Which feeds a site has, which posts each holds, and what each is known by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from publisher.content.spelling import term
from publisher.flows.cards import Card, instant
from publisher.flows.feed_plan import PlannedFeed, groups, plan_feeds
from publisher.model.entry import Author
from publisher.model.feed import Format
from publisher.model.settings import FeedsSettings, Filter, NamedFeedSettings, PagesSettings, Settings
from tests.builders import BASE, DAY, some_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATHS = ((Format.RSS, "feed.xml"), (Format.ATOM, "atom.xml"), (Format.JSON, "feed.json"))
PER = (("tag", "tags/:name/:file"), ("author", "by/:name/:file"), ("section", "in/:name/:file"))
EMPTY = datetime(2000, 1, 1, tzinfo=UTC)


def card(number: int, **fields: Any) -> Card:
    """The card of post ``number``; higher numbers are newer."""
    moment = instant(DAY + timedelta(days=number))
    given: dict[str, Any] = {
        **dict.fromkeys(Card._fields, ""),
        **dict.fromkeys(("authors", "tags", "categories", "aliases"), ()),
        "path": f"{number}.md",
        "permalink": f"{BASE}{number}/",
        "published": moment,
        "updated": moment,
        "due": moment,
        "expires": None,
        "in_feeds": True,
    }
    return Card(**(given | fields))


def settings_with(**feeds: Any) -> Settings:
    """Settings of a site with the usual feeds; keywords are those of FeedsSettings."""
    given = {"formats": tuple(Format), "paths": PATHS, "per_paths": PER, **feeds}
    return replace(some_settings(), feeds=FeedsSettings(**given))


def named(name: str = "talks", **fields: Any) -> NamedFeedSettings:
    """[feeds.talks], of every entry unless a filter is given."""
    paths = tuple((fmt, f"{name}/{path}") for fmt, path in PATHS)
    given: dict[str, Any] = {"title": "Talks only", "filter": Filter(), "limit": 20, "content": "full", "paths": paths}
    return NamedFeedSettings(name=name, **(given | fields))


def plan(settings: Settings, cards: Sequence[Card], known: Mapping[str, str] | None = None) -> dict[str, PlannedFeed]:
    """The planned feeds by key. A post's id is its permalink, and its updated a second after its published."""
    ids = {one.path: (one.permalink, one.updated + 1_000_000) for one in cards}
    return {one.feed.key: one for one in plan_feeds(settings, cards, ids, known or {})}


def members(planned: PlannedFeed) -> list[str]:
    return [one.path for one in planned.members]


# The main feed


def test_the_main_feed_is_the_sites() -> None:
    settings = settings_with(hubs=("https://hub.test/",))
    settings = replace(settings, site=replace(settings.site, authors=(Author("Robin"),), language="de"))
    feed = plan(settings, [card(1)])["main"].feed
    assert (feed.title, feed.home, feed.description) == ("Field Notebook", BASE, "Notes that last.")
    assert (feed.language, feed.authors, feed.hubs, feed.full_text) == (
        "de",
        (Author("Robin"),),
        ("https://hub.test/",),
        True,
    )
    assert feed.documents == tuple((fmt, path, BASE + path) for fmt, path in PATHS)


def test_a_feed_is_as_new_as_its_newest_entry() -> None:
    cards = [card(3, updated=instant(DAY)), card(2, updated=instant(DAY + timedelta(days=9))), card(1)]
    assert plan(settings_with(), cards)["main"].feed.updated == DAY + timedelta(days=9, seconds=1)


def test_an_entry_beyond_the_limit_does_not_make_a_feed_newer() -> None:
    cards = [card(2), card(1, updated=instant(DAY + timedelta(days=9)))]
    assert plan(settings_with(limit=1), cards)["main"].feed.updated == DAY + timedelta(days=2, seconds=1)


def test_a_feed_without_entries_stands_and_is_as_old_as_can_be() -> None:
    planned = plan(settings_with(), [])["main"]
    assert (planned.members, planned.feed.updated) == ((), EMPTY)


def test_entries_come_as_they_are_given_newest_first() -> None:
    assert members(plan(settings_with(), [card(3), card(2), card(1)])["main"]) == ["3.md", "2.md", "1.md"]


def test_posts_left_out_of_feeds_are_left_out_of_each_before_any_limit() -> None:
    cards = [card(4, in_feeds=False, tags=["a"]), card(3, tags=["a"]), card(2), card(1, tags=["a"])]
    feeds = plan(settings_with(limit=2, per=("tag",), named=(named(limit=2),)), cards)
    assert {key: members(one) for key, one in feeds.items()} == {
        "main": ["3.md", "2.md"],
        "feed:talks": ["3.md", "2.md"],
        "tag:a": ["3.md", "1.md"],
    }


def test_no_limit_means_every_entry() -> None:
    assert len(plan(settings_with(limit=0), [card(n) for n in range(50, 0, -1)])["main"].members) == 50


def test_full_text_is_the_setting_of_each_feed() -> None:
    feeds = plan(settings_with(content="summary", per=("tag",), named=(named(content="full"),)), [card(1, tags=["a"])])
    assert {key: one.feed.full_text for key, one in feeds.items()} == {
        "main": False,
        "feed:talks": True,
        "tag:a": False,
    }


# Named feeds


def test_a_named_feed_holds_what_passes_its_filter() -> None:
    wanted = Filter(tags=("Talk",), authors=("Ann",), sections=("notes",), without=("private",))
    cards = [
        card(6, tags=["talk", "private"]),
        card(5, tags=["talk"]),
        card(4, categories=["TALK"]),
        card(3, authors=[["ann", "", ""]]),
        card(2, section="notes"),
        card(1, tags=["notes"]),
    ]
    assert members(plan(settings_with(named=(named(filter=wanted),)), cards)["feed:talks"]) == [
        "5.md",
        "4.md",
        "3.md",
        "2.md",
    ]


def test_a_named_feeds_limit_counts_what_passed() -> None:
    cards = [card(n, tags=["talk"] if n % 2 else []) for n in range(9, 0, -1)]
    feed = named(filter=Filter(tags=("talk",)), limit=3)
    assert members(plan(settings_with(named=(feed,)), cards)["feed:talks"]) == ["9.md", "7.md", "5.md"]


def test_a_named_feed_says_whose_it_is_and_lives_where_it_says() -> None:
    feed = plan(settings_with(named=(named(paths=((Format.RSS, "nur gespräche.xml"),)),)), [])["feed:talks"].feed
    assert (feed.title, feed.home) == ("Field Notebook: Talks only", BASE)
    assert feed.documents == ((Format.RSS, "nur gespräche.xml", f"{BASE}nur%20gespr%C3%A4che.xml"),)


# Feeds per tag, author and section


def test_feeds_per_something_are_off_until_asked_for() -> None:
    assert list(plan(settings_with(), [card(1, tags=["a"], section="s", authors=[["Ann", "", ""]])])) == ["main"]


def test_each_tag_and_category_author_and_section_has_its_feed() -> None:
    cards = [
        card(3, tags=["a"], categories=["b"], section="notes", authors=[["Ann B.", "", ""], ["Cay", "", ""]]),
        card(2, tags=["b"]),
        card(1, section="notes"),
    ]
    feeds = plan(settings_with(per=("tag", "author", "section")), cards)
    assert {key: members(one) for key, one in feeds.items() if key != "main"} == {
        "tag:a": ["3.md"],
        "tag:b": ["3.md", "2.md"],
        "author:ann-b": ["3.md"],
        "author:cay": ["3.md"],
        "section:notes": ["3.md", "1.md"],
    }


def test_such_a_feed_lives_by_its_pattern_under_the_file_names_of_the_main_feed() -> None:
    paths = ((Format.RSS, "feeds/rss.xml"), (Format.ATOM, "atom.xml"))
    feed = plan(settings_with(per=("tag",), paths=paths), [card(1, tags=["Größe"])])["tag:größe"].feed
    assert feed.title == "Field Notebook: Größe"
    assert feed.documents == (
        (Format.RSS, "tags/größe/rss.xml", f"{BASE}tags/gr%C3%B6%C3%9Fe/rss.xml"),
        (Format.ATOM, "tags/größe/atom.xml", f"{BASE}tags/gr%C3%B6%C3%9Fe/atom.xml"),
    )


def test_a_tags_feed_is_about_the_tags_page_where_there_are_pages() -> None:
    settings = settings_with(per=("tag", "author"))
    cards = [card(1, tags=["Größe"], authors=[["Ann", "", ""]])]
    homes = {key: one.feed.home for key, one in plan(settings, cards).items()}
    assert homes == {"main": BASE, "tag:größe": f"{BASE}tags/gr%C3%B6%C3%9Fe/", "author:ann": BASE}
    without = replace(settings, pages=PagesSettings(enabled=False))
    assert plan(without, cards)["tag:größe"].feed.home == BASE


def test_every_address_of_a_feed_is_ascii() -> None:
    cards = [card(1, tags=["日本語", "C++", "a b"], section="ñ", authors=[["Ünal", "", ""]])]
    for one in plan(settings_with(per=("tag", "author", "section")), cards).values():
        assert "".join([one.feed.id, one.feed.home, *(url for _, _, url in one.feed.documents)]).isascii()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("C", "c"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("F#", "f-sharp"),
        ("#hashtag", "hashtag"),
        (".NET", "net"),
        ("a+b", "a-plus-b"),
        ("Field  Notes!", "field-notes"),
        ("日本語", "日本語"),
        ("???", ""),
    ],
)
def test_a_slug_tells_languages_apart(name: str, slug: str) -> None:
    assert term(name, "publisher") == slug


def test_c_and_its_heirs_have_three_feeds() -> None:
    feeds = plan(settings_with(per=("tag",)), [card(1, tags=["C", "C++", "C#"])])
    assert [key for key in feeds if key != "main"] == ["tag:c", "tag:c-plus-plus", "tag:c-sharp"]


def test_spellings_with_one_slug_are_one_group_named_as_the_newest_post_spells_it() -> None:
    cards = [
        card(3, tags=["Field Notes"]),
        card(2, tags=["field-notes", "FIELD NOTES"]),
        card(1, categories=["field notes"]),
    ]
    (group,) = groups(cards, "tag")
    assert (group.name, group.slug) == ("Field Notes", "field-notes")
    assert [one.path for one in group.cards] == ["3.md", "2.md", "1.md"]


def test_a_tag_without_letters_or_digits_has_no_feed() -> None:
    assert list(plan(settings_with(per=("tag",)), [card(1, tags=["???", ""])])) == ["main"]


def test_groups_are_sorted_by_slug() -> None:
    assert [group.slug for group in groups([card(1, tags=["b", "A", "c"])], "tag")] == ["a", "b", "c"]


# Identity


def test_a_feeds_first_id_is_the_address_of_its_atom_document() -> None:
    assert plan(settings_with(), [])["main"].feed.id == f"{BASE}atom.xml"


def test_without_atom_it_is_the_first_address_there_is() -> None:
    assert plan(settings_with(paths=PATHS[2:]), [])["main"].feed.id == f"{BASE}feed.json"


def test_ids_on_record_outlive_every_address() -> None:
    known = {"main": "https://former.test/atom.xml", "tag:a": "urn:x:a", "feed:talks": "urn:x:t"}
    feeds = plan(settings_with(per=("tag",), named=(named(),)), [card(1, tags=["a", "b"])], known)
    assert {key: one.feed.id for key, one in feeds.items()} == {
        "main": "https://former.test/atom.xml",
        "feed:talks": "urn:x:t",
        "tag:a": "urn:x:a",
        "tag:b": f"{BASE}tags/b/atom.xml",
    }


def test_keys_tell_a_tag_from_an_author_and_a_named_feed() -> None:
    cards = [card(1, tags=["talks"], authors=[["Talks", "", ""]], section="talks")]
    feeds = plan(settings_with(per=("tag", "author", "section"), named=(named(),)), cards)
    assert list(feeds) == ["main", "feed:talks", "tag:talks", "author:talks", "section:talks"]
