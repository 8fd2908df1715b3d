"""Where something stood once, something answers: whatever moved, in which order, and whatever the ids look like."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sites import BASE, a_post, a_site, config_of, messages, published, tree, write

if TYPE_CHECKING:
    from pathlib import Path

NEW = "https://new.test/"
PATTERNS = ("/:sections/:slug/", "/:year/:slug/", "/p/:slug.html", "/:year/:month/:slug/")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = a_site(tmp_path / "site")
    published(made)
    return made


def configured(site: Path, **keys: Any) -> None:
    write(site, "config.toml", config_of(**keys))
    report = published(site)
    assert report.problems == (), messages(report)


def redirects(site: Path) -> dict[str, str]:
    path = site / "public/.publisher/redirects.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return dict(line.split("\t") for line in lines)


def noted(site: Path) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((site / "ids.toml").read_text("utf-8")).get("former", {})
    return found


def ids(site: Path) -> list[str]:
    return [item["id"] for item in json.loads((site / "public/feed.json").read_bytes())["items"]]


def test_a_new_domain_and_then_new_permalinks(site: Path) -> None:
    before = ids(site)
    configured(site, base_url=NEW)
    assert noted(site) == {"atom.xml": f"{BASE}atom.xml"}
    assert redirects(site) == {}
    configured(site, base_url=NEW, permalink="/:year/:slug/")
    assert redirects(site)["/one/"] == f"{NEW}2024/one/"
    assert f"{NEW}2024/one/".encode() in tree(site / "public")["one/index.html"]
    assert ids(site) == before
    assert noted(site) == {place: f"{BASE}{place}" for place in ("atom.xml", "one/", "two/")}


def test_what_an_id_tells_is_not_written_twice(site: Path) -> None:
    configured(site, permalink="/:year/:slug/")
    assert noted(site) == {}
    assert redirects(site)["/one/"] == f"{BASE}2024/one/"
    configured(site, base_url=NEW, permalink="/:year/:slug/")
    assert redirects(site)["/one/"] == f"{NEW}2024/one/"


def test_a_new_domain_and_new_permalinks_at_once(site: Path) -> None:
    configured(site, base_url=NEW, permalink="/:year/:slug/")
    assert redirects(site)["/two/"] == f"{NEW}2024/two/"


def test_new_permalinks_twice_and_back(site: Path) -> None:
    configured(site, permalink="/:year/:slug/")
    configured(site, permalink="/p/:slug.html")
    assert redirects(site) == {
        f"/{place}{name}/": f"{BASE}p/{name}.html" for place in ("", "2024/") for name in ("one", "two")
    }
    configured(site)
    assert redirects(site) == {
        place: f"{BASE}{name}/" for name in ("one", "two") for place in (f"/2024/{name}/", f"/p/{name}.html")
    }


def test_ids_that_are_no_addresses(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"one.md": a_post("One", id="tag:elsewhere.test,2009:7")})
    published(site)
    configured(site, permalink="/:year/:slug/")
    assert redirects(site) == {"/one/": f"{BASE}2024/one/"}
    (site / "posts/one.md").rename(site / "posts/uno.md")
    published(site)
    assert redirects(site) == dict.fromkeys(("/one/", "/2024/one/"), f"{BASE}2024/uno/")


def test_out_of_a_folder_of_the_host(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(base_url=f"{BASE}blog/"))
    published(site)
    configured(site, base_url=f"{BASE}blog/", permalink="/:year/:slug/")
    configured(site, base_url=BASE, permalink="/:year/:slug/")
    assert redirects(site) == {
        **{f"/blog/{place}{name}/": f"{BASE}2024/{name}/" for place in ("", "2024/") for name in ("one", "two")},
        "/blog/atom.xml": f"{BASE}atom.xml",
    }


def test_a_feed_that_moves_after_its_domain_did(site: Path) -> None:
    configured(site, base_url=NEW)
    configured(site, base_url=NEW, paths={"rss": "rss.xml", "atom": "feeds/atom.xml", "json": "feed.json"})
    assert redirects(site) == {"/atom.xml": f"{NEW}feeds/atom.xml"}
    assert b"<id>https://blog.test/atom.xml</id>" in tree(site / "public")["feeds/atom.xml"]


def test_what_stands_at_a_former_address_now_is_what_readers_get(site: Path) -> None:
    configured(site, permalink="/:year/:slug/")
    configured(site, permalink="/p/:slug/")
    write(site, "posts/other.md", a_post("Other", url="/2024/one/"))
    write(site, "static/2024/two/index.html", "mine")
    configured(site, permalink="/p/:slug/")
    found = redirects(site)
    assert not {"/2024/one/", "/2024/two/"} & found.keys()
    assert tree(site / "public")["2024/two/index.html"] == b"mine"
    (site / "posts/other.md").unlink()
    published(site)
    assert redirects(site)["/2024/one/"] == f"{BASE}p/one/"


def test_a_post_that_left_leaves_no_redirect_and_one_that_is_back_has_them_again(site: Path) -> None:
    configured(site, permalink="/:year/:slug/")
    configured(site, permalink="/p/:slug/")
    text = (site / "posts/one.md").read_text("utf-8")
    (site / "posts/one.md").unlink()
    published(site)
    assert not [place for place in redirects(site) if "one" in place]
    write(site, "posts/one.md", text)
    published(site)
    assert redirects(site)["/2024/one/"] == f"{BASE}p/one/"


def test_lines_that_somebody_wrote_into_it_lead_nowhere_else(site: Path) -> None:
    configured(site, permalink="/:year/:slug/")
    spoilt = [
        "../../etc/passwd",
        "",
        "/",
        "a b/",
        "\\u0000/",
        "https://evil.test/",
        ".publisher/manifest.txt",
        "x" * 9000,
    ]
    lines = "".join(f'"{place}" = "{BASE}one/"\n' for place in spoilt)
    text = (site / "ids.toml").read_text("utf-8")
    write(
        site,
        "ids.toml",
        text.replace("[former]\n", f"[former]\n{lines}")
        if "[former]" in text
        else text.replace("\n[posts]\n", f"\n[former]\n{lines}\n[posts]\n"),
    )
    before = sorted(path.name for path in site.parent.iterdir())
    published(site)
    assert sorted(path.name for path in site.parent.iterdir()) == before
    assert (site / "public/.publisher/manifest.txt").read_text().startswith("# The files here")
    assert redirects(site)["/one/"] == f"{BASE}2024/one/"


MOVES = st.lists(st.tuples(st.sampled_from([BASE, NEW, "https://third.test/"]), st.sampled_from(PATTERNS)), max_size=6)


@given(MOVES)
@settings(deadline=None, max_examples=25)
def test_every_place_that_a_post_ever_had_answers(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, str]]
) -> None:
    site = a_site(tmp_path_factory.mktemp("moves") / "site", {"talks/one.md": a_post("One")})
    published(site)
    first, places = ids(site), set()
    for base, pattern in moves:
        configured(site, base_url=base, permalink=pattern)
        [item] = json.loads((site / "public/feed.json").read_bytes())["items"]
        places.add(item["url"].removeprefix(base))
        found = redirects(site)
        for place in places - {item["url"].removeprefix(base)}:
            assert found[f"/{place}"] == item["url"]
        assert ids(site) == first
