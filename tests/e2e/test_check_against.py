"""`publisher check --against`: beside what Hugo writes, over HTTP, and with whatever else somebody names."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.answering import Answering
from tests.generators import hugo
from tests.sites import a_post, a_site, as_mortal, config_of, run, tree, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sites import Done

HUGO = """
baseURL = "https://blog.test/"
title = "Notebook"
timeZone = "Europe/Berlin"
[permalinks]
posts = "/:year/:month/:slug/"
[services.rss]
limit = 3
"""
KEYS: dict[str, Any] = {
    "limit": 3,
    "formats": ["rss"],
    "paths": {"rss": "index.xml"},
    "permalink": "/:year/:month/:slug/",
}
NOTHING = "readers would notice nothing that they should not"


def posts() -> dict[str, str]:
    """Five posts, in winter and in summer, dated by the day."""
    days = {"one": "2024-01-05", "two": "2024-02-06", "three": "2024-03-07", "four": "2024-07-08", "five": "2024-08-09"}
    return {f"{name}.md": a_post(name.capitalize(), date=day) for name, day in days.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Hugo makes of these posts."""
    folder = tmp_path_factory.mktemp("hugo")
    write(folder, "hugo.toml", HUGO)
    for name, text in posts().items():
        write(folder, f"content/posts/{name}", text.replace('date = "', "date = ").replace('"\n+++', "\n+++"))
    hugo(folder)
    return folder / "public"


def ours(tmp_path: Path, built: Path, **keys: Any) -> Path:
    site = a_site(
        tmp_path / "site", posts(), config_of('\n[output]\ndir = "out"\n', **(KEYS | keys)).replace("[output]\n\n", "")
    )
    shutil.copytree(built, site / "public")
    return site


def told(done: Done) -> list[dict[str, Any]]:
    """The findings of the only comparison that are harm."""
    [one] = json.loads(done.out)
    return [finding for finding in one["findings"] if finding["harm"]]


def titles(finding: dict[str, Any]) -> list[str]:
    return [entry["title"] for entry in finding["entries"]]


# Beside Hugo


@pytest.mark.parametrize("place", ["public/index.xml", "public", "public/"])
def test_a_config_that_is_right_is_noticed_by_nobody(tmp_path: Path, built: Path, place: str) -> None:
    site = ours(tmp_path, built)
    before = tree(site)
    done = run(site, "check", "--against", place)
    assert done.code == 0, done
    assert NOTHING in done.out
    assert tree(site) == before
    assert not (site / ".publisher").exists()
    assert not (site / "ids.toml").exists()


def test_a_larger_limit_is_named_with_its_key(tmp_path: Path, built: Path) -> None:
    done = run(ours(tmp_path, built, limit=5), "check", "--against", "public/index.xml", "--json")
    assert done.code == 1, done
    [found] = told(done)
    assert titles(found) == ["Two", "One"]
    assert found["remedy"].startswith("limit = 3 in [feeds]")


def test_another_zone_is_named_with_its_keys(tmp_path: Path, built: Path) -> None:
    done = run(ours(tmp_path, built, timezone="America/New_York"), "check", "--against", "public/index.xml", "--json")
    assert done.code == 1, done
    [found] = told(done)
    assert titles(found) == ["Five", "Four", "Three"]
    assert "timezone in [site] is America/New_York, time_of_day in [posts] is 00:00" in found["remedy"]
    assert found["entries"][0]["detail"] == "was 2024-08-08 22:00:00Z, would be 2024-08-09 04:00:00Z"


def test_another_time_of_day_is_named_with_its_key(tmp_path: Path, built: Path) -> None:
    done = run(ours(tmp_path, built, time_of_day="09:30"), "check", "--against", "public/index.xml")
    assert done.code == 1, done
    assert "all by 9:30:00" in done.out
    assert "time_of_day in [posts] is 09:30" in done.out


def test_another_permalink_is_named_with_its_key(tmp_path: Path, built: Path) -> None:
    done = run(ours(tmp_path, built, permalink="/posts/:slug/"), "check", "--against", "public/index.xml", "--json")
    assert done.code == 1, done
    [found] = told(done)
    assert "other ids" in found["what"]
    assert titles(found) == ["Five", "Four", "Three"]
    assert found["entries"][0]["detail"] == 'posts/five.md: id = "https://blog.test/2024/08/five/"'
    assert "permalink or spelling in [posts]" in found["remedy"]
    assert "init DIR --from FEED" in found["remedy"]


