"""The archive over HTTP: past issues as pages, as a feed and as JSON.

What is private, held or unknown gives the same 404. Everything has an ETag; Last-Modified is when this process
first saw the bytes, so that it moves with them and with nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publisher.flows import archive
from publisher.web import faults
from publisher.web.documents import content_tag
from publisher.web.kept import kept
from publisher.web.rendering import web_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from publisher.flows.archive import Page, PastIssue
    from publisher.model.feed import Format
    from publisher.model.settings import DigestSettings, Settings
    from publisher.web.context import Context

NEWEST = 10  # issues of each digest on the page of all
FRESH = "public, max-age=60"
HTML = "text/html; charset=utf-8"
DIGITS = 10  # of a number that may be looked for

# A mail has its styles in itself, and pictures from wherever its author has them.
POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


def routes(context: Context) -> list[BaseRoute]:
    """The routes of the archive, below public_url's path."""
    shown = _Archive(context)
    feeds = [
        Route(f"/issues/{{digest}}/{name}", shown.feed(wanted), name=f"issues-{wanted.value}")
        for wanted, name in archive.PATHS.items()
    ]
    return [
        Route("/issues", shown.to_all),
        Route("/issues/", shown.all),
        Route("/issues/{digest}", shown.to_digest),
        Route("/issues/{digest}/", shown.digest),
        *feeds,
        Route("/issues/{digest}/{number}", shown.issue),
        Route("/issues/{digest}/{number}/", shown.to_issue),
        Route("/api/issues", shown.all_as_json),
        Route("/api/issues/{digest}/{number}", shown.issue_as_json),
    ]


