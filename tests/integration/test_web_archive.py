"""The archive over HTTP, below the path of public_url: pages, feeds, JSON, and what a visitor may keep of them."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast

import feedparser
import httpx
import jsonschema_rs
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from publisher.flows import archive
from publisher.mail.compose import UNSUBSCRIBE
from publisher.model.issue import IssueState
from publisher.store.database import open_store
from publisher.web import api, openapi
from publisher.web.archive import POLICY, routes
from publisher.web.context import Context
from publisher.web.rendering import WebPages, web_root
from tests.archiving import WEB, Site
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from publisher.flows.letters import Desk

ISSUE = "/notes/issues/conferences/1"


class _Page(HTMLParser):
    """The links of a page, and which feeds it names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feeds: list[tuple[str, str]] = []
        self.robots: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "a":
            self.links.append(found["href"])
        elif tag == "link" and found["rel"] == "alternate":
            self.feeds.append((found["type"], found["href"]))
        elif tag == "meta" and found.get("name") == "robots":
            self.robots.append(found["content"])


@dataclass
class Visit:
    """A visitor of a site's archive, ``now[0]`` seconds after a moment."""

    site: Site
    application: Starlette
    now: list[float]

    def ask(self, method: str, path: str, **headers: str) -> Response:
        async def asked() -> Response:
            transport = httpx.ASGITransport(self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=named)

        return asyncio.run(asked())

    def get(self, path: str, **headers: str) -> Response:
        return self.ask("GET", path, **headers)


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        site, passed = Site(tmp_path, store), [0.0]
        context = Context(
            folder=tmp_path,
            store=store,
            settings=lambda: site.settings,
            desk=lambda: cast("Desk", None),  # no letter is written here
            items=lambda _: site.items,
            now=lambda: NOON + timedelta(days=30, seconds=passed[0]),
            pages=WebPages(tmp_path),
            wake=lambda: None,
            note=lambda _: None,
        )
        own = [*routes(context), *api.routes(context)]
        application = Starlette(routes=[Mount(web_root(site.settings).rstrip("/"), routes=own)])
        yield Visit(site, application, passed)


def sent(visit: Visit, *, issues: int = 1, digest: str = "conferences") -> Site:
    """Send so many issues, with one post each."""
    visit.site.add("ann", digest)
    for number in range(1, issues + 1):
        visit.site.publish(number)
        visit.site.send(digest)
    return visit.site


def test_the_list_of_a_digest_leads_to_its_issues_and_names_its_feeds(visit: Visit) -> None:
    sent(visit, issues=3)
    answer = visit.get("/notes/issues/conferences/")
    page = _Page(answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    issues = [f"/notes/issues/conferences/{number}" for number in (3, 2, 1)]
    assert [link for link in page.links if link in issues] == issues
    assert "30 November 2026" in answer.text
    names = {
        "application/rss+xml": "feed.xml",
        "application/atom+xml": "atom.xml",
        "application/feed+json": "feed.json",
    }
    assert dict(page.feeds) == {kind: f"/notes/issues/conferences/{name}" for kind, name in names.items()}
    assert {href for _, href in page.feeds} <= set(page.links)
    assert page.robots == []
    for _, href in page.feeds:
        assert visit.get(href).status_code == 200


def test_the_page_of_all_shows_the_newest_of_each_digest(visit: Visit) -> None:
    sent(visit, issues=12)
    page = _Page(visit.get("/notes/issues/").text)
    assert "/notes/issues/conferences/3" in page.links
    assert "/notes/issues/conferences/2" not in page.links
    assert page.links.count("/notes/issues/conferences/") == 2  # its title, and "2 more"
    assert "/notes/issues/talks/" in page.links
    assert not any("secret" in link for link in page.links)


def test_with_one_digest_the_page_of_all_is_its_list(visit: Visit) -> None:
    visit.site.settings = settings(CONFERENCES, public_url=WEB)
    sent(visit, issues=12)
    assert visit.get("/notes/issues/").text == visit.get("/notes/issues/conferences/").text


def test_without_any_archive_the_page_of_all_says_so(visit: Visit) -> None:
    visit.site.settings = settings(replace(CONFERENCES, archive=False), public_url=WEB)
    assert "No issue can be read here yet" in visit.get("/notes/issues/").text


def test_an_issue_is_the_mail_with_a_bar_above_it(visit: Visit) -> None:
    sent(visit, issues=3)
    answer = visit.get("/notes/issues/conferences/2")
    page = _Page(answer.text)
    for link in ("", "1", "3"):
        assert f"/notes/issues/conferences/{link}" in page.links
    assert "/notes/subscribe" in page.links
    assert "https://example.com/posts/2/" in page.links
    assert f'<link rel="canonical" href="{WEB}issues/conferences/2">' in answer.text
    assert len(page.feeds) == 3
    assert page.robots == []
    assert answer.text.count("<main>") == answer.text.count("<body") == answer.text.count("</head>") == 1
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    for gone in (UNSUBSCRIBE, ".invalid", "nsubscribe\n", "View in browser", "ann@"):
        assert gone not in answer.text


def test_what_an_author_wrote_cannot_leave_its_place(visit: Visit) -> None:
    site = visit.site
    site.settings = settings(replace(CONFERENCES, title="</title><script>x()</script>"), public_url=WEB)
    site.publish(1, title='"><img src=x onerror=y()>')
    site.add("ann")
    site.send()
    for path in ("/notes/issues/", "/notes/issues/conferences/", ISSUE):
        assert {"script", "img"}.isdisjoint(_Page(visit.get(path).text).tags)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/notes/issues", "/notes/issues/"),
        ("/notes/issues/conferences", "/notes/issues/conferences/"),
        ("/notes/issues/conferences/1/", "/notes/issues/conferences/1"),
    ],
)
def test_the_other_spelling_moves_for_good_to_a_path(visit: Visit, path: str, place: str) -> None:
    sent(visit)
    answer = visit.get(path, host="elsewhere.example")
    assert (answer.status_code, answer.headers["location"]) == (301, place)


