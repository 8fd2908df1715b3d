"""publish killed at any moment: each file is the old or the new one, and the next run heals all of it.

A site goes to and fro between two versions of its posts. Each publish is killed somewhere along
its way, judged, and run again. ``make soak`` kills it 150 times, and a crew of workers too.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from publisher.errors import AlreadyRunning
from tests.sites import a_post, a_site, command, config_of, environment, published, run, tree, write

if TYPE_CHECKING:
    from pathlib import Path

SOAK = bool(os.environ.get("PUBLISHER_SOAK"))
PATIENCE = 30.0  # seconds
# Runs of different moments are compared, and a tombstone tells its moment.
CONFIG = config_of(per=["tag"], limit=0).replace("[feeds]\n", "[feeds]\ntombstones = false\n")


def posts(version: int, number: int) -> dict[str, str]:
    """The posts of a version: every third differs from the other version, and a few are only here."""
    found = {}
    for index in range(number):
        own = version if index % 3 == 0 else 0
        if index % 50 != version:
            found[f"p{index:04}.md"] = a_post(
                f"Post {index}", f"Version {own}. " * 40, tags=[f"tag {(index + own) % 7}"]
            )
    return found


def change(site: Path, to: dict[str, str]) -> None:
    """Make the folder of posts hold these posts, touching those alone that differ."""
    for path in (site / "posts").iterdir():
        if path.name not in to:
            path.unlink()
    for name, text in to.items():
        path = site / "posts" / name
        if not path.exists() or path.read_text() != text:
            write(site, f"posts/{name}", text)


def publish(site: Path) -> subprocess.Popen[bytes]:
    words = command("publish", "-q")
    return subprocess.Popen(words, cwd=site, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed(site: Path, after: float) -> bool:
    """Start a publish and kill it after so many seconds; whether it was still at work."""
    process = publish(site)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def healed(site: Path) -> None:
    """Run publish as anyone would; workers of a killed run may hold the lock until they notice."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert published(site).problems == ()
        except AlreadyRunning:
            assert time.monotonic() < deadline
        else:
            return


def strays(site: Path) -> list[str]:
    """Files that an unkilled run would not have left."""
    temporary = site / "public" / ".publisher" / "tmp"
    beside = [path.name for path in site.iterdir() if path.name.startswith(".") and path.name != ".publisher"]
    return [path.name for path in temporary.iterdir()] + beside


def prove(folder: Path, number: int, kills: int) -> None:
    versions = [posts(0, number), posts(1, number)]
    wanted = []
    for name, version in zip("ab", versions, strict=True):
        made = a_site(folder / name, version, CONFIG)
        assert run(made, "publish", "-q").code == 0
        wanted.append(tree(made / "public"))
    site = a_site(folder / "site", versions[0], CONFIG)
    assert run(site, "publish", "-q").code == 0
    change(site, versions[1])
    start = time.monotonic()
    assert publish(site).wait() == 0
    lasts = time.monotonic() - start
    hit = 0
    for kill in range(kills):
        target = kill % 2
        change(site, versions[target])
        hit += killed(site, lasts * (kill + 0.5) / kills)
        for path, data in tree(site / "public").items():
            assert data in (wanted[0].get(path), wanted[1].get(path)), f"{path} is neither the old nor the new one"
        healed(site)
        assert tree(site / "public") == wanted[target]
        assert strays(site) == []
    assert hit > kills // 2, "too few runs were still at work when they were to be killed"


def test_a_killed_run_leaves_whole_files_and_the_next_one_heals(tmp_path: Path) -> None:
    prove(tmp_path, 300, 12)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a long proof: make soak")
@pytest.mark.parametrize(("number", "kills"), [(300, 150), (1500, 60)])
def test_a_run_killed_at_every_moment_leaves_whole_files_and_the_next_one_heals(
    tmp_path: Path, number: int, kills: int
) -> None:
    prove(tmp_path, number, kills)
