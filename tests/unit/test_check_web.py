"""What `check` says of the address that readers reach the server at, and of the author's token."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.flows.check_web import check_web
from publisher.model.problem import Level
from tests.mailing import settings


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("", Level.NOTE, "mailto link"),
        ("http://127.0.0.1:8000/", Level.NOTE, "this machine's own"),
        ("http://localhost/mail/", Level.NOTE, "this machine's own"),
        ("http://news.example/", Level.WARNING, "no https address"),
    ],
)
def test_an_address_that_leads_nobody_there_safely_is_told(url: str, level: Level, words: str) -> None:
    (found,) = check_web(settings(public_url=url), {})
    assert found.level is level
    assert words in found.message


def test_a_site_that_mails_nobody_hears_of_an_open_road_alone() -> None:
    silent = replace(settings(), digests=())
    assert check_web(silent, {}) == ()
    (found,) = check_web(replace(settings(public_url="http://news.example/"), digests=()), {})
    assert found.level is Level.WARNING


def test_a_token_that_is_too_short_is_told_and_is_not_shown() -> None:
    good = settings(public_url="https://news.example/")
    (found,) = check_web(good, {"PUBLISHER_ADMIN_TOKEN": "fifteen letters"})
    assert "PUBLISHER_ADMIN_TOKEN is shorter than 16 characters" in found.message
    assert "fifteen letters" not in str(found)
    for token in ("", "sixteen letters!"):
        assert check_web(good, {"PUBLISHER_ADMIN_TOKEN": token}) == ()
