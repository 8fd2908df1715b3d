"""Addresses: what is taken, in which shapes, and which spellings are one person."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import MailError, UsageError
from publisher.mail.addresses import parse_mailbox, parse_sender


@pytest.mark.parametrize(
    ("written", "address", "wire", "key"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org", "ann@example.org"),
        ("  Ann@EXAMPLE.org\n", "Ann@example.org", "Ann@example.org", "ann@example.org"),
        ("ann+notes@example.org", "ann+notes@example.org", "ann+notes@example.org", "ann+notes@example.org"),
        ("=ann@example.org", "=ann@example.org", "=ann@example.org", "=ann@example.org"),
        ("ann@Bücher.example.org", "ann@bücher.example.org", "ann@xn--bcher-kva.example.org", "ann@bücher.example.org"),
        ("ann@xn--fa-hia.de", "ann@faß.de", "ann@xn--fa-hia.de", "ann@faß.de"),
        ("Jörg@example.org", "Jörg@example.org", "Jörg@example.org", "jörg@example.org"),
        ("用户@例子.广告", "用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v", "用户@例子.广告"),
    ],
)
def test_an_address_has_three_shapes(written: str, address: str, wire: str, key: str) -> None:
    mailbox = parse_mailbox(written)
    assert (mailbox.address, mailbox.wire, mailbox.key) == (address, wire, key)
    assert mailbox.domain.isascii()


@pytest.mark.parametrize(
    "pair",
    [
        ("ANN@example.org", "ann@EXAMPLE.ORG"),
        ("jo\u0308rg@example.org", "J\u00d6RG@example.org"),
        ("ann@b\u00fccher.example.org", "ann@XN--BCHER-KVA.example.org"),
    ],
)
def test_spellings_of_one_address_have_one_key(pair: tuple[str, str]) -> None:
    first, second = pair
    assert parse_mailbox(first).key == parse_mailbox(second).key


def test_domains_that_only_fold_alike_are_two() -> None:
    assert parse_mailbox("ann@faß.de").key != parse_mailbox("ann@fass.de").key


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@[127.0.0.1]",
        "ann@example..org",
        "a n n@example.org",
        '"ann lee"@example.org',
        "Ann <ann@example.org>",
        "ann@example.org, bob@example.org",
        "ann@example.org\nBcc: bob@example.org",
        "ann\u200b@example.org",
        "ann\udce4@example.org",
        "a" * 65 + "@example.org",
        "ö" * 33 + "@example.org",  # 66 octets
        "ann@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 63 + ".org",
    ],
)
def test_what_cannot_be_mailed_is_refused_with_a_remedy(written: str) -> None:
    with pytest.raises(UsageError, match="not an email address") as caught:
        parse_mailbox(written)
    assert "name@example.org" in caught.value.remedy
    assert len(caught.value.message) < 400


def test_a_sender_is_ascii_throughout() -> None:
    assert parse_sender("Jörg <notes@bücher.example.org>", "[mail] from").addr_spec == "notes@xn--bcher-kva.example.org"
    with pytest.raises(MailError, match=r"\[mail\] from"):
        parse_sender("Jörg <jörg@example.org>", "[mail] from")


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(written: str) -> None:
    try:
        mailbox = parse_mailbox(written)
    except UsageError:
        return
    assert parse_mailbox(mailbox.address) == mailbox
    assert parse_mailbox(mailbox.key).key == mailbox.key
    assert "\n" not in mailbox.wire


@given(
    st.from_regex(r"[A-Za-z0-9_+.-]{0,66}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9-]{1,64}(\.[A-Za-z0-9@ -]{1,64}){0,3}\.(org|test|ORG|1|co)", fullmatch=True),
)
def test_addresses_of_plain_letters_are_read_as_all_others(local: str, domain: str) -> None:
    written = f"{local}@{domain}"
    try:
        read = parse_mailbox(written).address
    except UsageError:
        read = ""
    try:
        expected = validate_email(written, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        expected = ""
    assert read == expected
