"""A send that is asked to stop ends in order: nothing is in doubt, and the next run sends the rest."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.servers import ScriptedServer, until
from tests.sites import a_post, a_site, command, config_of, environment, run

if TYPE_CHECKING:
    from pathlib import Path

READERS = 30
MORE = """
[digests.all]
title = "All"
schedule = "mon 09:00"
start = "all"
[mail]
from = "Notebook <digest@example.com>"
postal_address = "Notebook, 1 Street, Town"
transport = "smtp://127.0.0.1:{port}"
rate = {rate}
"""


def states(site: Path) -> dict[str, int]:
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        return dict(store.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_send_that_is_stopped_is_finished_by_the_next(tmp_path: Path, asked: signal.Signals) -> None:
    with ScriptedServer() as server:
        site = a_site(tmp_path / "site", {"one.md": a_post("One")}, config_of(MORE.format(port=server.port, rate=20)))
        (tmp_path / "readers.csv").write_text("email\n" + "".join(f"r{n}@example.org\n" for n in range(READERS)))
        assert run(site, "subscribers", "import", str(tmp_path / "readers.csv"), "--digest", "all", "-q").code == 0
        words = command("digest", "send", "all", "--yes")
        with subprocess.Popen(words, cwd=site, env=environment(), stderr=subprocess.PIPE, text=True) as sending:
            until(lambda: len(server.received) >= 5, "some messages left")
            sending.send_signal(asked)
            _, said = sending.communicate(timeout=60)
        assert sending.returncode == 130
        assert "Traceback" not in said
        assert set(states(site)) == {"sent", "planned"}
        assert run(site, "digest", "send", "all", "--yes").code == 0
        assert states(site) == {"sent": READERS}
        assert Counter(one.recipients[0] for one in server.received) == Counter(
            f"r{n}@example.org" for n in range(READERS)
        )
        assert list(site.glob("mailing-start*")) == []
