"""Two traps for programs that fill in every form they find: a field that nobody sees, and a form sent too soon.

The stamp is a moment signed under a key that lives as long as the process: no cookie, and nothing kept. A form on
another page of the author's has none. Neither trap is an error: whoever is caught is asked to press once more.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FIELD, STAMP = "comment", "stamp"  # names of the fields
SOONEST, LATEST = timedelta(seconds=2), timedelta(hours=24)
_EARLIER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Trap:
    """What stamps forms and knows its stamps again."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def stamp(self, now: datetime, *, again: bool = False) -> str:
        """Sign the moment at which a form is shown; one shown ``again`` is filled in already and sooner sent."""
        shown = str(int((now - (_EARLIER if again else timedelta())).timestamp() * 1000))
        return f"{shown}.{self._sign(shown)}"

    def is_human(self, stamp: str, now: datetime) -> bool:
        """Whether the form was shown as long ago as it takes to fill in."""
        shown, _, signature = stamp.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(shown).encode()):
            return False
        return SOONEST <= now - datetime.fromtimestamp(int(shown) / 1000, UTC) <= LATEST  # ours: it was signed

    def _sign(self, shown: str) -> str:
        return hmac.digest(self.key, shown.encode("utf-8", "replace"), "sha256").hex()
