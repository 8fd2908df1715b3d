"""The routes below /api/: the same as the pages, as JSON, for an author's own forms and programs."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from publisher.model.letter import LetterKind
from publisher.model.subscriber import SubscriptionState
from publisher.store import consents
from publisher.store.database import open_store
from tests.calling import ANN, ORIGIN, Hall, site_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from publisher.store.database import Store

UNKNOWN = "abcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def hall(store: Store, tmp_path: Path) -> Hall:
    return Hall(store, tmp_path)


@pytest.fixture
def lobby(tmp_path: Path) -> Iterator[Hall]:
    """The same on SQLite alone, for what does not depend on the store."""
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        yield Hall(store, tmp_path)


def told(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def fault(answer: httpx.Response, status: int, field: str = "") -> Any:
    content = told(answer, status)
    assert content.keys() == {"error", "remedy", "field"}
    assert content["field"] == field
    return content


def test_somebody_subscribes_confirms_chooses_and_leaves(hall: Hall) -> None:
    asked = {"address": ANN, "digest": "talks", "cadence": "weekly"}
    assert told(hall.client.post("/api/subscribe", json=asked), 202) == {"answer": "Look in your mail."}
    hall.settle()
    link = f"/api{hall.link()}"
    question = {"state": "open", "address": ANN, "digest": "talks", "cadence": "weekly", "title": "Talks & <b>more</b>"}
    assert told(hall.get(link)) == question
    assert told(hall.client.post(link)) == question | {"state": "confirmed"}
    assert told(hall.get(link))["state"] == "confirmed"
    told(hall.client.post("/api/preferences", json={"address": ANN}), 202)
    hall.settle()
    own = f"/api{hall.link(LetterKind.SETTINGS)}"
    assert [each["chosen"] for each in told(hall.get(own))["digests"]] == ["", "weekly"]
    chosen = told(hall.client.post(own, json={"digests": {"talks": "monthly", "conferences": "weekly"}}))
    assert [each["chosen"] for each in chosen["digests"]] == ["weekly", "monthly"]
    assert hall.standing(digest="talks").cadence == "monthly"
    assert told(hall.get(f"{own}/data"))["address"] == ANN
    left = f"/api/unsubscribe/{hall.standing(digest='talks').token}"
    standing = {"state": "confirmed", "title": "Talks & <b>more</b>", "cadence": "monthly"}
    assert told(hall.get(left)) == standing
    assert told(hall.client.post(left)) == told(hall.client.post(left)) == {"state": "unsubscribed"}
    told(hall.client.post(f"{left}/reason", json={"reason": "Too much."}), 202)
    with hall.store.reading() as connection:
        events = consents.of(connection, hall.standing(digest="talks").subscriber)
    assert "Too much." in [event.evidence for event in events]
    told(hall.client.post(f"{left}/return"), 202)
    told(hall.client.post(f"{left}/settings", json={}), 202)
    assert [wished.kind.value for wished in hall.noted[-2:]] == ["subscribe", "settings"]
    assert told(hall.client.post(f"{own}/forget")) == {"forgotten": True}
    fault(hall.get(own), 404)


def test_the_digests_are_listed(lobby: Hall) -> None:
    digests = told(lobby.get("/api/digests"))["digests"]
    assert digests[0] == {
        "name": "conferences",
        "title": "Conference writeups",
        "cadences": [{"name": "weekly", "words": "Mondays at 09:00"}],
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "address"),
        ({"address": "ann"}, "address"),
        ({"address": 5}, "address"),
        ({"address": "x" * 5000 + "@example.org"}, "address"),
        ({"address": ANN}, "digest"),
        ({"address": ANN, "digest": "nothing"}, "digest"),
        ({"address": ANN, "digest": None}, "digest"),
        ({"address": ANN, "digest": "talks"}, "cadence"),
        ({"address": ANN, "digest": "talks", "cadence": "never"}, "cadence"),
        ({"address": ANN, "digest": "talks", "cadence": "weekly", "admin": True}, ""),
        ([], ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_what_is_wrong_with_a_body_is_told_with_its_field(lobby: Hall, body: object, field: str) -> None:
    answer = lobby.client.post("/api/subscribe", content=json.dumps(body), headers={"Content-Type": "application/json"})
    fault(answer, 422, field)
    assert not lobby.noted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"address": NaN}',
        b'{"address": "\\ud800@example.org"}',
        b"[" * 60_000,
        b'{"address": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_told_so(lobby: Hall, body: bytes) -> None:
    fault(lobby.client.post("/api/subscribe", content=body, headers={"Content-Type": "application/json"}), 400)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "", "json"])
def test_what_a_form_of_another_site_could_send_is_not_read(lobby: Hall, kind: str) -> None:
    own = f"/api/unsubscribe/{lobby.subscribed().token}"
    headers = {"Content-Type": kind} if kind else {}
    fault(lobby.client.post("/api/subscribe", content=b"{}", headers=headers), 415)
    fault(lobby.client.post(own, content=b"{}", headers=headers), 415)
    assert lobby.standing().state is SubscriptionState.CONFIRMED


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "digests"),
        ({"digests": []}, "digests"),
        ({"digests": {"talks": 1}}, "digests"),
        ({"digests": {"talks": "yearly"}}, "digests"),
        ({"digests": {"nothing": "weekly"}}, "digests"),
        ({"digests": {"nothing": ""}}, "digests"),
        ({"digests": {"conferences": "", "talks": "yearly"}}, "digests"),
    ],
)
def test_a_choice_that_is_none_changes_nothing(lobby: Hall, body: object, field: str) -> None:
    lobby.subscribed()
    own = f"/api{lobby.own_page()}"
    fault(lobby.client.post(own, json=body), 422, field)
    assert lobby.standing().state is SubscriptionState.CONFIRMED


def test_links_that_are_no_good_are_told_apart_from_old_ones(lobby: Hall) -> None:
    lobby.subscribed()
    own, link = f"/api{lobby.own_page()}", f"/api{lobby.link()}"
    for path in ("/api/confirm/x", "/api/preferences/x", "/api/preferences/x/data", "/api/unsubscribe/x"):
        fault(lobby.get(path), 404)
    fault(lobby.client.post("/api/unsubscribe/x/reason", json={"reason": "why"}), 404)
    assert told(lobby.client.post(f"/api/unsubscribe/{UNKNOWN}")) == {"state": "unsubscribed"}
    assert told(lobby.get(f"/api/unsubscribe/{UNKNOWN}"))["state"] == "unsubscribed"
    lobby.now += timedelta(days=400)
    fault(lobby.get(link), 410)
    fault(lobby.client.post(link), 410)
    fault(lobby.get(own), 410)


def test_what_there_is_not_and_what_does_not_work_is_told_as_json(lobby: Hall) -> None:
    fault(lobby.get("/api/nothing/at/all"), 404)
    fault(lobby.client.post("/api/nothing"), 404)
    answer = lobby.get("/api/subscribe")
    fault(answer, 405)
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert lobby.client.put("/api/digests").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_network_that_wished_enough_is_told_when_to_come_back(lobby: Hall) -> None:
    asked = {"address": ANN, "digest": "conferences"}
    lobby.settings = site_settings(letters=3)
    answers = [lobby.client.post("/api/subscribe", json=asked) for _ in range(5)]
    fault(answers[-1], 429)
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_pages_of_allowed_origins_may_ask_and_no_others(lobby: Hall) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    may = lobby.client.options("/api/subscribe", headers={"Origin": ORIGIN, **preflight})
    assert (may.status_code, may.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "POST" in may.headers["access-control-allow-methods"]
    assert may.headers["access-control-allow-headers"] == "Content-Type"
    refused = lobby.client.post("/api/subscribe", json={}, headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (422, ORIGIN)
    for origin in ("https://evil.example", f"{ORIGIN}.evil.example", ORIGIN.upper(), "null", "*", ""):
        for answer in (
            lobby.client.options("/api/subscribe", headers={"Origin": origin, **preflight}),
            lobby.client.get("/api/digests", headers={"Origin": origin}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["vary"] == "Origin"
    for answer in (may, refused):
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in lobby.client.get("/subscribe", headers={"Origin": ORIGIN}).headers


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_known = st.sampled_from([ANN, "talks", "conferences", "weekly", "", "\0", "a@b", "é@例え.jp", "\u202eann@example.org"])
_names = st.sampled_from(["address", "digest", "cadence", "digests", "reason"])
_bodies = st.dictionaries(_names | st.text(max_size=5), _values | _known, max_size=4) | _values


@pytest.fixture
def paths(lobby: Hall) -> tuple[str, ...]:
    """Every path that takes a body, with links that are good, at least at first."""
    leaving, confirm, own = f"/api/unsubscribe/{lobby.subscribed().token}", lobby.link(), f"/api{lobby.own_page()}"
    below = (own, leaving, f"{leaving}/reason", f"{leaving}/return", f"{leaving}/settings", f"{own}/forget")
    return ("/api/subscribe", "/api/preferences", f"/api{confirm}", *below)


@pytest.mark.parametrize("number", range(9))
@examples(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_is_answered_with_a_fault_of_ours(
    lobby: Hall, paths: tuple[str, ...], number: int, data: st.DataObject
) -> None:
    lobby.be_patient()
    body = json.dumps(data.draw(_bodies), ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    headers = {"Content-Type": "application/json"}
    answer = lobby.client.post(paths[number], content=body[:cut], headers=headers)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        fault(answer, answer.status_code, answer.json()["field"])
