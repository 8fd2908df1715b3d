"""An output that stands while nothing tells any more whose it is: the manifest is lost, and the build state with it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from publisher.config import load
from publisher.errors import ForeignFile
from publisher.flows.check import check
from publisher.output import manifest
from publisher.output.place import Place
from tests.sites import NOW, a_post, a_site, config_of, published, stamps, tree, write

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = "![A picture](picture.png)"
MANY = {f"p{number:03}.md": a_post(f"Post {number}", "Words. " * number) for number in range(900)}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site", {"one.md": a_post("One", PICTURE, tags=["talk"]), "two.md": a_post("Two")})
    write(made, "posts/picture.png", b"\x89PNG")
    write(made, "static/robots.txt", "Allow: /")
    published(made)
    return made


def lose(site: Path) -> None:
    """A fresh checkout, and an output that was brought back without what lies hidden in it."""
    shutil.rmtree(site / ".publisher")
    shutil.rmtree(site / "public/.publisher")


def ours(site: Path) -> frozenset[str]:
    return manifest.read(Place(site / "public"))


def checked(site: Path) -> str:
    return "\n".join(map(str, check(site, load(site), NOW, lambda *_: None).problems))


def test_what_stands_as_we_would_write_it_is_ours(site: Path) -> None:
    before, times, named = tree(site / "public"), stamps(site / "public"), ours(site)
    assert {"robots.txt", "feed.xml", "one/index.html"} <= named
    lose(site)
    report = published(site)
    assert (report.new, report.changed, report.removed, report.problems) == ((), (), (), ())
    assert ours(site) == named
    assert tree(site / "public") == before
    assert stamps(site / "public") == times
    (site / "posts/one.md").unlink()
    assert {"one/index.html", "tags/talk/index.html"} <= set(published(site).removed)


def test_many_posts_are_known_again_too(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", MANY, config_of(limit=0))
    published(site)
    before, times, named = tree(site / "public"), stamps(site / "public"), ours(site)
    lose(site)
    published(site)
    assert (tree(site / "public"), stamps(site / "public"), ours(site)) == (before, times, named)
    write(site, "posts/p450.md", a_post("Post 450", "Other words."))
    assert "p450/index.html" in published(site).changed


def test_a_dry_run_and_check_know_it_as_well_and_write_nothing(site: Path) -> None:
    lose(site)
    report = published(site, dry_run=True)
    assert (report.new, report.changed, report.removed) == ((), (), ())
    assert "stand where" not in checked(site)
    assert not (site / ".publisher").exists()
    assert not (site / "public/.publisher").exists()


@pytest.mark.parametrize("way", ["give up", "empty"])
def test_what_differs_is_named_alone_and_there_is_a_way_on(site: Path, way: str) -> None:
    lose(site)
    write(site, "posts/three.md", a_post("Three"))
    before = tree(site / "public")
    said = ""
    for _ in range(2):
        with pytest.raises(ForeignFile) as refused:
            published(site)
        assert said in {"", str(refused.value)}, "a second try is told something else"
        said = str(refused.value)
    assert "feed.xml" in said
    assert "one/index.html" not in said
    assert tree(site / "public") == before
    if way == "give up":
        found = re.search(r"replace = (\[.*\])", said)
        assert found
        write(site, "config.toml", config_of(replace=re.findall(r'"(.*?)"', found[1])))
    else:
        shutil.rmtree(site / "public")
    published(site)
    after = tree(site / "public")
    assert before.keys() | {"three/index.html"} == after.keys()
    assert ours(site) == after.keys()


def test_check_says_what_publish_would(site: Path) -> None:
    lose(site)
    write(site, "posts/three.md", a_post("Three"))
    assert "not known to be Publisher's stand where it would write: archive/2024/index.html, atom.xml" in checked(site)


def test_what_another_program_wrote_stays_its_own(site: Path) -> None:
    lose(site)
    write(site, "public/one/keep.txt", "a visitor's")
    write(site, "public/two/index.html", "another program's")
    with pytest.raises(ForeignFile, match=r"would write: two/index\.html\n"):
        published(site)
    assert tree(site / "public")["two/index.html"] == b"another program's"
    assert not {"one/keep.txt", "two/index.html"} & ours(site)


def test_a_link_to_the_same_bytes_is_not_ours(site: Path, tmp_path: Path) -> None:
    lose(site)
    elsewhere = tmp_path / "elsewhere.xml"
    (site / "public/feed.xml").rename(elsewhere)
    (site / "public/feed.xml").symlink_to(elsewhere)
    with pytest.raises(ForeignFile, match=r"would write: feed\.xml\n"):
        published(site)
    assert (site / "public/feed.xml").is_symlink()


def test_a_manifest_that_is_there_is_believed(site: Path) -> None:
    """The same bytes may be another program's: a file that both publish as it is."""
    (site / "static/robots.txt").unlink()
    published(site)
    write(site, "static/robots.txt", "Allow: /")
    write(site, "public/robots.txt", "Allow: /")
    with pytest.raises(ForeignFile, match=r"robots\.txt"):
        published(site)
