"""Several engines on one PostgreSQL store: no row is sent twice, not even by a process that slept through its lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from publisher.errors import StoreError
from publisher.flows.deliver import Terms, deliver
from publisher.flows.digest import Occasion, draft
from publisher.mail.transports import transport
from publisher.model.delivery import DeliveryState
from publisher.store import ledger
from publisher.store.database import open_store
from publisher.store.lease import engine
from publisher.store.lock import clock_lock
from tests.databases import drop_database, fresh_database
from tests.mailing import CONFERENCES, item, settings
from tests.readers import add_readers
from tests.servers import ScriptedServer, until
from tests.sites import CHECKOUT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.store.database import Store

LEASE = 2.0
READERS = 60
RUN = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from publisher.flows.deliver import Terms, deliver
from publisher.mail.transports import transport
from publisher.store.database import open_store
folder, url, port, name = Path(sys.argv[1]), *sys.argv[2:]
store = open_store(url, folder)
terms = Terms(connections=4, window=12, lease={LEASE})
deliver(store, transport(f"smtp://127.0.0.1:{{port}}", folder), name, lambda: datetime.now(UTC), terms)
"""


@pytest.fixture
def url() -> Iterator[str]:
    made = fresh_database()
    yield made
    drop_database(made)


def prepared(url: str, folder: Path) -> Store:
    now = datetime.now(UTC)
    store = open_store(url, folder)
    add_readers(store, CONFERENCES, (item(1),), READERS, now)
    draft(store, Occasion(settings(), CONFERENCES, "weekly", folder, (item(1),), now))
    return store


def start(folder: Path, url: str, port: int, name: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", RUN, str(folder), url, str(port), name]
    return subprocess.Popen(words, cwd=CHECKOUT, env=environment(), stderr=subprocess.PIPE, text=True)


def sent(store: Store) -> int:
    with store.reading() as connection:
        return ledger.tally(connection, 1).get(DeliveryState.SENT, 0)


def counted(*servers: ScriptedServer) -> Counter[str]:
    return Counter(one.recipients[0] for server in servers for one in server.received)


@dataclass(slots=True)
class Gated(ScriptedServer):
    """Answers DATA only ``free`` times until its gate is opened."""

    free: int = 8
    gate: threading.Event = field(default_factory=threading.Event)

    def next_answer(self, stage: str, usual: str) -> str:
        if stage == "data":
            with self._lock:
                self.free -= 1
                shut = self.free < 0
            if shut:
                self.gate.wait(60)
        return ScriptedServer.next_answer(self, stage, usual)


def test_a_process_that_slept_through_its_lease_sends_nothing_more(url: str, tmp_path: Path) -> None:
    with closing(prepared(url, tmp_path)) as store, Gated() as first, ScriptedServer() as second:
        with start(tmp_path, url, first.port, "sleeper") as sleeper:
            until(lambda: first.commands.count("DATA") >= 12, "every connection waits for the answer to DATA")
            until(lambda: sent(store) >= 8, "what was taken is recorded")
            os.kill(sleeper.pid, signal.SIGSTOP)
            terms = Terms(connections=4, window=12, lease=LEASE)

            def taken_over() -> bool:
                name = f"other{len(second.received)}"
                deliver(store, transport(f"smtp://127.0.0.1:{second.port}", tmp_path), name, _now, terms)
                return sent(store) == READERS

            until(taken_over, "another engine takes over when the lease has ended")
            first.gate.set()
            os.kill(sleeper.pid, signal.SIGCONT)
            _, said = sleeper.communicate(timeout=60)
        assert "another has taken its work over" in said
        assert sent(store) == READERS
        assert counted(first, second) == Counter(dict.fromkeys(counted(first, second), 1))
        assert len(counted(first, second)) == READERS


def test_two_engines_share_the_work(url: str, tmp_path: Path) -> None:
    with closing(prepared(url, tmp_path)) as store, ScriptedServer() as server:
        with start(tmp_path, url, server.port, "one") as one, start(tmp_path, url, server.port, "two") as two:
            assert [process.wait(60) for process in (one, two)] == [0, 0], "neither failed"
        assert sent(store) == READERS
        assert set(counted(server).values()) == {1}
        assert len(counted(server)) == READERS


def test_a_killed_engine_of_this_machine_is_followed_at_once(url: str, tmp_path: Path) -> None:
    with closing(prepared(url, tmp_path)) as store, Gated() as first, ScriptedServer() as second:
        with start(tmp_path, url, first.port, "victim") as victim:
            until(lambda: first.commands.count("DATA") >= 12, "every connection waits for the answer to DATA")
            until(lambda: sent(store) >= 8, "what was taken is recorded")
            victim.kill()
        first.gate.set()
        terms = Terms(connections=4, window=12, lease=600)
        deliver(store, transport(f"smtp://127.0.0.1:{second.port}", tmp_path), "heir", _now, terms)
        assert sent(store) == READERS
        assert set(counted(first, second).values()) == {1}
        assert list(tmp_path.glob("mailing-start*")) == []


def test_a_lease_is_over_before_others_may_think_so(url: str, tmp_path: Path) -> None:
    awake = [1000.0]
    with closing(open_store(url, tmp_path)) as store, engine(store, "e", _now, 100.0, lambda: awake[0]) as lease:
        assert lease is not None
        assert lease.holds()
        awake[0] += 89
        assert lease.holds()
        assert lease.is_due()
        awake[0] += 2
        assert not lease.holds(), "ten seconds before its end"
        with store.turning() as connection:
            began = lease.beat(connection, _now())
        lease.beaten(began)
        assert lease.holds()


def test_an_engine_that_was_struck_from_the_table_learns_of_it(url: str, tmp_path: Path) -> None:
    with closing(open_store(url, tmp_path)) as store, engine(store, "e", _now, 100.0) as lease:
        assert lease is not None
        with store.turning() as connection:
            connection.exec_driver_sql("DELETE FROM engine")
        with pytest.raises(StoreError, match="taken its work over"), store.turning() as connection:
            lease.beat(connection, _now() + timedelta(seconds=1))


def test_one_clock_a_store_and_machine(tmp_path: Path) -> None:
    mine, other = "a" * 32, "b" * 32
    with clock_lock(tmp_path, mine) as one, clock_lock(tmp_path, mine) as two, clock_lock(tmp_path, other) as three:
        assert (one, two, three) == (True, False, True)


def _now() -> datetime:
    return datetime.now(UTC)
