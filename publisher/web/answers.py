"""Requests for the output, answered from a shelf: which document, in which form, and how much of it.

``answer`` is on the way of every feed reader's every look, and made to cost a few microseconds: of the headers it
reads those that matter, and what it gives was mostly made when the document was read (documents.py).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from publisher.web.conditional import GO_ON, IF_RANGE, NOT_MODIFIED, judge, range_holds
from publisher.web.documents import Answer, Document, FilePart, plain
from publisher.web.negotiation import preferred
from publisher.web.ranges import UNSATISFIABLE, content_range, wanted
from publisher.web.shelf import Redirect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from publisher.web.documents import Form
    from publisher.web.ranges import Range
    from publisher.web.shelf import Shelf

__all__ = ["Answer", "FilePart", "Request", "answer", "answer_with", "not_found"]

_ACCEPT_ENCODING, _RANGE = b"accept-encoding", b"range"
_CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since"})
_READ = _CONDITIONS | {_ACCEPT_ENCODING, _RANGE, IF_RANGE}
_METHODS = frozenset({b"GET", b"HEAD", "GET", "HEAD"})
_HEAD = frozenset({b"HEAD", "HEAD"})
_NO_STORE, _NO_CACHE = (b"cache-control", b"no-store"), (b"cache-control", b"no-cache")
_VARY = (b"vary", b"accept-encoding")

_NOT_ALLOWED = plain(405, "This can only be read.", (b"allow", b"GET, HEAD"), _NO_STORE)
_NOT_ACCEPTABLE = plain(406, "It cannot be sent in a way that the request accepts.", _VARY, _NO_STORE)
_MISMATCH = plain(412, "It is not what the request expects it to be.", _NO_STORE)
_NOT_FOUND = plain(404, "There is nothing at this address.", _NO_CACHE)
_GONE = plain(410, "What was here was taken away.", _NO_CACHE)
_OF_A_FILE = frozenset({b"etag", b"last-modified", b"cache-control"})


class Request(NamedTuple):
    """What is asked. ``path`` is percent-encoded, as it came; the headers' names are in lower case."""

    method: bytes | str
    path: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()


def answer(shelf: Shelf, request: Request, now: Callable[[], float] = time.time) -> Answer | None:
    """Answer a request for something that is in the output; None if nothing is there. ``now``: seconds of the epoch."""
    found = shelf.find(request.path)
    return None if found is None else answer_with(found, request, now)


def answer_with(found: Document | Redirect, request: Request, now: Callable[[], float] = time.time) -> Answer | None:
    """Answer with what was found at a request's path; None if that is a file which is there no more."""
    if isinstance(found, Redirect):
        return found.answer if request.method in _METHODS else _NOT_ALLOWED
    if found.content is None:
        present = found.present(now())
        if present is None:
            return None
        found = present
    if request.method not in _METHODS:
        return _NOT_ALLOWED
    given = _given(request.headers)
    if request.method in _HEAD:
        given.pop(_RANGE, None)  # it means nothing here (RFC 9110, 14.2)
        return _said(found, given, now)._replace(body=b"")
    return _said(found, given, now)


def _said(document: Document, given: Mapping[bytes, bytes], now: Callable[[], float]) -> Answer:
    """The answer to a GET."""
    form = document.form(preferred(given.get(_ACCEPT_ENCODING)))
    if form is None:
        return _NOT_ACCEPTABLE
    if not _CONDITIONS.isdisjoint(given):
        verdict = judge(given, form.tag, document.modified, now)
        if verdict is not GO_ON:
            return form.unchanged if verdict is NOT_MODIFIED else _MISMATCH
    if _RANGE in given and form is document.identity:
        part = wanted(given[_RANGE], form.size)
        if part and range_holds(given.get(IF_RANGE), form.tag, document.modified, now):
            return _part(form, part)
    return form.whole


def _given(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that matter; those that come more than once are one list (RFC 9110, 5.3)."""
    given: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            given[name] = value if name not in given else given[name] + b", " + value
    return given


def _part(form: Form, part: Range) -> Answer:
    if part is UNSATISFIABLE:
        return plain(416, "It is shorter than that.", (b"content-range", content_range(part, form.size)), _NO_STORE)
    body, length = form.whole.body, part.stop - part.start
    headers = (
        *form.part,
        (b"content-range", content_range(part, form.size)),
        (b"content-length", b"%d" % length),
    )
    if isinstance(body, FilePart):
        return Answer(206, headers, body._replace(start=part.start, length=length))
    return Answer(206, headers, body[part.start : part.stop])


def not_found(shelf: Shelf, request: Request) -> Answer:
    """Say that there is nothing, or nothing any more (RFC 9110, 15.5.11).

    That is said with the site's own 404.html, where it has one, or in plain words.
    """
    page, said = shelf.not_found, _GONE if shelf.is_gone(request.path) else _NOT_FOUND
    if page is not None and page.content is not None:
        form = page.form(preferred(_given(request.headers).get(_ACCEPT_ENCODING))) or page.identity
        headers = tuple(pair for pair in form.whole.headers if pair[0] not in _OF_A_FILE)
        said = Answer(said.status, (*headers, _NO_CACHE), form.whole.body)
    return said._replace(body=b"") if request.method in _HEAD else said
