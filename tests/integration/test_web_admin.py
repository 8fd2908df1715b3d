"""The author's pages over HTTP: the way in, what they show, and what their forms do."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import httpx
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.routing import Mount

from publisher.flows.figures import keep_readers
from publisher.mail.addresses import parse_mailbox
from publisher.mail.compose import UNSUBSCRIBE
from publisher.model.counted import Counted
from publisher.model.followed import Followed
from publisher.model.issue import IssueState
from publisher.model.subscriber import ConsentKind, SuppressionReason
from publisher.store import consents, followed, issues, people, suppressions
from publisher.store.database import open_store
from publisher.store.tables import delivery
from publisher.web import assets
from publisher.web.admin import DONE, MAIL_POLICY, routes
from publisher.web.context import Context
from publisher.web.door import MANY, OPEN_ROAD, STRANGE, WRONG
from publisher.web.rendering import WebPages, web_root
from publisher.web.sessions import LASTS
from tests.archiving import Site
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from httpx import Response

    from publisher.flows.letters import Desk

TOKEN = "a token that is long enough"
ADMIN = "/notes/admin"
ISSUE = f"{ADMIN}/issues/conferences/1"
TWO_PACES = replace(CONFERENCES, cadences=(("weekly", "mon 09:00"), ("monthly", "1 09:00")))
ODD = replace(CONFERENCES, name="odd", title="<b>Odd</b> & sons", archive=False)


@dataclass
class Author:
    """A browser of the author's, and the site behind it. ``address`` is where the browser is."""

    site: Site
    token: str = TOKEN
    cookies: dict[str, str] = field(default_factory=dict)
    woken: int = 0
    later: timedelta = timedelta()
    address: str = "192.0.2.1"
    url: str = "https://mail.example.com"
    app: Starlette | None = None

    def ask(self, method: str, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Response:
        async def asked() -> Response:
            transport = httpx.ASGITransport(self._application(), client=(self.address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url=self.url) as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                named["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
                return await client.request(method, path, data=fields, headers=named)

        answer = asyncio.run(asked())
        self._keep(answer.headers.get("set-cookie", ""))
        return answer

    def get(self, path: str = ADMIN, **headers: str) -> Response:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, form: str | None = None, **headers: str) -> Response:
        """Send the form of a page, as a browser does."""
        own = self.form() if form is None else form
        given = {"sec_fetch_site": "same-origin", **headers}
        return self.ask("POST", path, {"form": own}, **given)

    def log_in(self, token: str = TOKEN, **headers: str) -> Response:
        given = {"sec_fetch_site": "same-origin", **headers}
        return self.ask("POST", f"{ADMIN}/login", {"token": token}, **given)

    def form(self) -> str:
        """What the forms of this session's pages hold."""
        found = re.search(r'name="form" value="([^"]+)"', self.get(f"{ADMIN}/mail").text)
        return found[1] if found else ""

    def state(self, number: int = 1) -> IssueState:
        with self.site.store.reading() as connection:
            found = issues.find(connection, "conferences", number)
        assert found is not None
        return found.state

    def _keep(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        if value:
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)

    def _application(self) -> Starlette:
        if self.app is None:
            site = self.site
            context = Context(
                folder=site.folder,
                store=site.store,
                settings=lambda: site.settings,
                desk=lambda: cast("Desk", None),  # no letter is written here
                items=lambda _: site.items,
                now=lambda: NOON + self.later,
                pages=WebPages(site.folder),
                wake=self._wake,
                note=lambda _: None,
                admin_token=self.token,
            )
            own = [*assets.routes(context), *routes(context)]
            self.app = Starlette(routes=[Mount(web_root(site.settings).rstrip("/"), routes=own)])
        return self.app

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Author]:
    """A browser that has not logged in."""
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        site = Site(tmp_path, store)
        site.settings = settings(TWO_PACES, ODD, public_url="https://mail.example.com/notes/")
        yield Author(site)


@pytest.fixture
def author(outside: Author) -> Author:
    """A browser that has."""
    assert outside.log_in().status_code == 303
    return outside


def with_an_issue(author: Author, state: IssueState = IssueState.DONE) -> Author:
    """Send an issue to one reader, and put it into a state."""
    subscribed(author.site)
    author.site.publish(1)
    author.site.send()
    author.site.issue(1, state)
    return author


def subscribed(site: Site) -> None:
    before = site.settings
    site.settings = settings(CONFERENCES)  # one pace: nothing to choose
    site.add("ann")
    site.settings = before


# The way in


def test_without_a_token_there_is_nothing(outside: Author) -> None:
    outside.token = ""
    for path in (ADMIN, f"{ADMIN}/", f"{ADMIN}/login", ISSUE, f"{ISSUE}.json"):
        answer = outside.get(path)
        assert (answer.status_code, answer.text) == (404, "Not Found")
    assert outside.post(f"{ADMIN}/login").status_code == 404
    assert outside.post(f"{ISSUE}/cancel").status_code == 404


def test_a_short_token_opens_nothing_and_is_named(outside: Author) -> None:
    outside.token = "short"
    for answer in (outside.get(), outside.log_in("short")):
        assert answer.status_code == 503
        assert "PUBLISHER_ADMIN_TOKEN is shorter than 16 characters" in answer.text
        assert not outside.cookies


@pytest.mark.parametrize(
    "path",
    ["", "/feeds", "/mail", "/issues/conferences/1", "/issues/conferences/1/cancel", "/digests/conferences/preview"],
)
def test_pages_lead_to_the_login(outside: Author, path: str) -> None:
    answer = outside.get(ADMIN + path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ADMIN}/login")
    assert outside.get(f"{ADMIN}/login").status_code == 200


def test_the_token_opens_a_session_that_scripts_and_other_sites_cannot_have(outside: Author) -> None:
    answer = outside.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, ADMIN)
    name, *terms = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-publisher=")
    assert set(terms) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"}
    assert TOKEN not in name
    page = outside.get()
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert outside.get(f"{ADMIN}/login").headers["location"] == ADMIN


