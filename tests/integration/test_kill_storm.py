"""Killed at any instant: no reader is left out, and nobody gets an issue twice where the relay can be asked.

A process delivers one issue through SMTP, is killed with SIGKILL again and again, and started anew. Short here;
in full (5,000 readers, 20 kills) under ``make soak``.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from publisher.flows.digest import Occasion, draft
from publisher.model.delivery import DeliveryState
from publisher.store import issues, ledger
from publisher.store.database import open_store
from tests.mailing import CONFERENCES, item, settings
from tests.readers import add_readers
from tests.servers import PrivatePostfix, ScriptedServer, shared_folder, until
from tests.sites import CHECKOUT, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from publisher.store.database import Store

SOAK = bool(os.environ.get("PUBLISHER_SOAK"))
PATIENCE = 300.0  # seconds that a whole proof may take at most to settle
CONNECTIONS, WINDOW = 10, 100

RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from publisher.flows.deliver import Terms, deliver
from publisher.mail.transports import transport
from publisher.store.database import open_store
folder, url, relay, log, engine = Path(sys.argv[1]), *sys.argv[2:]
store = open_store(url, folder)
print("ready", flush=True)
terms = Terms(connections=10, window=100, relay_log=log)
deliver(store, transport(relay, folder), engine, lambda: datetime.now(UTC), terms)
print("done", flush=True)
"""
URL = "sqlite:///mailing.sqlite3"


def prepared(folder: Path, readers: int) -> Store:
    """A store with one issue planned for so many readers."""
    store = open_store(URL, folder)
    now = datetime.now(UTC)
    add_readers(store, CONFERENCES, (item(1),), readers, now)
    assert draft(store, Occasion(settings(), CONFERENCES, "weekly", folder, (item(1),), now)) is not None
    return store


def start(folder: Path, relay: str, log: str, engine: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), URL, relay, log, engine],
        cwd=CHECKOUT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def sent(store: Store) -> int:
    with store.reading() as connection:
        return ledger.tally(connection, 1).get(DeliveryState.SENT, 0)


def storm(
    store: Store,
    folder: Path,
    relay: str,
    log: str,
    kills: int,
    arrived: Callable[[], int],
    after_kill: Callable[[], None],
) -> int:
    """Kill the process at random instants while it sends, then let it finish; how often it was hit at work."""
    dice = random.Random(20261124)
    with store.reading() as connection:
        total = sum(ledger.tally(connection, 1).values())
    hits = 0
    for kill in range(kills):
        target = total * (kill + dice.random()) / (kills + 1)
        with start(folder, relay, log, f"run{kill}") as process:
            while process.poll() is None and arrived() < target:
                time.sleep(0.001)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                hits += 1
            process.wait()
        after_kill()
    with start(folder, relay, log, "last") as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert out.split() == ["ready", "done"]
    return hits


def settled(store: Store, readers: int) -> None:
    with store.reading() as connection:
        assert ledger.tally(connection, 1) == {DeliveryState.SENT: readers}
        assert issues.read_issue(connection, 1).state.value == "done"


def recipients(sink: ScriptedServer) -> list[str]:
    """Who got a message, as often as they did."""
    return [one.recipients[0] for one in sink.received]


def message_ids(sink: ScriptedServer) -> set[bytes]:
    return {found[0] for one in sink.received if (found := re.search(rb"(?m)^Message-ID: .*$", one.content))}


def is_empty(postfix: PrivatePostfix) -> bool:
    """Whether nothing is queued any more."""
    queues = (postfix.folder / "queue" / name for name in ("incoming", "active", "deferred", "maildrop"))
    return not any(path.is_file() for queue in queues for path in queue.rglob("*"))


def nothing() -> None:
    """After this kill nothing else happens."""


def proof_with_a_log(folder: Path, readers: int, kills: int) -> None:
    with ScriptedServer() as sink, shared_folder() as shared, PrivatePostfix(shared, sink.port) as postfix:
        with closing(prepared(folder, readers)) as store:
            relay = f"smtp://127.0.0.1:{postfix.port}"
            hits = storm(store, folder, relay, str(postfix.log), kills, lambda: sent(store), nothing)
            assert hits >= kills * 3 // 4
            settled(store, readers)
        until(lambda: is_empty(postfix), "Postfix passed everything on")
        counted = Counter(recipients(sink))
        assert len(counted) == readers, "somebody was left out"
        assert sum(counted.values()) == readers, "somebody got it twice"


def proof_without_a_log(folder: Path, readers: int, kills: int, *, lose_the_journal: bool) -> None:
    with ScriptedServer() as sink:
        with closing(prepared(folder, readers)) as store:

            def lose() -> None:
                for path in folder.glob("mailing-started-*"):
                    path.unlink()

            relay = f"smtp://127.0.0.1:{sink.port}"
            after = lose if lose_the_journal else nothing
            hits = storm(store, folder, relay, "", kills, lambda: len(sink.received), after)
            assert hits >= kills * 3 // 4
            settled(store, readers)
        counted = Counter(recipients(sink))
        assert len(counted) == readers, "somebody was left out"
        assert sum(counted.values()) - readers <= hits * (WINDOW if lose_the_journal else CONNECTIONS)
        assert len(message_ids(sink)) == readers, "a message that was sent again is the same message"


def test_with_the_log_of_a_postfix_everyone_gets_it_once(tmp_path: Path) -> None:
    proof_with_a_log(tmp_path, 300, 4)


@pytest.mark.parametrize("lose_the_journal", [False, True])
def test_without_a_log_nobody_is_left_out_and_doubles_are_few(tmp_path: Path, *, lose_the_journal: bool) -> None:
    proof_without_a_log(tmp_path, 3000, 4, lose_the_journal=lose_the_journal)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a long proof: make soak")
def test_in_full_with_the_log_of_a_postfix(tmp_path: Path) -> None:
    proof_with_a_log(tmp_path, 5000, 20)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a long proof: make soak")
@pytest.mark.parametrize("lose_the_journal", [False, True])
def test_in_full_without_a_log(tmp_path: Path, *, lose_the_journal: bool) -> None:
    proof_without_a_log(tmp_path, 20_000, 20, lose_the_journal=lose_the_journal)
