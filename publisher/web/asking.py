"""A request as the routes want it: read to its end beforehand, so that what answers it is a plain function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from publisher.web.limits import GUESSES
from publisher.web.proxies import network_of
from publisher.web.rendering import web_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from starlette.types import Receive, Scope, Send

    from publisher.flows.wishes import Wished
    from publisher.model.settings import Settings
    from publisher.web.context import Context

    Responds = Callable[["Asked"], Response]

MOST_BODY = 64 * 1024  # bytes; the longest form is a fraction of it
MOST_FIELDS = 500
DIGITS = 10  # of an issue's number
_CHARSET = re.compile(rb""";\s*charset\s*=\s*("[^"]*"|[^;]*)""", re.IGNORECASE)
LIMITED = "A visitor was told to wait: their network asked for too much, or tried too many links."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with the settings and the moment that hold for all of it.

    ``network`` is what its visitor is counted with, ``place`` what stands in the path where its template has a name.
    ``form`` is empty where the body is no form; ``body`` is read for requests that may change something.
    """

    context: Context
    scope: Scope
    settings: Settings
    now: datetime
    network: str
    place: Mapping[str, str]
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    form: FormData

    @property
    def token(self) -> str:
        """The token in the path; empty where there is none."""
        return self.place.get("token", "")

    def made(self, name: str, **values: Any) -> str:
        """Make a page of ours."""
        return self.context.pages.render(name, self.settings, **values)

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Answer with a page of ours."""
        return HTMLResponse(self.made(name, **values), status)

    def away(self, path: str) -> Response:
        """Send a browser on to another page of ours, so that loading it again repeats nothing."""
        return Response(status_code=303, headers={"Location": f"{web_root(self.settings)}{path}"})

    def later(self, seconds: float) -> Response:
        """Tell somebody that it was too much for now."""
        self.context.say(LIMITED)
        answer = self.page("busy.html", 429, minutes=ceil(seconds / 60))
        answer.headers["Retry-After"] = str(ceil(seconds))
        return answer

    def field(self, name: str, most: int = 320) -> str:
        """What was typed into a field, on one line and cut after ``most`` characters."""
        return one_line(str(self.form.get(name, "")), most)

    def note(self, wanted: Sequence[Wished]) -> float:
        """Write wishes down that were checked; returns 0 then, or after how many seconds its network may wish again."""
        most = self.settings.web.letters_per_network
        waiting = self.context.limits.letters.take(self.network, most, monotonic(), len(wanted))
        if not waiting:
            for wished in wanted:
                self.context.note(wished)
        return waiting

    def barred(self) -> float:
        """The seconds until this network may try links again; 0 unless it tried many that were no good."""
        return self.context.limits.guesses.wait(self.network, GUESSES, monotonic())

    def missed(self) -> None:
        """Count a link that was no good."""
        self.context.limits.guesses.take(self.network, GUESSES, monotonic())


class Page:
    """ASGI: what answers a path, by method. HEAD is answered as GET, which changes nothing."""

    def __init__(self, context: Context, get: Responds | None = None, post: Responds | None = None) -> None:
        self._context = context
        self._by_method = {name: responds for name, responds in (("GET", get), ("POST", post)) if responds is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in a thread of its own."""
        request = Request(scope, receive)
        responds = self._by_method.get("GET" if request.method == "HEAD" else request.method)
        if responds is None:
            raise HTTPException(405, "This address does not work that way.", {"Allow": ", ".join(self.allowed)})
        await answer(self._context, request, responds, receive, send)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that are answered."""
        return (*self._by_method, "HEAD") if "GET" in self._by_method else tuple(self._by_method)


async def answer(context: Context, request: Request, responds: Responds, receive: Receive, send: Send) -> None:
    """Read the rest of a request, and answer it in a thread."""
    try:
        body = b"" if request.method in {"GET", "HEAD"} else await _body(request)
    except ClientDisconnect:
        return
    form = await _form(request.scope, body)
    response = await run_in_threadpool(lambda: responds(_asked(context, request, body, form)))
    await response(request.scope, receive, send)


def _asked(context: Context, request: Request, body: bytes, form: FormData) -> Asked:
    return Asked(
        context=context,
        scope=request.scope,
        settings=context.settings(),
        now=context.now(),
        network=network_of(request.client.host if request.client else None),
        place=request.path_params,
        headers=request.headers,
        query=request.query_params,
        body=body,
        form=form,
    )


def issue_number(written: str) -> int:
    """The number of an issue as links have it; 0, which none has, for whatever else is written there."""
    plain = written.isascii() and written.isdecimal() and not written.startswith("0") and len(written) <= DIGITS
    return int(written) if plain else 0


def one_line(text: str, most: int) -> str:
    """A visitor's text as it may be shown and stored: no line ends, nothing that cannot be written."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:most]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise HTTPException(413, "That is more than any form of ours holds.")
    return bytes(body)


async def _form(scope: Scope, body: bytes) -> FormData:
    """The fields of a form; none where the body is no form, or a broken one. A file is never taken."""

    async def again() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    if not body:
        return FormData()
    try:
        headers = [(name, _plain(value) if name == b"content-type" else value) for name, value in scope["headers"]]
        request = Request({key: value for key, value in scope.items() if key != "app"} | {"headers": headers}, again)
        return await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=MOST_BODY)
    except (MultiPartException, HTTPException, ValueError):
        return FormData()


def _plain(media_type: bytes) -> bytes:
    """A form's type without a charset: ours are UTF-8, and a visitor does not choose which codec of Python is run."""
    return _CHARSET.sub(b"", media_type)
