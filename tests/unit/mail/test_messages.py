"""One message: headers, parts, and what may never happen to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from publisher.errors import MailError, UsageError
from publisher.mail.addresses import parse_mailbox, parse_sender
from publisher.mail.compose import UNSUBSCRIBE, compose
from publisher.mail.headers import one_line
from publisher.model.delivery import Claim
from publisher.model.issue import Content, Issue

ISSUE = Issue(
    id=3,
    digest="conferences",
    cadence="weekly",
    number=1,
    title="Conference writeups",
    drafted=datetime(2026, 11, 23, 9, tzinfo=UTC),
    sender="Field Notebook <digest@example.com>",
    reply_to="",
    list_id="conferences.example.com",
    unsubscribe_mail="digest@example.com",
    public_url="",
)
CONTENT = Content("Subject", f'<p>é <a href="{UNSUBSCRIBE}">x</a></p>', f"é {UNSUBSCRIBE}\n")
CLAIM = Claim(3, 7, 1, "ann@example.org", "tok-en_1")


def written(issue: Issue = ISSUE, content: Content = CONTENT) -> bytes:
    return compose("store", issue, content, CLAIM).content


def test_text_comes_first_and_both_parts_are_utf_8_quoted_printable() -> None:
    message = message_from_bytes(written(), policy=default)
    assert message.get_content_type() == "multipart/alternative"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert {part["Content-Transfer-Encoding"] for part in parts} == {"quoted-printable"}
    assert {part.get_content_charset() for part in parts} == {"utf-8"}


def test_each_header_that_must_be_single_is_single() -> None:
    message = message_from_bytes(written(), policy=default)
    for name in ("From", "To", "Date", "Message-ID", "Subject", "List-Id", "List-Unsubscribe", "MIME-Version"):
        assert len(message.get_all(name) or []) == 1, name
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Post"] is None


def test_without_a_web_server_unsubscribing_is_by_mail_alone() -> None:
    message = message_from_bytes(written(), policy=default)
    assert message["List-Unsubscribe"] == "<mailto:digest@example.com?subject=unsubscribe%20tok-en_1>"
    assert message["List-Unsubscribe-Post"] is None


def test_with_a_web_server_https_comes_first_and_one_click_is_offered() -> None:
    raw = written(replace(ISSUE, public_url="https://news.example.com/" + "long-" * 30))
    message = message_from_bytes(raw, policy=default)
    web, mail = message["List-Unsubscribe"].split(", ")
    assert web == "<https://news.example.com/" + "long-" * 30 + "/unsubscribe/tok-en_1>"
    assert mail.startswith("<mailto:")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_readers_own_link_stands_in_both_parts_and_the_marker_in_none() -> None:
    message = message_from_bytes(written(), policy=default)
    for part in message.iter_parts():
        assert "unsubscribe%20tok-en_1" in part.get_content()
        assert "publisher.invalid" not in part.get_content()


def test_a_message_composed_again_is_the_same_message() -> None:
    assert written() == written()


def test_the_message_id_is_made_of_store_issue_and_subscriber_at_our_domain() -> None:
    assert b"Message-ID: <store.3.7@example.com>\r\n" in written()


def test_no_line_is_longer_than_rfc_5322_allows() -> None:
    long = Content("word " * 80, "<p>" + "x" * 5000 + "</p>", "y" * 5000)
    assert max(len(line) for line in written(content=long).split(b"\r\n")) <= 998


def test_a_subject_cannot_carry_a_header() -> None:
    raw = written(content=replace(CONTENT, subject="Hi\r\nBcc: all@example.org\u2028X-A: b\x85c"))
    message = message_from_bytes(raw, policy=default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Bcc: all@example.org X-A: b c"


def test_a_subject_that_looks_like_an_encoded_word_is_that_text() -> None:
    raw = written(content=replace(CONTENT, subject="=?utf-8?q?Bcc?= explained"))
    assert message_from_bytes(raw, policy=default)["Subject"] == "=?utf-8?q?Bcc?= explained"


def test_a_long_subject_is_cut_at_a_word() -> None:
    assert one_line("word " * 100) == "word " * 38 + "word…"


@pytest.mark.parametrize(
    "address", ["", "ann", "ann@", "a b@example.org", "ann@example.org\r\nBcc: x@y.org", "ä@example.org"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="not an email address"):
        parse_mailbox(address)


def test_spellings_that_differ_in_case_are_one_person() -> None:
    assert parse_mailbox("Ann@Example.ORG").key == parse_mailbox("ann@example.org").key


def test_an_international_domain_is_mailed_in_ascii() -> None:
    mailbox = parse_mailbox("ann@bücher.example.org")
    assert mailbox.address == "ann@bücher.example.org"
    assert mailbox.wire == "ann@xn--bcher-kva.example.org"


@pytest.mark.parametrize(
    "sender",
    [
        *("", "Ann", "a@example.org, b@example.org", "Ann <a@>", "A\nBcc: x <a@example.org>"),
        "=?utf-8?q?A=0ABcc:_x?= <a@example.org>",
    ],
)
def test_a_sender_that_cannot_be_used_is_refused_by_its_key(sender: str) -> None:
    with pytest.raises(MailError, match=r"\[mail\] from"):
        parse_sender(sender, "[mail] from")
