"""The subscribers' commands as an author runs them."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from publisher.tokens import Purpose, load_keys
from tests.mailing import NOON

CONFIG = """
[site]
title = "Field Notebook"
base_url = "https://example.com/"

[digests.conferences]
title = "Conference writeups"
tags = ["conference"]
schedule = "mon 09:00"

[digests.talks]
title = "Talks"
tags = ["talk"]
cadences = { weekly = "mon 09:00", monthly = "first mon 09:00" }

[mail]
from = "Field Notebook <digest@example.com>"
postal_address = "Field Notebook, 1 Example Street, Exampletown"
"""
COMMAND = [sys.executable, "-c", "from publisher.cli.main import main; main()", "subscribers"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "posts").mkdir()
    return tmp_path


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def subscribers(site: Path, *arguments: str, code: int = 0) -> str:
    """Run a command in the site's folder; what it printed, errors included."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=site,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def on_a_terminal(site: Path, typed: str, *arguments: str) -> int:
    """Run a command whose questions are answered; its exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=site,
        env=environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        os.close(theirs)
        os.write(ours, typed.encode())
        running.communicate(timeout=60)
        os.close(ours)
        return running.returncode


def asked(site: Path) -> str:
    """A token like the one in the only letter that asks."""
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        ((person, digest, generation, cadence),) = store.execute(
            "SELECT subscriber, digest, generation, cadence FROM subscription WHERE state = 'pending'"
        ).fetchall()
    now = NOON.now(NOON.tzinfo)
    return load_keys(site, {}, make=False).sign(Purpose.CONFIRM, (person, digest, generation, cadence), now)


def test_add_list_and_remove(site: Path) -> None:
    assert "on your word" in subscribers(site, "add", "ann@example.org", "--digest", "conferences")
    assert "nothing was changed" in subscribers(site, "add", "Ann@example.org", "--digest", "conferences")
    subscribers(site, "add", "bob@example.org", "--digest", "talks", "--cadence", "monthly", "-q")
    told = subscribers(site, "list")
    assert "ann@example.org  conferences  weekly  confirmed" in told
    assert "2 subscriptions." in told
    assert "no longer gets talks" in subscribers(site, "remove", "bob@example.org", "--digest", "talks")
    assert "was on no list" in subscribers(site, "remove", "bob@example.org")
    left = json.loads(subscribers(site, "list", "--state", "unsubscribed", "--json"))
    assert left == [{"address": "bob@example.org", "digest": "talks", "cadence": "monthly", "state": "unsubscribed"}]


def test_ask_and_confirm(site: Path) -> None:
    assert "A letter asks ann@example.org" in subscribers(
        site, "add", "ann@example.org", "--digest", "conferences", "--ask"
    )
    assert "asked a short while ago" in subscribers(site, "add", "ann@example.org", "--digest", "conferences", "--ask")
    token = asked(site)
    assert "by their own word" in subscribers(site, "confirm", token)
    assert json.loads(subscribers(site, "confirm", token, "--json"))["answer"] == "confirmed already"
    assert "Nobody was confirmed" in subscribers(site, "confirm", "nonsense", code=1)


def test_a_long_list_has_pages(site: Path) -> None:
    (site / "people.txt").write_text("".join(f"reader{number:02}@example.org\n" for number in range(60)))
    subscribers(site, "import", "people.txt", "--digest", "conferences", "-q")
    first = subscribers(site, "list")
    assert "reader49@" in first
    assert "reader50@" not in first
    assert "60 subscriptions, page 1 of 2." in first
    assert "reader50@" in subscribers(site, "list", "--page", "2")
    assert len(json.loads(subscribers(site, "list", "--json"))) == 60
    assert len(json.loads(subscribers(site, "list", "--json", "--per-page", "7", "--page", "2"))) == 7
    assert "1 subscription." in subscribers(site, "list", "--matching", "READER07")


def test_import_tells_lines_and_refuses(site: Path) -> None:
    (site / "people.csv").write_text("Email;Name\nann@example.org;Ann\nnonsense;Bob\n")
    dry = subscribers(site, "import", "people.csv", "--digest", "conferences", "--dry-run", code=1)
    assert "Nothing was done; it would be: 1 added, 1 refused." in dry
    assert not (site / "mailing.sqlite3").exists()
    told = subscribers(site, "import", "people.csv", "--digest", "conferences", code=1)
    assert "people.csv:3: error: 'nonsense' is not an email address" in told
    assert "Done: 1 added, 1 refused." in told
    answer = json.loads(subscribers(site, "import", "people.csv", "--digest", "conferences", "--json", code=1))
    assert answer["counts"] == {"known already": 1, "refused": 1}
    assert [line["line"] for line in answer["lines"]] == [2, 3]
    assert "cannot be read" in subscribers(site, "import", "nobody.csv", "--digest", "conferences", code=2)
    assert "Did you mean talks?" in subscribers(site, "import", "people.csv", "--digest", "talk", code=2)


MAILCHIMP = "Email Address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID"


def test_lists_of_a_service_say_whose_they_are_and_what_they_mean(site: Path) -> None:
    row = "{}@example.org,,2020-01-02 03:04:05,1,a\n"
    (site / "subscribed_x.csv").write_text(f"{MAILCHIMP}\n{row.format('ann')}{row.format('bob')}")
    (site / "unsubscribed_x.csv").write_text(f"{MAILCHIMP}\n{row.format('cat')}")
    lists = ("import", "subscribed_x.csv", "unsubscribed_x.csv", "--digest", "conferences")
    dry = subscribers(site, *lists, "--dry-run")
    assert "subscribed_x.csv is Mailchimp's." in dry
    assert "it would be: 2 added, 1 recorded as unsubscribed." in dry
    assert "  2 added, first:\n    subscribed_x.csv:2  ann@example.org\n    subscribed_x.csv:3  bob@example.org" in dry
    answer = json.loads(subscribers(site, *lists, "--json"))
    assert answer["lists"][0] == {"path": "subscribed_x.csv", "platform": "Mailchimp"}
    assert [(kind["fate"], kind["count"]) for kind in answer["kinds"]] == [
        ("recorded as unsubscribed", 1),
        ("added", 2),
    ]
    assert "Done: 3 known already." in subscribers(site, *lists)
    assert "2020-01-02T03:04:05Z" in subscribers(site, "export", "--matching", "ann")


def test_a_platform_that_nobody_knows_is_named(site: Path) -> None:
    (site / "people.csv").write_text("email\nann@example.org\n")
    told = subscribers(site, "import", "people.csv", "--digest", "conferences", "--platform", "gohst", code=2)
    assert "there is no platform named gohst" in told
    assert "ghost" in told


def test_a_list_comes_through_a_pipe(site: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "import", "-", "--digest", "conferences"],
        cwd=site,
        env=environment(),
        input="email\nann@example.org\nnonsense\x1b[2J\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "Done: 1 added, 1 refused.\n")
    assert "standard input:3: error:" in done.stderr
    assert "\x1b" not in done.stderr


def test_what_a_dry_run_shows_is_harmless_on_a_terminal(site: Path) -> None:
    (site / "people.csv").write_text(f"email\n\x1b]0;title\x07{'x' * 500}\n")
    told = subscribers(site, "import", "people.csv", "--digest", "conferences", "--dry-run", code=1)
    assert "\x1b" not in told
    assert "  1 refused (no address), first:" in told


def test_json_goes_out_and_comes_in(site: Path) -> None:
    subscribers(site, "add", "ann@example.org", "--digest", "talks", "--cadence", "monthly", "-q")
    subscribers(site, "export", "people.json", "--format", "json")
    first = (site / "people.json").read_text()
    (site / "mailing.sqlite3").unlink()
    assert "Done: 1 added." in subscribers(site, "import", "people.json")
    assert subscribers(site, "export", "--format", "json") == first
    (site / "people.json").write_text(first[:-3])
    assert "people.json, line 2: the list is not closed" in subscribers(site, "import", "people.json", code=2)


def test_what_is_known_already_is_told_in_few_lines(site: Path) -> None:
    (site / "people.txt").write_text("".join(f"reader{number}@example.org\n" for number in range(30)))
    subscribers(site, "import", "people.txt", "--digest", "conferences")
    told = subscribers(site, "import", "people.txt", "--digest", "conferences")
    assert told.count("note:") == 20
    assert "… and 10 more that are known already." in told
    assert "Done: 30 known already." in told


def test_export_to_a_file_and_to_standard_output(site: Path) -> None:
    subscribers(site, "add", "ann@example.org", "--digest", "conferences", "-q")
    assert "1 line written to people.csv" in subscribers(site, "export", "people.csv")
    assert (site / "people.csv").stat().st_mode & 0o777 == 0o600
    assert subscribers(site, "export").splitlines() == (site / "people.csv").read_text().splitlines()
    assert json.loads(subscribers(site, "export", "-", "--format", "json"))[0]["email"] == "ann@example.org"
    assert "1 known already" in subscribers(site, "import", "people.csv")
    assert "cannot be written" in subscribers(site, "export", "missing/people.csv", code=1)


def test_forget_asks_on_a_terminal(site: Path) -> None:
    subscribers(site, "add", "ann@example.org", "--digest", "conferences", "-q")
    assert on_a_terminal(site, "n\n", "forget", "ann@example.org") == 0
    assert "1 subscription." in subscribers(site, "list")
    assert on_a_terminal(site, "y\n", "forget", "ann@example.org") == 0
    assert "0 subscriptions." in subscribers(site, "list")
    assert "Nothing is known of" in subscribers(site, "forget", "ann@example.org", "--yes")
    assert "was erased" in subscribers(site, "add", "ann@example.org", "--digest", "conferences", code=2)
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        assert not [line for line in store.iterdump() if "ann@example.org" in line]


def test_a_store_that_is_spoilt_is_told(site: Path) -> None:
    (site / "mailing.sqlite3").write_bytes(b"no database" * 100)
    for command in (["list"], ["export"], ["forget", "ann@example.org", "--yes"]):
        assert "backup" in subscribers(site, *command, code=3)


def test_help_does_not_wait_for_the_database_layer() -> None:
    code = "import sys, publisher.cli.subscribers\nsys.exit(bool({'sqlalchemy', 'email_validator'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
