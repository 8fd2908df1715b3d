"""Law of messages: what is composed reads back the same, whatever words and addresses went in.

The oracle is the standard library's own EmailMessage: slow, and written by others.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from itertools import pairwise
from string import ascii_letters, digits
from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains

from publisher.errors import UsageError
from publisher.mail import headers
from publisher.mail.addresses import parse_mailbox, parse_sender
from publisher.mail.compose import UNSUBSCRIBE, Composer, Message, compose_letter, message_name, unsubscribe_link
from publisher.mail.headers import one_line
from publisher.mail.quoted import around_words
from publisher.model.delivery import Claim
from publisher.model.issue import Content, Issue
from publisher.model.letter import Letter, LetterKind
from tests.mailing import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

ISSUE = Issue(
    1, "talks", "weekly", 1, "Talks", NOON, "Ann <ann@example.com>", "", "talks.example.com", "ann@example.com", ""
)
LETTER = Letter(
    id=5,
    kind=LetterKind.WELCOME,
    subscriber=2,
    digest="talks",
    generation=1,
    recipient="ben@example.org",
    subject="Welcome",
    html="",
    text="",
    sender=ISSUE.sender,
    reply_to="",
    list_id=ISSUE.list_id,
    unsubscribe_mail=ISSUE.unsubscribe_mail,
    public_url="",
    token="token",
    written=NOON,
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
# What encoders stumble over, in any order and at any distance from a line's end
STUMBLES = st.sampled_from(
    [UNSUBSCRIBE, "\r", "\n", "\r\n", ".", "..", " ", "\t", "=", "=\n", "=_", "--=_", "From ", "\0", "é", "€", "𝄞"]
)
LONG = st.builds(lambda sign, times: sign * times, st.sampled_from(["x", ".", "=", " ", "ü"]), st.integers(60, 160))
BODIES = st.lists(st.one_of(STUMBLES, LONG, st.text(max_size=90)), max_size=25).map("".join)
TOKENS = st.text(st.sampled_from(ascii_letters + digits + "-_"), min_size=1, max_size=64)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=60)
MAILBOXES = st.one_of(st.just("ann@bücher.example"), NAMES.map(lambda name: f'"{name}" <ann@example.com>'))
URLS = st.sampled_from(
    ["", "https://news.example.com/", "http://127.0.0.1:8000", "https://n.example.com/a&b'/,c/" + "long/" * 150]
)
LETTERS_OF_ADDRESSES = st.sampled_from("abcXYZ019.!#$%&'*+/=?^_`{|}~-äßé漢٣\u0301\u200d")
RECIPIENTS = st.sampled_from(["ben@example.org", "ä.ö@example.org", "δοκιμή@παράδειγμα.example"])
ISSUES = st.builds(
    lambda sender, reply_to, url: replace(ISSUE, sender=sender, reply_to=reply_to, public_url=url),
    MAILBOXES,
    st.one_of(st.just(""), MAILBOXES),
    URLS,
)
ENTRIES_OF_LETTERS = st.fixed_dictionaries(
    {
        "subject": WORDS,
        "html": BODIES,
        "text": BODIES,
        "sender": MAILBOXES,
        "public_url": URLS,
        "recipient": RECIPIENTS,
        "list_id": st.sampled_from(["", "talks.example.com"]),
        "token": st.one_of(st.just(""), TOKENS),
    }
)


@given(ISSUES, st.builds(Content, WORDS, BODIES, BODIES), TOKENS, RECIPIENTS, st.integers(1, 2**63))
def test_a_message_reads_as_the_oracles_does(
    issue: Issue, content: Content, token: str, recipient: str, person: int
) -> None:
    claim = Claim(1, person, 1, recipient, token)
    message = Composer("s", issue, content, 1).message(claim)
    assert message.name == message_name("s", claim) == f"s.1.{person}"
    assert message.sender == parse_sender(issue.sender, "from").addr_spec
    assert message.recipient == recipient
    reads_as(message, Sheet(issue, content.subject, content.html, content.text, issue.drafted, token))
    keeps_the_rules(message)


@given(ENTRIES_OF_LETTERS)
def test_a_letter_reads_as_the_oracles_does(fields: dict[str, str]) -> None:
    letter = replace(LETTER, **fields)  # type: ignore[arg-type] # all of these fields are strings
    message = compose_letter("s", letter)
    assert message.name == message_name("s", Claim(0, letter.id, 0, letter.recipient, letter.token)) == "s.letter.5"
    reads_as(message, Sheet(letter, letter.subject, letter.html, letter.text, letter.written, letter.token))
    keeps_the_rules(message)


@given(st.lists(BODIES, min_size=1, max_size=6), TOKENS)
def test_words_fit_between_any_pieces(pieces: list[str], word: str) -> None:
    encoded = word.encode().join(around_words(pieces))
    assert_quoted_printable(encoded.split(b"\r\n"))
    part = message_from_bytes(b"Content-Transfer-Encoding: quoted-printable\n\n" + encoded)
    read = cast("bytes", part.get_payload(decode=True)).decode("utf-8")
    assert unix(read) == ended(unix(word.join(unix(piece) for piece in pieces)))


@given(ISSUES, st.builds(Content, WORDS, BODIES, BODIES), TOKENS, TOKENS)
def test_a_message_composed_again_is_the_same_whoever_was_written_to_meanwhile(
    issue: Issue, content: Content, token: str, other: str
) -> None:
    composer, claim = Composer("s", issue, content, 1), Claim(1, 7, 1, "ann@example.org", token)
    first = composer.message(claim)
    composer.message(Claim(1, 8, 1, "ben@example.org", other))
    assert composer.message(claim) == first
    assert Composer("s", issue, content, 1).message(replace(claim, attempt=4)) == first


@given(WORDS)
def test_no_words_make_a_header(subject: str) -> None:
    expected = [name for name, _ in message_from_bytes(composed(Content("", "<p></p>", ""))).items()]
    assert [name for name, _ in message_from_bytes(composed(Content(subject, "<p></p>", ""))).items()] == expected


@given(WORDS)
def test_a_subject_reads_back(subject: str) -> None:
    assert message_from_bytes(composed(Content(subject, "", "")), policy=default)["Subject"] == one_line(subject)


@given(NAMES)
def test_a_senders_name_reads_back_whatever_its_letters(name: str) -> None:
    sender = parse_sender(f'"{name}" <ann@example.com>', "[mail] from")
    raw = composed(Content("x", "", ""), replace(ISSUE, sender=f'"{name}" <ann@example.com>'))
    # The older parser: the newer one puts spaces between encoded words, against RFC 2047 6.2.
    found, address = parseaddr(message_from_bytes(raw)["From"])
    assert address == "ann@example.com"
    assert str(make_header(decode_header(found))) == one_line(sender.display_name)


@given(st.text(LETTERS_OF_ADDRESSES, min_size=1, max_size=30), domains())
def test_an_accepted_address_reads_back_from_the_to_header(local: str, domain: str) -> None:
    try:
        mailbox = parse_mailbox(f"{local}@{domain}")
    except UsageError:
        return
    raw = Composer("s", ISSUE, Content("x", "", ""), 1).message(Claim(1, 1, 1, mailbox.wire, "t")).content
    assert f"\r\nTo: {mailbox.wire}\r\n".encode() in raw
    if mailbox.wire.isascii():
        read = message_from_bytes(raw, policy=default)["To"].addresses
        assert [one.addr_spec for one in read] == [mailbox.wire]


@given(st.text(max_size=40))
def test_what_is_refused_as_an_address_or_a_token_never_gets_into_a_message(text: str) -> None:
    composer = Composer("s", ISSUE, Content("x", "", ""), 1)
    expected = composer.message(Claim(1, 1, 1, "ben@example.org", "t")).content.count(b"\r\n")
    for claim in (Claim(1, 1, 1, f"{text}@example.org", "t"), Claim(1, 1, 1, "ben@example.org", text)):
        try:
            raw = composer.message(claim).content
        except ValueError:
            continue
        assert raw.count(b"\r\n") == expected
        assert f"To: {claim.recipient}\r\n".encode() in raw


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the oracle needs of an issue and its content, or of a letter."""

    source: Issue | Letter
    subject: str
    html: str
    text: str
    date: object
    token: str


