"""A site whose visitors come by HTTP, without a server: its routes, a clock that stands, and a page's parts."""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import event, select
from starlette.applications import Starlette

from publisher.flows import wishes
from publisher.flows.letters import Desk
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.settings import DigestSettings, Filter, Settings, WebSettings
from publisher.store import people
from publisher.store.tables import letter, wish
from publisher.tokens import load_keys
from publisher.web import api, assets, visitors
from publisher.web.context import Context
from publisher.web.rendering import WebPages
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from publisher.errors import StoreError
    from publisher.flows.wishes import Wished
    from publisher.model.problem import Problem
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

ANN = "ann@example.org"
PUBLIC = "https://mail.example.com/"
ORIGIN = "https://blog.example.net"
PACES = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"), ("each", "each"))
TALKS = replace(CONFERENCES, name="talks", title="Talks & <b>more</b>", filter=Filter(tags=("talk",)), cadences=PACES)
WAIT = timedelta(seconds=5)  # more than a trap takes
_LINK = re.compile(r"https://mail\.example\.com(/\S+)")


def site_settings(*digests: DigestSettings, public_url: str = PUBLIC, letters: int = 1000) -> Settings:
    """Settings of a site with a web server; by default two digests, of which one has three paces."""
    made = settings(*(digests or (CONFERENCES, TALKS)), public_url=public_url)
    return replace(made, web=WebSettings(public_url=public_url, allow_origins=(ORIGIN,), letters_per_network=letters))


class Direct(httpx.BaseTransport):
    """Requests go straight to an application; what it raises comes out."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app, client=("192.0.2.7", 40000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        request.stream = httpx.ByteStream(request.read())
        answer = await self._transport.handle_async_request(request)
        sent = b"".join([part async for part in answer.aiter_raw()])  # still compressed, if it was
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(sent))


@dataclass
class Hall:
    """Where visitors come in. ``noted`` are their wishes, which are written down as well; ``rung`` counts bells,
    ``fault`` keeps wishes from being written, ``told`` is what the author hears."""

    store: Store
    folder: Path
    settings: Settings = field(default_factory=site_settings)
    now: datetime = NOON
    noted: list[Wished] = field(default_factory=list)
    rung: int = 0
    fault: StoreError | None = None
    told: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.settings, self.folder, load_keys(self.folder, {}, make=True))
        self.items = (item(1, tags=("conference", "talk")),)
        self.context = Context(
            folder=self.folder,
            store=self.store,
            settings=lambda: self.settings,
            desk=lambda: self.desk,
            items=lambda _now: self.items,
            now=lambda: self.now,
            pages=WebPages(self.folder),
            wake=self._wake,
            note=self._note,
            tell=self.told.extend,
        )
        self.app = Starlette(routes=[route for part in (assets, visitors, api) for route in part.routes(self.context)])
        self.client = httpx.Client(transport=Direct(self.app), base_url=PUBLIC)

    def _wake(self) -> None:
        self.rung += 1

    def _note(self, wished: Wished) -> None:
        if self.fault:
            raise self.fault
        self.noted.append(wished)
        wishes.note(self.store, [wished], self.now)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form as a program would."""
        return self.client.post(path, data=fields)

    def fill_in(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Open a form, take some time, and send it with what is typed."""
        page = Page(self.get(path).text)
        self.now += WAIT
        return self.post(page.action, **(page.given | fields))

    def settle(self) -> int:
        """Do what the wishes want; returns how many letters were written."""
        self.now += timedelta(seconds=1)
        return wishes.settle(self.store, self.desk, lambda: self.items, self.now).letters

    def link(self, kind: LetterKind = LetterKind.CONFIRMATION) -> str:
        """The path of the link in the newest letter of a kind."""
        query = select(letter.c.text).where(letter.c.kind == kind.value).order_by(letter.c.id.desc()).limit(1)
        with self.store.reading() as connection:
            found = _LINK.search(connection.execute(query).scalar_one())
        assert found
        return found[1]

    def subscribed(self, address: str = ANN, digest: str = "conferences", cadence: str = "") -> Subscription:
        """Somebody who went the whole way."""
        answer = self.fill_in("/subscribe", address=address, digest=digest, cadence=cadence)
        assert answer.status_code == 303, answer.text
        assert self.settle() == 1
        assert self.client.post(self.link()).status_code == 200
        return self.standing(address, digest)

    def own_page(self, address: str = ANN) -> str:
        """The path to somebody's own page."""
        assert self.fill_in("/preferences", address=address).status_code == 303
        assert self.settle() == 1
        return self.link(LetterKind.SETTINGS)

    def standing(self, address: str = ANN, digest: str = "conferences") -> Subscription:
        with self.store.reading() as connection:
            found = people.find(connection, parse_mailbox(address), digest)
        assert found
        return found

    def wishes(self) -> int:
        with self.store.reading() as connection:
            return len(connection.execute(select(wish.c.id)).all())

    def be_patient(self) -> None:
        """Forget what was counted of any network."""
        for limit in (self.context.limits.letters, self.context.limits.guesses, self.context.limits.reasons):
            limit._fresh.clear()

    def statements(self) -> AbstractContextManager[list[str]]:
        return statements(self.store)


class Page(HTMLParser):
    """The parts of a page that tests ask for: its first form, headings, links, and whatever has no label."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.title = self.text = self.action = ""
        self.given: dict[str, str] = {}
        self.language = ""
        self.unlabelled: list[str] = []
        self._open: list[str] = []
        self._labels: set[str] = set()
        self._pending: list[dict[str, str]] = []
        self.feed(html)
        self.close()
        self.unlabelled += [str(each) for each in self._pending if each.get("id", "") not in self._labels]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in {"meta", "link", "input", "br", "img"}:
            self._open.append(tag)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "label" and "for" in given:
            self._labels.add(given["for"])
        if tag == "form":
            self._form = given
            self.action = self.action or given["action"]
        if tag in {"input", "textarea", "select"}:
            self._input(given)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "title" in self._open:
            self.title += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def checked(self) -> list[str]:
        return [
            f"{given['name']}={given['value']}" for tag, given in self.tags if tag == "input" and "checked" in given
        ]

    def _input(self, given: dict[str, str]) -> None:
        if given.get("type") in {"radio", "checkbox"}:
            if "checked" in given:
                self.given[given["name"]] = given["value"]
        elif self._form["action"] == self.action:
            self.given[given["name"]] = given.get("value", "")
        if given.get("type") != "hidden" and "label" not in self._open:
            self._pending.append(given)


def sound(html: str) -> Page:
    """Read a page, and hold that it has what every page must have."""
    page = Page(html)
    assert page.language == "en"
    assert page.title.split(" · ")[0].strip()
    assert page.count("h1") == 1
    assert page.count("main") == 1
    assert not page.unlabelled
    assert not [tag for tag, given in page.tags if tag == "script" or "style" in given or "onclick" in given]
    for name, given in page.tags:
        if name == "form":
            assert given["method"] == "post"
        for described in given.get("aria-describedby", "").split():
            assert any(other.get("id") == described for _, other in page.tags)
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))
    return page


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Collect the statements that a store is asked meanwhile, without their values."""
    seen: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", heard)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", heard)
