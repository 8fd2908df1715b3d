"""Visitors wish for a digest, or for the way to their own page: noted the same for everybody, settled afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from publisher.errors import StoreError, UsageError
from publisher.flows import subscribe, wishes
from publisher.flows.consent import Answer, leave
from publisher.flows.wishes import Wished, WishKind, check
from publisher.model.letter import LetterKind
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.store.database import open_store
from publisher.store.tables import letter, subscriber, suppression, wish
from tests.mailing import CONFERENCES, MAIL, NOON, item, settings
from tests.sites import CHECKOUT, environment
from tests.wishing import ANN, SITE, TALKS, Hall, a_desk, at, going_home, subscribing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from publisher.store.database import Store
    from tests.databases import Place

CONFIRMATION, OWN_PAGE = LetterKind.CONFIRMATION, LetterKind.SETTINGS
DAY = 24 * 60


@pytest.fixture
def hall(store: Store, tmp_path: Path) -> Hall:
    return Hall(store, a_desk(tmp_path))


def broken(hall: Hall, name: str, text: str = "{{ nobody.knows }}") -> Callable[[], None]:
    """Break a template; returns what mends it, with a new desk in either case."""
    path = hall.desk.folder / "templates" / "mail" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    hall.desk = a_desk(hall.desk.folder)

    def mend() -> None:
        path.unlink()
        hall.desk = a_desk(hall.desk.folder)

    return mend


# What can be told without the store


def test_a_wish_is_completed_where_there_is_no_choice() -> None:
    assert check(SITE, Wished(WishKind.SUBSCRIBE, " Ann@Example.ORG ", "conferences")) == subscribing("Ann@example.org")
    assert check(settings(), Wished(WishKind.SUBSCRIBE, ANN)) == subscribing()
    assert check(SITE, subscribing(digest="talks", cadence="monthly")).cadence == "monthly"
    assert check(SITE, Wished(WishKind.SETTINGS, ANN, "whatever", "whenever")) == going_home()


@pytest.mark.parametrize(
    ("wished", "told"),
    [
        (subscribing("ann"), "is not an email address that can be mailed"),
        (subscribing("a" * 400 + "@example.org"), "too long"),
        (subscribing("a\0b@example.org"), "is not an email address"),
        (subscribing("a\ud800b@example.org"), "is not an email address"),
        (going_home("a@b@example.org"), "is not an email address"),
        (subscribing(digest=""), "No digest was chosen"),
        (subscribing(digest="nothing"), "no such digest"),
        (subscribing(digest="talks", cadence=""), "No pace was chosen for Talks"),
        (subscribing(digest="talks", cadence="hourly"), "Talks does not come at such a pace"),
    ],
)
def test_what_cannot_be_wished_is_told_in_a_visitors_words(wished: Wished, told: str) -> None:
    with pytest.raises(UsageError, match=told) as fault:
        check(SITE, wished)
    assert "--" not in str(fault.value)
    assert "config.toml" not in str(fault.value)


def test_where_there_is_no_digest_there_is_nothing_to_wish_for() -> None:
    with pytest.raises(UsageError, match="nothing to subscribe to"):
        check(replace(SITE, digests=()), subscribing())


# The same for everybody


def test_noting_is_the_same_statement_whoever_it_is(hall: Hall) -> None:
    hall.add("reader@example.org")
    hall.suppress(SuppressionReason.COMPLAINT, "complained@example.org")
    seen: list[list[str]] = []

    def heard(_1: object, _2: object, statement: str, *_3: object) -> None:
        seen[-1].append(statement)

    event.listen(hall.store.engine, "before_cursor_execute", heard)
    for address in ("stranger@example.org", "reader@example.org", "complained@example.org"):
        seen.append([])
        hall.note(subscribing(address))
    event.remove(hall.store.engine, "before_cursor_execute", heard)
    assert seen[0] == seen[1] == seen[2]
    assert [words.split()[:3] for words in seen[0] if not words.startswith("BEGIN")] == [["INSERT", "INTO", "wish"]]


def test_many_wishes_are_noted_in_one_transaction(hall: Hall) -> None:
    commits: list[object] = []
    event.listen(hall.store.engine, "commit", commits.append)
    hall.note(*(subscribing(f"p{number}@example.org") for number in range(1000)))
    hall.note()
    assert len(commits) == 1
    assert hall.rows(wish) == 1000


def test_the_question_is_the_same_for_strangers_and_for_people_who_left(hall: Hall) -> None:
    hall.add()
    subscribe.remove(hall.store, ANN, "", NOON)
    assert hall.wish(subscribing(), subscribing("bob@example.org")) == 2
    (known,), (stranger,) = hall.letters(CONFIRMATION), hall.letters(CONFIRMATION, "bob@example.org")
    assert known.replace(hall.token(CONFIRMATION), "") == stranger.replace(
        hall.token(CONFIRMATION, "bob@example.org"), ""
    )


# Settling


def test_a_stranger_is_asked_and_answers(hall: Hall) -> None:
    assert hall.wish(subscribing(digest="talks", cadence="monthly"), minutes=5) == 1
    assert hall.rows(wish) == 0
    assert hall.person(digest="talks").state is SubscriptionState.PENDING
    ((kind, evidence),) = hall.events(digest="talks")
    assert (kind, evidence) == ("asked", "Somebody asked for it on the web page, at 2026-11-23T12:05:00+00:00.")
    assert hall.confirm(hall.token(CONFIRMATION)).cadence == "monthly"


def test_wishes_are_settled_oldest_first_and_so_many_at_a_time(hall: Hall) -> None:
    hall.note(*(subscribing(f"p{number}@example.org") for number in range(5)))
    first = hall.settle(most=3)
    assert (first.letters, first.left, first.stuck) == (3, 2, 0)
    assert hall.letters(CONFIRMATION, "p2@example.org")
    assert not hall.letters(CONFIRMATION, "p3@example.org")
    assert (hall.settle().letters, hall.settle()) == (2, wishes.Settled(0, 0))


def test_items_are_asked_for_the_baseline_alone(hall: Hall) -> None:
    hall.items = (item(1), item(2))
    hall.desk = replace(
        hall.desk, settings=settings(replace(CONFERENCES, start="now"), public_url="https://n.example/")
    )
    hall.note(subscribing(), subscribing("bob@example.org"))
    told = [problem.message for problem in hall.settle().said]
    assert told == ['Conference writeups: what was published already counts as given (2 entries, start = "now")']
    hall.note(subscribing("cyd@example.org"))
    done = wishes.settle(hall.store, hall.desk, lambda: pytest.fail("nobody needs them"), at(1))
    assert (done.letters, done.said) == (1, ())


def test_the_way_home_goes_to_who_is_known_alone(hall: Hall) -> None:
    hall.add()
    assert hall.wish(going_home(), going_home("stranger@example.org")) == 1
    (text,) = hall.letters(OWN_PAGE)
    assert "https://news.example.com/preferences/" in text
    assert hall.visit(hall.token()).person is not None
    assert hall.rows(subscriber) == 1, "a stranger who asks is not written down"


def test_who_never_answered_or_left_finds_home_too(hall: Hall) -> None:
    hall.wish(subscribing())
    assert hall.wish(going_home()) == 1
    hall.add("bob@example.org")
    subscribe.remove(hall.store, "bob@example.org", "", NOON)
    assert hall.wish(going_home("bob@example.org")) == 1


def test_the_way_home_is_sent_once_in_a_while(hall: Hall) -> None:
    hall.add()
    assert [hall.wish(going_home(), minutes=minutes) for minutes in (0, 1, 9, 11)] == [1, 0, 0, 1]


def test_strangers_cause_three_letters_a_day_at_most(hall: Hall) -> None:
    wanted = [subscribing(), subscribing(digest="talks"), going_home(), subscribing(), going_home("ANN@example.org")]
    counts = [hall.wish(wished, minutes=20 * place) for place, wished in enumerate(wanted)]
    assert counts == [1, 1, 1, 0, 0]
    assert hall.wish(subscribing("bob@example.org"), minutes=100) == 1
    assert hall.wish(subscribing(), minutes=DAY - 1) == 0
    assert hall.wish(subscribing(), minutes=DAY + 1) == 1


def test_a_reader_who_subscribes_again_learns_that_they_are_one(hall: Hall) -> None:
    hall.add()
    assert [hall.wish(subscribing(), minutes=minutes) for minutes in (0, 5, 20)] == [1, 0, 1]
    assert (len(hall.letters(OWN_PAGE)), len(hall.letters(CONFIRMATION))) == (2, 0)


@pytest.mark.parametrize(
    ("reason", "asked", "led"),
    [(SuppressionReason.BOUNCE, 1, 1), (SuppressionReason.REQUEST, 1, 1), (SuppressionReason.COMPLAINT, 0, 0)],
)
def test_after_a_complaint_nothing_is_written(hall: Hall, reason: SuppressionReason, asked: int, led: int) -> None:
    hall.suppress(reason)
    assert hall.wish(subscribing()) == asked
    hall.add("bob@example.org")
    hall.suppress(reason, "bob@example.org")
    assert hall.wish(going_home("bob@example.org")) == led
    assert hall.rows(suppression) == (1 if reason is SuppressionReason.BOUNCE else 2)


def test_nothing_that_a_visitor_writes_is_in_a_letter(hall: Hall) -> None:
    hall.add()
    hall.wish(subscribing("buy.pills@example.org"), Wished(WishKind.SETTINGS, ANN, "buy pills", "buy pills"))
    with hall.store.reading() as connection:
        for row in connection.execute(select(letter.c.subject, letter.c.html, letter.c.text)):
            assert "pills" not in " ".join(row)


# What can go wrong


def test_a_wish_for_a_digest_that_is_no_more_is_dropped(hall: Hall) -> None:
    hall.note(subscribing(digest="talks"), subscribing())
    hall.desk = replace(hall.desk, settings=settings(public_url="https://news.example.com/"))
    done = hall.settle()
    assert (done.letters, done.left, done.stuck) == (1, 0, 0)
    (said,) = done.said
    assert said.message == "a wish from the web was dropped: config.toml has no digest talks any more"


def test_another_pace_is_better_than_nothing(hall: Hall) -> None:
    hall.note(subscribing(digest="talks", cadence="monthly"))
    weekly = replace(TALKS, cadences=TALKS.cadences[:1])
    hall.desk = replace(hall.desk, settings=settings(weekly, public_url="https://news.example.com/"))
    assert hall.settle().letters == 1
    assert hall.confirm(hall.token(CONFIRMATION)).cadence == "weekly"


def test_without_a_web_server_there_is_no_way_home(hall: Hall) -> None:
    hall.add()
    hall.note(going_home(), subscribing())
    hall.desk = replace(hall.desk, settings=settings())
    done = hall.settle()
    assert (done.letters, done.left) == (0, 0)
    assert [said.message.partition(": ")[2] for said in done.said] == [
        "without [web] public_url there is no page to lead anybody to"
    ]


def test_a_broken_template_loses_no_wish_and_keeps_no_other_back(hall: Hall) -> None:
    hall.add()
    mend = broken(hall, "confirmation.txt.j2")
    hall.note(subscribing("bob@example.org"), subscribing("cyd@example.org"), going_home())
    done = hall.settle(most=2)
    assert (done.letters, done.left, done.stuck) == (0, 3, 2)
    (said,) = done.said
    assert "a wish from the web waits" in said.message
    assert "confirmation.txt.j2:1" in said.message
    assert "example.org" not in str(said)
    assert hall.settle(most=2).letters == 1, "whoever can be helped is helped"
    assert hall.rows(subscriber) == 1, "what a letter was not written for did not happen"
    mend()
    assert (hall.settle(), hall.rows(wish)) == (wishes.Settled(2, 0), 0)


def test_a_template_that_cannot_be_read_is_told_once(hall: Hall) -> None:
    mend = broken(hall, "letter.mjml.j2", "<mj-text")
    hall.note(subscribing(), subscribing("bob@example.org"))
    done = hall.settle()
    assert (done.letters, done.left, done.stuck, len(done.said)) == (0, 2, 2, 1)
    mend()
    assert hall.settle().letters == 2


def test_a_fault_in_config_keeps_the_wish(hall: Hall) -> None:
    hall.note(subscribing())
    good = hall.desk
    hall.desk = replace(good, settings=settings(mail=replace(MAIL, sender="nobody")))
    assert [hall.settle().stuck for _ in range(2)] == [1, 1]
    hall.desk = good
    assert hall.settle().letters == 1


def test_when_the_store_fails_the_wish_stays(hall: Hall) -> None:
    hall.note(subscribing())

    def items() -> tuple[()]:
        raise StoreError("the mailing store could not be used")

    with pytest.raises(StoreError):
        wishes.settle(hall.store, hall.desk, items, NOON)
    assert hall.rows(wish) == 1


# Erasure


def test_who_is_erased_wishes_for_nothing_any_more(hall: Hall) -> None:
    hall.add()
    hall.note(subscribing("ANN@Example.org"), going_home("Ann@example.org"), subscribing("bob@example.org"))
    assert subscribe.forget(hall.store, hall.desk.keys, ANN, NOON).known
    assert hall.rows(wish) == 1
    assert hall.settle().letters == 1
    assert not hall.letters(CONFIRMATION)


def test_an_address_of_which_only_a_wish_is_known_can_be_erased(hall: Hall) -> None:
    hall.note(subscribing("jörg@bücher.example.org"))
    assert subscribe.forget(hall.store, hall.desk.keys, "JÖRG@xn--bcher-kva.example.org", NOON).known
    assert hall.rows(wish) == 0
    assert not subscribe.forget(hall.store, hall.desk.keys, "zoe@example.org", NOON).known


def test_who_was_erased_may_come_back(hall: Hall) -> None:
    hall.add()
    subscribe.forget(hall.store, hall.desk.keys, ANN, NOON)
    assert hall.wish(going_home()) == 0
    assert hall.wish(subscribing()) == 1
    assert hall.confirm(hall.token(CONFIRMATION)).answer is Answer.CONFIRMED


# Looking at a link to confirm


def test_looking_at_a_link_tells_what_it_would_do_and_does_nothing(hall: Hall) -> None:
    hall.wish(subscribing())
    token = hall.token(CONFIRMATION)
    for _ in range(2):
        would = hall.peek(token)
        assert (would.answer, would.address, would.cadence) == (Answer.CONFIRMED, ANN, "weekly")
        assert hall.person().state is SubscriptionState.PENDING
    assert would == replace(hall.confirm(token), said=())
    assert hall.peek(token) == hall.confirm(token)
    assert hall.peek(token).answer is Answer.ALREADY


def test_looking_at_links_that_are_no_good(hall: Hall) -> None:
    hall.wish(subscribing())
    token = hall.token(CONFIRMATION)
    assert hall.peek(token, minutes=8 * DAY).answer is Answer.EXPIRED
    assert hall.peek(f"{token}x").answer is Answer.WRONG
    hall.confirm(token)
    leave(hall.store, hall.desk, hall.person().token, NOON)
    assert hall.peek(token).answer is Answer.WRONG


# Killed

RUN = """
import sys
from pathlib import Path
from publisher.flows import wishes
from publisher.store.database import open_store
from tests.mailing import NOON
from tests.wishing import a_desk
folder, url = Path(sys.argv[1]), sys.argv[2]
store, desk = open_store(url, folder), a_desk(folder)
while wishes.settle(store, desk, lambda: (), NOON, 5).left:
    print("some", flush=True)
"""


def test_a_killed_process_loses_no_wish_and_doubles_no_letter(store_url: Place, tmp_path: Path) -> None:
    addresses = [f"p{number}@example.org" for number in range(120)]
    with closing(open_store(*store_url)) as store:
        hall = Hall(store, a_desk(tmp_path))
        hall.note(*map(subscribing, addresses))
        for turns in (1, 3, 2):
            settling = subprocess.Popen(
                [sys.executable, "-c", RUN, str(tmp_path), store_url.url],
                cwd=CHECKOUT,
                env=environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
            assert settling.stdout is not None
            for _ in range(turns):
                settling.stdout.readline()
            settling.send_signal(signal.SIGKILL)
            settling.communicate()
        assert 0 < hall.rows(letter) < len(addresses)
        hall.settle(minutes=60, most=1000)
        with store.reading() as connection:
            got = Counter(connection.execute(select(letter.c.recipient)).scalars())
        assert got == Counter(addresses)
        assert hall.rows(wish) == 0
