"""What docs/security.md says of the server's pages, held on the whole application: every route, page and form."""

from __future__ import annotations

import ast
import re
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import pytest
from sqlalchemy import select
from starlette.routing import Mount, Route, Router

from publisher.errors import StoreError
from publisher.flows import wishes
from publisher.flows.figures import keep_readers
from publisher.flows.letters import Desk
from publisher.logs import Log
from publisher.model.counted import Counted
from publisher.model.issue import IssueState
from publisher.model.settings import Filter, WebSettings
from publisher.store import issues
from publisher.store.database import open_store
from publisher.store.tables import letter, subscription
from publisher.tokens import load_keys
from publisher.web import admin, archive, asking, door
from publisher.web.application import application
from publisher.web.context import Context
from publisher.web.metrics import Metrics
from publisher.web.rendering import WebPages
from publisher.web.security import POLICY
from publisher.web.sessions import LASTS
from tests.archiving import Site
from tests.calling import Direct, Page, statements
from tests.mailing import CONFERENCES, NOON, settings
from tests.shelves import a_shelf
from tests.sites import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from httpx import Response

    from publisher.flows.wishes import Wished
    from publisher.store.database import Store

PUBLIC, ROOT = "https://news.example.com", "/notes/"
ORIGIN, EVIL = "https://blog.example.net", "https://evil.example"
TOKEN = "a token that is long enough"
ANN, BEN, CLEO = "ann@example.org", "ben@example.org", "cleo@example.org"
BAD = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}&amp;"
IN_A_PATH = quote(BAD.replace("/", ""))  # where a slash, however it is written, begins the next part
WAIT = timedelta(seconds=5)
MARKUP = ("text/html", "image/svg+xml", "application/xhtml+xml")
CHANGING = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)\b", re.IGNORECASE)
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")
SHELF = a_shelf({"index.html": b"<!doctype html><title>Home</title>", "feed.xml": b"<rss version='2.0'/>"})


class House:
    """The whole application on one machine, with an author, two readers, an issue, and bad words wherever words go.

    ``heard`` is what the log was told of security, ``lines`` what else it says. ``fault`` is raised by the desk.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.now, self.folder, self.store = NOON, folder, store
        self.heard: list[str] = []
        self.lines: list[str] = []
        self.rung = 0
        self.fault: Exception | None = None
        self.site = Site(folder, store)
        paces = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"))
        talks = replace(CONFERENCES, name="talks", title=f"Talks {BAD}", filter=Filter(tags=("talk",)), cadences=paces)
        made = settings(replace(CONFERENCES, title=f"Notes {BAD}"), talks, public_url=PUBLIC + ROOT)
        web = WebSettings(public_url=PUBLIC + ROOT, allow_origins=(ORIGIN,), letters_per_network=1000)
        self.site.settings = replace(made, site=replace(made.site, title=f"Site {BAD}", description=BAD), web=web)
        self._desk = Desk(self.site.settings, folder, load_keys(folder, {}, make=True))
        self.context = Context(
            folder=folder,
            store=store,
            settings=lambda: self.site.settings,
            desk=self._at_the_desk,
            items=lambda _: self.site.items,
            now=lambda: self.now,
            pages=WebPages(folder),
            wake=self._wake,
            note=self._note,
            admin_token=TOKEN,
            say=self.heard.append,
        )
        checks = {"store": lambda: True}
        self.app = application(self.context, lambda: SHELF, Log(self.lines.append), Metrics(), checks)
        self.client = self.browser()

    def browser(self, address: str = "192.0.2.7") -> httpx.Client:
        transport = Direct(self.app)
        transport._transport.client = (address, 40_000)
        return httpx.Client(transport=transport, base_url=PUBLIC)

    def author(self, address: str = "198.51.100.1") -> httpx.Client:
        """A browser that has logged in."""
        client = self.browser(address)
        assert log_in(client).status_code == 303
        return client

    def get(self, path: str) -> Response:
        return self.client.get(path)

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data=fields)

    def fill_in(self, path: str, **fields: str) -> Response:
        page = Page(self.get(path).text)
        self.now += WAIT
        return self.post(page.action, **(page.given | fields))

    def settle(self) -> None:
        self.now += timedelta(seconds=1)
        wishes.settle(self.store, self._desk, lambda: self.site.items, self.now)

    def link(self, kind: str = "confirm") -> str:
        """The path of the newest link of a kind that was mailed."""
        with self.store.reading() as connection:
            texts = connection.execute(select(letter.c.text).order_by(letter.c.id)).scalars().all()
        return str(re.findall(rf"{PUBLIC}(/\S+/{kind}/\S+)", "\n".join(texts))[-1])

    def leaving(self) -> str:
        """The path by which the newest reader leaves."""
        newest = select(subscription.c.unsubscribe_token).order_by(subscription.c.subscriber.desc()).limit(1)
        with self.store.reading() as connection:
            return f"{ROOT}unsubscribe/{connection.execute(newest).scalar_one()}"

    def reader(self, address: str) -> str:
        """Somebody who subscribes and confirms; the path of the letter's link."""
        assert self.fill_in(f"{ROOT}subscribe", address=address, digest="conferences").status_code == 303
        self.settle()
        link = self.link()
        assert self.client.post(link).status_code == 200
        return link

    def own_page(self, address: str) -> str:
        self.fill_in(f"{ROOT}preferences", address=address)
        self.settle()
        return self.link("preferences")

    def issue(self, state: IssueState) -> None:
        self.site.publish(1, title=f"Post {BAD}")
        self.site.send()
        self.site.issue(1, state)

    def state(self) -> IssueState:
        with self.store.reading() as connection:
            found = issues.find(connection, "conferences", 1)
        assert found is not None
        return found.state

    def statements(self) -> AbstractContextManager[list[str]]:
        return statements(self.store)

    def routes(self) -> list[Route]:
        """Every route that the application has, with its whole path."""
        found: object = self.app
        while not isinstance(found, Router):
            found = vars(found).get("_app") or vars(found)["_pages"]
        return list(_flat(found, ""))

    def addresses(self) -> dict[str, str]:
        """Every route's path by its template, with links that are good."""
        given = {"rest:path": "x", "digest": "conferences", "name": "conferences", "number:int": "1", "number": "1"}
        confirm, own, leave = self.good_links
        made = {}
        for route in self.routes():
            kinds = {"confirm": confirm, "preferences": own, "unsubscribe": leave}
            token = next((link.rpartition("/")[2] for kind, link in kinds.items() if f"/{kind}/" in route.path), "x")
            made[route.path] = re.sub(r"{([^}]+)}", lambda part: {**given, "token": token}[part[1]], route.path)  # noqa: B023 - used at once
        return made

    def furnish(self, state: IssueState = IssueState.HELD) -> House:
        """Have readers, an issue, counted feed readers, and words of somebody who left."""
        confirm = self.reader(ANN)
        self.reader(BEN)
        self.good_links = (confirm, self.own_page(ANN), self.leaving())
        self.issue(state)
        keep_readers(self.store, [Counted(f"{BAD}.xml", BAD, self.now.date().isoformat(), 7)])
        return self

    def _at_the_desk(self) -> Desk:
        if self.fault:
            raise self.fault
        return self._desk

    def _wake(self) -> None:
        self.rung += 1

    def _note(self, wished: Wished) -> None:
        wishes.note(self.store, [wished], self.now)


