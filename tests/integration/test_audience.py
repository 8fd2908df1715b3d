"""Who reads what, who is claimed, what is given back: the databases against a few lines of Python, on random worlds."""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from publisher.model.delivery import Claim, DeliveryState, Outcome, ReleaseReason
from publisher.model.issue import Arrival, Cohort, Content, Issue, IssueState, Variant
from publisher.model.letter import Letter, LetterKind
from publisher.model.settings import Filter
from publisher.model.subscriber import SubscriptionState
from publisher.rules.audience import variants
from publisher.store import arrivals, issues, ledger, letters
from publisher.store.audience import gather, insert_deliveries, move_cursors
from publisher.store.release import UNSENT, release_claims, release_issue, release_readers
from publisher.store.tables import (
    delivery,
    issue,
    letter,
    subscriber,
    subscription,
    suppression,
    variant,
    variant_entry,
)
from tests.mailing import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Table
    from sqlalchemy import Row as Found

    from publisher.store.database import Store

S = DeliveryState
HOUR = timedelta(hours=1)
# Two digests share two entries, under other numbers.
ARRIVED = {
    "conferences": {"a": 1, "b": 2, "c": 3, "d": 4},
    "talks": {"c": 1, "e": 2, "d": 3, "f": 4},
}
DOMAINS = ("one.example", "two.example", "three.example")
Place = tuple[str, int]  # a digest and a person


@dataclass(frozen=True)
class Reads:
    """One person's subscription to one digest."""

    state: SubscriptionState
    cadence: str
    cursor: int
    since: int


@dataclass(frozen=True)
class Person:
    """A subscriber; ``got`` gives a variant and a state for some of the issues that were."""

    reads: tuple[Reads | None, Reads | None]  # as in ARRIVED
    suppressed: bool
    domain: str
    got: tuple[tuple[int, DeliveryState] | None, ...]


@dataclass(frozen=True)
class World:
    """People, and issues that were: each a digest and the entries of two variants. Both count from 1."""

    people: tuple[Person, ...]
    issues: tuple[tuple[str, tuple[str, ...]], ...]

    def subscriptions(self) -> Iterator[tuple[Place, Reads]]:
        for number, person in enumerate(self.people, start=1):
            for name, reads in zip(ARRIVED, person.reads, strict=True):
                if reads is not None:
                    yield (name, number), reads

    def deliveries(self) -> Iterator[tuple[int, int, int, DeliveryState]]:
        """Each delivery's issue, person, variant and state, in the order of the first two."""
        for number in range(1, len(self.issues) + 1):
            for who, person in enumerate(self.people, start=1):
                if (had := person.got[number - 1]) is not None:
                    yield number, who, *had

    def entries(self, number: int, variant: int) -> frozenset[str]:
        """The second variant has one entry fewer."""
        return frozenset(self.issues[number - 1][1][variant - 1 :])

    def given(self, who: int) -> frozenset[str]:
        had = [self.entries(n, variant) for n, person, variant, state in self.deliveries() if person == who]
        kept = [state is not S.RELEASED for _, person, _, state in self.deliveries() if person == who]
        return frozenset().union(*(entries for entries, still in zip(had, kept, strict=True) if still))

    def mailed(self, name: str, cadence: str) -> dict[int, Reads]:
        """Whoever may be mailed a digest at a cadence."""
        return {
            who: reads
            for (of, who), reads in self.subscriptions()
            if (of, reads.cadence, reads.state) == (name, cadence, SubscriptionState.CONFIRMED)
            and not self.people[who - 1].suppressed
        }


READS = st.builds(
    lambda state, cadence, low, high: Reads(state, cadence, max(low, high), min(low, high)),
    st.sampled_from([SubscriptionState.CONFIRMED] * 4 + list(SubscriptionState)),
    st.sampled_from(["weekly", "weekly", "daily"]),
    st.integers(0, 4),
    st.integers(0, 4),
)
GOT = st.none() | st.tuples(st.integers(1, 2), st.sampled_from(S))
PEOPLE = st.builds(
    Person,
    st.tuples(st.none() | READS, st.none() | READS),
    st.sampled_from([False, False, False, True]),
    st.sampled_from(DOMAINS),
    st.tuples(GOT, GOT, GOT),
)
ISSUES = st.sampled_from(list(ARRIVED)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(st.sampled_from(list(ARRIVED[name])), min_size=2, max_size=4, unique=True).map(tuple),
    )
)
WORLDS = st.builds(World, st.lists(PEOPLE, min_size=1, max_size=8).map(tuple), st.tuples(ISSUES, ISSUES, ISSUES))
on_many_worlds = settings(deadline=None, max_examples=500 if os.environ.get("PUBLISHER_SOAK") else 40)


