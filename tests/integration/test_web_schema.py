"""The routes below /api/ do what openapi.json says of them, whatever schemathesis makes of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import httpx
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.specs.openapi import checks

from publisher.store.database import open_store
from publisher.web import api, openapi
from tests.calling import PUBLIC, Hall, site_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case, CheckFunction

# An address may be well-formed and yet none that can be mailed, a cadence be another digest's, a link no good:
# so what the schema allows may be refused.
UNFIT: list[CheckFunction] = [checks.positive_data_acceptance]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("site")
    with closing(open_store("sqlite:///mailing.sqlite3", folder)) as store:
        yield Hall(store, folder)


@pytest.fixture(scope="module")
def good(hall: Hall) -> dict[str, dict[str, str]]:
    """What stands in addresses that work, by what follows /api/."""
    leaving = hall.subscribed().token
    confirm, own = hall.link(), hall.own_page()
    tokens = {"confirm": confirm.rpartition("/")[2], "unsubscribe": leaving, "preferences": own.rpartition("/")[2]}
    return {**{name: {"token": token} for name, token in tokens.items()}, "issues": {}}


schema = schemathesis.openapi.from_dict(openapi.document(site_settings()))


@schema.parametrize()
@examples(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_every_route_answers_as_described(case: Case, hall: Hall, good: dict[str, dict[str, str]]) -> None:
    hall.be_patient()
    _hold(case, hall)
    if case.path_parameters:
        case.path_parameters |= good[case.path.split("/")[2]]
        _hold(case, hall)


def _hold(case: Case, hall: Hall) -> None:
    """Send what was made up, and hold the answer against the schema."""
    prepared = requests.Request(**_sendable(case.as_transport_kwargs(base_url=PUBLIC.rstrip("/")))).prepare()
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    headers = {name: str(value) for name, value in prepared.headers.items()}
    request = httpx.Request(case.method, str(prepared.url), headers=headers, content=cast("bytes | None", body))
    case.validate_response(hall.client.send(request), excluded_checks=UNFIT)


def _sendable(given: dict[str, Any]) -> dict[str, Any]:
    known = {"method", "url", "headers", "params", "data", "json", "cookies"}
    return {name: value for name, value in given.items() if name in known}


def test_the_document_is_served_and_names_every_route(hall: Hall) -> None:
    document = hall.get("/api/openapi.json").json()
    assert document == openapi.document(hall.settings)
    routes = {route.path for route in api.routes(hall.context)}  # type: ignore[attr-defined]  # all have one
    assert routes - set(document["paths"]) == {"/api/{rest:path}"}
    assert set(document["paths"]) <= routes


def test_every_schema_is_one() -> None:
    for each in openapi.document(site_settings())["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator(each | {"$defs": {}})