def _flat(router: Router | Mount, prefix: str) -> Iterator[Route]:
    for each in router.routes or ():
        if isinstance(each, Mount):
            inner = each.app
            assert isinstance(inner, Router)
            yield from _flat(inner, prefix + each.path)
        else:
            assert isinstance(each, Route)
            whole = Route(prefix + each.path, each.endpoint)
            whole.methods = each.methods
            yield whole


def log_in(client: httpx.Client, token: str = TOKEN) -> Response:
    return client.post(f"{ROOT}admin/login", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})


def form_of(client: httpx.Client) -> str:
    """What a session's forms hold."""
    return Page(client.get(f"{ROOT}admin/mail").text).given["form"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        yield House(tmp_path, store)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Response]]]:
    """A house, and what everybody saw who walked through all of it."""
    folder = tmp_path_factory.mktemp("house")
    with closing(open_store("sqlite:///mailing.sqlite3", folder)) as store:
        house = House(folder, store).furnish()
        yield house, {**visitors_walk(house), **authors_walk(house), **others_walk(house)}


def visitors_walk(house: House) -> dict[str, Response]:
    """Subscribe, confirm, choose, leave, and be wrong at each step."""
    bad, seen = IN_A_PATH, dict[str, httpx.Response]()
    subscribe, preferences = f"{ROOT}subscribe", f"{ROOT}preferences"
    seen["form"] = house.get(f"{subscribe}?digest={bad}&cadence={bad}")
    seen["form, faulty"] = house.fill_in(subscribe, address=BAD, digest=BAD, cadence=BAD)
    seen["form, too soon"] = house.post(subscribe, address=BAD, digest=BAD)
    seen["asked"] = house.fill_in(subscribe, address=CLEO, digest="conferences")
    seen["look in your mail"] = house.get(seen["asked"].headers["location"])
    house.settle()
    confirm = house.link()
    for label, answer in (
        ("question", house.get(confirm)),
        ("yes", house.post(confirm)),
        ("twice", house.get(confirm)),
    ):
        seen[f"confirm: {label}"] = answer
    seen["confirm: lost"] = house.get(f"{ROOT}confirm/{bad}")
    seen["settings form"] = house.get(preferences)
    seen["settings form, faulty"] = house.fill_in(preferences, address=BAD)
    seen["settings asked"] = house.fill_in(preferences, address=CLEO)
    seen["settings sent"] = house.get(f"{preferences}/sent")
    house.settle()
    own = house.link("preferences")
    seen["own page"] = house.get(own)
    seen["own page, faulty"] = house.post(own, **{"cadence-talks": BAD})
    seen["own page, chosen"] = house.post(own, **{"cadence-talks": "monthly"})
    seen["own page, saved"] = house.get(f"{own}?saved")
    seen["own data"] = house.get(f"{own}/data")
    seen["forget?"] = house.get(f"{own}/forget")
    leave = house.leaving()
    seen["leave?"] = house.get(leave)
    seen["left"] = house.post(leave)
    seen["left, again"] = house.get(leave)
    seen["reason"] = house.post(f"{leave}/reason", why="often", words=BAD)
    seen["thanks"] = house.get(f"{ROOT}unsubscribe/thanks")
    seen["leave: lost"] = house.get(f"{ROOT}unsubscribe/{bad}")
    seen["forgotten, done"] = house.post(f"{own}/forget")
    seen["forgotten"] = house.get(f"{ROOT}preferences/forgotten")
    guesser = house.browser("203.0.113.9")
    seen["busy"] = until_busy(guesser, f"{ROOT}confirm/x")
    return seen


