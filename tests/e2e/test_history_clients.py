"""Real feed readers before archives and tombstones: they read them, and nothing in them does harm."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from tests.feed_readers import Tap, readers_of
from tests.sites import a_post, a_site, config_of, run, write
from tests.web import WEB, Serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feed_readers import FeedReader

YEARS = range(2019, 2025)
NEWEST = {"Year 2024", "Year 2023"}


def a_long_history(folder: Path) -> Path:
    posts = {f"post-{year}.md": a_post(f"Year {year}", f"Words of {year}.", date=f"{year}-03-05") for year in YEARS}
    site = a_site(folder, posts, config_of(WEB, limit=2))
    publish(site)
    return site


def publish(site: Path) -> None:
    done = run(site, "publish", "-q")
    assert done.code == 0, done


def everybody_sees(readers: dict[str, FeedReader], *new: str) -> None:
    assert {name: reader.look() for name, reader in readers.items()} == {name: set(new) for name in readers}


def test_an_archive_reads_like_any_feed(tmp_path: Path) -> None:
    with Serving(a_long_history(tmp_path / "site"), "--no-clock") as server:
        archive = readers_of(f"{server.url}archive/2021/", tmp_path / "readers")
        everybody_sees(archive, "Year 2021")
        everybody_sees(archive)


def test_readers_of_the_feed_take_no_harm_from_archives_and_tombstones(tmp_path: Path) -> None:
    site = a_long_history(tmp_path / "site")
    with Serving(site, "--no-clock") as server, Tap(urlsplit(server.url).port or 0) as tap:
        readers = readers_of(tap.url, tmp_path / "readers")
        everybody_sees(readers, *NEWEST)

        withdrawn = (site / "posts" / "post-2024.md").read_text("utf-8")
        (site / "posts" / "post-2024.md").unlink()
        publish(site)
        assert "deleted-entry" in httpx.get(f"{server.url}atom.xml").text
        everybody_sees(readers, "Year 2022")  # the third newest has moved into the feed
        assert {name: reader.titles() for name, reader in readers.items()} == {
            name: sorted({*NEWEST, "Year 2022"}) for name in readers
        }

        write(site, "posts/post-2024.md", withdrawn)
        publish(site)
        assert "deleted-entry" not in httpx.get(f"{server.url}atom.xml").text
        everybody_sees(readers)
        assert "Traceback" not in server.said


def test_what_was_withdrawn_is_gone_and_not_just_missing(tmp_path: Path) -> None:
    site = a_long_history(tmp_path / "site")
    with Serving(site, "--no-clock") as server:
        assert httpx.get(f"{server.url}post-2020/").status_code == 200
        (site / "posts" / "post-2020.md").unlink()
        publish(site)
        assert httpx.get(f"{server.url}post-2020/").status_code == 410
        assert httpx.get(f"{server.url}never-was/").status_code == 404
