"""What `check` says of a site that mails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from publisher.flows.check_mail import check_mailing
from publisher.model.settings import MailSettings
from tests.mailing import MAIL, settings

if TYPE_CHECKING:
    from pathlib import Path


def said(folder: Path, **mail: str) -> list[str]:
    found = check_mailing(folder, settings(mail=replace(MAIL, **mail), public_url="https://news.example/"), {})  # type: ignore[arg-type] # keywords are MailSettings' texts
    return [str(problem) for problem in found]


def test_a_site_that_can_mail_hears_nothing(tmp_path: Path) -> None:
    assert said(tmp_path) == []


def test_a_site_without_digests_hears_nothing(tmp_path: Path) -> None:
    assert check_mailing(tmp_path, replace(settings(), digests=(), mail=MailSettings()), {}) == ()


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        ({"sender": ""}, "[mail] from is missing"),
        ({"sender": "nobody"}, "[mail] from"),
        ({"reply_to": "a@b@c"}, "[mail] reply_to"),
        ({"editor": "nobody"}, "[mail] editor"),
        ({"sender": "a@"}, "[mail] from"),
        ({"reply_to": "a@"}, "[mail] reply_to"),
        ({"editor": "a@"}, "[mail] editor"),
        ({"postal_address": ""}, "postal_address is missing"),
        ({"transport": "smtp://me@relay.example"}, "there is no password"),
    ],
)
def test_what_no_mail_could_leave_with_is_an_error(tmp_path: Path, mail: dict[str, str], words: str) -> None:
    (line,) = said(tmp_path, **mail)
    assert line.startswith("config.toml: error:")
    assert words in line


def test_a_password_in_the_environment_is_enough(tmp_path: Path) -> None:
    given = settings(mail=replace(MAIL, transport="smtp://me@relay.example"), public_url="https://news.example/")
    assert check_mailing(tmp_path, given, {"PUBLISHER_SMTP_PASSWORD": "x"}) == ()


def test_faults_of_templates_are_told_all_at_once_with_their_lines(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "issue.txt.j2").write_text("fine\n{{ issue.titel }}\n")
    (folder / "welcome.subject.j2").write_text("{% if %}\n")
    lines = said(tmp_path)
    assert any("issue.txt.j2:2: error" in line for line in lines)
    assert any("welcome.subject.j2:1: error" in line for line in lines)