def usable(*entries: str) -> tuple[Arrival, ...]:
    return tuple(an_arrival(entry, seq) for entry, seq in ARRIVED["conferences"].items() if entry in entries)


# Drafting


def test_cohorts_are_counted_as_one_would_by_hand(store: Store) -> None:
    @given(WORLDS, st.sets(st.sampled_from("abcd")))
    @on_many_worlds
    def law(world: World, entries: set[str]) -> None:
        with a_world(store, world) as connection:
            found = gather(connection, "conferences", "weekly", usable(*entries))
        wanted = Counter(
            (
                reads.cursor,
                frozenset(e for e in world.given(who) & entries if ARRIVED["conferences"][e] > reads.cursor),
            )
            for who, reads in world.mailed("conferences", "weekly").items()
        )
        assert {(each.cursor, each.given): each.count for each in found.cohorts} == wanted
        assert len(found.cohorts) == len(wanted)
        assert found.subscribed == wanted.total()

    law()


def test_each_reader_with_something_pending_gets_one_row_and_what_is_theirs(store: Store) -> None:
    @given(WORLDS, st.sets(st.sampled_from("abcd"), min_size=1))
    @on_many_worlds
    def law(world: World, entries: set[str]) -> None:
        with a_world(store, world) as connection:
            number = drafted(connection, "conferences", "weekly", usable(*entries))
            rows = rows_of(connection, number)
            theirs = {row.subscriber: entries_of(connection, number, row.variant) for row in rows}
        wanted = {
            who: {e for e in entries - world.given(who) if ARRIVED["conferences"][e] > reads.cursor}
            for who, reads in world.mailed("conferences", "weekly").items()
        }
        assert theirs == {who: pending for who, pending in wanted.items() if pending}
        assert len(rows) == len(theirs)
        for row in rows:
            assert (row.state, row.due_at, row.attempt, row.engine, row.begun) == ("planned", NOON, 0, "", None)
            assert row.domain == world.people[row.subscriber - 1].domain

    law()


def test_drafting_moves_the_cursors_of_its_own_readers_and_only_forward(store: Store) -> None:
    @given(WORLDS, st.integers(0, 4))
    @on_many_worlds
    def law(world: World, upto: int) -> None:
        with a_world(store, world) as connection:
            move_cursors(connection, "conferences", "weekly", upto)
            found = cursors(connection)
        for (name, who), reads in world.subscriptions():
            ours = (name, reads.cadence, reads.state) == ("conferences", "weekly", SubscriptionState.CONFIRMED)
            assert found[name, who] == (max(upto, reads.cursor) if ours else reads.cursor)

    law()


def test_drafting_twice_in_one_connection_forgets_the_first_time(store: Store) -> None:
    world = World((a_person(got=(1, S.SENT)), a_person()), (("talks", ("c", "d")),) * 3)
    with a_world(store, world) as connection:
        first = gather(connection, "conferences", "weekly", usable("c", "d"))
        connection.execute(update(delivery).values(state=S.RELEASED.value))
        again = gather(connection, "conferences", "weekly", usable("c", "d"))
    assert first.cohorts == (Cohort(0), Cohort(0, frozenset("cd")))
    assert again.cohorts == (Cohort(0, frozenset(), 2),)


# Releasing


def test_a_release_lowers_cursors_in_every_digest_but_never_below_where_a_reader_began(store: Store) -> None:
    @given(WORLDS, st.integers(1, 3), st.booleans())
    @on_many_worlds
    def law(world: World, number: int, lower: bool) -> None:
        with a_world(store, world) as connection:
            count = release_issue(connection, number, ReleaseReason.CANCELLED, NOON, lower=lower)
            found, rows = cursors(connection), rows_of(connection, number)
        gone = {who: variant for of, who, variant, state in world.deliveries() if of == number and state in UNSENT}
        assert count == len(gone)
        assert {row.subscriber for row in rows if row.detail == "cancelled"} == set(gone)
        assert all((row.state, row.engine) == ("released", "") for row in rows if row.subscriber in gone)
        expect_lowered(world, found, [(who, world.entries(number, v)) for who, v in gone.items() if lower])

    law()


