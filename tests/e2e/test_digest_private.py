"""An author keeps an issue out of the archive, and hears of it wherever the issue is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from publisher.cli.digest_words import private_line
from publisher.cli.main import run
from publisher.model.issue import Issue
from tests.sites import NOW, a_post, a_site, config_of

if TYPE_CHECKING:
    from pathlib import Path

MAILING = """
[digests.weekly]
title = "Everything new"
schedule = "mon 09:00"
start = "all"
[mail]
from = "Notebook <digest@example.com>"
postal_address = "Notebook, 1 Street, Town"
"""


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A site whose first issue went out."""
    folder = a_site(tmp_path / "site", {"one.md": a_post("One")}, config_of(MAILING))
    publisher(folder, capsys, "subscribers", "add", "ann@example.org", "--digest", "weekly")
    publisher(folder, capsys, "digest", "send", "weekly", "--yes")
    return folder


def publisher(site: Path, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What the command says, errors included."""
    capsys.readouterr()
    assert run([*arguments, "--site", str(site)]) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_an_issue_is_private_until_it_is_not(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "done, private" not in publisher(site, capsys, "digest", "list")
    said = publisher(site, capsys, "digest", "private", "weekly", "1")
    assert said == "Everything new, issue 1 is private: no archive shows it.\n"
    for command in (("list",), ("show", "weekly", "1")):
        assert "done, private" in publisher(site, capsys, "digest", *command)
    assert json.loads(publisher(site, capsys, "digest", "show", "weekly", "1", "--json"))["private"] is True
    said = publisher(site, capsys, "digest", "private", "weekly", "1", "--off")
    assert said == "Everything new, issue 1 is not private: the archive shows it once it is going out.\n"
    assert json.loads(publisher(site, capsys, "digest", "list", "--json"))[0]["private"] is False
    assert publisher(site, capsys, "digest", "private", "weekly", "1", "--quiet") == ""


def test_where_there_is_no_archive_that_is_said() -> None:
    issue = Issue(1, "weekly", "weekly", 1, "Everything new", NOW, "a@example.com", "", "", "", "")
    said = private_line(issue, archived=False)
    assert said == "Everything new, issue 1 is not private, but [digests.weekly] has archive = false."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("weekly", "2"), "the digest weekly has no issue 2"),
        (("weekly", "99999999999"), "the digest weekly has no issue 99999999999"),
        (("daily", "1"), "daily"),
        (("weekly", "0"), "Invalid value"),
    ],
)
def test_what_is_not_there_is_refused_with_a_remedy(
    site: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in publisher(site, capsys, "digest", "private", *arguments, code=2)