def test_the_line_to_paste_mends_what_it_says(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built, permalink="/posts/:slug/")
    done = run(site, "check", "--against", "public/index.xml", "--json")
    for entry in told(done)[0]["entries"]:
        path, _, line = entry["detail"].partition(": ")
        post = site / path
        write(site, path, post.read_text("utf-8").replace("+++\n", f"+++\n{line}\n", 1))
    done = run(site, "check", "--against", "public/index.xml", "--json")
    assert (done.code, told(done)) == (0, []), done


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("http://blog.test/", 'base_url = "https://blog.test/" in [site]'),
        ("https://www.blog.test/", 'base_url = "https://blog.test/" in [site]'),
    ],
)
def test_another_host_or_scheme_is_named_with_its_key(tmp_path: Path, built: Path, address: str, remedy: str) -> None:
    done = run(ours(tmp_path, built, base_url=address), "check", "--against", "public/index.xml", "--json")
    assert done.code == 1, done
    assert remedy in told(done)[0]["remedy"]


def test_a_post_that_is_gone_and_one_that_was_kept_back(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built)
    (site / "posts/four.md").unlink()
    write(site, "posts/between.md", a_post("Between", date="2024-08-01"))
    write(site, "posts/newest.md", a_post("Newest", date="2024-09-01"))
    config = (site / "config.toml").read_text("utf-8")
    write(site, "config.toml", config.replace("limit = 3", "limit = 4"))
    done = run(site, "check", "--against", "public/index.xml", "--json")
    assert done.code == 1, done
    assert [(titles(found), found["what"].partition(" ")[0]) for found in told(done)] == [
        (["Between"], "entries"),
        (["Four"], "entries"),
    ]
    assert [one["what"] for one in json.loads(done.out)[0]["findings"]][-1].startswith("entries newer than")


def test_an_update_in_place_is_no_harm_unless_asked_for_strictly(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built)
    write(site, "posts/four.md", a_post("Four, mended", date="2024-07-08", slug="four"))
    for strict, code in (((), 0), (("--strict",), 1)):
        done = run(site, "check", "--against", "public/index.xml", *strict)
        assert done.code == code, done
        assert "Four, mended" in done.out
    assert run(site, "check", "--against", "public/index.xml", "--quiet") == (0, "", "")


def test_ten_entries_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    many = {f"{number}.md": a_post(f"Number {number}", date=f"2024-01-{number + 1:02}") for number in range(15)}
    site = a_site(tmp_path / "site", many, config_of(formats=["rss"]))
    old = '<rss version="2.0"><channel><title>T</title><item><guid>x</guid><title>X</title>'
    write(site, "feed.xml", f"{old}<pubDate>Fri, 01 Mar 2024 00:00:00 GMT</pubDate></item></channel></rss>")
    done = run(site, "check", "--against", "feed.xml")
    assert done.code == 1, done
    assert done.out.count("Number") == 10
    assert "and 5 more" in done.out


def test_an_address_that_would_no_longer_answer_is_named(tmp_path: Path, built: Path) -> None:
    done = run(ours(tmp_path, built, paths={"rss": "feed.xml"}), "check", "--against", "public/index.xml")
    assert done.code == 1, done
    assert "index.xml: warning: is where readers look for this feed today; ours is at feed.xml" in done.err
    assert 'paths = { rss = "index.xml" }' in done.err


def test_a_copy_that_says_nothing_of_its_address_may_have_any_name(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built)
    copy = (built / "index.xml").read_text("utf-8")
    write(site, "saved yesterday.txt", "\n".join(line for line in copy.splitlines() if "atom:link" not in line))
    done = run(site, "check", "--against", "saved yesterday.txt")
    assert (done.code, done.err) == (0, ""), done


# Over HTTP


