"""What a reference leads to."""

from __future__ import annotations

import pickle

import pytest

from publisher.content.links import Asset, Link, LinkIndex
from tests.bodies import FILES, a_parsed_post, an_index
from tests.builders import BASE, some_settings

HERE = a_parsed_post()
OTHER = f"{BASE}notes/other/"


@pytest.mark.parametrize(
    ("ref", "url"),
    [
        ("other.md", OTHER),
        ("./other.md#part", f"{OTHER}#part"),
        ("other.md?plain=1", OTHER),
        ("OTHER.md", OTHER),
        ("../trip/index.md", f"{BASE}trip/"),
        ("../trip/", f"{BASE}trip/"),
        ("../trip", f"{BASE}trip/"),
        ("/notes/other.md", OTHER),
        ("/posts/notes/other.md", OTHER),
        ("content/notes/other.md", OTHER),
        ("/notes/other", OTHER),
        ("/notes/other/index.html", OTHER),
        ("/trip#day-two", f"{BASE}trip/#day-two"),
        ("@/notes/other.md#a", f"{OTHER}#a"),
        ("@/notes/_index.md#a", f"{BASE}notes/#a"),
        ("../_index.de.md", f"{BASE}de/"),
        ("trip/", f"{BASE}trip/"),
        ("ref:other", OTHER),
        ("ref:other.md#a", f"{OTHER}#a"),
        ("ref:/trip", f"{BASE}trip/"),
        ("ref:#a", f"{BASE}notes/today/#a"),
        ("ref:2019-01-02-new-year", f"{BASE}2019/01/new-year/"),
        ("ref:_posts/2019-01-02-new-year.md", f"{BASE}2019/01/new-year/"),
        ("ref:https://example.org/", "https://example.org/"),
        ("ref:css/site.css", f"{BASE}css/site.css"),
        ("wikilink:The%20Other%20Note", OTHER),
        ("wikilink:second%20note#Part%20%C3%9Cber%20B!", f"{OTHER}#part-%C3%BCber-b"),
        ("wikilink:new-year", f"{BASE}2019/01/new-year/"),
        ("wikilink:trip", f"{BASE}trip/"),
        ("wikilink:#Here", f"{BASE}notes/today/#here"),
        ("#part", f"{BASE}notes/today/#part"),
        ("", f"{BASE}notes/today/"),
        ("?page=2", f"{BASE}notes/today/?page=2"),
        ("/elsewhere", f"{BASE}elsewhere"),
        ("below/page", f"{BASE}notes/today/below/page"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("https://example.org/a b?c=ü", "https://example.org/a%20b?c=%C3%BC"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        ("https://example.org/100%/50%25", "https://example.org/100%25/50%25"),
        ("mailto:robin@example.com", "mailto:robin@example.com"),
        ("  https://example.org/ \n", "https://example.org/"),
        ("java\nscript:alert(1)", "javascript:alert(1)"),  # as browsers read it; feeds are then cleaned of it
    ],
)
def test_a_reference_leads_to_an_absolute_url(ref: str, url: str) -> None:
    assert an_index().resolve(ref, HERE) == Link(url)


@pytest.mark.parametrize(
    ("ref", "path", "url"),
    [
        ("pic.png", "notes/pic.png", f"{BASE}notes/pic.png"),
        ("my photo.png", "notes/my photo.png", f"{BASE}notes/my%20photo.png"),
        ("my%20photo.png?v=2", "notes/my photo.png", f"{BASE}notes/my%20photo.png?v=2"),
        ("Übersicht.png", "notes/Übersicht.png", f"{BASE}notes/%C3%9Cbersicht.png"),
        ("%C3%9Cbersicht.png", "notes/Übersicht.png", f"{BASE}notes/%C3%9Cbersicht.png"),
        ("..\\img\\map.png", "img/map.png", f"{BASE}img/map.png"),
        ("/img/map.png", "img/map.png", f"{BASE}img/map.png"),
        (f"{BASE}img/map.png", "img/map.png", f"{BASE}img/map.png"),
        ("../pic.png", "notes/pic.png", f"{BASE}notes/pic.png"),
        ("../trip/route.png", "trip/route.png", f"{BASE}trip/route.png"),
        ("wikilink:map.png", "img/map.png", f"{BASE}img/map.png"),
        ("wikilink:lake.jpg", "trip/day one/lake.jpg", f"{BASE}trip/day%20one/lake.jpg"),
        ("ref:img/map.png", "img/map.png", f"{BASE}img/map.png"),
        ("notes/my photo.png", "notes/my photo.png", f"{BASE}notes/my%20photo.png"),
    ],
)
def test_a_file_beside_a_post_is_found_however_it_is_written(ref: str, path: str, url: str) -> None:
    assert an_index().resolve(ref, HERE) == Link(url, path)


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("draft.md", "leads to a post that is not published"),
        ("wikilink:Draft", "leads to a post that is not published"),
        ("ref:draft", "leads to a post that is not published"),
        ("nowhere.md", "names no post"),
        ("../../../etc/nowhere.md", "names no post"),
        ("wikilink:nobody", "names no post and no file"),
    ],
)
def test_a_link_that_leads_nowhere_says_why(ref: str, reason: str) -> None:
    link = an_index().resolve(ref, HERE)
    assert link == Link("", broken=reason)


