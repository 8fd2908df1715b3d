"""Header values that the standard library folds in ways that break them, folded right.

Free text is encoded by RFC 2047 whenever it is not plain ASCII or could be taken for an encoded word;
lists of URLs (RFC 2369) are broken only between URLs, since an encoded URL is no URL; names before
addresses are encoded whole and broken between words.
"""

from __future__ import annotations

import textwrap
import unicodedata
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.policy import SMTP
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.policy import EmailPolicy, Policy

MOST = 200  # characters of a subject; mailboxes show far fewer


def one_line(text: str, most: int = MOST) -> str:
    """Make text fit for a header: one line, no control characters, cut at a word when it is too long."""
    clean = "".join(" " if _breaks(sign) else sign for sign in text)
    words = " ".join(clean.split())
    if len(words) <= most:
        return words
    cut = words[: most - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


def _breaks(sign: str) -> bool:
    """Tell line and control characters, lone surrogates, and signs that reorder what follows."""
    return unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in "\u202a\u202b\u202d\u202e"


class FreeText(BaseHeader):
    """Free text, such as a subject. The value is a sentence, never something to decode."""

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Take the value as it is: text that looks like an encoded word is still that text."""
        kwds["parse_tree"] = None  # only folding looks at it, and folding is done here
        kwds["decoded"] = value

    def fold(self, *, policy: Policy) -> str:
        """Give the header's lines, at most 76 characters each where words allow it."""
        plain = self.isascii() and "=?" not in self
        header = Header(str(self), "us-ascii" if plain else "utf-8", 76, self.name)
        return f"{self.name}: {header.encode(linesep=policy.linesep)}{policy.linesep}"


class UrlList(FreeText):
    """Comma-separated URLs in angle brackets (RFC 2369), one to a line."""

    def fold(self, *, policy: Policy) -> str:
        """Break between URLs only."""
        lines = str(self).replace(", ", f",{policy.linesep} ")
        return f"{self.name}: {lines}{policy.linesep}"


class Mailboxes(FreeText):
    """A mailbox as ``mailbox_text`` writes it."""

    def fold(self, *, policy: Policy) -> str:
        """Break at spaces only, which is where encoded words and quoted words may be parted."""
        line = textwrap.fill(
            f"{self.name}: {self}", 76, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False
        )
        return line.replace("\n", policy.linesep) + policy.linesep


def mailbox_text(mailbox: Address) -> str:
    """Write a mailbox with its name, if it has one, all in ASCII (RFC 5322 3.4, RFC 2047 5.3)."""
    name = one_line(mailbox.display_name)
    if not name:
        return mailbox.addr_spec
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        plain = all(sign.isalnum() or sign in " -" for sign in name)
        return f"{name} <{mailbox.addr_spec}>" if plain else f'"{quoted}" <{mailbox.addr_spec}>'
    encoded = Header(name, "utf-8", 76, "Reply-To").encode(linesep="\n")
    return f"{' '.join(encoded.split())} <{mailbox.addr_spec}>"


def policy() -> EmailPolicy[EmailMessage]:
    """Give the policy our messages are written with: CRLF, and the header classes above."""
    registry = HeaderRegistry()
    registry.map_to_type("subject", FreeText)
    for name in ("from", "to", "reply-to"):
        registry.map_to_type(name, Mailboxes)
    for name in ("list-id", "list-unsubscribe", "list-unsubscribe-post"):
        registry.map_to_type(name, UrlList)
    return SMTP.clone(header_factory=registry)