NOWHERE = [
    "/notes/issues/unheard",
    "/notes/issues/unheard/",
    "/notes/issues/secret/",
    "/notes/issues/secret/1",
    "/notes/issues/conferences/2",
    "/notes/issues/conferences/2/",
    "/notes/issues/conferences/0",
    "/notes/issues/conferences/01",
    "/notes/issues/conferences/-1",
    "/notes/issues/conferences/1.0",
    "/notes/issues/conferences/٣",
    "/notes/issues/conferences/99999999999999999999999",
    "/notes/issues/conferences/4294967296",
    "/notes/issues/conferences/feed.rss",
    "/notes/issues/unheard/feed.xml",
    "/notes/issues/secret/atom.xml",
    "/notes/issues/%00/1",
    "/notes/issues/..%2fconferences/1",
]


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_unknown_is_not_found(visit: Visit, path: str) -> None:
    sent(visit)
    visit.site.add("ben", "secret")
    assert visit.get(path).status_code == 404


@pytest.mark.parametrize("path", [ISSUE, f"{ISSUE}/", "/notes/api/issues/conferences/1"])
def test_private_held_and_unknown_give_the_same_answer(visit: Visit, path: str) -> None:
    site = sent(visit)
    unknown = visit.get(path.replace("1", "9"))
    archive.set_private(site.store, "conferences", 1, private=True)
    private = visit.get(path)
    archive.set_private(site.store, "conferences", 1, private=False)
    assert visit.get(path).status_code != 404
    site.issue(1, IssueState.HELD)
    held = visit.get(path)
    assert unknown.status_code == private.status_code == held.status_code == 404
    assert unknown.content == private.content == held.content
    assert unknown.headers == private.headers == held.headers


# What a visitor keeps

SHOWN = ["/notes/issues/", "/notes/issues/conferences/", ISSUE, "/notes/issues/conferences/feed.xml"]
SHOWN += ["/notes/issues/conferences/atom.xml", "/notes/issues/conferences/feed.json"]
SHOWN += ["/notes/api/issues", "/notes/api/issues/conferences/1"]


@pytest.mark.parametrize("path", SHOWN)
def test_who_has_it_already_is_told_so(visit: Visit, path: str) -> None:
    sent(visit)
    first = visit.get(path)
    etag, since = first.headers["etag"], first.headers["last-modified"]
    assert first.status_code == 200
    assert "max-age" in first.headers["cache-control"]
    visit.now[0] = 3600
    for asked in ({"if_none_match": etag}, {"if_none_match": f'"x", W/{etag}'}, {"if_modified_since": since}):
        again = visit.get(path, **asked)
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["last-modified"]) == (etag, since)
        assert again.headers.get("content-security-policy") == first.headers.get("content-security-policy")
    for asked in ({}, {"if_none_match": '"x"', "if_modified_since": since}, {"if_modified_since": "yesterday"}):
        again = visit.get(path, **asked)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["last-modified"] == since


