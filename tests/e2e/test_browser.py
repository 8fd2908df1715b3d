"""A person with a real browser: from the page to the feed, to the first mail, to another pace, and away again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import feedparser
import httpx
import pytest

from tests.browser import SIZES, chromium, is_wider_than_its_window, violations
from tests.servers import ScriptedServer, until
from tests.sites import a_post, a_site, config_of, run, write
from tests.web import TOKEN, WEB, Serving, links, mail_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

READER = "ann@example.org"
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    shown = context.new_page()
    yield shown
    context.close()


def a_served_site(folder: Path, more: str = "") -> Path:
    posts = {f"post-{number}.md": a_post(f"Post {number}", date=f"2024-0{number}-05") for number in range(1, 4)}
    return a_site(folder, posts, config_of(WEB + more))


def with_address(site: Path, url: str) -> None:
    """Write down where the server is reached: links in letters and pages lead there."""
    config = site / "config.toml"
    config.write_text(config.read_text("utf-8").replace("port = 0", f'port = 0\npublic_url = "{url}"'), "utf-8")


def the_link(site: Path, address: str, subject: str, part: str) -> str:
    return next(link for link in links(mail_to(site, address, subject)) if part in link)


def visit(page: Page, address: str) -> None:
    """Go there, and look whether everybody can use it."""
    page.goto(address)
    look(page)


def look(page: Page) -> None:
    assert violations(page) == []
    width, height = SIZES["phone"]
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    assert not is_wider_than_its_window(page), page.url
    if before:
        page.set_viewport_size(before)


def finds_the_feed(page: Page, server: Serving) -> None:
    page.goto(server.url)
    feed = page.get_attribute('link[rel="alternate"][type="application/rss+xml"]', "href")
    assert feed is not None
    path = re.sub(r"^https?://[^/]+/", "", feed)
    assert len(feedparser.parse(httpx.get(server.url + path).content).entries) == 3


def subscribes(page: Page, site: Path) -> None:
    """From the front page to the page that says that it is done."""
    page.click('a[href*="/subscribe"]')
    look(page)
    page.fill("#address", READER)
    page.check('input[value="monthly"]')
    page.wait_for_timeout(2_100)  # the trap for programs: no person is done within two seconds
    page.click("main button")
    assert page.inner_text("h1") == "Look in your mail"
    look(page)
    visit(page, the_link(site, READER, "", "/confirm/"))
    page.click("main button")
    assert page.inner_text("h1") == "You are subscribed"
    look(page)


def changes_pace(page: Page, settings: str) -> None:
    visit(page, settings)
    assert page.is_checked('input[value="monthly"]')
    page.check('input[value="weekly"]')
    page.click("main form button")
    assert "Your choice is saved." in page.inner_text("main")
    assert page.is_checked('input[value="weekly"]')
    look(page)


def reads_an_issue(page: Page, server: Serving) -> str:
    """In the mail, in the browser, in the archive; returns the link of its List-Unsubscribe."""
    assert run(server.site, "digest", "send", "weekly", "--cadence", "weekly", "--yes").code == 0
    issue = mail_to(server.site, READER, "Everything new")
    in_browser = next(link for link in links(issue) if "/issues/weekly/1" in link)
    visit(page, in_browser)
    assert "Post 3" in page.inner_text("body")
    assert READER not in page.content()
    visit(page, f"{server.url}issues/")
    page.click("main .rows a")
    assert page.url.rstrip("/") == in_browser
    found = re.search(r"<(https?://[^>]+)>", str(issue["List-Unsubscribe"]))
    assert found is not None
    return found[1]


def leaves(page: Page, unsubscribe: str, settings: str) -> None:
    visit(page, unsubscribe)
    page.goto(settings)
    assert page.is_checked('input[value="weekly"]')  # to look at the link changed nothing
    done = httpx.post(unsubscribe, content="List-Unsubscribe=One-Click", headers=URLENCODED)
    assert (done.status_code, done.history) == (200, [])
    page.goto(settings)
    assert not page.is_checked('input[value="weekly"]')
    page.goto(unsubscribe)
    assert page.inner_text("h1") == "You are unsubscribed"
    look(page)
    page.check('input[name="why"] >> nth=0')
    page.click('form[action$="/reason"] button')
    look(page)


def is_forgotten(page: Page, settings: str) -> None:
    visit(page, f"{settings}/forget")
    page.click("main button.danger")
    look(page)
    page.goto(settings)
    assert "does not work" in page.inner_text("h1")
    look(page)


def test_a_reader_comes_reads_changes_pace_and_leaves(tmp_path: Path, page: Page) -> None:
    site = a_served_site(tmp_path / "site")
    with Serving(site, "--watch") as server:
        with_address(site, server.url)
        until(lambda: "/subscribe?digest=weekly" in httpx.get(server.url).text, "pages know where one subscribes")
        finds_the_feed(page, server)
        subscribes(page, site)
        settings = the_link(site, READER, "", "/preferences/")
        changes_pace(page, settings)
        unsubscribe = reads_an_issue(page, server)
        leaves(page, unsubscribe, settings)
        is_forgotten(page, settings)
        visit(page, f"{server.url}preferences")
        visit(page, f"{server.url}nowhere")


def test_an_author_looks_at_everything_and_sees_an_issue_leave(tmp_path: Path, page: Page) -> None:
    with ScriptedServer() as relay:
        site = a_served_site(tmp_path / "site", "[engine]\nconnections = 1\n")
        config = site / "config.toml"
        slow = f'transport = "smtp://127.0.0.1:{relay.port}"\nrate = 4'
        config.write_text(config.read_text("utf-8").replace("[web]", f"{slow}\n[web]"), "utf-8")
        people = "email\n" + "".join(f"r{number}@example.org\n" for number in range(24))
        write(site, "readers.csv", people)
        done = run(site, "subscribers", "import", "readers.csv", "--digest", "weekly", "--cadence", "weekly", "-q")
        assert done.code == 0, done.err
        with Serving(site) as server:
            visit(page, f"{server.url}admin")
            page.fill('input[type="password"]', "not the token, whatever it is")
            page.click("main button")
            look(page)
            page.fill('input[type="password"]', TOKEN)
            page.click("main button")
            page.wait_for_selector("svg")
            look(page)

            page.goto(f"{server.url}admin/digests/weekly/preview")
            look(page)

            drafted = run(site, "digest", "draft", "weekly", "--cadence", "weekly")
            assert drafted.code == 0, drafted.err
            visit(page, f"{server.url}admin/issues/weekly/1")
            page.click('form[action$="/approve"] button')
            watch_it_leave(page)
            look(page)
            for name in ("feeds", "mail"):
                visit(page, f"{server.url}admin/{name}")
            page.click('form[action$="/logout"] button')
            page.goto(f"{server.url}admin/issues/weekly/1")
            assert page.query_selector('input[type="password"]') is not None
        letters = [one.recipients for one in relay.received if one.recipients != ("digest@example.com",)]
        assert len(set(letters)) == 24 == len(letters)


def watch_it_leave(page: Page) -> None:
    """The numbers of the page grow by themselves until all is sent."""
    seen: set[str] = set()

    def all_left() -> bool:
        page.wait_for_timeout(200)
        seen.add(page.inner_text('[data-count="sent"]') if page.is_visible('[data-count="sent"]') else "0")
        return "24" in seen

    until(all_left, "the issue is done")
    assert len(seen) >= 3, seen