def test_another_word_opens_nothing(outside: Author) -> None:
    for word in ("", "wrong", TOKEN[:-1], TOKEN + " "):
        answer = outside.log_in(word)
        assert answer.status_code == 403
        assert WRONG in answer.text
        assert not outside.cookies


def test_of_one_network_five_attempts_a_minute_are_heard_even_with_the_token(outside: Author) -> None:
    assert [outside.log_in("wrong").status_code for _ in range(5)] == [403] * 5
    outside.address = "192.0.2.77"  # of the same network
    answer = outside.log_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert MANY in answer.text
    outside.address = "198.51.100.1"
    assert outside.log_in().status_code == 303


def test_of_all_networks_thirty_are_heard(outside: Author) -> None:
    answers = []
    for number in range(32):
        outside.address = f"10.{number}.0.1"
        answers.append(outside.log_in("wrong").status_code)
    assert answers == [403] * 30 + [429] * 2


def test_over_plain_http_from_elsewhere_no_token_is_asked_for(outside: Author) -> None:
    outside.url = "http://mail.example.com"
    for answer in (outside.get(f"{ADMIN}/login"), outside.log_in()):
        assert answer.status_code == 403
        assert OPEN_ROAD[:30] in answer.text
        assert "<form" not in answer.text


def test_on_this_machine_plain_http_will_do(outside: Author) -> None:
    outside.url, outside.address = "http://localhost:8000", "127.0.0.1"
    answer = outside.log_in()
    assert answer.status_code == 303
    assert answer.headers["set-cookie"].startswith("publisher=")
    assert "Secure" not in answer.headers["set-cookie"]
    assert outside.get().status_code == 200


def test_a_session_ends_after_twelve_hours(author: Author) -> None:
    author.later = LASTS - timedelta(seconds=1)
    assert author.get().status_code == 200
    author.later = LASTS
    assert author.get().status_code == 303


def test_who_logs_out_is_out_wherever_the_cookie_is(author: Author) -> None:
    kept = dict(author.cookies)
    answer = author.post(f"{ADMIN}/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ADMIN}/login")
    assert not author.cookies
    author.cookies = kept
    assert author.get().status_code == 303


