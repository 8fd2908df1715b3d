"""The author's pages: how many read, how issues go, what is due. Behind the token, see sessions.py.

Without a token they are not there. A GET only looks; whatever changes something is a form that its own page gave out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publisher.errors import OutputError, PublisherError, UsageError
from publisher.flows import archive, figures, issuing
from publisher.flows.digest import Occasion, sample
from publisher.flows.newness import find_cadence, find_digest
from publisher.tokens import admin_token_fault
from publisher.web import charts, faults, sessions
from publisher.web.admin_views import issue_view, moment, parts_of, progress_json
from publisher.web.limits import MINUTE, Limit
from publisher.web.proxies import network_of
from publisher.web.rendering import web_root
from publisher.web.security import POLICY
from publisher.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from publisher.flows.issuing import Standing
    from publisher.web.context import Context
    from publisher.web.sessions import Session

    Fields = Mapping[str, str]
    Looks = Callable[[Request, Session], Response]
    Does = Callable[[Request, Session, Fields], Response]

ATTEMPTS, ATTEMPTS_IN_ALL = 5, 30  # a minute: of one network, and of all
MOST_BYTES = 16_384  # of a form
DIGITS = 10  # of an issue's number
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

# A mail has its styles in itself, and pictures from wherever they are; it is shown without any rights.
MAIL_POLICY = (
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}  # forms tell where they come from

DONE = {
    "approved": "Approved.",
    "cancelled": "The issue is cancelled. What had not left comes with the next one.",
    "resumed": "The issue goes on.",
    "private": "The issue stands in no archive any more.",
    "public": "The issue stands in the archive.",
}


def routes(context: Context) -> list[BaseRoute]:
    """The routes of the author's pages, below public_url's path."""
    pages = _Pages(context, Sessions(context.admin_token))
    return [
        Route("/admin", pages.shown(pages.overview)),
        Route("/admin/", pages.to_overview),
        Route("/admin/login", pages.login_form, methods=["GET"]),
        Route("/admin/login", pages.posted(pages.login), methods=["POST"]),
        Route("/admin/logout", pages.done(pages.logout), methods=["POST"]),
        Route("/admin/feeds", pages.shown(pages.feeds)),
        Route("/admin/mail", pages.shown(pages.mail)),
        Route("/admin/issues/{digest}/{number}.json", pages.progress),
        Route("/admin/issues/{digest}/{number}", pages.shown(pages.issue)),
        Route("/admin/issues/{digest}/{number}/cancel", pages.shown(pages.before_cancel), methods=["GET"]),
        *(
            Route(f"/admin/issues/{{digest}}/{{number}}/{name}", pages.done(does), methods=["POST"])
            for name, does in pages.actions().items()
        ),
        Route("/admin/digests/{name}/preview", pages.shown(pages.preview)),
        Route("/admin/digests/{name}/preview/mail", pages.shown(pages.preview_mail)),
    ]


@dataclass(slots=True)
class _Pages:
    """The answers."""

    context: Context
    sessions: Sessions
    attempts: Limit = field(default_factory=lambda: Limit(MINUTE))

    # Who may look

    def shown(self, looks: Looks) -> Callable[[Request], Response]:
        """A page for who is logged in; others get the way in. What goes wrong is said on a page."""

        def endpoint(request: Request) -> Response:
            closed = self._closed()
            if closed is not None:
                return closed
            session = self._session(request)
            if session is None:
                return self._to("admin/login")
            try:
                return looks(request, session)
            except PublisherError as fault:
                return self._fault(fault, session)

        return endpoint

    def done(self, does: Does) -> Callable[[Request], Awaitable[Response]]:
        """What a form of a session's own pages asks for."""

        def asked(request: Request, fields: Fields) -> Response:
            session = self._session(request)
            if session is None:
                self.context.say(STRANGER)
                return self._to("admin/login")
            if not self._is_ours(request) or not self.sessions.is_form_token(session, fields.get("form", "")):
                self.context.say(FOREIGN)
                return self._page("fault", session, 403, words=STRANGE, remedy="")
            try:
                return does(request, session, fields)
            except PublisherError as fault:
                return self._refused(fault, request, session)

        return self.posted(asked)

    def posted(self, does: Callable[[Request, Fields], Response]) -> Callable[[Request], Awaitable[Response]]:
        """Read a form, and do in a thread what it asks for."""

        async def endpoint(request: Request) -> Response:
            fault = self._closed()
            if fault is not None:
                return fault
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    raise HTTPException(413)
            return await run_in_threadpool(does, request, _fields(body))

        return endpoint

    def _closed(self) -> Response | None:
        """What is answered where there is no way in at all: as if there were nothing, where no token is set."""
        if not self.context.admin_token:
            raise HTTPException(404)
        fault = admin_token_fault(self.context.admin_token)
        return self._page("fault", None, 503, words=f"{fault.message}.", remedy=fault.remedy) if fault else None

    def _session(self, request: Request) -> Session | None:
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
        return self._closed() or self._to("admin")

    def login_form(self, request: Request) -> Response:
        """The way in."""
        fault = self._closed()
        if fault is not None:
            return fault
        if self._session(request) is not None:
            return self._to("admin")
        if not self._cookie(request):
            return self._page("fault", None, 403, words=OPEN_ROAD, remedy="")
        return self._page("login", None, words="")

    def login(self, request: Request, fields: Fields) -> Response:
        """Begin a session for who has the token."""
        cookie = self._cookie(request)
        if not cookie:
            return self._page("fault", None, 403, words=OPEN_ROAD, remedy="")
        if not self._is_ours(request):
            self.context.say(FOREIGN)
            return self._page("login", None, 403, words=STRANGE)
        if not self._may_try(request):
            self.context.say(TOO_MANY)
            return self._page("login", None, 429, {"Retry-After": "60"}, words=MANY)
        if not self.sessions.admits(fields.get("token", "")):
            self.context.say(REFUSED)
            return self._page("login", None, 403, words=WRONG)
        before, now = self._session(request), self.context.now()
        if before is not None:  # this browser's last one, which the new cookie takes the place of
            self.sessions.end(before, now)
        self.context.say(CAME)
        answer = self._to("admin")
        answer.headers.append("Set-Cookie", sessions.set_cookie(cookie, self.sessions.begin(now)))
        return answer

    def logout(self, request: Request, session: Session, fields: Fields) -> Response:
        """End a session, here and wherever else its cookie may be."""
        del fields
        self.sessions.end(session, self.context.now())
        self.context.say(LEFT)
        answer = self._to("admin/login")
        answer.headers["Clear-Site-Data"] = '"cache"'  # what the back button might show
        answer.headers.append("Set-Cookie", sessions.set_cookie(self._cookie(request), ""))
        return answer

    def _may_try(self, request: Request) -> bool:
        network = network_of(request.client.host if request.client else "")
        now = time.monotonic()
        return not self.attempts.take(network, ATTEMPTS, now) and not self.attempts.take("", ATTEMPTS_IN_ALL, now)

    # Looking

    def overview(self, request: Request, session: Session) -> Response:
        """Readers, issues, and what is due."""
        del request
        settings, now = self.context.settings(), self.context.now()
        found = figures.figures(self.context.store, settings, now)
        growth = [
            {
                "one": one,
                "paces": [each for each in found.readers if each.digest == one.digest],
                "chart": charts.line_chart(
                    f"readers-{number}",
                    f"Readers of {one.title}, the last {len(one.days)} days",
                    [(day.day, day.readers) for day in one.days],
                ),
                "days": [
                    day for at, day in enumerate(one.days) if day.joined or day.left or at in {0, len(one.days) - 1}
                ][::-1],
            }
            for number, one in enumerate(found.growth)
        ]
        return self._page(
            "overview",
            session,
            found=found,
            growth=growth,
            alive=[issue_view(one, settings) for one in found.status.alive],
            issues=[issue_view(one, settings) for one in found.issues],
            moment=partial(moment, settings=settings),
        )

    def feeds(self, request: Request, session: Session) -> Response:
        """Who reads the feeds by aggregators."""
        del request
        found = figures.feeds(self.context.store, self.context.now())
        shown = [
            {
                "one": one,
                "chart": charts.line_chart(f"feed-{number}", f"Readers of {one.feed}, the last 30 days", one.days)
                if len(one.days) > 1
                else "",
            }
            for number, one in enumerate(found)
        ]
        return self._page("feeds", session, feeds=shown)

    def mail(self, request: Request, session: Session) -> Response:
        """Bounces, complaints, failures, and what people said when they left."""
        del request
        found = figures.troubles(self.context.store, self.context.now())
        titles = {one.name: one.title for one in self.context.settings().digests}
        return self._page("mail", session, found=found, titles=titles)

    def issue(self, request: Request, session: Session) -> Response:
        """One issue, which a script keeps up to date while it goes out."""
        return self._issue(request, session, words=DONE.get(request.query_params.get("done", ""), ""))

    def progress(self, request: Request) -> Response:
        """The same numbers for the script."""
        if self._closed() is not None or self._session(request) is None:
            return faults.as_json(401, "You are not logged in.", headers=_PRIVATE)
        try:
            found = figures.standing(self.context.store, *_place(request))
            return JSONResponse(progress_json(found, self.context.settings()), headers=_PRIVATE)
        except PublisherError as fault:
            return faults.as_json(_status(fault), fault.message, fault.remedy, headers=_PRIVATE)

    def before_cancel(self, request: Request, session: Session) -> Response:
        """Ask once more."""
        view = issue_view(figures.standing(self.context.store, *_place(request)), self.context.settings())
        return self._page("cancel", session, issue=view)

    def preview(self, request: Request, session: Session) -> Response:
        """The issue that a newcomer would get, in a frame without rights."""
        occasion = self._occasion(request)
        made = sample(occasion)
        answer = self._page(
            "preview",
            session,
            digest=occasion.digest,
            cadence=occasion.cadence,
            number=made.number,
            subject=made.rendered.content.subject,
            text=made.rendered.content.text,
            entries=made.entries,
            fresh=made.fresh,
            warning=made.rendered.warning,
        )
        answer.headers["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"
        return answer

    def preview_mail(self, request: Request, session: Session) -> Response:
        """What stands in that frame."""
        del session
        headers = {**_PRIVATE, "Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        return HTMLResponse(sample(self._occasion(request)).page, headers=headers)

    # Doing

    def actions(self) -> dict[str, Does]:
        """What can be done with an issue."""
        store, now = self.context.store, self.context.now
        return {
            "approve": self._leads(lambda of, number: issuing.approve(store, of, number, now()), "approved"),
            "resume": self._leads(lambda of, number: issuing.resume(store, of, number, now()), "resumed"),
            "cancel": self._leads(lambda of, number: issuing.cancel(store, of, number, now()), "cancelled"),
            "private": self._leads(lambda of, number: archive.set_private(store, of, number, True), "private"),
            "public": self._leads(lambda of, number: archive.set_private(store, of, number, False), "public"),
        }

    def _leads(self, lead: Callable[[str, int], object], done: str) -> Does:
        def does(request: Request, session: Session, fields: Fields) -> Response:
            del session, fields
            digest, number = _place(request)
            lead(digest, number)
            self.context.wake()
            return self._to(f"admin/issues/{quote(digest, safe='')}/{number}?done={done}")

        return does

    def _refused(self, fault: PublisherError, request: Request, session: Session) -> Response:
        """What could not be done is said where it was asked for, with how things stand now."""
        if isinstance(fault, UsageError) and "number" in request.path_params:
            try:
                return self._issue(request, session, 409, words=_said(fault))
            except PublisherError as worse:
                return self._fault(worse, session)
        return self._fault(fault, session)

    # What pages are made of

    def _issue(self, request: Request, session: Session, status: int = 200, *, words: str) -> Response:
        standing, settings = self._standing(request), self.context.settings()
        view = issue_view(standing, settings)
        bar = charts.progress_bar("progress", f"How far {view.title} is", parts_of(standing))
        digest = next((one for one in settings.digests if one.name == view.digest), None)
        archived = digest is not None and digest.archive
        return self._page("issue", session, status, issue=view, bar=bar, words=words, archived=archived)

    def _standing(self, request: Request) -> Standing:
        return issuing.show(self.context.store, *_place(request))

    def _occasion(self, request: Request) -> Occasion:
        settings, now = self.context.settings(), self.context.now()
        digest = find_digest(settings, request.path_params["name"])
        asked = request.query_params.get("cadence", "")
        cadence = find_cadence(digest, asked or digest.cadences[0][0])
        return Occasion(settings, digest, cadence, self.context.folder, self.context.items(now), now)

    def _fault(self, fault: PublisherError, session: Session | None) -> Response:
        words = fault.message
        return self._page("fault", session, _status(fault), words=words, remedy=fault.remedy)

    def _page(
        self, name: str, session: Session | None, status: int = 200, headers: Fields | None = None, **values: Any
    ) -> Response:
        form = self.sessions.form_token(session) if session else ""
        settings = self.context.settings()
        try:
            page = self.context.pages.render(f"admin/{name}.html", settings, form=form, page=name, **values)
        except PublisherError as fault:
            if name == "fault":
                raise
            return self._fault(fault, session)
        return HTMLResponse(page, status, {**_PRIVATE, **(headers or {})})

    def _to(self, path: str) -> Response:
        return RedirectResponse(f"{web_root(self.context.settings())}{path}", 303, _PRIVATE)


def _place(request: Request) -> tuple[str, int]:
    digest, written = str(request.path_params["digest"]), str(request.path_params["number"])
    is_number = written.isascii() and written.isdecimal() and len(written) <= DIGITS
    if not is_number or not digest.isprintable():  # PostgreSQL would not be asked for NUL
        raise UsageError("there is no such issue")
    return digest, int(written)


def _status(fault: PublisherError) -> int:
    """404 for what does not exist, 503 for what does not work now."""
    return 404 if isinstance(fault, (UsageError, OutputError)) else 503


def _said(fault: PublisherError) -> str:
    return f"{fault.message[:1].upper()}{fault.message[1:]}."


def _fields(body: bytes) -> dict[str, str]:
    """The first value of each field of a form (application/x-www-form-urlencoded)."""
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return dict(reversed(pairs))
