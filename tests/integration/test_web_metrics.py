"""What machines ask: health, readiness, numbers."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from publisher.flows.figures import keep_readers
from publisher.model.counted import Counted
from publisher.model.issue import IssueState
from publisher.store.database import open_store
from publisher.web.context import Context
from publisher.web.metrics import Look, Measured, Metrics, routes
from publisher.web.rendering import WebPages
from tests.archiving import Site
from tests.mailing import NOON
from tests.servers import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx import Response
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from publisher.flows.letters import Desk

TOKEN = "a token that is long enough"


@dataclass
class Machine:
    """A program that asks."""

    site: Site
    token: str = TOKEN
    metrics: Metrics = field(default_factory=Metrics)
    checks: dict[str, Callable[[], bool]] = field(default_factory=dict)
    app: Measured | None = None

    def get(self, path: str, method: str = "GET", **headers: str) -> Response:
        if self.app is None:
            self.app = Measured(self._application(), self.metrics)
        app = self.app

        async def asked() -> Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(asked())

    def numbers(self) -> dict[tuple[str, ...], float]:
        """Every number by its name and the values of its labels."""
        answer = self.get("/metrics", authorization=f"Bearer {TOKEN}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return {
            (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
            for family in text_string_to_metric_families(answer.text)
            for one in family.samples
        }

    def _application(self) -> Starlette:
        context = Context(
            folder=self.site.folder,
            store=self.site.store,
            settings=lambda: self.site.settings,
            desk=lambda: cast("Desk", None),  # no letter is written here
            items=lambda _: self.site.items,
            now=lambda: NOON,
            pages=WebPages(self.site.folder),
            wake=lambda: None,
            note=lambda _: None,
            admin_token=self.token,
        )
        inner = [Route("/confirm/{token}", lambda _: PlainTextResponse("yes")), Route("/broken", _broken)]
        return Starlette(routes=[*routes(context, self.metrics, self.checks), Mount("/notes", routes=inner)])


def _broken(request: Request) -> PlainTextResponse:
    raise HTTPException(503, str(request.url))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        yield Machine(Site(tmp_path, store))


def test_a_process_that_lives_says_ok_and_touches_nothing(machine: Machine) -> None:
    machine.site.store.close()
    machine.site.store.path.unlink()  # type: ignore[union-attr] # it is a file here
    answer = machine.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert machine.get("/healthz", "HEAD").status_code == 200


def test_a_process_is_ready_when_each_part_is(machine: Machine) -> None:
    parts = {"store": True, "shelf": True}
    machine.checks = {name: lambda name=name: parts[name] for name in parts}  # type: ignore[misc] # a default binds
    answer = machine.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": {"store": True, "shelf": True}})
    parts["shelf"] = False
    answer = machine.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "checks": {"store": True, "shelf": False}})
    del parts["store"]
    answer = machine.get("/readyz")
    assert answer.json()["checks"] == {"store": False, "shelf": False}
    assert "KeyError" not in answer.text


def test_numbers_are_for_who_has_the_token(machine: Machine) -> None:
    for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"authorization": f"Basic {TOKEN}"}):
        answer = machine.get("/metrics", **given)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "publisher_" not in answer.text
    assert machine.get("/metrics", authorization=f"bearer {TOKEN}").status_code == 200


def test_guesses_have_an_end(machine: Machine) -> None:
    answers = [machine.get("/metrics", authorization=f"Bearer {number}").status_code for number in range(31)]
    assert answers == [401] * 30 + [429]


@pytest.mark.parametrize("token", ["", "short"])
def test_without_a_good_token_there_are_none(machine: Machine, token: str) -> None:
    machine.token = token
    for given in ("", "short", TOKEN):
        assert machine.get("/metrics", authorization=f"Bearer {given}").status_code == 404
    assert machine.get("/healthz").status_code == 200


def test_requests_are_counted_by_the_template_of_their_route(machine: Machine) -> None:
    for path in ("/notes/confirm/secret1", "/notes/confirm/secret2", "/notes/broken", "/made/up", "/made/up/too"):
        machine.get(path)
    machine.get("/made/up", "BREW")
    found = machine.numbers()
    name = "publisher_http_requests_total"
    counted = {key[1:]: value for key, value in found.items() if key[0] == name}
    assert counted == {
        ("GET", "/confirm/{token}", "2xx"): 2,
        ("GET", "/broken", "5xx"): 1,
        ("GET", "elsewhere", "4xx"): 2,
        ("other", "elsewhere", "4xx"): 1,
    }
    assert found["publisher_http_request_seconds_count", "/confirm/{token}"] == 2
    assert "secret" not in str(found)


def test_a_request_that_nobody_answers_counts_as_a_fault(machine: Machine) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        raise OSError("gone")

    machine.numbers()
    machine.app = Measured(silent, machine.metrics)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(machine.app({"type": "http", "method": "GET"}, _nothing, _nowhere))
    assert 'method="GET",route="elsewhere",status="5xx"} 1.0' in machine.metrics.text().decode()


async def _nothing() -> dict[str, object]:
    return {}


async def _nowhere(message: object) -> None:
    del message


def test_the_numbers_of_the_process(machine: Machine) -> None:
    machine.metrics.fed(200)
    machine.metrics.fed(304)
    machine.metrics.fed(304)
    machine.metrics.passed(NOON)
    machine.metrics.connections_from(lambda: 7)
    found = machine.numbers()
    assert found["publisher_feed_answers_total", "304"] == 2
    assert found["publisher_last_pass_timestamp_seconds",] == NOON.timestamp()
    assert found["publisher_open_connections",] == 7


def test_the_numbers_of_the_store(machine: Machine) -> None:
    machine.site.add("ann")
    machine.site.publish(1)
    machine.site.send()
    machine.site.issue(1, IssueState.OPEN)
    keep_readers(machine.site.store, [Counted("feed.xml", "Feedly", NOON.date().isoformat(), 12)])
    found = machine.numbers()
    assert found["publisher_store_up",] == 1
    assert found["publisher_issues", "open"] == 1
    assert found["publisher_deliveries", "sent"] == 1
    assert found["publisher_feed_readers", "feed.xml"] == 12
    assert found["publisher_wishes_waiting",] == 0


def test_a_store_that_cannot_be_read_leaves_the_other_numbers(machine: Machine) -> None:
    with machine.site.store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO lost")
    found = machine.numbers()
    assert found["publisher_store_up",] == 0
    assert ("publisher_wishes_waiting",) not in found
    assert ("publisher_open_connections",) in found


def test_a_part_that_never_answers_is_not_ready_and_holds_up_one_thread_at_most() -> None:
    gate, begun, asked = threading.Event(), threading.Event(), list[int]()

    def never() -> bool:
        asked.append(1)
        begun.set()
        return gate.wait(30)

    look = Look(never, patience=0.02)
    assert not look.holds()
    assert begun.wait(30)
    assert not look.holds()
    assert asked == [1]
    gate.set()
    until(look.holds, "the part answers again")