def until_busy(client: httpx.Client, path: str) -> Response:
    """Try a link that is no good until a network is told to wait."""
    for _ in range(500):
        answer = client.get(path)
        if answer.status_code == 429:
            return answer
    raise AssertionError(path)


def authors_walk(house: House) -> dict[str, Response]:
    """Come in, look at everything, do something, leave."""
    seen, stranger = dict[str, httpx.Response](), house.browser("198.51.100.2")
    home, issue = f"{ROOT}admin", f"{ROOT}admin/issues/conferences/1"
    seen["admin, outside"] = stranger.get(home)
    seen["admin: login"] = stranger.get(f"{home}/login")
    seen["admin: wrong"] = log_in(stranger, BAD)
    seen["admin: in"] = log_in(stranger)
    for path in ("", "/", "/feeds", "/mail", "/digests/conferences/preview", "/digests/conferences/preview/mail"):
        seen[f"admin{path}"] = stranger.get(home + path)
    for path in ("", ".json", "/cancel"):
        seen[f"admin: issue{path}"] = stranger.get(issue + path)
    seen["admin: no issue"] = stranger.get(f"{home}/issues/{IN_A_PATH}/1")
    seen["admin: refused"] = stranger.post(f"{issue}/cancel", data={"form": BAD})
    seen["admin: done"] = stranger.post(f"{issue}/approve", data={"form": form_of(stranger)})
    seen["admin: not twice"] = stranger.post(f"{issue}/approve", data={"form": form_of(stranger)})
    house.site.issue(1, IssueState.DONE)
    seen["admin: out"] = stranger.post(f"{home}/logout", data={"form": form_of(stranger)})
    return seen


def others_walk(house: House) -> dict[str, Response]:
    """The archive, programs, machines, and what is not there."""
    names = {
        "issues": f"{ROOT}issues/",
        "issues of one": f"{ROOT}issues/conferences/",
        "issue": f"{ROOT}issues/conferences/1",
        "issue feed": f"{ROOT}issues/conferences/feed.xml",
        "style": f"{ROOT}assets/web.css",
        "script": f"{ROOT}assets/admin.js",
        "api": f"{ROOT}api/openapi.json",
        "api: digests": f"{ROOT}api/digests",
        "api: issues": f"{ROOT}api/issues",
        "api: nothing": f"{ROOT}api/{quote(BAD, safe='')}",
        "health": "/healthz",
        "ready": "/readyz",
        "numbers": "/metrics",
        "nothing": f"{ROOT}{quote(BAD, safe='')}",
    }
    seen = {label: house.get(path) for label, path in names.items()}
    seen["wrong method"] = house.client.put(f"{ROOT}subscribe")
    seen["too large"] = house.client.post(f"{ROOT}subscribe", content=b"x" * 100_000)
    seen["api: bad body"] = house.client.post(f"{ROOT}api/subscribe", json={"address": BAD, BAD: BAD})
    for label, fault in (("broken", RuntimeError(f"inside {BAD}")), ("does not work", StoreError(f"inside {BAD}"))):
        house.fault = fault
        seen[label] = house.get(house.good_links[0])
        seen[f"api: {label}"] = house.get(house.good_links[0].replace(ROOT, f"{ROOT}api/"))
    house.fault = None
    return seen


# What is written into pages (V1)


