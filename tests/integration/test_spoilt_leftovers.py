"""What lies in .publisher may be anybody's doing: nothing outside is touched by it, and nothing hangs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from tests.sites import a_post, a_site, published, run, tree, write

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "public/.publisher/manifest.txt"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site")
    published(made)
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of somebody else's, with a file in it."""
    return write(tmp_path, "elsewhere/kept.txt", "mine").parent


def test_a_link_in_the_output_leads_nothing_that_is_removed_outside(site: Path, elsewhere: Path) -> None:
    (site / "public/link").symlink_to(elsewhere)
    write(site, MANIFEST, (site / MANIFEST).read_text() + "link/kept.txt\n")
    published(site, full=True)
    assert (elsewhere / "kept.txt").exists()


def test_a_link_in_the_place_of_our_temporary_folder_is_not_swept(site: Path, elsewhere: Path) -> None:
    temporary = site / "public/.publisher/tmp"
    temporary.rmdir()
    temporary.symlink_to(elsewhere)
    write(site, "posts/new.md", a_post("New"))
    published(site)
    assert [one.name for one in elsewhere.iterdir()] == ["kept.txt"]
    assert (site / "public/new/index.html").exists()


@pytest.mark.parametrize("line", [b"\xff\xfe", b"a" * 5000, b"../config.toml", b"x/%2E%2E/%2E%2E/config.toml"])
def test_a_spoilt_line_of_the_manifest_stops_nothing_and_leads_nowhere(site: Path, line: bytes) -> None:
    before = tree(site / "public")
    write(site, MANIFEST, (site / MANIFEST).read_bytes() + line + b"\n")
    published(site, full=True)
    assert tree(site / "public") == before
    assert (site / "config.toml").exists()


def test_a_pipe_in_the_place_of_a_feed_is_not_waited_for(site: Path) -> None:
    feed = site / "public/feed.xml"
    feed.unlink()
    os.mkfifo(feed)
    published(site)
    assert feed.is_file()


def test_a_lock_that_is_a_link_leaves_what_it_leads_to_alone(site: Path, elsewhere: Path) -> None:
    lock = site / ".publisher/lock"
    lock.unlink()
    lock.symlink_to(elsewhere / "kept.txt")
    assert run(site, "publish", "--full").code == 1
    assert (elsewhere / "kept.txt").read_text() == "mine"


def test_a_build_state_that_is_a_link_puts_no_tables_into_another_database(site: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as other:
        other.execute("CREATE TABLE theirs (x)")
    state = site / ".publisher/state.sqlite3"
    state.unlink()
    state.symlink_to(tmp_path / "other.sqlite3")
    published(site, full=True)
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


@pytest.mark.parametrize("value", ["null", "[]", "[[]]", '"x"', "123", "[" * 100_000])
@pytest.mark.parametrize("column", ["fact.value", "source.card", "source.problems", "body.problems", "body_text.media"])
def test_a_build_state_of_other_shapes_is_thrown_away(site: Path, column: str, value: str) -> None:
    table, _, name = column.partition(".")
    before = tree(site / "public")
    with closing(sqlite3.connect(site / ".publisher/state.sqlite3")) as state, state:
        only = "WHERE key = 'identity'" if table == "fact" else ""
        state.execute(f"UPDATE {table} SET {name} = ? {only}", (value,))
    (site / ".publisher/last.txt").unlink()
    write(site, "public/feed.xml", "to be mended")
    published(site)
    assert tree(site / "public") == before


@pytest.mark.parametrize(("field", "value"), [(0, "soon"), (6, ""), (6, "1 2 3"), (6, "a b c d")])
def test_a_forged_word_of_the_last_run_is_no_answer(site: Path, field: int, value: str) -> None:
    last = site / ".publisher/last.txt"
    head, _, rest = last.read_text().partition("\f")
    parts = rest.split("\f")
    parts[field] = value
    forged = "\f".join(parts)
    write(site, ".publisher/last.txt", f"{head.rpartition(' ')[0]} {crc32(forged.encode()):08x}\f{forged}")
    done = run(site, "publish")
    assert done.code == 0
    assert "Nothing to do" not in done.out


def test_a_pipe_in_the_place_of_the_last_runs_word_is_not_waited_for(site: Path) -> None:
    last = site / ".publisher/last.txt"
    last.unlink()
    os.mkfifo(last)
    assert run(site, "publish").code == 0


@pytest.mark.parametrize("place", ["[posts]", "[feeds]"])
def test_an_id_that_no_feed_could_hold_is_refused_and_the_feeds_stand(site: Path, place: str) -> None:
    before = tree(site / "public")
    head, mark, rest = (site / "ids.toml").read_text().partition(place)
    old = '= { id = "https' if place == "[posts]" else '= "https'
    write(site, "ids.toml", head + mark + rest.replace(old, old.replace("https", "\\u0000"), 1))
    done = run(site, "publish")
    assert (done.code, "holds a control character" in done.err) == (1, True)
    assert tree(site / "public") == before


def test_a_spoilt_build_state_is_said_by_those_who_only_look(site: Path) -> None:
    with closing(sqlite3.connect(site / ".publisher/state.sqlite3")) as state, state:
        state.execute("UPDATE source SET problems = 'null'")
    done = run(site, "check")
    assert (done.code, "is spoilt" in done.err) == (1, True)
    (site / ".publisher/last.txt").unlink()
    assert run(site, "publish").code == 0
    assert run(site, "check").code == 0