def test_who_leaves_gets_back_what_waited_for_them_in_all_digests_or_in_one(store: Store) -> None:
    @given(WORLDS, st.sets(st.integers(1, 8)), st.sampled_from(["", "talks"]))
    @on_many_worlds
    def law(world: World, people: set[int], only: str) -> None:
        with a_world(store, world) as connection:
            count = release_readers(connection, sorted(people), ReleaseReason.LEFT, NOON, digest=only)
            found = cursors(connection)
        gone = [
            (who, world.entries(number, variant))
            for number, who, variant, state in world.deliveries()
            if who in people and state in UNSENT and only in {"", world.issues[number - 1][0]}
        ]
        assert count == len(gone)
        expect_lowered(world, found, gone)

    law()


def test_a_single_claim_is_released_from_the_state_it_is_said_to_be_in(store: Store) -> None:
    world = World((a_person(got=(1, S.SENDING)), a_person(got=(1, S.SENT))), (("talks", ("c", "d")),) * 3)
    claims = [Claim(1, who, 1, "", "") for who in (1, 2)]
    with a_world(store, world) as connection:
        release_claims(connection, claims, S.SENDING, "suppressed", NOON)
        assert [row.state for row in rows_of(connection, 1)] == ["released", "sent"]
        with pytest.raises(ValueError, match="never goes from sent"):
            release_claims(connection, claims, S.SENT, "suppressed", NOON)


def test_thousands_leave_at_once(store: Store) -> None:
    world = World(tuple(a_person(got=(1, S.PLANNED)) for _ in range(1200)), (("talks", ("c", "d")),) * 3)
    with a_world(store, world) as connection:
        assert release_readers(connection, range(1, 1201), ReleaseReason.LEFT, NOON) == 1200


# Claiming


@dataclass(frozen=True)
class Row:
    """A delivery of the first issue, and what became of its reader since."""

    state: DeliveryState
    due: int  # hours from now
    domain: str
    confirmed: bool = True
    suppressed: bool = False
    attempt: int = 0


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from([S.PLANNED, S.PLANNED, S.DEFERRED, *S]),
        st.integers(-2, 1),
        st.sampled_from(DOMAINS),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([False, False, False, True]),
        st.integers(0, 2),
    ),
    max_size=9,
)


def test_a_claim_takes_what_is_due_and_wanted_and_names_who_is_gone(store: Store) -> None:
    @given(
        ROWS, st.sampled_from([S.PLANNED, S.DEFERRED]), st.integers(1, 6), st.sets(st.sampled_from(DOMAINS), max_size=2)
    )
    @on_many_worlds
    def law(rows: list[Row], state: DeliveryState, room: int, without: set[str]) -> None:
        with an_issue(store, rows) as connection:
            going = ledger.Open(1, "conferences")
            turn = ledger.claim(connection, "me", going, room, NOON, state=state, without=without)
            after = {row.subscriber: row for row in rows_of(connection, 1)}
        due = [
            (row.due, who)
            for who, row in enumerate(rows, start=1)
            if row.state is state and row.due <= 0 and row.domain not in without
        ]
        seen = [(who, rows[who - 1]) for _, who in sorted(due)[:room]]
        assert [one.subscriber for one in turn.claims] == [w for w, r in seen if r.confirmed and not r.suppressed]
        assert [(one.claim.subscriber, one.reason) for one in turn.gone] == [
            (who, ReleaseReason.SUPPRESSED if row.suppressed else ReleaseReason.LEFT)
            for who, row in seen
            if row.suppressed or not row.confirmed
        ]
        ours = {one.subscriber for one in turn.claims}
        for who, row in enumerate(rows, start=1):
            wanted = (S.SENDING, "me", row.attempt + 1) if who in ours else (row.state, "other", row.attempt)
            assert (S(after[who].state), after[who].engine, after[who].attempt) == wanted
            assert after[who].begun == (NOON if who in ours else None)
        for one in turn.claims:
            assert one == Claim(
                1, one.subscriber, 1, f"p{one.subscriber}@{one.domain}", f"conferences-{one.subscriber}",
                rows[one.subscriber - 1].domain, rows[one.subscriber - 1].attempt + 1, NOON, NOON,
            )  # fmt: skip

    law()


