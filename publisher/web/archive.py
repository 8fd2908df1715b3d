"""The archive over HTTP: past issues as pages and as a feed, and what api.py gives out of them as JSON.

What is private, held or unknown gives the same 404. Everything has an ETag; Last-Modified is when this process
first saw the bytes, so that it moves with them and with nothing else.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Route

from publisher.flows import archive
from publisher.web.asking import Page, issue_number
from publisher.web.kept import Seen, kept
from publisher.web.rendering import web_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from publisher.flows.archive import PastIssue
    from publisher.model.feed import Format
    from publisher.model.settings import DigestSettings, Settings
    from publisher.web.asking import Asked
    from publisher.web.context import Context

NEWEST = 10  # issues of each digest on the page of all
FRESH = "public, max-age=60"
HTML = "text/html; charset=utf-8"

# A mail has its styles in itself, and pictures from wherever its author has them.
POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


def routes(context: Context) -> list[BaseRoute]:
    """The routes of the archive, below public_url's path."""
    shown = _Pages()
    feeds = [
        Route(f"/issues/{{digest}}/{name}", Page(context, partial(shown.feed, wanted)), name=f"issues-{wanted.value}")
        for wanted, name in archive.PATHS.items()
    ]
    return [
        Route("/issues", Page(context, to_all)),
        Route("/issues/", Page(context, shown.all)),
        Route("/issues/{digest}", Page(context, to_digest)),
        Route("/issues/{digest}/", Page(context, shown.digest)),
        *feeds,
        Route("/issues/{digest}/{number}", Page(context, shown.issue)),
        Route("/issues/{digest}/{number}/", Page(context, to_issue)),
    ]


# Ways to the right address


def to_all(asked: Asked) -> Response:
    """Add the slash."""
    return _moved(asked, "issues/")


def to_digest(asked: Asked) -> Response:
    """Add the slash, where there is such a digest."""
    return _moved(asked, f"issues/{_digest(asked).name}/")


def to_issue(asked: Asked) -> Response:
    """Take the slash away, where there is such an issue."""
    found = past_issue(asked).issue
    return _moved(asked, f"issues/{found.digest}/{found.number}")


def _moved(asked: Asked, path: str) -> Response:
    """There for good. The path alone: of the host we know no more than the visitor told us."""
    return RedirectResponse(web_root(asked.settings) + path, 301, {"Cache-Control": FRESH})


class _Pages:
    """The pages and feeds, which remember since when they are what they are."""

    def __init__(self) -> None:
        self._seen = Seen()

    def all(self, asked: Asked) -> Response:
        """The newest issues of each digest; of a lone one, all."""
        digests = archive.archived(asked.settings)
        if len(digests) == 1:
            return self._listing(asked, digests[0])
        found = archive.past_issues(asked.context.store, asked.settings)
        lists = [
            _list(asked.settings, digest, [one for one in found if one.digest == digest.name], NEWEST, digest.title)
            for digest in digests
        ]
        return self._give(asked, asked.made("issues.html", heading="Past issues", lists=lists))

    def digest(self, asked: Asked) -> Response:
        """All issues of a digest."""
        return self._listing(asked, _digest(asked))

    def _listing(self, asked: Asked, digest: DigestSettings) -> Response:
        found = archive.past_issues(asked.context.store, asked.settings, digest.name)
        lists = [_list(asked.settings, digest, found, len(found))]
        return self._give(asked, asked.made("issues.html", heading=digest.title, lists=lists))

    def issue(self, asked: Asked) -> Response:
        """An issue as everybody may read it."""
        settings, page = asked.settings, past_issue(asked)
        name = page.issue.digest
        before, after = around(asked, page.issue)
        made = asked.made(
            "issue.html",
            page=page.parts,
            title=page.issue.title,
            all=_path(settings, name),
            canonical=archive.page_url(settings, name, page.issue.number),
            feeds=_feeds(settings, name),
            before=_path(settings, name, before.number) if before else "",
            after=_path(settings, name, after.number) if after else "",
        )
        answer = self._give(asked, made)
        answer.headers.update({"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"})
        return answer

    def feed(self, wanted: Format, asked: Asked) -> Response:
        """The feed of a digest's issues."""
        made = archive.feed(asked.context.store, asked.settings, asked.place["digest"], wanted)
        if made is None:
            raise HTTPException(404)
        return give(self._seen, asked, made, f"{wanted.media_type}; charset=utf-8")

    def _give(self, asked: Asked, page: str) -> Response:
        return give(self._seen, asked, page.encode(), HTML)


# The same as JSON, which api.py gives out


def listed(settings: Settings, one: PastIssue) -> dict[str, Any]:
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


def whole(asked: Asked) -> dict[str, Any]:
    """The issue that is asked for, with its content. Raises HTTPException where there is none."""
    page = past_issue(asked)
    before, after = around(asked, page.issue)
    return {
        **listed(asked.settings, page.issue),
        "contents": [{"title": title, "url": url} for title, url in page.contents],
        "previous": before.number if before else None,
        "next": after.number if after else None,
        "html": page.html,
        "text": page.text,
    }


# What is asked for


def give(seen: Seen, asked: Asked, content: bytes, media_type: str) -> Response:
    """Answer with what everybody may keep."""
    now = asked.now.timestamp()
    since = seen.since(asked.scope["path"], content, now)
    return kept(asked.scope, content, media_type, since, FRESH, lambda: now)


def past_issue(asked: Asked) -> archive.Page:
    """The issue that is asked for. Raises HTTPException where the archive shows none."""
    number = issue_number(asked.place["number"])
    page = archive.page(asked.context.store, asked.settings, asked.place["digest"], number)
    if page is None:
        raise HTTPException(404)
    return page


def around(asked: Asked, one: PastIssue) -> tuple[PastIssue | None, PastIssue | None]:
    """The issues before and after one."""
    return archive.neighbours(archive.past_issues(asked.context.store, asked.settings, one.digest), one.number)


def _digest(asked: Asked) -> DigestSettings:
    found = archive.find_archived(asked.settings, asked.place["digest"])
    if found is None:
        raise HTTPException(404)
    return found


def _path(settings: Settings, digest: str, number: int | None = None) -> str:
    return f"{web_root(settings)}issues/{digest}/{'' if number is None else number}"


def _list(
    settings: Settings, digest: DigestSettings, found: Sequence[PastIssue], most: int, title: str = ""
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
