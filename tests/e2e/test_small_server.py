"""A small server without posts: its digest follows somebody else's feed, and mails what is new, once."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from tests.feed_host import FeedHost, Post
from tests.sites import run, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

ONE = Post("urn:x:1", "The first", 0, '<p>Hello <a href="/x">there</a><script>alert(1)</script> <img src="p.png"></p>')
TWO, THREE = Post("urn:x:2", "The second", 1), Post("urn:x:3", "The third", 2)


@pytest.fixture
def host() -> Iterator[FeedHost]:
    with FeedHost() as server:
        server.publish(TWO, ONE)
        yield server


@pytest.fixture
def site(tmp_path: Path, host: FeedHost) -> Path:
    config = f"""
[site]
title = "Letters"
base_url = "https://letters.test/"
[digests.letter]
title = "From elsewhere"
feed = "{host.url}"
schedule = "mon 09:00"
start = "all"
[mail]
from = "Letters <letter@example.org>"
postal_address = "1 Street, Town"
"""
    write(tmp_path / "site", "config.toml", config)
    return tmp_path / "site"


def does(site: Path, *words: str, code: int = 0) -> str:
    done = run(site, *words)
    assert done.code == code, done
    return done.out + done.err


def letters(site: Path) -> list[EmailMessage]:
    files = sorted((site / "outbox/new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
    found = (message_from_bytes(path.read_bytes(), policy=default) for path in files)
    return [letter for letter in found if "reader@example.com" in letter["To"]]  # an editor gets previews of drafts


def html_of(letter: EmailMessage) -> str:
    part = letter.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def with_a_reader(site: Path) -> Path:
    does(site, "subscribers", "add", "reader@example.com", "--digest", "letter")
    return site


def test_what_is_new_is_mailed_clean_and_absolute_and_only_once(site: Path, host: FeedHost) -> None:
    with_a_reader(site)
    does(site, "digest", "send", "letter", "--yes")
    [first] = letters(site)
    html = html_of(first)
    assert "The first" in html
    assert "The second" in html
    assert "<script" not in html
    assert host.url.removesuffix("feed") + "p/1" in html
    assert all(link.startswith(("http", "mailto:")) for link in re.findall(r'href="([^"]*)"', html))

    does(site, "digest", "send", "letter", "--yes")
    assert len(letters(site)) == 1
    host.publish(THREE, TWO)
    does(site, "digest", "send", "letter", "--yes")
    assert ["The third" in html_of(one) for one in letters(site)] == [False, True]
    assert "The second" not in html_of(letters(site)[1])


def test_what_left_the_feed_is_still_sent_and_what_comes_back_is_not_new(site: Path, host: FeedHost) -> None:
    with_a_reader(site)
    does(site, "digest", "draft", "letter")
    does(site, "digest", "cancel", "letter", "1")
    host.publish(THREE)
    does(site, "digest", "send", "letter", "--yes")
    [letter] = letters(site)
    assert [title in html_of(letter) for title in ("The first", "The second", "The third")] == [True, True, True]
    host.publish(ONE, TWO, THREE)
    does(site, "digest", "send", "letter", "--yes")
    assert len(letters(site)) == 1


def test_ids_that_change_are_recognised_by_link_or_by_date_and_title(site: Path, host: FeedHost) -> None:
    with_a_reader(site)
    does(site, "digest", "send", "letter", "--yes")
    by_link = TWO._replace(id="urn:new:2", title="The second, mended", url="/p/2")
    by_title = ONE._replace(id="urn:new:1", url="/elsewhere/1")
    host.publish(THREE, by_link, by_title)
    does(site, "digest", "send", "letter", "--yes")
    assert len(letters(site)) == 2
    html = html_of(letters(site)[1])
    assert "The third" in html
    assert "The second" not in html
    assert "The first" not in html


def test_a_feed_that_is_down_holds_up_nothing_and_is_named(site: Path, host: FeedHost) -> None:
    with_a_reader(site)
    does(site, "digest", "draft", "letter")
    does(site, "digest", "cancel", "letter", "1")
    host.status = 503
    said = does(site, "digest", "send", "letter", "--yes")
    assert "it answers 503" in said
    assert len(letters(site)) == 1


@pytest.mark.parametrize("body", [b"", b"<html><p>Maintenance</p></html>", b"\x00\xff" * 99, b"{}"])
def test_what_is_no_feed_for_a_while_takes_nothing_back(site: Path, host: FeedHost, body: bytes) -> None:
    with_a_reader(site)
    does(site, "digest", "draft", "letter")
    does(site, "digest", "cancel", "letter", "1")
    host.pages["/feed"] = body
    does(site, "digest", "send", "letter", "--yes")
    [letter] = letters(site)
    assert "The first" in html_of(letter)


def test_a_feed_that_was_never_to_be_had_is_told_and_nobody_is_mailed(site: Path, host: FeedHost) -> None:
    host.status = 404
    with_a_reader(site)
    said = does(site, "digest", "send", "letter", "--yes")
    assert "it answers 404" in said
    assert letters(site) == []
    assert "Traceback" not in said


def test_with_start_now_a_reader_who_came_before_the_first_look_gets_what_comes_after_it(
    site: Path, host: FeedHost
) -> None:
    config = (site / "config.toml").read_text("utf-8").replace('start = "all"', 'start = "now"')
    write(site, "config.toml", config)
    with_a_reader(site)
    does(site, "digest", "send", "letter", "--yes")
    assert letters(site) == []
    host.publish(THREE, TWO, ONE)
    does(site, "digest", "send", "letter", "--yes")
    [letter] = letters(site)
    assert "The third" in html_of(letter)
    assert "The first" not in html_of(letter)


def test_a_preview_needs_no_store_and_makes_none(site: Path) -> None:
    does(site, "digest", "preview", "letter")
    assert "The first" in (site / "preview/letter.html").read_text("utf-8")
    assert not (site / "mailing.sqlite3").exists()


def test_a_filter_by_tag_holds_for_a_feed_too(site: Path, host: FeedHost) -> None:
    config = (site / "config.toml").read_text("utf-8").replace("schedule =", 'tags = ["ships"]\nschedule =')
    write(site, "config.toml", config)
    host.publish(TWO._replace(tags=("Ships",)), ONE)
    with_a_reader(site)
    does(site, "digest", "send", "letter", "--yes")
    assert ["The first" in html_of(letters(site)[0]), "The second" in html_of(letters(site)[0])] == [False, True]


def test_sections_of_a_feed_are_a_fault_of_the_config(site: Path) -> None:
    config = (site / "config.toml").read_text("utf-8").replace("schedule =", 'sections = ["talks"]\nschedule =')
    write(site, "config.toml", config)
    assert "a feed has none" in does(site, "digest", "list", code=2)


def test_status_says_how_the_feed_stands(site: Path, host: FeedHost) -> None:
    with_a_reader(site)
    does(site, "digest", "send", "letter", "--yes")
    assert f"{host.url}: " in does(site, "status")
    host.status = 500
    does(site, "digest", "send", "letter", "--yes")
    assert "it answers 500" in does(site, "status")


def test_check_needs_no_posts_and_says_when_the_feed_cannot_be_had(site: Path, host: FeedHost) -> None:
    assert "cannot be followed" not in does(site, "check")
    host.status = 404
    assert "cannot be followed: it answers 404" in does(site, "check")