def test_retries_are_aged_from_the_first_attempt(store: Store) -> None:
    with an_issue(store, [Row(S.PLANNED, 0, "one.example")]) as connection:
        going = ledger.Open(1, "conferences")
        (first,) = ledger.claim(connection, "other", going, 5, NOON).claims
        ledger.settle(connection, "other", [Outcome(first, S.DEFERRED, "450 later", NOON + 2 * HOUR)], NOON)
        early = ledger.claim(connection, "me", going, 5, NOON + HOUR, state=S.DEFERRED)
        (again,) = ledger.claim(connection, "me", going, 5, NOON + 2 * HOUR, state=S.DEFERRED).claims
    assert early == ledger.Turn((), ())
    assert (again.attempt, again.begun) == (2, NOON)


@pytest.mark.parametrize(
    "words", ["ein schöner Tag ✓", "nothing \0 and more", "half a \ud800 letter", "' \" \\ %s :x {}"]
)
def test_whatever_a_relay_says_is_recorded(store: Store, words: str) -> None:
    with an_issue(store, [Row(S.SENDING, 0, "one.example")]) as connection:
        ledger.settle(connection, "other", [Outcome(Claim(1, 1, 1, "", ""), S.SENT, words)], NOON)
        (row,) = rows_of(connection, 1)
        assert (row.state, row.changed) == ("sent", NOON)
        assert row.detail == words.replace("\0", " ").replace("\ud800", "?")


def test_a_result_is_recorded_only_while_the_row_is_its_engines(store: Store) -> None:
    @given(ROWS, st.sampled_from(["other", "me"]))
    @on_many_worlds
    def law(rows: list[Row], engine: str) -> None:
        claims = [Claim(1, who, 1, "", "") for who in range(1, len(rows) + 1)]
        with an_issue(store, rows) as connection:
            ledger.settle(connection, engine, [Outcome(each, S.SENT, "250 ok") for each in claims], NOON)
            after = rows_of(connection, 1)
        for row, now in zip(rows, after, strict=True):
            ours = row.state is S.SENDING and engine == "other"
            assert (now.state, now.detail) == (("sent", "250 ok") if ours else (row.state.value, ""))
            assert now.due_at == NOON + row.due * HOUR

    law()


def test_a_result_that_no_row_can_have_is_refused_whole(store: Store) -> None:
    rows = [Row(S.SENDING, 0, "one.example")] * 2
    claims = [Claim(1, who, 1, "", "") for who in (1, 2)]
    with an_issue(store, rows) as connection:
        with pytest.raises(ValueError, match="never goes from sending to held"):
            ledger.settle(connection, "other", [Outcome(claims[0], S.SENT), Outcome(claims[1], S.HELD)], NOON)
        assert [row.state for row in rows_of(connection, 1)] == ["sending", "sending"]


def test_a_bounce_suppresses_once_and_a_pause_stops_an_open_issue(store: Store) -> None:
    rows = [Row(S.SENDING, 0, "one.example"), Row(S.SENDING, 0, "one.example", suppressed=True)]
    claims = [Claim(1, who, 1, "", "") for who in (1, 2)]
    with an_issue(store, rows) as connection:
        bounced = [Outcome(each, S.FAILED, "550 5.1.1 no such user", bounced=True, pause="enough") for each in claims]
        ledger.settle(connection, "other", bounced, NOON)
        known = connection.execute(select(suppression.c.key, suppression.c.detail).order_by(suppression.c.key)).all()
        assert [tuple(row) for row in known] == [
            ("p1@one.example", "550 5.1.1 no such user"),
            ("p2@one.example", ""),
        ]
        assert ledger.open_issues(connection) == ()
        assert (issues.read_issue(connection, 1).state, issues.read_issue(connection, 1).reason) == (
            IssueState.PAUSED,
            "enough",
        )


