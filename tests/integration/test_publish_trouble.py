"""Publishing where something is wrong: a clear word, the old output intact, and the other posts out."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from publisher.config import load
from publisher.errors import AlreadyRunning, ForeignFile, OutputError, PublisherError, UsageError
from publisher.flows.publish import publish
from publisher.flows.report import Listener, Options
from publisher.output.lock import held
from tests.sites import (
    NOW,
    a_post,
    a_site,
    as_mortal,
    config_of,
    messages,
    paths_in,
    published,
    run,
    stamps,
    tree,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANY = {f"p{number:03}.md": a_post(f"Post {number}", "Words. " * number) for number in range(900)}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site")
    published(made)
    return made


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_said_and_what_stood_there_stands(tiny_disk: Path, tmp_path: Path) -> None:
    config = config_of().replace("[feeds]\n", "[feeds]\ntombstones = false\n")  # which would tell of what is taken away
    site = a_site(tmp_path / "site", {"one.md": a_post("One")}, config)
    (site / "public").symlink_to(tiny_disk)
    published(site)
    before = tree(tiny_disk)
    for number in range(20):
        write(site, f"posts/more{number}.md", a_post(f"More {number}", "Words. " * 500, tags=[f"tag {number}"]))
    write(site, "posts/one.md", a_post("One", "x" * 30_000))
    done = run(site, "publish")
    assert done.code == 1
    assert "No space left on device" in done.err
    assert "make room on the disk" in done.err
    after = tree(tiny_disk)
    assert before.keys() <= after.keys()
    assert all(data.rstrip().endswith((b">", b"}")) or path == "style.css" for path, data in after.items()), (
        "half a file"
    )
    assert list((tiny_disk / ".publisher" / "tmp").iterdir()) == []
    for number in range(20):
        (site / "posts" / f"more{number}.md").unlink()
    write(site, "posts/one.md", a_post("One"))
    assert run(site, "publish").code == 0
    assert tree(tiny_disk) == before


@pytest.mark.parametrize("room", [12, 40])
def test_a_full_disk_under_the_whole_site_is_said(tiny_disk: Path, room: int) -> None:
    site = a_site(tiny_disk / "site")
    write(site, "ballast", b"x" * (64 - room) * 1024)
    done = run(site, "publish")
    assert done.code == 1
    assert "make room" in done.err
    (site / "ballast").unlink()


@pytest.mark.parametrize("limit", [1, 2000, 30_000])
def test_a_limit_on_the_size_of_files_is_an_error_like_any_other(site: Path, limit: int) -> None:
    before = tree(site / "public")
    write(site, "posts/one.md", a_post("One", "Many words. " * 4000, tags=["talk"]))
    done = run(site, "publish", prepare=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.code == 1
    assert "error:" in done.err
    assert published(site).problems == ()
    assert before.keys() == tree(site / "public").keys()
    assert b"Many words." in tree(site / "public")["one/index.html"]


@pytest.mark.parametrize("path", ["public", "public/.publisher", "public/one", ".", ".publisher"])
def test_a_folder_that_may_not_be_written_is_named_and_nothing_is_lost(site: Path, path: str) -> None:
    before = tree(site / "public")
    for name in (".", ".publisher", "public/.publisher"):
        (site / name).chmod(0o755)
    write(site, "posts/one.md", a_post("One", "Edited.", tags=["talk"]))
    write(site, "posts/three.md", a_post("Three", date="2024-03-01"))
    (site / path).chmod(0o555)
    done = run(site, "publish", prepare=as_mortal)
    (site / path).chmod(0o755)
    assert done.code == 1
    assert "writable" in done.err
    assert before.keys() <= tree(site / "public").keys()
    assert published(site).problems == ()


def test_an_output_that_is_a_file_is_named(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    write(site, "public", "precious")
    with pytest.raises(ForeignFile, match="public"):
        published(site)
    assert (site / "public").read_text() == "precious"


def test_a_folder_in_the_place_of_a_page_is_named(site: Path) -> None:
    (site / "public" / "one" / "index.html").unlink()
    write(site, "public/one/index.html/keep.txt", "precious")
    with pytest.raises(ForeignFile, match=r"one/index\.html"):
        published(site)
    assert (site / "public" / "one" / "index.html" / "keep.txt").read_text() == "precious"


def test_a_second_run_at_the_same_time_is_refused_and_a_dry_run_is_not(site: Path) -> None:
    with held(site / ".publisher" / "lock"):
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            published(site)
        assert run(site, "publish", "--full").code == 1
        assert published(site, dry_run=True).changed == ()
    published(site)


def spoilt(data: bytes) -> list[bytes]:
    """What may have become of a file."""
    return [b"", b"\xffnot this\0" * 9, data[: len(data) // 2], data[:4000] + b"\xff\0\x0c" * 1000 + data[7000:]]


@pytest.mark.parametrize("how", range(4))
@pytest.mark.parametrize("name", ["state.sqlite3", "templates"])
def test_a_spoilt_memory_is_thrown_away_by_itself(site: Path, name: str, how: int) -> None:
    expected = stamps(site / "public")
    kept = site / ".publisher" / name
    for path in [kept] if kept.is_file() else kept.iterdir():
        path.write_bytes(spoilt(path.read_bytes())[how])
    for options in (Options(dry_run=True), Options(), Options(full=True), Options()):
        report = publish(site, load(site), NOW, options)
        assert (report.new, report.changed, report.removed, report.problems) == ((), (), (), ())
        assert stamps(site / "public") == expected


def test_a_spoilt_note_of_the_last_run_is_not_believed(site: Path) -> None:
    run(site, "publish")
    note = site / ".publisher" / "last.txt"
    good = note.read_bytes()
    for data in (*spoilt(good), good.replace(b"2 1 0 0", b"9 1 0 0"), good.replace(b"\f", b"\f9", 1)):
        note.write_bytes(data)
        done = run(site, "publish")
        assert (done.code, done.out, done.err) == (0, "2 posts and 1 feed in public/, 15 files unchanged\n", "")
    assert run(site, "publish").out.startswith("Nothing to do: 2 posts")


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\0", b"../outside.txt\n/etc/nothing\n../../outside.txt\n"])
def test_a_spoilt_manifest_is_mended_and_leads_nowhere_else(site: Path, text: bytes) -> None:
    expected = stamps(site / "public")
    write(site, "outside.txt", "precious")
    write(site, "public/.publisher/manifest.txt", text)
    (site / "posts" / "two.md").unlink()
    published(site)
    assert (site / "outside.txt").read_text() == "precious"
    assert set(expected) - set(stamps(site / "public")) == {"two/index.html"}
    shutil.rmtree(site / ".publisher")
    published(site)


def test_the_folder_of_posts_is_asked_for_when_it_is_missing(site: Path) -> None:
    before = stamps(site / "public")
    (site / "posts").rename(site / "elsewhere")
    with pytest.raises(UsageError, match="posts cannot be read"):
        published(site)
    assert stamps(site / "public") == before


def test_a_post_that_may_not_be_read_is_held_and_let_out_once_it_may(site: Path) -> None:
    before = tree(site / "public")
    for path in ("posts/one.md", "static/x.png"):
        write(site, path, a_post("One", "Edited.", tags=["talk"]) if path.endswith("md") else b"png").chmod(0)
    done = run(site, "publish", prepare=as_mortal)
    assert done.code == 1
    assert "posts/one.md: error: cannot be read" in done.err
    assert "static/x.png: error: cannot be read" in done.err
    assert tree(site / "public") == before
    for path in ("posts/one.md", "static/x.png"):
        (site / path).chmod(0o644)
    done = run(site, "publish", prepare=as_mortal)
    assert done.code == 0, done.err
    assert {"one/index.html", "x.png"} <= tree(site / "public").keys()
    assert b"Edited." in tree(site / "public")["one/index.html"]


def test_posts_in_a_folder_that_may_not_be_read_are_not_withdrawn(site: Path) -> None:
    write(site, "posts/talks/three.md", a_post("Three", date="2024-03-01"))
    published(site)
    before, ids = stamps(site / "public"), (site / "ids.toml").read_bytes()
    (site / "posts" / "talks").chmod(0)
    done = run(site, "publish", "--full", prepare=as_mortal)
    (site / "posts" / "talks").chmod(0o755)
    assert "posts/talks: error: cannot be read" in done.err
    assert (stamps(site / "public"), (site / "ids.toml").read_bytes()) == (before, ids)


def _non_utf8(site: Path) -> None:
    with open(os.fsencode(site / "posts") + b"/caf\xe9.md", "w") as stream:  # noqa: PTH123 - pathlib takes no bytes
        stream.write(a_post("Café"))
    (site / "static").mkdir()
    (site / "static" / os.fsdecode(b"\xe9.png")).write_bytes(b"png")


def _loops(site: Path) -> None:
    (site / "posts" / "loop.md").symlink_to("loop.md")
    (site / "posts" / "up").symlink_to("..")
    (site / "posts" / "nowhere.md").symlink_to("gone.md")


def _pipe(site: Path) -> None:
    os.mkfifo(site / "posts" / "pipe.md")


def _brackets(site: Path) -> None:
    write(site, "posts/deep.md", a_post("Deep", "[" * 10_000 + "]" * 10_000 + "\n\n" + "> " * 10_000))
    write(site, "posts/deeper.md", "+++\ntags = " + "[" * 10_000 + "\n+++\n")
    write(site, "posts/json.md", '{"a": ' * 10_000 + "\n")


def _bytes(site: Path) -> None:
    write(site, "posts/nul.md", a_post("Nul") + "\0\x08\x0c\ufffe end\n")
    write(site, "posts/latin.md", a_post("Latin").encode() + b"caf\xe9")
    write(site, "posts/line.md", a_post("Line", "word " * 300_000))


def _odd_names(site: Path) -> None:
    for name in ("#first.txt", "new\nline.txt", "carriage\rreturn.txt", "per%41cent.txt", "tab\tor\x0cfeed.txt"):
        write(site, f"static/{name}", "text")
    write(site, f"posts/{'n' * 240}.md", a_post("Long name", date="2024-03-01"))
    write(site, "posts/nested/.publisher.md", a_post("Hidden"))
    write(site, "posts/into.md", a_post("Into", url="/.publisher/tmp/x/", aliases=["/.publisher/manifest.html"]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_non_utf8, ("its name is not UTF-8",)),
        (_loops, ("posts/loop.md", "posts/nowhere.md")),
        (_pipe, ("posts/pipe.md", "it is no file")),
        (_brackets, ("posts/deep.md",)),
        (_bytes, ()),
        (_odd_names, ("posts/into.md: error: no page can be written",)),
    ],
)
def test_no_post_or_file_however_odd_hurts_the_others(
    site: Path, spoil: Callable[[Path], None], said: tuple[str, ...]
) -> None:
    before = tree(site / "public")
    spoil(site)
    done = run(site, "publish")
    assert all(words in done.err for words in said), done.err
    after = tree(site / "public")
    assert {path: after[path] for path in ("one/index.html", "two/index.html")} == {
        path: before[path] for path in ("one/index.html", "two/index.html")
    }
    assert b"Two" in after["feed.xml"]
    shutil.rmtree(site / ".publisher")
    assert sorted(messages(published(site)).splitlines()) == sorted(done.err.splitlines())
    assert tree(site / "public") == after


def test_a_crew_writes_what_one_process_writes(tmp_path: Path) -> None:
    one, many = a_site(tmp_path / "one", MANY), a_site(tmp_path / "many", MANY)
    core = min(os.sched_getaffinity(0))
    alone = run(one, "publish", prepare=partial(os.sched_setaffinity, 0, {core}))
    assert alone.code == 0
    assert run(many, "publish").code == 0
    assert tree(one / "public") == tree(many / "public")
    assert (one / "ids.toml").read_bytes() == (many / "ids.toml").read_bytes()
    assert run(many, "publish").out == "Nothing to do: 900 posts and 1 feed are as they should be.\n"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core hires nobody")
@pytest.mark.parametrize(("what", "when"), [("reading", 1), ("reading", 900), ("rendering", 500)])
def test_a_worker_that_dies_is_reported_and_the_next_run_heals(tmp_path: Path, what: str, when: int) -> None:
    site = a_site(tmp_path / "site", MANY)

    def watch(now: str, done: int, _of: int) -> None:
        if (now, done) == (what, when):
            multiprocessing.active_children()[0].kill()

    with pytest.raises(PublisherError, match="a worker process ended"):
        published(site, listener=Listener(progress=watch))
    assert multiprocessing.active_children() == []
    if what == "reading":
        return
    assert not published(site).refused
    assert len([path for path in paths_in(site / "public") if path.startswith("p") and path[1:4].isdigit()]) == 900


def test_an_error_of_one_worker_is_told_like_any_other(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", MANY)
    write(site, "public/p450/index.html/in-the-way.txt", "foreign")
    with pytest.raises(OutputError, match=r"p450/index\.html"):
        published(site)
    write(site, "templates/pages/post.html", "{% if %}")
    done = run(site, "publish")
    assert done.code == 2
    assert "post.html" in done.err


def test_a_template_with_a_fault_is_named_and_nothing_is_lost(site: Path) -> None:
    before = stamps(site / "public")
    write(site, "templates/pages/post.html", "{{ nothing_of_that_name.at_all }}")
    with pytest.raises(PublisherError, match=r"post\.html"):
        published(site)
    assert {path: stamps(site / "public")[path] for path in ("one/index.html", "feed.xml")} == {
        path: before[path] for path in ("one/index.html", "feed.xml")
    }
    assert messages(published(a_site(site.parent / "other"))) == ""


def test_a_pipe_in_the_place_of_a_post_is_not_waited_for_and_what_was_published_stays(site: Path) -> None:
    before = tree(site / "public")
    (site / "posts" / "one.md").unlink()
    os.mkfifo(site / "posts" / "one.md")
    done = run(site, "publish")
    assert done.code == 1
    assert "posts/one.md: error: cannot be read" in done.err
    assert tree(site / "public") == before


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("config.toml", 2, "it is a pipe"),
        ("ids.toml", 1, "ids.toml cannot be read: it is a pipe"),
        ("templates/pages/post.html", 0, ""),
        ("public/.publisher/manifest.txt", 0, ""),
    ],
)
def test_a_pipe_in_the_place_of_any_other_file_is_not_waited_for(site: Path, path: str, code: int, words: str) -> None:
    place = site / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    write(site, "posts/new.md", a_post("New"))
    done = run(site, "publish")
    assert done.code == code
    assert words in done.err