class _Markup(HTMLParser):
    """What could run or load something."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[dict[str, str]] = []
        self.styles = 0
        self.handlers: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.shown = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(given)
        self.styles += (tag == "style") + ("style" in given)
        self.handlers += [name for name in given if name.startswith("on")]
        for name in ("href", "src", "action", "formaction", "data", "poster", "srcset"):
            if name in given:
                self.links.append((f"{tag} {name}", given[name]))
        self.shown += "".join(given.values())

    def handle_data(self, data: str) -> None:
        self.shown += data


def _pages(seen: Mapping[str, Response]) -> dict[str, _Markup]:
    return {label: _Markup(each.text) for label, each in seen.items() if _kind(each) in MARKUP}


def _kind(answer: Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0]


def test_every_page_of_the_application_was_walked_through(walked: tuple[House, dict[str, Response]]) -> None:
    house, seen = walked
    met = {str(each.request.url.raw_path.partition(b"?")[0], "ascii") for each in seen.values()}
    patterns = {route.path: re.sub(r"\\{[^}]+}", ".+", re.escape(route.path)) for route in house.routes()}
    pages = {path for path in patterns if "/api/" not in path and not path.endswith(("/resume", "/private", "/public"))}
    skipped = {path for path in pages if not any(re.fullmatch(patterns[path], each) for each in met)}
    assert {path.removeprefix(ROOT) for path in skipped} <= {
        *("subscribe/", "preferences/", "unsubscribe/{token}/settings", "unsubscribe/{token}/return"),
        *(
            "issues",
            "issues/{digest}",
            "issues/{digest}/atom.xml",
            "issues/{digest}/feed.json",
            "issues/{digest}/{number}/",
        ),
    }


def test_whatever_is_written_into_a_page_stays_words(walked: tuple[House, dict[str, Response]]) -> None:
    pages = _pages(walked[1])
    for label, page in pages.items():
        assert not page.handlers, label
        assert [each for each in page.scripts if set(each) - {"src", "defer"} or "src" not in each] == [], label
        assert ("img" not in page.tags) or label.startswith("admin/digests"), label
    assert len(pages) > 35
    heading = f"Site {BAD}"  # as it was written: no part of it was read
    for label in ("form", "confirm: question", "own page", "left", "issues", "admin", "admin/mail", "busy", "broken"):
        assert heading in pages[label].shown, label


def test_no_page_holds_a_script_or_a_style_of_its_own(walked: tuple[House, dict[str, Response]]) -> None:
    for label, page in _pages(walked[1]).items():
        assert {each["src"] for each in page.scripts} <= {f"{ROOT}assets/admin.js"}, label
        if label not in {"issue", "admin/digests/conferences/preview/mail"}:  # mails, which have policies of their own
            assert page.styles == 0, label
    script = walked[1]["script"].text
    assert "innerHTML" not in script
    assert "document.write" not in script
    assert "eval" not in script


def test_links_lead_by_web_addresses_and_forms_to_us(walked: tuple[House, dict[str, Response]]) -> None:
    for label, page in _pages(walked[1]).items():
        for name, link in page.links:
            assert urlsplit(link).scheme in {"", "https", "http", "mailto"}, (label, name, link)
            if "action" in name or name == "script src":
                assert link.startswith(ROOT), (label, name, link)


def test_json_that_holds_markup_is_never_read_as_a_page(walked: tuple[House, dict[str, Response]]) -> None:
    told = {label: each for label, each in walked[1].items() if "json" in _kind(each)}
    assert len(told) > 7
    for label, each in told.items():
        each.json()
        assert each.headers["x-content-type-options"] == "nosniff", label
    assert BAD in walked[1]["api: digests"].json()["digests"][0]["title"]
    assert walked[1]["own data"].headers["content-disposition"].startswith("attachment;")


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""), node


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((CHECKOUT / "publisher").rglob("*.py")):
        yield path.relative_to(CHECKOUT / "publisher").as_posix(), ast.parse(path.read_text("utf-8"))


def test_no_statement_to_a_database_is_put_together_from_values() -> None:
    """Each place where one is not written out is known: names of our own tables and kinds of transactions."""
    known = {"store/audience.py", "store/bulk.py", "store/sqlite.py", "store/database.py"}
    asked = {"text", "exec_driver_sql", "execute", "executemany", "executescript"}
    for path, tree in _sources():
        for name, call in _calls(tree):
            built = call.args and isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))
            if name in asked and built and path.startswith(("store/", "web/", "flows/", "engine/")):
                assert path in known, (path, call.lineno)


def test_nothing_that_is_read_becomes_code_or_a_command() -> None:
    places: dict[str, set[str]] = {}
    for path, tree in _sources():
        for name, call in _calls(tree):
            assert not (isinstance(call.func, ast.Name) and name in {"eval", "exec", "compile"}), (path, call.lineno)
            assert name not in {"system", "popen", "unsafe_load", "full_load"}, (path, call.lineno)
            assert not any(each.arg == "shell" for each in call.keywords), (path, call.lineno)
        for node in ast.walk(tree):
            found = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            found += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for each in found:
                places.setdefault(each.partition(".")[0], set()).add(path)
    assert {"pickle", "marshal", "shelve", "dill", "jsonpickle"}.isdisjoint(places)
    assert places["subprocess"] == {"engine/press.py", "flows/check.py"}  # fixed words: ourselves, and git
    assert "random" not in places  # what must not be guessed comes from secrets


def test_only_hubs_and_the_relay_are_ever_spoken_to() -> None:
    """And the feeds that digests follow, or that an author names: all addresses stand in config.toml or in a command.

    The hubs' module also fetches the site's own feeds.
    """
    fetches = {"output/hubs.py", "feeds/fetching.py"}
    outward = {"httpx": fetches, "smtplib": {"mail/smtp.py"}, "urllib.request": set[str](), "http.client": set[str]()}
    for path, tree in _sources():
        for node in ast.walk(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert path in outward.get(name, {path}), path
        for name, call in _calls(tree):
            if name in {"create_connection", "open_connection", "connect_ex", "urlopen"}:
                assert path == "mail/smtp.py", (path, call.lineno)


def test_only_strong_hashes_are_used() -> None:
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hashlib":
                assert node.attr in {"sha256", "blake2b", "scrypt"}, (path, node.lineno)
            if isinstance(node, ast.ImportFrom) and node.module == "hashlib":
                assert {each.name for each in node.names} <= {"sha256", "blake2b", "scrypt"}, path
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = {each.name for each in node.names} | {getattr(node, "module", "") or ""}
                assert not any(name.partition(".")[0] in {"Crypto", "cryptography", "nacl"} for name in names), path


def test_secrets_are_compared_in_constant_time() -> None:
    secret = {"token", "given", "signature", "wanted", "form", "cookie", "admin_token"}
    for path, tree in _sources():
        if path not in {"web/sessions.py", "web/traps.py", "web/door.py", "web/metrics.py", "tokens.py"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
                names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                names |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
                assert not names & secret, (path, node.lineno)
    called = [name for path, tree in _sources() if path == "web/sessions.py" for name, _ in _calls(tree)]
    assert "compare_digest" in called


def test_every_xml_parser_is_restricted() -> None:
    for path, tree in _sources():
        for name, call in _calls(tree):
            if name == "XMLParser":
                told = {each.arg: ast.unparse(each.value) for each in call.keywords}
                assert (told["resolve_entities"], told["no_network"], told["load_dtd"]) == ("False", "True", "False")
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        parsers = (node for node in froms if [one.name for one in node.names] != ["SAXException"])  # only an error
        imported = {node.module for node in parsers}
        assert not any((name or "").startswith(("xml.etree", "xml.sax", "xml.dom")) for name in imported), path


# What is taken in, and in which order (V2)


def test_the_steps_cannot_be_skipped(house: House) -> None:
    """No subscription without the letter, no letter's link twice for something else, no erasure without one's link."""
    house.fill_in(f"{ROOT}subscribe", address=ANN, digest="conferences")
    house.settle()
    confirm = house.link()
    token = confirm.rpartition("/")[2]
    for path in (f"preferences/{token}", f"preferences/{token}/forget", f"unsubscribe/{token}"):
        assert house.post(ROOT + path).status_code == 404
        assert house.client.post(f"{ROOT}api/{path}", json={}).status_code == 404
    with house.store.reading() as connection:
        assert connection.execute(select(subscription.c.state)).scalars().all() == ["pending"]
    assert house.post(confirm).status_code == 200


def test_a_body_that_is_too_large_is_refused_on_every_route(house: House) -> None:
    house.furnish()
    author = house.author()
    large = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    taken = 0
    for path in house.addresses().values():
        answer = author.post(path, content=b"a=" + b"x" * (asking.MOST_BODY + 1), headers=large)
        assert answer.status_code in {404, 405, 413}, path
        taken += answer.status_code == 413
    assert taken > 20


def test_a_file_is_never_taken(house: House) -> None:
    before = sorted(house.folder.rglob("*"))
    for path in ("subscribe", "preferences", "admin/login"):
        for name in ("address", "../../address", "token"):
            given = {name: ("../../../evil.html", b"<script>alert(1)</script>", "text/html")}
            assert house.client.post(ROOT + path, files=given).status_code < 500
    assert sorted(house.folder.rglob("*")) == before
    assert house.get(f"{ROOT}evil.html").status_code == 404


# What browsers are told (V3)


def test_every_answer_of_ours_carries_every_header(walked: tuple[House, dict[str, Response]]) -> None:
    own = {"issue": archive.POLICY, "nothing": "frame-ancestors 'self'"}
    own["admin/digests/conferences/preview/mail"] = admin.MAIL_POLICY
    own["admin/digests/conferences/preview"] = f"{POLICY}; frame-src 'self'"
    for label, each in walked[1].items():
        headers = each.headers
        assert headers["content-security-policy"] == own.get(label, POLICY), label
        assert headers["x-content-type-options"] == "nosniff", label
        assert headers["strict-transport-security"] == "max-age=31536000", label
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin", label
        assert headers["x-frame-options"] in {"DENY", "SAMEORIGIN"}, label
        assert "camera=()" in headers["permissions-policy"], label
        assert "server" not in headers, label
        assert "x-powered-by" not in headers, label


def test_every_policy_forbids_scripts_of_others_frames_and_bases() -> None:
    for policy in (POLICY, archive.POLICY, admin.MAIL_POLICY):
        told = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        assert told["default-src"] == "'none'"
        assert told.get("script-src", "'self'") == "'self'"
        assert told["base-uri"] == "'none'"
        assert told["frame-ancestors"] in {"'none'", "'self'"}
        assert told["form-action"] in {"'none'", "'self'"}
    assert "unsafe" not in POLICY


def test_no_address_with_a_token_is_told_to_other_sites(walked: tuple[House, dict[str, Response]]) -> None:
    for label, each in walked[1].items():
        path = each.request.url.path
        if "/admin" in path and label != "script":
            assert each.headers["referrer-policy"] == "same-origin", label
        elif label != "nothing":  # the author's own page, whose address holds nothing of ours
            assert each.headers["referrer-policy"] == "no-referrer", label


def test_what_is_personal_is_kept_in_no_cache(walked: tuple[House, dict[str, Response]]) -> None:
    shared = {"issues", "issues of one", "issue", "issue feed", "style", "script", "api: issues", "nothing"}
    for label, each in walked[1].items():
        if label not in shared:
            assert each.headers["cache-control"] == "no-store", label


def test_every_cookie_is_the_sessions_and_well_kept(walked: tuple[House, dict[str, Response]]) -> None:
    setting = {label for label, each in walked[1].items() if "set-cookie" in each.headers}
    assert setting == {"admin: in", "admin: out"}
    for label in setting:
        name, *terms = walked[1][label].headers["set-cookie"].split("; ")
        assert name.startswith("__Host-publisher=")
        assert {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"} < set(terms)
        assert not any(term.lower().startswith("domain") for term in terms)


def test_other_origins_read_what_config_lets_them_and_nothing_else(house: House) -> None:
    house.furnish()
    author = house.author()
    for template, path in house.addresses().items():
        for origin in (ORIGIN, EVIL, "null"):
            answer = author.get(path, headers={"Origin": origin})
            told = answer.headers.get("access-control-allow-origin", "")
            may = origin == ORIGIN and template.startswith(f"{ROOT}api/")
            assert told == (ORIGIN if may else ""), (path, origin)
            assert "access-control-allow-credentials" not in answer.headers


def test_every_form_below_admin_wants_the_sessions_own_token(house: House) -> None:
    house.furnish()
    author, other = house.author(), house.author("198.51.100.77")
    paths = house.addresses()
    posts = [each.path for each in house.routes() if "/admin" in each.path and "POST" in (each.methods or ())]
    assert len(posts) >= 7
    honest = {"Sec-Fetch-Site": "same-origin"}
    before = (house.state(), house.rung)
    for path in (paths[each] for each in posts if not each.endswith("/login")):
        for form in ("", "x", form_of(other), TOKEN):
            assert author.post(path, data={"form": form}, headers=honest).status_code == 403, path
        assert author.post(path, headers=honest).status_code == 403, path
        for told in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": EVIL}):
            assert author.post(path, data={"form": form_of(author)}, headers=told).status_code == 403, path
        assert author.post(path, json={"form": form_of(author)}, headers=honest).status_code == 403, path
        stranger = house.browser("203.0.113.80").post(path, data={"form": form_of(author)}, headers=honest)
        assert (stranger.status_code, stranger.headers["location"]) == (303, f"{ROOT}admin/login"), path
    assert (house.state(), house.rung) == before
    assert author.get(f"{ROOT}admin").status_code == 200  # nobody was logged out, either


def test_every_route_below_admin_is_for_who_is_logged_in(house: House) -> None:
    house.furnish()
    stranger, forger = house.browser(), house.browser()
    forger.cookies.set("__Host-publisher", "made-up.99999999999.signature", domain="news.example.com")
    open_to_all = {f"{ROOT}admin/login", f"{ROOT}admin/"}
    for template, path in house.addresses().items():
        if "/admin" not in template or template in open_to_all or "assets" in template:
            continue
        for client in (stranger, forger):
            for method in ("GET", "POST"):
                answer = client.request(method, path)
                assert answer.status_code in {303, 401, 405}, (method, path)
                assert "Notes" not in answer.text
                assert "set-cookie" not in answer.headers


def test_the_json_routes_do_nothing_for_a_form_of_another_site(house: House) -> None:
    house.furnish()
    simple = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B")
    for template, path in house.addresses().items():
        if not template.startswith(f"{ROOT}api/"):
            continue
        for kind in simple:
            with house.statements() as statements:
                answer = house.client.post(path, content=b'{"address": "a@b.example"}', headers={"Content-Type": kind})
            assert answer.status_code in {404, 405, 415}, (path, kind)
            assert not [each for each in statements if CHANGING.match(each)], path


def test_no_method_but_post_changes_anything_on_any_route(house: House) -> None:
    house.furnish()
    author = house.author()
    rung = house.rung
    for path in house.addresses().values():
        for method in METHODS:
            with house.statements() as statements:
                answer = author.request(method, path, headers={"Sec-Fetch-Site": "same-origin"})
            assert not [each for each in statements if CHANGING.match(each)], (method, path)
            assert answer.status_code < 500, (method, path)
            if method not in {"GET", "HEAD", "OPTIONS"}:
                assert answer.status_code in {404, 405}, (method, path)
    assert house.rung == rung
    assert author.get(f"{ROOT}admin").status_code == 200


def test_every_route_that_changes_something_is_a_post_alone_or_has_a_page_before_it(house: House) -> None:
    """Below /admin each action is a route that answers POST and nothing else."""
    actions = [each for each in house.routes() if "/admin" in each.path and "POST" in (each.methods or ())]
    assert {frozenset(each.methods or ()) for each in actions} == {frozenset({"POST"})}


@pytest.mark.parametrize("path", ["//evil.example/x", "/%5cevil.example", "/\\evil.example", "/%2f%2fevil.example"])
def test_nobody_is_sent_elsewhere(house: House, path: str) -> None:
    for where in (path, f"{ROOT}{path}", f"{ROOT}admin{path}", f"{ROOT}issues{path}", f"{ROOT}admin/login?next={EVIL}"):
        raw = httpx.URL(PUBLIC).copy_with(raw_path=where.encode())
        answer = house.client.get(raw)
        assert "evil" not in answer.headers.get("location", ""), where
    answer = house.browser().post(f"{ROOT}admin/login?next={EVIL}", data={"token": TOKEN, "next": EVIL})
    assert answer.headers["location"] == f"{ROOT}admin"


def test_every_redirect_is_a_path_of_ours(walked: tuple[House, dict[str, Response]]) -> None:
    moved = {label: each.headers["location"] for label, each in walked[1].items() if "location" in each.headers}
    assert len(moved) > 5
    for label, place in moved.items():
        assert place.startswith(ROOT), label
        assert not place.startswith("//"), label


def test_the_host_that_a_visitor_claims_is_built_into_nothing(house: House) -> None:
    house.furnish()
    claimed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Original-URL": f"{ROOT}admin"}
    claimed |= {"Forwarded": "host=evil.example", "X-HTTP-Method-Override": "POST", "X-Forwarded-Proto": "http"}
    for path in house.addresses().values():
        answer = house.client.get(path, headers=claimed)
        assert "evil.example" not in answer.text, path
        assert "evil.example" not in str(answer.headers), path
    house.client.headers.update(claimed)
    house.fill_in(f"{ROOT}subscribe", address=CLEO, digest="conferences")
    house.settle()
    assert house.link().startswith(ROOT)
    with house.store.reading() as connection:
        texts = connection.execute(select(letter.c.text)).scalars().all()
    assert not any("evil.example" in each for each in texts)


# What answers are (V4)


def test_every_answer_says_what_it_is(walked: tuple[House, dict[str, Response]]) -> None:
    for label, each in walked[1].items():
        if not each.content:
            continue
        kind = each.headers["content-type"]
        if kind.startswith("text/") or "xml" in kind:
            assert "charset=utf-8" in kind.lower(), label
        else:
            assert kind == "application/json", label
        each.content.decode("utf-8")


# The author's way in (V6, V7)


def test_where_no_token_is_set_nobody_can_come_in(tmp_path: Path) -> None:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        made = House(tmp_path, store)
        bare = replace(made.context, admin_token="")
        made.app = application(bare, lambda: SHELF, Log(made.lines.append), Metrics(), {})
        client = made.browser()
        for word in ("", "admin", "password", "publisher", "author"):
            assert log_in(client, word).status_code == 404
        assert client.get(f"{ROOT}admin").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_token_is_taken_exactly_as_it_was_typed_and_never_from_an_address(house: House) -> None:
    for number, word in enumerate((TOKEN.upper(), f"{TOKEN} ", f" {TOKEN}", TOKEN[:-1], f"{TOKEN}\0", f"{TOKEN}x")):
        assert log_in(house.browser(f"10.{number}.0.1"), word).status_code == 403
    for path in (f"{ROOT}admin?token={quote(TOKEN)}", f"{ROOT}admin/login?token={quote(TOKEN)}"):
        assert "set-cookie" not in house.browser().get(path).headers
    assert house.get(f"/metrics?token={quote(TOKEN)}").status_code == 401


def test_any_token_of_enough_characters_will_do(house: House) -> None:
    for number, word in enumerate(("correct horse battery staple", "пароль из шестнадцати", "+&=%;" * 4, "🐎" * 16)):
        app = application(replace(house.context, admin_token=word), lambda: SHELF, Log(print), Metrics(), {})
        house.app = app
        assert log_in(house.browser(f"10.{number}.0.1"), word).status_code == 303


def test_the_field_for_the_token_hides_it_and_helps_password_managers(house: House) -> None:
    page = Page(house.get(f"{ROOT}admin/login").text)
    field = next(given for tag, given in page.tags if given.get("name") == "token")
    assert (field["type"], field["autocomplete"]) == ("password", "current-password")
    assert not any(name.startswith("on") or name == "maxlength" for name in field)


def test_a_new_login_ends_the_session_that_the_browser_had(house: House) -> None:
    client = house.author()
    before = dict(client.cookies)
    assert log_in(client).status_code == 303
    assert dict(client.cookies) != before
    assert client.get(f"{ROOT}admin").status_code == 200
    assert house.browser().get(f"{ROOT}admin", headers=_cookie(before)).status_code == 303


def test_a_session_is_over_when_it_ends_whoever_kept_the_cookie(house: House) -> None:
    client = house.author()
    kept = _cookie(dict(client.cookies))
    assert house.browser().get(f"{ROOT}admin", headers=kept).status_code == 200
    out = client.post(f"{ROOT}admin/logout", data={"form": form_of(client)})
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert out.headers["clear-site-data"] == '"cache"'
    assert house.browser().get(f"{ROOT}admin", headers=kept).status_code == 303
    late = house.author("198.51.100.9")
    house.now += LASTS
    assert late.get(f"{ROOT}admin").status_code == 303


def _cookie(cookies: Mapping[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def test_every_page_behind_the_login_offers_the_way_out(walked: tuple[House, dict[str, Response]]) -> None:
    inside = ("admin", "admin/feeds", "admin/mail", "admin: issue", "admin: issue/cancel", "admin: no issue")
    pages = _pages(walked[1])
    for label in (*inside, "admin/digests/conferences/preview"):
        assert ("form action", f"{ROOT}admin/logout") in pages[label].links, label


# Who may (V8)


def test_a_link_is_good_for_its_owner_and_its_purpose(house: House) -> None:
    house.reader(BEN)
    house.reader(ANN)
    own = house.own_page(ANN)
    assert ANN in house.get(own).text
    assert BEN not in house.get(own).text + house.get(f"{own}/data").text
    token = own.rpartition("/")[2]
    for path in (f"confirm/{token}", f"unsubscribe/{token}", f"api/confirm/{token}", f"api/unsubscribe/{token}"):
        assert house.get(ROOT + path).status_code == 404, path
    stranger = house.browser("203.0.113.5")
    other = token[:-1] + ("y" if token.endswith("x") else "x")
    assert ANN not in stranger.get(f"{ROOT}preferences/{other}").text


# Answers to the author and to programs (V14, V15)


def test_the_author_sees_numbers_and_no_addresses(walked: tuple[House, dict[str, Response]]) -> None:
    for label, each in walked[1].items():
        if label.startswith("admin"):
            assert "@example.org" not in each.text, label


def test_programs_get_the_fields_that_are_described_and_no_others(walked: tuple[House, dict[str, Response]]) -> None:
    seen = walked[1]
    assert set(seen["api: digests"].json()["digests"][0]) == {"name", "title", "cadences"}
    told = {"state", "words", "reason", "over", "total", "counts", "bar"}
    assert set(seen["admin: issue.json"].json()) == told
    for label in ("own data", "admin: issue.json", "api: issues"):
        assert "token" not in seen[label].text, label
    assert set(seen["api: bad body"].json()) == {"error", "remedy", "field"}


# What is said, and what is not (V16)


def test_faults_tell_visitors_nothing_of_the_inside_and_the_author_everything(
    walked: tuple[House, dict[str, Response]],
) -> None:
    house, seen = walked
    statuses = {label: seen[label].status_code for label in ("broken", "api: broken", "does not work")}
    assert statuses == {"broken": 500, "api: broken": 500, "does not work": 503}
    for label, each in seen.items():
        for inside in ("inside", "Traceback", 'File "', "sqlite", "SELECT", str(house.folder), "publisher/web"):
            assert inside not in each.text, (label, inside)
    assert "RuntimeError: inside" in "\n".join(house.lines)


def test_what_touches_security_is_told_to_the_log(house: House) -> None:
    house.furnish()
    client, issue = house.browser("203.0.113.44"), f"{ROOT}admin/issues/conferences/1/approve"
    assert client.post(issue).status_code == 303
    log_in(client, "wrong")
    log_in(client)
    client.post(issue, data={"form": "x"})
    client.post(f"{ROOT}admin/login", data={"token": TOKEN}, headers={"Sec-Fetch-Site": "cross-site"})
    client.post(f"{ROOT}admin/logout", data={"form": form_of(client)})
    assert house.heard == [door.STRANGER, door.REFUSED, door.CAME, door.FOREIGN, door.FOREIGN, door.LEFT]
    house.heard.clear()
    for _ in range(10):
        log_in(client, "wrong")
    assert house.heard[:3] == [door.REFUSED] * 3
    assert set(house.heard[3:]) == {door.TOO_MANY}
    for path in (f"{ROOT}confirm/x", f"{ROOT}api/confirm/x"):
        house.heard.clear()
        until_busy(client, path)
        assert house.heard == [asking.LIMITED]


def test_what_the_log_is_told_holds_nobody(walked: tuple[House, dict[str, Response]]) -> None:
    said = "\n".join(walked[0].heard)
    assert {door.CAME, door.REFUSED, door.FOREIGN, door.LEFT, asking.LIMITED} <= set(walked[0].heard)
    for secret in ("@", "198.51.100", "203.0.113", "192.0.2", TOKEN, BAD, "__Host", *walked[0].good_links):
        assert secret not in said
