"""The author's pages: how many read, how issues go, what is due. Who may see them, door.py tells.

A GET only looks; whatever changes something is a form that its own page gave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from publisher.errors import PublisherError, UsageError
from publisher.flows import archive, figures, issuing
from publisher.flows.digest import Occasion, sample
from publisher.flows.newness import find_cadence, find_digest
from publisher.web import charts, faults
from publisher.web.admin_views import issue_view, moment, parts_of, progress_json
from publisher.web.asking import issue_number
from publisher.web.door import PRIVATE, Door, status_of
from publisher.web.security import POLICY
from publisher.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from publisher.flows.issuing import Standing
    from publisher.web.context import Context
    from publisher.web.door import Does, Fields
    from publisher.web.sessions import Session

# A mail has its styles in itself, and pictures from wherever they are; it is shown without any rights.
MAIL_POLICY = (
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)

DONE = {
    "approved": "Approved.",
    "cancelled": "The issue is cancelled. What had not left comes with the next one.",
    "resumed": "The issue goes on.",
    "private": "The issue stands in no archive any more.",
    "public": "The issue stands in the archive.",
}


def routes(context: Context) -> list[BaseRoute]:
    """The routes of the author's pages, below public_url's path."""
    door = Door(context, Sessions(context.admin_token))
    pages = _Pages(context, door)
    return [
        Route("/admin", door.shown(pages.overview)),
        Route("/admin/", door.to_overview),
        Route("/admin/login", door.login_form, methods=["GET"]),
        Route("/admin/login", door.posted(door.login), methods=["POST"]),
        Route("/admin/logout", door.done(door.logout), methods=["POST"]),
        Route("/admin/feeds", door.shown(pages.feeds)),
        Route("/admin/mail", door.shown(pages.mail)),
        Route("/admin/issues/{digest}/{number}.json", pages.progress),
        Route("/admin/issues/{digest}/{number}", door.shown(pages.issue)),
        Route("/admin/issues/{digest}/{number}/cancel", door.shown(pages.before_cancel), methods=["GET"]),
        *(
            Route(f"/admin/issues/{{digest}}/{{number}}/{name}", door.done(does, pages.refused), methods=["POST"])
            for name, does in pages.actions().items()
        ),
        Route("/admin/digests/{name}/preview", door.shown(pages.preview)),
        Route("/admin/digests/{name}/preview/mail", door.shown(pages.preview_mail)),
    ]


@dataclass(slots=True)
class _Pages:
    """The answers to who is let in."""

    context: Context
    door: Door

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
        return self.door.page(
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
        return self.door.page("feeds", session, feeds=shown)

    def mail(self, request: Request, session: Session) -> Response:
        """Bounces, complaints, failures, and what people said when they left."""
        del request
        found = figures.troubles(self.context.store, self.context.now())
        titles = {one.name: one.title for one in self.context.settings().digests}
        return self.door.page("mail", session, found=found, titles=titles)

    def issue(self, request: Request, session: Session) -> Response:
        """One issue, which a script keeps up to date while it goes out."""
        return self._issue(request, session, words=DONE.get(request.query_params.get("done", ""), ""))

    def progress(self, request: Request) -> Response:
        """The same numbers for the script."""
        if self.door.closed() is not None or self.door.session(request) is None:
            return faults.as_json(401, "You are not logged in.", headers=PRIVATE)
        try:
            found = figures.standing(self.context.store, *_place(request))
            return JSONResponse(progress_json(found, self.context.settings()), headers=PRIVATE)
        except PublisherError as fault:
            return faults.as_json(status_of(fault), fault.message, fault.remedy, headers=PRIVATE)

    def before_cancel(self, request: Request, session: Session) -> Response:
        """Ask once more."""
        view = issue_view(figures.standing(self.context.store, *_place(request)), self.context.settings())
        return self.door.page("cancel", session, issue=view)

    def preview(self, request: Request, session: Session) -> Response:
        """The issue that a newcomer would get, in a frame without rights."""
        occasion = self._occasion(request)
        made = sample(occasion)
        answer = self.door.page(
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
        headers = {**PRIVATE, "Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
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
            return self.door.to(f"admin/issues/{quote(digest, safe='')}/{number}?done={done}")

        return does

    def refused(self, fault: PublisherError, request: Request, session: Session) -> Response:
        """What could not be done is said where it was asked for, with how things stand now."""
        if isinstance(fault, UsageError) and "number" in request.path_params:
            try:
                return self._issue(request, session, 409, words=_said(fault))
            except PublisherError as worse:
                return self.door.fault(worse, session)
        return self.door.fault(fault, session)

    # What pages are made of

    def _issue(self, request: Request, session: Session, status: int = 200, *, words: str) -> Response:
        standing, settings = self._standing(request), self.context.settings()
        view = issue_view(standing, settings)
        bar = charts.progress_bar("progress", f"How far {view.title} is", parts_of(standing))
        digest = next((one for one in settings.digests if one.name == view.digest), None)
        archived = digest is not None and digest.archive
        return self.door.page("issue", session, status, issue=view, bar=bar, words=words, archived=archived)

    def _standing(self, request: Request) -> Standing:
        return issuing.show(self.context.store, *_place(request))

    def _occasion(self, request: Request) -> Occasion:
        settings, now = self.context.settings(), self.context.now()
        digest = find_digest(settings, request.path_params["name"])
        asked = request.query_params.get("cadence", "")
        cadence = find_cadence(digest, asked or digest.cadences[0][0])
        return Occasion(settings, digest, cadence, self.context.folder, self.context.items(now), now)


def _place(request: Request) -> tuple[str, int]:
    digest, number = str(request.path_params["digest"]), issue_number(str(request.path_params["number"]))
    if not number or not digest.isprintable():  # PostgreSQL would not be asked for NUL
        raise UsageError("there is no such issue")
    return digest, number


def _said(fault: PublisherError) -> str:
    return f"{fault.message[:1].upper()}{fault.message[1:]}."
