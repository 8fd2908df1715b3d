"""A message for one reader: the frozen content of an issue with what is personal put in.

Equal input gives equal bytes, so a message that is sent again is the same message.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import quote

from publisher.mail import headers
from publisher.mail.addresses import parse_sender

if TYPE_CHECKING:
    from email.headerregistry import Address

    from publisher.model.delivery import Claim
    from publisher.model.issue import Content, Issue

# Stands in frozen content where the reader's own unsubscribe link goes. The domain can never
# exist (RFC 2606), so no author means it.
UNSUBSCRIBE = "https://reader.publisher.invalid/unsubscribe"


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to leave. ``name`` is the delivery's, equal whenever it is composed again."""

    name: str
    recipient: str
    content: bytes


def compose(store: str, issue: Issue, content: Content, claim: Claim) -> Message:
    """Write the message of one delivery (RFC 5322). ``store`` is the store's id."""
    name = message_name(store, claim)
    message = EmailMessage(policy=headers.policy())
    sender = parse_sender(issue.sender, "from")
    link = unsubscribe_link(issue, claim.token)
    _head(message, issue, content, sender)
    message["To"] = claim.recipient
    message["Message-ID"] = f"<{name}@{sender.domain}>"
    _list_headers(message, issue, claim.token)
    _bodies(message, content, link)
    message.set_boundary(f"=_{name}")  # a random one would make a resend a different message
    return Message(name, claim.recipient, message.as_bytes())


def message_name(store: str, claim: Claim) -> str:
    """Name a delivery's message: equal whenever it is composed again, and in no other store."""
    return f"{store}.{claim.issue}.{claim.subscriber}"


def unsubscribe_link(issue: Issue, token: str) -> str:
    """Give the link a reader follows to leave: https where there is a web server, else mailto."""
    return _web_link(issue, token) if issue.public_url else _mail_link(issue, token)


def _head(message: EmailMessage, issue: Issue, content: Content, sender: Address) -> None:
    message["From"] = headers.mailbox_text(sender)
    if issue.reply_to:
        message["Reply-To"] = headers.mailbox_text(parse_sender(issue.reply_to, "reply_to"))
    message["Subject"] = headers.one_line(content.subject)
    message["Date"] = issue.drafted
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes, please


def _list_headers(message: EmailMessage, issue: Issue, token: str) -> None:
    """Write RFC 2919 and RFC 2369 headers; one-click (RFC 8058) exists only over https."""
    message["List-Id"] = f"<{issue.list_id}>"
    mail = f"<{_mail_link(issue, token)}>"
    if issue.public_url:
        message["List-Unsubscribe"] = f"<{_web_link(issue, token)}>, {mail}"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    else:
        message["List-Unsubscribe"] = mail


def _bodies(message: EmailMessage, content: Content, link: str) -> None:
    text = content.text.replace(UNSUBSCRIBE, link)
    page = content.html.replace(UNSUBSCRIBE, html.escape(link))
    message.set_content(text, subtype="plain", charset="utf-8", cte="quoted-printable")
    message.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")


def _web_link(issue: Issue, token: str) -> str:
    return f"{issue.public_url.rstrip('/')}/unsubscribe/{quote(token, safe='')}"


def _mail_link(issue: Issue, token: str) -> str:
    return f"mailto:{quote(issue.unsubscribe_mail, safe='@')}?subject=unsubscribe%20{quote(token, safe='')}"
