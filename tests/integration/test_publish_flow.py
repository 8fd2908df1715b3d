"""Publishing a site over its life: who stays who, what readers find where, and when."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from publisher.errors import ForeignFile
from publisher.flows.report import Listener
from publisher.flows.unchanged import check
from tests.sites import BASE, NOW, a_post, a_site, carried, config_of, messages, published, stamps, tree, write

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = b"\x89PNG picture"


def items(site: Path, feed: str = "feed.json") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((site / "public" / feed).read_text())["items"]
    return found


def ids(site: Path) -> dict[str, str]:
    return {item["title"]: item["id"] for item in items(site)}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site")
    published(made)
    return made


def test_a_renamed_post_keeps_its_id_says_so_and_leaves_a_redirect(site: Path) -> None:
    (site / "posts" / "one.md").rename(site / "posts" / "uno.md")
    report = published(site)
    assert ids(site)["One"] == BASE + "one/"
    assert items(site)[1]["url"] == BASE + "uno/"
    assert any("posts/one.md is now posts/uno.md and keeps its id" in reason for reason in report.reasons)
    assert f"{BASE}uno/".encode() in tree(site / "public")["one/index.html"]


def test_ids_outlive_a_new_permalink_and_a_new_domain_and_both_are_said_before_they_are_done(site: Path) -> None:
    before = ids(site)
    write(site, "config.toml", config_of(base_url="https://elsewhere.test/blog/", permalink="/:year/:slug/"))
    report = published(site)
    assert ids(site) == before
    assert items(site)[0]["url"] == "https://elsewhere.test/blog/2024/two/"
    assert not report.refused
    assert "2 posts have a new address and keep their ids" in (_heard(site, base_url="https://third.test/"))


def _heard(site: Path, **config: Any) -> str:
    said: list[str] = []
    write(site, "config.toml", config_of(**config))
    published(site, listener=Listener(notice=lambda problem: said.append(str(problem))))
    return "\n".join(said)


def test_a_zone_that_would_move_dates_is_said_before_it_is_done(site: Path) -> None:
    assert "timezone was Europe/Berlin and is now UTC" in _heard(site, timezone="UTC")


@pytest.mark.parametrize("loss", ["nothing", "state", "output", "both", "manifest"])
def test_another_laptop_or_a_fresh_checkout_gives_the_same_ids_and_bytes(site: Path, tmp_path: Path, loss: str) -> None:
    write(site, "posts/one.md", a_post("One, edited", date="2024-01-05"))
    (site / "posts" / "two.md").rename(site / "posts" / "zwei.md")
    published(site)
    expected, kept = tree(site / "public"), (site / "ids.toml").read_bytes()
    gone = {
        "state": [".publisher"],
        "output": ["public"],
        "both": [".publisher", "public"],
        "manifest": ["public/.publisher"],
    }
    for path in gone.get(loss, []):
        shutil.rmtree(site / path)
    other = carried(site, tmp_path / "other")
    for place in (site, other):
        published(place)
        assert tree(place / "public") == expected
        assert (place / "ids.toml").read_bytes() == kept


def test_nothing_is_recorded_by_a_dry_run_or_under_a_placeholder(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    dry = published(site, dry_run=True)
    assert dry.dry_run
    assert "one/index.html" in dry.new
    assert sorted(path.name for path in site.iterdir()) == ["config.toml", "posts"]
    write(site, "config.toml", config_of(base_url="https://example.com/"))
    published(site)
    assert not (site / "ids.toml").exists()
    assert items(site)[0]["id"] == "https://example.com/two/"
    write(site, "config.toml", config_of())
    published(site)
    assert ids(site) == {"One": BASE + "one/", "Two": BASE + "two/"}
    assert "https://example.com" not in (site / "ids.toml").read_text()


def test_a_dry_run_tells_what_the_next_run_does_and_leaves_everything_alone(site: Path) -> None:
    write(site, "posts/three.md", a_post("Three", date="2024-03-01", tags=["talk"]))
    (site / "posts" / "two.md").unlink()
    before, state = stamps(site / "public"), (site / ".publisher" / "state.sqlite3").read_bytes()
    would = published(site, dry_run=True)
    assert (stamps(site / "public"), (site / ".publisher" / "state.sqlite3").read_bytes()) == (before, state)
    did = published(site)
    assert (would.new, would.changed, would.removed, would.reasons) == (did.new, did.changed, did.removed, did.reasons)


def test_a_broken_post_leaves_what_was_published_of_it_and_the_others_go_out(site: Path) -> None:
    page = tree(site / "public")["one/index.html"]
    write(site, "posts/one.md", "+++\ntitle = \n+++\nHalf of an edit")
    write(site, "posts/new.md", a_post("New", date="2024-03-01"))
    report = published(site)
    assert report.refused
    assert "posts/one.md:2: error" in messages(report)
    assert tree(site / "public")["one/index.html"] == page
    assert set(ids(site)) == {"One", "Two", "New"}
    assert "Some words." in items(site)[2]["content_html"]
    again = published(site, full=True)
    assert again.refused
    assert set(ids(site)) == {"One", "Two", "New"}


def test_a_broken_post_keeps_its_page_and_its_record_even_where_the_state_is_gone(site: Path) -> None:
    page, record = tree(site / "public")["one/index.html"], (site / "ids.toml").read_text()
    write(site, "posts/one.md", "+++\ntitle = \n+++\n")
    shutil.rmtree(site / ".publisher")
    published(site)
    assert tree(site / "public")["one/index.html"] == page
    assert (site / "ids.toml").read_text() == record


def test_posts_fall_due_and_expire_as_time_goes_by(tmp_path: Path) -> None:
    posts = {
        "first.md": a_post("First"),
        "then.md": a_post("Then", date="2026-11-22", expiryDate="2026-11-25T00:00:00Z"),
    }
    site = a_site(tmp_path / "site", posts)
    due = NOW.replace(day=21, hour=23)  # midnight in Berlin, where the site is
    assert published(site).posts == 1
    assert published(site, due - timedelta(seconds=1)).new == ()
    assert "then/index.html" in published(site, due).new
    assert "then/index.html" in published(site, NOW.replace(day=25, hour=0)).removed
    assert set(ids(site)) == {"First"}


def test_a_draft_and_the_files_of_its_bundle_stay_at_home(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"trip/index.md": a_post("Trip", "![x](pic.png)", draft=True)})
    write(site, "posts/trip/pic.png", PICTURE)
    published(site)
    assert [path for path in tree(site / "public") if "trip" in path or "pic" in path] == []
    write(site, "posts/trip/index.md", a_post("Trip", "![x](pic.png)"))
    published(site)
    assert tree(site / "public")["trip/pic.png"] == PICTURE
    write(site, "posts/trip/index.md", a_post("Trip", draft=True))
    published(site)
    assert not (site / "public" / "trip").exists()


def test_files_beside_posts_and_static_files_are_published_as_they_are(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"one.md": a_post("One", "![x](used.png)")})
    for path in ("posts/used.png", "posts/unused.png", "static/CNAME", "static/.well-known/security.txt"):
        write(site, path, PICTURE)
    write(site, "static/.nojekyll", "")
    published(site)
    output = tree(site / "public")
    assert {"used.png", "CNAME", ".well-known/security.txt", ".nojekyll"} <= output.keys()
    assert "unused.png" not in output
    assert items(site)[0]["image"] == BASE + "used.png"


def test_what_an_author_wrote_takes_the_place_of_what_we_generate(tmp_path: Path) -> None:
    site = a_site(
        tmp_path / "site", {"one.md": a_post("One", tags=["a"]), "tags.md": a_post("My own tags", url="/tags/")}
    )
    write(site, "static/404.html", "lost")
    report = published(site)
    output = tree(site / "public")
    assert b"My own tags" in output["tags/index.html"]
    assert output["404.html"] == b"lost"
    assert report.problems == ()


def test_a_static_file_in_the_place_of_a_feed_is_warned_of(site: Path) -> None:
    write(site, "static/feed.xml", "<rss/>")
    report = published(site)
    assert "static/feed.xml: warning: takes the place of the feed" in messages(report)


def test_a_static_file_that_becomes_a_page_and_back_holds_up_no_run(site: Path) -> None:
    write(site, "static/three", "a file")
    published(site)
    (site / "static" / "three").unlink()
    write(site, "posts/three.md", a_post("Three", date="2024-03-01"))
    published(site)
    assert b"Three" in tree(site / "public")["three/index.html"]
    write(site, "static/three", "a file")
    report = published(site)
    assert "its page three/index.html would lie in three, which is a file" in messages(report)
    assert tree(site / "public")["three"] == b"a file"


def test_two_posts_at_one_permalink_are_both_named_and_the_known_one_stays(site: Path) -> None:
    write(site, "posts/other.md", a_post("Other", url="/one/"))
    report = published(site)
    assert "posts/other.md: error: has the same permalink as posts/one.md" in messages(report)
    assert set(ids(site)) == {"One", "Two"}


def test_former_addresses_lead_to_the_post(site: Path) -> None:
    write(site, "posts/one.md", a_post("One", aliases=["/2019/one.html", "/old/"]))
    published(site)
    for path in ("2019/one.html", "old/index.html"):
        assert f"{BASE}one/".encode() in tree(site / "public")[path]


def test_a_server_of_ours_is_named_on_every_page_from_the_day_it_has_an_address(site: Path) -> None:
    before = tree(site / "public")
    digest = '[digests.talks]\ntitle = "Talks"\nschedule = "mon 09:00"\n[mail]\nfrom = "r@blog.test"\n'
    write(site, "config.toml", config_of(digest))
    published(site)
    assert tree(site / "public") == before
    write(site, "config.toml", config_of(digest + '[web]\npublic_url = "https://mail.blog.test"\n'))
    published(site)
    after = tree(site / "public")
    silent = {path for path in after if path.endswith(".html") and b"subscribe?digest=talks" not in after[path]}
    assert silent == set()
    assert b'<a href="https://mail.blog.test/subscribe?digest=talks">Talks</a>' in after["one/index.html"]


def redirects(site: Path) -> str:
    place = site / "public" / ".publisher" / "redirects.txt"
    return place.read_text(encoding="utf-8") if place.exists() else ""


def test_former_addresses_are_written_down_for_servers_as_they_are_below_the_host(tmp_path: Path) -> None:
    base = "https://blog.test/sub/"
    aliases = ["/old/", "/2019/one.html", "/über & co/", "/%C3%BCber%20&%20co/", "plain name", "/two/", "/bare", "/a?b"]
    posts = {
        "one.md": a_post("One", aliases=aliases),
        "two.md": a_post("Two", aliases=["/old/", "../dotted/", "/bare.html"]),
    }
    site = a_site(tmp_path / "site", posts, config_of(base_url=base))
    published(site)
    assert redirects(site) == (
        f"/sub/%C3%BCber%20&%20co/\t{base}one/\n"
        f"/sub/2019/one.html\t{base}one/\n"
        f"/sub/bare\t{base}one/\n"
        f"/sub/bare/\t{base}one/\n"
        f"/sub/dotted/\t{base}two/\n"
        f"/sub/old/\t{base}one/\n"
    ), "each names its own page, and what two posts claim belongs to one"
    assert "redirects.txt" not in (site / "public/.publisher/manifest.txt").read_text()
    (site / "posts/one.md").rename(site / "posts/uno.md")
    published(site)
    assert f"/sub/one/\t{base}uno/\n" in redirects(site)


def test_what_servers_read_of_former_addresses_moves_only_with_its_bytes_and_comes_back(site: Path) -> None:
    place = site / "public/.publisher/redirects.txt"
    assert not place.exists()
    write(site, "posts/one.md", a_post("One", aliases=["/old/"]))
    published(site)
    before = (place.read_bytes(), place.stat().st_mtime_ns, place.stat().st_ino)
    write(site, "posts/two.md", a_post("Two", "Edited."))
    published(site)
    published(site, full=True)
    assert (place.read_bytes(), place.stat().st_mtime_ns, place.stat().st_ino) == before
    assert check(str(site / ".publisher")) is not None
    place.unlink()
    assert check(str(site / ".publisher")) is None, "the quick answer misses it"
    published(site, dry_run=True)
    assert not place.exists()
    published(site)
    assert place.read_bytes() == before[0]
    write(site, "posts/one.md", a_post("One"))
    published(site, dry_run=True)
    assert place.exists()
    published(site)
    assert not place.exists()
    assert check(str(site / ".publisher")) is not None
    write(site, "public/.publisher/redirects.txt", "/made/\thttps://up.test/\n")
    published(site)
    assert not place.exists()


@pytest.mark.parametrize("enabled", [True, False])
def test_a_feed_at_a_new_address_leaves_a_redirect_unless_somebody_else_stands_there(
    tmp_path: Path, *, enabled: bool
) -> None:
    site = a_site(tmp_path / "site", config=config_of(enabled=enabled))
    published(site)
    assert redirects(site) == ""
    moved = {"rss": "feeds/rss.xml", "atom": "feeds/atom.xml", "json": "feeds/feed.json"}
    write(site, "config.toml", config_of(enabled=enabled, paths=moved))
    published(site)
    assert redirects(site) == f"/atom.xml\t{BASE}feeds/atom.xml\n"
    write(site, "public/atom.xml", "a generator's")
    published(site)
    assert redirects(site) == ""


def test_the_id_of_a_feed_that_is_a_pages_address_makes_no_redirect(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(enabled=False))
    for known in (
        BASE,
        f"{BASE}blog",
        f"{BASE}../up.xml",
        f"{BASE}a.xml?b",
        "tag:blog.test,2024:feed",
        f"{BASE}feed.json",
    ):
        write(site, "ids.toml", f'[feeds]\nmain = "{known}"\n')
        published(site)
        assert redirects(site) == ""


def test_without_pages_only_feeds_are_written_and_with_them_all_is_back(site: Path) -> None:
    before = tree(site / "public")
    write(site, "config.toml", config_of(enabled=False))
    published(site)
    assert sorted(tree(site / "public")) == ["atom.xml", "feed.json", "feed.xml"]
    write(site, "config.toml", config_of())
    published(site)
    assert tree(site / "public") == before


def test_a_template_of_the_site_replaces_ours_alone(site: Path) -> None:
    before = tree(site / "public")
    write(site, "templates/pages/footer.html", "<footer>Mine</footer>")
    published(site)
    after = tree(site / "public")
    assert b"<footer>Mine</footer>" in after["one/index.html"]
    assert {path for path in before if before[path] == after[path]} == {
        *("atom.xml", "feed.json", "feed.xml", "feeds.opml", "sitemap.xml", "style.css"),
    }


def test_a_site_without_posts_has_valid_empty_feeds(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {})
    report = published(site)
    assert (report.posts, report.feeds, report.problems) == (0, 1, ())
    assert items(site) == []
    assert {"feed.xml", "atom.xml", "index.html"} <= tree(site / "public").keys()


def test_foreign_files_are_refused_by_name_unless_they_are_given_up(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    write(site, "public/feed.xml", "another program's")
    write(site, "public/one/keep.txt", "a visitor's")
    with pytest.raises(ForeignFile, match=r"feed\.xml"):
        published(site)
    assert tree(site / "public") == {"feed.xml": b"another program's", "one/keep.txt": b"a visitor's"}
    write(site, "config.toml", config_of(replace=["feed.xml"]))
    published(site)
    assert tree(site / "public")["feed.xml"].startswith(b"<?xml")
    (site / "posts" / "one.md").unlink()
    published(site)
    assert tree(site / "public")["one/keep.txt"] == b"a visitor's"


def test_stale_files_of_ours_go_with_the_folders_they_leave_empty(site: Path) -> None:
    write(site, "public/two/keep.txt", "foreign")
    for name in ("one.md", "two.md"):
        (site / "posts" / name).unlink()
    report = published(site)
    assert {"one/index.html", "two/index.html", "tags/talk/index.html"} <= set(report.removed)
    assert not (site / "public" / "one").exists()
    assert not (site / "public" / "tags" / "talk").exists()
    assert (site / "public" / "two" / "keep.txt").read_text() == "foreign"


def test_the_title_of_a_tags_feed_follows_the_newest_spelling(tmp_path: Path) -> None:
    posts = {"a.md": a_post("A", tags=["talk"]), "b.md": a_post("B", date="2024-03-01", tags=["Talk"])}
    site = a_site(tmp_path / "site", posts, config_of(per=["tag"]))
    published(site)
    assert b"Notebook: Talk" in tree(site / "public")["tags/talk/feed.xml"]
    (site / "posts" / "b.md").unlink()
    published(site)
    assert b"Notebook: talk" in tree(site / "public")["tags/talk/feed.xml"]


def test_addresses_of_feeds_are_uris(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"a.md": a_post("A", tags=["Überblick"])}, config_of(per=["tag"]))
    published(site)
    feed = json.loads(tree(site / "public")["tags/überblick/feed.json"])
    assert feed["feed_url"] == BASE + "tags/%C3%BCberblick/feed.json"
    assert feed["home_page_url"] == BASE + "tags/%C3%BCberblick/"


def test_a_picture_that_comes_later_is_published_and_no_longer_missed(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"a.md": a_post("A", "![x](pic.png)")}, config_of(permalink="/:slug.html"))
    assert "pic.png names a file that does not exist" in messages(published(site))
    write(site, "posts/pic.png", PICTURE)
    assert published(site).problems == ()
    assert tree(site / "public")["pic.png"] == PICTURE


def test_our_own_files_are_never_published_beside_posts(tmp_path: Path) -> None:
    words = "[c](config.toml) [i](ids.toml) [r](mailing.sqlite3) [m](letters/new/1) [f](fine.txt)"
    config = config_of("[mail]\ntransport = 'maildir:letters'\n").replace("[posts]", "[posts]\ndir = '.'")
    site = a_site(tmp_path / "site", {"a.md": ""}, config)
    write(site, "index.md", a_post("Front", words))
    write(site, "2024-01-05-b.md", a_post("B", words))
    for name in ("ids.toml", "mailing.sqlite3", "letters/new/1", "fine.txt"):
        write(site, name, "")
    published(site)
    found = {path.rpartition("/")[2] for path in tree(site / "public")}
    assert "fine.txt" in found
    assert not found & {"config.toml", "ids.toml", "mailing.sqlite3", "1"}
