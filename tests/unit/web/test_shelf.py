"""Reading an output folder: what is shown, what is kept from before, what stays on disk."""

from __future__ import annotations

import os
import socket
import zlib
from typing import TYPE_CHECKING

import pytest

from publisher.web.answers import Answer, FilePart, Request, answer
from publisher.web.documents import Document
from publisher.web.shelf import LARGEST, SLOW, Redirect, read_shelf
from tests.sites import write

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.web.shelf import Shelf

OLD = 1_763_640_000  # well before any test runs
RSS = b"<rss version='2.0'>" + b"<item/>" * 500 + b"</rss>"
LARGE = os.urandom(LARGEST + 5)


def put(root: Path, name: str, content: bytes, at: int = OLD) -> Path:
    path = write(root, name, content)
    os.utime(path, (at, at))
    return path


def get(shelf: Shelf, path: str, **headers: str) -> Answer:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    said = answer(shelf, Request(b"GET", path.encode(), pairs))
    assert said is not None
    return said


def body(said: Answer) -> bytes:
    return b"".join(said.body.pieces()) if isinstance(said.body, FilePart) else said.body


def header(said: Answer, name: bytes) -> bytes:
    return dict(said.headers)[name]


def test_what_is_for_readers_is_shown_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "public"
    for name in ("feed.xml", "a/b/c.txt", ".well-known/webfinger", "index.html"):
        put(root, name, b"x")
    for name in (
        ".publisher/manifest.txt",
        ".env",
        "a/.git/config",
        "a/.well-known/x",
        ".well-known/.x",
        "a\\b",
        "a\nb",
    ):
        put(root, name, b"secret")
    (root / os.fsdecode(b"\xff.txt")).write_bytes(b"secret")
    os.mkfifo(root / "pipe.xml")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(root)  # the whole path may be longer than a socket's name can be
        listening.bind("socket.xml")
    shelf = read_shelf(root)
    assert set(shelf.files) == {"feed.xml", "a/b/c.txt", ".well-known/webfinger", "index.html"}


