"""Email addresses, checked by shape alone: the one module that knows email-validator."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address
from email.parser import Parser
from email.policy import default
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from publisher.errors import MailError, UsageError
from publisher.model.subscriber import Mailbox

if TYPE_CHECKING:
    from email.headerregistry import AddressHeader

    from email_validator import ValidatedEmail


SHOWN = 100  # characters of what was written that a message repeats
_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
MOST_LOCAL, MOST = 64, 254  # octets before the @, and in all (RFC 5321 4.5.3.1; RFC 6531 counts those of UTF-8)


def parse_mailbox(written: str) -> Mailbox:
    """Read an address strictly, without asking the network. Raises UsageError.

    Domains and the part before the @ may be international; that part must not be quoted.
    """
    from email_validator import EmailNotValidError  # noqa: PLC0415 - brings dnspython along

    address = written.strip()
    plain = _parse_plain(address)
    if plain is not None:
        return plain
    try:
        found = _validate(address)
    except EmailNotValidError as fault:
        raise _refused(written, str(fault)) from fault
    wire = f"{found.local_part}@{found.ascii_domain}"
    if len(found.local_part.encode()) > MOST_LOCAL or len(wire.encode()) > MOST:
        raise _refused(written, "It is too long.")
    return Mailbox(found.normalized, wire, f"{_folded(found.local_part)}@{found.domain}")


def _validate(address: str) -> ValidatedEmail:
    from email_validator import validate_email  # noqa: PLC0415 - as above

    return validate_email(address, check_deliverability=False, allow_smtputf8=True, strict=True)


def _parse_plain(address: str) -> Mailbox | None:
    """Read an address of plain letters at a known domain, as most of a long list are; None for any other."""
    local, _, domain = address.partition("@")
    if not _PLAIN.fullmatch(local) or len(local) > MOST_LOCAL or len(domain) > MOST:
        return None
    known = _plain_domain(domain)
    if not known or len(local) + 1 + len(known) > MOST:
        return None
    return Mailbox(f"{local}@{known}", f"{local}@{known}", f"{local.casefold()}@{known}")


@lru_cache(maxsize=4096)
def _plain_domain(domain: str) -> str:
    """A domain as it is written, empty where it is none or not of plain letters; a million people share a few."""
    from email_validator import EmailNotValidError  # noqa: PLC0415 - as above

    try:
        found = _validate(f"a@{domain}")
    except EmailNotValidError:
        return ""
    return found.domain if found.domain == found.ascii_domain and found.local_part == "a" else ""


def _folded(local: str) -> str:
    """Equal for spellings that differ in case alone. Domains come normalised: in them ß and ss are two letters."""
    return unicodedata.normalize("NFC", local.casefold())


def _refused(written: str, why: str) -> UsageError:
    shown = written if len(written) <= SHOWN else f"{written[:SHOWN]}…"
    return UsageError(f"{shown!r} is not an email address that can be mailed: {why}", "Write it as name@example.org.")


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
    except (ValueError, IndexError) as fault:  # a line end inside an encoded word
        raise MailError(f"{key} is not one mailbox: {written}", remedy) from fault
    if len(parsed.addresses) != 1:
        raise MailError(f"{key} is not one mailbox: {written}", remedy)
    try:
        mailbox = parse_mailbox(parsed.addresses[0].addr_spec)
    except UsageError as fault:
        raise MailError(f"{key}: {fault.message}", remedy) from fault
    if not mailbox.wire.isascii():  # it stands in Message-IDs and mailto links, which every relay must take
        raise MailError(f"{key}: the part before the @ of {mailbox.address} is not ASCII", remedy)
    return Address(parsed.addresses[0].display_name, addr_spec=mailbox.wire)