def test_letters_are_claimed_settled_and_suppressed_alike(store: Store) -> None:
    rows = [Row(S.SENT, 0, "one.example"), Row(S.SENT, 0, "one.example", suppressed=True)]
    with an_issue(store, rows) as connection:
        for who in (0, 1, 2):
            assert letters.write(connection, a_letter(who))
            assert not letters.write(connection, a_letter(who))
        assert letters.write(connection, a_letter(1, generation=2, written=NOON + HOUR))
        turn = ledger.claim_letters(connection, "me", 5, NOON)
        recipients = [letters.read(connection, one.subscriber).recipient for one in turn.claims]
        assert recipients == ["l0@one.example", "l1@one.example"]
        assert [(one.claim.is_letter, one.reason) for one in turn.gone] == [(True, ReleaseReason.SUPPRESSED)]
        outcomes = [Outcome(turn.claims[0], S.SENT, "250"), Outcome(turn.claims[1], S.FAILED, "550", bounced=True)]
        ledger.settle(connection, "other", outcomes, NOON)
        assert ledger.letters(connection) == {S.SENDING: 2, S.PLANNED: 2}
        assert ledger.engines_sending(connection) == {"me"}
        assert {(one.subscriber, one.attempt) for one in ledger.stranded(connection, "me")} == {
            (one.subscriber, 1) for one in turn.claims
        }
        ledger.settle(connection, "me", outcomes, NOON)
        release_claims(connection, [one.claim for one in turn.gone], S.PLANNED, "suppressed", NOON)
        assert ledger.letters(connection) == {S.SENT: 1, S.FAILED: 1, S.RELEASED: 1, S.PLANNED: 1}
        assert connection.execute(select(suppression.c.detail).where(suppression.c.key == "p1@one.example")).one() == (
            "550",
        )
        assert ledger.claim_letters(connection, "me", 5, NOON + HOUR).claims == ()  # suppressed by the bounce
        letters.forget(connection, 1)
        assert connection.execute(select(letter.c.subscriber).order_by(letter.c.subscriber)).scalars().all() == [0, 2]


def test_a_person_may_be_forgotten_while_a_letter_is_on_its_way(store: Store) -> None:
    with an_issue(store, [Row(S.SENT, 0, "one.example")]) as connection:
        letters.write(connection, a_letter(1))
        (claimed,) = ledger.claim_letters(connection, "me", 5, NOON).claims
        letters.forget(connection, 1)
        ledger.settle(connection, "me", [Outcome(claimed, S.FAILED, "550 5.1.1", bounced=True)], NOON)
        assert connection.execute(select(suppression.c.key)).all() == []


def test_what_is_left_over_is_found_by_its_engine(store: Store) -> None:
    rows = [Row(state, 0, "one.example") for state in S]
    with an_issue(store, rows) as connection:
        assert [one.subscriber for one in ledger.stranded(connection, "other")] == [list(S).index(S.SENDING) + 1]
        assert ledger.stranded(connection, "me") == ()
        assert ledger.engines_sending(connection) == {"other"}
        assert ledger.tally(connection, 1) == dict.fromkeys(S, 1)
        assert ledger.next_due(connection) == NOON
        assert ledger.defer_due(connection, "relay away", NOON + HOUR, NOON) == 2
        assert ledger.next_due(connection) == NOON + HOUR
        ledger.hurry(connection, 1, NOON)
        assert ledger.next_due(connection) == NOON
        assert ledger.send_held(connection, 1, NOON) == 1
        assert ledger.reasons(connection, 1, S.DEFERRED, 5) == (("relay away", 2),)


def test_an_issue_is_done_when_every_row_is_final(store: Store) -> None:
    @given(ROWS)
    @on_many_worlds
    def law(rows: list[Row]) -> None:
        with an_issue(store, rows) as connection:
            done = issues.close_finished(connection)
        final = {S.SENT, S.FAILED, S.RELEASED, S.HELD}
        assert done == ((1,) if all(row.state in final for row in rows) else ())

    law()


# Two engines


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)  # SQLite has one engine
def test_two_transactions_that_claim_at_once_never_share_a_row(store: Store) -> None:
    committed(store, [Row(S.PLANNED, 0, "one.example")] * 6)
    going = ledger.Open(1, "conferences")
    with store.turning() as first, store.turning() as second:
        one = ledger.claim(first, "one", going, 4, NOON)
        two = ledger.claim(second, "two", going, 4, NOON)
    assert [each.subscriber for each in (*one.claims, *two.claims)] == [1, 2, 3, 4, 5, 6]


def test_many_engines_claim_every_row_once(store: Store) -> None:
    committed(store, [Row(S.PLANNED, 0, "one.example")] * 200)
    going = ledger.Open(1, "conferences")
    taken: list[int] = []
    faults: list[BaseException] = []

    def turns(engine: str) -> None:
        try:
            left = True
            while left:
                with store.turning() as connection:
                    claims = ledger.claim(connection, engine, going, 7, NOON).claims
                    ledger.settle(connection, engine, [Outcome(each, S.SENT) for each in claims[::2]], NOON)
                    left = S.PLANNED in ledger.tally(connection, 1)
                taken.extend(each.subscriber for each in claims)
        except BaseException as fault:
            faults.append(fault)
            raise

    at_once(*(lambda engine=f"engine{n}": turns(engine) for n in range(4)))
    assert faults == []
    assert sorted(taken) == list(range(1, 201))


