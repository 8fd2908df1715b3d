"""What an author is told in numbers, on a real store of each kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from publisher.flows import subscribe
from publisher.flows.figures import DAYS, Growth, Troubles, feeds, figures, keep_readers, pulse, troubles
from publisher.flows.subscribe import Wish
from publisher.mail.addresses import parse_mailbox
from publisher.model.counted import Counted
from publisher.model.delivery import DeliveryState
from publisher.model.issue import IssueState
from publisher.model.subscriber import ConsentKind, SuppressionReason
from publisher.store import consents, feed_readers, people, suppressions
from publisher.store.figures import without_addresses
from publisher.store.tables import consent_event, delivery, digest, feed_reader, issue, subscriber, subscription, wish
from tests.archiving import Site
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.model.settings import Settings
    from publisher.store.database import Store

TALKS = replace(CONFERENCES, name="talks", title="Talks", cadences=(("weekly", "mon 09:00"), ("monthly", "1 09:00")))
BOTH: Settings = settings(CONFERENCES, TALKS)
TODAY = NOON.date()


def growth(store: Store, name: str = "conferences") -> Growth:
    return next(one for one in figures(store, BOTH, NOON).growth if one.digest == name)


def add(store: Store, person: str, name: str = "conferences", cadence: str = "", *, days: int = 0) -> None:
    now = NOON - timedelta(days=days)
    subscribe.add(store, BOTH, Wish(f"{person}@example.org", name, cadence), tuple, now)


def number_of(store: Store, person: str) -> int:
    with store.reading() as connection:
        return people.number_of(connection, parse_mailbox(f"{person}@example.org"))


def record(store: Store, person: str, kind: ConsentKind, words: str = "", days: int = 0) -> None:
    with store.writing() as connection:
        number = people.number_of(connection, parse_mailbox(f"{person}@example.org"))
        at = NOON - timedelta(days=days)
        consents.record(connection, number, "conferences", kind, wording="", evidence=words, now=at)


def test_an_empty_store_has_figures_too(store: Store) -> None:
    found = figures(store, BOTH, NOON)
    assert not any((found.readers, found.issues, feeds(store, NOON)))
    assert troubles(store, NOON) == Troubles({}, (), ())
    assert [(one.title, one.readers, len(one.days)) for one in found.growth] == [
        ("Conference writeups", 0, DAYS),
        ("Talks", 0, DAYS),
    ]
    assert [due.digest for due in found.status.due] == ["conferences", "talks", "talks"]


def test_readers_are_counted_by_digest_and_cadence(store: Store) -> None:
    add(store, "ann")
    for person, cadence in (("ann", "monthly"), ("ben", "weekly"), ("cem", "weekly")):
        add(store, person, "talks", cadence)
    found = {(one.digest, one.cadence): one.readers for one in figures(store, BOTH, NOON).readers}
    assert found == {("conferences", "weekly"): 1, ("talks", "monthly"): 1, ("talks", "weekly"): 2}


def test_days_are_told_backwards_from_what_is_now(store: Store) -> None:
    add(store, "old", days=200)
    add(store, "ann", days=10)
    add(store, "ben", days=10)
    with store.writing() as connection:
        found = people.find(connection, parse_mailbox("ben@example.org"), "conferences")
        assert found is not None
        subscribe.end(connection, found, ConsentKind.LEFT, "", "", NOON - timedelta(days=3))
    days = {(TODAY - one.day).days: one for one in growth(store).days}
    assert len(days) == DAYS
    assert [days[at].readers for at in (89, 11, 10, 4, 3, 0)] == [1, 1, 3, 3, 2, 2]
    assert (days[10].joined, days[10].left, days[3].joined, days[3].left) == (2, 0, 0, 1)
    assert sum(one.joined + one.left for one in days.values()) == 3


def test_words_that_change_nothing_are_not_counted(store: Store) -> None:
    add(store, "ann", days=5)
    record(store, "ann", ConsentKind.CONFIRMED, days=4)  # reads already
    record(store, "ann", ConsentKind.CADENCE, days=3)
    with store.writing() as connection:
        people.enrol(connection, parse_mailbox("shy@example.org"), NOON)
    record(store, "shy", ConsentKind.ASKED, days=2)
    record(store, "shy", ConsentKind.LEFT, days=1)  # had never said yes
    days = growth(store).days
    assert sum(one.joined for one in days) == 1
    assert sum(one.left for one in days) == 0
    assert days[0].readers == 0


@dataclass
class Life:
    """A digest's readers as days go by, counted by hand."""

    reading: set[int] = field(default_factory=set)
    ends: list[int] = field(default_factory=list)
    steps: list[Counter[str]] = field(default_factory=list)


