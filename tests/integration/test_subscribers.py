"""People ask, confirm, choose, leave, come back and are forgotten, on a real store of each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from publisher.errors import UsageError
from publisher.flows import consent, subscribe
from publisher.flows.consent import Answer
from publisher.flows.digest import Occasion, draft
from publisher.flows.letters import Desk
from publisher.flows.newness import find_digest
from publisher.flows.subscribe import Change, Wish
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.settings import Filter
from publisher.model.subscriber import Choice, ConsentKind, SubscriptionState, SuppressionReason
from publisher.store import people, suppressions
from publisher.store.tables import (
    consent_event,
    delivery,
    erasure,
    letter,
    subscriber,
    subscription,
    suppression,
    variant_entry,
)
from publisher.tokens import Purpose, load_keys
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import ColumnElement, Table

    from publisher.flows.consent import Confirmation
    from publisher.model.entry import Item
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

PACES = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"))
TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)), cadences=PACES)
BOTH = ("conference", "talk")
ANN = "ann@example.org"


@dataclass
class Office:
    """A site with two digests, at work."""

    store: Store
    desk: Desk
    items: tuple[Item, ...] = ()
    now: object = field(default=NOON)

    def publish(self, number: int, *tags: str) -> None:
        self.items = (item(number, tags=tags or ("conference",)), *self.items)

    def add(self, address: str = ANN, digest: str = "conferences", cadence: str = "") -> Change:
        wish = Wish(address, digest, cadence)
        keys = self.desk.keys
        return subscribe.add(self.store, self.desk.settings, wish, lambda: self.items, NOON, lambda: keys).change

    def ask(
        self,
        address: str = ANN,
        digest: str = "conferences",
        cadence: str = "",
        minutes: int = 0,
        *,
        themselves: bool = False,
    ) -> Change:
        now, wish = NOON + timedelta(minutes=minutes), Wish(address, digest, cadence)
        return subscribe.ask(self.store, self.desk, wish, lambda: self.items, now, themselves=themselves).change

    def confirm(self, token: str, days: float = 0) -> Confirmation:
        return consent.confirm(self.store, self.desk, token, lambda: self.items, NOON + timedelta(days=days))

    def leave(self, token: str) -> tuple[Problem, ...]:
        return consent.leave(self.store, self.desk, token, NOON)

    def draft(self, digest: DigestSettings, cadence: str = "weekly", days: int = 7) -> int:
        now = NOON + timedelta(days=days)
        found = find_digest(self.desk.settings, digest.name)
        occasion = Occasion(self.desk.settings, found, cadence, self.desk.folder, self.items, now)
        made = draft(self.store, occasion)
        return made.entries if made else 0

    def rows(self, table: Table, *where: ColumnElement[bool]) -> int:
        with self.store.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def person(self, address: str = ANN, digest: str = "conferences") -> Subscription:
        with self.store.reading() as connection:
            found = people.find(connection, parse_mailbox(address), digest)
        assert found is not None
        return found

    def letters(self, kind: LetterKind, address: str = ANN) -> list[str]:
        query = select(letter.c.text).where(letter.c.kind == kind.value, letter.c.recipient == address)
        with self.store.reading() as connection:
            return list(connection.execute(query.order_by(letter.c.id)).scalars())

    def token(self, address: str = ANN) -> str:
        """The token of the last letter that asked."""
        text = self.letters(LetterKind.CONFIRMATION, address)[-1]
        (found,) = set(re.findall(r"(?:/confirm/|^confirm )([\w~-]+)", text, re.MULTILINE))
        return str(found)

    def kinds(self, address: str = ANN, digest: str = "conferences") -> list[str]:
        place = self.person(address, digest)
        mine = (consent_event.c.subscriber == place.subscriber, consent_event.c.digest == digest)
        with self.store.reading() as connection:
            query = select(consent_event.c.kind).where(*mine).order_by(consent_event.c.id)
            return list(connection.execute(query).scalars())

    def suppress(self, reason: SuppressionReason, address: str = ANN) -> None:
        with self.store.writing() as connection:
            suppressions.suppress(connection, parse_mailbox(address), reason, "", NOON)

    def given(self, address: str = ANN) -> list[str]:
        """The entries of every delivery to someone that was not released."""
        query = (
            select(variant_entry.c.entry)
            .join(
                delivery,
                (delivery.c.issue == variant_entry.c.issue) & (delivery.c.variant == variant_entry.c.variant),
            )
            .join(subscriber, subscriber.c.id == delivery.c.subscriber)
            .where(subscriber.c.address == address, delivery.c.state != "released")
        )
        with self.store.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def deliver(self) -> None:
        """Say that everything planned was sent."""
        with self.store.writing() as connection:
            connection.execute(update(delivery).where(delivery.c.state == "planned").values(state="sent"))


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Office:
    site = settings(CONFERENCES, TALKS, public_url="https://news.example.com/")
    return Office(store, Desk(site, tmp_path, load_keys(tmp_path, {}, make=True)))


def without_web(office: Office) -> Office:
    return replace(office, desk=replace(office.desk, settings=settings(CONFERENCES, TALKS)))


# Asking and confirming


def test_asked_people_get_a_letter_and_nothing_else_until_they_confirm(office: Office) -> None:
    office.publish(1)
    assert office.ask() is Change.ASKED
    assert office.person().state is SubscriptionState.PENDING
    assert office.draft(CONFERENCES) == 0
    done = office.confirm(office.token(), days=6.9)
    assert (done.answer, done.address, done.cadence) == (Answer.CONFIRMED, ANN, "weekly")
    assert office.kinds() == ["asked", "confirmed"]
    assert len(office.letters(LetterKind.WELCOME)) == 1
    assert office.draft(CONFERENCES) == 1


def test_a_link_followed_twice_confirms_once(office: Office) -> None:
    office.ask()
    token = office.token()
    assert office.confirm(token).answer is Answer.CONFIRMED
    assert office.confirm(token).answer is Answer.ALREADY
    assert office.kinds() == ["asked", "confirmed"]
    assert len(office.letters(LetterKind.WELCOME)) == 1


def test_links_that_are_no_good(office: Office) -> None:
    office.ask()
    token = office.token()
    assert office.confirm(token, days=7.1).answer is Answer.EXPIRED
    assert office.confirm(f"{token}x").answer is Answer.WRONG
    assert office.confirm("").answer is Answer.WRONG
    other = office.desk.keys.sign(Purpose.PREFERENCES, (office.person().subscriber, "conferences", 0, "weekly"), NOON)
    assert office.confirm(other).answer is Answer.WRONG
    assert office.person().state is SubscriptionState.PENDING


def test_a_link_of_before_its_reader_left_is_no_good(office: Office) -> None:
    office.ask()
    token = office.token()
    office.confirm(token)
    office.leave(office.person().token)
    assert office.confirm(token).answer is Answer.WRONG
    assert office.person().state is SubscriptionState.UNSUBSCRIBED
    assert office.ask(minutes=60) is Change.ASKED
    assert office.confirm(office.token()).answer is Answer.CONFIRMED


def test_without_a_web_server_the_link_is_a_mail(office: Office) -> None:
    office = without_web(office)
    office.ask()
    (text,) = office.letters(LetterKind.CONFIRMATION)
    assert "Write to digest@example.com with this subject:" in text
    assert office.confirm(office.token()).answer is Answer.CONFIRMED


def test_asking_again_writes_a_second_letter_only_after_a_while(office: Office) -> None:
    assert office.ask() is Change.ASKED
    assert [office.ask(minutes=minutes) for minutes in (1, 9)] == [Change.ASKED_BEFORE] * 2
    assert len(office.letters(LetterKind.CONFIRMATION)) == 1
    assert office.ask(minutes=11) is Change.ASKED
    assert len(office.letters(LetterKind.CONFIRMATION)) == 2


def test_who_reads_a_digest_is_not_asked_again_and_keeps_their_pace(office: Office) -> None:
    office.add(digest="talks", cadence="weekly")
    assert office.ask(digest="talks", cadence="monthly", themselves=True) is Change.NONE
    assert office.person(digest="talks").cadence == "weekly"
    assert office.rows(letter) == 0


def test_the_letter_is_the_same_for_a_stranger_and_for_someone_who_left(office: Office) -> None:
    office.add()
    subscribe.remove(office.store, ANN, "", NOON)
    office.ask()
    office.ask("bob@example.org")
    (known,), (stranger,) = (
        office.letters(LetterKind.CONFIRMATION),
        office.letters(LetterKind.CONFIRMATION, "bob@example.org"),
    )
    assert known.replace(office.token(), "") == stranger.replace(office.token("bob@example.org"), "")


def test_a_question_does_not_undo_that_someone_left(office: Office) -> None:
    office.add()
    subscribe.remove(office.store, ANN, "", NOON)
    office.ask()
    assert office.person().state is SubscriptionState.UNSUBSCRIBED


def test_the_cadence_asked_for_is_the_one_confirmed(office: Office) -> None:
    office.ask(digest="talks", cadence="monthly")
    assert office.confirm(office.token()).cadence == "monthly"
    with pytest.raises(UsageError, match="more than one cadence"):
        office.ask(digest="talks")


def test_a_digest_that_config_has_no_more_confirms_nobody(office: Office) -> None:
    office.ask(digest="talks", cadence="weekly")
    token = office.token()
    office.desk = replace(office.desk, settings=settings(CONFERENCES))
    assert office.confirm(token).answer is Answer.WRONG


def test_international_people_are_asked_at_their_address(office: Office) -> None:
    assert office.ask("Jörg@Bücher.example.org") is Change.ASKED
    assert office.letters(LetterKind.CONFIRMATION, "Jörg@xn--bcher-kva.example.org")
    assert office.add("JÖRG@bücher.example.org") is Change.ADDED
    assert office.rows(subscriber) == 1


# Never mail again


@pytest.mark.parametrize("reason", SuppressionReason)
def test_nobody_is_added_whose_address_is_suppressed(office: Office, reason: SuppressionReason) -> None:
    office.suppress(reason)
    with pytest.raises(UsageError, match="never to be mailed again"):
        office.add()


@pytest.mark.parametrize(
    ("reason", "by_author", "by_themselves"),
    [
        (SuppressionReason.BOUNCE, Change.ASKED, Change.ASKED),
        (SuppressionReason.REQUEST, Change.REFUSED, Change.ASKED),
        (SuppressionReason.COMPLAINT, Change.REFUSED, Change.REFUSED),
    ],
)
def test_who_may_ask_a_suppressed_person(
    office: Office, reason: SuppressionReason, by_author: Change, by_themselves: Change
) -> None:
    office.suppress(reason, "ann@example.org")
    office.suppress(reason, "bob@example.org")
    assert office.ask("ann@example.org") is by_author
    assert office.ask("bob@example.org", themselves=True) is by_themselves


def test_their_own_word_lifts_a_request(office: Office) -> None:
    office.suppress(SuppressionReason.REQUEST)
    office.ask(themselves=True)
    assert office.rows(suppression) == 1, "a question lifts nothing"
    assert office.confirm(office.token()).answer is Answer.CONFIRMED
    assert office.rows(suppression) == 0


def test_a_reader_who_asked_for_no_more_mail_may_change_their_mind(office: Office) -> None:
    office.add()
    office.suppress(SuppressionReason.REQUEST)
    assert office.ask() is Change.REFUSED
    assert office.ask(themselves=True) is Change.ASKED
    assert office.confirm(office.token()).answer is Answer.CONFIRMED
    assert office.rows(suppression) == 0
    office.publish(1)
    assert office.draft(CONFERENCES) == 1


def test_a_complaint_after_the_letter_stands(office: Office) -> None:
    office.ask()
    office.suppress(SuppressionReason.COMPLAINT)
    assert office.confirm(office.token()).answer is Answer.WRONG
    assert office.rows(suppression) == 1


# Leaving


def test_leaving_ends_it_once_and_says_goodbye_once(office: Office) -> None:
    office.add()
    token = office.person().token
    assert [office.leave(token), office.leave(token)] == [(), ()]
    assert office.person().state is SubscriptionState.UNSUBSCRIBED
    assert office.kinds() == ["vouched", "left"]
    assert len(office.letters(LetterKind.GOODBYE)) == 1


def test_a_token_that_nobody_knows_gets_the_same_answer(office: Office) -> None:
    office.add()
    for unknown in ("A" * 32, "A b", "", "é" * 32):
        assert office.leave(unknown) == ()
    assert office.person().state is SubscriptionState.CONFIRMED


def test_leaving_releases_what_waits_of_this_digest_alone(office: Office) -> None:
    office.add()
    office.add(digest="talks", cadence="weekly")
    office.publish(1, "conference")
    office.publish(2, "talk")
    office.draft(CONFERENCES)
    office.draft(TALKS)
    office.leave(office.person(digest="talks").token)
    assert office.rows(delivery, delivery.c.state == "released") == 1
    assert office.given() == ["https://example.com/posts/1/"]


def test_the_token_outlives_coming_back(office: Office) -> None:
    office.add()
    token = office.person().token
    office.leave(token)
    assert office.add() is Change.CAME_BACK
    assert office.person().token == token
    assert office.leave(token) == ()
    assert office.person().state is SubscriptionState.UNSUBSCRIBED
    assert len(office.letters(LetterKind.GOODBYE)) == 2


def test_what_one_digest_released_another_owes(office: Office) -> None:
    office.add()
    office.add(digest="talks", cadence="weekly")
    office.publish(1, *BOTH)
    assert office.draft(CONFERENCES) == 1
    assert office.draft(TALKS) == 0
    office.leave(office.person().token)
    assert office.draft(TALKS, days=14) == 1


# Nobody gets an entry twice


def test_confirming_while_an_issue_is_under_way_begins_after_it(office: Office) -> None:
    office.add("bob@example.org")
    office.ask()
    office.publish(1)
    assert office.draft(CONFERENCES) == 1
    office.confirm(office.token())
    assert office.draft(CONFERENCES, days=14) == 0
    office.publish(2)
    assert office.draft(CONFERENCES, days=21) == 1
    assert office.given() == ["https://example.com/posts/2/"]


def test_leaving_and_coming_back_brings_nothing_twice(office: Office) -> None:
    office.add()
    office.publish(1)
    office.draft(CONFERENCES)
    office.deliver()
    office.leave(office.person().token)
    office.ask()
    office.confirm(office.token())
    office.draft(CONFERENCES, days=14)
    assert office.given() == ["https://example.com/posts/1/"]


def test_another_pace_brings_nothing_twice_and_loses_nothing(office: Office) -> None:
    office.add(digest="talks", cadence="weekly")
    office.add("bob@example.org", digest="talks", cadence="monthly")
    office.publish(1, "talk")
    office.draft(TALKS, "weekly")
    office.deliver()
    office.publish(2, "talk")
    changes = [office.add(digest="talks", cadence="monthly") for _ in range(2)]
    assert changes == [Change.CHANGED_PACE, Change.NONE]
    assert office.kinds(digest="talks") == ["vouched", "cadence"]
    office.draft(TALKS, "monthly", days=14)
    assert office.given() == ["https://example.com/posts/1/", "https://example.com/posts/2/"]


# Forgetting


def test_a_forgotten_person_leaves_a_number_and_a_hash(office: Office) -> None:
    office.publish(1)
    office.ask()
    office.confirm(office.token())
    office.draft(CONFERENCES)
    done = subscribe.forget(office.store, office.desk.keys, "ANN@example.org", NOON)
    assert (done.known, done.digests, done.released) == (True, ("conferences",), 1)
    for table in (subscription, consent_event, letter, suppression):
        assert office.rows(table) == 0, table.name
    assert office.rows(delivery, delivery.c.state == "released") == 1
    with office.store.reading() as connection:
        (row,) = connection.execute(select(subscriber)).all()
        assert (row.address, row.wire, row.key) == ("", "", f"erased:{row.id}")
        assert "ann" not in connection.execute(select(erasure.c.hash)).scalar_one()
    assert not subscribe.forget(office.store, office.desk.keys, ANN, NOON).known


def test_what_relays_said_of_them_goes_too(office: Office) -> None:
    office.publish(1)
    office.add()
    office.draft(CONFERENCES)
    with office.store.writing() as connection:
        connection.execute(update(delivery).values(state="failed", detail="550 <ann@example.org>: no such user"))
    subscribe.forget(office.store, office.desk.keys, ANN, NOON)
    assert office.rows(delivery, delivery.c.detail == "", delivery.c.domain == "", delivery.c.state == "failed") == 1


def test_a_suppression_gives_way_to_the_hash(office: Office) -> None:
    office.suppress(SuppressionReason.COMPLAINT)
    assert subscribe.forget(office.store, office.desk.keys, ANN, NOON).known
    assert (office.rows(suppression), office.rows(erasure)) == (0, 1)


def test_a_forgotten_person_comes_back_by_their_own_word_alone(office: Office) -> None:
    office.add()
    subscribe.forget(office.store, office.desk.keys, ANN, NOON)
    with pytest.raises(UsageError, match="was erased") as caught:
        office.add()
    assert "--ask" in caught.value.remedy
    assert office.ask() is Change.ASKED
    assert office.confirm(office.token()).answer is Answer.CONFIRMED
    assert office.rows(erasure) == 0
    assert office.add() is Change.NONE


def test_a_link_of_before_the_erasure_is_no_good(office: Office) -> None:
    office.ask()
    token, leaving = office.token(), office.person().token
    subscribe.forget(office.store, office.desk.keys, ANN, NOON)
    assert office.confirm(token).answer is Answer.WRONG
    assert office.leave(leaving) == ()


def test_erasures_are_minded_even_without_keys(office: Office) -> None:
    subscribe.add(office.store, office.desk.settings, Wish(ANN, "conferences"), lambda: (), NOON)
    subscribe.forget(office.store, office.desk.keys, ANN, NOON)
    with pytest.raises(UsageError, match="keys"):
        subscribe.add(office.store, office.desk.settings, Wish(ANN, "conferences"), lambda: (), NOON)


# Listing


def test_a_listing_is_chosen_and_paged(office: Office) -> None:
    for number in range(5):
        office.add(f"reader{number}@example.org", digest="talks", cadence="weekly")
    office.add("100%_sure@example.com")
    office.ask("late@example.org")
    page = subscribe.page(office.store, Choice("talks"), 2, 2)
    assert ([each.address for each in page.subscriptions], page.total) == (
        ["reader2@example.org", "reader3@example.org"],
        5,
    )
    assert subscribe.page(office.store, Choice(matching="%_S"), 1, 50).total == 1
    assert subscribe.page(office.store, Choice(matching="READER"), 1, 0).total == 5
    assert subscribe.page(office.store, Choice(state=SubscriptionState.PENDING), 1, 50).total == 1
    assert subscribe.page(office.store, Choice(cadence="monthly"), 1, 50).total == 0
    assert subscribe.page(office.store, Choice(), 9, 50) == subscribe.Page((), 7)


def test_removing_takes_off_one_digest_or_all(office: Office) -> None:
    office.add()
    office.add(digest="talks", cadence="weekly")
    assert [each.digest for each in subscribe.remove(office.store, ANN, "talks", NOON)] == ["talks"]
    assert [each.digest for each in subscribe.remove(office.store, ANN, "", NOON)] == ["conferences"]
    assert subscribe.remove(office.store, ANN, "", NOON) == ()
    assert office.kinds() == [ConsentKind.VOUCHED.value, ConsentKind.REMOVED.value]
    assert office.rows(letter) == 0


def test_a_letter_that_cannot_be_written_does_not_stand_in_the_way_of_consent(office: Office) -> None:
    office.ask()
    token = office.token()
    broken = replace(office.desk.settings, mail=replace(office.desk.settings.mail, sender="nobody"))
    office.desk = replace(office.desk, settings=broken)
    done = office.confirm(token)
    assert done.answer is Answer.CONFIRMED
    assert "a letter could not be written" in done.said[0].message
    (said,) = office.leave(office.person().token)
    assert "a letter could not be written" in said.message
    assert office.person().state is SubscriptionState.UNSUBSCRIBED


def test_somebody_elses_erasure_keeps_nobody_out(office: Office) -> None:
    office.suppress(SuppressionReason.BOUNCE, "bob@example.org")
    subscribe.forget(office.store, office.desk.keys, "bob@example.org", NOON)
    assert office.add() is Change.ADDED
