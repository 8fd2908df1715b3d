"""Archives and tombstones: which documents there are, and which of them a change writes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from publisher.flows import unchanged
from publisher.flows.feed_plan import is_archive
from tests.history_client import Output, read
from tests.sites import NOW, a_post, a_site, config_of, messages, published, write

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("atom.xml", "feed.json", "feed.xml")


def years(*of: int) -> dict[str, str]:
    return {f"post-{year}.md": a_post(f"Year {year}", date=f"{year}-05-05") for year in of}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site", years(2019, 2020, 2021, 2022), config_of(limit=2))
    published(made)
    return made


def feeds(paths: tuple[str, ...]) -> set[str]:
    """What of a report are feed documents."""
    return {path for path in paths if path.rpartition("/")[2] in NAMES}


def documents(site: Path) -> set[str]:
    found = (path.relative_to(site / "public").as_posix() for path in (site / "public").rglob("*"))
    return {path for path in found if path.rpartition("/")[2] in NAMES}


def of(year: str) -> set[str]:
    return {f"archive/{year}/{name}" for name in NAMES}


def test_there_is_an_archive_a_year_and_none_where_the_feed_holds_all(site: Path, tmp_path: Path) -> None:
    assert documents(site) == {*NAMES, *of("2019"), *of("2020"), *of("2021"), *of("2022")}
    small = a_site(tmp_path / "small", years(2020, 2021), config_of(limit=2))
    published(small)
    assert documents(small) == set(NAMES)
    assert b"prev-archive" not in (small / "public/atom.xml").read_bytes()


def test_archives_can_be_left_out(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", years(2019, 2020, 2021), config_of("archives = false\n", limit=1))
    text = (site / "config.toml").read_text("utf-8").replace("archives = false\n", "")
    write(site, "config.toml", text.replace("[feeds]\n", "[feeds]\narchives = false\n"))
    published(site)
    assert documents(site) == set(NAMES)


def test_a_feed_of_everything_says_that_it_is_complete(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", years(2019, 2020), config_of(limit=0))
    published(site)
    assert documents(site) == set(NAMES)
    for name in ("atom.xml", "feed.xml"):
        assert b"<fh:complete/>" in (site / "public" / name).read_bytes()


def test_a_named_feed_has_archives_of_its_own_and_a_tags_feed_has_none(tmp_path: Path) -> None:
    posts = {f"p{year}.md": a_post(f"Year {year}", date=f"{year}-05-05", tags=["talk"]) for year in (2020, 2021)}
    named = '[feeds.talks]\ntags = ["talk"]\nlimit = 1\n'
    site = a_site(tmp_path / "site", posts, config_of(named, limit=1, per=["tag"]))
    published(site)
    assert {path for path in documents(site) if "archive" in path} == {
        *of("2020"),
        *of("2021"),
        *(f"talks/{path}" for path in (of("2020") | of("2021"))),
    }
    page = read((site / "public/talks/archive/2020/feed.xml").read_bytes(), "rss")
    assert page.current == "https://blog.test/talks/feed.xml"


def test_a_year_with_many_entries_has_an_archive_a_month(tmp_path: Path) -> None:
    many = {f"m{n}.md": a_post(f"N {n}", date=f"2021-{n % 3 + 1:02}-{n % 28 + 1:02}") for n in range(251)}
    site = a_site(tmp_path / "site", {**many, **years(2020)}, config_of(limit=2))
    published(site)
    assert {path for path in documents(site) if "archive" in path} == {
        *of("2020"),
        *of("2021/01"),
        *of("2021/02"),
        *of("2021/03"),
    }
    page = read((site / "public/archive/2021/01/atom.xml").read_bytes(), "atom")
    assert page.older == "https://blog.test/archive/2020/atom.xml"
    assert len(page.entries) == 84


def test_a_new_post_writes_the_feed_and_one_archive(site: Path) -> None:
    write(site, "posts/new.md", a_post("New", date="2022-06-06"))
    done = published(site)
    assert feeds((*done.new, *done.changed)) == {*NAMES, *of("2022")}


def test_an_edit_of_an_old_post_writes_one_archive(site: Path) -> None:
    write(site, "posts/post-2019.md", a_post("Year 2019", "Other words.", date="2019-05-05"))
    assert feeds(published(site).changed) == of("2019")


def test_a_backdated_post_writes_the_archive_it_comes_into_and_the_one_it_leaves(site: Path) -> None:
    write(site, "posts/other.md", a_post("Another of 2020", date="2020-07-07"))
    published(site)
    write(site, "posts/other.md", a_post("Another of 2020", date="2019-07-07"))
    assert feeds(published(site).changed) == of("2019") | of("2020")


def test_a_new_post_of_an_old_year_writes_one_archive(site: Path) -> None:
    write(site, "posts/late.md", a_post("Found in a drawer", date="2020-01-02"))
    assert feeds(published(site).changed) == of("2020")


def test_a_withdrawn_post_is_named_for_as_long_as_config_says(site: Path) -> None:
    (site / "posts/post-2022.md").unlink()
    published(site, NOW)
    address = "https://blog.test/post-2022/"
    assert read((site / "public/atom.xml").read_bytes(), "atom").removed.keys() == {address}
    assert (site / "public/.publisher/gone.txt").read_text("utf-8") == "/post-2022/\n"
    published(site, NOW + timedelta(days=89))
    assert read((site / "public/atom.xml").read_bytes(), "atom").removed.keys() == {address}
    done = published(site, NOW + timedelta(days=90))
    assert feeds(done.changed) == {"atom.xml"}
    assert read((site / "public/atom.xml").read_bytes(), "atom").removed.keys() == set()
    assert (site / "public/.publisher/gone.txt").read_text("utf-8") == "/post-2022/\n"


def test_a_run_with_nothing_to_do_knows_when_a_tombstone_is_over(site: Path) -> None:
    (site / "posts/post-2022.md").unlink()
    published(site, NOW)
    build = str(site / ".publisher")
    over = (NOW + timedelta(days=90)).timestamp()
    assert unchanged.until(build) == over
    assert unchanged.fell_due(build, over - 1) is None
    published(site, NOW + timedelta(days=90))
    assert unchanged.until(build) is None


def test_a_post_that_comes_back_is_gone_no_longer(site: Path) -> None:
    text = (site / "posts/post-2022.md").read_text("utf-8")
    (site / "posts/post-2022.md").unlink()
    published(site)
    write(site, "posts/post-2022.md", text)
    published(site)
    assert read((site / "public/atom.xml").read_bytes(), "atom").removed.keys() == set()
    assert not (site / "public/.publisher/gone.txt").exists()


def test_a_draft_and_an_expired_post_are_withdrawn_and_a_broken_one_is_not(site: Path) -> None:
    write(site, "posts/post-2022.md", a_post("Year 2022", date="2022-05-05", draft=True))
    write(site, "posts/post-2021.md", a_post("Year 2021", date="2021-05-05", expiryDate="2022-01-01"))
    write(site, "posts/post-2020.md", "+++\ntitle =\n+++\n")
    published(site)
    removed = read((site / "public/atom.xml").read_bytes(), "atom").removed.keys()
    assert removed == {"https://blog.test/post-2022/", "https://blog.test/post-2021/"}


def test_tombstones_can_be_left_out(tmp_path: Path) -> None:
    text = config_of(limit=2).replace("[feeds]\n", "[feeds]\ntombstones = false\n")
    site = a_site(tmp_path / "site", years(2019, 2020), text)
    published(site)
    (site / "posts/post-2020.md").unlink()
    published(site)
    assert b"deleted-entry" not in (site / "public/atom.xml").read_bytes()


def test_of_very_many_withdrawn_posts_the_last_hundred_are_named(tmp_path: Path) -> None:
    posts = {f"p{n}.md": a_post(f"N {n}", date="2021-01-02") for n in range(120)}
    site = a_site(tmp_path / "site", {**posts, **years(2020)}, config_of(limit=2))
    published(site)
    for name in posts:
        (site / "posts" / name).unlink()
    published(site)
    assert len(read((site / "public/atom.xml").read_bytes(), "atom").removed) == 100
    assert len((site / "public/.publisher/gone.txt").read_text("utf-8").splitlines()) == 120


def test_what_stands_at_a_withdrawn_posts_address_is_not_gone(site: Path) -> None:
    (site / "posts/post-2022.md").unlink()
    write(site, "static/post-2022/index.html", "A page of the author's own")
    published(site)
    assert not (site / "public/.publisher/gone.txt").exists()


def test_a_static_file_where_an_archive_would_be_is_the_authors(site: Path) -> None:
    write(site, "static/archive/2019/feed.xml", "mine")
    report = published(site)
    assert (site / "public/archive/2019/feed.xml").read_bytes() == b"mine"
    assert "static/archive/2019/feed.xml: warning: takes the place of an archive of the feed" in messages(report)


def test_a_file_of_another_program_at_a_withdrawn_posts_address_is_not_gone(site: Path) -> None:
    (site / "posts/post-2022.md").unlink()
    published(site)
    write(site, "public/post-2022/index.html", "A page of another generator's")
    write(site, "posts/new.md", a_post("New", date="2022-06-06"))
    published(site)
    assert not (site / "public/.publisher/gone.txt").exists()


def test_a_feed_keeps_its_path_where_another_ones_archive_would_be(tmp_path: Path) -> None:
    named = '[feeds.talks]\nlimit = 1\npaths = { rss = "feed.xml" }\n'
    paths = {"rss": "archive/2021/feed.xml"}
    site = a_site(tmp_path / "site", years(2020, 2021), config_of(named, limit=0, paths=paths, formats=["rss"]))
    published(site)
    page = read((site / "public/archive/2021/feed.xml").read_bytes(), "rss")
    assert (len(page.entries), page.is_archive) == (2, False)


def test_a_tombstone_is_later_than_its_entry(tmp_path: Path) -> None:
    today = {"today.md": a_post("Today", date="2026-11-20"), "late.md": a_post("Late", date="2026-11-20 23:00:00")}
    text = config_of(limit=2, time_of_day="23:30")
    site = a_site(tmp_path / "site", {**years(2020), **today}, text)
    early = NOW.replace(hour=0)
    published(site, NOW)
    updated = dict(
        re.findall(r"<id>(.*)</id>[^$]*?<updated>(.*)</updated>", (site / "public/atom.xml").read_text("utf-8"))
    )
    for name in today:
        (site / "posts" / name).unlink()
    published(site, early)
    left = dict(re.findall(r'deleted-entry ref="(.*)" when="(.*)"', (site / "public/atom.xml").read_text("utf-8")))
    assert left.keys() >= {"https://blog.test/today/"}
    assert all(datetime.fromisoformat(left[one]) > datetime.fromisoformat(updated[one]) for one in left)


def test_hubs_are_told_of_feeds_and_not_of_archives() -> None:
    assert is_archive("archive/2018/feed.xml")
    assert is_archive("talks/archive/2018/07/atom.xml")
    assert not any(
        map(is_archive, ("feed.xml", "archive/feed.xml", "archive/talks/feed.xml", "my-archive/2018/feed.xml"))
    )


def test_a_withdrawn_posts_address_answers_410_until_it_comes_back(site: Path) -> None:
    place = site / "posts/post-2022.md"
    text = place.read_text("utf-8")
    place.unlink()
    published(site)
    with Output(site / "public") as server:
        page = server.url.rstrip("/") + "/post-2022/"
        assert httpx.get(page).status_code == 410
        assert httpx.get(page.replace("2022", "2023")).status_code == 404
        write(site, "posts/elsewhere.md", text)
        published(site)  # the same post under another name
        assert httpx.get(page, follow_redirects=False).status_code == 301


def test_where_a_post_stood_first_is_gone_with_it(site: Path) -> None:
    place = site / "posts/post-2022.md"
    moved = place.rename(place.with_name("renamed.md"))
    published(site)
    moved.unlink()
    published(site)
    assert (site / "public/.publisher/gone.txt").read_text("utf-8") == "/post-2022/\n/renamed/\n"
    assert not (site / "public/.publisher/redirects.txt").exists()
    assert not (site / "public/post-2022/index.html").exists()


def test_a_placeholder_has_no_tombstones(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", years(2019, 2020), config_of(limit=2, base_url="https://example.com/"))
    published(site)
    (site / "posts/post-2020.md").unlink()
    published(site)
    assert b"deleted-entry" not in (site / "public/atom.xml").read_bytes()
    assert not (site / "public/.publisher/gone.txt").exists()
