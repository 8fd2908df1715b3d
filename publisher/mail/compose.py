"""Messages: the frozen content of an issue with what is personal put in, and letters to one person.

Equal input gives equal bytes, so a message that is sent again is the same message. All that the readers of a
variant share is written once; a reader's message is those bytes joined around their address, their number and
their token. Tokens are so plain that they stand for themselves in headers, HTML and quoted-printable.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import TYPE_CHECKING
from urllib.parse import quote

from publisher.errors import MailError
from publisher.mail import headers
from publisher.mail.addresses import parse_sender
from publisher.mail.quoted import around_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from email.headerregistry import Address

    from publisher.model.delivery import Claim
    from publisher.model.issue import Content, Issue
    from publisher.model.letter import Letter

# Stands in frozen content where the reader's own unsubscribe link goes. The domain can never
# exist (RFC 2606), so no author means it.
UNSUBSCRIBE = "https://reader.publisher.invalid/unsubscribe"

LONGEST_TOKEN = 64  # characters: with what stands around it, it fits on a line of quoted-printable
LONGEST_ADDRESS = 254  # octets (RFC 5321 4.5.3.1.3, without the angle brackets)
LONGEST_URL = 800  # characters of public_url; a header line holds 998 (RFC 5322 2.1.1)

_TOKEN = frozenset(ascii_letters + digits + "-_")
_NOT_IN_ADDRESSES = frozenset(' ()<>[]:;,\\"')  # outside of quoted strings, which we do not take (RFC 5322 3.2.3)
_NOT_IN_URLS = frozenset(' <>"\\^`{|}')
_GAP = b"\0"  # where a token goes while the rest is written; encoded text holds no such byte


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to leave. ``name`` is the delivery's or letter's, equal whenever it is composed again.

    ``sender`` and ``recipient`` are the envelope's. ``dotless``: no line of ``content`` starts with a dot, so
    that SMTP has none to double (RFC 5321 4.5.2). Line ends are CRLF.
    """

    name: str
    sender: str
    recipient: str
    content: bytes
    dotless: bool = False


class Composer:
    """Writes the messages of one variant of an issue (RFC 5322). Threads may share it.

    ``store`` is the store's id. Raises MailError when the issue's sender or public_url cannot be used.
    """

    def __init__(self, store: str, issue: Issue, content: Content, variant: int) -> None:
        sender = parse_sender(issue.sender, "from")
        boundary = _boundary(f"{store}.{issue.id}.{variant}")
        self._store = store
        self._sender = sender.addr_spec
        self._top = _top(issue, sender, content.subject, issue.drafted)
        self._domain = f"@{sender.domain}>\r\n".encode("ascii")
        self._around_tokens = _rest(issue, content.html, content.text, _ways(issue), boundary)

    def message(self, claim: Claim) -> Message:
        """Write one reader's message. Raises ValueError for a token or an address that has no place in one."""
        name = message_name(self._store, claim)
        token = _token(claim.token).join(self._around_tokens)
        content = b"".join(
            (self._top, _address(claim.recipient), b"\r\nMessage-ID: <", name.encode("ascii"), self._domain, token)
        )
        return Message(name, self._sender, claim.recipient, content, dotless=True)


def compose_letter(store: str, letter: Letter) -> Message:
    """Write a letter. It belongs to a list where it has a ``list_id``, and offers to leave where it has a token.

    Raises MailError as Composer does, ValueError as its messages do.
    """
    sender = parse_sender(letter.sender, "from")
    name = f"{store}.letter.{letter.id}"
    ways = _ways(letter) if letter.token else ()
    token = _token(letter.token) if letter.token else b""
    content = b"".join(
        (
            _top(letter, sender, letter.subject, letter.written),
            _address(letter.recipient),
            f"\r\nMessage-ID: <{name}@{sender.domain}>\r\n".encode("ascii"),
            token.join(_rest(letter, letter.html, letter.text, ways, _boundary(name))),
        )
    )
    return Message(name, sender.addr_spec, letter.recipient, content, dotless=True)


def message_name(store: str, claim: Claim) -> str:
    """Name a claim's message: equal whenever it is composed again, and in no other store."""
    if claim.is_letter:
        return f"{store}.letter.{claim.subscriber}"
    return f"{store}.{claim.issue}.{claim.subscriber}"


