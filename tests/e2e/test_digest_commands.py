"""The digest's commands as an author runs them, on a real site with the sample's first post."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

CONFIG = """
[site]
title = "Field Notebook"
base_url = "https://example.com/"
timezone = "America/Los_Angeles"
author = "Robin Example"

[digests.conferences]
title = "Conference writeups"
tags = ["conference"]
schedule = "mon 09:00"
start = "all"

[mail]
from = "Field Notebook <digest@example.com>"
postal_address = "Field Notebook, 1 Example Street, Exampletown"
"""
POST = """+++
title = "{title}"
date = "{date}"
tags = ["conference"]
+++

Notes from {title}.
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "posts").mkdir()
    write(tmp_path, "reinvent", "AWS re:Invent", "2018-12-03")
    return tmp_path


def write(site: Path, name: str, title: str, date: str) -> None:
    (site / "posts" / f"{name}.md").write_text(POST.format(title=title, date=date))


def publisher(site: Path, *arguments: str, code: int = 0) -> str:
    """Run the command in the site's folder; what it printed, errors included."""
    done = subprocess.run(
        [sys.executable, "-c", "from publisher.cli.main import main; main()", *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_subscribe_preview_send_and_send_again(site: Path) -> None:
    assert "now gets Conference writeups" in publisher(
        site, "subscribers", "add", "ann@example.org", "--digest", "conferences"
    )
    assert "Subject: Conference writeups: AWS re:Invent" in publisher(site, "digest", "preview", "conferences")
    assert "AWS re:Invent" in (site / "preview" / "conferences.html").read_text()
    first = publisher(site, "digest", "send", "conferences")
    assert "Conference writeups, issue 1: 1 entry to 1 reader." in first
    assert "1 message sent to maildir outbox." in first
    assert "nothing new, nothing sent" in publisher(site, "digest", "send", "conferences")
    (laid,) = (site / "outbox" / "new").iterdir()
    message = message_from_bytes(laid.read_bytes(), policy=default)
    assert message["To"] == "ann@example.org"


def test_a_second_post_makes_a_second_issue_and_programs_may_read_the_answer(site: Path) -> None:
    publisher(site, "subscribers", "add", "ann@example.org", "--digest", "conferences", "-q")
    publisher(site, "digest", "send", "conferences", "-q")
    write(site, "kubecon", "KubeCon", "2018-11-01")
    answer = json.loads(publisher(site, "digest", "send", "conferences", "--yes", "--json"))
    assert (answer["issue"], answer["entries"], answer["readers"]) == (2, 1, 1)
    assert answer["delivered"] == [{"digest": "conferences", "issue": 2, "sent": 1}]
    people = json.loads(publisher(site, "subscribers", "list", "--json"))
    assert [person["address"] for person in people] == ["ann@example.org"]


def test_slips_are_told_with_a_remedy_and_an_exit_code(site: Path) -> None:
    said = publisher(site, "subscribers", "add", "ann@example.org", "--digest", "conference", code=2)
    assert "Did you mean conferences?" in said
    assert "not an email address" in publisher(site, "subscribers", "add", "ann", "--digest", "conferences", code=2)
    (site / "mailing.sqlite3").write_bytes(b"no database" * 100)
    assert "backup" in publisher(site, "digest", "send", "conferences", code=3)


def test_removing_ends_it(site: Path) -> None:
    publisher(site, "subscribers", "add", "ann@example.org", "--digest", "conferences")
    assert "no longer gets conferences" in publisher(site, "subscribers", "remove", "ANN@example.org")
    assert "nobody subscribes" in publisher(site, "digest", "send", "conferences")


def test_help_does_not_wait_for_the_database_layer() -> None:
    code = (
        "import sys; from publisher.cli.digest import digest; from publisher.cli.subscribers import subscribers\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_status_names_readers_whose_pace_went_with_another_schedule(site: Path) -> None:
    add = ("subscribers", "add", "reader@example.com", "--digest", "conferences")
    publisher(site, *add)
    assert "any more" not in publisher(site, "status")
    (site / "config.toml").write_text(CONFIG.replace("mon 09:00", "daily 08:00"))
    said = publisher(site, "status")
    assert "conferences (weekly): not in config.toml any more, nothing goes to 1 reader\n" in said
    assert 'cadences = { weekly = "…" }' in said
    found = json.loads(publisher(site, "status", "--json"))["stranded"]
    assert found == [{"digest": "conferences", "cadence": "weekly", "readers": 1}]
    publisher(site, *add, "--cadence", "daily")
    assert "any more" not in publisher(site, "status")
    (site / "config.toml").write_text(CONFIG.replace('schedule = "mon 09:00"', 'cadences = { weekly = "daily 08:00" }'))
    assert "conferences (daily): not in" in publisher(site, "status")