def test_feeds_over_http_and_the_pages_that_name_them(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built)
    feed = (built / "index.xml").read_bytes()
    other = b'<link rel="alternate" type="application/json" href="/wp-json/1">'
    named = b'<link rel="alternate" type="application/rss+xml" href="index.xml">'
    pages = {
        "/index.xml": feed,
        "/": b"<!DOCTYPE html>" + other + named,
        "/wp-json/1": b'{"id": 1}',
        "/bare": b"<html>",
    }
    with Answering(pages) as host:
        for path in ("index.xml", ""):
            done = run(site, "check", "--against", host.url + path, "--json")
            assert done.code == 0, done
            [one] = json.loads(done.out)
            assert (one["path"], one["entries"]) == ("index.xml", {"today": 3, "ours": 3})
        twice = run(site, "check", "--against", host.url, "--against", "public", "--json")
        assert (twice.code, len(json.loads(twice.out))) == (0, 2)
        missing = run(site, "check", "--against", f"{host.url}missing")
        assert (missing.code, missing.out) == (2, "")
        assert "answers 404" in missing.err
        bare = run(site, "check", "--against", f"{host.url}bare")
        assert bare.code == 1
        assert "is a web page, no feed" in bare.err
        gone = host.url
    assert run(site, "check", "--against", gone).code == 2


# Whatever else somebody names

NO_FEED: dict[str, bytes] = {
    "empty": b"",
    "spaces": b" \n",
    "binary": bytes(range(256)) * 50,
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "text": b"Hello",
    "page": b"<!DOCTYPE html><p>Hello",
    "json": b'{"a": 1}',
    "list": b"[1]",
    "sitemap": b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>',
    "bomb": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]><x>&b;</x>',
}


@pytest.mark.parametrize("data", NO_FEED.values(), ids=NO_FEED)
def test_what_is_no_feed_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    site = a_site(tmp_path / "site")
    write(site, "given", data)
    done = run(site, "check", "--against", "given")
    assert (done.code, done.out) == (1, ""), done
    assert len(done.err.splitlines()) == 2
    folder = write(site, "folder/feed.xml", data).parent
    done = run(site, "check", "--against", str(folder))
    assert done.code == 1, done
    assert "there is no feed in" in done.err


@pytest.mark.parametrize(
    "place",
    [
        "missing.xml",
        "pipe",
        "locked.xml",
        "behind/feed.xml",
        "behind",
        "x" * 5000,
        "ftp://blog.test/feed",
        "http://",
        "http://[",
        "https://127.0.0.2:1/feed",
        "file:///etc/passwd",
        "/dev/zero",
        "loop",
    ],
)
def test_a_place_that_cannot_be_read_is_a_fault_of_the_command(tmp_path: Path, place: str) -> None:
    site = a_site(tmp_path / "site")
    os.mkfifo(site / "pipe")
    (site / "loop").symlink_to("loop")
    write(site, "locked.xml", "<rss/>").chmod(0)
    write(site, "behind/feed.xml", "<rss/>").parent.chmod(0)
    done = run(site, "check", "--against", place, prepare=as_mortal)
    (site / "behind").chmod(0o700)
    assert done.out == ""
    assert done.code == 2, done
    assert len(done.err.splitlines()) >= 2  # what, and what to do


def test_a_feed_that_is_cut_off_is_not_believed_to_its_end(tmp_path: Path, built: Path) -> None:
    site = ours(tmp_path, built)
    feed = (built / "index.xml").read_bytes()
    write(site, "cut.xml", feed[: feed.rindex(b"<item>") + 20])
    done = run(site, "check", "--against", "cut.xml", "--json")
    assert done.code == 1, done
    [one] = json.loads(done.out)
    assert one["entries"]["today"] == 2
    assert "is cut off" in one["problems"][0]["message"]


def test_hostile_titles_command_no_terminal(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    item = r'{"id": "a\ud800", "title": "\u001b[2J\u0007\u009b\u202eRed\ud800", "url": "https://x.test/\u001b[1m"}'
    write(site, "feed.json", f'{{"version": "https://jsonfeed.org/version/1", "title": "T", "items": [{item}]}}')
    done = run(site, "check", "--against", "feed.json")
    assert done.code == 1, done
    assert not [sign for sign in done.out if (ord(sign) < 32 and sign != "\n") or 127 <= ord(sign) < 160]
    assert "Red" in done.out


def test_a_folder_that_is_no_site_is_refused_as_ever(tmp_path: Path, built: Path) -> None:
    done = run(tmp_path, "check", "--against", str(built))
    assert done.code == 2, done
    assert done.out == ""
