"""Email addresses, checked by shape alone: the one module that knows email-validator."""

from __future__ import annotations

from email.headerregistry import Address
from email.parser import Parser
from email.policy import default
from typing import TYPE_CHECKING, cast

from publisher.errors import MailError, UsageError
from publisher.model.subscriber import Mailbox

if TYPE_CHECKING:
    from email.headerregistry import AddressHeader


def parse_mailbox(written: str) -> Mailbox:
    """Read an address strictly, without asking the network. Raises UsageError.

    The part before the @ must be ASCII until a relay can be asked whether it takes more (RFC 6531);
    domains may be international.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - brings dnspython along

    try:
        found = validate_email(written.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as fault:
        raise UsageError(
            f"{written!r} is not an email address that can be mailed: {fault}",
            "Write it as name@example.org.",
        ) from fault
    return Mailbox(found.normalized, found.ascii_email or found.normalized, found.normalized.casefold())


def parse_sender(written: str, key: str) -> Address:
    """Read one mailbox of config.toml, with or without a display name; its domain becomes ASCII.

    ``key`` is the key it stands under. Raises MailError, which names the key.
    """
    remedy = f'Write {key} = "Your Name <you@example.org>".'
    if not written.strip():
        raise MailError(f"{key} is missing in config.toml", remedy)
    if any(sign in written for sign in "\r\n\0"):
        raise MailError(f"{key} spans more than one line", remedy)
    try:
        parsed = cast("AddressHeader", Parser(policy=default).parsestr(f"To: {written}\n\n")["To"])
    except ValueError as fault:  # a line end inside an encoded word
        raise MailError(f"{key} is not one mailbox: {written}", remedy) from fault
    if len(parsed.addresses) != 1:
        raise MailError(f"{key} is not one mailbox: {written}", remedy)
    try:
        mailbox = parse_mailbox(parsed.addresses[0].addr_spec)
    except UsageError as fault:
        raise MailError(f"{key}: {fault.message}", remedy) from fault
    return Address(parsed.addresses[0].display_name, addr_spec=mailbox.wire)