def test_links_count_only_where_they_lead_to_what_is_shown(tmp_path: Path) -> None:
    root = tmp_path / "public"
    put(root, "a/page.html", b"page")
    put(root, ".publisher/state", b"secret")
    put(tmp_path, "secret.txt", b"secret")
    put(tmp_path, "public-not/secret.txt", b"secret")
    put(tmp_path, "folder/secret.txt", b"secret")
    links: dict[str, str | Path] = {
        "inside.html": "a/page.html",
        "folder": "a",
        "outside.txt": tmp_path / "secret.txt",
        "beside.txt": "../public-not/secret.txt",
        "elsewhere": "../folder",
        "hidden": ".publisher/state",
        "ours": ".publisher",
        "nowhere": "gone",
        "itself": "itself",
        "device": "/dev/zero",
        "a/up": "..",
        "a/here": ".",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    shelf = read_shelf(root)
    assert set(shelf.files) == {"a/page.html", "inside.html", "folder/page.html"}
    assert body(get(shelf, "/inside.html")) == b"page"


def test_links_between_folders_come_to_an_end(tmp_path: Path) -> None:
    for name in "abcdefgh":
        put(tmp_path, f"{name}/page.html", b"page")
        for other in "abcdefgh":
            (tmp_path / name / other).symlink_to(f"../{other}")
    assert len(read_shelf(tmp_path).files) == 8 + 8 * 7


def test_the_root_may_be_a_link_that_is_moved(tmp_path: Path) -> None:
    put(tmp_path, "one/a.txt", b"one")
    put(tmp_path, "two/a.txt", b"two")
    current = tmp_path / "current"
    current.symlink_to("one")
    first = read_shelf(current)
    current.unlink()
    current.symlink_to("two")
    assert (body(get(first, "/a.txt")), body(get(read_shelf(current, before=first), "/a.txt"))) == (b"one", b"two")


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    shelf = read_shelf(tmp_path / "gone")
    assert (dict(shelf.files), shelf.feeds, shelf.not_found) == ({}, frozenset(), None)
    assert shelf.find(b"/") is None


def test_feeds_and_the_page_for_what_is_missing_are_known(tmp_path: Path) -> None:
    put(tmp_path, "feed.xml", RSS)
    put(tmp_path, "tags/é/atom", b"<feed xmlns='http://www.w3.org/2005/Atom'/>")
    put(tmp_path, "sitemap.xml", b"<urlset/>")
    put(tmp_path, "404.html", b"not here")
    shelf = read_shelf(tmp_path, "/blog")
    assert shelf.feeds == {b"/blog/feed.xml", b"/blog/tags/%C3%A9/atom"}
    assert shelf.not_found is shelf.files["404.html"]


def test_redirects_come_before_the_pages_that_stand_there(tmp_path: Path) -> None:
    put(tmp_path, "old/index.html", b"moved")
    put(
        tmp_path,
        ".publisher/redirects.txt",
        b"/old/\thttps://blog.test/new/\n\xff\tx\n/feed.rss\thttps://blog.test/f\n",
    )
    shelf = read_shelf(tmp_path)
    for path in (b"/old/", b"/old", b"/feed.rss"):
        found = shelf.find(path)
        assert isinstance(found, Redirect)
        assert found.status == 301


# What is kept from before


def test_what_has_not_changed_is_kept_and_what_has_is_read(tmp_path: Path) -> None:
    put(tmp_path, "same.xml", RSS)
    put(tmp_path, "changed.txt", b"one")
    put(tmp_path, "gone.txt", b"gone")
    first = read_shelf(tmp_path)
    put(tmp_path, "changed.txt", b"two", OLD + 1)
    put(tmp_path, "new.txt", b"new")
    (tmp_path / "gone.txt").unlink()
    second = read_shelf(tmp_path, before=first)
    assert second.files["same.xml"] is first.files["same.xml"]
    assert body(get(second, "/changed.txt")) == b"two"
    assert body(get(first, "/changed.txt")) == b"one"
    assert set(second.files) == {"same.xml", "changed.txt", "new.txt"}


def test_the_same_bytes_written_anew_are_not_modified(tmp_path: Path) -> None:
    put(tmp_path, "feed.xml", RSS)
    first = read_shelf(tmp_path)
    put(tmp_path, "feed.xml", RSS, OLD + 100)
    second = read_shelf(tmp_path, before=first)
    assert get(second, "/feed.xml", accept_encoding="gzip") == get(first, "/feed.xml", accept_encoding="gzip")


def test_a_file_that_was_just_written_is_looked_at_again(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", b"one")
    stat = path.stat()
    first = read_shelf(tmp_path)
    path.write_bytes(b"two")  # in place, and within the same tick of the clock
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert body(get(read_shelf(tmp_path, before=first), "/a.txt")) == b"two"


def test_addresses_follow_the_base(tmp_path: Path) -> None:
    put(tmp_path, "feed.xml", RSS)
    first = read_shelf(tmp_path, "/a/")
    assert read_shelf(tmp_path, "/b/", first).feeds == {b"/b/feed.xml"}


def test_last_modified_is_the_files_time_and_never_in_the_future(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", b"x")
    put(tmp_path, "b.txt", b"x", 4_000_000_000)
    shelf = read_shelf(tmp_path)
    assert header(get(shelf, "/a.txt"), b"last-modified") == b"Thu, 20 Nov 2025 12:00:00 GMT"
    assert get(shelf, "/b.txt", if_modified_since=header(get(shelf, "/b.txt"), b"last-modified").decode()).status == 304


# What stays on disk


def test_large_files_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "talk.mp3", LARGE)
    shelf = read_shelf(tmp_path)
    whole = get(shelf, "/talk.mp3")
    assert isinstance(whole.body, FilePart)
    assert body(whole) == LARGE
    assert header(whole, b"content-length") == b"%d" % len(LARGE)
    tag = header(whole, b"etag").decode()
    part = get(shelf, "/talk.mp3", range="bytes=7-99", if_range=tag)
    assert (part.status, body(part)) == (206, LARGE[7:100])
    assert body(get(shelf, "/talk.mp3", range="bytes=-3")) == LARGE[-3:]
    assert get(shelf, "/talk.mp3", range=f"bytes={len(LARGE)}-").status == 416
    assert get(shelf, "/talk.mp3", if_none_match=tag).status == 304
    assert read_shelf(tmp_path, before=shelf).files["talk.mp3"] is shelf.files["talk.mp3"]
    head = answer(shelf, Request(b"HEAD", b"/talk.mp3"))
    assert head is not None
    assert (head.headers, head.body) == (whole.headers, b"")


def test_a_large_file_that_changed_is_answered_as_it_is_now(tmp_path: Path) -> None:
    put(tmp_path, "talk.mp3", LARGE)
    shelf = read_shelf(tmp_path)
    first = get(shelf, "/talk.mp3")
    put(tmp_path, "new", LARGE[::-1] + b"more", OLD + 5)
    (tmp_path / "new").replace(tmp_path / "talk.mp3")
    second = get(shelf, "/talk.mp3", if_none_match=header(first, b"etag").decode())
    assert (second.status, body(second)) == (200, LARGE[::-1] + b"more")
    with pytest.raises(FileNotFoundError):
        body(first)  # never a part of one and a part of the other


@pytest.mark.parametrize("what", ["gone", "folder", "pipe", "link", "parent"])
def test_a_large_file_that_is_none_any_more_is_not_there(tmp_path: Path, what: str) -> None:
    root = tmp_path / "public"
    path = put(root, "folder/talk.mp3", LARGE)
    put(tmp_path, "elsewhere/talk.mp3", b"secret")
    shelf = read_shelf(root)
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere/talk.mp3")
    elif what == "parent":
        path.parent.rmdir()
        path.parent.symlink_to(tmp_path / "elsewhere")
    assert answer(shelf, Request(b"GET", b"/folder/talk.mp3")) is None


def test_a_large_file_that_becomes_shorter_while_it_is_sent_is_a_fault(tmp_path: Path) -> None:
    path = put(tmp_path, "talk.mp3", LARGE)
    said = get(read_shelf(tmp_path), "/talk.mp3")
    assert isinstance(said.body, FilePart)
    pieces = said.body.pieces()
    next(pieces)
    os.truncate(path, 10)
    with pytest.raises(FileNotFoundError):
        list(pieces)


def test_pages_and_feeds_come_first_where_memory_is_short(tmp_path: Path) -> None:
    put(tmp_path, "a.png", b"p" * 600)
    put(tmp_path, "z.xml", RSS)
    shelf = read_shelf(tmp_path, memory=len(RSS) + 10)
    assert shelf.files["z.xml"].content == RSS
    assert shelf.files["a.png"].content is None
    assert body(get(shelf, "/a.png")) == b"p" * 600
    roomier = read_shelf(tmp_path, before=shelf)
    assert roomier.files["a.png"].content is not None
    assert read_shelf(tmp_path, before=roomier, memory=0).files["z.xml"].content is None


def test_large_feeds_are_held_in_memory(tmp_path: Path) -> None:
    put(tmp_path, "all.xml", RSS * 400)
    put(tmp_path, "all.txt", RSS * 400)
    shelf = read_shelf(tmp_path)
    assert header(get(shelf, "/all.xml", accept_encoding="br"), b"content-encoding") == b"br"
    plain = get(shelf, "/all.txt", accept_encoding="br")
    assert {b"content-encoding", b"vary"}.isdisjoint(name for name, _ in plain.headers)
    assert body(plain) == RSS * 400


def test_an_empty_file_is_a_document(tmp_path: Path) -> None:
    put(tmp_path, "empty.txt", b"")
    said = get(read_shelf(tmp_path), "/empty.txt", range="bytes=0-", accept_encoding="gzip")
    assert (said.status, said.body, header(said, b"content-length")) == (200, b"", b"0")


def test_equal_bytes_have_equal_tags_wherever_they_are_read(tmp_path: Path) -> None:
    tags: set[bytes] = set()
    for name in ("one", "two"):
        put(tmp_path / name, "feed.xml", RSS, OLD + len(tags))
        found = read_shelf(tmp_path / name).find(b"/feed.xml")
        assert isinstance(found, Document)
        tags.add(found.tag)
    assert len(tags) == 1


def test_what_takes_long_to_compress_is_compressed_before_anybody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "large/index.html", b"<!doctype html>" + b"<p>Words." * (SLOW // 9))
    put(tmp_path, "small.html", b"<!doctype html>" + b"<p>Words." * 9)
    shelf = read_shelf(tmp_path)
    monkeypatch.setattr(zlib, "compress", None)  # now it would be a fault
    assert header(get(shelf, "/large/", accept_encoding="gzip"), b"content-encoding") == b"gzip"
    with pytest.raises(TypeError):
        get(shelf, "/small.html", accept_encoding="gzip")