@pytest.mark.parametrize("path", SHOWN)
def test_issues_are_sent_compressed_to_who_takes_that(visit: Visit, path: str) -> None:
    sent(visit, issues=9)
    plain, packed = visit.get(path, accept_encoding="identity"), visit.get(path, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]
    assert visit.get(path, accept_encoding="gzip", if_none_match=packed.headers["etag"]).status_code == 304


@pytest.mark.parametrize("path", SHOWN)
def test_head_says_the_same_without_a_body(visit: Visit, path: str) -> None:
    sent(visit)
    answer, head = visit.get(path), visit.ask("HEAD", path)
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)


@pytest.mark.parametrize("path", SHOWN)
def test_nothing_is_changed_by_a_post(visit: Visit, path: str) -> None:
    sent(visit)
    assert visit.ask("POST", path).status_code == 405


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_that_changed_is_newer_by_any_measure(visit: Visit, path: str) -> None:
    sent(visit)
    first = visit.get(path)
    visit.now[0] = 3600
    visit.site.publish(50)
    visit.site.send()
    second = visit.get(path)
    assert second.content != first.content
    assert second.headers["etag"] != first.headers["etag"]
    assert second.headers["last-modified"] == format_datetime(NOON + timedelta(days=30, hours=1), usegmt=True)
    assert visit.get(path, if_modified_since=first.headers["last-modified"]).status_code == 200


# Feeds and JSON


@pytest.mark.parametrize(
    ("name", "kind"),
    [("feed.xml", "application/rss+xml"), ("atom.xml", "application/atom+xml"), ("feed.json", "application/feed+json")],
)
def test_feeds_are_served_as_what_they_are(visit: Visit, name: str, kind: str) -> None:
    sent(visit, issues=2)
    answer = visit.get(f"/notes/issues/conferences/{name}")
    assert answer.headers["content-type"].partition(";")[0] == kind
    if kind.endswith("xml"):
        assert [one.link for one in feedparser.parse(answer.content).entries] == [
            f"{WEB}issues/conferences/2",
            f"{WEB}issues/conferences/1",
        ]
    else:
        assert [one["url"] for one in answer.json()["items"]] == [
            f"{WEB}issues/conferences/2",
            f"{WEB}issues/conferences/1",
        ]


def test_without_a_public_address_no_feed_is_offered(visit: Visit) -> None:
    sent(visit)
    visit.site.settings = settings(CONFERENCES)
    for path in ("/notes/issues/", ISSUE):
        page = _Page(visit.get(path).text)
        assert page.feeds == []
        assert not any("feed" in link for link in page.links)
    assert visit.get("/notes/issues/conferences/feed.xml").status_code == 404
    assert visit.get("/notes/api/issues").json()["issues"][0]["url"] == "/issues/conferences/1"


def test_programs_may_read_issues_too(visit: Visit) -> None:
    sent(visit, issues=2)
    listed = visit.get("/notes/api/issues").json()["issues"]
    assert [(one["digest"], one["issue"]) for one in listed] == [("conferences", 2), ("conferences", 1)]
    found = visit.get("/notes/api/issues/conferences/1").json()
    assert listed[1] == {key: found[key] for key in listed[1]}
    assert found["url"] == f"{WEB}issues/conferences/1"
    assert found["slot"] == "2026-11-30T12:00:00+00:00"
    assert (found["previous"], found["next"]) == (None, 2)
    assert found["contents"] == [{"title": "Post 1", "url": "https://example.com/posts/1/"}]
    assert "Post 1" in found["text"]
    assert "Post 1" in found["html"]
    assert ".invalid" not in found["html"] + found["text"]
    schemas = openapi.document(visit.site.settings)["components"]["schemas"]
    jsonschema_rs.validate(schemas["Issues"], {"issues": listed})
    jsonschema_rs.validate(schemas["Issue"], found)
    missing = visit.get("/notes/api/issues/conferences/9")
    assert (missing.status_code, missing.json()["error"]) == (404, "There is no such issue.")