def test_nothing_but_a_post_changes_anything(author: Author) -> None:
    with_an_issue(author, IssueState.HELD)
    for name in ("approve", "resume", "private", "public", "cancel"):
        answer = author.get(f"{ISSUE}/{name}")
        assert answer.status_code == (200 if name == "cancel" else 405)
        assert author.ask("HEAD", f"{ISSUE}/{name}").status_code == answer.status_code
    assert author.state() is IssueState.HELD
    assert author.get(f"{ADMIN}/logout").status_code == 405


# Forms


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ("", {}),
        ("made up", {}),
        (None, {"sec_fetch_site": "cross-site"}),
        (None, {"sec_fetch_site": "same-site"}),
        (None, {"sec_fetch_site": "", "origin": "https://evil.example"}),
    ],
)
def test_a_form_of_another_page_does_nothing(author: Author, form: str | None, headers: dict[str, str]) -> None:
    with_an_issue(author, IssueState.HELD)
    answer = author.post(f"{ISSUE}/approve", form, **headers)
    assert answer.status_code == 403
    assert STRANGE[:30] in answer.text
    assert author.state() is IssueState.HELD
    assert author.woken == 0


def test_a_form_of_another_session_does_nothing(author: Author) -> None:
    with_an_issue(author, IssueState.HELD)
    old = author.form()
    author.log_in()
    assert author.post(f"{ISSUE}/approve", old).status_code == 403
    assert author.state() is IssueState.HELD


def test_a_login_from_another_site_is_not_heard(outside: Author) -> None:
    assert outside.log_in(sec_fetch_site="cross-site").status_code == 403
    assert not outside.cookies


def test_a_large_form_is_refused(author: Author) -> None:
    assert author.post(f"{ISSUE}/approve", "x" * 20_000).status_code == 413
    many = {f"field{number}": "" for number in range(100)}
    assert author.ask("POST", f"{ISSUE}/approve", many).status_code == 403


# Leading issues


@pytest.mark.parametrize(
    ("before", "name", "done", "after"),
    [
        (IssueState.HELD, "approve", "approved", IssueState.OPEN),
        (IssueState.PAUSED, "resume", "resumed", IssueState.OPEN),
        (IssueState.PAUSED, "cancel", "cancelled", IssueState.CANCELLED),
        (IssueState.OPEN, "cancel", "cancelled", IssueState.CANCELLED),
    ],
)
def test_an_issue_is_led_on(author: Author, before: IssueState, name: str, done: str, after: IssueState) -> None:
    with_an_issue(author, before)
    answer = author.post(f"{ISSUE}/{name}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ISSUE}?done={done}")
    assert author.state() is after
    assert author.woken == 1
    assert DONE[done] in author.get(answer.headers["location"]).text


def test_what_cannot_be_done_is_said_on_the_page(author: Author) -> None:
    with_an_issue(author)
    for name in ("approve", "cancel"):
        answer = author.post(f"{ISSUE}/{name}")
        assert answer.status_code == 409
        assert "Conference writeups, issue 1 is done, not held" in answer.text
    assert author.state() is IssueState.DONE
    assert author.woken == 0


def test_an_issue_is_kept_out_of_the_archive_and_let_in_again(author: Author) -> None:
    with_an_issue(author)
    for name, label in (("private", "Show it in the archive"), ("public", "Keep it out of the archive")):
        answer = author.post(f"{ISSUE}/{name}")
        assert answer.status_code == 303
        page = author.get(answer.headers["location"]).text
        assert label in page
        assert DONE[name] in page


def test_before_a_cancelling_one_is_asked(author: Author) -> None:
    with_an_issue(author, IssueState.OPEN)
    page = author.get(f"{ISSUE}/cancel").text
    assert "Cancel Conference writeups, issue 1?" in page
    assert f'action="{ISSUE}/cancel"' in page
    author.site.issue(1, IssueState.DONE)
    assert "There is nothing left to cancel." in author.get(f"{ISSUE}/cancel").text