def test_a_missing_picture_keeps_its_address_and_is_told() -> None:
    link = an_index().resolve("lost.png", HERE)
    assert link == Link(f"{BASE}notes/today/lost.png", broken="names a file that does not exist")


def test_files_of_a_bundle_live_under_its_permalink() -> None:
    bundle = a_parsed_post("trip/index.md", permalink=f"{BASE}2018/a-trip/")
    page = a_parsed_post("walk/index.md", permalink=f"{BASE}walk.html")
    index = LinkIndex.build([bundle, page], FILES | {"walk/a b.png": 7}, some_settings(), [])
    assert index.asset_url("trip/day one/lake.jpg") == f"{BASE}2018/a-trip/day%20one/lake.jpg"
    assert index.asset_url("walk/a b.png") == f"{BASE}walk/a%20b.png"
    assert index.asset_url("notes/pic.png") == f"{BASE}notes/pic.png"
    assert index.resolve("route.png", bundle) == Link(f"{BASE}2018/a-trip/route.png", "trip/route.png")
    assert index.resolve("/2018/a-trip/route.png", HERE).asset == "trip/route.png"
    assert index.asset("trip/route.png") == Asset("trip/route.png", f"{BASE}2018/a-trip/route.png", 3_000)
    assert index.asset("trip/none.png") is None


def test_a_root_path_is_the_hosts_unless_the_site_has_such_a_post_or_file() -> None:
    base = "https://example.com/blog/"
    post = a_parsed_post(permalink=f"{base}notes/today/")
    index = LinkIndex.build([post], {"img/map.png": 1}, some_settings(base_url=base), [])
    assert index.resolve("/about", post).url == "https://example.com/about"
    assert index.resolve("/notes/today", post).url == f"{base}notes/today/"
    assert index.resolve("/blog/notes/today/", post).url == f"{base}notes/today/"
    assert index.resolve("/img/map.png", post) == Link(f"{base}img/map.png", "img/map.png")


def test_of_two_notes_of_one_name_the_nearest_is_meant() -> None:
    near, far = a_parsed_post("notes/idea.md"), a_parsed_post("attic/old/idea.md")
    index = LinkIndex.build([far, near], {}, some_settings(), [])
    assert index.resolve("wikilink:idea", HERE).url == near.permalink
    assert index.resolve("wikilink:idea", a_parsed_post("attic/old/x.md")).url == far.permalink


def test_an_index_goes_to_another_process_without_its_tables() -> None:
    index = an_index()
    index.resolve("wikilink:map.png", HERE)
    copy = pickle.loads(pickle.dumps(index))
    assert copy == index
    assert "files_by_name" not in vars(copy.catalogue)
    assert copy.resolve("other.md", HERE) == Link(OTHER)


def test_a_chain_of_our_own_schemes_does_not_recurse() -> None:
    assert an_index().resolve("ref:" * 20_000, HERE).url == ""