def reads_as(message: Message, sheet: Sheet) -> None:
    """Hold a message against the oracle: headers in their order, parts, charsets, text."""
    found = message_from_bytes(message.content, policy=default)
    expected = message_from_bytes(written_by_the_oracle(message, sheet, str(found.get_boundary())), policy=default)
    assert [(name, str(value)) for name, value in found.items()] == [
        (name, str(value)) for name, value in expected.items()
    ]
    parts, wanted = list(found.iter_parts()), list(expected.iter_parts())
    for part, other in zip(parts, wanted, strict=True):
        for name in ("Content-Type", "Content-Transfer-Encoding"):
            assert part[name] == other[name]
        assert not part.defects
        assert part.get_content() == other.get_content()
    assert len(parts) == 2
    assert not found.defects


def written_by_the_oracle(message: Message, sheet: Sheet, boundary: str) -> bytes:
    """Write the same message with the standard library's means."""
    source = sheet.source
    oracle = EmailMessage(policy=headers.policy().clone(utf8=not message.recipient.isascii()))
    sender = parse_sender(source.sender, "from")
    oracle["From"] = headers.mailbox_text(sender)
    if source.reply_to:
        oracle["Reply-To"] = headers.mailbox_text(parse_sender(source.reply_to, "reply_to"))
    oracle["Subject"] = one_line(sheet.subject)
    oracle["Date"] = sheet.date
    oracle["Auto-Submitted"] = "auto-generated"
    oracle["To"] = message.recipient
    oracle["Message-ID"] = f"<{message.name}@{sender.domain}>"
    if source.list_id:
        oracle["List-Id"] = f"<{source.list_id}>"
    if source.list_id and sheet.token:
        mail = f"mailto:{source.unsubscribe_mail}?subject=unsubscribe%20{sheet.token}"
        web = f"{source.public_url.rstrip('/')}/unsubscribe/{sheet.token}"
        oracle["List-Unsubscribe"] = f"<{web}>, <{mail}>" if source.public_url else f"<{mail}>"
        if source.public_url.startswith("https:"):
            oracle["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    link = unsubscribe_link(source, sheet.token) if sheet.token else UNSUBSCRIBE
    text = sheet.text.replace(UNSUBSCRIBE, link)
    page = sheet.html.replace(UNSUBSCRIBE, html.escape(link))
    oracle.set_content(text, subtype="plain", charset="utf-8", cte="quoted-printable")
    oracle.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    oracle.set_boundary(boundary)
    return oracle.as_bytes()


def keeps_the_rules(message: Message) -> None:
    """Hold what relays ask for (RFC 5322 2.1, RFC 2045 6.7), and what ``dotless`` says."""
    raw = message.content
    assert raw.isascii() or not message.recipient.isascii()
    lines = raw.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert not re.search(rb"[\r\n]", b"".join(lines))
    assert message.dotless
    assert not any(line.startswith(b".") for line in lines)
    mark = str(message_from_bytes(raw).get_boundary()).encode()
    assert [line for line in lines[lines.index(b"") :] if mark in line] == [
        b"--" + mark,
        b"--" + mark,
        b"--%b--" % mark,
    ]
    assert_quoted_printable(lines[lines.index(b"--" + mark) :])


def assert_quoted_printable(lines: Sequence[bytes]) -> None:
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.endswith((b" ", b"\t")) or line.startswith(b".") for line in lines)
    broken = [after for before, after in pairwise(lines) if before.endswith(b"=")]
    assert not {b"", b"="} & {*broken}, "a soft line break that parts nothing"


def composed(content: Content, issue: Issue = ISSUE) -> bytes:
    return Composer("s", issue, content, 1).message(Claim(1, 1, 1, "ben@example.org", "token")).content


def unix(text: str) -> str:
    """Line ends are the mail's business; what stands in the lines is not."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
