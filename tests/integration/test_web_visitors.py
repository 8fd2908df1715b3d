"""The pages on which people subscribe, confirm, choose and leave, as a browser, a scanner and a mailbox meet them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from publisher.errors import StoreError, TemplateError
from publisher.flows import subscribe
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.problem import Level
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.store import consents, suppressions
from publisher.store.database import open_store
from publisher.web.traps import Trap
from tests.calling import ANN, WAIT, Hall, Page, site_settings, sound
from tests.mailing import CONFERENCES, NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from publisher.store.database import Store

UNKNOWN = "abcdefghijklmnopqrstuvwxyz012345"  # an unsubscribe token by its shape


@pytest.fixture
def hall(store: Store, tmp_path: Path) -> Hall:
    return Hall(store, tmp_path)


@pytest.fixture
def lobby(tmp_path: Path) -> Iterator[Hall]:
    """The same on SQLite alone, for what does not depend on the store."""
    store = open_store("sqlite:///mailing.sqlite3", tmp_path)
    yield Hall(store, tmp_path)
    store.close()


def seen(answer: Response, status: int = 200) -> Page:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return sound(answer.text)


# Subscribing


def test_somebody_subscribes_confirms_and_is_a_reader(hall: Hall) -> None:
    assert hall.fill_in("/subscribe", address=ANN, digest="talks", **{"cadence-talks": "monthly"}).status_code == 303
    assert hall.settle() == 1
    question = seen(hall.get(hall.link()))
    assert hall.standing(digest="talks").state is SubscriptionState.PENDING
    assert "the first Monday of the month at 09:00" in question.text
    done = seen(hall.post(question.action))
    assert "You are subscribed" in done.text
    found = hall.standing(digest="talks")
    assert (found.state, found.cadence) == (SubscriptionState.CONFIRMED, "monthly")
    assert hall.rung == 1
    assert "You were subscribed already" in seen(hall.get(hall.link())).text


def test_several_digests_are_asked_for_at_once(lobby: Hall) -> None:
    answer = lobby.fill_in("/subscribe", address=ANN, digest=["talks", "conferences"], **{"cadence-talks": "each"})
    assert answer.status_code == 303
    assert {(wished.digest, wished.cadence) for wished in lobby.noted} == {("talks", "each"), ("conferences", "weekly")}


def test_a_lone_digest_with_a_lone_pace_needs_no_choice(lobby: Hall) -> None:
    lobby.settings = site_settings(CONFERENCES)
    page = seen(lobby.get("/subscribe"))
    assert page.count("fieldset") == 0
    assert lobby.fill_in("/subscribe", address=ANN).status_code == 303
    assert [(wished.digest, wished.cadence) for wished in lobby.noted] == [("conferences", "weekly")]


def test_a_site_without_digests_says_so(lobby: Hall) -> None:
    lobby.settings = replace(lobby.settings, digests=())
    assert seen(lobby.get("/subscribe")).count("form") == 0
    assert lobby.post("/subscribe", address=ANN).status_code < 500
    assert not lobby.noted


def test_a_link_to_the_form_chooses_beforehand(lobby: Hall) -> None:
    page = seen(lobby.get("/subscribe?digest=talks&cadence=monthly"))
    assert page.checked() == ["digest=talks", "cadence-talks=monthly"]
    assert seen(lobby.get("/subscribe?digest=nothing&cadence=never")).checked() == ["cadence-talks=weekly"]


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(lobby: Hall) -> None:
    answer = lobby.fill_in("/subscribe", address='<b>"ann"@', digest="talks", **{"cadence-talks": "monthly"})
    page = seen(answer, 422)
    field = next(given for tag, given in page.tags if given.get("name") == "address")
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "address-fault"
    assert field["value"] == '<b>"ann"@'
    assert page.checked() == ["digest=talks", "cadence-talks=monthly"]
    assert "<b>" not in answer.text
    assert not lobby.noted


@pytest.mark.parametrize(
    "fields",
    [
        {"digest": []},
        {"digest": "nothing"},
        {"digest": ["conferences", "nothing"]},
        {"digest": "talks", "cadence-talks": "never"},
    ],
)
def test_a_choice_that_is_none_is_told_beside_the_choices(lobby: Hall, fields: dict[str, str | list[str]]) -> None:
    page = seen(lobby.fill_in("/subscribe", address=ANN, **fields), 422)
    assert any(given.get("aria-describedby") == "digest-fault" for tag, given in page.tags if tag == "fieldset")
    assert not lobby.noted


# Traps


def test_a_form_on_another_page_is_to_be_sent_once_more_and_keeps_what_was_typed(lobby: Hall) -> None:
    answer = lobby.post("/subscribe", address=ANN, digest="talks", cadence="monthly")
    page = seen(answer)
    assert "once more" in page.text
    assert not lobby.noted
    lobby.now += timedelta(seconds=1)
    assert lobby.post(page.action, **page.given).status_code == 303
    assert [(wished.address, wished.cadence) for wished in lobby.noted] == [(ANN, "monthly")]


@pytest.mark.parametrize("age", [0.0, 1.9, 24 * 3600 + 1, -5.0])
def test_a_form_sent_too_soon_or_too_late_is_to_be_sent_once_more(lobby: Hall, age: float) -> None:
    page = Page(lobby.get("/subscribe").text)
    lobby.now += timedelta(seconds=age)
    answer = lobby.post("/subscribe", **(page.given | {"address": ANN, "digest": "conferences"}))
    assert "once more" in seen(answer).text
    assert not lobby.noted


@pytest.mark.parametrize("stamp", ["", ".", "1.2", "é.ü", "1700000000000." + "0" * 64, "9" * 400 + ".x"])
def test_a_stamp_that_is_made_up_counts_as_none(lobby: Hall, stamp: str) -> None:
    answer = lobby.post("/subscribe", address=ANN, digest="conferences", stamp=stamp)
    assert "once more" in seen(answer).text


def test_stamps_end_with_their_process() -> None:
    stamp = Trap().stamp(NOON)
    assert not Trap().is_human(stamp, NOON + WAIT)


@pytest.mark.parametrize("path", ["/subscribe", "/preferences"])
def test_who_fills_in_what_nobody_sees_gets_the_usual_answer_and_no_letter(lobby: Hall, path: str) -> None:
    page = Page(lobby.get(path).text)
    field = next(given for tag, given in page.tags if given.get("name") == "comment")
    assert (field["tabindex"], field["autocomplete"]) == ("-1", "off")
    honest = lobby.fill_in(path, address=ANN, digest="conferences")
    noted = len(lobby.noted)
    caught = lobby.fill_in(path, address="bot@example.org", digest="conferences", comment="Buy!")
    assert (caught.status_code, caught.headers["location"]) == (honest.status_code, honest.headers["location"])
    assert len(lobby.noted) == noted


def test_a_network_may_cause_so_many_letters_and_is_told_when_to_come_back(lobby: Hall) -> None:
    lobby.settings = site_settings(letters=2)
    for name in ("a", "b"):
        assert lobby.fill_in("/subscribe", address=f"{name}@example.org", digest="conferences").status_code == 303
    refused = lobby.fill_in("/subscribe", address="c@example.org", digest="conferences")
    assert "30 minutes" in seen(refused, 429).text
    assert 1700 < int(refused.headers["retry-after"]) <= 1800
    seen(lobby.fill_in("/preferences", address=ANN), 429)
    assert lobby.client.post("/api/subscribe", json={"address": ANN, "digest": "conferences"}).status_code == 429
    assert len(lobby.noted) == 2


# The same answer


def _everybody(hall: Hall) -> dict[str, str]:
    """An address of each sort."""
    who = {sort: f"{sort}@example.org" for sort in ("unknown", "pending", "confirmed", "left", "bounced", "complained")}
    hall.subscribed(who["confirmed"])
    for sort in ("left", "bounced", "complained"):
        hall.subscribed(who[sort])
    hall.post(f"/unsubscribe/{hall.standing(who['left']).token}")
    assert hall.fill_in("/subscribe", address=who["pending"], digest="conferences").status_code == 303
    hall.settle()
    with hall.store.writing() as connection:
        for sort, reason in (("bounced", SuppressionReason.BOUNCE), ("complained", SuppressionReason.COMPLAINT)):
            suppressions.suppress(connection, parse_mailbox(who[sort]), reason, "", hall.now)
    return who


@pytest.mark.parametrize("path", ["/subscribe", "/preferences"])
def test_the_answer_is_the_same_whoever_an_address_belongs_to(hall: Hall, path: str) -> None:
    answers, asked = set(), set()
    for address in _everybody(hall).values():
        with hall.statements() as statements:
            answer = hall.fill_in(path, address=address, digest="conferences")
            page = hall.get(answer.headers["location"])
        answers.add((answer.status_code, str(answer.headers), answer.content, str(page.headers), page.content))
        asked.add(tuple(statements))
    assert len(answers) == 1
    assert len(asked) == 1
    assert len(next(iter(asked))) <= 2


@pytest.mark.parametrize(("path", "body"), [("/api/subscribe", {"digest": "conferences"}), ("/api/preferences", {})])
def test_the_answer_as_json_is_the_same_too(hall: Hall, path: str, body: dict[str, str]) -> None:
    answers, asked = set(), set()
    for address in _everybody(hall).values():
        with hall.statements() as statements:
            answer = hall.client.post(path, json={"address": address, **body})
        answers.add((answer.status_code, str(answer.headers), answer.content))
        asked.add(tuple(statements))
    assert len(answers) == len(asked) == 1
    assert next(iter(answers))[0] == 202


# Confirming


def test_a_letter_that_is_too_old_leads_to_a_new_one(hall: Hall) -> None:
    hall.fill_in("/subscribe", address=ANN, digest="conferences")
    hall.settle()
    hall.now += timedelta(days=8)
    for answer in (hall.get(hall.link()), hall.post(hall.link())):
        page = seen(answer, 410)
        assert any(given.get("href") == "/subscribe" and "button" in given.get("class", "") for _, given in page.tags)
    assert hall.standing().state is SubscriptionState.PENDING


@pytest.mark.parametrize("token", ["x", "a~b~c", "%00", "%F0%9F%92%8C", "x" * 3000, "..%2Fadmin", "%3Cscript%3E"])
def test_a_link_that_is_none_of_ours_gets_a_page_that_helps(lobby: Hall, token: str) -> None:
    for path in ("confirm", "preferences", "unsubscribe"):
        for answer in (lobby.get(f"/{path}/{token}"), lobby.post(f"/{path}/{token}")):
            assert answer.status_code == 404
            if "html" in answer.headers["content-type"]:
                seen(answer, 404)
                assert "script>" not in answer.text


def test_a_link_from_before_somebody_left_confirms_nothing(hall: Hall) -> None:
    reader = hall.subscribed()
    hall.post(f"/unsubscribe/{reader.token}")
    seen(hall.post(hall.link()), 404)
    assert hall.standing().state is SubscriptionState.UNSUBSCRIBED


# Leaving


@pytest.mark.parametrize("kind", ["urlencoded", "multipart", "empty", "odd", "broken", "charset"])
def test_one_click_leaves_without_cookies_or_redirect_and_as_often_as_one_likes(lobby: Hall, kind: str) -> None:
    path = f"/unsubscribe/{lobby.subscribed().token}"
    bodies = {
        "urlencoded": ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        "multipart": (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--B--\r\n',
        ),
        "empty": ("", b""),
        "odd": ("text/plain", b"\xff\xfe please"),
        "broken": ("multipart/form-data; boundary=B", b"--X\r\nno"),
        "charset": ("multipart/form-data; boundary=B; charset=idna", b"--B\r\nContent-Disposition: form-data\r\n\r\n"),
    }
    header, body = bodies[kind]
    answers = [lobby.client.post(path, content=body, headers={"Content-Type": header} if header else {}) for _ in "12"]
    assert [seen(answer).title for answer in answers] == ["You are unsubscribed · Field Notebook"] * 2
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert lobby.standing().state is SubscriptionState.UNSUBSCRIBED


def test_a_token_that_nobody_knows_gets_the_same_page(lobby: Hall) -> None:
    reader = lobby.subscribed()
    known, unknown = lobby.post(f"/unsubscribe/{reader.token}"), lobby.post(f"/unsubscribe/{UNKNOWN}")
    assert seen(known).title == seen(unknown).title
    assert seen(lobby.get(f"/unsubscribe/{UNKNOWN}")).count("button") == 2
    for path in ("reason", "return", "settings"):
        assert lobby.post(f"/unsubscribe/{UNKNOWN}/{path}", words="why").status_code == 303


def test_a_letter_that_cannot_be_written_is_told_to_the_author_and_not_to_the_visitor(lobby: Hall) -> None:
    lobby.subscribed()
    token = lobby.standing().token
    own = lobby.own_page()
    (lobby.folder / "templates" / "mail").mkdir(parents=True)
    for name in ("welcome", "goodbye"):
        (lobby.folder / "templates" / "mail" / f"{name}.txt.j2").write_text("{{ no.such.thing }}", encoding="utf-8")
    lobby.desk = replace(lobby.desk)
    assert lobby.post(own, **{"cadence-talks": "monthly"}).status_code == 303
    assert lobby.post(f"/unsubscribe/{token}").status_code == 200
    warned = [problem.message for problem in lobby.told if problem.level is Level.WARNING]
    assert len(warned) == 2
    assert all("a letter could not be written" in message for message in warned)


def test_looking_at_a_link_changes_nothing_whoever_looks(hall: Hall) -> None:
    reader = hall.subscribed()
    own = hall.own_page()
    hall.fill_in("/subscribe", address=ANN, digest="talks", cadence="weekly")
    hall.settle()
    left = f"/unsubscribe/{reader.token}"
    paths = [hall.link(), left, f"{left}/reason", f"{left}/return", f"{left}/settings", own, f"{own}/data"]
    paths += [f"{own}/forget", "/subscribe", "/preferences"]
    before = (hall.standing(), hall.standing(digest="talks"), hall.wishes(), hall.rung)
    for path in [*paths, *(f"/api{path}" for path in paths)]:
        with hall.statements() as statements:
            assert hall.get(path).status_code < 500
            assert hall.client.head(path).status_code < 500
            hall.client.options(path)
        assert not [each for each in statements if not each.startswith(("SELECT", "BEGIN", "PRAGMA"))]
    assert (hall.standing(), hall.standing(digest="talks"), hall.wishes(), hall.rung) == before


def test_who_left_may_say_why_and_come_back(hall: Hall) -> None:
    path = f"/unsubscribe/{hall.subscribed().token}"
    page = seen(hall.get(path))
    assert "Conference writeups" in page.text
    assert page.count("button") == 2
    seen(hall.post(path))
    assert "unsubscribed" in seen(hall.get(path)).title
    thanked = hall.post(f"{path}/reason", why="often", words="Too\nmuch <b>\x00")
    assert thanked.headers["location"] == "/unsubscribe/thanks"
    seen(hall.get("/unsubscribe/thanks"))
    with hall.store.reading() as connection:
        said = consents.of(connection, hall.standing().subscriber)[-1].evidence
    assert said == "It came too often. Too much <b>"
    assert hall.post(f"{path}/return").headers["location"] == "/subscribe/sent"
    hall.now += timedelta(hours=1)
    assert hall.settle() == 1
    seen(hall.post(hall.link()))
    assert hall.standing().state is SubscriptionState.CONFIRMED


def test_who_wants_a_slower_pace_gets_the_link_to_their_settings_by_mail(hall: Hall) -> None:
    path = f"/unsubscribe/{hall.subscribed().token}/settings"
    assert hall.post(path).headers["location"] == "/preferences/sent"
    assert hall.settle() == 1
    assert ANN in seen(hall.get(hall.link(LetterKind.SETTINGS))).text
    assert hall.standing().state is SubscriptionState.CONFIRMED


def test_reasons_are_taken_so_often_and_no_more(lobby: Hall) -> None:
    path = f"/unsubscribe/{lobby.subscribed().token}/reason"
    statuses = [lobby.post(path, words="why").status_code for _ in range(25)]
    assert statuses[:20] == [303] * 20
    assert 429 in statuses


def test_who_tries_links_out_is_told_to_wait_and_good_links_do_not_count(lobby: Hall) -> None:
    reader = lobby.subscribed()
    for _ in range(80):
        assert lobby.post(f"/unsubscribe/{reader.token}").status_code == 200
    statuses = [lobby.get(f"/unsubscribe/{UNKNOWN[:-3]}{number:03}").status_code for number in range(200)]
    assert statuses[:60] == [200] * 60
    assert statuses[-1] == 429
    assert lobby.get("/confirm/wrong").status_code == 429
    assert lobby.get("/api/preferences/wrong").status_code == 429


# Somebody's own page


def test_somebody_changes_pace_joins_and_leaves_on_their_own_page(hall: Hall) -> None:
    hall.subscribed(digest="talks", cadence="weekly")
    own = hall.own_page()
    page = seen(hall.get(own))
    assert page.checked() == ["cadence-conferences=", "cadence-talks=weekly"]
    saved = hall.post(own, **{"cadence-conferences": "weekly", "cadence-talks": "monthly"})
    assert saved.status_code == 303
    page = seen(hall.get(saved.headers["location"]))
    assert "Your choice is saved." in page.text
    assert page.checked() == ["cadence-conferences=weekly", "cadence-talks=monthly"]
    hall.post(own, **{"cadence-talks": ""})
    assert hall.standing(digest="talks").state is SubscriptionState.UNSUBSCRIBED
    assert hall.standing().state is SubscriptionState.CONFIRMED


def test_a_choice_that_is_offered_no_more_is_refused_and_changes_nothing(lobby: Hall) -> None:
    lobby.subscribed()
    own = lobby.own_page()
    page = seen(lobby.post(own, **{"cadence-conferences": "", "cadence-talks": "yearly"}), 422)
    assert "could not be saved" in page.text
    assert lobby.standing().state is SubscriptionState.CONFIRMED


def test_all_that_is_known_can_be_had_as_a_file(hall: Hall) -> None:
    hall.subscribed()
    answer = hall.get(f"{hall.own_page()}/data")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.json()["address"] == ANN


def test_somebody_is_forgotten_after_a_second_question(hall: Hall) -> None:
    hall.subscribed()
    own = hall.own_page()
    question = seen(hall.get(f"{own}/forget"))
    assert ANN in question.text
    gone = hall.post(question.action)
    assert gone.headers["location"] == "/preferences/forgotten"
    seen(hall.get("/preferences/forgotten"))
    seen(hall.get(own), 404)
    assert not subscribe.listing(hall.store)


def test_a_link_that_is_too_old_offers_a_new_one_and_does_not_tell_whose_it_was(hall: Hall) -> None:
    hall.subscribed()
    own = hall.own_page()
    hall.now += timedelta(days=400)
    answer = hall.get(own)
    page = seen(answer, 410)
    assert ANN not in answer.text
    assert page.action == "/preferences"
    hall.now += timedelta(seconds=1)
    assert hall.post(page.action, **(page.given | {"address": ANN})).status_code == 303


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_who_gets_no_mail_is_told_why(lobby: Hall, reason: SuppressionReason) -> None:
    lobby.subscribed()
    own = lobby.own_page()
    with lobby.store.writing() as connection:
        suppressions.suppress(connection, parse_mailbox(ANN), reason, "", lobby.now)
    assert seen(lobby.get(own)).text.count("is sent to") >= 1


# Every page


def test_pages_lie_below_the_path_of_public_url(lobby: Hall) -> None:
    lobby.settings = site_settings(public_url="https://example.com/mail/")
    page = seen(lobby.get("/subscribe"))
    assert page.action == "/mail/subscribe"
    lobby.now += WAIT
    answer = lobby.post("/subscribe", **(page.given | {"address": ANN, "digest": "talks", "cadence": "each"}))
    assert answer.headers["location"] == "/mail/subscribe/sent"


def test_the_style_sheet_is_fetched_once(lobby: Hall) -> None:
    first = lobby.get("/assets/web.css")
    assert first.headers["content-type"].startswith("text/css")
    assert "max-age=3600" in first.headers["cache-control"]
    again = lobby.client.get("/assets/web.css", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    own = lobby.folder / "templates" / "web" / "web.css"
    own.parent.mkdir(parents=True)
    own.write_text("h1 { color: red }")
    assert lobby.get("/assets/web.css").text == "h1 { color: red }"
    own.unlink()
    own.mkdir()
    with pytest.raises(TemplateError, match="cannot be read"):
        lobby.get("/assets/web.css")


def test_what_anybody_may_keep_is_compressed_and_nothing_else_is(lobby: Hall) -> None:
    taking = {"Accept-Encoding": "gzip"}
    assert lobby.client.get("/assets/web.css", headers=taking).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in lobby.client.get("/subscribe", headers=taking).headers


def test_other_methods_are_told_what_works(lobby: Hall) -> None:
    answer = lobby.client.put("/subscribe")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")


def test_a_body_without_end_is_not_read_to_its_end(lobby: Hall) -> None:
    assert lobby.client.post("/subscribe", content=b"x" * 100_000).status_code == 413


def test_a_store_that_cannot_be_used_is_for_the_application_to_tell(lobby: Hall) -> None:
    lobby.fault = StoreError("the server is busy")
    with pytest.raises(StoreError):
        lobby.fill_in("/subscribe", address=ANN, digest="conferences")


# No body makes it fail

_texts = st.one_of(st.text(max_size=40), st.sampled_from([ANN, "talks", "conferences", "weekly", "each", "often", ""]))
_names = st.one_of(
    st.sampled_from(["address", "digest", "cadence", "cadence-talks", "stamp", "comment", "why", "words"]),
    st.text(max_size=10),
)
_paths = st.sampled_from(
    ["/subscribe", "/preferences", "/confirm/x~y~z", f"/unsubscribe/{UNKNOWN}", f"/unsubscribe/{UNKNOWN}/reason"]
)
_kinds = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=B",
        "multipart/form-data; boundary=B; charset=unicode_escape",
        "multipart/form-data; charset=\u00e9",
        "multipart/form-data",
        "application/json",
        "",
    ]
)


_many = examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_many
@given(path=_paths, fields=st.dictionaries(_names, _texts, max_size=6), stamped=st.booleans())
def test_no_form_is_answered_with_a_fault_of_ours(
    lobby: Hall, path: str, fields: dict[str, str], *, stamped: bool
) -> None:
    lobby.be_patient()
    if stamped:
        fields["stamp"] = Page(lobby.get("/subscribe").text).given["stamp"]
        lobby.now += WAIT
    answer = lobby.client.post(path, data=fields)
    assert answer.status_code < 500
    if "html" in answer.headers.get("content-type", ""):
        sound(answer.text)


@_many
@example("/subscribe", "multipart/form-data; boundary=B; charset=unicode_escape", b"\\\0")
@given(path=_paths, kind=_kinds, body=st.binary(max_size=300))
def test_no_bytes_are_answered_with_a_fault_of_ours(lobby: Hall, path: str, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode())]
    lobby.be_patient()
    for content in (body, b'--B\r\nContent-Disposition: form-data; name="address"\r\n\r\n' + body + b"\r\n--B--\r\n"):
        assert lobby.client.post(path, content=content, headers=headers).status_code < 500
