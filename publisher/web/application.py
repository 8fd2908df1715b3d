"""The server as one ASGI application: the output first, our own pages below public_url's path, then a 404.

Most requests for the output never come here: the protocol answers them before any of this (protocol.py). What
does come is looked for in the output first, so that an author's own page at ``subscribe/`` stands before ours.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Router

from publisher.errors import PublisherError
from publisher.web import admin, api, archive, assets, faults, metrics, visitors
from publisher.web.answers import answer, not_found
from publisher.web.kept import asked, response
from publisher.web.limits import MINUTE, Limit
from publisher.web.proxies import Proxied
from publisher.web.rendering import web_root
from publisher.web.security import Secured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from publisher.logs import Log
    from publisher.web.context import Context
    from publisher.web.shelf import Shelf

READING = frozenset({"GET", "HEAD"})
NOWHERE = 404
WAYS_IN = ("subscribe", "preferences", "issues/", "admin", "api/digests")  # those of our pages that others lead to
AUTHORS_OWN = (b"content-security-policy", b"frame-ancestors 'self'")  # the author's page may hold what it likes
ALIKE = 10  # a minute, of faults that say the same: visitors must not fill the disk with them
AGAIN = "60"  # seconds until a visitor may try again what failed for reasons of ours
BUSY = "This does not work just now. Try again in a minute."
BROKEN = "Something went wrong here. It has been written down."


def application(
    context: Context,
    shelf: Callable[[], Shelf],
    log: Log,
    counted: metrics.Metrics,
    checks: Mapping[str, Callable[[], bool]],
) -> ASGIApp:
    """The whole of it. ``checks`` are what /readyz asks."""
    parts = (assets, visitors, archive, api, admin)
    own = [route for part in parts for route in part.routes(context)]
    pages = Application(context, shelf, log, own, metrics.routes(context, counted, checks), counted)
    return Proxied(pages, context.settings().web.trusted_proxies)


def hidden(shelf: Shelf, root: str) -> tuple[str, ...]:
    """The addresses of ours that the output has a page at, which is shown there; ``root`` is that of our pages."""
    return tuple(path for path in (f"{root}{way}" for way in WAYS_IN) if shelf.find(path.encode()) is not None)


class Application:
    """Answers what the protocol did not. ``own`` are the routes below public_url's path, ``others`` at the root."""

    def __init__(
        self,
        context: Context,
        shelf: Callable[[], Shelf],
        log: Log,
        own: Sequence[BaseRoute],
        others: Sequence[BaseRoute],
        counted: metrics.Metrics,
    ) -> None:
        self._context, self._shelf, self._log, self._said = context, shelf, log, Limit(MINUTE)
        root = unquote(web_root(context.settings())).rstrip("/")
        mounted = [Mount(root, Router(own, redirect_slashes=False, default=self._outside))] if root else list(own)
        router = Router([*others, *mounted], redirect_slashes=False, default=self._outside)
        told = _Told(router, self._fault)
        self._pages = Secured(metrics.Measured(told, counted), context.settings().web.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["method"] in READING:
            found = answer(self._shelf(), asked(scope))
            if found is not None:
                await response(found)(scope, receive, send)
                return
        await self._pages(scope, receive, send)

    async def _outside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What no page of ours is at: another method on a file of the output, or nothing."""
        await self._nothing(scope)(scope, receive, send)

    def _nothing(self, scope: Scope) -> Response:
        request, shelf = asked(scope), self._shelf()
        found = response(answer(shelf, request) or not_found(shelf, request))
        found.raw_headers.append(AUTHORS_OWN)
        return found

    def _fault(self, scope: Scope, fault: Exception) -> Response:
        """Words for the visitor; for the author, in the log, what it was."""
        if isinstance(fault, HTTPException):
            if fault.status_code == NOWHERE and not self._is_api(scope):
                return self._nothing(scope)
            return self._words(scope, fault.status_code, fault.detail, dict(fault.headers or {}))
        if not self._said.take(str(fault), ALIKE, time.monotonic()):
            self._log.fault("request", fault)
        if isinstance(fault, PublisherError):
            return self._words(scope, 503, BUSY, {"Retry-After": AGAIN})
        return self._words(scope, 500, BROKEN, {})

    def _words(self, scope: Scope, status: int, words: str, headers: dict[str, str]) -> Response:
        settings = self._context.settings()
        if self._is_api(scope):
            return faults.as_json(status, words, headers=headers)
        try:
            page = self._context.pages.render("fault.html", settings, words=words)
        except PublisherError:  # the templates may be what is wrong
            return PlainTextResponse(f"{words}\n", status, headers)
        return HTMLResponse(page, status, headers)

    def _is_api(self, scope: Scope) -> bool:
        return str(scope["path"]).startswith(f"{unquote(web_root(self._context.settings()))}api/")


class _Told:
    """ASGI: what is raised becomes an answer, unless one has begun."""

    def __init__(self, app: ASGIApp, fault: Callable[[Scope, Exception], Response]) -> None:
        self._app, self._fault = app, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:  # the server ends, and waits for it no longer
            if not begun:
                await PlainTextResponse(f"{BUSY}\n", 503, {"Retry-After": AGAIN})(scope, receive, send)
        except Exception as fault:
            if begun:
                raise
            await self._fault(scope, fault)(scope, receive, send)
