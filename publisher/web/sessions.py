"""The author's way in: a token from the environment opens a session of twelve hours.

What a browser keeps is a random id and a time, signed under a key that is made from the token: another token ends
every session. Forms hold a second value that only the session's own pages can know. Nothing is stored; sessions that
were left are remembered until they would have ended.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.rules.hosts import is_loopback
from publisher.tokens import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST = SHORTEST  # characters of a token
LASTS = timedelta(hours=12)
SECURE, PLAIN = "__Host-publisher", "publisher"  # names of the cookie

_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via")
_LONGEST = 200  # characters of a value that is looked at
_ID_BYTES = 16


def same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing about either, their lengths included."""
    once = secrets.token_bytes(32)
    return hmac.compare_digest(_hash(once, given), _hash(once, wanted))


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who showed the token. ``until`` is aware UTC."""

    id: str
    until: datetime


@dataclass(frozen=True)
class Sessions:
    """Sessions that a token opens; none where the token is empty or too short."""

    token: str = field(repr=False)
    _left: dict[str, datetime] = field(default_factory=dict, repr=False)

    @property
    def usable(self) -> bool:
        """Whether anybody can come in at all."""
        return len(self.token) >= LEAST

    def admits(self, given: str) -> bool:
        """Whether this is the token."""
        return same(given, self.token) and self.usable

    def begin(self, now: datetime) -> str:
        """Open a session; returns the cookie's value."""
        until = int((now + LASTS).timestamp())
        content = f"{secrets.token_urlsafe(_ID_BYTES)}.{until}"
        return f"{content}.{self._sign('session', content)}"

    def read(self, value: str, now: datetime) -> Session | None:
        """Give the session of a cookie's value; None for any value that is not ours, or not any more."""
        content, _, signature = value[:_LONGEST].rpartition(".")
        if not self.usable or not same(signature, self._sign("session", content)):
            return None
        name, _, until = content.partition(".")
        session = Session(name, datetime.fromtimestamp(int(until), UTC))  # ours: it was signed
        return session if now < session.until and name not in self._left else None

    def end(self, session: Session, now: datetime) -> None:
        """End a session before its time, in whatever browser it is kept."""
        for name in [name for name, until in tuple(self._left.items()) if until < now]:
            self._left.pop(name, None)
        self._left[session.id] = session.until

    def form_token(self, session: Session) -> str:
        """What each form of a session's pages holds (CSRF)."""
        return self._sign("form", session.id)

    def is_form_token(self, session: Session, given: str) -> bool:
        """Whether a form came from a page of this session."""
        return same(given, self.form_token(session))

    @cached_property
    def _key(self) -> bytes:
        """Slow on purpose: who finds a cookie cannot try words out until one gives its signature."""
        return hashlib.scrypt(self.token.encode(), salt=b"publisher admin sessions", n=2**14, r=8, p=1, dklen=32)

    def _sign(self, purpose: str, content: str) -> str:
        return urlsafe_b64encode(_hash(self._key, f"{purpose}:{content}")).decode("ascii").rstrip("=")


def cookie_name(scheme: str, client: str, headers: Mapping[str, str]) -> str:
    """Name the cookie for a request; empty where none may be set, since others could read it on its way.

    ``client`` is the address that the request came from. Without https only a browser on this machine, with no
    proxy between, gets one: a proxy that nobody trusts may be asked from anywhere.
    """
    if scheme == "https":
        return SECURE
    between = any(name in headers for name in _PROXIES)
    return PLAIN if is_loopback(client) and is_loopback(_without_port(headers.get("host", ""))) and not between else ""


def set_cookie(name: str, value: str, lasts: timedelta = LASTS) -> str:
    """The header that makes a browser keep a session; an empty value makes it forget."""
    age = int(lasts.total_seconds()) if value else 0
    secure = "; Secure" if name == SECURE else ""
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"


def cookie_in(header: str, name: str) -> str:
    """The value of a cookie of ours in a Cookie header; empty where there is none.

    Other sites' cookies stand there, too: nothing of them is read, however long and oddly quoted they are.
    """
    for pair in header.split(";"):
        its_name, _, value = pair.partition("=")
        if its_name.strip() == name:
            return value.strip()
    return ""


def from_our_pages(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether a POST was caused by a page of ours, as far as the browser tells: no page can make it lie.

    Where it says nothing of sites (Fetch Metadata), the origin must be that of ``public_url``, or of this machine
    where there is none. A browser that tells nothing at all is believed: the form's own token stands behind this.
    """
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "").lower()
    if site or not origin:
        return site in {"", "same-origin"}
    if not public_url:
        return is_loopback(_host(origin))
    return origin == f"{urlsplit(public_url).scheme}://{urlsplit(public_url).netloc}".lower()


def _host(origin: str) -> str:
    return _without_port(origin.partition("://")[2])


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _hash(key: bytes, content: str) -> bytes:
    return hmac.digest(key, content.encode("utf-8", "surrogatepass"), "sha256")
