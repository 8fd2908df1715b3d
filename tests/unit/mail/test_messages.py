"""One message: headers, parts, and what may never happen to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from publisher.errors import MailError, UsageError
from publisher.mail.addresses import parse_mailbox, parse_sender
from publisher.mail.compose import UNSUBSCRIBE, Composer, compose_letter, message_name, unsubscribe_link
from publisher.mail.headers import one_line
from publisher.model.delivery import Claim
from publisher.model.issue import Content, Issue
from publisher.model.letter import Letter, LetterKind

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
LETTER = Letter(
    id=5,
    kind=LetterKind.WELCOME,
    subscriber=7,
    digest="conferences",
    generation=1,
    recipient="ann@example.org",
    subject="Welcome",
    html=f'<a href="{UNSUBSCRIBE}">Leave</a>',
    text=f"Leave: {UNSUBSCRIBE}",
    sender="Field Notebook <digest@example.com>",
    reply_to="robin@example.com",
    list_id="conferences.example.com",
    unsubscribe_mail="digest@example.com",
    public_url="https://news.example.com/",
    token="tok-en_1",
    written=datetime(2026, 11, 23, 9, tzinfo=UTC),
)


def written(issue: Issue = ISSUE, content: Content = CONTENT, claim: Claim = CLAIM) -> bytes:
    return Composer("store", issue, content, 1).message(claim).content


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


def test_a_message_reads_like_this_on_the_wire() -> None:
    boundary = message_from_bytes(written()).get_boundary()
    assert written().decode("ascii").split("\r\n") == [
        "From: Field Notebook <digest@example.com>",
        "Subject: Subject",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "To: ann@example.org",
        "Message-ID: <store.3.7@example.com>",
        "List-Id: <conferences.example.com>",
        "List-Unsubscribe: <mailto:digest@example.com?subject=unsubscribe%20tok-en_1>",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "=C3=A9 mailto:digest@example.com?subject=3Dunsubscribe%20=",
        "tok-en_1",
        "",
        f"--{boundary}",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        '<p>=C3=A9 <a href=3D"mailto:digest@example.com?subject=3Dunsubscribe%20=',
        "tok-en_1=",
        '">x</a></p>',
        "",
        f"--{boundary}--",
        "",
    ]


def test_the_envelope_is_the_senders_bare_address_and_the_readers() -> None:
    message = Composer("store", ISSUE, CONTENT, 1).message(CLAIM)
    assert (message.sender, message.recipient) == ("digest@example.com", "ann@example.org")


def test_no_line_starts_with_a_dot_so_smtp_has_none_to_double() -> None:
    content = Content(".", f"\n.\n..x\n{UNSUBSCRIBE}.\n{'.' * 400}", f".\r\n.{UNSUBSCRIBE}\n.")
    message = Composer("store", ISSUE, content, 1).message(CLAIM)
    assert message.dotless
    assert b"\r\n." not in message.content


@pytest.mark.parametrize(("issue", "variant", "same"), [(3, 1, True), (3, 2, False), (4, 1, False)])
def test_the_boundary_is_the_variants(issue: int, variant: int, *, same: bool) -> None:
    other = Composer("store", replace(ISSUE, id=issue), CONTENT, variant).message(replace(CLAIM, subscriber=8)).content
    assert (message_from_bytes(other).get_boundary() == message_from_bytes(written()).get_boundary()) is same
    assert len(message_from_bytes(other).get_boundary() or "") <= 70


@pytest.mark.parametrize("token", ["", "a" * 65, "a b", "a=b", "a.b", "a\r\nb", 'a"b', "é", "٣"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="no unsubscribe token"):
        written(claim=replace(CLAIM, token=token))
    with pytest.raises(ValueError, match="no unsubscribe token"):
        unsubscribe_link(ISSUE, token)


@pytest.mark.parametrize(
    "recipient",
    [
        *("", "ann", "@example.org", "ann@", "a@b@example.org", "ann@example.org\r\nBcc: x@y.org", "ann@example.org\n"),
        *(
            "a b@example.org",
            "ann@example.org, b@example.org",
            "<ann@example.org>",
            '"a"@example.org',
            "a\0@example.org",
        ),
        *("a\u202eb@example.org", "a\u2028b@example.org", "a\udc80@example.org"),
    ],
)
def test_a_recipient_who_is_no_address_is_refused(recipient: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a To header"):
        written(claim=replace(CLAIM, recipient=recipient))


def test_a_recipient_longer_than_smtp_allows_is_refused() -> None:
    assert b"To: " + b"a" * 242 + b"@example.org\r\n" in written(
        claim=replace(CLAIM, recipient="a" * 242 + "@example.org")
    )
    with pytest.raises(ValueError, match="longer than an address can be"):
        written(claim=replace(CLAIM, recipient="ä" * 122 + "@example.org"))


def test_an_address_that_is_not_ascii_stands_in_to_as_it_is() -> None:
    raw = written(claim=replace(CLAIM, recipient="änn@bücher.example"))
    assert "To: änn@bücher.example\r\n".encode() in raw
    assert raw.replace("änn@bücher".encode(), b"").isascii()


@pytest.mark.parametrize(
    "url", ["https://bücher.example/", "https://x.example/\r\nBcc: a", "https://x.example/>", "https://x/" + "a" * 800]
)
def test_an_address_of_ours_that_no_header_holds_is_refused(url: str) -> None:
    with pytest.raises(MailError, match="public_url"):
        written(replace(ISSUE, public_url=url))


def test_over_plain_http_one_click_is_not_offered() -> None:
    message = message_from_bytes(written(replace(ISSUE, public_url="http://127.0.0.1:8000/")), policy=default)
    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/unsubscribe/tok-en_1>, <mailto:")
    assert message["List-Unsubscribe-Post"] is None


def test_a_link_is_escaped_in_html_and_not_in_text() -> None:
    message = message_from_bytes(written(replace(ISSUE, public_url="https://x.example/?a&b")), policy=default)
    plain, page = (part.get_content() for part in message.iter_parts())
    assert "https://x.example/?a&b/unsubscribe/tok-en_1" in plain
    assert 'href="https://x.example/?a&amp;b/unsubscribe/tok-en_1"' in page


def test_half_a_character_becomes_a_question_mark() -> None:
    message = message_from_bytes(written(content=Content("\ud83d", "", "a\ud83db")), policy=default)
    assert next(message.iter_parts()).get_content() == "a?b\r\n"


def test_a_letter_to_a_reader_offers_to_leave() -> None:
    message = message_from_bytes(compose_letter("store", LETTER).content, policy=default)
    link = "https://news.example.com/unsubscribe/tok-en_1"
    assert message["List-Id"] == "<conferences.example.com>"
    assert message["List-Unsubscribe"].startswith(f"<{link}>, <mailto:")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Reply-To"] == "robin@example.com"
    assert message["Date"].datetime == LETTER.written
    assert [part.get_content() for part in message.iter_parts()] == [
        f"Leave: {link}\r\n",
        f'<a href="{link}">Leave</a>\r\n',
    ]


def test_a_letter_outside_of_any_list_has_no_header_of_one() -> None:
    message = message_from_bytes(compose_letter("store", replace(LETTER, list_id="")).content, policy=default)
    assert not [name for name in message if name.startswith("List-")]


def test_a_letter_without_a_token_offers_no_way_to_leave() -> None:
    message = message_from_bytes(compose_letter("store", replace(LETTER, token="")).content, policy=default)
    assert [name for name in message if name.startswith("List-")] == ["List-Id"]


def test_a_letter_is_named_apart_from_deliveries_and_as_its_claim() -> None:
    letter = compose_letter("store", LETTER)
    assert letter.name == message_name("store", Claim(0, LETTER.id, 0, LETTER.recipient, LETTER.token))
    assert letter.name == "store.letter.5"
    assert message_from_bytes(letter.content)["Message-ID"] == "<store.letter.5@example.com>"
    assert (letter.sender, letter.recipient) == ("digest@example.com", "ann@example.org")
    assert compose_letter("store", LETTER) == letter


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


@pytest.mark.parametrize("address", ["", "ann", "ann@", "a b@example.org", "ann@example.org\r\nBcc: x@y.org"])
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
        *("", "Ann", "a@example.org, b@example.org", "Ann <a@>", "A\nBcc: x <a@example.org>", "ä@example.org"),
        "=?utf-8?q?A=0ABcc:_x?= <a@example.org>",
    ],
)
def test_a_sender_that_cannot_be_used_is_refused_by_its_key(sender: str) -> None:
    with pytest.raises(MailError, match=r"\[mail\] from"):
        parse_sender(sender, "[mail] from")
