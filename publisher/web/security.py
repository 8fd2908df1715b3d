"""What every answer says that is not from the output: nothing from elsewhere, no frame around it, no copy kept.

The Host header is a visitor's word. Nothing is ever built of it: the application sees the host of public_url in its
place, and an address that is made of that is sent without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FEATURES = ("accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb")
_ALWAYS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # tokens stand in paths
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", ", ".join(f"{feature}=()" for feature in _FEATURES).encode()),
    (b"cache-control", b"no-store"),
)
_HTTPS = (b"strict-transport-security", b"max-age=31536000")  # of this host: others of its domain are not ours
_NOWHERE = "localhost"


class Secured:
    """ASGI, to be put around the whole application. A header that an answer has already is left as it is.

    ``public_url`` is that of [web]; empty: no host, and no word about HTTPS.
    """

    def __init__(self, app: ASGIApp, public_url: str = "") -> None:
        parts = urlsplit(public_url)
        self._app = app
        self._host = (parts.netloc or _NOWHERE).encode("latin-1")
        self._headers = (*_ALWAYS, _HTTPS) if parts.scheme == "https" else _ALWAYS
        self._origins = tuple(scheme + self._host for scheme in (b"http://", b"https://"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request without its Host, and the answer with what it must say."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._complete(message.get("headers", ()))}
            await send(message)

        kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
        await self._app({**scope, "headers": [(b"host", self._host), *kept]}, receive, secured)

    def _complete(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = [self._local(name.lower(), value) for name, value in headers]
        names = {name for name, _ in given}
        return [*given, *(pair for pair in self._headers if pair[0] not in names)]

    def _local(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name == b"location":
            for origin in self._origins:
                if value.startswith(origin + b"/"):  # two slashes would begin another host's address
                    return name, b"/" + value[len(origin) :].lstrip(b"/\\")
        return name, value
