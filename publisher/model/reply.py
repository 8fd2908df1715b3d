"""A reply: what became of handing one message over, in the relay's own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """How far a message got (RFC 5321 3.3). The first stage that refuses decides."""

    CONNECT = "connect"
    GREETING = "greeting"  # the banner, EHLO and what it offers
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"  # the message itself, up to the final dot and the reply to it


@dataclass(frozen=True, slots=True)
class Reply:
    """The stage that decided, and what was said there.

    ``code`` is the SMTP reply code, 0 where none came (the connection broke, or we refused ourselves);
    ``enhanced`` is the status of RFC 3463 such as "5.1.1", empty where none was given; ``text`` is one line.
    ``doubtful``: the whole content, final dot included, had left when the connection broke.
    """

    stage: Stage
    code: int
    enhanced: str = ""
    text: str = ""
    doubtful: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the message was taken."""
        return self.stage is Stage.CONTENT and str(self.code).startswith("2")

    def __str__(self) -> str:
        code = str(self.code) if self.code else ""
        words = (
            self.text if not self.enhanced or self.text.startswith(self.enhanced) else f"{self.enhanced} {self.text}"
        )
        return f"{self.stage.value}: {' '.join(filter(None, (code, words)))}"


# The content was held back, by ourselves, when the relay was ready for it.
WITHHELD = Reply(Stage.DATA, 0, text="withheld")