def test_a_page_offers_what_can_be_done_and_no_more(author: Author) -> None:
    with_an_issue(author, IssueState.PAUSED)
    page = author.get(ISSUE).text
    assert re.search(r'action="[^"]*/approve"[^>]* hidden>', page)
    assert re.search(r'action="[^"]*/resume" data-states="paused">', page)


@pytest.mark.parametrize(
    ("number", "words"),
    [("2", "the digest conferences has no issue 2"), ("999999999999999999999", "there is no such issue")],
)
def test_what_is_not_there_is_said(author: Author, number: str, words: str) -> None:
    for path in (f"{ADMIN}/issues/conferences/{number}", f"{ADMIN}/issues/conferences/{number}/cancel"):
        answer = author.get(path)
        assert answer.status_code == 404
        assert words in answer.text
    assert author.get(f"{ADMIN}/issues/conferences/{number}.json").status_code == 404
    assert author.post(f"{ADMIN}/issues/conferences/{number}/cancel").status_code == 404
    assert author.get(f"{ADMIN}/digests/nothing/preview").status_code == 404


# What pages show


def test_the_overview_tells_how_followed_feeds_stand(author: Author) -> None:
    seen, lost, moved = (f"https://{name}.test/feed?a=<b>&c" for name in ("seen", "lost", "moved"))
    digests = [replace(CONFERENCES, name=name, feed=url) for name, url in (("a", seen), ("b", lost), ("c", moved))]
    author.site.settings = replace(author.site.settings, digests=tuple(digests))
    lately = NOON - timedelta(hours=1)
    with author.site.store.writing() as connection:
        followed.save(connection, Followed(seen, seen, NOON, fetched=lately))
        fault = "it answers <500>"
        followed.save(connection, Followed(lost, lost, NOON, failures=3, failing=lately, fault=fault))
        followed.save(connection, Followed(moved, "https://now.test/", NOON, fetched=lately))
    page = author.get().text
    assert "https://seen.test/feed?a=&lt;b&gt;&amp;c was seen" in page
    assert "https://lost.test/feed?a=&lt;b&gt;&amp;c cannot be followed since" in page
    assert "it answers &lt;500&gt;. What is known" in page
    assert 'set <code>feed = "https://now.test/"</code>' in page


def test_the_overview_of_an_empty_site(author: Author) -> None:
    page = author.get().text
    assert "&lt;b&gt;Odd&lt;/b&gt; &amp; sons" in page
    assert "<b>Odd" not in page
    assert "None yet." in page
    assert "Nothing is due." in page


