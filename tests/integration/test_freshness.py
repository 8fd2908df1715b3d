"""The shelf is what was published, whole, soon after it was: whoever writes the output, and however."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from publisher.output.lock import held
from publisher.web import freshness
from publisher.web.freshness import Shelves
from tests.sites import a_post, a_site, environment, published, tree, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from publisher.web.shelf import Shelf

PATIENCE = 30.0  # seconds until something that should have happened surely never will
ROUNDS = 1000 if os.environ.get("PUBLISHER_SOAK") else 200


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return a_site(tmp_path / "site", {"one.md": a_post("One", aliases=["/old/"]), "two.md": a_post("Two")})


def shelves_of(site: Path) -> Shelves:
    return Shelves(site / "public", "/", site / ".publisher" / "lock")


def contents(shelf: Shelf) -> dict[str, bytes | None]:
    return {path: document.content for path, document in shelf.files.items()}


def is_fresh(shelves: Shelves, site: Path) -> bool:
    return contents(shelves.current) == tree(site / "public")


def until(happened: Callable[[], bool]) -> None:
    """Look until it has happened, for as long as patience lasts."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.01)


@contextmanager
def following(site: Path) -> Iterator[Shelves]:
    shelves = shelves_of(site)
    shelves.start()
    try:
        yield shelves
    finally:
        began = time.monotonic()
        shelves.stop()
        assert time.monotonic() - began < 5, "it stops at once, but for a busy machine"


def test_it_tells_of_every_run_even_of_one_that_only_knows_what_will_be_due(site: Path) -> None:
    told: list[str] = []
    shelves = Shelves(site / "public", "/", site / ".publisher" / "lock", lambda: told.append("a run"))
    shelves.refresh(0)
    assert told == []
    published(site)
    shelves.refresh(0)
    write(site, "posts/later.md", a_post("Later", date="2027-01-01"))
    before = shelves.current
    published(site)
    shelves.refresh(0)
    assert told == ["a run", "a run"]
    assert shelves.current is before
    shelves.refresh(0)
    assert told == ["a run", "a run"]


def test_a_missing_output_is_an_empty_shelf(site: Path) -> None:
    shelves = shelves_of(site)
    assert contents(shelves.current) == {}
    assert shelves.refresh()
    assert contents(shelves.current) == {}


