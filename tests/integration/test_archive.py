"""The archive on a real store: what it shows of issues, what it keeps to itself, and its feed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import feedparser
import pytest
from sqlalchemy import select

from publisher.errors import UsageError
from publisher.feeds.check import check_document
from publisher.flows import archive, issuing
from publisher.flows.archive import PastIssue
from publisher.flows.digest import Slot, draft
from publisher.mail.compose import UNSUBSCRIBE
from publisher.model.feed import Format
from publisher.model.issue import Content, Issue, IssueState, Variant
from publisher.store import issues
from publisher.store.tables import subscription
from tests.archiving import WEB, Site
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.store.database import Store


@pytest.fixture
def site(tmp_path: Path, store: Store) -> Site:
    return Site(tmp_path, store)


def test_issues_are_listed_newest_first_of_one_digest_or_of_all(site: Site) -> None:
    site.publish(1)
    for person, digest in (("ann", "conferences"), ("ben", "talks"), ("cem", "secret")):
        site.add(person, digest)
        site.send(digest)
    site.publish(2)
    site.send()
    assert site.shown("conferences") == [("conferences", 2), ("conferences", 1)]
    assert site.shown() == [("conferences", 2), ("talks", 1), ("conferences", 1)]
    first = archive.past_issues(site.store, site.settings)[-1]
    assert first == PastIssue(
        "conferences", "Conference writeups", 1, NOON + timedelta(days=7), "Conference writeups: Post 1", 1
    )
    assert archive.shown_date(site.settings, first) == "30 November 2026"


def test_a_digest_without_archive_or_without_config_shows_nothing(site: Site) -> None:
    site.publish(1)
    site.add("ann", "secret")
    site.send("secret")
    assert site.shown("secret") == site.shown("unheard") == []
    assert archive.page(site.store, site.settings, "secret", 1) is None
    assert archive.page(site.store, site.settings, "", 1) is None
    assert archive.feed(site.store, site.settings, "secret", Format.RSS) is None
    site.settings = settings(CONFERENCES, public_url=WEB)
    assert site.shown() == []


@pytest.mark.parametrize(
    ("state", "there"),
    [
        (IssueState.HELD, False),
        (IssueState.OPEN, True),
        (IssueState.PAUSED, True),
        (IssueState.DONE, True),
        (IssueState.CANCELLED, True),  # it had been sent to somebody
    ],
)
def test_what_is_going_out_or_went_out_is_shown(site: Site, state: IssueState, *, there: bool) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    site.issue(1, state)
    assert bool(site.shown()) == there
    assert (archive.page(site.store, site.settings, "conferences", 1) is not None) == there
    assert (b"issues/conferences/1" in site.feed(Format.ATOM)) == there


def test_what_was_cancelled_before_anything_left_is_not(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    draft(site.store, site.occasion(), Slot(NOON))
    issuing.cancel(site.store, "conferences", 1, NOON)
    assert site.shown() == []


def test_an_issue_is_kept_private_and_shown_again(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    assert archive.set_private(site.store, "conferences", 1, private=True).private
    assert issuing.show(site.store, "conferences", 1).issue.private
    assert site.shown() == []
    assert archive.page(site.store, site.settings, "conferences", 1) is None
    assert b"issues/conferences/1" not in site.feed(Format.RSS)
    assert not archive.set_private(site.store, "conferences", 1, private=False).private
    assert site.shown() == [("conferences", 1)]


@pytest.mark.parametrize("number", [2, 2**31, 2**80])
def test_what_is_not_there_cannot_be_private(site: Site, number: int) -> None:
    with pytest.raises(UsageError, match="has no issue"):
        archive.set_private(site.store, "conferences", number, private=True)
    assert archive.page(site.store, site.settings, "conferences", number) is None


def test_the_fullest_variant_stands_for_all(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    site.publish(2, 3)
    site.add("ben")  # who begins where the cadence stands
    site.send()
    page = site.page(2)
    assert page.issue.entries == 2
    assert page.contents == (("Post 3", "https://example.com/posts/3/"), ("Post 2", "https://example.com/posts/2/"))


def test_of_equally_full_variants_the_first_is_shown(site: Site) -> None:
    site.publish(1, 2, 3)
    site.add("ann")
    draft(site.store, site.occasion(), Slot(NOON))
    ids = [one.entry.id for one in site.items]
    made = Issue(0, "conferences", "weekly", 2, "Title", NOON, "a@example.com", "", "", "", "", slot=NOON)
    with site.store.writing() as connection:
        key = issues.insert_issue(connection, made)
        for number, entries in ((4, ids[:1]), (2, ids[1:]), (3, ids[:2])):
            content = Content(f"Variant {number}", f"<p>{number}</p>", f"{number}\n")
            issues.insert_variant(connection, key, Variant(number, tuple(entries), ()), content)
    page = site.page(2)
    assert (page.issue.subject, page.issue.entries, page.text) == ("Variant 2", 2, "2\n")
    assert "<p>2</p>" in page.html


def test_nothing_personal_is_in_a_page(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    with site.store.reading() as connection:
        (token,) = connection.execute(select(subscription.c.unsubscribe_token)).scalars()
    page = site.page(1)
    for kept in (page.html, page.text, site.feed(Format.JSON).decode()):
        assert "Post 1" in kept
        for gone in (UNSUBSCRIBE, ".invalid", "ann@", token, "nsubscribe", "View in browser"):
            assert gone not in kept
    assert f"{WEB}issues/conferences/1" not in page.html + page.text


def test_neighbours_are_the_issues_before_and_after() -> None:
    three, two, one = (PastIssue("a", "A", number, NOON, "", 1) for number in (3, 2, 1))
    assert archive.neighbours((three, two, one), 2) == (one, three)
    assert archive.neighbours((three, two, one), 3) == (two, None)
    assert archive.neighbours((three, two, one), 1) == (None, two)
    assert archive.neighbours((three, two, one), 9) == (None, None)


# The feed


def entries_of(data: bytes) -> list[tuple[str, str, str]]:
    read = feedparser.parse(data)
    assert not read.bozo
    return [(one.id, one.link, one.title) for one in read.entries]


@pytest.mark.parametrize("wanted", list(Format))
def test_the_feed_is_sound_and_the_same_twice(site: Site, wanted: Format) -> None:
    site.publish(1, title="Ampersand & <Word>")
    site.add("ann")
    site.send()
    site.publish(2, 3)
    site.send()
    data = site.feed(wanted)
    url = f"{WEB}issues/conferences/{archive.PATHS[wanted]}"
    assert [str(problem) for problem in check_document(data, "feed", url, now=NOON + timedelta(days=99))] == []
    archive._document.cache_clear()
    assert site.feed(wanted) == data


def test_each_issue_is_an_entry_with_its_page_and_its_contents(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    site.publish(2, 3)
    site.send()
    made = json.loads(site.feed(Format.JSON))
    assert made["home_page_url"] == f"{WEB}issues/conferences/"
    assert made["feed_url"] == f"{WEB}issues/conferences/feed.json"
    newest = made["items"][0]
    assert newest["title"] == "Conference writeups: Post 3 and one more"
    assert newest["url"] == f"{WEB}issues/conferences/2"
    assert newest["date_published"] == "2026-12-07T12:00:00Z"
    assert newest["summary"] == "Post 3 · Post 2"
    assert '<li><a href="https://example.com/posts/3/">Post 3</a></li>' in newest["content_html"]
    as_json = [(one["id"], one["url"], one["title"]) for one in made["items"]]
    assert as_json == entries_of(site.feed(Format.ATOM)) == entries_of(site.feed(Format.RSS))


def test_ids_outlive_addresses_titles_and_whoever_was_private(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    site.publish(2)
    site.send()
    before = {title: id_ for id_, _, title in entries_of(site.feed(Format.ATOM))}
    archive.set_private(site.store, "conferences", 1, private=True)
    renamed = replace(CONFERENCES, title="Another title")
    site.settings = settings(renamed, public_url="https://elsewhere.example/")
    ((id_, link, title),) = entries_of(site.feed(Format.ATOM))
    assert before[title] == id_
    assert link == "https://elsewhere.example/issues/conferences/2"
    assert id_.startswith("urn:uuid:")
    assert len(set(before.values())) == 2


def test_the_newest_twenty_are_in_it_each_with_a_second_of_its_own(site: Site) -> None:
    site.publish(1)
    site.add("ann")
    site.send()
    (entry,) = site.items
    with site.store.writing() as connection:
        for number in range(2, 31):
            slot = NOON + timedelta(days=30 + number // 3)  # some share theirs, as two cadences do
            made = Issue(0, "conferences", "weekly", number, "T", slot, "a@example.com", "", "", "", "", slot=slot)
            key = issues.insert_issue(connection, made)
            issues.insert_variant(
                connection, key, Variant(1, (entry.entry.id,), ()), Content(f"Issue {number}", "<p>A</p>", "A\n")
            )
    read = feedparser.parse(site.feed(Format.ATOM))
    assert [one.title for one in read.entries] == [f"Issue {number}" for number in range(30, 10, -1)]
    assert len({one.updated for one in read.entries}) == 20
    assert read.feed.updated == max(one.updated for one in read.entries)


@pytest.mark.parametrize("wanted", list(Format))
def test_an_archive_with_nothing_in_it_has_a_feed_all_the_same(site: Site, wanted: Format) -> None:
    data = site.feed(wanted)
    url = f"{WEB}issues/conferences/{archive.PATHS[wanted]}"
    assert [str(problem) for problem in check_document(data, "feed", url, now=NOON)] == []


def test_without_a_public_address_there_is_no_feed_but_there_are_pages(site: Site) -> None:
    site.settings = settings(CONFERENCES)
    site.publish(1)
    site.add("ann")
    site.send()
    assert archive.feed(site.store, site.settings, "conferences", Format.RSS) is None
    assert "Post 1" in site.page(1).html
    assert archive.page_url(site.settings, "conferences", 1) == ""