def test_the_overview_shows_readers_over_time_with_a_table_beneath(author: Author) -> None:
    with_an_issue(author)
    page = author.get().text
    charts = re.findall(r'<svg class="chart".*?</svg>(?=\s*</figure>)', page, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        assert ET.fromstring(chart).attrib["role"] == "img"
    assert "1 confirmed reader: 1 weekly" in re.sub(r"<[^>]+>", "", page)
    assert "<caption>Days on which something changed (UTC)</caption>" in page
    assert "Mondays at 09:00" in page
    assert f'<a href="{ISSUE}">Conference writeups, issue 1</a>' in page
    assert "ann@example.org" not in page


def test_pages_hold_no_script_and_no_style_of_their_own(author: Author) -> None:
    with_an_issue(author)
    for path in ("", "/feeds", "/mail", "/issues/conferences/1", "/digests/conferences/preview"):
        page = author.get(ADMIN + path).text
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=", page)


def test_an_issue_shows_how_far_it_is_without_addresses(author: Author) -> None:
    with_an_issue(author, IssueState.OPEN)
    with author.site.store.writing() as connection:
        said = {"state": "failed", "detail": "rcpt: 550 5.1.1 <ann@example.org> unknown"}
        connection.execute(update(delivery).values(said))
    page = author.get(ISSUE).text
    assert "It goes out: 1 of 1 messages are settled." in page
    assert "rcpt: 550 5.1.1 &lt;address&gt; unknown" in page
    assert "ann@example.org" not in page
    assert '<script src="/notes/assets/admin.js" defer></script>' in page
    assert f'data-progress="{ISSUE}.json"' in page


def test_the_script_gets_the_same_numbers(author: Author) -> None:
    with_an_issue(author, IssueState.OPEN)
    answer = author.get(f"{ISSUE}.json")
    found = answer.json()
    assert (found["state"], found["over"], found["total"]) == ("open", 1, 1)
    assert found["counts"]["sent"] == 1
    assert found["bar"][0] == {"part": "sent", "x": 0.0, "width": 100.0}
    parts = re.findall(r'data-part="([^"]+)"', author.get(ISSUE).text)
    assert parts == [part["part"] for part in found["bar"]]
    author.cookies.clear()
    assert author.get(f"{ISSUE}.json").status_code == 401


def test_the_script_is_served_and_a_site_may_have_its_own(author: Author) -> None:
    answer = author.get("/notes/assets/admin.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "data-progress" in answer.text
    own = author.site.folder / "templates" / "web" / "admin.js"
    own.parent.mkdir(parents=True)
    own.write_text("// mine\n", encoding="utf-8")
    assert author.get("/notes/assets/admin.js").text == "// mine\n"


def test_the_preview_stands_in_a_frame_without_rights(author: Author) -> None:
    author.site.publish(1, title="The first of all")
    page = author.get(f"{ADMIN}/digests/conferences/preview?cadence=monthly")
    assert page.status_code == 200
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert f'<iframe class="mail" sandbox src="{ADMIN}/digests/conferences/preview/mail?cadence=monthly"' in page.text
    assert "issue 1 with 1 entry" in page.text
    mail = author.get(f"{ADMIN}/digests/conferences/preview/mail?cadence=monthly")
    assert mail.headers["content-security-policy"] == MAIL_POLICY
    assert mail.headers["x-frame-options"] == "SAMEORIGIN"
    assert "The first of all" in mail.text
    assert ">Unsubscribe</a>" in mail.text
    assert UNSUBSCRIBE not in mail.text  # nobody's own: the link leads nowhere


def test_a_preview_of_nothing_says_why(author: Author) -> None:
    answer = author.get(f"{ADMIN}/digests/conferences/preview")
    assert answer.status_code == 404
    assert "no entry passes the filter of the digest conferences" in answer.text
    assert author.get(f"{ADMIN}/digests/conferences/preview?cadence=hourly").status_code == 404


def test_readers_of_feeds_have_a_chart_and_a_table(author: Author) -> None:
    assert "No aggregator has told a number yet." in author.get(f"{ADMIN}/feeds").text
    days = [(NOON - timedelta(days=ago)).date().isoformat() for ago in (2, 1, 0)]
    keep_readers(author.site.store, [Counted("feed.xml", "Feedly", day, 1234) for day in days])
    page = author.get(f"{ADMIN}/feeds").text
    assert "<svg" in page
    assert re.search(r"Feedly</th><td class=\"number\">1,234<", page)


def test_bounces_complaints_and_reasons_are_told_without_addresses(author: Author) -> None:
    with_an_issue(author)
    with author.site.store.writing() as connection:
        suppressions.suppress(connection, parse_mailbox("ben@example.org"), SuppressionReason.BOUNCE, "", NOON)
        number = people.number_of(connection, parse_mailbox("ann@example.org"))
        words = "Too much of <script>, says ann@example.org"
        consents.record(connection, number, "conferences", ConsentKind.REASON, wording="", evidence=words, now=NOON)
    page = author.get(f"{ADMIN}/mail").text
    assert "They do not exist (bounced)" in page
    assert "Too much of &lt;script&gt;, says &lt;address&gt;" in page
    assert "@example.org" not in page


def test_a_store_that_cannot_be_read_is_said_on_the_page(author: Author) -> None:
    with author.site.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO lost")
    for path in (ADMIN, f"{ADMIN}/mail"):
        answer = author.get(path)
        assert answer.status_code == 503
        assert "This could not be done" in answer.text
    assert author.get(f"{ADMIN}/feeds").status_code == 200  # needs nothing of it