def test_two_engines_may_learn_of_one_bounce_at_once(store: Store) -> None:
    committed(store, [Row(S.SENDING, 0, "one.example")])
    bounced = [Outcome(Claim(1, 1, 1, "", ""), S.FAILED, "550 5.1.1", bounced=True)]
    faults: list[BaseException] = []

    def learn(engine: str) -> None:
        try:
            with store.turning() as connection:
                ledger.settle(connection, engine, bounced, NOON)
        except BaseException as fault:
            faults.append(fault)
            raise

    late = threading.Thread(target=learn, args=("two",))
    with store.turning() as connection:
        ledger.settle(connection, "other", bounced, NOON)
        late.start()
        late.join(0.2)  # it cannot end before this transaction does
    late.join()
    assert faults == []


# Worlds in the database


@contextmanager
def a_world(store: Store, world: World) -> Iterator[Connection]:
    """A transaction that holds a world and is undone at the end: nothing has to be cleaned up for the next one."""
    with store.engine.connect() as connection:
        write_world(connection, world)
        yield connection


@contextmanager
def an_issue(store: Store, rows: list[Row]) -> Iterator[Connection]:
    """The same for one issue of the conferences, whose deliveries these are."""
    with store.engine.connect() as connection:
        write_rows(connection, rows)
        yield connection


def write_world(connection: Connection, world: World) -> None:
    write_digests(connection)
    write_people(connection, [(person.domain, person.suppressed) for person in world.people])
    write_subscriptions(connection, dict(world.subscriptions()))
    for number, (name, entries) in enumerate(world.issues, start=1):
        write_issue(connection, name, entries)
        rows = [(who, variant, state) for of, who, variant, state in world.deliveries() if of == number]
        put(connection, delivery, [a_delivery(number, *row) for row in rows])


def write_rows(connection: Connection, rows: list[Row]) -> None:
    write_digests(connection)
    write_people(connection, [(row.domain, row.suppressed) for row in rows])
    states = [SubscriptionState.CONFIRMED if row.confirmed else SubscriptionState.UNSUBSCRIBED for row in rows]
    write_subscriptions(
        connection,
        {("conferences", who): Reads(state, "weekly", 0, 0) for who, state in enumerate(states, start=1)}
        | {("talks", who): READER for who in range(1, len(rows) + 1)},
    )
    write_issue(connection, "conferences", ("a", "b"))
    changed: list[dict[str, object]] = [
        {"due_at": NOON + row.due * HOUR, "domain": row.domain, "attempt": row.attempt, "engine": "other"}
        for row in rows
    ]
    made = [a_delivery(1, who, 1, row.state) for who, row in enumerate(rows, start=1)]
    put(connection, delivery, [row | other for row, other in zip(made, changed, strict=True)])


def committed(store: Store, rows: list[Row]) -> None:
    with store.writing() as connection:
        write_rows(connection, rows)


def write_digests(connection: Connection) -> None:
    for name, numbers in ARRIVED.items():
        arrivals.begin(connection, name, Filter(), NOON)
        arrivals.record(connection, name, [an_arrival(entry, seq) for entry, seq in numbers.items()], NOON)


def write_people(connection: Connection, people: list[tuple[str, bool]]) -> None:
    wires = [f"p{who}@{domain}" for who, (domain, _) in enumerate(people, start=1)]
    made = [
        {"id": who, "address": wire, "wire": wire, "key": wire, "created": NOON}
        for who, wire in enumerate(wires, start=1)
    ]
    put(connection, subscriber, made)
    never = [wire for wire, (_, suppressed) in zip(wires, people, strict=True) if suppressed]
    put(connection, suppression, [{"key": key, "reason": "request", "detail": "", "at": NOON} for key in never])


def write_subscriptions(connection: Connection, subscriptions: dict[Place, Reads]) -> None:
    rows = [
        {
            "subscriber": who,
            "digest": name,
            "state": reads.state.value,
            "cadence": reads.cadence,
            "cursor": reads.cursor,
            "since": reads.since,
            "unsubscribe_token": f"{name}-{who}",
        }
        for (name, who), reads in subscriptions.items()
    ]
    put(connection, subscription, rows)