def unsubscribe_link(source: Issue | Letter, token: str) -> str:
    """Give the link a reader follows to leave: https where there is a web server, else mailto."""
    return _ways(source)[0] + _token(token).decode("ascii")


def _ways(source: Issue | Letter) -> tuple[str, ...]:
    """The links to leave by, best first, each still without the token it ends in."""
    mail = f"mailto:{quote(source.unsubscribe_mail, safe='@')}?subject=unsubscribe%20"
    url = source.public_url.rstrip("/")
    if not url:
        return (mail,)
    if not (url.isascii() and url.isprintable() and len(url) <= LONGEST_URL and _NOT_IN_URLS.isdisjoint(url)):
        raise MailError(
            f"public_url cannot stand in mail: {url[:100]}",
            f"Under [web] in config.toml, write an address in ASCII of at most {LONGEST_URL} characters.",
        )
    return f"{url}/unsubscribe/", mail


def _token(token: str) -> bytes:
    if not (0 < len(token) <= LONGEST_TOKEN and _TOKEN.issuperset(token)):
        raise ValueError(f"this is no unsubscribe token: 1 to {LONGEST_TOKEN} of A-Z a-z 0-9 - _ are")
    return token.encode("ascii")


def _address(recipient: str) -> bytes:
    """Give an address for the To header; one that is not ASCII stands as it is (RFC 6532)."""
    local, _, domain = recipient.rpartition("@")
    plain = recipient.isprintable() and _NOT_IN_ADDRESSES.isdisjoint(recipient) and "@" not in local
    if not (local and domain and plain):
        raise ValueError(f"{recipient!r} cannot stand in a To header as an address")
    written = recipient.encode("utf-8")
    if len(written) > LONGEST_ADDRESS:
        raise ValueError(f"{recipient!r} is longer than an address can be ({LONGEST_ADDRESS} octets)")
    return written


def _boundary(name: str) -> str:
    """A line that parts a message: the same for the same name, of a length that any name may have (RFC 2046 5.1.1).

    It is met in no part, since quoted-printable has no "=_".
    """
    return f"=_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _top(source: Issue | Letter, sender: Address, subject: str, date: datetime) -> bytes:
    """Write the first headers, up to where the address of To goes."""
    lines = [_header("From", headers.mailbox_text(sender))]
    if source.reply_to:
        lines.append(_header("Reply-To", headers.mailbox_text(parse_sender(source.reply_to, "reply_to"))))
    lines += [
        _header("Subject", headers.one_line(subject)),
        _header("Date", date),
        _header("Auto-Submitted", "auto-generated"),  # RFC 3834: no vacation notes, please
        "To: ",
    ]
    return "".join(lines).encode("ascii")


def _rest(source: Issue | Letter, page: str, text: str, ways: Sequence[str], boundary: str) -> list[bytes]:
    """Write all that follows Message-ID, in pieces between which the token goes."""
    link = ways[0] if ways else ""
    written = (
        _list_headers(source, ways).encode("ascii"),
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii"),
        _part(boundary, "plain", text, link),
        _part(boundary, "html", page, html.escape(link)),
        f"--{boundary}--\r\n".encode("ascii"),
    )
    return b"".join(written).split(_GAP)


def _list_headers(source: Issue | Letter, ways: Sequence[str]) -> str:
    """Write RFC 2919 and RFC 2369 headers; one-click (RFC 8058) exists only over https."""
    if not source.list_id:
        return ""
    gap = _GAP.decode("ascii")
    lines = _header("List-Id", f"<{source.list_id}>")
    if ways:
        lines += _header("List-Unsubscribe", ", ".join(f"<{way}{gap}>" for way in ways))
    if ways and ways[0].casefold().startswith("https:"):
        lines += _header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return lines


def _part(boundary: str, kind: str, written: str, link: str) -> bytes:
    """Write a part of the message, with gaps for the token."""
    head = (
        f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + _GAP.join(around_words(_parted(written, link))) + b"\r\n"


def _parted(written: str, link: str) -> list[str]:
    """Put the link where its marker stands, and part the text where the token follows."""
    if not link:
        return [written]
    *before, last = written.split(UNSUBSCRIBE)
    return [*(piece + link for piece in before), last]


def _header(name: str, value: str | datetime) -> str:
    """Write a header as our policy does, line ends included."""
    policy = headers.policy()
    return str(policy.header_factory(name, value).fold(policy=policy))
