"""README's three arrangements, followed word by word; only names of hosts are exchanged for this machine's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import feedparser
import httpx
import pytest
import yaml

from tests.answering import Folder, Hub
from tests.feed_host import FeedHost, Post
from tests.generators import hugo, hugo_program, jekyll
from tests.servers import until
from tests.sites import CHECKOUT, Done, a_post, environment, run, write
from tests.web import Serving

if TYPE_CHECKING:
    from collections.abc import Mapping

README = (CHECKOUT / "README.md").read_text("utf-8")
SECTION = README[README.index("## Three arrangements") : README.index("## Moving in")]
SITES = Path(__file__).parent.parent / "golden" / "moving"


def blocks(begin: str, kind: str) -> list[str]:
    """The fenced blocks of one kind in the part of the section that begins so."""
    part = SECTION[SECTION.index(f"**{begin}") :]
    part = part[: found.start() + 2] if (found := re.search(r"^\*\*", part[2:], re.MULTILINE)) else part
    return re.findall(rf"^```{kind}\n(.*?)^```", part, re.MULTILINE | re.DOTALL)


def shell(folder: Path, text: str) -> Done:
    """A block of shell as it stands, with our commands and Hugo's among the programs."""
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name, target in (("hugo", hugo_program()), *((name, ours(name)) for name in ("publish", "publisher"))):
        if not (programs / name).exists():
            (programs / name).symlink_to(target)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return run(folder, words=["env", f"PATH={path}", "sh", "-euc", text])