def write_issue(connection: Connection, name: str, entries: tuple[str, ...]) -> int:
    """An open issue with two variants, of which the second has one entry fewer. Ids count from 1."""
    known = connection.execute(select(issue.c.id)).scalars().all()
    drafted = Issue(
        0, name, "weekly", len(known) + 1, "Title", NOON, "a@example.com", "", "list", "leave@example.com", ""
    )
    made = issues.insert_issue(connection, drafted)
    connection.execute(update(issue).where(issue.c.id == made).values(id=len(known) + 1))
    for number in (1, 2):
        planned = Variant(number, entries[number - 1 :], ())
        issues.insert_variant(connection, len(known) + 1, planned, Content("Subject", "<p>Html</p>", "Text"))
    return len(known) + 1


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


READER = Reads(SubscriptionState.CONFIRMED, "weekly", 0, 0)


def a_person(*, got: tuple[int, DeliveryState] | None = None) -> Person:
    return Person((READER, READER), suppressed=False, domain="one.example", got=(got, None, None))


def a_delivery(number: int, who: int, variant: int, state: DeliveryState) -> dict[str, object]:
    return {
        "issue": number,
        "subscriber": who,
        "variant": variant,
        "domain": "one.example",
        "state": state.value,
        "due_at": NOON,
        "attempt": 0,
        "engine": "",
        "detail": "",
        "changed": NOON,
        "begun": None,
    }


def an_arrival(entry: str, seq: int) -> Arrival:
    return Arrival(entry, seq, f"https://example.com/{entry}/", (), entry, NOON)


def a_letter(who: int, *, generation: int = 1, written: datetime = NOON) -> Letter:
    return Letter(
        id=0,
        kind=LetterKind.WELCOME,
        subscriber=who,
        digest="conferences",
        generation=generation,
        recipient=f"l{who}@one.example",
        subject="Subject",
        html="<p>Html</p>",
        text="Text",
        sender="a@example.com",
        reply_to="",
        list_id="",
        unsubscribe_mail="",
        public_url="",
        token="",
        written=written,
    )


def drafted(connection: Connection, name: str, cadence: str, usable: tuple[Arrival, ...]) -> int:
    """Draft as the digest's flow does: gather, make variants, write rows."""
    audience = gather(connection, name, cadence, usable)
    number = write_issue_of(connection, name, chosen := variants(usable, audience.cohorts))
    for planned in chosen:
        insert_deliveries(connection, number, planned, audience, NOON)
    return number


def write_issue_of(connection: Connection, name: str, chosen: tuple[Variant, ...]) -> int:
    number = write_issue(connection, name, ("none", "whatever"))
    connection.execute(delete(variant_entry).where(variant_entry.c.issue == number))
    connection.execute(delete(variant).where(variant.c.issue == number))
    for planned in chosen:
        issues.insert_variant(connection, number, planned, Content("Subject", "<p>Html</p>", "Text"))
    return number


def rows_of(connection: Connection, number: int) -> list[Found[Any]]:
    query = select(delivery).where(delivery.c.issue == number).order_by(delivery.c.subscriber)
    return list(connection.execute(query).all())


def entries_of(connection: Connection, number: int, which: int) -> set[str]:
    place = (variant_entry.c.issue == number, variant_entry.c.variant == which)
    return set(connection.execute(select(variant_entry.c.entry).where(*place)).scalars())


def cursors(connection: Connection) -> dict[Place, int]:
    rows = connection.execute(select(subscription.c.digest, subscription.c.subscriber, subscription.c.cursor))
    return {(row.digest, row.subscriber): row.cursor for row in rows}


def expect_lowered(world: World, found: dict[Place, int], gone: list[tuple[int, frozenset[str]]]) -> None:
    """Each cursor stands below the lowest entry given back, but no lower than ``since``, and never rises."""
    for (name, who), reads in world.subscriptions():
        back = [
            ARRIVED[name][e] - 1 for person, entries in gone if person == who for e in entries if e in ARRIVED[name]
        ]
        assert found[name, who] == min(reads.cursor, max(reads.since, min(back, default=reads.cursor)))


def at_once(*stories: Callable[[], None]) -> None:
    threads = [threading.Thread(target=story) for story in stories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
