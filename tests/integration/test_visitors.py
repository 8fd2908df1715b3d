"""People on their own page: they look, choose, take what is known of them along, and are forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from publisher.errors import UsageError
from publisher.flows import leaving, subscribe, visitors
from publisher.flows.consent import leave
from publisher.flows.digest import Occasion, draft
from publisher.flows.leaving import Standing
from publisher.flows.letters import settings_link
from publisher.flows.visitors import CHOSEN, LEFT, Chosen, Visit
from publisher.flows.wishes import Wished, WishKind, check
from publisher.model.letter import LetterKind
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.store.tables import consent_event, delivery, letter, subscription, suppression, wish
from publisher.tokens import Outcome, Purpose
from tests.mailing import CONFERENCES, NOON, item, settings
from tests.wishing import ANN, SITE, Hall, a_desk, at, going_home, subscribing

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.store.database import Store

DAY = 24 * 60
PENDING, CONFIRMED, GONE = SubscriptionState.PENDING, SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED
WRONG, EXPIRED = Visit(Outcome.WRONG), Visit(Outcome.EXPIRED)


@pytest.fixture
def hall(store: Store, tmp_path: Path) -> Hall:
    return Hall(store, a_desk(tmp_path))


def why(hall: Hall, token: str, reason: str) -> None:
    leaving.say_why(hall.store, token, reason, NOON)


def known(hall: Hall, token: str) -> str:
    return json.dumps(visitors.data(hall.store, hall.desk, token, NOON))


# The link


def test_a_link_opens_a_page_for_thirty_days_and_no_more(hall: Hall) -> None:
    hall.add()
    hall.add(digest="talks", cadence="weekly")
    token = hall.page()
    for minutes in (0.0, 29.9 * DAY):
        opened = hall.visit(token, minutes)
        assert opened.outcome is Outcome.GOOD
        assert opened.person is not None
        assert (opened.person.address, opened.person.suppressed) == (ANN, None)
        assert [each.digest for each in opened.person.subscriptions] == ["conferences", "talks"]
    assert hall.visit(token, 30.1 * DAY) == EXPIRED


def test_links_that_are_none_of_ours(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    other = hall.desk.keys.sign(Purpose.CONFIRM, (hall.person().subscriber,), NOON)
    nobody = hall.desk.keys.sign(Purpose.PREFERENCES, (999,), NOON)
    for wrong in ("", f"{token}x", "é", other, nobody):
        assert hall.visit(wrong) == WRONG
        assert hall.choose(wrong, {"conferences": ""}) == Chosen(Outcome.WRONG)
        assert visitors.data(hall.store, hall.desk, wrong, NOON) is None
        assert visitors.forget(hall.store, hall.desk, wrong, NOON) is Outcome.WRONG
    assert hall.person().state is CONFIRMED


def test_without_a_web_server_there_is_no_link(hall: Hall) -> None:
    assert settings_link(settings(), hall.desk.keys, 1, NOON) == ""
    hall.desk = replace(hall.desk, settings=settings())
    subscribe.ask(hall.store, hall.desk, subscribe.Wish(ANN, "conferences"), lambda: (), NOON)
    text = hall.letters(LetterKind.CONFIRMATION)[-1]
    hall.confirm(text.partition("\nconfirm ")[2].split()[0])
    (welcome,) = hall.letters(LetterKind.WELCOME)
    assert "your own page" not in welcome


def test_a_welcome_leads_to_the_readers_own_page(hall: Hall) -> None:
    hall.wish(subscribing())
    hall.confirm(hall.token(LetterKind.CONFIRMATION))
    (welcome,) = hall.letters(LetterKind.WELCOME)
    assert "works for 30 days" in " ".join(welcome.split())
    assert hall.visit(hall.token(LetterKind.WELCOME)).person is not None


def test_a_page_says_why_no_mail_comes(hall: Hall) -> None:
    hall.add()
    hall.suppress(SuppressionReason.BOUNCE)
    opened = hall.visit(hall.page()).person
    assert opened is not None
    assert opened.suppressed is SuppressionReason.BOUNCE


# Choosing


def test_a_choice_joins_moves_and_leaves_and_leaves_the_rest_alone(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    assert hall.choose(token, {"talks": "weekly"}) == Chosen(Outcome.GOOD, joined=("talks",))
    assert hall.person().state is CONFIRMED
    assert hall.choose(token, {"talks": "monthly"}) == Chosen(Outcome.GOOD, moved=("talks",))
    assert hall.person(digest="talks").cadence == "monthly"
    assert hall.choose(token, {"talks": "", "conferences": ""}) == Chosen(Outcome.GOOD, left=("talks", "conferences"))
    assert [hall.person(digest=name).state for name in ("talks", "conferences")] == [GONE, GONE]
    moved = "They chose the pace monthly instead of weekly."
    assert hall.events(digest="talks") == [("confirmed", CHOSEN), ("cadence", moved), ("left", LEFT)]


def test_the_same_choice_again_changes_nothing(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    for wanted in ({"conferences": "weekly", "talks": "monthly"}, {"conferences": "", "talks": "weekly"}, {}):
        hall.choose(token, wanted)
        before = hall.rows(consent_event), hall.rows(letter), hall.rows(subscription)
        assert hall.choose(token, wanted) == Chosen(Outcome.GOOD)
        assert (hall.rows(consent_event), hall.rows(letter), hall.rows(subscription)) == before


def test_what_does_not_exist_cannot_be_chosen_and_then_nothing_changes(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    for wrong in ({"conferences": "", "nothing": "weekly"}, {"conferences": "", "talks": "hourly"}, {"nothing": ""}):
        with pytest.raises(UsageError, match=r"no such digest|not come at such a pace") as fault:
            hall.choose(token, wrong)
        assert "--" not in str(fault.value)
    assert hall.person().state is CONFIRMED


def test_a_digest_that_is_no_more_can_be_left_and_not_joined(hall: Hall) -> None:
    hall.add()
    hall.add(digest="talks", cadence="weekly")
    token = hall.page()
    hall.desk = replace(hall.desk, settings=settings(CONFERENCES, public_url="https://news.example.com/"))
    with pytest.raises(UsageError):
        hall.choose(token, {"talks": "weekly"})
    assert hall.choose(token, {"talks": ""}).left == ("talks",)
    assert hall.person(digest="talks").state is GONE


def test_who_waits_to_be_confirmed_is_by_their_choice(hall: Hall) -> None:
    hall.wish(subscribing(digest="talks"))
    hall.wish(going_home())
    assert hall.person(digest="talks").state is PENDING
    assert hall.choose(hall.token(), {"talks": "monthly"}).joined == ("talks",)
    assert (hall.person(digest="talks").state, hall.person(digest="talks").cadence) == (CONFIRMED, "monthly")


def test_who_joins_begins_where_the_cadence_stands(hall: Hall) -> None:
    hall.items = (item(1),)
    hall.add("bob@example.org")
    hall.add(digest="talks", cadence="weekly")
    assert issue(hall, 7) == 1
    hall.choose(hall.page(digest="talks"), {"conferences": "weekly"})
    assert issue(hall, 14) == 0
    hall.items = (item(2), item(1))
    assert issue(hall, 21) == 1


def issue(hall: Hall, days: int) -> int:
    """Draft the conferences; returns how many entries that took."""
    made = draft(hall.store, Occasion(SITE, CONFERENCES, "weekly", hall.desk.folder, hall.items, at(days * DAY)))
    return made.entries if made else 0


def test_leaving_releases_what_waits(hall: Hall) -> None:
    hall.items = (item(1),)
    hall.add()
    issue(hall, 7)
    hall.choose(hall.page(), {"conferences": ""})
    assert hall.rows(delivery, delivery.c.state == "released") == 1


def test_their_own_word_lifts_what_kept_mail_from_them(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    for reason in (SuppressionReason.BOUNCE, SuppressionReason.REQUEST):
        hall.suppress(reason)
        assert hall.choose(token, {"conferences": "weekly"}).joined == ("conferences",)
        assert hall.rows(suppression) == 0
        assert hall.choose(token, {"conferences": "weekly"}) == Chosen(Outcome.GOOD)


def test_after_a_complaint_one_can_but_leave(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    hall.suppress(SuppressionReason.COMPLAINT)
    assert hall.choose(token, {"conferences": "weekly", "talks": "weekly"}) == Chosen(Outcome.GOOD)
    assert hall.choose(token, {"conferences": ""}).left == ("conferences",)
    assert hall.rows(suppression) == 1


def test_letters_say_what_happened_and_not_over_and_over(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    for minutes in (0, 1, 2):
        hall.choose(token, {"conferences": ""}, minutes)
        hall.choose(token, {"conferences": "weekly"}, minutes)
    kinds = LetterKind.GOODBYE, LetterKind.WELCOME
    assert [len(hall.letters(kind)) for kind in kinds] == [1, 1]
    hall.choose(token, {"conferences": ""}, 20)
    assert [len(hall.letters(kind)) for kind in kinds] == [2, 1]


def test_an_expired_link_chooses_nothing(hall: Hall) -> None:
    hall.add()
    token = hall.page()
    assert hall.choose(token, {"conferences": ""}, 31 * DAY) == Chosen(Outcome.EXPIRED)
    assert visitors.forget(hall.store, hall.desk, token, at(31 * DAY)) is Outcome.EXPIRED
    assert hall.person().state is CONFIRMED


# Knowing and forgetting


def test_people_learn_all_that_is_known_of_them(hall: Hall) -> None:
    hall.items = (item(1),)
    hall.wish(subscribing())
    hall.confirm(hall.token(LetterKind.CONFIRMATION))
    issue(hall, 7)
    with hall.store.writing() as connection:
        connection.execute(update(delivery).values(state="sent", detail="250 queued", changed=at(7 * DAY)))
    hall.note(subscribing("ANN@example.org", "talks", "monthly"), subscribing("bob@example.org"))
    hall.suppress(SuppressionReason.BOUNCE)
    found = visitors.data(hall.store, hall.desk, hall.page(), NOON)
    noon, later = "2026-11-23T12:00:00+00:00", "2026-11-30T12:00:00+00:00"
    asked = f"Somebody asked for it on the web page, at {noon}."
    followed = "They followed the link in the letter that asked."
    letters = {"digest": "conferences", "written": noon, "state": "planned", "changed": noon}
    consent = {"digest": "conferences", "wording": "reader-1", "at": noon}
    assert json.loads(json.dumps(found)) == {
        "address": ANN,
        "since": noon,
        "suppressed": {"reason": "bounce", "detail": "", "at": noon},
        "subscriptions": [
            {"digest": "conferences", "title": "Conference writeups", "state": "confirmed", "cadence": "weekly"}
        ],
        "consent": [
            {**consent, "kind": "asked", "wording": "author-1", "evidence": asked},
            {**consent, "kind": "confirmed", "evidence": followed},
        ],
        "letters": [{"kind": "confirmation", **letters}, {"kind": "welcome", **letters}],
        "issues": [
            {
                "digest": "conferences",
                "number": 1,
                "title": "Conference writeups",
                "state": "sent",
                "at": later,
                "detail": "250 queued",
            }
        ],
        "wishes": [{"kind": "subscribe", "digest": "talks", "cadence": "monthly", "at": noon}],
    }


def test_what_people_learn_holds_no_token_and_nobody_else(hall: Hall) -> None:
    hall.items = (item(1),)
    for address in (ANN, "bob@example.org"):
        hall.wish(subscribing(address))
        hall.confirm(hall.token(LetterKind.CONFIRMATION, address))
        hall.wish(going_home(address))
    issue(hall, 7)
    told = known(hall, hall.page())
    assert "bob" not in told
    for secret in (hall.person().token, hall.page(), hall.token(LetterKind.CONFIRMATION)):
        assert secret not in told


def test_who_is_forgotten_has_no_page_any_more(hall: Hall) -> None:
    hall.add()
    hall.add("bob@example.org")
    token = hall.page()
    hall.note(going_home(), going_home("bob@example.org"))
    assert visitors.forget(hall.store, hall.desk, token, NOON) is Outcome.GOOD
    assert hall.rows(wish) == hall.rows(subscription) == 1
    assert hall.visit(token) == WRONG
    assert visitors.data(hall.store, hall.desk, token, NOON) is None
    assert hall.choose(token, {"conferences": "weekly"}) == Chosen(Outcome.WRONG)
    assert visitors.forget(hall.store, hall.desk, token, NOON) is Outcome.WRONG
    hall.add("cyd@example.org")
    hall.wish(subscribing())
    hall.confirm(hall.token(LetterKind.CONFIRMATION))
    assert hall.visit(token) == WRONG, "a number is never given to another"
    assert hall.visit(hall.page()).outcome is Outcome.GOOD


# Following a link to leave


def test_how_a_subscription_stands_is_told_without_its_reader(hall: Hall) -> None:
    hall.add()
    token = hall.person().token
    assert leaving.standing(hall.store, SITE, token) == Standing("Conference writeups", CONFIRMED, "weekly")
    leave(hall.store, hall.desk, token, NOON)
    assert leaving.standing(hall.store, SITE, token) == Standing("Conference writeups", GONE, "weekly")
    assert leaving.standing(hall.store, replace(SITE, digests=()), token) == Standing("conferences", GONE, "weekly")
    for wrong in ("A" * 32, "", "a b", "é" * 20, "a\0" * 20):
        assert leaving.standing(hall.store, SITE, wrong) is None
        assert leaving.wish_by_token(hall.store, wrong, WishKind.SETTINGS) is None


def test_a_token_makes_the_wish_of_its_owner(hall: Hall) -> None:
    hall.add(digest="talks", cadence="monthly")
    token = hall.person(digest="talks").token
    leave(hall.store, hall.desk, token, NOON)
    back = leaving.wish_by_token(hall.store, token, WishKind.SUBSCRIBE)
    assert back == check(SITE, Wished(WishKind.SUBSCRIBE, ANN, "talks", "monthly"))
    assert leaving.wish_by_token(hall.store, token, WishKind.SETTINGS) == going_home()
    assert back is not None
    assert hall.wish(back) == 1
    visitors.forget(hall.store, hall.desk, hall.page(digest="talks"), NOON)
    assert leaving.wish_by_token(hall.store, token, WishKind.SUBSCRIBE) is None


def test_a_reason_is_kept_once_each_time_somebody_leaves(hall: Hall) -> None:
    hall.add()
    token = hall.person().token
    why(hall, token, "not gone yet")
    for round_ in ("first", "second"):
        leave(hall.store, hall.desk, token, NOON)
        why(hall, token, " ")
        why(hall, token, f"{round_} reason")
        why(hall, token, "and another thing")
        hall.add()
    assert [said for kind, said in hall.events() if kind == "reason"] == ["first reason", "second reason"]


def test_a_reason_belongs_to_who_left_by_themselves(hall: Hall) -> None:
    hall.add()
    token = hall.person().token
    subscribe.remove(hall.store, ANN, "", NOON)
    why(hall, token, "they threw me out")
    why(hall, "A" * 32, "nobody")
    why(hall, "a b", "nobody")
    assert [kind for kind, _ in hall.events()] == ["vouched", "removed"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  too\r\n\tmany \0 mails\x1b[31m ", "too many mails [31m"),
        ("half \ud83d a letter", "half a letter"),
        ("abc \u202egnitirw", "abc gnitirw"),
        ("zu viel ✓ 👩‍💻", "zu viel ✓ 👩‍💻"),
        ("x" * 10_000, "x" * 500),
        ("\n" * 10_000 + "x", ""),
    ],
)
def test_a_reason_is_short_and_plain(hall: Hall, written: str, kept: str) -> None:
    hall.add()
    token = hall.person().token
    leave(hall.store, hall.desk, token, NOON)
    why(hall, token, written)
    assert [said for kind, said in hall.events() if kind == "reason"] == ([kept] if kept else [])


def test_nothing_changes_by_looking(hall: Hall) -> None:
    hall.add()
    token, own = hall.person().token, hall.page()
    before = hall.rows(consent_event), hall.rows(letter), hall.rows(wish), hall.person()
    hall.visit(own)
    known(hall, own)
    leaving.standing(hall.store, SITE, token)
    leaving.wish_by_token(hall.store, token, WishKind.SUBSCRIBE)
    assert (hall.rows(consent_event), hall.rows(letter), hall.rows(wish), hall.person()) == before