STEP = st.tuples(st.integers(1, 4), st.sampled_from([*ConsentKind]))


def test_a_history_is_told_as_it_was_lived(store: Store) -> None:
    with store.writing() as connection:
        values = {"filter": "{}", "begun": NOON}
        connection.execute(insert(digest).values(name="conferences", **values))
        for person in range(1, 5):
            people.enrol(connection, parse_mailbox(f"p{person}@example.org"), NOON)
        ids = list(connection.execute(select(subscriber.c.id).order_by(subscriber.c.id)).scalars())

    @given(st.lists(st.lists(STEP, max_size=4), min_size=1, max_size=6))
    @hypothesis(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def law(history: list[list[tuple[int, ConsentKind]]]) -> None:
        life, rows = Life(), []
        for at, steps in enumerate(history):
            moment = NOON - timedelta(days=len(history) - 1 - at)
            counted: Counter[str] = Counter()
            for person, kind in steps:
                rows.append({"subscriber": ids[person - 1], "kind": kind.value, "at": moment})
                if kind.value in {"confirmed", "vouched", "imported"} and person not in life.reading:
                    life.reading.add(person)
                    counted["joined"] += 1
                elif kind.value in {"left", "removed"} and person in life.reading:
                    life.reading.remove(person)
                    counted["left"] += 1
            life.ends.append(len(life.reading))
            life.steps.append(counted)
        with store.writing() as connection:
            connection.execute(delete(consent_event))
            connection.execute(delete(subscription))
            for row in rows:
                consents.record(
                    connection,
                    row["subscriber"],
                    "conferences",
                    ConsentKind(row["kind"]),
                    wording="",
                    evidence="",
                    now=row["at"],
                )
            for person in life.reading:
                people.confirm(
                    connection, ids[person - 1], "conferences", cadence="weekly", cursor=0, token=f"t{person}"
                )
        days = growth(store).days[-len(history) :]
        assert [one.readers for one in days] == life.ends
        assert [(one.joined, one.left) for one in days] == [(one["joined"], one["left"]) for one in life.steps]
        assert growth(store).days[0].readers == 0

    law()


def test_a_day_is_one_of_utc_whatever_zone_the_database_lives_in(store: Store) -> None:
    add(store, "ann")
    late = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    with store.writing() as connection:
        connection.execute(update(consent_event).values(at=late))
    assert [str(one.day) for one in growth(store).days if one.joined] == ["2026-11-20"]


def test_issues_come_with_their_messages_counted(store: Store, tmp_path: Path) -> None:
    site = Site(tmp_path, store)
    site.add("ann")
    for number in (1, 2, 3):
        site.publish(number)
        site.send()
    site.issue(3, IssueState.OPEN)
    found = figures(store, site.settings, NOON)
    assert [(one.issue.number, one.counts) for one in found.issues] == [
        (number, {DeliveryState.SENT: 1}) for number in (3, 2, 1)
    ]
    assert [one.issue.number for one in found.status.alive] == [3]
    seen = pulse(store, NOON)
    assert (seen.deliveries, seen.issues) == (
        {DeliveryState.SENT: 1},
        {IssueState.OPEN: 1, IssueState.DONE: 2},
    )


def test_failures_are_counted_by_words_without_addresses(store: Store, tmp_path: Path) -> None:
    site = Site(tmp_path, store)
    for person in ("ann", "ben", "zoe"):
        site.add(person)
    site.publish(1)
    site.send()
    with store.writing() as connection:
        said = "rcpt: 550 5.1.1 <" + subscriber.c.wire + ">: no mailbox " + func.substr(subscriber.c.wire, 1, 3)
        words = select(said).where(subscriber.c.id == delivery.c.subscriber).scalar_subquery()
        failed = {"state": "failed", "detail": words, "changed": NOON}
        connection.execute(update(delivery).values(failed))
        connection.execute(update(issue).values(touched=NOON))
    found = troubles(store, NOON)
    assert found.failures == (("rcpt: 550 5.1.1 <address>: no mailbox <address>", 3),)
    later = troubles(store, NOON + timedelta(days=31))
    assert later.failures == ()


def test_suppressions_are_counted_by_reason(store: Store) -> None:
    with store.writing() as connection:
        for person, reason in (
            ("a", SuppressionReason.BOUNCE),
            ("b", SuppressionReason.BOUNCE),
            ("c", SuppressionReason.COMPLAINT),
        ):
            suppressions.suppress(connection, parse_mailbox(f"{person}@example.org"), reason, "", NOON)
    found = troubles(store, NOON).suppressed
    assert found == {SuppressionReason.BOUNCE: 2, SuppressionReason.COMPLAINT: 1}


def test_reasons_are_words_alone_newest_first(store: Store) -> None:
    add(store, "ann")
    for number in range(25):
        record(store, "ann", ConsentKind.REASON, f"Too much of number {number}, write to ann@example.org")
    found = troubles(store, NOON).reasons
    assert [one.words for one in found] == [f"Too much of number {n}, write to <address>" for n in range(24, 4, -1)]
    assert {(one.digest, one.day) for one in found} == {("conferences", TODAY)}


@given(st.text(max_size=30), st.sampled_from(["ann@example.org", "<ann@example.org>", "Ann.B+c@sub.example.org"]))
def test_no_address_survives(words: str, address: str) -> None:
    assert "@example" not in without_addresses(f"{words} {address} {words}")


def test_the_highest_count_of_a_day_stands(store: Store) -> None:
    day = TODAY.isoformat()
    keep_readers(store, [Counted("feed.xml", "Feedly", day, 5), Counted("feed.xml", "Feedly", day, 7)])
    keep_readers(store, [Counted("feed.xml", "Feedly", day, 3), Counted("atom.xml", "Feedly", day, 1)])
    keep_readers(store, [])
    with store.reading() as connection:
        assert feed_readers.latest(connection) == (
            Counted("atom.xml", "Feedly", day, 1),
            Counted("feed.xml", "Feedly", day, 7),
        )


def test_invented_names_end_at_two_hundred_a_day_and_known_ones_still_count(store: Store) -> None:
    day = TODAY.isoformat()
    keep_readers(store, [Counted("feed.xml", f"bot {number}", day, 1) for number in range(150)])
    keep_readers(store, [Counted("feed.xml", f"bot {number}", day, 2) for number in range(300)])
    keep_readers(store, [Counted("feed.xml", "one more", day, 1), Counted("feed.xml", "bot 1", day, 3)])
    with store.reading() as connection:
        rows = select(func.count()).select_from(feed_reader)
        assert connection.execute(rows).scalar_one() == 200
        assert feed_readers.latest(connection)[0] == Counted("feed.xml", "bot 1", day, 3)


def test_readers_of_feeds_are_those_that_still_come_and_today_has_no_sum_yet(store: Store) -> None:
    def ago(days: int) -> str:
        return (TODAY - timedelta(days=days)).isoformat()

    keep_readers(
        store,
        [
            Counted("feed.xml", "Feedly", ago(1), 10),
            Counted("feed.xml", "Feedly", ago(0), 11),
            Counted("feed.xml", "Inoreader", ago(1), 4),
            Counted("feed.xml", "Gone", ago(9), 99),
            Counted("feed.xml", "Ancient", ago(60), 5),
        ],
    )
    (found,) = feeds(store, NOON)
    assert (found.feed, found.readers) == ("feed.xml", 15)
    assert [(one.aggregator, one.readers) for one in found.now] == [("Feedly", 11), ("Inoreader", 4)]
    assert [(str(day), readers) for day, readers in found.days] == [(ago(9), 99), (ago(1), 14)]
    assert pulse(store, NOON).feeds == {"feed.xml": 15}


def test_counts_of_readers_are_kept_for_four_hundred_days(store: Store) -> None:
    days = [(TODAY - timedelta(days=ago)).isoformat() for ago in (401, 400, 0)]
    for day in days:
        keep_readers(store, [Counted("feed.xml", "Feedly", day, 1)])
    with store.reading() as connection:
        assert list(feed_readers.history(connection)["feed.xml"]) == days[1:]


def test_wishes_are_counted(store: Store) -> None:
    with store.writing() as connection:
        values = {"kind": "subscribe", "address": "ann@example.org", "digest": "", "cadence": "", "at": NOON}
        connection.execute(insert(wish).values(values))
    assert pulse(store, NOON).wishes == 1


def test_figures_hold_no_address(store: Store, tmp_path: Path) -> None:
    site = Site(tmp_path, store)
    site.add("ann")
    site.publish(1)
    site.send()
    assert "ann@" not in repr((figures(store, site.settings, NOON), troubles(store, NOON)))
