"""Whatever a relay does, every row ends final or deferred with its reason, and nobody is mailed twice."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from publisher.flows import issuing
from publisher.flows.deliver import Terms, deliver
from publisher.flows.digest import Occasion, draft
from publisher.mail.transports import transport
from publisher.model.delivery import DeliveryState
from publisher.model.issue import IssueState
from publisher.store import issues, ledger
from publisher.store.database import Store, open_store
from publisher.store.tables import delivery, suppression
from tests.mailing import CONFERENCES, item, settings
from tests.readers import add_readers
from tests.servers import CLOSE, RESET, PrivatePostfix, ScriptedServer, free_port, shared_folder, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.flows.deliver import Delivery

READERS = 40
S = DeliveryState
START = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTLED = {S.SENT, S.FAILED, S.RELEASED, S.HELD, S.DEFERRED}


@dataclass
class Desk:
    """A store with one issue planned, and a clock."""

    folder: Path
    store: Store
    now: datetime = START
    terms: Terms = field(default_factory=lambda: Terms(connections=4, window=20))

    def deliver(self, port: int, later: timedelta = timedelta(0), suffix: str = "") -> Delivery:
        self.now += later
        through = transport(f"smtp://127.0.0.1:{port}{suffix}", self.folder)
        return deliver(self.store, through, f"e{self.now:%d%H%M%S}", lambda: self.now, self.terms)

    def tally(self) -> dict[DeliveryState, int]:
        with self.store.reading() as connection:
            return ledger.tally(connection, 1)

    def details(self) -> set[str]:
        with self.store.reading() as connection:
            return set(connection.execute(select(delivery.c.detail)).scalars())

    def suppressed(self) -> int:
        with self.store.reading() as connection:
            return len(connection.execute(select(suppression)).all())

    def paused(self) -> str:
        found = issuing.show(self.store, "conferences", 1).issue
        return found.reason if found.state is IssueState.PAUSED else ""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        add_readers(store, CONFERENCES, (item(1),), READERS, START)
        draft(store, Occasion(settings(), CONFERENCES, "weekly", tmp_path, (item(1),), START))
        yield Desk(tmp_path, store)


def everyone_once(server: ScriptedServer) -> bool:
    got = [one.recipients[0] for one in server.received]
    return len(got) == len(set(got)) == READERS


def test_a_relay_that_is_not_there(desk: Desk) -> None:
    done = desk.deliver(free_port())
    assert desk.tally() == {S.DEFERRED: READERS}
    assert "cannot be reached" in done.trouble
    assert all("connect:" in detail for detail in desk.details())
    with ScriptedServer() as server:
        assert desk.deliver(server.port).worked_on == (), "not before it is due again"
        desk.deliver(server.port, timedelta(minutes=10))
        assert everyone_once(server)
    assert desk.tally() == {S.SENT: READERS}


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "mail", "rcpt", "data", "content"])
def test_a_relay_that_refuses_for_now_at_any_stage(desk: Desk, stage: str) -> None:
    with ScriptedServer(always={stage: "451 4.3.0 later please", "helo": "451 4.3.0 later please"}) as server:
        desk.deliver(server.port)
    assert desk.tally() == {S.DEFERRED: READERS}
    assert all("later please" in detail for detail in desk.details())
    with ScriptedServer() as server:
        desk.deliver(server.port, timedelta(hours=1))
        assert everyone_once(server)


@pytest.mark.parametrize("stage", ["greeting", "mail", "data", "content"])
def test_a_relay_that_refuses_for_good_stops_the_issue_and_blames_nobody(desk: Desk, stage: str) -> None:
    with ScriptedServer(always={stage: "554 5.7.1 not from you"}) as server:
        desk.deliver(server.port)
        assert server.received == []
    assert "not from you" in (desk.paused() or "".join(desk.details()))
    assert set(desk.tally()) <= {S.PLANNED, S.DEFERRED}
    assert desk.suppressed() == 0


def test_addresses_that_do_not_exist_fail_and_are_never_mailed_again(desk: Desk) -> None:
    gone = "550 5.1.1 no such user"
    with ScriptedServer(script={"rcpt": [gone, None, gone]}) as server:
        desk.deliver(server.port)
        assert len(server.received) == READERS - 2
    assert desk.tally() == {S.SENT: READERS - 2, S.FAILED: 2}
    assert desk.suppressed() == 2


def test_too_many_refusals_at_the_start_stop_the_issue(desk: Desk) -> None:
    with ScriptedServer(always={"rcpt": "550 5.1.1 no such user"}) as server:
        desk.deliver(server.port)
    assert "of the first" in desk.paused()
    assert desk.tally()[S.FAILED] < READERS


def test_a_full_mailbox_is_tried_again_and_given_up_without_blame(desk: Desk) -> None:
    desk.terms = replace(desk.terms, retry_for=timedelta(hours=20))
    with ScriptedServer(always={"rcpt": "552 5.2.2 mailbox full"}) as server:
        for _ in range(12):
            desk.deliver(server.port, timedelta(hours=4))
    assert desk.tally() == {S.RELEASED: READERS}
    assert all("expired" in detail for detail in desk.details())
    assert desk.suppressed() == 0


def test_greylisting_defers_each_once(desk: Desk) -> None:
    with ScriptedServer(script={"rcpt": ["450 4.2.0 greylisted"] * READERS}) as server:
        desk.deliver(server.port)
        assert desk.tally() == {S.DEFERRED: READERS}
        desk.deliver(server.port, timedelta(minutes=10))
        assert everyone_once(server)


def test_a_relay_that_closes_in_the_midst_of_messages(desk: Desk) -> None:
    with ScriptedServer(always={"body": RESET}) as server:
        desk.deliver(server.port)
    assert set(desk.tally()) <= {S.DEFERRED, S.PLANNED, S.HELD}
    with ScriptedServer() as server:
        for _ in range(3):
            desk.deliver(server.port, timedelta(hours=5))
        assert everyone_once(server)
    assert desk.tally() == {S.SENT: READERS}


@pytest.mark.parametrize(("on_doubt", "settled"), [("resend", S.SENT), ("hold", S.HELD)])
def test_a_message_without_a_reply_is_in_doubt_and_settled_as_its_author_says(
    desk: Desk, on_doubt: str, settled: DeliveryState
) -> None:
    desk.terms = replace(desk.terms, on_doubt=on_doubt, connections=1)
    with ScriptedServer(script={"content": [None, CLOSE, None]}) as server:
        desk.deliver(server.port)
        desk.deliver(server.port, timedelta(minutes=10))
        expected = {S.SENT: READERS} if settled is S.SENT else {S.SENT: READERS - 1, S.HELD: 1}
        assert desk.tally() == expected
        ids = [one.content.split(b"Message-ID: ")[1].split(b"\r\n")[0] for one in server.received]
        assert len(ids) == len(set(ids)) == READERS - (settled is S.HELD)
        assert server.commands.count("DATA") == READERS + (settled is S.SENT), "it was handed over twice"
    if settled is S.HELD:
        issuing.resume(desk.store, "conferences", 1, desk.now, held=True)
        with ScriptedServer() as server:
            desk.deliver(server.port)
            assert len(server.received) == 1
        assert desk.tally() == {S.SENT: READERS}


def test_a_relay_that_always_breaks_after_the_message_does_not_keep_a_run_busy(desk: Desk) -> None:
    with ScriptedServer(always={"content": CLOSE}) as server:
        desk.deliver(server.port)
        assert server.commands.count("DATA") == READERS
    assert desk.tally() == {S.PLANNED: READERS}
    with ScriptedServer() as server:
        assert desk.deliver(server.port).worked_on == ()


def test_a_relay_without_tls_where_tls_is_asked_for(desk: Desk) -> None:
    with ScriptedServer() as server:
        done = desk.deliver(server.port, suffix="?tls=starttls")
        assert server.received == []
    assert desk.tally() == {S.DEFERRED: READERS}
    assert "STARTTLS" in done.trouble


def test_a_reader_who_leaves_while_the_issue_is_going_out_gets_nothing_more(desk: Desk) -> None:
    with ScriptedServer(script={"rcpt": ["450 4.2.0 later"] * READERS}) as server:
        desk.deliver(server.port)
        with desk.store.writing() as connection:
            connection.exec_driver_sql("UPDATE subscription SET state = 'unsubscribed' WHERE subscriber <= 10")
        desk.deliver(server.port, timedelta(minutes=10))
        assert len(server.received) == READERS - 10
    assert desk.tally() == {S.SENT: READERS - 10, S.RELEASED: 10}


def test_limits_keep_a_domain_from_being_flooded(desk: Desk) -> None:
    desk.terms = replace(desk.terms, per_domain=20)
    with ScriptedServer() as server:
        desk.deliver(server.port)
        assert everyone_once(server)


def test_a_postfix_that_stops_and_comes_back(desk: Desk) -> None:
    with ScriptedServer() as sink, shared_folder() as shared, PrivatePostfix(shared, sink.port) as postfix:
        postfix.stop()
        desk.deliver(postfix.port)
        assert desk.tally() == {S.DEFERRED: READERS}
        postfix.start()
        desk.deliver(postfix.port, timedelta(minutes=10))
        assert desk.tally() == {S.SENT: READERS}
        until(lambda: everyone_once(sink), "Postfix passed everything on")


def test_a_run_that_is_asked_to_stop_finishes_what_is_under_way_and_leaves_the_rest(desk: Desk) -> None:
    with ScriptedServer() as server:
        through = transport(f"smtp://127.0.0.1:{server.port}", desk.folder)
        asked = lambda: len(server.received) >= 5  # noqa: E731 - the shortest way to ask after the fifth message
        done = deliver(desk.store, through, "stopped", lambda: desk.now, desk.terms, asked)
        assert done.stopped
        states = desk.tally()
        assert set(states) <= {S.SENT, S.PLANNED}
        assert 5 <= states[S.SENT] == len(server.received) < READERS
        rest = deliver(desk.store, through, "next", lambda: desk.now, desk.terms)
        assert not rest.stopped
        assert desk.tally() == {S.SENT: READERS}
        assert len({one.recipients for one in server.received}) == READERS == len(server.received)


def test_a_run_that_is_asked_to_stop_before_it_began_does_nothing(desk: Desk) -> None:
    with ScriptedServer() as server:
        through = transport(f"smtp://127.0.0.1:{server.port}", desk.folder)
        assert deliver(desk.store, through, "stopped", lambda: desk.now, desk.terms, lambda: True).stopped
        assert server.connections == 0


def test_an_issue_whose_last_row_was_settled_by_a_process_that_died_then_is_closed_by_the_next(desk: Desk) -> None:
    with desk.store.turning() as connection:
        connection.execute(update(delivery).values(state=S.SENT.value))
    with ScriptedServer() as server:
        desk.deliver(server.port)
        assert server.connections == 0
    with desk.store.reading() as connection:
        assert issues.read_issue(connection, 1).state is IssueState.DONE
