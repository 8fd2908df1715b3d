"""The door of the author's pages: who comes, who is let in, and what is said to all others. See sessions.py.

Without a token there is no door: nothing is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from publisher.errors import OutputError, PublisherError, UsageError
from publisher.tokens import admin_token_fault
from publisher.web import sessions
from publisher.web.limits import MINUTE, Limit
from publisher.web.proxies import network_of
from publisher.web.rendering import web_root

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from publisher.web.context import Context
    from publisher.web.sessions import Session, Sessions

    Fields = Mapping[str, str]
    Looks = Callable[[Request, Session], Response]
    Does = Callable[[Request, Session, Fields], Response]
    Refuses = Callable[[PublisherError, Request, Session], Response]

ATTEMPTS, ATTEMPTS_IN_ALL = 5, 30  # a minute: of one network, and of all
MOST_BYTES = 16_384  # of a form
WRONG = "That is not the token."
MANY = "Too many attempts. Try again in a minute."
OPEN_ROAD = (
    "Open this page by https: on its way over plain http the token could be read by others. If a proxy before "
    "Publisher speaks https, name it in [web] trusted_proxies."
)
STRANGE = "That form did not come from these pages, or from a session that has ended. Try again from here."

# What the log hears; people appear as somebody.
CAME, LEFT = "Somebody logged in to the admin pages.", "Somebody logged out of the admin pages."
REFUSED = "A login to the admin pages was refused: the token was wrong."
TOO_MANY = "A login to the admin pages was refused: there were too many attempts."
FOREIGN = "A form of the admin pages was refused: it came from elsewhere, or from another session."
STRANGER = "Something was asked of the admin pages by somebody who is not logged in."

PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}  # forms tell where they come from


@dataclass(slots=True)
class Door:
    """Lets in whoever has a session, and gives one to whoever has the token."""

    context: Context
    sessions: Sessions
    attempts: Limit = field(default_factory=lambda: Limit(MINUTE))

    # Who may look

    def shown(self, looks: Looks) -> Callable[[Request], Response]:
        """A page for who is logged in; others get the way in. What goes wrong is said on a page."""

        def endpoint(request: Request) -> Response:
            closed = self.closed()
            if closed is not None:
                return closed
            session = self.session(request)
            if session is None:
                return self.to("admin/login")
            try:
                return looks(request, session)
            except PublisherError as fault:
                return self.fault(fault, session)

        return endpoint

    def done(self, does: Does, refused: Refuses | None = None) -> Callable[[Request], Awaitable[Response]]:
        """What a form of a session's own pages asks for. ``refused`` says what could not be done, where it is given."""

        def asked(request: Request, fields: Fields) -> Response:
            session = self.session(request)
            if session is None:
                self.context.say(STRANGER)
                return self.to("admin/login")
            if not self._is_ours(request) or not self.sessions.is_form_token(session, fields.get("form", "")):
                self.context.say(FOREIGN)
                return self.page("fault", session, 403, words=STRANGE, remedy="")
            try:
                return does(request, session, fields)
            except PublisherError as fault:
                return refused(fault, request, session) if refused else self.fault(fault, session)

        return self.posted(asked)

    def posted(self, does: Callable[[Request, Fields], Response]) -> Callable[[Request], Awaitable[Response]]:
        """Read a form, and do in a thread what it asks for."""

        async def endpoint(request: Request) -> Response:
            fault = self.closed()
            if fault is not None:
                return fault
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    raise HTTPException(413)
            return await run_in_threadpool(does, request, _fields(body))

        return endpoint

    def closed(self) -> Response | None:
        """What is answered where there is no way in at all: as if there were nothing, where no token is set."""
        if not self.context.admin_token:
            raise HTTPException(404)
        fault = admin_token_fault(self.context.admin_token)
        return self.page("fault", None, 503, words=f"{fault.message}.", remedy=fault.remedy) if fault else None

    def session(self, request: Request) -> Session | None:
        """Who asks, if it is somebody who was let in."""
        name = self._cookie(request)
        value = sessions.cookie_in("; ".join(request.headers.getlist("cookie")), name)
        return self.sessions.read(value, self.context.now()) if name else None

    def _cookie(self, request: Request) -> str:
        client = request.client.host if request.client else ""
        return sessions.cookie_name(request.url.scheme, client, request.headers)

    def _is_ours(self, request: Request) -> bool:
        return sessions.from_our_pages(request.headers, self.context.settings().web.public_url)

    # In and out

    def to_overview(self, request: Request) -> Response:
        """The address with a slash too many."""
        del request
        return self.closed() or self.to("admin")

    def login_form(self, request: Request) -> Response:
        """The way in."""
        fault = self.closed()
        if fault is not None:
            return fault
        if self.session(request) is not None:
            return self.to("admin")
        if not self._cookie(request):
            return self.page("fault", None, 403, words=OPEN_ROAD, remedy="")
        return self.page("login", None, words="")

    def login(self, request: Request, fields: Fields) -> Response:
        """Begin a session for who has the token."""
        cookie = self._cookie(request)
        if not cookie:
            return self.page("fault", None, 403, words=OPEN_ROAD, remedy="")
        if not self._is_ours(request):
            self.context.say(FOREIGN)
            return self.page("login", None, 403, words=STRANGE)
        if not self._may_try(request):
            self.context.say(TOO_MANY)
            return self.page("login", None, 429, {"Retry-After": "60"}, words=MANY)
        if not self.sessions.admits(fields.get("token", "")):
            self.context.say(REFUSED)
            return self.page("login", None, 403, words=WRONG)
        before, now = self.session(request), self.context.now()
        if before is not None:  # this browser's last one, which the new cookie takes the place of
            self.sessions.end(before, now)
        self.context.say(CAME)
        answer = self.to("admin")
        answer.headers.append("Set-Cookie", sessions.set_cookie(cookie, self.sessions.begin(now)))
        return answer

    def logout(self, request: Request, session: Session, fields: Fields) -> Response:
        """End a session, here and wherever else its cookie may be."""
        del fields
        self.sessions.end(session, self.context.now())
        self.context.say(LEFT)
        answer = self.to("admin/login")
        answer.headers["Clear-Site-Data"] = '"cache"'  # what the back button might show
        answer.headers.append("Set-Cookie", sessions.set_cookie(self._cookie(request), ""))
        return answer

    def _may_try(self, request: Request) -> bool:
        network = network_of(request.client.host if request.client else "")
        now = time.monotonic()
        return not self.attempts.take(network, ATTEMPTS, now) and not self.attempts.take("", ATTEMPTS_IN_ALL, now)

    # What is said

    def fault(self, fault: PublisherError, session: Session | None) -> Response:
        """Say what went wrong."""
        return self.page("fault", session, status_of(fault), words=fault.message, remedy=fault.remedy)

    def page(
        self, name: str, session: Session | None, status: int = 200, headers: Fields | None = None, **values: Any
    ) -> Response:
        """Make one of the author's pages; one whose template is broken says so."""
        form = self.sessions.form_token(session) if session else ""
        settings = self.context.settings()
        try:
            page = self.context.pages.render(f"admin/{name}.html", settings, form=form, page=name, **values)
        except PublisherError as fault:
            if name == "fault":
                raise
            return self.fault(fault, session)
        return HTMLResponse(page, status, {**PRIVATE, **(headers or {})})

    def to(self, path: str) -> Response:
        """Send a browser on to another page."""
        return RedirectResponse(f"{web_root(self.context.settings())}{path}", 303, PRIVATE)


def status_of(fault: PublisherError) -> int:
    """404 for what does not exist, 503 for what does not work now."""
    return 404 if isinstance(fault, (UsageError, OutputError)) else 503


def _fields(body: bytes) -> dict[str, str]:
    """The first value of each field of a form (application/x-www-form-urlencoded)."""
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return dict(reversed(pairs))
