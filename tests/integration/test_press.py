"""The press: runs of publish in a process of their own, when posts fall due and when files change."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from publisher.engine import press as press_module
from publisher.engine.press import Press, Pressed, Watcher
from publisher.errors import AlreadyRunning
from publisher.output.lock import held, still
from tests.sites import NOW, a_post, a_site, config_of, published, tree, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.model.problem import Problem

PATIENCE = 30.0  # seconds until something that should have happened surely never will


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return a_site(tmp_path / "site")


def a_press(site: Path) -> tuple[Press, list[Problem]]:
    """A press, and what it says."""
    said: list[Problem] = []
    return Press(site, said.append), said


def test_a_run_publishes_and_tells_whether_anything_changed(site: Path) -> None:
    press, said = a_press(site)
    assert press.run() == Pressed(0, (), changed=True)
    assert b"Some words." in tree(site / "public")["one/index.html"]
    assert press.run() == Pressed()
    write(site, "posts/one.md", a_post("One", "Edited."))
    assert press.run().changed
    (site / "posts/one.md").unlink()
    assert press.run().changed
    assert said == []


def test_what_is_wrong_comes_back_with_its_place_and_is_said(site: Path) -> None:
    write(site, "posts/bäd.md", "+++\ntitle = \n+++\n")
    press, said = a_press(site)
    done = press.run()
    assert (done.code, done.changed) == (1, True)
    assert [(one.path, one.line) for one in done.problems] == [("posts/bäd.md", 2)]
    assert said == [done.problems[0]]


def test_a_fault_of_the_config_is_a_value_with_its_line(site: Path) -> None:
    write(site, "config.toml", config_of().replace("timezone", "timezon"))
    press, said = a_press(site)
    done = press.run()
    assert (done.code, done.changed) == (2, False)
    assert "did you mean timezone?" in str(said[0])
    assert done.problems[0].line > 0
    (site / "config.toml").unlink()
    assert press.run().code == 2


def test_a_run_that_cannot_be_says_why_and_what_to_do(site: Path) -> None:
    write(site, "templates/pages/footer.html", "{% if %}")
    press, said = a_press(site)
    done = press.run()
    assert (done.code, done.changed) == (2, False)
    assert "footer.html:1" in done.problems[0].message
    assert done.problems[0].remedy.startswith("Mend the template")
    assert said == [done.problems[0]]


def test_a_run_that_ends_without_an_answer_is_told_with_its_code() -> None:
    assert str(press_module._failed(-9, "")) == "error: publish ended with exit code -9"
    assert "MemoryError" in press_module._failed(1, "Traceback\nMemoryError\n").remedy


def test_where_there_are_no_posts_nothing_is_run(site: Path) -> None:
    (site / "posts").rename(site / "elsewhere")
    press, said = a_press(site)
    assert press.run() == Pressed()
    assert not (site / ".publisher").exists()
    assert not press.due(datetime.now(UTC) + timedelta(days=9000))
    assert said == []


@contextmanager
def running(press: Press) -> Iterator[list[Pressed]]:
    """A run in a thread of its own; the block ends it, or lets it end."""
    found: list[Pressed] = []
    thread = threading.Thread(target=lambda: found.append(press.run()))
    thread.start()
    try:
        yield found
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_run_of_somebody_else_is_waited_for(site: Path) -> None:
    press, said = a_press(site)
    with running(press) as found, held(site / ".publisher" / "lock"):
        threading.Event().wait(1)  # it meets the lock, in this time or later
        assert found == []
        assert not (site / "public" / "index.html").exists()
    assert found == [Pressed(0, (), changed=True)]
    assert said == []


def test_a_press_that_is_stopped_waits_no_longer(site: Path) -> None:
    press, _ = a_press(site)
    with held(site / ".publisher" / "lock"):
        with running(press) as found:
            press.stop()
        assert found == [Pressed()]
    assert press.run() == Pressed()


def test_runs_that_are_asked_for_at_one_time_follow_each_other(site: Path) -> None:
    press, said = a_press(site)
    with running(press) as one, running(press) as other:
        pass
    assert sorted(done.changed for done in one + other) == [False, True]
    assert said == []


def test_a_post_is_due_from_its_moment_on_and_the_press_knows_when_that_is(site: Path) -> None:
    write(site, "posts/later.md", a_post("Later", date=NOW.date().isoformat() + "T18:00:00Z"))
    press, _ = a_press(site)
    assert (press.due(NOW), press.following()) == (False, None)
    published(site, NOW)
    later = NOW.replace(hour=18)
    assert press.following() == later
    assert [press.due(later + timedelta(seconds=seconds)) for seconds in (-1, 0, 100)] == [False, True, True]


def test_what_a_run_could_not_mend_is_not_due_again_at_once(site: Path) -> None:
    now = datetime.now(UTC)
    write(site, "posts/later.md", a_post("Later", date=(now - timedelta(days=1)).isoformat()))
    published(site, now - timedelta(days=2))
    press, _ = a_press(site)
    assert press.due(now)
    config = (site / "config.toml").read_text()
    write(site, "config.toml", "broken")
    assert press.run().code == 2
    assert not press.due(now)
    write(site, "config.toml", config)
    assert press.run().changed
    assert b"Later" in tree(site / "public")["feed.xml"]
    assert not press.due(now)


# The lock


def test_those_who_look_share_the_lock_and_a_run_waits_for_them(tmp_path: Path) -> None:
    lock = tmp_path / "build" / "lock"
    with still(lock) as free:
        assert free, "where no run has been nothing is held"
        with held(lock), still(lock) as other:
            assert not other
    begun = threading.Event()

    def publish() -> None:
        with held(lock):
            begun.set()

    with still(lock) as one, still(lock) as two:
        assert one
        assert two
        thread = threading.Thread(target=publish)
        thread.start()
        assert not begun.wait(0.1)
    assert begun.wait(PATIENCE)
    thread.join()


def test_a_run_does_not_wait_for_ever_for_one_who_looks_and_never_for_another_run(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with held(lock):
        began = time.monotonic()
        with pytest.raises(AlreadyRunning), held(lock, PATIENCE):
            pass
        assert time.monotonic() - began < PATIENCE / 2
    with still(lock), pytest.raises(AlreadyRunning), held(lock, 0.05):
        pass


# The watcher


class Calls:
    """What a watcher calls."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.came = threading.Semaphore(0)

    def __call__(self) -> None:
        self.came.release()

    def come(self) -> bool:
        return self.came.acquire(timeout=PATIENCE)

    def forget(self) -> None:
        while self.came.acquire(timeout=0.5):
            pass


