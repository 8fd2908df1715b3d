"""The author's way in: what opens it, what a browser keeps, and which forms are believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.web.sessions import (
    LASTS,
    Sessions,
    cookie_in,
    cookie_name,
    from_our_pages,
    same,
    set_cookie,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "a token that is long enough"
OURS = Sessions(TOKEN)
PUBLIC = "https://news.example.com/mail/"


def test_a_session_lasts_twelve_hours() -> None:
    value = OURS.begin(NOW)
    assert OURS.read(value, NOW) is not None
    assert OURS.read(value, NOW + LASTS - timedelta(seconds=1)) is not None
    assert OURS.read(value, NOW + LASTS) is None


def test_sessions_have_ids_of_their_own() -> None:
    assert len({OURS.begin(NOW).partition(".")[0] for _ in range(100)}) == 100


def test_another_token_ends_every_session() -> None:
    value = OURS.begin(NOW)
    assert Sessions("another token, long enough").read(value, NOW) is None
    assert Sessions(TOKEN).read(value, NOW) is not None  # the same one does not, in another process


def test_a_session_that_was_left_is_over_and_others_are_not() -> None:
    sessions = Sessions(TOKEN)
    value, other = sessions.begin(NOW), sessions.begin(NOW)
    session = sessions.read(value, NOW)
    assert session is not None
    sessions.end(session, NOW)
    assert sessions.read(value, NOW) is None
    assert sessions.read(other, NOW) is not None


@given(st.text(max_size=300))
def test_no_made_up_value_is_a_session(value: str) -> None:
    assert OURS.read(value, NOW) is None


@given(st.data())
def test_no_changed_value_is_a_session(data: st.DataObject) -> None:
    value = OURS.begin(NOW)
    at = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda one: one != value[at]))
    assert OURS.read(value[:at] + letter + value[at + 1 :], NOW) is None


def test_a_form_belongs_to_its_session() -> None:
    one, other = (OURS.read(OURS.begin(NOW), NOW) for _ in range(2))
    assert one is not None
    assert other is not None
    assert OURS.is_form_token(one, OURS.form_token(one))
    assert not OURS.is_form_token(one, OURS.form_token(other))
    assert not OURS.is_form_token(one, "")
    assert OURS.form_token(one) not in OURS.begin(NOW)


def test_only_the_token_is_admitted() -> None:
    assert OURS.admits(TOKEN)
    for given_ in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "\ud800"):
        assert not OURS.admits(given_)


def test_a_short_token_admits_nobody() -> None:
    short = Sessions("short")
    assert not short.admits("short")
    assert short.read(short.begin(NOW), NOW) is None
    assert not Sessions("").admits("")


@given(st.text(), st.text())
def test_texts_are_the_same_when_they_are_equal(one: str, other: str) -> None:
    assert same(one, other) == (one == other)
    assert same(one, one)


def test_a_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(OURS)


@pytest.mark.parametrize(
    ("scheme", "client", "headers", "name"),
    [
        ("https", "192.0.2.1", {"host": "news.example.com"}, "__Host-publisher"),
        ("http", "127.0.0.1", {"host": "localhost:8000"}, "publisher"),
        ("http", "::1", {"host": "[::1]:8000"}, "publisher"),
        ("http", "192.0.2.1", {"host": "localhost"}, ""),
        ("http", "127.0.0.1", {"host": "news.example.com"}, ""),
        ("http", "127.0.0.1", {"host": "localhost", "x-forwarded-for": "192.0.2.1"}, ""),
        ("http", "127.0.0.1", {"host": "localhost", "forwarded": "for=192.0.2.1"}, ""),
        ("http", "", {}, ""),
    ],
)
def test_a_cookie_travels_by_https_or_stays_on_this_machine(
    scheme: str, client: str, headers: dict[str, str], name: str
) -> None:
    assert cookie_name(scheme, client, headers) == name


def test_a_cookie_is_kept_from_scripts_and_other_sites() -> None:
    kept = set_cookie("__Host-publisher", "value")
    assert kept == "__Host-publisher=value; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    assert set_cookie("publisher", "") == "publisher=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"


@pytest.mark.parametrize(
    ("headers", "public", "ours"),
    [
        ({}, PUBLIC, True),  # an old browser: the form's token decides
        ({"sec-fetch-site": "same-origin"}, PUBLIC, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, PUBLIC, True),
        ({"sec-fetch-site": "same-site", "origin": "https://news.example.com"}, PUBLIC, False),
        ({"sec-fetch-site": "cross-site"}, PUBLIC, False),
        ({"sec-fetch-site": "none"}, PUBLIC, False),
        ({"origin": "https://news.example.com"}, PUBLIC, True),
        ({"origin": "HTTPS://News.Example.com"}, PUBLIC, True),
        ({"origin": "http://news.example.com"}, PUBLIC, False),
        ({"origin": "https://evil.example"}, PUBLIC, False),
        ({"origin": "null"}, PUBLIC, False),
        ({"origin": "http://127.0.0.1:8000"}, "", True),
        ({"origin": "http://evil.example"}, "", False),
        ({"origin": "null"}, "", False),
    ],
)
def test_forms_of_other_sites_are_not_believed(headers: dict[str, str], public: str, ours: bool) -> None:
    assert from_our_pages(headers, public) is ours


@given(st.text(max_size=40))
def test_no_host_raises(host: str) -> None:
    cookie_name("http", host, {"host": host})
    from_our_pages({"origin": host}, "")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("publisher=a.1.b", "a.1.b"),
        ("other=1; publisher=a.1.b ;more=2", "a.1.b"),
        ("publisher=first; publisher=second", "first"),
        ("publisher", ""),
        ("unpublisher=a; publishers=b", ""),
        ('other="\\"; publisher=a.1.b', "a.1.b"),
        ("", ""),
    ],
)
def test_our_cookie_is_found_among_others(header: str, value: str) -> None:
    assert cookie_in(header, "publisher") == value


@given(st.text())
def test_any_cookie_header_can_be_read(header: str) -> None:
    assert ";" not in cookie_in(header, "publisher")