@dataclass(slots=True)
class _Archive:
    """The answers. ``seen`` holds of each page its last ETag and when that was first given, in seconds of the epoch."""

    context: Context
    seen: dict[str, tuple[bytes, int]] = field(default_factory=dict)

    def to_all(self, request: Request) -> Response:
        del request
        return self._moved("issues/")

    def to_digest(self, request: Request) -> Response:
        return self._moved(f"issues/{self._digest(request).name}/")

    def to_issue(self, request: Request) -> Response:
        page = self._page(request)
        return self._moved(f"issues/{page.issue.digest}/{page.issue.number}")

    def all(self, request: Request) -> Response:
        settings = self.context.settings()
        digests = archive.archived(settings)
        if len(digests) == 1:
            return self._listing(request, digests[0])
        found = archive.past_issues(self.context.store, settings)
        lists = [
            _list(settings, digest, [one for one in found if one.digest == digest.name], NEWEST, title=digest.title)
            for digest in digests
        ]
        page = self.context.pages.render("issues.html", settings, heading="Past issues", lists=lists)
        return self._answer(request, page)

    def digest(self, request: Request) -> Response:
        return self._listing(request, self._digest(request))

    def _listing(self, request: Request, digest: DigestSettings) -> Response:
        settings = self.context.settings()
        found = archive.past_issues(self.context.store, settings, digest.name)
        page = self.context.pages.render(
            "issues.html", settings, heading=digest.title, lists=[_list(settings, digest, found, len(found))]
        )
        return self._answer(request, page)

    def issue(self, request: Request) -> Response:
        settings, page = self.context.settings(), self._page(request)
        name, number = page.issue.digest, page.issue.number
        before, after = archive.neighbours(archive.past_issues(self.context.store, settings, name), number)
        made = self.context.pages.render(
            "issue.html",
            settings,
            page=page.parts,
            title=page.issue.title,
            all=_path(settings, name),
            canonical=archive.page_url(settings, name, number),
            feeds=_feeds(settings, name),
            before=_path(settings, name, before.number) if before else "",
            after=_path(settings, name, after.number) if after else "",
        )
        return self._answer(request, made, policy=POLICY)

    def feed(self, wanted: Format) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            made = archive.feed(self.context.store, self.context.settings(), request.path_params["digest"], wanted)
            if made is None:
                raise HTTPException(404)
            return self._answer(request, made, f"{wanted.media_type}; charset=utf-8")

        return answer

    def all_as_json(self, request: Request) -> Response:
        settings = self.context.settings()
        found = archive.past_issues(self.context.store, settings)
        return self._json(request, {"issues": [_as_json(settings, one) for one in found]})

    def issue_as_json(self, request: Request) -> Response:
        try:
            page = self._page(request)
        except HTTPException:
            return faults.as_json(404, "There is no such issue.", f"See {web_root(self.context.settings())}api/issues.")
        settings, name = self.context.settings(), page.issue.digest
        before, after = archive.neighbours(archive.past_issues(self.context.store, settings, name), page.issue.number)
        return self._json(
            request,
            {
                **_as_json(settings, page.issue),
                "contents": [{"title": title, "url": url} for title, url in page.contents],
                "previous": before.number if before else None,
                "next": after.number if after else None,
                "html": page.html,
                "text": page.text,
            },
        )

    def _digest(self, request: Request) -> DigestSettings:
        found = archive.find_archived(self.context.settings(), request.path_params["digest"])
        if found is None:
            raise HTTPException(404)
        return found

    def _page(self, request: Request) -> Page:
        number = _number(request.path_params["number"])
        page = archive.page(self.context.store, self.context.settings(), request.path_params["digest"], number)
        if page is None:
            raise HTTPException(404)
        return page

    def _moved(self, path: str) -> Response:
        """There for good. The path alone: of the host we know no more than the visitor told us."""
        return RedirectResponse(web_root(self.context.settings()) + path, 301, {"Cache-Control": FRESH})

    def _json(self, request: Request, value: Any) -> Response:
        return self._answer(request, bytes(JSONResponse(value).body), "application/json")

    def _answer(self, request: Request, body: str | bytes, media_type: str = HTML, *, policy: str = "") -> Response:
        data = body.encode() if isinstance(body, str) else body
        since = self._since(request.url.path, content_tag(data))
        answer = kept(request.scope, data, media_type, since, FRESH, self._seconds)
        if policy:
            answer.headers.update({"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})
        return answer

    def _since(self, path: str, tag: bytes) -> int:
        """Since when these bytes are given for a path, in seconds of the epoch."""
        known, since = self.seen.get(path, (b"", 0))
        if known != tag:
            since = int(self._seconds())
            self.seen[path] = (tag, since)
        return since

    def _seconds(self) -> float:
        return self.context.now().timestamp()


def _number(written: str) -> int:
    """The number of an issue as links have it; 0, which none has, for whatever else is written there."""
    plain = written.isascii() and written.isdecimal() and not written.startswith("0") and len(written) <= DIGITS
    return int(written) if plain else 0


def _path(settings: Settings, digest: str, number: int | None = None) -> str:
    return f"{web_root(settings)}issues/{digest}/{'' if number is None else number}"


def _list(
    settings: Settings, digest: DigestSettings, found: Sequence[PastIssue], most: int, *, title: str = ""
) -> dict[str, Any]:
    """What the page says of a digest; the newest so many of its issues."""
    return {
        "title": title,
        "url": _path(settings, digest.name),
        "subscribe": f"{web_root(settings)}subscribe",
        "feeds": _feeds(settings, digest.name),
        "rows": [_row(settings, one) for one in found[:most]],
        "more": max(0, len(found) - most),
    }


def _row(settings: Settings, one: PastIssue) -> dict[str, Any]:
    return {
        "url": _path(settings, one.digest, one.number),
        "name": one.subject.removeprefix(f"{one.title}: "),  # which the page has said already
        "number": one.number,
        "date": archive.shown_date(settings, one),
        "datetime": one.at.isoformat(),
    }


def _feeds(settings: Settings, digest: str) -> list[dict[str, str]]:
    if not settings.web_public_url:
        return []
    home = _path(settings, digest)
    return [
        {"name": wanted.label, "url": home + name, "type": wanted.media_type} for wanted, name in archive.PATHS.items()
    ]


def _as_json(settings: Settings, one: PastIssue) -> dict[str, Any]:
    """An issue for programs; its address is absolute where there is a public_url."""
    return {
        "digest": one.digest,
        "issue": one.number,
        "title": one.title,
        "subject": one.subject,
        "slot": one.at.isoformat(),
        "entries": one.entries,
        "url": archive.page_url(settings, one.digest, one.number) or _path(settings, one.digest, one.number),
    }