@contextmanager
def watching(site: Path) -> Iterator[Calls]:
    calls = Calls()
    watcher = Watcher(site, calls, calls.said.append)
    watcher.start()
    try:
        yield calls
    finally:
        began = time.monotonic()
        watcher.stop()
        assert time.monotonic() - began < 5, "it stops at once, but for a busy machine"


@pytest.mark.parametrize("path", ["posts/one.md", "static/robots.txt", "templates/pages/footer.html", "config.toml"])
def test_a_change_is_heard_of(site: Path, path: str) -> None:
    with watching(site) as calls:
        assert calls.come(), "the site was never published"
        published(site)
        calls.forget()
        write(site, path, (site / path).read_bytes() if (site / path).exists() else b"new")
        began = time.monotonic()
        assert calls.come()
        assert time.monotonic() - began < 5, "0.3 seconds, but for a busy machine"
    assert calls.said == []


def test_what_is_written_by_us_is_no_change(site: Path) -> None:
    with watching(site) as calls:
        assert calls.come()
        published(site)
        calls.forget()
        write(site, "public/one/index.html", "somebody")
        write(site, "outbox/new/1", "a letter")
        write(site, "ids.toml", (site / "ids.toml").read_text())
        assert not calls.came.acquire(timeout=0.5)
        write(site, "posts/one.md", a_post("One", "Edited."))
        assert calls.come()


def test_a_change_during_a_call_leads_to_another(site: Path) -> None:
    published(site)
    begun, go = threading.Semaphore(0), threading.Semaphore(0)

    def changed() -> None:
        begun.release()
        assert go.acquire(timeout=PATIENCE)

    watcher = Watcher(site, changed, lambda _: None)
    watcher.start()
    try:
        write(site, "posts/one.md", a_post("One", "Once."))
        assert begun.acquire(timeout=PATIENCE)
        write(site, "posts/one.md", a_post("One", "Twice."))
        go.release()
        assert begun.acquire(timeout=PATIENCE)
    finally:
        go.release(9)
        watcher.stop()


def test_a_folder_that_cannot_be_watched_is_told_once(tmp_path: Path) -> None:
    said: list[str] = []
    told = threading.Event()

    def say(words: str) -> None:
        said.append(words)
        told.set()

    watcher = Watcher(tmp_path / "nowhere", lambda: None, say)
    watcher.start()
    assert told.wait(PATIENCE)
    watcher.stop()
    assert len(said) == 1
    assert "cannot be watched" in said[0]
