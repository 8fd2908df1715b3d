"""Law of messages: what is composed reads back the same, whatever words and addresses went in."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.provisional import domains

from publisher.errors import UsageError
from publisher.mail.addresses import parse_mailbox, parse_sender
from publisher.mail.compose import compose
from publisher.mail.headers import one_line
from publisher.model.delivery import Claim
from publisher.model.issue import Content, Issue
from tests.mailing import NOON

ISSUE = Issue(
    1, "talks", "weekly", 1, "Talks", NOON, "Ann <ann@example.com>", "", "talks.example.com", "ann@example.com", ""
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(WORDS, WORDS, WORDS)
@settings(deadline=None)
def test_subject_and_parts_read_back_as_they_were_written(subject: str, html: str, text: str) -> None:
    message = message_from_bytes(composed(Content(subject, html, text)), policy=default)
    assert message["Subject"] == one_line(subject)
    plain, page = message.iter_parts()
    assert lines(plain.get_content()) == lines(text)
    assert lines(page.get_content()) == lines(html)


@given(WORDS)
@settings(deadline=None)
def test_no_words_make_a_header_or_a_line_that_is_too_long(subject: str) -> None:
    raw = composed(Content(subject, "<p></p>", ""))
    expected = [name for name, _ in message_from_bytes(composed(Content("", "<p></p>", ""))).items()]
    assert [name for name, _ in message_from_bytes(raw).items()] == expected
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=60))
@settings(deadline=None)
def test_a_senders_name_reads_back_whatever_its_letters(name: str) -> None:
    sender = parse_sender(f'"{name}" <ann@example.com>', "[mail] from")
    raw = composed(Content("x", "", ""), replace(ISSUE, sender=f'"{name}" <ann@example.com>'))
    # The older parser: the newer one puts spaces between encoded words, against RFC 2047 6.2.
    found, address = parseaddr(message_from_bytes(raw)["From"])
    assert address == "ann@example.com"
    assert str(make_header(decode_header(found))) == one_line(sender.display_name)


@given(st.text(st.sampled_from("abcXYZ019.!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=30), domains())
@settings(deadline=None)
def test_an_accepted_address_reads_back_from_the_to_header(local: str, domain: str) -> None:
    try:
        mailbox = parse_mailbox(f"{local}@{domain}")
    except UsageError:
        return
    raw = compose("s", ISSUE, Content("x", "", ""), Claim(1, 1, 1, mailbox.wire, "t")).content
    assert [one.addr_spec for one in message_from_bytes(raw, policy=default)["To"].addresses] == [mailbox.wire]


def composed(content: Content, issue: Issue = ISSUE) -> bytes:
    return compose("s", issue, content, Claim(1, 1, 1, "ben@example.org", "token")).content


def lines(text: str) -> list[str]:
    """Line ends are the mail's business; what stands in the lines is not."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