def test_what_a_run_has_published_is_there_at_once_and_unchanged_documents_stay_what_they_are(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    assert shelves.refresh(0)
    assert is_fresh(shelves, site)
    assert shelves.current.find(b"/old/") is not None
    before = shelves.current
    published(site, full=True)
    assert shelves.refresh(0)
    assert shelves.current is before, "no byte has moved"
    write(site, "posts/two.md", a_post("Two", "Edited."))
    published(site)
    assert shelves.refresh(0)
    assert is_fresh(shelves, site)
    assert before.files["one/index.html"].modified == shelves.current.files["one/index.html"].modified


def test_redirects_alone_make_a_new_shelf(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    assert shelves.refresh(0)
    before = shelves.current
    write(site, "public/.publisher/redirects.txt", "/elsewhere/\thttps://blog.test/one/\n")
    assert shelves.refresh()
    assert shelves.current is not before
    assert shelves.current.find(b"/elsewhere/") is not None


def test_nothing_is_read_while_a_run_is_at_work(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    shelves.refresh()
    before = shelves.current
    with held(site / ".publisher" / "lock"):
        write(site, "public/one/index.html", "half of it")
        assert not shelves.refresh(0.5)
        assert shelves.current is before
    published(site)
    assert shelves.refresh(0)
    assert is_fresh(shelves, site)


def test_after_a_run_that_failed_half_way_the_former_shelf_stays_until_it_is_quiet(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    shelves.refresh()
    before = shelves.current
    with held(site / ".publisher" / "lock"):
        (site / ".publisher" / "last.txt").unlink()
        write(site, "public/one/index.html", "whole and new")
    began = time.monotonic()
    assert not shelves.refresh(0)
    assert shelves.current is before
    assert shelves.refresh()
    assert time.monotonic() - began >= freshness.QUIET
    assert is_fresh(shelves, site)


def test_what_another_generator_writes_is_read_when_it_is_quiet(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write(site, "public/index.html", "its own")
    shelves = shelves_of(site)
    assert not shelves.refresh(0)
    assert shelves.refresh()
    assert is_fresh(shelves, site)
    write(site, "public/page/index.html", "more")
    assert not shelves.refresh(0)
    write(site, "public/page/index.html", "still more")
    assert shelves.refresh()
    assert is_fresh(shelves, site)


def test_a_generator_beside_a_run_is_not_believed_to_be_done_because_the_run_is(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    shelves.refresh()
    write(site, "posts/two.md", a_post("Two", "Edited."))
    published(site)
    write(site, "public/theirs/index.html", "half of it")
    assert not shelves.refresh(0)
    assert shelves.refresh()
    assert is_fresh(shelves, site)


def test_an_output_that_is_deployed_with_its_manifest_has_to_be_quiet_too(site: Path) -> None:
    shelves = shelves_of(site)
    published(site)
    shelves.refresh()
    write(site, "public/one/index.html", "copied here, no run knows of it")
    assert not shelves.refresh(0)
    assert shelves.refresh()
    assert is_fresh(shelves, site)


def test_an_output_that_is_never_quiet_is_read_all_the_same(site: Path) -> None:
    shelves = shelves_of(site)
    write(site, "public/log.html", "a line")
    assert not shelves.refresh(0)
    shelves._restless = time.monotonic() - freshness.RESTLESS
    write(site, "public/log.html", "another line")
    assert shelves.refresh(0)
    assert is_fresh(shelves, site)


def test_a_file_that_cannot_be_read_is_missing_and_nothing_else(site: Path) -> None:
    published(site)
    (site / "public" / "loop.html").symlink_to(site / "public" / "loop.html")
    os.mkfifo(site / "public" / "pipe.html")
    shelves = shelves_of(site)
    assert shelves.refresh()
    assert shelves.current.find(b"/one/") is not None
    assert shelves.current.find(b"/loop.html") is None
    assert shelves.current.find(b"/pipe.html") is None


def test_changes_are_followed_without_being_asked(site: Path) -> None:
    with following(site) as shelves:
        assert contents(shelves.current) == {}
        published(site)
        until(lambda: is_fresh(shelves, site))
        write(site, "posts/two.md", a_post("Two", "Edited."))
        published(site)
        began = time.monotonic()
        until(lambda: is_fresh(shelves, site))
        assert time.monotonic() - began < 5, "at once, but for a busy machine"
        write(site, "public/theirs.html", "theirs")
        until(lambda: is_fresh(shelves, site))
        shutil.rmtree(site / "public")
        until(lambda: is_fresh(shelves, site))
        assert contents(shelves.current) == {}
        published(site)
        until(lambda: is_fresh(shelves, site))
        assert shelves.current.find(b"/one/") is not None


def test_an_output_that_is_a_link_may_lead_to_another_folder(site: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write(tmp_path, f"{name}/index.html", name)
    (site / "public").symlink_to(tmp_path / "first")
    with following(site) as shelves:
        until(lambda: contents(shelves.current) == {"index.html": b"first"})
        (site / "next").symlink_to(tmp_path / "second")
        (site / "next").rename(site / "public")
        until(lambda: contents(shelves.current) == {"index.html": b"second"})
        write(tmp_path, "second/index.html", "second again")
        until(lambda: contents(shelves.current) == {"index.html": b"second again"})


def test_looking_does_where_nothing_can_be_heard(site: Path) -> None:
    shelves = shelves_of(site)
    thread = threading.Thread(target=shelves._follow)
    thread.start()
    try:
        published(site)
        until(lambda: is_fresh(shelves, site))
        write(site, "public/theirs.html", "theirs")
        until(lambda: is_fresh(shelves, site))
    finally:
        shelves.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_shelves_that_never_started_can_be_stopped(site: Path) -> None:
    shelves_of(site).stop()


# The storm

STORM = """
import random, sys
from pathlib import Path
from tests.integration.test_freshness import state_of
from tests.sites import a_post, published, tree, write

site, rounds = Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(7)
for turn in range(rounds):
    for _ in range(chance.randint(1, 20)):
        name = f"posts/post{chance.randrange(40)}.md"
        if chance.random() < 0.2:
            (site / name).unlink(missing_ok=True)
        else:
            aliases = [f"/alias{chance.randrange(9)}/"] if chance.random() < 0.2 else []
            tags = chance.sample(["a", "b", "c"], 2)
            write(site, name, a_post(f"Turn {turn}", "Words. " * chance.randrange(2000), tags=tags, aliases=aliases))
    published(site)
    print(state_of(tree(site / "public")), flush=True)
"""


def state_of(files: Mapping[str, bytes | None]) -> str:
    """One word for all files of an output."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        assert content is not None
        digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()


def test_in_a_storm_of_runs_every_shelf_is_one_of_the_published_states(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    published(site)
    states = {state_of(tree(site / "public"))}
    shelves = shelves_of(site)
    seen: list[Shelf] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            shelf = shelves.current
            if not seen or seen[-1] is not shelf:
                seen.append(shelf)
            over.wait(0.0005)

    with (tmp_path / "states").open("w+") as told:
        words = [sys.executable, "-c", STORM, os.fspath(site), str(ROUNDS)]
        process = subprocess.Popen(words, env=environment(), stdout=told)
        reader = threading.Thread(target=read)
        shelves.start()
        reader.start()
        try:
            while process.poll() is None:
                shelves.refresh(0.05)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
        finally:
            process.kill()
            process.wait()
            over.set()
            reader.join()
            assert shelves.refresh()
            shelves.stop()
        told.seek(0)
        lines = told.read().split()
    assert process.returncode == 0, "no run was refused because we looked"
    assert len(lines) == ROUNDS
    states.update(lines)
    snapshots = [state_of(contents(shelf)) for shelf in seen]
    assert set(snapshots) <= states
    assert len(set(snapshots)) > ROUNDS / 20, "it was fresh all the time"
    assert state_of(contents(shelves.current)) == lines[-1]