def ours(name: str) -> Path:
    found = Path(sys.executable).with_name(name)
    assert found.exists(), "the commands are not installed beside this Python"
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_here(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    [block] = blocks("All here.", "sh")
    done = shell(folder, block)
    assert done.code == 0, done
    assert feedparser.parse((folder / "site/public/atom.xml").read_bytes()).entries


# Beside a generator


@pytest.fixture
def beside_hugo(tmp_path: Path) -> Path:
    """A checkout of Hugo's after the first block."""
    checkout = tmp_path / "checkout"
    shutil.copytree(SITES / "hugo", checkout)
    done = shell(checkout, blocks("Beside a generator.", "sh")[0])
    assert done.code == 0, done
    assert "readers would notice nothing" in done.out
    return checkout


@pytest.mark.parametrize("arguments", [[], ["--cleanDestinationDir"]], ids=["over it", "in a cleaned folder"])
def test_hugo_and_publisher_build_over_each_other_and_come_to_the_same_bytes(
    beside_hugo: Path, tmp_path: Path, arguments: list[str]
) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(SITES / "hugo", alone)
    hugo(alone)
    of_hugo, first = files(alone / "public"), files(beside_hugo / "public")
    again = blocks("Beside a generator.", "sh")[1].replace("hugo &&", " ".join(["hugo", *arguments, "&&"]))
    for _ in range(2):
        done = shell(beside_hugo, again)
        assert done.code == 0, done
        assert files(beside_hugo / "public") == first
    kept = {path: data for path, data in of_hugo.items() if path != "index.xml"}
    assert kept.items() <= first.items()
    assert {"atom.xml", "feed.json"} <= first.keys() - of_hugo.keys()
    assert first["index.xml"] != of_hugo["index.xml"]


def test_what_hugo_makes_of_a_new_post_and_what_publisher_makes_of_it_come_together(beside_hugo: Path) -> None:
    write(beside_hugo, "content/posts/new.md", a_post("A new one", date="2024-08-01"))
    done = shell(beside_hugo, blocks("Beside a generator.", "sh")[1])
    assert done.code == 0, done
    hugo(beside_hugo, "--destination", "alone")
    alone, together = (
        feedparser.parse((beside_hugo / place).read_bytes()) for place in ("alone/index.xml", "public/index.xml")
    )
    assert alone.entries[0].title == "A new one"
    assert [entry.link for entry in together.entries] == [entry.link for entry in alone.entries]


def test_mail_beside_a_generator(beside_hugo: Path) -> None:
    [digest] = blocks("Beside a generator.", "toml")
    config = beside_hugo / "feeds/config.toml"
    text = re.sub(r"^# (from|postal_address) = ", r"\1 = ", config.read_text("utf-8"), flags=re.MULTILINE)
    config.write_text(f"{text}\n{digest}", "utf-8")
    site = beside_hugo / "feeds"
    assert run(site, "subscribers", "add", "reader@example.com", "--digest", "letter").code == 0
    done = run(site, "digest", "send", "letter", "--yes")
    assert done.code == 0, done
    [letter] = (site / "outbox/new").iterdir()
    assert b"hugo.blog.test/2024/01/winter_tide.2024/" in letter.read_bytes().replace(b"=\n", b"")


def test_beside_jekyll_with_the_lines_that_jekyll_needs(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(SITES / "jekyll", checkout)
    [lines] = blocks("Beside a generator.", "yaml")
    with (checkout / "_config.yml").open("a", encoding="utf-8") as config:
        config.write(lines)
    jekyll(checkout)
    done = shell(checkout, "publisher init feeds --from . --from _site/feed.xml && publish --site feeds")
    assert done.code == 0, done
    first = files(checkout / "_site")
    assert not [path for path in first if path.startswith("feeds/")]
    jekyll(checkout)
    assert {"rss.xml", "feed.json", ".publisher/manifest.txt"} <= files(checkout / "_site").keys()
    assert shell(checkout, "publish --site feeds").code == 0
    assert files(checkout / "_site") == first


# A static host and a small server


def ci(folder: Path, text: str, exchange: Mapping[str, str]) -> None:
    """Run the steps of a workflow in a checkout; installing is what this machine has done already."""
    jobs = yaml.safe_load(text)["jobs"]
    for step in jobs["publish"]["steps"]:
        words = step.get("run", "")
        if not words or words.startswith("pip install "):
            assert words or step["uses"].startswith("actions/checkout@")
            continue
        for name, here in exchange.items():
            words = words.replace(name, here)
        done = shell(folder, words)
        assert done.code == 0, (words, done)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Robin", "-c", "user.email=robin@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environment(), check=True, capture_output=True)


def test_ci_builds_a_fresh_checkout_and_tells_the_hubs_after_the_deploy(tmp_path: Path) -> None:
    host, repository, work = tmp_path / "host", tmp_path / "repository.git", tmp_path / "work"
    host.mkdir()
    [workflow] = blocks("Static host and a small server.", "yaml")
    with Folder(host) as static, Hub() as hub:
        assert run(tmp_path, "init", "work").code == 0
        config = (work / "config.toml").read_text("utf-8").replace("https://example.com/", static.url)
        write(work, "config.toml", config.replace("# hubs = []", f'hubs = ["{hub.url}"] #'))
        assert run(work, "publish", "-q").code == 0
        git(work, "init", "-q")
        git(work, "add", "-A")
        git(work, "commit", "-qm", "A site")
        git(tmp_path, "clone", "-q", "--bare", "work", "repository.git")
        seen = []
        for number in range(2):
            fresh = tmp_path / f"runner-{number}"
            git(tmp_path, "clone", "-q", os.fspath(repository), fresh.name)
            ci(fresh, workflow, {"deploy@static.example.net:/var/www/blog/": f"{host}/"})
            seen.append(files(host))
        assert seen[0] == seen[1]  # no cache, another folder, the same bytes
        assert {f"{static.url}{name}" for name in ("feed.xml", "atom.xml", "feed.json")} <= set(hub.topics)


def test_a_broken_post_ends_the_build_and_the_site_stays_as_it_was(tmp_path: Path) -> None:
    host = tmp_path / "host"
    write(host, "index.html", "as it was")
    assert run(tmp_path, "init", "work").code == 0
    write(tmp_path / "work", "posts/broken.md", "+++\ntitle = \n+++\n")
    [workflow] = blocks("Static host and a small server.", "yaml")
    steps = yaml.safe_load(workflow)["jobs"]["publish"]["steps"]
    assert (
        shell(tmp_path / "work", next(one["run"] for one in steps if "publish --strict" in one.get("run", ""))).code
        == 1
    )
    assert files(host) == {"index.html": b"as it was"}


def test_the_small_server_serves_and_mails_what_the_published_feed_holds(tmp_path: Path) -> None:
    [config] = blocks("Static host and a small server.", "toml")
    assert tomllib.loads(config)["digests"]["letter"]["feed"].startswith("https://")
    [block] = [text for text in blocks("Static host and a small server.", "sh") if "publisher serve" in text]
    commands, _, last = block.strip().rpartition("\n")
    assert last == "publisher serve"
    with FeedHost() as host:
        host.publish(Post("urn:x:1", "Out of the published feed"))
        config = config.replace("https://blog.example.org/atom.xml", host.url)
        write(tmp_path / "server", "config.toml", f"{config}port = 0\n")
        done = shell(tmp_path / "server", commands)
        assert done.code == 0, done
        assert "Out of the published feed" in (tmp_path / "server/preview/letter.html").read_text("utf-8")
        with Serving(tmp_path / "server") as server:
            until(
                lambda: host.heard.count(("/feed", True)) + host.heard.count(("/feed", False)) > 1, "the feed is asked"
            )
            assert httpx.get(f"{server.url}readyz").status_code == 200
            assert httpx.get(f"{server.url}subscribe").status_code == 200
            assert "warning" not in server.said
            assert "error" not in server.said
        done = run(tmp_path / "server", "digest", "send", "letter", "--yes")
        assert done.code == 0, done
        [letter] = (tmp_path / "server/outbox/new").iterdir()
        assert b"Out of the published feed" in letter.read_bytes()
